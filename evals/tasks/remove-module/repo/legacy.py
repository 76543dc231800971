"""Deprecated, see prices."""


def net(gross):
    """Without 20 % tax."""
    return gross / 1.2


def label(amount):
    """An amount for display."""
    return "%.2f EUR" % amount
