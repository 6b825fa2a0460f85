"""Releases, layers and host halves on the disk."""
