"""What a service, a neighbour or a person with an editor has done to the node meanwhile."""

from __future__ import annotations

from .operator import EXITS, RUNNER, Operator

CURRENT = "/opt/helionyx/dev/current"


def test_link_in_place_of_a_directory_is_not_followed(dev: Operator) -> None:
    """A service that was taken over must not get root's directories given."""
    data = "/var/lib/helionyx/dev"
    dev.on_node(
        "sh", "-c", f"mkdir -p /root/victim && chmod 755 /root/victim && mv {data}/projections /root/aside"
    )
    dev.on_node("runuser", "-u", "helionyx-dev", "--", "ln", "-s", "/root/victim", f"{data}/projections")
    try:
        dev.commit("services/changed.py", "LINK = 1\n")
        refused = dev.deploy("dev", code=2)["message"]
        assert f"{data}/projections cannot be used: a link is not followed there" in refused
    finally:
        dev.on_node("sh", "-c", f"rm {data}/projections && mv /root/aside {data}/projections")
    assert dev.on_node("stat", "--format=%U %a", "/root/victim").split() == ["root", "755"]


def test_failed_deploy_leaves_an_edited_release_as_it_lies(dev: Operator) -> None:
    """On the way back nothing is installed: what ran before runs again, edits and all."""
    before = dev.health("dev")["release"]
    dev.on_node("sh", "-c", f"echo '# edited' >> {CURRENT}/services/identity.py")
    dev.commit(RUNNER, EXITS)
    dev.deploy("dev", code=3)
    assert dev.health("dev")["release"] == before
    assert "# edited" in dev.on_node("cat", f"{CURRENT}/services/identity.py")
    assert dev.change("restart", "dev")["outcome"] == "done"


def test_unreadable_manifest_never_takes_the_environment_away(dev: Operator) -> None:
    """What cannot be taken back needs hands; and a good release mends it."""
    dev.on_node("sh", "-c", f": > {CURRENT}/manifest.json")
    dev.commit(RUNNER, EXITS)
    said = [item["message"] for item in dev.deploy("dev", code=4)["warnings"]]
    assert [message for message in said if "cannot be read" in message], "told once, and at once"
    assert not [message for message in said if "attempt" in message]
    assert dev.on_node("ls", "/etc/systemd/system/helionyx-dev.service", "/opt/helionyx/dev/releases")
    dev.undo()
    assert dev.deploy("dev")["outcome"] == "done"


def test_unit_of_somebody_else_is_left_alone(dev: Operator) -> None:
    """A unit of that name which no deploy has brought is refused: neither overwritten nor removed."""
    unit = "/etc/systemd/system/helionyx-staging.service"
    dev.on_node("sh", "-c", f"printf '[Service]\\nExecStart=/bin/sleep 1000\\n' > {unit}")
    assert "no deploy of staging has made it" in dev.deploy("staging", code=2)["message"]
    assert "no deploy of staging has made it" in dev.change("remove", "staging", code=2)["message"]
    assert "sleep" in dev.on_node("cat", unit)


def test_first_deploy_that_fails_beside_old_data_keeps_it(two: Operator) -> None:
    """What was said once stays, with its owner, and exit code 3 says that all is as it was."""
    two.tell("staging", ["said long ago"])
    two.on_node("systemctl", "disable", "--now", "helionyx-staging.socket", "helionyx-staging.service")
    two.on_node("sh", "-c", "rm -r /opt/helionyx/staging /etc/systemd/*/*helionyx-staging*")
    two.on_node("sh", "-c", "rm /etc/systemd/*@helionyx-staging.conf; systemctl daemon-reload")
    two.commit(RUNNER, EXITS)
    two.deploy("staging", code=3)
    owner = two.on_node("stat", "--format=%U", "/var/lib/helionyx/staging/events/events.db")
    assert owner.strip() == "helionyx-staging"
    two.undo()
    two.deploy("staging")
    assert b"said long ago" in two.events("staging")


