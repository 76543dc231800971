"""The Telegram bot."""

import sys

# httpx comes with a command line of its own and imports it where rich is installed, as it is for samobot: 5 MB of
# memory that no bot uses. With None here its import fails, and httpx does without, as it does elsewhere.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
