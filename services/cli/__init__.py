"""The command line: a person who talks to the running service, over HTTP alone. The log is never opened."""
