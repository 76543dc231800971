"""Briefanfänge."""


def anrede(titel, name):
    """Der Anfang eines Briefes."""
    return " ".join(["Guten Tag,", *titel.split(), *name.split()])
