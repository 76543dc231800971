"""Durations as people write them."""

import re

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?")


def parse_duration(text):
    """Seconds of a duration such as `1h30m`."""
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"{text!r} is no duration")
    return int(found[1] or 0) * 3600 + int(found[2] or 0) * 60
