"""`make doctor` and `make status` on the node's side: gather, then judge by pure rules."""
