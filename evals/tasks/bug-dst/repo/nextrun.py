"""When a daily job runs next."""

from datetime import timedelta


def next_run(now, hour=7):
    """The next time at which it is `hour` o'clock; `now` is aware."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    seconds = (today - now).total_seconds()
    if seconds <= 0:
        seconds += 24 * 3600
    return (now.astimezone(tz=None) + timedelta(seconds=seconds)).astimezone(now.tzinfo)
