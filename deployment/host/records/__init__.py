"""What root writes down: the record of a transaction, the audit, locks, verified releases."""
