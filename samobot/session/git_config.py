"""Which configuration git runs with: nothing that a repository's own files say starts a program. Pure.

Whoever can write into a repository can name programs in its configuration: filters, hooks, text converters,
credential helpers, transports, … Such a name counts only from the user's own configuration (system, global,
environment). git has no switch for this, so every key of another scope that can name a program is overridden
for each command: with the user's own value if there is one, else with a value that runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from samobot.errors import UsageError
from samobot.frozen import frozen
from samobot.regex import regex

LISTING_LIMIT = 4 * 1024 * 1024
"""Bytes of a configuration that are read; a larger one is refused."""

_MAX_OVERRIDES = 2000
_TRUSTED_SCOPES = frozenset({"system", "global", "command"})

FIXED: tuple[tuple[str, str], ...] = (
    # No program, whoever names it.
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.alternateRefsCommand", "true"),  # run with a path as argument: an empty one would run the path
    ("core.pager", "cat"),
    ("log.showSignature", "false"),
    ("merge.verifySignatures", "false"),
    ("protocol.ext.allow", "never"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    # An agent may write it: what is shown of a commit would not be what is pushed.
    ("core.commitGraph", "false"),
    # Submodules have configurations of their own, which were not read.
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("status.submoduleSummary", "false"),
    ("diff.submodule", "short"),
    # Plain output, whatever the configuration.
    ("core.quotePath", "false"),
    ("core.abbrev", "auto"),
    ("core.bigFileThreshold", "512m"),  # files above it are shown as binary
    ("color.ui", "false"),
    ("color.diff", "false"),
    ("color.status", "false"),
    ("color.branch", "false"),
    ("column.ui", "never"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("diff.noprefix", "false"),
    ("diff.mnemonicPrefix", "false"),
    ("diff.srcPrefix", "a/"),
    ("diff.dstPrefix", "b/"),
    ("diff.relative", "false"),
    ("diff.orderFile", "/dev/null"),
    ("diff.context", "3"),
    ("diff.interHunkContext", "0"),
    ("diff.colorMoved", "no"),
    ("diff.renames", "true"),
    ("diff.suppressBlankEmpty", "false"),
    ("diff.statGraphWidth", "0"),
    ("status.relativePaths", "false"),
    ("status.short", "false"),
    ("status.branch", "false"),
    ("status.showStash", "false"),
    ("log.decorate", "false"),
)

# Keys that name a program, by the patterns of git's documentation, and by how git names such keys: a newer
# git's `something.newCommand` is caught as well. The names are in lower case, subsections as they are.
_NAMES_PROGRAM = regex(
    r"""
      filter\..*\.(clean|smudge|process)
    | hook\..*
    | alias\..*
    | pager\..*
    | remote\..*\.(uploadpack|receivepack|vcs)
    | submodule\..*\.update
    | (difftool|mergetool|browser|man|guitool|tar)\..*
    | lfs\.(customtransfer|extension)\..*
    | lfs\.(.*\.)?standalonetransferagent
    | .*\.[\w-]*(command|cmd|program|helper|driver|textconv|external|hook|hookspath|fsmonitor|editor|pager|askpass
              |gitproxy|browser|tunnel|difffilter|smtpserver|templatedir|modulepath)
    """,
    re.VERBOSE | re.DOTALL,
)

# What a key gets if the user has no value for it; else nothing, which git takes for "no program".
_HARMLESS = (
    (regex(r"submodule\..*\.update", re.DOTALL), "checkout"),
    (regex(r"pager\..*", re.DOTALL), "false"),
    (regex(r"hook\..*\.enabled", re.DOTALL), "false"),
    (
        regex(r"merge\..*\.driver", re.DOTALL),
        "false",
    ),  # each file a conflict; an empty one keeps our side
    (regex(r"gpg\.(openpgp\.)?program"), "gpg"),
    (regex(r"gpg\.x509\.program"), "gpgsm"),
    (regex(r"gpg\.ssh\.program"), "ssh-keygen"),
)

# git takes the first value of these, which cannot be overridden; with this transport the remote cannot be used.
_TRANSPORT = regex(r"(remote\..*)\.(?:uploadpack|receivepack|vcs)", re.DOTALL)
_NO_TRANSPORT = "refused-as-the-repository-names-its-program"

# Keys by which a connection, and with it the user's credentials, could be led elsewhere or be written to a file
# (`http.proxy`, `http.sslVerify`, `http.cookieFile`, …). What only tunes a transfer may stay.
_DIVERTS = regex(r"http\..*|remote\..*\.(proxy|proxyauthmethod)", re.DOTALL)
_TUNES = regex(
    r"http\.(.*\.)?(postbuffer|version|lowspeedlimit|lowspeedtime|maxrequests|minsessions|keepalive\w*)",
    re.DOTALL,
)

# What a file includes is listed as well.
_INCLUDES = frozenset({"include", "includeif"})

# How output looks, which is the same for all repositories; a value that git does not know would keep it from running.
_DISPLAY = frozenset({"advice", "color", "column", "diff", "format", "grep", "log", "pretty", "status"})

# They lead to another configuration, or another worktree.
_OF_THE_FOLDER = frozenset({"extensions.worktreeconfig", "core.worktree", "core.bare"})

_HELPER = regex(r"credential\.(.*\.)?helper", re.DOTALL)
_FILTER = regex(r"(filter\..*)\.(?:clean|smudge|process|required)", re.DOTALL)
_KEPT = {key.lower() for key, _ in FIXED}


@frozen
class Entry:
    """One value of git's configuration.

    Attributes:
        key: Section and name in lower case.
        value: Its value; None for a key without “=”, which is true.
        trusted: Whether it is of the user's own configuration.
    """

    key: str
    value: str | None
    trusted: bool


def parse_listing(listing: str) -> list[Entry]:
    """Parse the output of `git config --list --show-scope -z`, in the order in which git applies it.

    Raises:
        ValueError: It is cut short.
    """
    fields = listing.split("\0")
    if fields.pop() or len(fields) % 2:
        raise ValueError("the listing of the configuration is incomplete")
    entries = []
    for scope, setting in zip(fields[::2], fields[1::2], strict=True):
        key, separator, value = setting.partition("\n")
        entries.append(Entry(key, value if separator else None, scope in _TRUSTED_SCOPES))
    return entries


def trusted_value(entries: list[Entry], key: str) -> str | None:
    """Return the last value of a key in the user's own configuration."""
    return next((entry.value for entry in reversed(entries) if entry.trusted and entry.key == key), None)


