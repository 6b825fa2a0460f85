"""The values of the host half: environments, releases, logs, steps. Nothing here acts."""
