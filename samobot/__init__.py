"""samobot: autonomous Claude Code sessions, run from a terminal or a Telegram chat."""

__version__ = "0.1.0"
