"""samobot: autonomous Claude Code sessions, run from a terminal or a Telegram chat."""

import sys
from types import ModuleType

__version__ = "0.1.0"

# For plugins, of which samobot has none, pydantic reads the metadata of all installed packages with what the standard
# library has for e-mail: a tenth of each start. With this in the place of the module that does so, it finds none.
_no_plugins = ModuleType("pydantic.plugin._loader")
_no_plugins.__dict__["get_plugins"] = tuple
sys.modules.setdefault(_no_plugins.__name__, _no_plugins)
