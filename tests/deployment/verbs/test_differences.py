"""The commits and keys that a deploy brings and takes away, as it says before its first step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployment.host.values.manifest import SECRETS
from deployment.remote.plan import ReleaseFacts
from deployment.verbs import differences
from deployment.verbs.differences import UNCOMMITTED, Commits, Keys
from services.config_keys import KEYS
from tests.deployment.conftest import git

BEFORE = ReleaseFacts("c" * 40, {}, {"API_PORT": "a", "API_TOKEN": "b", "LOG_LEVEL": "c"})


def commit(root: Path, message: str) -> str:
    """Commit nothing, and return the id."""
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD").strip()


def test_commits_that_come_and_go_are_listed(checkout: Path) -> None:
    """Forward, back, and a commit that this repository does not know."""
    first = git(checkout, "rev-parse", "HEAD").strip()
    second = commit(checkout, "Second")
    assert differences.commits(checkout, second, second).lines(9) == []
    assert differences.commits(checkout, first, second).lines(9) == [f"+ {second[:7]} Second"]
    assert differences.commits(checkout, second, first).lines(9) == [f"- {second[:7]} Second"]
    assert differences.commits(checkout, "0" * 40, first).lines(9) == [
        "? the running commit 000000000000 is not in this repository"
    ]
    assert differences.commits(checkout, first, "1" * 40).lines(9) == [
        "? the commit 111111111111 is not in this repository"
    ]


def test_branch_that_has_diverged_brings_and_takes(checkout: Path) -> None:
    """The newest commit of each side first."""
    first = git(checkout, "rev-parse", "HEAD").strip()
    theirs = [commit(checkout, "One"), commit(checkout, "Two")]
    git(checkout, "switch", "--quiet", "--detach", first)
    ours = commit(checkout, "Ours")
    between = differences.commits(checkout, theirs[-1], ours)
    assert between.new == (f"{ours[:7]} Ours",)
    assert between.gone == (f"{theirs[1][:7]} Two", f"{theirs[0][:7]} One")


def test_long_lists_are_cut() -> None:
    """Each side by itself; a line has no more columns than a small terminal."""
    many = tuple(f"{number:07} {'A long subject ' * 9}" for number in range(7))
    lines = differences.commit_lines(Commits(many, many[:2]))
    assert [line[:4] for line in lines] == ["  + "] * 5 + ["    "] + ["  - "] * 2
    assert lines[5] == "    and 2 more"
    assert max(map(len, lines)) == differences.WIDTH


def test_keys_are_named_and_no_value_is() -> None:
    """In a sentence for people, with signs for programs."""
    after = replace(BEFORE, digests={"API_PORT": "x", "API_TOKEN": "y", "TIMEZONE": "z"})
    keys = differences.keys(BEFORE, after)
    assert differences.key_lines(keys) == [
        "  configuration: API_PORT, API_TOKEN changed; TIMEZONE new; LOG_LEVEL gone"
    ]
    between = differences.of(Path("/nowhere"), BEFORE, after)
    assert between.to_json() == {
        "commits": [],
        "configuration": ["~ API_PORT", "~ API_TOKEN", "- LOG_LEVEL", "+ TIMEZONE"],
    }
    assert differences.key_lines(Keys(tuple(f"A_KEY_{number}" for number in range(20))))[1].startswith(
        "    A_KEY"
    )


@pytest.mark.parametrize(
    ("digests", "secrets"),
    [
        ({**BEFORE.digests, "API_TOKEN": "x"}, ("API_TOKEN",)),
        ({"API_PORT": "a", "LOG_LEVEL": "c"}, ("API_TOKEN",)),
        ({**BEFORE.digests, "TELEGRAM_BOT_TOKEN": "x"}, ()),  # nobody uses the new one yet
        ({**BEFORE.digests, "API_PORT": "x"}, ()),
    ],
)
def test_secrets_that_will_not_do_any_more(digests: dict[str, str], secrets: tuple[str, ...]) -> None:
    """Those that change or go: whoever has one is shut out."""
    assert differences.keys(BEFORE, replace(BEFORE, digests=digests)).secrets == secrets


def test_secrets_are_those_of_the_service() -> None:
    """The deployment knows them by name."""
    assert sorted(SECRETS) == sorted(key.name for key in KEYS.values() if key.secret)


def test_nothing_is_said_where_nothing_differs() -> None:
    """Nor of a first deploy."""
    for between in (differences.of(Path("/nowhere"), *pair) for pair in ((BEFORE, BEFORE), (None, BEFORE))):
        assert [*differences.commit_lines(between.commits), *differences.key_lines(between.keys)] == []


@pytest.mark.parametrize(
    ("before", "after", "gone"), [(True, False, (UNCOMMITTED,)), (True, True, ()), (False, True, ())]
)
def test_uncommitted_changes_that_go(before: bool, after: bool, gone: tuple[str, ...]) -> None:
    """Those of a running release, where a committed one takes its place."""
    running, following = replace(BEFORE, dirty=before), replace(BEFORE, dirty=after)
    assert differences.of(Path("/nowhere"), running, following).commits.gone == gone
