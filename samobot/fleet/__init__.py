"""All sessions of this machine: list, start, supervise, stop, decide, read.

`Fleet` in `fleet` is the only way from the bot to sessions: its arguments and results are models that survive a
network. `LocalFleet` implements it with one collaborator per group of calls (reader, starter, stopper, decisions,
queue). The terminal, which runs sessions itself, shares how they are created, launched and stopped. Imports workers and charts; must not import Telegram or the terminal.
"""
