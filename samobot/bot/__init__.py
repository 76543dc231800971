"""The Telegram side: polling, who may, commands, cards, notifications."""

import sys
from types import ModuleType
from typing import cast

# httpx imports its own command line where that is installed, and rich and pygments with it: megabytes for nothing.
# None in the place of a module is Python's way to say that it is not there, which httpx is prepared for.
sys.modules.setdefault("httpx._main", cast(ModuleType, None))
