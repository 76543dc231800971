"""Prices."""


def net(gross, rate=0.2):
    """Without tax."""
    return gross / (1 + rate)


def label(amount):
    """An amount for display."""
    return f"{amount:.2f} EUR"
