"""Tools for dates."""

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def days_of(month):
    """Days of a month (1 to 12) in a common year."""
    if not 1 <= month <= 12:
        raise ValueError("no such month: {}".format(month))
    return _DAYS[month - 1]
