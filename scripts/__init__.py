"""What the make targets run besides the two halves of the project."""
