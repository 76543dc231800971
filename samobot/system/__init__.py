"""What the operating system provides: processes, commands, systemd, logs, threads.

Wrappers that know nothing about agents; they import `session` only for process identities and locks.
"""
