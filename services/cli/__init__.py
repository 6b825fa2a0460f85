"""The command line: it calls the running service over HTTP alone, and never opens the log."""
