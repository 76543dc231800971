"""The Telegram side: polling, who may, commands, cards, notifications."""
