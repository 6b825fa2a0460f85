"""The connection to a node, and the shapes of all that it may say."""
