"""The HTTP adapter: `app` answers requests, `runner` is the process."""
