"""The running service: open the log, report READY, serve, stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING

from services.api.loop import Loop
from services.api.notify import Notifier
from services.api.protocol import BoundedProtocol
from services.api.server import DrainingServer
from services.api.sockets import address_of, bound, inherited
from services.bootstrap import Application, bootstrap
from services.config import Config
from services.refusals import NotReadyError
from services.upkeep import Upkeep

if TYPE_CHECKING:
    from services.api.renewal import Renewal

logger = logging.getLogger("helionyx")


def serve(config: Config, variables: MutableMapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. `variables` are the OS's. Raises HelionyxError."""
    renewal = _renewal(config, variables)
    listeners = inherited(variables) or [bound(config.api_host, config.api_port)]
    end = None if renewal is None else lambda: renewal.not_after
    application = bootstrap(config, variables, end)
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(_serve(application, listeners, Notifier(variables), renewal))


def _renewal(config: Config, variables: Mapping[str, str]) -> Renewal | None:
    """Load the certificate where HTTPS is configured. Raises CertificateError."""
    if config.tls_cert_file is None:
        return None
    from services.api.renewal import Renewal, pair_of

    return Renewal(pair_of(config, variables))


async def _serve(
    application: Application, listeners: list[socket.socket], notify: Notifier, renewal: Renewal | None
) -> None:
    server = DrainingServer(application.app, BoundedProtocol if renewal is None else renewal.protocol)
    upkeep = Upkeep()
    if renewal is not None:
        upkeep.begin(renewal.watch())
    addresses = ", ".join(address_of(listener) for listener in listeners)

    def stop() -> None:
        server.stop()
        application.telegram.stop()
        application.service.end_streams()
        notify("STOPPING=1", "STATUS=stopping, finishing open requests")

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
        upkeep.cancel()
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
    store = {"event_store": str(application.event_store), "log_length": head.position}
    fields = {**_who(application), "address": addresses, **store}
    logger.info("rehearsing" if identity.rehearsal else "started", extra={"fields": fields})
    application.telegram.start()


def _who(application: Application) -> dict[str, object]:
    return {"env": application.identity.environment, "release": application.identity.release}