def test_first_deploy_that_fails_leaves_what_lay_there(dev: Operator) -> None:
    """A backup beside the data and one within it stay; units, releases and user of live go again."""
    data = "/var/lib/helionyx/live"
    backups = (f"{data}/backup/events.db", f"{data}/events/events-2026.db.bak")
    for backup in backups:
        dev.on_node("sh", "-c", f"mkdir -p $(dirname {backup}) && echo precious > {backup}")
    dev.break_for_real()
    dev.deploy("live", code=3)
    assert dev.on_node("cat", *backups) == "precious\nprecious\n"
    assert dev.status("live")["state"] == "absent"
    assert "helionyx:" not in dev.on_node("cat", "/etc/passwd")
    assert not dev.node.run(["sh", "-c", "ls -d /etc/systemd/system/helionyx.* /opt/helionyx/live"]).stdout
    assert "helionyx.service" not in dev.on_node("systemctl", "list-units", "--all", "--failed")


def test_link_to_another_environment_gains_nothing(two: Operator) -> None:
    """Read models are pruned as the environment's user: root deletes nothing for who has taken it over."""
    mine, theirs = "/var/lib/helionyx/dev/sub", "/var/lib/helionyx/staging"
    victim = f"{theirs}/projections/helionyx-aaaaaaaaaaaa.db"
    two.on_node("runuser", "-u", "helionyx-staging", "--", "touch", victim)
    before = "PROJECTIONS_DB_PATH=/var/lib/helionyx/dev/projections"
    two.configure("dev", before, f"PROJECTIONS_DB_PATH={mine}/projections")
    two.deploy("dev")
    two.on_node("runuser", "-u", "helionyx-dev", "--", "mv", mine, f"{mine}.old")
    two.on_node("runuser", "-u", "helionyx-dev", "--", "ln", "-s", theirs, mine)
    two.commit("services/changed.py", "LINKED = 1\n")
    two.deploy("dev", code=3)
    assert two.on_node("ls", victim)


def test_directory_in_place_of_a_read_model_stops_no_deploy(dev: Operator) -> None:
    """What cannot be tidied up is left; a release that came up stays."""
    place = "/var/lib/helionyx/dev/projections/helionyx-0123456789ab.db"
    dev.on_node("runuser", "-u", "helionyx-dev", "--", "mkdir", place)
    dev.commit("services/changed.py", "DIRECTORY = 1\n")
    assert dev.deploy("dev")["outcome"] == "done"


def test_what_was_down_is_left_as_it_was(dev: Operator) -> None:
    """A deploy that fails where somebody had stopped the units by hand: down, and still to start on boot."""
    dev.on_node("systemctl", "stop", "helionyx-dev.socket", "helionyx-dev.service")
    dev.commit(RUNNER, EXITS)
    result = dev.deploy("dev", code=3)
    assert result["summary"] == "dev does not run, as before"
    assert dev.on_node("systemctl", "is-enabled", "helionyx-dev.service").strip() == "enabled"
    assert result["release"] not in dev.on_node("ls", "/opt/helionyx/dev/releases").split()


def test_code_and_data_on_a_bigger_disk_behind_links(dev: Operator) -> None:
    """Links of root's are followed by every change; one that somebody else could turn is refused."""
    dev.tell("dev", ["before the move"])
    events = dev.events("dev")
    for path in ("/opt/helionyx", "/var/lib/helionyx/dev"):
        target = f"/srv/{path.replace('/', '-')}"
        dev.on_node("sh", "-c", f"mv {path} {target} && ln -s {target} {path}")
    dev.commit("services/changed.py", "MOVED = 1\n")
    assert dev.deploy("dev")["outcome"] == "done"
    assert dev.deploy("dev")["outcome"] == "nothing"
    assert dev.events("dev") == events
    dev.on_node("chown", "--no-dereference", "nobody", "/opt/helionyx")
    refused = dev.change("restart", "dev", code=2)
    assert "the link /opt/helionyx is not root's" in refused["message"]
    dev.on_node("chown", "--no-dereference", "root", "/opt/helionyx")
    dev.change("remove", "dev", DATA="delete", CONFIRM="dev")
    rest = dev.on_node("sh", "-c", "ls -A /srv/-var-lib-helionyx-dev; ls -A /srv/-opt-helionyx")
    assert rest == "host\nlayers\nreserve\n"
