"""A shop."""

from prices import label, net


def invoice(gross):
    """One line."""
    return label(net(gross))
