"""Prices."""


def net(gross, rate=0.2):
    """Without tax."""
    return gross / (1 + rate)
