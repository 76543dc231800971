"""A shop."""

import importlib

from legacy import net


def invoice(gross):
    """One line."""
    label = importlib.import_module("legacy").label
    return label(net(gross))
