"""A strict Bot API server on loopback; it imports nothing else of samobot.

It refuses what Telegram refuses. `world` holds the chats, the other modules are the methods by topic.
"""
