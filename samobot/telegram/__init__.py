"""The Telegram bot.

`app` connects the packages: an update comes in through `inbound`, a handler of `handlers` decides through the fleet,
`notify` compares sessions with what was sent, `views` renders, `outbound` delivers, `store` remembers. Imports go only
in that direction. Sessions are known only as values of the fleet.
"""

import sys

from samobot.lean_imports import without

# httpx comes with a command line of its own and imports it where rich is installed, as it is for samobot: 5 MB of
# memory that no bot uses. With None here its import fails, and httpx does without, as it does elsewhere.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

# python-telegram-bot loads cryptography where it is installed, as it is for sessions on other hosts: 16 MB for
# Telegram Passport, which no bot here uses.
with without("cryptography"):
    import telegram  # noqa: F401 - now, without it
