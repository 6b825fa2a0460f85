"""Programs of the make targets besides the two halves of the project."""
