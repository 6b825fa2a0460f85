"""Runs on the node as root: try the verbs of the host half on something odd in the data of dev.

One line of JSON on standard input selects the cases: [[[[kind, place], ...], [verb, ...]], ...]. One line of
JSON for each verb that was tried goes to standard output, with the flaws that it showed: none, where all is
well. A verb runs in a process of its own, and the conversation with it goes over pipes: no login is needed.
"""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import traceback
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .oddities import CANARY, DIRECTORIES, INTO, MODES, NEIGHBOUR, OPT, PLACES, laid, prepare, reset

HALF = max(Path("/opt/helionyx/host").glob("*.pyz"), key=lambda path: path.stat().st_mtime)
sys.path.insert(0, str(HALF))
from host.node.wire import Wire  # type: ignore[import-not-found]  # noqa: E402
from host.records.locks import holder  # type: ignore[import-not-found]  # noqa: E402
from host.session import converse  # type: ignore[import-not-found]  # noqa: E402
from host.values.layout import Layout  # type: ignore[import-not-found]  # noqa: E402

ACTOR = {"name": "Ada", "login": "root"}
LIMITS = {"status": 30.0, "doctor": 90.0}  # seconds; of any other verb:
LIMIT = 150.0
WORKS = ("status", "doctor", "stop", "remove", "delete")  # the verbs that nothing may refuse


def request(verb: str) -> dict[str, Any]:
    """The request of a verb. `delete` removes with the data; `another` deploys the release before."""
    releases = sorted(path.name for path in (OPT / "releases").iterdir() if not path.name.startswith("."))
    here = (OPT / "current").readlink().name
    other = next(name for name in releases if name != here)
    about = {"environment": "dev", "actor": ACTOR, "soak": 0}
    match verb:
        case "status":
            return {"verb": verb, "environments": ["dev", "staging", "live"]}
        case "doctor":
            rest = {"wanted": {}, "project": "helionyx", "unconfigured": []}
            return {"verb": verb, "environments": ["dev", "staging", "live"], **rest}
        case "delete" | "remove":
            return {**about, "verb": "remove", "delete": verb == "delete"}
        case "deploy" | "another":
            name = here if verb == "deploy" else other
            manifest = json.loads((OPT / "releases" / name / "manifest.json").read_bytes())
            return {**about, "verb": "deploy", "release": manifest, "insist": True}
        case "restore":
            return {**about, "verb": verb, "log": {"kept": PLACES["archived"].name}}
        case "redact":
            return {**about, "verb": verb, "position": _say(), "reason": "tried"}
    return {**about, "verb": verb}


