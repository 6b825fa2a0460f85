"""The process: `ENV=dev python services/api/runner.py`, or `python -m services.api.runner`.

Exit codes: 0 after a stop, 1 for what the service cannot do, 78 for a configuration that cannot be used.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):  # started as a script: sys.path holds this file's directory and not the root
    _here = Path(__file__).resolve().parent
    sys.path[:] = [str(_here.parent.parent), *(entry for entry in sys.path if entry != str(_here))]

from services.config import Config
from services.errors import HelionyxError
from services.logs import log_failure, set_up

if TYPE_CHECKING:
    from services.api.notify import Notifier
    from services.api.server import DrainingServer
    from services.bootstrap import Application

logger = logging.getLogger("helionyx")


def main() -> int:
    """Run the service of the environment `$ENV` until SIGTERM or SIGINT. Returns the exit code."""
    os.umask(0o077)
    faulthandler.enable()  # the watchdog ends a stuck process by SIGABRT: its last words say where it was
    set_up(os.environ)
    try:
        config = Config.from_env(os.environ.get("ENV"))
        secrets = [secret for secret in (config.api_token, config.telegram_bot_token) if secret]
        set_up(os.environ, config.log_level, secrets)
        return _run(config)
    except HelionyxError as error:
        log_failure(error)
        return error.exit_code


def _run(config: Config) -> int:
    # Only now, so that a bad configuration is told at once.
    from services.api.sockets import bound, inherited
    from services.bootstrap import bootstrap

    listeners = inherited(os.environ) or [bound(config.api_host, config.api_port)]
    application = bootstrap(config, os.environ)
    asyncio.run(_serve(application, listeners))
    return 0


async def _serve(application: Application, listeners: list[socket.socket]) -> None:
    from services.api.notify import Notifier
    from services.api.server import DrainingServer
    from services.api.sockets import address_of
    from services.service import NotReadyError

    notify = Notifier(os.environ)
    server = DrainingServer(application.app)
    addresses = ", ".join(address_of(listener) for listener in listeners)

    def stop() -> None:
        server.stop()
        application.telegram.stop()
        application.service.end_streams()
        notify("STOPPING=1", "STATUS=finishing what was begun")

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    watchdog = asyncio.create_task(notify.watch())
    opening = asyncio.create_task(_open(application, server, notify, addresses))
    try:
        await server.serve(listeners)
    finally:
        await application.telegram.ended()
        await application.service.close()
        watchdog.cancel()
    with contextlib.suppress(NotReadyError):  # stopped before it was open
        await opening  # raises what kept the log from being opened
    logger.info("stopped", extra={"fields": _who(application)})


async def _open(application: Application, server: DrainingServer, notify: Notifier, addresses: str) -> None:
    identity = application.identity
    try:
        head = await application.service.open()
    except BaseException:
        server.stop()  # `_serve` tells why
        raise
    await server.serving.wait()
    if server.should_exit:
        return
    notify("READY=1", f"STATUS=ready, release {identity.release} on {addresses}")
    fields = {**_who(application), "address": addresses, "log_length": head.position}
    logger.info("rehearsing" if identity.rehearsal else "started", extra={"fields": fields})
    application.telegram.start()


def _who(application: Application) -> dict[str, object]:
    return {"env": application.identity.environment, "release": application.identity.release}


if __name__ == "__main__":
    raise SystemExit(main())
