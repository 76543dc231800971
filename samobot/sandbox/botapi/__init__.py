"""A strict Bot API server on loopback; it imports nothing else of samobot."""
