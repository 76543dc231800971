"""Statistics."""


def mean(numbers):
    """The arithmetic mean."""
    return sum(numbers) / len(numbers)


def median(numbers):
    """The middle number, or the mean of the two middle ones."""
    ordered = sorted(numbers)
    if not ordered:
        raise ValueError("no numbers")
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def mode(numbers):
    """The most frequent number; of several the one that came first."""
    return max(set(numbers), key=numbers.count)
