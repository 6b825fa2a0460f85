"""Build a release: the committed tree, its dependencies, configuration and units."""
