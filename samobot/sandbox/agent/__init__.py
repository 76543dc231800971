"""The scripted agent that takes the place of the Claude CLI."""
