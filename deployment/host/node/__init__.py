"""The machine: running programs, files, systemd, sockets, processes, accounts. Knows of no release."""
