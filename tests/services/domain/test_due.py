"""Days and moments by which todos are due, where the day of a moment in UTC is another one."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dates import when
from services.domain import commands as c
from services.domain.due import day_of, is_day, is_overdue, order, until_of
from services.projections import items
from services.projections.database import Projections
from tests.services.instance import running
from tests.services.projections.test_things import appended

ANGELES, AUCKLAND, VIENNA = (
    ZoneInfo(name) for name in ("America/Los_Angeles", "Pacific/Auckland", "Europe/Vienna")
)


def listed(directory: Path, dues: list[str], until: str, zone: ZoneInfo) -> list[str]:
    """The due times that the read models find before `until`."""
    log, _ = appended(directory / "e", [c.AddTodo("x", due, source="x") for due in dues])
    models = Projections.open(directory / "p" / "h.db")
    models.catch_up(log)
    found = [
        str(todo.due)
        for todo in models.ask(partial(items.items, kind="todo", due_until=until_of(until, zone)))
    ]
    models.close()
    log.close()
    return found[::-1]


@pytest.mark.parametrize(
    ("said", "zone", "until", "included"),
    [
        ("24 dec 17:00", ANGELES, "2026-12-25", True),
        ("24 dec 23:59", ANGELES, "2026-12-25", True),
        ("25 dec 0:00", ANGELES, "2026-12-25", False),
        ("25 dec 9:00", AUCKLAND, "2026-12-25", False),
        ("24 dec 23:59", AUCKLAND, "2026-12-25", True),
        ("24 dec", AUCKLAND, "2026-12-25", True),
        ("25 dec", AUCKLAND, "2026-12-25", False),
        ("25 dec", AUCKLAND, "2026-12-24T20:00:00Z", True),
        ("25 dec", ANGELES, "2026-12-25T01:00:00Z", False),
        ("24 dec", ANGELES, "2026-12-25T01:00:00Z", True),
        ("24 dec 17:00", ANGELES, "2026-12-25T01:00:00Z", False),
        ("24 dec 17:00", ANGELES, "2026-12-25T01:00:01Z", True),
    ],
)
def test_before_a_day_or_a_moment(
    tmp_path: Path, said: str, zone: ZoneInfo, until: str, included: bool
) -> None:
    """A day begins at midnight of the time zone; the day of a moment comes before it."""
    due = str(when(said, datetime(2026, 12, 1, tzinfo=zone)))
    assert listed(tmp_path, [due], until, zone) == ([due] if included else [])


@pytest.mark.parametrize(
    "until", ["0001-01-01", "9999-12-31", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
@pytest.mark.parametrize("zone", [ANGELES, AUCKLAND])
def test_at_the_ends_of_time(tmp_path: Path, until: str, zone: ZoneInfo) -> None:
    """Every time that can be stored can be queried."""
    inner = ["2026-12-24", "2026-12-25T01:00:00Z"]
    assert listed(tmp_path, inner, until, zone) == (inner if until[0] == "9" else [])


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(ZoneInfo("UTC")))


@given(MOMENTS, MOMENTS, st.sampled_from([ANGELES, AUCKLAND, VIENNA]))
def test_order_and_overdue_go_by_the_clocks(due: datetime, now: datetime, zone: ZoneInfo) -> None:
    """A moment belongs to its local day, between that day and the next one."""
    text, here = due.strftime("%Y-%m-%dT%H:%M:%SZ"), now.astimezone(zone)
    day = day_of(text, zone)
    assert day == due.astimezone(zone).date()
    assert is_overdue(text, here) == (datetime.fromisoformat(text) <= now)
    assert is_overdue(day.isoformat(), here) == (day < here.date())
    after = (day + timedelta(days=1)).isoformat()
    if not is_overdue(day.isoformat(), here) and not is_overdue(text, here):
        assert sorted([None, after, text, day.isoformat()], key=lambda each: order(each, here)) == [
            *(day.isoformat(), text, after, None)
        ]
    assert is_day(after)


@pytest.mark.parametrize("zone", [ANGELES, AUCKLAND])
def test_the_list_of_a_service(tmp_path: Path, zone: ZoneInfo) -> None:
    """The list uses the days of the service's time zone."""
    with running(tmp_path, TIMEZONE=zone.key) as service:
        for clock in ("2042-12-24 17:00", "2042-12-25 9:00"):
            service.call("POST", "/api/v1/messages", {"text": f"todo: {clock} due {clock}"})
        page = service.call("GET", "/api/v1/todos?due_until=2042-12-25").json
    assert [todo["text"] for todo in page["todos"]] == ["2042-12-24 17:00"]


def test_a_due_time_that_is_not_understood(tmp_path: Path) -> None:
    """The answer names it, also when it is told again; nothing is named where there is a time or no todo."""
    with running(tmp_path) as service:
        for text, undated in (
            ("todo: buy milk due someday", "due someday"),
            ("todo: buy milk due friday at 17", None),
            ("todo: buy milk", None),
            ("note: what is due someday", None),
            ("what is due someday", None),
        ):
            for _ in range(2):
                answer = service.call(
                    "POST", "/api/v1/messages", {"text": text}, Idempotency_Key=f"undated {text}"
                )
                assert answer.json["undated"] == undated
