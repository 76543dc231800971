"""The commands of the terminal, one module a group of them.

Arguments in, text and exit codes out. What a command does belongs to the packages below, so that the chat can do the
same. `cli` imports the module of a command only when it runs.
"""
