"""SQLite for the event log and for the read models: transactions, waiting for locks, a full disk."""
