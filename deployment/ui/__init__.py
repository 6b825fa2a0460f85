"""Output for people and programs: plain lines, tables, a live display, JSON."""
