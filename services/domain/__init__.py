"""What the service is about, as values and pure functions: no I/O, no clock, no imports from elsewhere."""
