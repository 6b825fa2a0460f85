"""What the host half reasons about: environments, releases, logs, steps, as values. Nothing here acts."""
