"""A session's records of the state folder in the worker's memory, for an agent that deletes or replaces them.

Without the fence an agent that tidies can reach the state folder. What it deletes there would take the user's decisions,
the money that was spent and the baseline with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from samobot.errors import StorageError, storage_error
from samobot.frozen import frozen
from samobot.session.files import JOURNAL_LIMIT, move_aside, open_regular, read_bytes, write_atomic
from samobot.session.vault import LOCKS, Vault


@frozen
class VaultCopy:
    """What a vault held when an iteration began.

    Attributes:
        vault: The vault.
        grown: The content of the files that are only appended to.
        kept: The content of those that exist for as long as the iteration runs.
    """

    vault: Vault
    grown: Mapping[Path, bytes]
    kept: Mapping[Path, bytes]


def copy_vault(vault: Vault) -> VaultCopy:
    """Remember the records of a session.

    Raises:
        StorageError: One of them cannot be read.
    """
    return VaultCopy(
        vault,
        _contents(vault.journal, vault.decisions),
        _contents(vault.baseline, vault.overview, vault.guidance),
    )


def restore_vault(copy: VaultCopy) -> str | None:
    """Restore what was deleted or replaced since; what samobot has appended meanwhile stays.

    The caller holds no lock of the session: locks are in the vault.

    Returns:
        A sentence for the user; None if nothing was missing.

    Raises:
        StorageError: The state folder cannot be written.
    """
    vault = copy.vault
    if _is_intact(copy):
        return None
    for folder in (vault.path.parent, vault.path, vault.streams):
        if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
            move_aside(folder, folder.parent)
    vault.prepare()
    lost = not vault.baseline.exists()
    for path in _impostors(vault):
        move_aside(path, vault.path)
    with vault.locked():
        for path, content in copy.grown.items():
            found = _grown(path)
            if not _continues(found, content):
                before = set(content.splitlines())
                more = [line for line in found.splitlines() if _is_record(line) and line not in before]
                write_atomic(path, content + b"".join(line + b"\n" for line in more), mode=0o600)
        for path, content in copy.kept.items():
            if lost or _is_damaged(vault, path, content):
                write_atomic(path, content, mode=0o600)
    return (
        "samobot's own records of this session, in the state folder, were deleted or replaced; they are back."
    )


def _is_intact(copy: VaultCopy) -> bool:
    vault = copy.vault
    if vault.path.is_symlink() or (os.path.lexists(vault.streams) and not vault.streams.is_dir()):
        return False
    if any(_impostors(vault)):
        return False
    try:
        return not any(_is_damaged(vault, path, content) for path, content in copy.kept.items()) and all(
            _continues(_grown(path), content) for path, content in copy.grown.items()
        )
    except StorageError:
        return False


def _grown(path: Path) -> bytes:
    """What a file of records holds, of one that was blown up what is in front."""
    try:
        with open_regular(path) as file:
            return file.read(JOURNAL_LIMIT)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise storage_error("read", path, error) from error


def _continues(found: bytes, content: bytes) -> bool:
    """Whether nothing but records was appended: what an agent writes there may be millions of lines."""
    return found.startswith(content) and all(map(_is_record, found[len(content) :].split(b"\n")))


def _is_record(line: bytes) -> bool:
    return line.startswith(b"{") or not line


def _impostors(vault: Vault) -> Iterator[Path]:
    """What stands in the place of a file and is none."""
    files = (
        vault.journal,
        vault.decisions,
        vault.baseline,
        vault.overview,
        vault.guidance,
        vault.control,
        vault.asks,
    )
    for path in (*files, vault.turn, vault.tracked, *(vault.path / name for name in LOCKS)):
        if os.path.lexists(path) and not _is_file(path):
            yield path


def _is_damaged(vault: Vault, path: Path, content: bytes) -> bool:
    """Whether a file that samobot may have changed meanwhile is gone, or has lost what samobot leaves in it.

    Guidance is ticked and appended to; an overview keeps its first line; a baseline is not changed.
    """
    try:
        found = read_bytes(path, limit=JOURNAL_LIMIT, lines=None)
    except StorageError:
        found = None
    if found is None:
        return True
    if path == vault.baseline:
        return found != content
    first = content.partition(b"\n")[0]
    return not found.startswith(first) or (path == vault.guidance and len(found) < len(content))


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _contents(*paths: Path) -> dict[Path, bytes]:
    found = ((path, read_bytes(path, limit=JOURNAL_LIMIT, lines=None)) for path in paths)
    return {path: content for path, content in found if content is not None}
