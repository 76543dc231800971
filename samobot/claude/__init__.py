"""One iteration of the Claude CLI: how it is started, watched, stopped and judged.

A change of the CLI's options, records or behavior belongs here, and nowhere else. Knows processes and log files, but
no session folder: the worker brings both together. Another agent provider would be a package beside this one.
"""
