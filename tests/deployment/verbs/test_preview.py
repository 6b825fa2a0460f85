"""What a person reads before a deploy."""

from __future__ import annotations

from pathlib import Path

from deployment.build import source
from deployment.host.values.step import Step
from deployment.remote.plan import ReleaseFacts
from deployment.verbs import preview
from deployment.verbs.preview import Preview


def test_configuration_shows_values_that_are_no_secret() -> None:
    """A secret is only said to change."""
    digests = {"API_PORT": "a", "API_TOKEN": "b", "LOG_LEVEL": "c"}
    before = ReleaseFacts("c" * 40, {"api_port": 8000, "log_level": "INFO"}, digests)
    digests = {"API_PORT": "x", "API_TOKEN": "y", "TIMEZONE": "z"}
    after = ReleaseFacts("d" * 40, {"api_port": 8010, "timezone": "UTC"}, digests)
    assert preview.configuration(before, after) == [
        "~ API_PORT 8000 -> 8010",
        "~ API_TOKEN (not shown)",
        "- LOG_LEVEL INFO",
        "+ TIMEZONE UTC",
    ]
    assert preview.configuration(after, after) == []


def test_drop_ins_are_named() -> None:
    """They change what the units of the release say."""
    step = Step("enable-units", ("helionyx-dev.service",), "not enabled at boot")
    shown = preview.text(Preview((step,), drop_ins=["/etc/x.conf"]), "1a2b3c")
    title, reason = "  enable units helionyx-dev.service", "      not enabled at boot"
    assert shown == [title, reason, "drop-ins:", "  /etc/x.conf"]


def test_plan_without_a_step_says_why() -> None:
    """There is nothing to do, and that has a reason too."""
    [line] = preview.text(Preview(()), "1a2b3c")
    assert line.startswith("  up to date: 1a2b3c runs")


def test_units_are_shown_as_a_diff() -> None:
    """What is on the node, and what would be."""
    assert preview.units(
        {"a.socket": ["[Socket]", "ListenStream=1"]}, {"a.socket": ["[Socket]", "ListenStream=2"]}
    ) == [
        "--- a.socket on the node",
        "+++ a.socket of the release",
        "@@ -1,2 +1,2 @@",
        " [Socket]",
        "-ListenStream=1",
        "+ListenStream=2",
    ]
    assert preview.units({"a.socket": ["x"]}, {"a.socket": ["x"]}) == []


def test_files_that_are_not_committed_are_named(checkout: Path) -> None:
    """For people the first few and how many more; what is committed and what git ignores is not."""
    clean = source.read(checkout, "dev")
    [_] = preview.text(Preview((), clean.changed), "1a2b3c")
    (checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    for number in range(6):
        (checkout / "services" / f"new-{number}.py").write_text("")
    changed = source.read(checkout, "dev").changed
    assert changed == ("pyproject.toml", *(f"services/new-{number}.py" for number in range(6)))
    _, *shown = preview.text(Preview((), changed), "1a2b3c")
    names = [f"  {name}" for name in changed[: preview.FEW]]
    assert shown == ["uncommitted:", *names, "  and 2 more"]


def test_json_of_a_preview() -> None:
    """Each list is there, with nothing in it too: programs depend on the keys."""
    step = Step("enable-units", (), "not enabled at boot")
    shown = Preview((step,), ("x.py",), ["+ c"], ["~ API_PORT"], ("/etc/x.conf",), ["--- a.socket"]).to_json()
    assert list(shown.items()) == [
        ("steps_planned", [{"verb": "enable-units", "target": [], "reason": "not enabled at boot"}]),
        ("uncommitted", ["x.py"]),
        ("commits", ["+ c"]),
        ("configuration", ["~ API_PORT"]),
        ("drop_ins", ["/etc/x.conf"]),
        ("units", ["--- a.socket"]),
    ]
    assert list(Preview(()).to_json().values()) == [[]] * 6
