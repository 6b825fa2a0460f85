"""`make try`: boot a node1 on this machine, deploy all three environments onto it over ssh, show them."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from deployment import own_node
from deployment.build import envfile
from deployment.host.values.layout import ENVIRONMENTS
from deployment.own_node import OwnNode
from node1 import Node, Node1Error
from node1.record import FILE as RECORD

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".node1"
NAME = "node1"
LOGINS = {"deploy": f"{NAME}-deploy", "root": NAME}
LIMIT = 600  # seconds for one deploy
ENDING = 10  # seconds for a deploy that is interrupted
COLUMNS = 79
REFUSED, INTERRUPTED = 2, 130  # exit codes


def main(words: list[str]) -> int:
    """`up` or `down`; the exit code is that of the first command which did not succeed."""
    login = os.environ.get("LOGIN") or "deploy"
    if words not in (["up"], ["down"]) or login not in LOGINS:
        print("usage: make try [LOGIN=deploy|root], make try-down", file=sys.stderr)
        return REFUSED
    try:
        return _up(LOGINS[login]) if words == ["up"] else _down()
    except Node1Error as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        print(f"exit {REFUSED}: refused", file=sys.stderr)
        return REFUSED


def _up(host: str) -> int:
    """Boot the node and deploy to it; Ctrl-C removes a node that was not there before."""
    is_new = not (PLACE / NAME / RECORD).exists()
    try:
        return _try(host)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if is_new:
            print(f"\ninterrupted: removing {NAME}", file=sys.stderr)
            _down()
        else:
            print(f"\ninterrupted: {NAME} runs on; make try-down removes it", file=sys.stderr)
        return INTERRUPTED


def _try(host: str) -> int:
    print(f"# a {NAME} of your own", flush=True)
    node = Node.boot(NAME, PLACE / NAME, progress=_show)
    own = OwnNode(host, f"-F {shlex.quote(str(node.ssh_config))}", str(_env_files()))
    own_node.save(ROOT, own)
    codes = []
    for environment in ENVIRONMENTS:
        print(f"\n# make deploy ENV={environment}", flush=True)
        codes.append(_run(own, "deploy", environment))
    print("\n# make status", flush=True)
    codes.append(_run(own, "status"))
    _show_next_steps(node)
    return next(filter(None, codes), 0)


def _show(line: str) -> None:
    print(textwrap.fill(line, COLUMNS, initial_indent="  ", subsequent_indent="    "), flush=True)


def _show_next_steps(node: Node) -> None:
    print(f"""
The node runs until `make try-down`. Until then `make` finds it by itself, in any shell:

  make status
  make deploy ENV=dev            # nothing to do; change something under services/ and try again
  make logs
  ssh -F {node.ssh_config} {NAME}    # a shell on the node, as root

  . {PLACE / "env"}/.env.dev     # for its API_TOKEN
  echo http://{node.address}:$API_PORT/ $API_TOKEN    # the pages, and what to log in with
  curl http://{node.address}:$API_PORT/health
  curl -H "Authorization: Bearer $API_TOKEN" -d '{{"text": "hello"}}' http://{node.address}:$API_PORT/api/v1/messages
  curl -H "Authorization: Bearer $API_TOKEN" http://{node.address}:$API_PORT/api/v1/events
  HELIONYX_URL=http://{node.address}:$API_PORT ./helionyx say "buy milk"
""")


def _down() -> int:
    own_node.remove(ROOT)
    if (PLACE / NAME / RECORD).exists():
        Node.load(PLACE / NAME).destroy()
        print(f"{NAME} is gone")
    else:
        print(f"there is no {NAME}, and nothing to end")
    shutil.rmtree(PLACE / "env", ignore_errors=True)
    return 0


def _env_files() -> Path:
    """Configurations for this node only: those of a real node1, in the checkout itself, are left alone."""
    directory = PLACE / "env"
    directory.mkdir(mode=0o700, exist_ok=True)
    for environment in ENVIRONMENTS:
        if not (directory / f".env.{environment}").exists():
            envfile.write(ROOT, directory, environment)
    return directory


def _run(own: OwnNode, verb: str, *words: str) -> int:
    """Run a verb on the node. Ctrl-C reaches it too, and it is given time to end by itself."""
    script = str(ROOT / "scripts" / "deploy" / f"{verb}.sh")
    with subprocess.Popen([script, *words], env=os.environ | own.variables()) as child:
        try:
            return child.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise Node1Error(f"make {verb} has not ended after {LIMIT} s", "make status; make logs") from None
        except KeyboardInterrupt:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(ENDING)
            raise
        finally:
            child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
