"""`make try`: boot a node1 on this machine, deploy all three environments onto it over ssh, show them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deployment.build import envfile
from deployment.host.values.layout import ENVIRONMENTS
from node1 import Node, Node1Error

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".node1"
NAME = "node1"
LOGINS = {"deploy": f"{NAME}-deploy", "root": NAME}
LIMIT = 600  # seconds for one deploy


def main(words: list[str]) -> int:
    """`up` or `down`; the exit code is that of the first command which did not succeed."""
    login = os.environ.get("LOGIN") or "deploy"
    if words not in (["up"], ["down"]) or login not in LOGINS:
        print("usage: make try [LOGIN=deploy|root], make try-down", file=sys.stderr)
        return 2
    try:
        return _up(LOGINS[login]) if words == ["up"] else _down()
    except Node1Error as error:
        print(f"error: {error.message}\nhint: {error.hint}\nexit 2: refused", file=sys.stderr)
        return 2


def _up(host: str) -> int:
    print(f"# a {NAME} of your own", flush=True)
    node = Node.boot(NAME, PLACE / NAME, progress=lambda line: print(f"  {line}", flush=True))
    settings = {"NODE": host, "SSH_OPTIONS": f"-F {node.ssh_config}", "ENV_DIR": str(_env_files())}
    codes = []
    for environment in ENVIRONMENTS:
        print(f"\n# make deploy ENV={environment}", flush=True)
        codes.append(_run(settings, "deploy", environment))
    print("\n# make status", flush=True)
    codes.append(_run(settings, "status"))
    print(f"""
The node runs until `make try-down`. To go on with it from this shell:

  export NODE={host} SSH_OPTIONS='-F {node.ssh_config}' ENV_DIR={settings["ENV_DIR"]}
  make deploy ENV=dev                        # nothing to do; change something under services/ and try again
  make status ENV=dev
  make logs
  ssh $SSH_OPTIONS {NAME}                       # a shell on the node, as root

  . $ENV_DIR/.env.dev                          # for its API_TOKEN
  curl http://{node.address}:$API_PORT/health
  curl -H "Authorization: Bearer $API_TOKEN" -d '{{"text": "hello"}}' http://{node.address}:$API_PORT/api/v1/messages
  curl -H "Authorization: Bearer $API_TOKEN" http://{node.address}:$API_PORT/api/v1/events
  HELIONYX_URL=http://{node.address}:$API_PORT ./helionyx say "buy milk"
""")
    return next(filter(None, codes), 0)


def _down() -> int:
    if (PLACE / NAME).exists():
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


def _run(settings: dict[str, str], verb: str, *words: str) -> int:
    script = str(ROOT / "scripts" / "deploy" / f"{verb}.sh")
    return subprocess.run([script, *words], env=os.environ | settings, check=False, timeout=LIMIT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
