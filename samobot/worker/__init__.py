"""The worker loop of `samobot run`: one session from iteration to iteration.

`loop` decides, `iteration` runs the agent once, `session_files` records; failures, limits and budgets have a module
each. Imports `claude` and `session`; must not import the fleet, Telegram or the terminal.
"""
