"""The read models: disposable. They are built from the event log, and deleting their file loses nothing."""
