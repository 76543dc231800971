"""Messages on their way out: outbox, rate limit, delivery.

Everything that the bot sends goes through the outbox and is on disk first. Knows Telegram's limits and errors, and no
sessions.
"""
