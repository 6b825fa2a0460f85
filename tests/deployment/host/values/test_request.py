"""A change as it was asked for, and as it is carried out."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from deployment.host.values.errors import Refused
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.log import Log
from deployment.host.values.request import Request, ResolvedRequest

ACTOR = {"name": "Ada", "from": "ada@laptop"}
DEPLOY: dict[str, Any] = {"verb": "deploy", "environment": "dev", "actor": ACTOR, "soak": 3, "keep": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verb": "promote"}, "does not know the verb 'promote'"),
        ({"verb": None}, "does not know the verb None"),
        ({"environment": "prod"}, "there is no environment 'prod'"),
        ({"environment": "../dev"}, r"there is no environment '\.\./dev'"),
        ({"verb": ["deploy"]}, "does not know the verb"),
        ({"actor": None}, "the request cannot be read"),
        ({"actor": {"from": "ada@laptop"}}, "the request cannot be read: KeyError"),
        ({"soak": "long"}, "the request cannot be read: ValueError"),
        ({"log": {"length": 3, "unknown": 1}}, "the request cannot be read: TypeError"),
        ({"promoted": {"environment": "../etc", "release": "x"}}, "the request cannot be read: ValueError"),
        ({"log": [1]}, "the request cannot be read: AttributeError"),
    ],
)
def test_request_that_makes_no_sense_is_refused(change: dict[str, Any], message: str) -> None:
    """At the edge of the node, before anything reads a member of it."""
    with pytest.raises(Refused, match=message):
        Request.parse(DEPLOY | change, Layout())


def test_members_that_a_later_version_adds_are_left_aside() -> None:
    """Also those that are missing in a request of an earlier version have a meaning."""
    request = Request.parse(DEPLOY | {"later": 5}, Layout())
    assert (request.environment, request.soak, request.keep) == (Environment("dev"), 3.0, None)
    assert request == Request("deploy", Environment("dev"), ACTOR, soak=3.0)


def test_request_is_never_edited() -> None:
    """What is worked out is another value."""
    request = Request.parse(DEPLOY, Layout())
    with pytest.raises(FrozenInstanceError):
        request.verb = "stop"  # type: ignore[misc]


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"promoted": {"environment": "staging", "release": "c0ffee000000-111111111111"}},
        {"verb": "rollback", "to": "1a2b", "config": "current"},
        {"verb": "restore", "log": {"length": 5, "head": "a" * 64, "said": [4, "b" * 64]}},
        {"verb": "restore", "log": {"kept": "5-aaaaaaaaaaaa"}},
        {"verb": "redact", "position": 3, "reason": "a password", "planned": {"at": 9}, "noted": True},
        {"verb": "remove", "delete": True, "asked": {"verb": "remove"}},
    ],
)
def test_request_on_the_disk_is_the_one_that_was_resolved(members: dict[str, Any]) -> None:
    """Each attempt at a transaction reads it from request.json."""
    request = ResolvedRequest.parse(DEPLOY | members, Layout())
    assert ResolvedRequest.parse(json.loads(json.dumps(request.to_json())), Layout()) == request


def test_request_json_has_the_members_that_version_0_3_0_reads() -> None:
    """Its recovery reads them where they were, and the audit does."""
    release = {"id": "1a2b3c4d5e6f-9f8e7d6c5b4a", "environment": "dev"}
    request = ResolvedRequest.parse(DEPLOY | {"release": release}, Layout())
    request = replace(request, archived="9-aaaaaaaaaaaa", log=Log(9, "a" * 64), asked=DEPLOY)
    written = request.to_json()
    assert (written["verb"], written["environment"], written["actor"]) == ("deploy", "dev", ACTOR)
    assert written["release"] == release
    assert {key: written["log"][key] for key in ("kept", "length", "head")} == {
        "kept": "9-aaaaaaaaaaaa",
        "length": 9,
        "head": "a" * 64,
    }
    assert written["asked"] == DEPLOY


def test_request_of_a_transaction_that_version_0_3_0_has_begun() -> None:
    """It has no `asked`, and what was worked out lies among what was asked."""
    text = '{"verb": "rollback", "dry": false, "environment": "live", "actor": {"name": "Ada"}, "soak": 0.0,'
    text += ' "keep": null, "insist": false, "to": "1a2b3c4d5e6f-9f8e7d6c5b4a", "config": null}'
    request = ResolvedRequest.parse(json.loads(text), Layout())
    assert (request.to, request.asked) == ("1a2b3c4d5e6f-9f8e7d6c5b4a", None)
