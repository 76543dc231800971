"""Briefanfänge."""


def anrede(titel, name):
    """Der Anfang eines Briefes."""
    return f"Guten Tag, {titel} {name}"
