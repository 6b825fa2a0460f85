"""Helionyx, the service: it keeps every word it is told in an append-only event log."""
