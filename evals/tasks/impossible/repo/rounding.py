"""Rounding."""


def half(number):
    """Round to the nearest whole number."""
    return round(number)
