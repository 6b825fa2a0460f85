"""Taking an environment away, with its data or without."""

from __future__ import annotations

import json
import os
import pty
import re

from deployment.host.values.layout import Environment

from .operator import LIMIT, Operator

DEV = Environment("dev")
CRONTABS = "/var/spool/cron/crontabs"
PLACES = "ls -A /etc/systemd/system /etc/systemd /opt/helionyx /opt/helionyx/layers /var/lib/helionyx"


def test_data_stays_and_is_found_again(bare: Operator, dev: Operator) -> None:
    """Units, releases, user and crontab go; the data waits with root, for the next deploy's user."""
    before = bare.on_node("sh", "-c", "ls -A /etc/systemd/system /etc/systemd")
    dev.tell("dev", ["before the removal"])
    events = dev.events("dev")
    dev.on_node("sh", "-c", f"mkdir -p {CRONTABS} && echo '@reboot true' > {CRONTABS}/{DEV.user}")
    assert f"{DEV.user} has jobs" in " ".join(dev.status("dev")["problems"])
    result = dev.change("remove", "dev")
    assert dev.on_node("ls", CRONTABS) == ""
    assert result["callers"] == "an interruption"
    assert "stays on the node" in result["summary"]
    status = dev.status("dev")
    assert status["state"] == "absent"
    assert re.search(r"stays in /var/lib/helionyx/dev, ([1-9]\d* kB|0\.[1-9] MB),", status["notes"][0])
    assert dev.on_node("sh", "-c", "ls -A /etc/systemd/system /etc/systemd") == before
    assert DEV.shutdown not in dev.on_node("systemctl", "list-units", "--all", "helionyx*")
    left = dev.on_node("sh", "-c", "ls -A /opt/helionyx/layers; ls /opt/helionyx")
    assert left == "heads\nhost\nlayers\nreserve\n"
    assert "helionyx-dev" not in dev.on_node("cat", "/etc/passwd", "/etc/group")
    owners = dev.on_node("sh", "-c", "find /var/lib/helionyx/dev -printf '%u %m %y\\n'")
    assert set(owners.splitlines()) == {"root 700 d", "root 600 f"}
    assert dev.change("remove", "dev")["outcome"] == "nothing"
    assert "dev was removed from this node" in dev.change("start", "dev", code=2)["message"]
    dev.on_node("useradd", "--system", "somebody")  # who takes the number of the user that is gone
    dev.deploy("dev")
    assert dev.events("dev") == events
    dev.on_node("systemctl", "is-active", DEV.shutdown)
    owners = dev.on_node("sh", "-c", "find /var/lib/helionyx/dev -printf '%u\\n'")
    assert set(owners.splitlines()) == {"helionyx-dev"}
    changes = dev.on_node("cat", "/var/lib/helionyx-deploy/deployments.jsonl")
    assert changes.count('"verb":"remove"') == 2


def test_typed_at_a_terminal_the_data_goes_too(two: Operator) -> None:
    """As a person does it: asked, answered, gone; any other word is refused; its neighbour is as it was."""
    two.tell("staging", ["a word"])
    pid, log = two.pid("dev"), two.log("staging")
    refused = two.change("remove", "staging", code=2, DATA="delete", CONFIRM="Staging")
    assert "was not deleted: the answer was 'Staging', not 'staging'" in refused["message"]
    ours, theirs = pty.openpty()
    with two.start("scripts/deploy/remove.sh", "staging", DATA="delete", stdin=theirs) as removal:
        os.close(theirs)
        os.write(ours, b"staging\n")
        assert removal.stdout is not None
        said = removal.communicate(timeout=LIMIT)[0]
    os.close(ours)
    assert removal.returncode == 0, said
    assert "Type staging to delete it" in said
    assert "staging is removed, with its data" in said
    assert not two.node.run(["ls", "/var/lib/helionyx/staging"]).stdout
    assert two.status("staging")["state"] == "absent"
    assert two.pid("dev") == pid
    row = two.script("history", "staging", LINES="1").stdout
    assert "its data was deleted" in row
    assert f"{log['length']}-{log['head'][:12]}" in row


def test_kept_data_can_be_deleted_later(two: Operator) -> None:
    """Of an environment that is gone already."""
    two.tell("staging", ["a word"])
    two.change("remove", "staging")
    result = two.change("remove", "staging", DATA="delete", CONFIRM="staging")
    assert result["outcome"] == "done"
    assert not two.node.run(["ls", "/var/lib/helionyx/staging"]).stdout
    kept, deleted = json.loads(two.script("history", "staging", "--json").stdout)["changes"][-2:]
    assert "deleted" not in kept
    assert deleted["deleted"] is True


def test_log_that_was_put_aside_is_not_deleted(two: Operator) -> None:
    """Without a typed name nothing goes that anybody may want: not beside an empty log either."""
    place = "/var/lib/helionyx/staging/events"
    two.tell("staging", ["precious"])
    two.change("stop", "staging")
    two.on_node("sh", "-c", f"mv {place}/events.db {place}/events.db.damaged && rm -f {place}/events.db-*")
    assert "there is no event log in" in two.change("start", "staging", code=2)["message"]
    assert "it was not confirmed" in two.change("restore", "staging", code=2, BACKUP="empty")["message"]
    kept = two.change("restore", "staging", BACKUP="empty", CONFIRM="staging")["kept"]
    assert two.events("staging") == b""
    assert "stays on the node" in two.change("remove", "staging")["summary"]
    assert two.on_node("ls", f"{kept}/events.db.damaged")


def test_depth_is_no_hiding_place(two: Operator) -> None:
    """Directories as deep as a service likes to make them are looked through, given away and removed."""
    go = "import os; os.chdir('/var/lib/helionyx/staging')"
    deep = f"{go}\nfor _ in range(1500): os.mkdir('d'); os.chdir('d')"
    two.on_node("runuser", "-u", "helionyx-staging", "--", "python3", "-c", deep)
    assert two.status("staging")["state"] == "running"
    two.change("remove", "staging", DATA="delete", CONFIRM="staging")
    assert not two.node.run(["ls", "/var/lib/helionyx/staging"]).stdout


def test_volume_is_emptied_and_stays(dev: Operator) -> None:
    """Data on a file system of its own: that is its owner's, what lies in it goes."""
    data = "/var/lib/helionyx/staging"
    dev.on_node("sh", "-c", f"mkdir {data} && mount -t tmpfs -o size=64m tmpfs {data}")
    try:
        dev.deploy("staging")
        dev.tell("staging", ["a word"])
        dev.change("remove", "staging", DATA="delete", CONFIRM="staging")
        assert dev.on_node("stat", "--format=%U", data) == "root\n"
        assert dev.on_node("sh", "-c", f"ls -A {data}") == ""
        assert dev.change("remove", "staging")["outcome"] == "nothing"
    finally:
        dev.on_node("sh", "-c", f"umount {data} && rmdir {data}")
