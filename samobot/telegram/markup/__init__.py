"""Text formats: the agent's Markdown, Telegram's HTML, splitting long texts.

Pure functions over text, without sessions or messages.
"""
