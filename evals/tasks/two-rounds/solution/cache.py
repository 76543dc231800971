"""A cache in memory."""

from collections import OrderedDict


class Cache:
    """Keeps the values that were used last, by key."""

    def __init__(self, limit=100):
        self._limit = limit
        self._values = OrderedDict()

    def put(self, key, value):
        """Keep a value."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)

    def get(self, key, default=None):
        """The value of a key."""
        if key not in self._values:
            return default
        self._values.move_to_end(key)
        return self._values[key]

    def __len__(self):
        return len(self._values)
