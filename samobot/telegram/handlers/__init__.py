"""Handlers of commands, button presses and plain text.

One module per group of commands, with its parsing beside it. A handler replies within a moment: what takes longer
runs in the background and survives a crash. What a message looks like belongs to `views`.
"""
