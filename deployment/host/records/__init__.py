"""Records of root: the record of a transaction, the audit, locks, verified releases."""
