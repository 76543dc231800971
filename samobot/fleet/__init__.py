"""All sessions of this machine: list, start, supervise, stop, decide, read."""
