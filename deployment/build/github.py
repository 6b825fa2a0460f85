"""The check runs of a commit on GitHub: https://docs.github.com/en/rest/checks/runs."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

from ..errors import DeployError
from ..host.values.printable import printable
from .repository import git

API = "https://api.github.com"
TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
# Of any other text, the error of the header would show all.
TOKEN = re.compile(r"[!-~]+")
RULESET = Path(".github") / "rulesets" / "main.json"  # which checks a merge needs
REMOTE = re.compile(
    r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)github\.com[:/]([\w.-]+)/([\w.-]+?)(?:\.git)?/?"
)
LIMIT = 10.0  # seconds for one answer
LARGEST = 8 << 20  # bytes of one answer
PAGES, PER_PAGE = 10, 100


@dataclass(frozen=True)
class Answer:
    """An answer of GitHub: whether all needed checks passed, and a sentence; empty if nobody was asked."""

    passed: bool
    text: str = ""


def check_runs(root: Path, commit: str, environ: Mapping[str, str]) -> Answer:
    """Ask GitHub about a commit, where the checkout's remote is there and a token is in the environment."""
    names = [name for name in TOKENS if environ.get(name, "").strip()]
    repository = _repository(root)
    if not names or not repository:
        return Answer(False)
    token = environ[names[0]].strip()
    if not TOKEN.fullmatch(token):
        return Answer(False, f"GitHub: {names[0]} has characters that are in no token")
    base = environ.get("GITHUB_API_URL") or API
    needed = _needed(root)
    try:
        runs = list(_runs(base, repository, commit, token))
    except _Unanswered as error:
        return Answer(False, f"GitHub: {error}")
    return judge(needed, runs)


def judge(needed: frozenset[str], runs: list[Mapping[str, Any]]) -> Answer:
    """Decide by the newest run of each check; with no needed ones named, all there are have to pass."""
    newest: dict[str, Mapping[str, Any]] = {}
    for run in runs:
        name = str(run.get("name"))
        if name not in newest or _number(run) > _number(newest[name]):
            newest[name] = run
    names = needed or frozenset(newest)
    missing = sorted(name for name in names if (newest.get(name) or {}).get("conclusion") != "success")
    if missing or not names:
        named = printable(", ".join(missing[:5]), 200) or "any"
        return Answer(False, f"GitHub has no green check run: {named}")
    return Answer(True, f"{len(names)} green check runs on GitHub")


def _number(run: Mapping[str, Any]) -> int:
    """The number of a check run: a newer one has a higher number."""
    number = run.get("id")
    return number if isinstance(number, int) else 0


class _Unanswered(Exception):
    """GitHub did not say which check runs there are."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follow no redirect: it would take the token to another host."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Let the redirect be the answer."""


def _repository(root: Path) -> str:
    """The owner and the name of the remote `origin`, if that is on GitHub."""
    try:
        url = git(root, "remote", "get-url", "origin").decode(errors="replace").strip()
    except DeployError:
        return ""
    match = REMOTE.fullmatch(url)
    return f"{match[1]}/{match[2]}" if match else ""


def _needed(root: Path) -> frozenset[str]:
    """The names of the checks that the ruleset of the checkout asks for before a merge; none without one."""
    try:
        rules = json.loads((root / RULESET).read_bytes())["rules"]
        checks = [rule["parameters"] for rule in rules if rule["type"] == "required_status_checks"]
        return frozenset(str(item["context"]) for rule in checks for item in rule["required_status_checks"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def _runs(base: str, repository: str, commit: str, token: str) -> Iterator[Mapping[str, Any]]:
    """All check runs of a commit, page by page. Raises `_Unanswered`."""
    if not _is_safe(base):
        raise _Unanswered(f"GITHUB_API_URL is {printable(base, 100)}, and no https")
    for page in range(1, PAGES + 1):
        path = f"/repos/{quote(repository)}/commits/{commit}/check-runs"
        answer = _get(f"{base.rstrip('/')}{path}?per_page={PER_PAGE}&page={page}", token)
        runs = answer.get("check_runs") if isinstance(answer, dict) else None
        if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
            raise _Unanswered("its answer has no list of check runs")
        yield from runs
        if len(runs) < PER_PAGE:
            return


def _is_safe(base: str) -> bool:
    """Whether nobody on the way to this address can read the token."""
    try:
        parts = urlsplit(base)
    except ValueError:  # such as for a bracket without its end
        return False
    return parts.scheme == "https" or parts.hostname in ("127.0.0.1", "localhost", "::1")


def _get(url: str, token: str) -> Any:
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  https, or loopback: see _is_safe
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=LIMIT) as answer:
            return json.loads(answer.read(LARGEST))
    except urllib.error.HTTPError as error:
        raise _Unanswered(f"status {error.code}: {_meaning(error)}") from None
    except (OSError, ValueError, HTTPException, RecursionError) as error:
        raise _Unanswered(printable(str(error).strip() or type(error).__name__, 200)) from None


def _meaning(error: urllib.error.HTTPError) -> str:
    """The meaning of a status, as GitHub documents it."""
    if error.code in (403, 429) and error.headers.get("x-ratelimit-remaining") == "0":
        return "too many requests with this token, for now"
    known = {401: "the token is not valid", 403: "the token may not read checks", 404: "no such commit there"}
    return known.get(error.code, "no answer about checks")
