"""Changing values in a `.env` file: every other line stays byte for byte, comments and unknown keys included."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from samobot.errors import StorageError, UsageError
from samobot.session.files import make_folder, read_text, write_atomic
from samobot.text import has_control

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./~-]+")


def set_values(text: str, values: Mapping[str, str]) -> str:
    """The text with some values set: where a name stands already, in its place; else at the end.

    Args:
        text: A `.env` file, as python-dotenv reads it.
        values: What is to be set. Of a name that stands there more than once, the last is what counts and is set.

    Raises:
        UsageError: A value is more than one line.
    """
    for name, value in values.items():
        if has_control(value):
            raise UsageError(f"{name} cannot hold a line end or control character.")
    bindings = list(parse_stream(io.StringIO(text)))
    last = {binding.key: place for place, binding in enumerate(bindings) if binding.key in values}
    parts = [
        _replaced(binding.original.string, binding.key, values[binding.key])
        if binding.key is not None and last.get(binding.key) == place
        else binding.original.string
        for place, binding in enumerate(bindings)
    ]
    result = "".join(parts)
    end = "\r\n" if "\r\n" in text else "\n"
    new = [name for name in values if name not in last]
    if new and result and not result.endswith(("\n", "\r")):
        result += end
    return result + "".join(f"{name}={_quote(values[name])}{end}" for name in new)


def _replaced(original: str, name: str, value: str) -> str:
    """One assignment with another value; the white space around it and `export` stay."""
    lead = re.match(r"\s*(?:export[^\S\r\n]+)?", original)
    tail = re.search(r"[\r\n]*\Z", original)
    before = lead[0] if lead is not None else ""
    after = tail[0] if tail is not None else ""
    return f"{before}{name}={_quote(value)}{after}"


def _quote(value: str) -> str:
    """A value so that python-dotenv reads it back as it is."""
    if not value or _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def write_values(path: Path, values: Mapping[str, str]) -> None:
    """Set values in the file, which becomes its owner's alone; made with its folder where missing.

    Raises:
        StorageError: It cannot be written; the old one is still there.
        UsageError: A value is more than one line.
    """
    make_folder(path.parent, 0o700)
    # A symbolic link is followed: dotfiles are kept in a repository elsewhere by many.
    target = path.resolve()
    write_atomic(target, set_values(read_text(target) or "", values), mode=0o600)


def make_private(path: Path) -> bool:
    """Take the file from everybody but its owner; whether that was needed.

    Raises:
        StorageError: It cannot be changed.
    """
    try:
        if not path.is_file() or not path.stat().st_mode & 0o077:
            return False
        path.chmod(0o600)
    except OSError as error:
        raise StorageError(f"The mode of {path} cannot be changed: {error.strerror}.") from error
    return True
