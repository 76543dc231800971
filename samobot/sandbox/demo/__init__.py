"""The demo: sandbox server, scripted agent, sample repository and the real bot.

The bot runs as a process of its own, as it does in production; `guide` follows along in a chat.
"""
