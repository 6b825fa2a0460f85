"""An environment's event log and read models, read and moved by its release's own code."""
