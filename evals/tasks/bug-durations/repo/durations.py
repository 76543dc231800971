"""Durations as people write them."""


def parse_duration(text):
    """Seconds of a duration such as `1h30m`."""
    hours, rest = text.split("h")
    minutes = rest.rstrip("m") or "0"
    return int(hours) * 3600 + int(minutes) * 60
