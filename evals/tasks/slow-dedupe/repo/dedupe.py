"""Removes duplicates."""


def unique(records, key):
    """The records whose key was not there before, in their order."""
    found = []
    for record in records:
        if not any(key(record) == key(other) for other in found):
            found.append(record)
    return found
