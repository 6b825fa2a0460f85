"""The command line of a release, on the node and from home."""

from __future__ import annotations

import json

from .operator import PORTS, Operator

COMMAND = "/opt/helionyx/dev/current/helionyx"


def test_on_the_node(settled: Operator) -> None:
    """With nothing installed there: as root, by its real path or a link to it, from any directory."""
    said = settled.on_node(COMMAND, "say", "--json", "buy milk")
    settled.on_node("ln", "-sf", COMMAND, "/usr/local/bin/helionyx")
    last = settled.on_node("helionyx", "events", "--json", "--last", "1", "--type", "MessageRecorded")
    assert json.loads(last)["position"] == json.loads(said)["position"]
    status = dict(line.split(None, 1) for line in settled.on_node("helionyx", "status").splitlines())
    assert (status["environment"], status["ready"]) == ("dev", "yes")
    assert status["release"] == settled.health("dev")["release"]


def test_its_configuration_is_roots(settled: Operator) -> None:
    """Another user has no token, and hears why; another environment is not to be had from here."""
    refused = settled.node.run(["runuser", "-u", "helionyx-dev", "--", COMMAND, "say", "x"])
    assert refused.returncode == 1
    assert "Permission denied (only root can read it: use sudo)" in refused.stderr
    other = settled.node.run([COMMAND, "say", "x", "--env", "live"])
    assert other.returncode == 2
    assert "/opt/helionyx/live/current/helionyx" in other.stderr


def test_root_runs_no_code_of_the_release(settled: Operator) -> None:
    """Who types it as root reads the configuration alone; the code runs as the user, and ends with Ctrl-C."""
    ours = r"""
        processes() {
            for path in /proc/[0-9]*; do
                words=$(tr '\0' ' ' 2>/dev/null < $path/cmdline)
                expr "$words" : '/usr/bin/python.*services.cli events' > /dev/null || continue
                stat --format=%U $path
                cut -d' ' -f7 $path/stat  # its terminal
            done
        }
    """
    script = f"""{ours}
        {COMMAND} events --follow > /dev/null & typed=$!
        until processes | grep .; do :; done
        kill -TERM $typed
        while processes | grep -q .; do :; done
    """
    found = settled.on_node("timeout", "30", "sh", "-c", script).split()
    assert found == ["helionyx-dev", "0"]


def test_from_home(settled: Operator) -> None:
    """A checkout with the environment's file speaks to the service on the node."""
    url = f"http://{settled.node.address}:{PORTS['dev']}"
    said = settled.run("./helionyx", "say", "--json", "from home", HELIONYX_URL=url)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["text"] == "from home"
    assert b"from home" in settled.events("dev")
