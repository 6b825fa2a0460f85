"""The process: `ENV=dev python services/api/runner.py`, or `python -m services.api.runner`.

Exit codes: 0 after a stop, 1 for what the service cannot do, 78 for a configuration that cannot be used.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
from pathlib import Path

if __package__ in (None, ""):  # started as a script: sys.path holds this file's directory and not the root
    _here = Path(__file__).resolve().parent
    sys.path[:] = [str(_here.parent.parent), *(entry for entry in sys.path if entry != str(_here))]

from services.config import Config
from services.errors import HelionyxError
from services.logs import log_failure, set_up


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
    gc.disable()  # imports create almost no garbage, and looking for it took a tenth of the start
    # Only now, so that a bad configuration is told at once.
    from services.api.serving import serve

    gc.freeze()  # modules live as long as the process: no later collection looks through them
    gc.enable()
    serve(config, os.environ)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
