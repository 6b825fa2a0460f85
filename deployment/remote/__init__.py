"""The connection to a node, and all messages that it may send."""
