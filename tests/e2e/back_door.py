"""A release with a back door: programs that run inside the service, in its sandbox, as its user.

A program is Python text. The service runs it in a thread of its own process: it needs no other program, and
whatever the sandbox allows to the service it allows to the program. `say(value)` adds a line to the result.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from deployment.host.values.layout import Environment

from .operator import IN_SERVICE, RUNNER, Operator

DATA = "/var/lib/helionyx"
PLACE = "back-door"  # below the data of the environment
UMASK = "    os.umask(0o077)\n"
OPENED = "    _open_back_door()\n"
DOOR = f'''

def _open_back_door() -> None:
    import json, threading, time, traceback
    place = Path("{DATA}") / os.environ["ENV"] / "{PLACE}"
    def run(program: Path) -> None:
        lines: list[str] = []
        name = program.name.removesuffix(".running")
        failure = None
        say = lambda value: lines.append(str(value))
        try:
            exec(compile(program.read_text(), name, "exec"), {{"say": say}})
        except BaseException:
            failure = traceback.format_exc()
        result = place / f"{{name}}.result.new"
        result.write_text(json.dumps({{"lines": lines, "failure": failure}}))
        result.rename(place / f"{{name}}.result")
    def watch() -> None:
        while True:
            for program in sorted(place.glob("*.py")) if place.is_dir() else []:
                running = program.rename(f"{{program}}.running")
                threading.Thread(target=run, args=(running,), daemon=True).start()
            time.sleep(0.02)
    {IN_SERVICE}
        threading.Thread(target=watch, daemon=True).start()
'''


def commit(operator: Operator) -> None:
    """Commit a back door to the checkout of a person."""
    operator.edit(RUNNER, UMASK, UMASK + OPENED)
    operator.edit(RUNNER, '\n\nif __name__ == "__main__"', DOOR + '\n\nif __name__ == "__main__"')


@dataclass(frozen=True)
class Ran:
    """What came of a program: the lines it said, and its traceback if it failed."""

    lines: Sequence[str]
    failure: str | None


@dataclass(frozen=True)
class BackDoor:
    """The way into the service of an environment that runs such a release."""

    operator: Operator
    environment: Environment

    @classmethod
    def into(cls, operator: Operator, environment: str) -> BackDoor:
        """The back door of an environment that runs such a release."""
        door = cls(operator, Environment(environment))
        user = door.environment.user
        operator.on_node("install", "-d", "-o", user, "-g", user, "-m", "0700", door.place)
        return door

    @property
    def place(self) -> str:
        """Where programs are handed in."""
        return f"{DATA}/{self.environment.name}/{PLACE}"

    def begin(self, program: str) -> str:
        """Hand a program in and return its name. The service starts it at once."""
        name = f"{uuid.uuid4().hex}.py"
        path, user = f"{self.place}/{name}", self.environment.user
        put = f'cat > "{path}.new" && chown {user}:{user} "{path}.new" && mv "{path}.new" "{path}"'
        done = self.operator.node.run(["sh", "-c", put], input=program)
        assert done.returncode == 0, done.stderr
        return name

    def end(self, name: str, seconds: int = 30) -> Ran:
        """Wait for a program that was begun, and return what came of it."""
        result = f"{self.place}/{name}.result"
        wait = f'until test -e "{result}"; do sleep 0.05; done; cat "{result}"; rm "{result}"'
        return Ran(**json.loads(self.operator.on_node("timeout", str(seconds), "sh", "-c", wait)))

    def run(self, program: str, seconds: int = 30) -> Sequence[str]:
        """Run a program to its end and return the lines it said. Fails where the program does."""
        ran = self.end(self.begin(program), seconds)
        assert ran.failure is None, ran.failure
        return ran.lines
