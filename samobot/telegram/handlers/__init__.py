"""Handlers of commands, button presses and plain text."""