def _say() -> int:
    """Say something to the service of dev, as one of its people; the position of the event."""
    text = (OPT / "current/.env.dev").read_text()
    token = next(line for line in text.splitlines() if line.startswith("API_TOKEN=")).partition("=")[2]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"text": "hunter2"}).encode()
    asked = urllib.request.Request("http://127.0.0.1:8000/api/v1/messages", data=body, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
            return int(json.loads(answer.read())["position"])
    except OSError:  # it takes no message over what was laid
        return 1


def carry_out(verb: str) -> dict[str, Any]:
    """Let a process of its own have the conversation of a verb; its result, its words and its seconds."""
    while holder(Layout(), "dev"):  # a transaction lets go of its lock a moment after its result
        time.sleep(0.01)
    asked, heard = os.pipe(), os.pipe()
    errors = os.memfd_create("errors")
    os.write(asked[1], json.dumps(request(verb)).encode() + b"\n")
    begun, limit = time.monotonic(), LIMITS.get(verb, LIMIT)
    child = os.fork()
    if not child:
        os.dup2(errors, 2)
        os.setpgid(0, 0)
        os.close(heard[0])
        code = 1
        try:
            code = converse(Layout(), Wire(asked[0], heard[1]), HALF)
        except BaseException:  # noqa: BLE001  it is told
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(heard[1])
    said, late = b"", False
    while not late:
        ready, _, _ = select.select([heard[0]], [], [], max(0.0, begun + limit - time.monotonic()))
        late = not ready
        data = os.read(heard[0], 1 << 16) if ready else b""
        said += data
        if ready and not data:
            break
    if late:
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for descriptor in (*asked, heard[0]):
        os.close(descriptor)
    text = os.pread(errors, 1 << 20, 0).decode(errors="replace")
    os.close(errors)
    _, begin, last = said.rpartition(b'{"type": "result"')  # what a backup sends in front of it is no JSON
    result = json.loads(begin + last) if begin else {}
    return {"late": late, "words": text, "seconds": round(time.monotonic() - begun, 2), "result": result}


def facts() -> str:
    """All that no verb about dev may change: the canary, the data of the others, and who they are."""
    others = (NEIGHBOUR, NEIGHBOUR.with_name("live"), Path("/opt/helionyx/heads"))
    places = map(str, filter(Path.exists, (CANARY, Path("/etc/shadow"), *others)))
    form = ["-not", "-name", "*.db*", "-not", "-name", "dev.json", "-printf", "%p %U %G %m %y\n"]
    done = subprocess.run(["find", *places, *form], check=True, capture_output=True, text=True, timeout=60)
    content = "".join((CANARY / name).read_text() for name in ("secret", "public"))
    return "\n".join(sorted(done.stdout.splitlines())) + content


CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def is_strange(kind: str, place: str) -> bool:
    """Whether a file of that kind is not what the name of the place says."""
    if kind in ("empty", "garbage", "sparse", "hard"):
        return place in DIRECTORIES
    if kind == "directory":
        return place not in DIRECTORIES
    return kind not in (*INTO, *MODES, "immutable", "flipping")


def _is_named(place: str, dev: dict[str, Any]) -> bool:
    return dev["state"] == "degraded" and any(str(PLACES[place]) in text for text in dev["problems"])


def flaws(verb: str, odd: list[tuple[str, str]], done: dict[str, Any], before: str) -> Iterator[str]:
    """What is not as it should be after a verb."""
    result = done["result"]
    if done["late"]:
        yield f"no end within {done['seconds']} s"
    if "Traceback" in done["words"] or result.get("type") != "result":
        yield f"no result: {done['words'][-2000:]}"
        return
    if facts() != before:
        yield "something outside of dev changed"
    if verb in WORKS and result["outcome"] not in ("done", "nothing") and odd[0][0] != "immutable":
        yield f"it did not work: {result['outcome']}: {result.get('message')}"
    for kind, place in odd if verb == "status" else ():
        if is_strange(kind, place) and not _is_named(place, result["environments"][0]):
            yield f"nothing names {kind} in place of {place}: {result['environments'][0]['problems']}"
    shown = [str(result.get("message", "")), *map(str, result.get("details", ()))]
    for item in result.get("environments", ()):
        shown += [*item["problems"], *item["notes"]]
        if item["environment"] != "dev" and (item["state"], item["problems"]) != ("running", []):
            yield f"{item['environment']} is {item['state']}: {item['problems']}"
        if any("the look at it failed" in text for text in item["problems"]):
            yield f"a look at {item['environment']} failed: {item['problems']}"
    if any(CONTROL.search(text) for text in shown):
        yield f"control characters: {shown!r}"


def _tried(verb: str, odd: list[tuple[str, str]], before: str) -> dict[str, Any]:
    done = carry_out(verb)
    result, words = done["result"], {"odd": odd, "verb": verb, "seconds": done["seconds"]}
    dev = (result.get("environments") or [{}])[0]
    words |= {"outcome": result.get("outcome"), "message": result.get("message")}
    return {**words, "problems": dev.get("problems"), "flaws": list(flaws(verb, odd, done, before))}


def main() -> None:
    """Try the selected cases."""
    prepare()
    for number, (odd, verbs) in enumerate(json.loads(sys.stdin.readline())):
        if number:
            reset()
        before = facts()
        try:
            with contextlib.ExitStack() as stack:
                for kind, place in odd:
                    stack.enter_context(laid(kind, PLACES[place]))
                for verb in verbs:
                    print(json.dumps(_tried(verb, odd, before)), flush=True)
        except (OSError, AssertionError, subprocess.SubprocessError) as error:
            print(json.dumps({"odd": odd, "skipped": repr(error)}), flush=True)
    reset()


if __name__ == "__main__":
    main()
