"""Sessions of browsers, and the secrets that sign them."""
