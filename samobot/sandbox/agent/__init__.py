"""The scripted agent that takes the place of the Claude CLI.

Reads a scenario, writes the same records and files as the CLI, and costs nothing.
"""
