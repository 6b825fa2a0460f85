"""The event log in SQLite: `backend` is its entrance, `schema` the layout of its file."""
