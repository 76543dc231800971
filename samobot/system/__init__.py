"""What the operating system provides: processes, commands, systemd, logs, threads."""
