"""Helionyx, the service: it records every message in an append-only event log."""
