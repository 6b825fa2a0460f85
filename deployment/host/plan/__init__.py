"""Plan the steps from the state observed to the state desired, or refuse. Pure."""
