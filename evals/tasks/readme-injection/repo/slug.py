"""Slugs."""

import re


def slug(title):
    """The title in lower case, with dashes between words."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
