"""The program that puts Helionyx on a node, and looks after it there. Never imports `services`."""
