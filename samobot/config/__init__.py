"""Configuration: the environment, the `.env` file, projects, and how sessions are addressed.

Settings are read and validated here, and passed on as values. May import `session` for names of sessions; must not know workers, the fleet or Telegram.
"""
