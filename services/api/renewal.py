"""The renewal of the service's certificate: a new pair of files is served without a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from services.api.protocol import BoundedProtocol
from services.api.tls import TlsConnection
from services.certificate import CertificateError, Pair, load
from services.config import Config

logger = logging.getLogger("helionyx")

LOOK_SECONDS = 1.0
"""The interval between two looks at the files."""

PAIR_FILE = "HELIONYX_TLS_FILE"
"""The variable with the node's copy of certificate and key, which are one file there."""


def pair_of(config: Config, variables: Mapping[str, str]) -> Pair:
    """The files of the certificate and its key in a configuration that has them."""
    copy = variables.get(PAIR_FILE)
    if copy:
        return Pair(Path(copy), Path(copy))
    return Pair(cast(Path, config.tls_cert_file), cast(Path, config.tls_key_file))


class Renewal:
    """The certificate in use. Open connections keep that of their beginning."""

    def __init__(self, pair: Pair) -> None:
        """Load the pair. Raises CertificateError."""
        self._pair = pair
        self._state = pair.state
        self._loaded = load(pair)

    def protocol(self, **named: Any) -> TlsConnection:
        """Make the protocol of a new connection."""
        return TlsConnection(BoundedProtocol(**named), self._loaded.context)

    @property
    def not_after(self) -> datetime:
        """The end of the certificate in use."""
        return self._loaded.not_after

    async def watch(self) -> None:
        """Look for a new pair for ever."""
        self._log("HTTPS is on")
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Use a changed pair if it fits. One that does not stays unused until its files change again."""
        state = self._pair.state
        if state == self._state:
            return
        # Before the files are read: a change during that shows at the next look.
        self._state = state
        try:
            self._loaded = load(self._pair)
        except CertificateError as error:
            logger.warning("the new certificate is not used: %s", error.message)
        else:
            self._log("new certificate in use")

    def _log(self, message: str) -> None:
        fields = {"not_after": self._loaded.shown_end}
        if self.not_after <= datetime.now(UTC):
            logger.warning("%s, but the certificate has expired", message, extra={"fields": fields})
        else:
            logger.info(message, extra={"fields": fields})
