"""The bot's own state in SQLite, a module a table."""
