"""HTTP to the service, one question at a time. What changes something is sent again until it is kept.

By http.client, because httpx takes half a second to import: longer than all the rest of a command.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from services.cli.errors import GoneError, NoAnswerError
from services.cli.target import Target
from services.errors import HelionyxError

PATIENCE = 15.0
"""For how many seconds a change is tried again: longer than a restart takes."""

LONGEST_PAUSE = 1.0
"""Between two tries, in seconds."""

TIMEOUT = 10.0
"""For an answer to begin, or to go on, in seconds."""

SILENCE = 40.0
"""For a stream to give a sign of life, in seconds: the service gives one every 15."""

LATER = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
"""The statuses of the service, or of a proxy in front of it, while it restarts."""

LARGEST_PAGE = 1000
"""More items than these the service gives in no answer."""

UNKNOWN = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)

Query = Mapping[str, object]


class Client:
    """Calls one service. `note` gets messages for the person who waits.

    A change that nobody answers is tried for `patience` seconds.
    """

    def __init__(self, target: Target, note: Callable[[str], None], patience: float = PATIENCE) -> None:
        self._target = target
        self._note = note
        self._patience = patience
        self._parts = urlsplit(target.url)
        self._connection: http.client.HTTPConnection | None = None
        self._met = not target.given

    def get(self, path: str, **query: object) -> Any:
        """Return the decoded answer of `path`. A list in the query becomes several parameters, None none.

        Raises HelionyxError in the service's own words, and NoAnswerError.
        """
        return self.ask("GET", _with(path, query))[1]

    def listed(self, path: str, name: str, limit: int, **query: object) -> dict[str, Any]:
        """The first `limit` items of a list, as a page holds them under `name`. Raises what `get` raises."""
        items: list[Any] = []
        before = None
        while True:
            # A page may be shorter than was asked for, where its items are large.
            size = min(limit - len(items), LARGEST_PAGE)
            page = self.get(path, **query, before=before, limit=size)
            items, before = items + page[name], page["next"]
            if before is None or len(items) >= limit:
                return {name: items, "next": before}

    def change(self, method: str, path: str, body: object = None) -> Any:
        """Have something recorded, once: what is not answered is sent again, under the same key.

        Raises what `get` raises; NoAnswerError when patience is at its end.
        """
        headers = {"Idempotency-Key": os.urandom(16).hex()}
        try:
            return self._kept(lambda: self.ask(method, path, body, headers)[1])
        except KeyboardInterrupt:
            self._note("interrupted; it may have been recorded")
            raise

    def _kept(self, send: Callable[[], Any]) -> Any:
        end, pause, sent, noted = time.monotonic() + self._patience, 0.1, False, False
        while True:
            try:
                return send()
            except NoAnswerError as error:
                remaining, sent = end - time.monotonic(), sent or error.sent
                if remaining <= 0:
                    doubt = "; it may have been recorded" if sent else "; nothing was recorded"
                    raise NoAnswerError(error.message + doubt, error.hint, sent=sent) from None
                if not noted:
                    self._note(f"{error.message}; trying again for {self._patience:.0f} s")
            time.sleep(min(pause, remaining))
            pause, noted = min(2 * pause, LONGEST_PAUSE), True

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        expected: tuple[int, ...] = (HTTPStatus.OK, HTTPStatus.CREATED),
    ) -> tuple[int, Any]:
        """One question: (status, what was answered). Raises what `get` raises, also for another status."""
        payload = None if body is None else json.dumps(body).encode()
        with self.opened(method, path, payload, headers) as response:
            content = response.read()
        kind = response.headers.get_content_type()
        value = _decoded(content) if "json" in kind else None
        if not isinstance(value, dict):
            raise self._stranger(response)
        if response.status not in expected:
            raise self._problem(response.status, value)
        return response.status, value

    @contextlib.contextmanager
    def opened(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer that is yet to be read. Raises NoAnswerError, also where it breaks off."""
        sent = False
        try:
            if not self._met:
                self._meet()
            connection = self._connected()
            sent = True
            connection.request(
                method, self._parts.path + path, body, {**self._own_headers(), **(headers or {})}
            )
            yield connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._no_answer(error, sent) from None
        except BaseException:  # what is left unread would be taken for the next answer
            self.close()
            raise

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def lines(self, path: str, query: Query, headers: Mapping[str, str] | None = None) -> Iterator[bytes]:
        """The lines of a long answer as they come, without their ends. Raises what `get` raises."""
        with self.opened("GET", _with(path, query), headers=headers) as response:
            if response.status != HTTPStatus.OK:
                value = _decoded(response.read())
                raise (
                    self._problem(response.status, value)
                    if isinstance(value, dict)
                    else self._stranger(response)
                )
            if self._connection is not None and self._connection.sock is not None:
                self._connection.sock.settimeout(SILENCE)
            rest = b""
            # Not by readline: it takes an answer that breaks off for one that ends.
            while data := response.read1(65536):
                *whole, rest = (rest + data).split(b"\n")
                yield from whole

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            made = self._made(self._parts.hostname or "", self._parts.port)
            made.connect()
            self._connection = made
        return self._connection

    def _made(self, host: str, port: int | None) -> http.client.HTTPConnection:
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        certificate = self._target.certificate
        if certificate is None:
            return http.client.HTTPSConnection(host, port, timeout=TIMEOUT)
        context = _accepting(certificate)
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)

    def _own_headers(self) -> dict[str, str]:
        token = self._target.token
        return {
            "User-Agent": "helionyx",
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }

    def _meet(self) -> None:
        """Check the environment of the service: a URL may lead to another one than the one named."""
        environment, named = None, self._target.environment
        self._met = True  # for this question
        try:
            environment = self.get("/health").get("environment")
        finally:
            self._met = environment == named
        if not self._met:
            raise HelionyxError(
                f"{self._target.url} is the service of {environment}, not of {named}.",
                f"--env {environment}, or another URL",
            )

    def _no_answer(self, error: Exception, sent: bool) -> NoAnswerError:
        broken = isinstance(error, http.client.IncompleteRead)
        reason = "the answer broke off" if broken else getattr(error, "strerror", None) or str(error)
        own = "make run starts it from a checkout, " if self._target.environment != "live" else ""
        name = self._target.environment
        return NoAnswerError(
            f"no answer from {self._target.url}: {reason}",
            f"{own}make start ENV={name} on its node; HELIONYX_URL= names another address",
            sent=sent,
        )

    def _problem(self, status: int, value: Mapping[str, Any]) -> HelionyxError:
        message, hint = str(value.get("detail") or value.get("reason") or status), str(value.get("hint", ""))
        if status == HTTPStatus.UNAUTHORIZED:
            sent = "the API_TOKEN of" if self._target.token else "no token: there is no API_TOKEN in"
            hint = f"this command sent {sent} {self._target.source}"
            return HelionyxError(f"{self._target.url} refuses the token: {message}", hint)
        if status in LATER:
            return NoAnswerError(message, hint, sent=True)
        if status == HTTPStatus.GONE:
            return GoneError(message, hint)
        # Of a thing that is not there it says which; of a path it says that, or no more than the status.
        if status in UNKNOWN and (message.startswith("there is no path") or message == value.get("title")):
            hint = "the release there may be too old for this: helionyx status shows it"
        return HelionyxError(message, hint)

    def _stranger(self, response: http.client.HTTPResponse) -> HelionyxError:
        actual = f"{response.status} {response.reason} ({response.headers.get_content_type()})"
        message = f"expected Helionyx at {self._target.url}, found an answer of something else: {actual}"
        if response.status in LATER:
            return NoAnswerError(message, sent=True)
        return HelionyxError(message, "HELIONYX_URL= names another address")


def _accepting(certificate: Path) -> ssl.SSLContext:
    """A TLS context that accepts one certificate, whatever name is in it. Raises HelionyxError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(certificate)
    except OSError as error:
        raise HelionyxError(
            f"cannot read the certificate of the service in {certificate}: {error.strerror}",
            "HELIONYX_URL=https://NAME:PORT names the service by the name in its certificate",
        ) from None
    return context


def _with(path: str, query: Query) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
