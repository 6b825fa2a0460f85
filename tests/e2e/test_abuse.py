"""What a service, a neighbour or a person with an editor has done to the node meanwhile."""

from __future__ import annotations

from .operator import EXITS, RUNNER, Operator, git

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
        assert "create directories" in dev.deploy("dev", code=4)["message"]
    finally:
        dev.on_node("sh", "-c", f"rm {data}/projections && mv /root/aside {data}/projections")
    assert dev.on_node("stat", "--format=%U %a", "/root/victim").split() == ["root", "755"]
    assert dev.deploy("dev")["outcome"] == "done"


def test_edited_release_is_mended_by_the_next_deploy(dev: Operator) -> None:
    """And named by status until then."""
    dev.on_node("sh", "-c", f"echo '# edited' >> {CURRENT}/services/identity.py")
    assert "services/identity.py of release" in " ".join(dev.status("dev")["problems"])
    dev.deploy("dev")
    assert dev.status("dev")["problems"] == []


def test_failed_deploy_leaves_an_edited_release_as_it_lies(dev: Operator) -> None:
    """On the way back nothing is installed: what ran before runs again, edits and all."""
    before = dev.status("dev")["release"]
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
    git(dev.root, "reset", "--quiet", "--hard", "HEAD~1")
    assert dev.deploy("dev")["outcome"] == "done"
    assert dev.status("dev")["state"] == "running"


def test_torn_records_hold_nobody_up(dev: Operator) -> None:
    """What a full disk left of a record or a request is passed over."""
    torn = (("record.jsonl", '{"event": "atte'), ("request.json", ""))
    for number, (name, content) in enumerate(torn):
        path = f"/var/lib/helionyx-deploy/transactions/20200101T000000Z-dev-000{number}"
        dev.on_node("sh", "-c", f"mkdir -p {path} && echo '{{}}' > {path}/request.json")
        dev.on_node("sh", "-c", f"printf '%s' '{content}' > {path}/{name}")
    assert dev.status("dev")["state"] == "running"
    assert dev.change("restart", "dev")["outcome"] == "done"


def test_unit_of_somebody_else_is_left_alone(dev: Operator) -> None:
    """A unit of that name which no deploy has brought is refused, not overwritten."""
    unit = "/etc/systemd/system/helionyx-staging.service"
    dev.on_node("sh", "-c", f"printf '[Service]\\nExecStart=/bin/sleep 1000\\n' > {unit}")
    try:
        assert "no deploy has put it there" in dev.deploy("staging", code=2)["message"]
        assert "sleep" in dev.on_node("cat", unit)
    finally:
        dev.on_node("rm", unit)


def test_first_deploy_that_fails_beside_old_data_keeps_it(dev: Operator) -> None:
    """What was said once stays, with its owner, and exit code 3 says that all is as it was."""
    dev.deploy("staging")
    dev.tell("staging", ["said long ago"])
    dev.change("stop", "staging")
    dev.on_node("sh", "-c", "rm -r /opt/helionyx/staging /etc/systemd/*/*helionyx-staging*")
    dev.on_node("sh", "-c", "rm /etc/systemd/*@helionyx-staging.conf; systemctl daemon-reload")
    dev.commit(RUNNER, EXITS)
    dev.deploy("staging", code=3)
    owner = dev.on_node("stat", "--format=%U", "/var/lib/helionyx/staging/events/events.db")
    assert owner.strip() == "helionyx-staging"
    git(dev.root, "reset", "--quiet", "--hard", "HEAD~1")
    dev.deploy("staging")
    assert b"said long ago" in dev.events("staging")


def test_first_deploy_that_fails_leaves_what_lay_there(dev: Operator) -> None:
    """A backup that somebody has put into the data directory is no leftover of ours."""
    place = "/var/lib/helionyx/live/backup"
    dev.on_node("sh", "-c", f"mkdir -p {place} && echo precious > {place}/events.db")
    dev.commit(RUNNER, EXITS)
    dev.deploy("live", code=3)
    assert dev.on_node("cat", f"{place}/events.db") == "precious\n"


def test_backup_in_the_log_of_a_first_deploy_that_fails_stays(dev: Operator) -> None:
    """Also where the service would keep its own files, and where it has made an empty log beside it."""
    place = "/var/lib/helionyx/live/events"
    dev.on_node("sh", "-c", f"mkdir -p {place} && echo precious > {place}/events-2026.db.bak")
    dev.break_for_real()
    dev.deploy("live", code=3)
    assert dev.on_node("cat", f"{place}/events-2026.db.bak") == "precious\n"
    assert "helionyx:" not in dev.on_node("cat", "/etc/passwd")
    dev.on_node("rm", "-r", "/var/lib/helionyx/live")


def test_link_to_another_environment_gains_nothing(dev: Operator) -> None:
    """Read models are pruned as the environment's user: root deletes nothing for who has taken it over."""
    mine, theirs = "/var/lib/helionyx/dev/sub", "/var/lib/helionyx/staging"
    victim = f"{theirs}/projections/helionyx-aaaaaaaaaaaa.db"
    dev.deploy("staging")
    dev.on_node("runuser", "-u", "helionyx-staging", "--", "touch", victim)
    before = "PROJECTIONS_DB_PATH=/var/lib/helionyx/dev/projections"
    dev.configure("dev", before, f"PROJECTIONS_DB_PATH={mine}/projections")
    try:
        dev.deploy("dev")
        dev.on_node("runuser", "-u", "helionyx-dev", "--", "mv", mine, f"{mine}.old")
        dev.on_node("runuser", "-u", "helionyx-dev", "--", "ln", "-s", theirs, mine)
        dev.commit("services/changed.py", "LINKED = 1\n")
        dev.deploy("dev", code=3)
        assert dev.on_node("ls", victim)
    finally:
        dev.on_node("sh", "-c", f"rm {mine} && mv {mine}.old {mine}")
        dev.configure("dev", f"PROJECTIONS_DB_PATH={mine}/projections", before)
    dev.deploy("dev")


def test_directory_in_place_of_a_read_model_stops_no_deploy(dev: Operator) -> None:
    """What cannot be tidied up is left; a release that came up stays."""
    place = "/var/lib/helionyx/dev/projections/helionyx-0123456789ab.db"
    dev.on_node("runuser", "-u", "helionyx-dev", "--", "mkdir", place)
    dev.commit("services/changed.py", "DIRECTORY = 1\n")
    assert dev.deploy("dev")["outcome"] == "done"
    dev.on_node("rmdir", place)


def test_what_was_down_is_left_as_it_was(dev: Operator) -> None:
    """A deploy that fails where somebody had stopped the units by hand: down, and still to start on boot."""
    dev.on_node("systemctl", "stop", "helionyx-dev.socket", "helionyx-dev.service")
    dev.commit(RUNNER, EXITS)
    result = dev.deploy("dev", code=3)
    assert result["summary"] == "dev does not run, as before"
    assert dev.on_node("systemctl", "is-enabled", "helionyx-dev.service").strip() == "enabled"
    assert result["release"] not in dev.status("dev")["releases"]
