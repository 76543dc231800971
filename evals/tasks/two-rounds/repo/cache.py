"""A cache in memory."""


class Cache:
    """Keeps values by key."""

    def __init__(self):
        self._values = {}

    def put(self, key, value):
        """Keep a value."""
        self._values[key] = value

    def get(self, key, default=None):
        """The value of a key."""
        return self._values.get(key, default)

    def __len__(self):
        return len(self._values)
