"""Removes duplicates."""


def unique(records, key):
    """The records whose key was not there before, in their order."""
    found = {}
    for record in records:
        found.setdefault(key(record), record)
    return list(found.values())
