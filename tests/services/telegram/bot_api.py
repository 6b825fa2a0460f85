"""A Bot API on loopback: real HTTP, several bots, and everything that can go wrong with a call.

with BotApi.running() as api:
    bot = api.add("helionyx_dev_bot")            # bot.token; api.url is what TELEGRAM_API_URL says
    bot.say(chat, "buy milk")                    # somebody writes to the bot
    sent = bot.wait_sent("milk")                 # what it has sent; its buttons, its edits
    bot.press(sent, "done")                      # somebody presses one of them
    bot.fail("sendMessage", UNANSWERED)          # the next call is done, and never answered
"""

from __future__ import annotations

import contextlib
import email
import json
import re
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.services.telegram.bot import Bot, Json
from tests.services.telegram.faults import ApiError, Fault
from tests.services.telegram.methods import METHODS, NAMES

TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]{20,}")
NO_FAULT = Fault()


@dataclass
class BotApi:
    """The server and its bots. They outlive a stop: what waits for a bot is there after the next start."""

    host: str = "127.0.0.1"
    port: int = 0  # any that is free; the same one again after a stop
    bots: list[Bot] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    problems: list[BaseException] = field(default_factory=list)  # of the server itself

    def __post_init__(self) -> None:
        self._server: _Server | None = None
        self._thread = threading.Thread()

    @classmethod
    @contextlib.contextmanager
    def running(cls, host: str = "127.0.0.1") -> Iterator[BotApi]:
        """One that is there until the end of the block."""
        api = cls(host)
        api.start()
        try:
            yield api
        finally:
            api.stop()
        assert not api.problems, api.problems

    @property
    def url(self) -> str:
        """Where it is, without a / at the end."""
        return f"http://{self.host}:{self.port}"

    def add(self, username: str) -> Bot:
        """A bot of that name, with a token of its own."""
        number = 7_000_000_001 + len(self.bots)
        bot = Bot(f"{number}:AAtest-{username}-{'x' * 20}", username, self.changed)
        self.bots.append(bot)
        return bot

    def start(self) -> None:
        """Listen."""
        self._server = _Server((self.host, self.port), _Call)
        self._server.api = self
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Be gone: nobody is answered any more, and no connection stays."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        server.cut()
        self._thread.join()
        with self.changed:  # whoever waits for updates has nobody left to tell them to
            for bot in self.bots:
                bot.newest_poll += 1
            self.changed.notify_all()

    def bot_of(self, token: str) -> Bot:
        """The bot with that token. Raises ApiError: 404 for what is no token, 401 for one of no bot."""
        if not TOKEN.fullmatch(token):
            raise ApiError(404, "Not Found")
        for bot in self.bots:
            if bot.token == token and not bot.revoked:
                return bot
        raise ApiError(401, "Unauthorized")

    def answer(self, token: str, method: str, given: Json) -> tuple[int, Json] | None:
        """Do what is asked: the status and the body of the answer, or None where the connection is to end."""
        try:
            bot = self.bot_of(token)
            if method.lower() not in NAMES:
                raise ApiError(404, "Not Found: method not found")
            name = NAMES[method.lower()]
            fault = self._begun(bot, name)
            if fault.drops and not fault.acts:
                return None
            if fault.error:
                raise fault.error
            with self.changed:
                result = METHODS[name](bot, given)
                self.changed.notify_all()
            return None if fault.drops else (200, {"ok": True, "result": result})
        except ApiError as error:
            body: Json = {"ok": False, "error_code": error.status, "description": error.description}
            if error.parameters:
                body["parameters"] = error.parameters
            return error.status, body

    def _begun(self, bot: Bot, name: str) -> Fault:
        """Count the call; what is to go wrong with it, after the wait that belongs to that."""
        with self.changed:
            bot.calls[name] += 1
            waiting = bot.faults.get(name)
            fault = waiting.popleft() if waiting else NO_FAULT
            self.changed.notify_all()
            if fault.seconds:
                self.changed.wait_for(lambda: self._server is None, fault.seconds)
        return fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    api: BotApi

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        """End every connection that is open."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):  # it has just ended by itself
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):  # callers may go when they like
            self.api.problems.append(error)


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        """`/bot<token>/<method>`."""
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        given = dict(parse_qsl(parts.query)) | _parameters(self.headers.get("Content-Type", ""), body)
        found = re.fullmatch(r"/bot([^/]*)/([^/]*)", unquote(parts.path))
        if found is None:
            self._say(404, {"ok": False, "error_code": 404, "description": "Not Found"})
            return
        answer = self.server.api.answer(found[1], found[2], given)
        if answer is None:
            self.close_connection = True
        else:
            self._say(*answer)

    do_GET = do_POST  # noqa: N815 - the library's name

    def _say(self, status: int, body: Json) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """The path holds a token."""


def _parameters(kind: str, body: bytes) -> Json:
    """What a call says: as JSON, as a form, or in parts."""
    if kind.startswith("application/json"):
        given: Json = json.loads(body or b"{}")
        return given
    if kind.startswith("multipart/form-data"):
        message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        return {
            str(part.get_param("name", header="content-disposition")): _payload(part)
            for part in message.walk()
            if not part.is_multipart()
        }
    return dict(parse_qsl(body.decode()))


def _payload(part: Any) -> str:
    content: bytes = part.get_payload(decode=True)
    return content.decode()
