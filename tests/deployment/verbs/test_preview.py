"""What a person reads before a deploy."""

from __future__ import annotations

from pathlib import Path

from deployment.build import source
from deployment.host.values.model import Manifest
from deployment.host.values.step import Step
from deployment.verbs import preview
from tests.deployment.conftest import git


def manifest(digests: dict[str, str], **config: object) -> Manifest:
    """A release with this configuration."""
    return Manifest("dev", "c" * 40, False, "", "3.11", "p", "l", {}, {}, config, digests)


def test_configuration_shows_values_that_are_no_secret() -> None:
    """A secret is only said to change."""
    before = manifest({"API_PORT": "a", "API_TOKEN": "b", "LOG_LEVEL": "c"}, api_port=8000, log_level="INFO")
    after = manifest({"API_PORT": "x", "API_TOKEN": "y", "TIMEZONE": "z"}, api_port=8010, timezone="UTC")
    assert preview.configuration(before, after) == [
        "~ API_PORT 8000 -> 8010",
        "~ API_TOKEN (not shown)",
        "- LOG_LEVEL INFO",
        "+ TIMEZONE UTC",
    ]
    assert preview.configuration(after, after) == []


def test_drop_ins_are_named() -> None:
    """They change what the units of the release say."""
    empty: dict[str, list[str]] = {"uncommitted": [], "commits": [], "configuration": [], "units": []}
    step = Step("enable-units", ("helionyx-dev.service",), "not enabled at boot")
    shown = preview.text({**empty, "drop_ins": ["/etc/x.conf"]}, [step], "1a2b3c")
    title, reason = "  enable units helionyx-dev.service", "      not enabled at boot"
    assert shown == [title, reason, "drop-ins:", "  /etc/x.conf"]


def test_plan_without_a_step_says_why() -> None:
    """There is nothing to do, and that has a reason too."""
    empty: dict[str, list[str]] = {title: [] for title in preview.SECTIONS}
    [line] = preview.text(empty, [], "1a2b3c")
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


def test_commits_that_come_and_go_are_listed(checkout: Path) -> None:
    """Forward, back, and a commit that this repository does not know."""
    first = git(checkout, "rev-parse", "HEAD").strip()
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "Second")
    second = git(checkout, "rev-parse", "HEAD").strip()
    assert preview.commits(checkout, second, second) == []
    assert preview.commits(checkout, first, second) == [f"+ {second[:7]} Second"]
    assert preview.commits(checkout, second, first) == [f"- {second[:7]} Second"]
    assert preview.commits(checkout, "0" * 40, first) == [
        "? the running commit 000000000000 is not in this repository"
    ]


def test_files_that_are_not_committed_are_named(checkout: Path) -> None:
    """For people the first few and how many more; what is committed and what git ignores is not."""
    nothing: dict[str, list[str]] = {"commits": [], "configuration": [], "units": [], "drop_ins": []}
    clean = source.read(checkout, "dev")
    [_] = preview.text({"uncommitted": list(clean.changed), **nothing}, [], "1a2b3c")
    (checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    for number in range(6):
        (checkout / "services" / f"new-{number}.py").write_text("")
    changed = source.read(checkout, "dev").changed
    assert changed == ("pyproject.toml", *(f"services/new-{number}.py" for number in range(6)))
    _, *shown = preview.text({"uncommitted": list(changed), **nothing}, [], "1a2b3c")
    names = [f"  {name}" for name in changed[: preview.FEW]]
    assert shown == ["uncommitted:", *names, "  and 2 more"]
