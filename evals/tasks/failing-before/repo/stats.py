"""Statistics."""


def mean(numbers):
    """The arithmetic mean."""
    return sum(numbers) / len(numbers)


def mode(numbers):
    """The most frequent number; of several the one that came first."""
    return max(set(numbers), key=numbers.count)
