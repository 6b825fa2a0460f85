"""Calling a function while the caller goes on, such as one that waits for a program of a release."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Call(Generic[T]):
    """A call in a thread of its own. The interpreter waits for its end, with or without `result`."""

    def __init__(self, function: Callable[..., T], *arguments: Any, **named: Any) -> None:
        self._function, self._arguments, self._named = function, arguments, named
        self._values: list[T] = []
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._values.append(self._function(*self._arguments, **self._named))
        except BaseException as error:  # noqa: BLE001  raised again by `result`
            self._error = error

    def result(self) -> T:
        """Wait for the call and return its value, or raise its exception."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._values[0]