def untrusted_programs(entries: list[Entry]) -> list[str]:
    """Return the keys by which a repository's own configuration names a program, each once."""
    found = (entry.key for entry in entries if not entry.trusted and entry.key not in _KEPT)
    return list(dict.fromkeys(key for key in found if _NAMES_PROGRAM.fullmatch(key)))


def diverting_keys(entries: list[Entry]) -> list[str]:
    """Return the keys by which a repository's own configuration could lead the user's credentials elsewhere."""
    found = (entry.key for entry in entries if not entry.trusted)
    return [key for key in found if _DIVERTS.fullmatch(key) and not _TUNES.fullmatch(key)]


def diversion(key: str) -> str:
    """Why no remote is contacted with such a key, as a sentence."""
    return (
        f"The repository's own configuration sets {key}, which could send your credentials elsewhere; "
        "move it to your own git configuration."
    )


def harmless_text(entries: list[Entry]) -> str:
    """Return a configuration file with what the repository's own files set, without programs, diversions and looks."""
    left_out = {*untrusted_programs(entries), *diverting_keys(entries)}
    lines = []
    for entry in entries:
        section, _, rest = entry.key.partition(".")
        subsection, _, name = rest.rpartition(".")
        is_left_out = section in _INCLUDES | _DISPLAY or entry.key in _OF_THE_FOLDER
        if entry.trusted or entry.key in left_out or is_left_out:
            continue
        header = f'{section} "{_escaped(subsection)}"' if subsection else section
        lines.append(f"[{header}]\n\t{name}")
        if entry.value is not None:
            lines[-1] += f' = "{_escaped(entry.value)}"'
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def overrides(entries: list[Entry]) -> list[tuple[str, str]]:
    """Return the settings that git gets on top of its configuration files.

    Raises:
        UsageError: The repository names more programs than can be overridden.
    """
    programs = untrusted_programs(entries)
    if len(programs) > _MAX_OVERRIDES:
        raise UsageError(
            f"The repository's git configuration names {len(programs)} programs; remove them from it."
        )
    return [*FIXED, *_credential_helpers(entries), *_overridden(entries, programs)]


def _overridden(entries: list[Entry], programs: list[str]) -> Iterator[tuple[str, str]]:
    filters: dict[str, None] = {}
    for key in programs:
        if _HELPER.fullmatch(key):
            continue
        if match := _TRANSPORT.fullmatch(key):
            yield f"{match[1]}.vcs", _NO_TRANSPORT
            continue
        own = trusted_value(entries, key)
        yield key, own if own is not None else _harmless(key)
        if match := _FILTER.fullmatch(key):
            filters[match[1]] = None
        if key.startswith("hook."):
            yield f"{key.rpartition('.')[0]}.enabled", "false"
    for driver in filters:  # a filter without a program that is required fails each command
        yield f"{driver}.required", trusted_value(entries, f"{driver}.required") or "false"


def _credential_helpers(entries: list[Entry]) -> Iterator[tuple[str, str]]:
    """The user's helpers alone: an empty value clears the list, also those that are for one address."""
    yield "credential.helper", ""
    for entry in entries:
        if entry.trusted and entry.value is not None and _HELPER.fullmatch(entry.key):
            yield entry.key, entry.value


def _harmless(key: str) -> str:
    return next((value for pattern, value in _HARMLESS if pattern.fullmatch(key)), "")
