"""The contract of the event log, which every backend keeps."""
