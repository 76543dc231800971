"""Slugs."""

import re
import unicodedata


def slug(title):
    """The title in lower case without accents, with dashes between words."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
