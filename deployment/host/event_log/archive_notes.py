"""Notes of a transaction about the logs that it archives, by which a revert finds them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..records.record import Transaction
from ..values.desired import Desired
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from . import archived_logs, log_commands


@dataclass(frozen=True)
class Note:
    """The note of a transaction about one log that it archives."""

    name: str
    log: Log | None  # None for a log that could not be read

    def is_about(self, log: Log | None) -> bool:
        """Whether it is that log; of one that could not be read, whether that cannot be read either."""
        return log is None if self.log is None else self.log.tells(log)


@dataclass(frozen=True)
class ArchiveNotes:
    """The logs that one transaction moves. `coming` is the one that it brings, if it brings one."""

    environment: Environment
    transaction: Transaction
    coming: Log | None

    def name(self, desired: Desired) -> str:
        """The name of the log that is about to be archived, by the change or by its revert.

        It is chosen once, when nothing is appended any more, and noted before anything is moved.
        """
        note = self._noted(back=desired.back)
        if note is None:
            log = log_commands.at_rest(self.environment, desired.release)
            name = log.name if log else self._unreadable
            if desired.back and self.coming is not None and self.coming.tells(log):
                name = self._kept or name
            reserved = self._names | ({self._kept} if self._kept and not desired.back else set())
            name = archived_logs.free(self.environment, name, reserved)
            note = Note(name, log)
            self.transaction.write("aside", back=desired.back, **asdict(note))
        return note.name

    @property
    def named(self) -> str | None:
        """The name of the new log in the history: its name in the archive, or its length and head."""
        if self.coming is None:
            return None
        return self._kept or f"{self.coming.length}-{self.coming.head[:12]}"

    def before(self) -> tuple[Log | None, str]:
        """The log of before and what it is called where it is kept; none where it was never to be moved."""
        note = self._noted(back=False)
        return (note.log or Log(0, ""), note.name) if note else (None, "")

    def facts(self, release: Manifest | None) -> dict[str, Any]:
        """The facts for the result: the archive of the previous log, and how many of its events are newer."""
        noted = self._noted(back=False)
        if noted is None or self.coming is None or release is None:
            return {}
        path = self.environment.archived_logs / noted.name
        if not path.is_dir():  # there was none
            return {}
        return {
            "kept": str(path),
            "newer": archived_logs.newer(self.environment, release, path, self.coming),
        }

    def tidy(self, release: Manifest | None) -> bool:
        """Name the log that an interrupted switch left behind: the incoming log or the replaced one.

        Returns whether there was such a log.
        """
        if release is None or not archived_logs.waits(self.environment):
            return False
        log = archived_logs.waiting(self.environment, release)
        name = self._name_of(log, release)
        desired = name or (log.name if log else self._unreadable)
        free_name = archived_logs.free(self.environment, desired, self._names - {name})
        before = self._noted(back=False)
        is_own = self.coming is not None and self.coming.tells(log)
        if is_own and self._brought and (before is None or name != before.name):
            self.transaction.write("tidied", name=free_name)
        archived_logs.put_away(self.environment, free_name)
        return True

    def clear(self, release: Manifest | None) -> str:
        """Drop what was brought and has no place, and say where what was said to it meanwhile is kept."""
        noted = self._noted(back=True)
        if self.coming is None or release is None:
            return ""
        copies = {entry["name"] for entry in self.transaction.entries("tidied")}
        meanwhile = noted is not None and not self.coming.tells(noted.log)
        if noted is not None and not meanwhile:
            copies.add(noted.name)
        for name in copies if self._brought else ():
            archived_logs.drop(self.environment, release, name, self.coming)
        if noted is None or not meanwhile:
            return ""
        path = self.environment.archived_logs / noted.name
        if not path.is_dir():
            return ""
        return f"Messages recorded meanwhile are archived in {path}."

    def _name_of(self, log: Log | None, release: Manifest) -> str:
        """The name that is known for the log which waits, of that length and head; none if none is."""
        before, after = self._noted(back=False), self._noted(back=True)
        is_own = self.coming is not None and self.coming.tells(log)
        if is_own and before is not None and before.is_about(log):
            path = self.environment.archived_logs / archived_logs.NEXT
            is_own = log_commands.flaw(self.environment, release, path) is None
        if is_own and self._kept:
            return self._kept
        for noted in (after,) if is_own else (before, after):
            if noted is not None and noted.is_about(log):
                return noted.name
        return ""

    @property
    def _kept(self) -> str:
        """The archived name of the new log; None if it comes from elsewhere."""
        return str(self.transaction.request["log"].get("kept", "")) if self.coming is not None else ""

    @property
    def _brought(self) -> bool:
        """Whether this transaction has laid down the log that comes."""
        return any(entry["verb"] == "install-log" for entry in self.transaction.entries("step"))

    @property
    def _names(self) -> set[str]:
        return {entry["name"] for entry in self.transaction.entries("aside")}

    @property
    def _unreadable(self) -> str:
        return f"unreadable-{self.transaction.id}"

    def _noted(self, *, back: bool) -> Note | None:
        entries = [entry for entry in self.transaction.entries("aside") if entry["back"] == back]
        notes = [Note(entry["name"], Log(**entry["log"]) if entry["log"] else None) for entry in entries]
        return notes[0] if notes else None
