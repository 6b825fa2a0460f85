"""The verbs: what `make deploy`, `make status`, `make doctor` and the others do on this side."""
