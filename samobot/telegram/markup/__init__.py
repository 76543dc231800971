"""Text formats: the agent's Markdown, Telegram's HTML, splitting long texts."""
