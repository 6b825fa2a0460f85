"""The event log: the truth. Append-only, in one total order, each record with the hash of the one before.

`log` is the seam between the service and a backend, `records` the format of a record. `summary` is light to
import: a command needs nothing else for the end of a log.
"""
