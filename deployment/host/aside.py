"""What a transaction remembers of the logs that it puts aside: by that it finds its way back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from . import shelf, store
from .layout import Environment, Layout
from .model import Log, Manifest, Wanted
from .record import Transaction


@dataclass(frozen=True)
class Aside:
    """The logs that one transaction moves. `coming` is the one that it brings, if it brings one."""

    layout: Layout
    environment: Environment
    transaction: Transaction
    coming: Log | None

    def name(self, wanted: Wanted) -> str:
        """What the log is called that is about to be put aside, on the way forward or back.

        It is chosen once, when nothing is appended any more, and noted before anything is moved.
        """
        found = self._noted(back=wanted.back)
        if found is None:
            log = store.at_rest(self.layout, self.environment, wanted.release)
            name = shelf.free(self.layout, self.environment, log.name if log else self._unreadable)
            noted = asdict(log) if log else None
            found = self.transaction.write("aside", back=wanted.back, name=name, log=noted)
        return str(found["name"])

    def before(self) -> tuple[Log | None, str]:
        """The log of before and what it is called where it is kept; none where it was never to be moved."""
        found = self._noted(back=False)
        return (_log(found) or Log(0, ""), found["name"]) if found else (None, "")

    def tidy(self, release: Manifest | None) -> None:
        """Put away what an attempt or a transaction before this one has left in the middle of a switch."""
        found, known = self._noted(back=False), {}
        if self.coming is not None:
            known[self.coming.name] = self.transaction.request["log"].get("kept", "")
        if found is not None:
            log = _log(found)
            known[log.name if log else ""] = found["name"]
        shelf.tidy(self.layout, self.environment, release, known)

    @property
    def _unreadable(self) -> str:
        return f"unreadable-{self.transaction.id}"

    def _noted(self, *, back: bool) -> dict[str, Any] | None:
        return next((entry for entry in self.transaction.entries("aside") if entry["back"] == back), None)


def _log(noted: dict[str, Any]) -> Log | None:
    return Log(**noted["log"]) if noted["log"] else None
