"""Files that survive a crash: atomic writes, tolerant reads and whole appended lines."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from samobot.errors import StorageError, storage_error

TEXT_LIMIT = 4 * 1024 * 1024
"""Bytes that a file of a session may have; one that is larger is not read."""

LINE_LIMIT = 50_000
"""Lines that such a file may have: millions of short ones take a parser minutes and gigabytes."""

JOURNAL_LIMIT = 64 * 1024 * 1024
"""The same for the journal, which grows with each iteration."""

_BLOCK = 65_536

_LEFTOVER = re.compile(r"\.samobot-[0-9a-f]{16}\.tmp")

# Surrogates that stand for no byte of a file; those from U+DC80 to U+DCFF are bytes that are not UTF-8.
_UNENCODABLE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def write_atomic(path: Path, data: str | bytes, *, mode: int | None = None, durable: bool = True) -> None:
    """Replace a file as a whole: a reader sees the old contents or the new, also after a power cut.

    Args:
        path: The file; its folder must exist. A symbolic link is replaced, not followed.
        data: The new contents. Text is written as UTF-8 without newline translation; bytes that `read_text`
            could not decode are restored.
        mode: Permission bits; None keeps those of the old file, or leaves a new one to the umask.
        durable: Whether it is on the disk when this returns; not needed for what is not read after a power cut.

    Raises:
        StorageError: The file system refused; the old file is unchanged.
    """
    temporary = path.with_name(f".samobot-{secrets.token_hex(8)}.tmp")
    try:
        kept = mode if mode is not None else _mode_of(path)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if mode else 0o666)
        try:
            try:
                _write_all(fd, _encode(data))
                if kept is not None:
                    os.fchmod(fd, kept)
                if durable:
                    os.fsync(fd)
            finally:
                os.close(fd)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise storage_error("write", path, error) from error


def read_text(path: Path, *, follow: bool = True) -> str | None:
    """Return a file's text, or None if there is no such file.

    Bytes that are not UTF-8 become surrogate escapes, which `write_atomic` reverts; line ends are kept.

    Args:
        path: The file.
        follow: Whether it may be a link; not for what an agent may make, and gets to read.

    Raises:
        StorageError: It is not a regular file, exceeds TEXT_LIMIT or LINE_LIMIT, or cannot be read.
    """
    content = read_bytes(path, follow=follow)
    return None if content is None else content.decode("utf-8", "surrogateescape")


def read_bytes(
    path: Path, *, limit: int = TEXT_LIMIT, lines: int | None = LINE_LIMIT, follow: bool = True
) -> bytes | None:
    """Return a file's contents, or None if there is no such file.

    Args:
        path: The file.
        limit: The size in bytes above which it is refused.
        lines: The number of lines above which it is refused; None is no limit.
        follow: Whether it may be a link.

    Raises:
        StorageError: It is not a regular file, exceeds a limit, or cannot be read.
    """
    try:
        with open_regular(path, limit=limit, follow=follow) as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage_error("read", path, error) from error
    if len(content) > limit:  # it grew while it was read
        raise _too_large(path, len(content), limit)
    if lines is not None and (count := content.count(b"\n")) > lines:
        raise StorageError(
            f"{path} has {count:,} lines; samobot reads no more than {lines:,} of such a file. Shorten it or move it away."
        )
    return content


def remove(path: Path) -> None:
    """Remove a file; it may be missing.

    Raises:
        StorageError: It is a folder, or the file system refused.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error("remove", path, error) from error


def is_unusable(path: Path, *, limit: int = TEXT_LIMIT, lines: int | None = LINE_LIMIT) -> bool:
    """Whether a path is a link, folder, pipe or device, or exceeds a limit of `read_bytes`; false if it is missing."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return not stat.S_ISREG(status.st_mode) or is_too_large(path, limit=limit, lines=lines)


def is_regular(path: Path) -> bool:
    """Whether a path is free or a regular file itself, of whatever size."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return True


def is_too_large(path: Path, *, limit: int = TEXT_LIMIT, lines: int | None = LINE_LIMIT) -> bool:
    """Whether a regular file exceeds a limit of `read_bytes`; false if it cannot be read at all."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit or lines is None or size <= lines:
                return size > limit
            return file.read(limit + 1).count(b"\n") > lines
    except (OSError, StorageError):
        return False


def move_aside(path: Path, folder: Path) -> Path:
    """Move whatever is at a file's path away, so that the file can be restored; nothing is deleted.

    Args:
        path: Where the file belongs.
        folder: Where to, under the same name with a random suffix.

    Returns:
        Where it is now.

    Raises:
        StorageError: The file system refused.
    """
    aside = folder / f"{path.name}.{secrets.token_hex(4)}"
    try:
        path.rename(aside)
    except OSError as error:
        raise StorageError(
            f"{path} is no longer a file and cannot be moved away: {error.strerror}."
        ) from error
    return aside


def open_regular(path: Path, *, limit: int | None = None, follow: bool = True) -> BinaryIO:
    """Open a regular file; never blocks, as opening a pipe could.

    Args:
        path: The file.
        limit: The size in bytes above which it is refused; None for a caller that reads a part only.
        follow: Whether it may be a link.

    Raises:
        OSError: It is missing, or cannot be opened.
        StorageError: It is not a regular file.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        fd = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    except OSError as error:
        if not follow and error.errno == errno.ELOOP:
            raise _not_regular(path) from error
        raise
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise _not_regular(path)
        size = facts.st_size
        if limit is not None and size > limit:
            raise _too_large(path, size, limit)
        return os.fdopen(fd, "rb")
    except BaseException:
        os.close(fd)
        raise


def real_path(path: Path) -> Path:
    """Follow all links of a path; unlike `Path.resolve`, without an error for links that go in a circle."""
    return Path(os.path.realpath(path))


def make_folder(path: Path, mode: int = 0o777, *, remedy: str = "") -> None:
    """Create a folder and its parents if missing.

    Args:
        path: The folder.
        mode: Its permission bits, less the umask; its parents get the default ones.
        remedy: What the user can do if it cannot be created, as a sentence.

    Raises:
        StorageError: It cannot be created.
    """
    try:
        path.mkdir(mode, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The folder {path} cannot be made: {error.strerror}. {remedy}".rstrip()
        ) from error


def remove_leftovers(folder: Path, before: float) -> int:
    """Remove temporary files of killed writes from a folder, without its subfolders.

    Args:
        folder: The folder; one that cannot be read is skipped.
        before: Epoch seconds: only files last written before then, as a write may be in progress.

    Returns:
        The number of removed files.
    """
    removed = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                ours = _LEFTOVER.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
                if ours and entry.stat(follow_symlinks=False).st_mtime < before:
                    os.unlink(entry.path)
                    removed += 1
    return removed


def append_line(path: Path, line: str, mode: int | None = None, *, durable: bool = True) -> None:
    """Append one line to a file and wait until it is on the disk.

    A line that a crash cut short is kept; the new one starts below it.

    Args:
        path: The file; created if missing, its folder is not.
        line: The line without its end.
        mode: Permission bits of a new file; None leaves them to the umask.
        durable: False for a copy, which need not be on disk at once.

    Raises:
        StorageError: The file system refused.
        ValueError: `line` holds a line end.
    """
    if "\n" in line:
        raise ValueError("append_line takes one line")
    try:
        is_new = not path.exists()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        fd = os.open(path, flags, 0o666 if mode is None else mode)
        try:
            require_regular(fd, path)
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            _write_all(fd, (b"\n" if torn else b"") + _encode(line) + b"\n")
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        if is_new and durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise storage_error("write", path, error) from error


def _mode_of(path: Path) -> int | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None


def make_logs_folder(logs: Path) -> None:
    """Make a session's `_logs`. What an agent put in its place is moved beside it, so that the user's messages are saved.

    Raises:
        StorageError: The file system refused.
    """
    if os.path.lexists(logs) and not logs.is_dir():
        move_aside(logs, logs.parent)
    try:
        logs.mkdir(exist_ok=True)
    except OSError as error:
        raise storage_error("make", logs, error) from error


def require_regular(fd: int, path: str | os.PathLike[str]) -> os.stat_result:
    """Refuse an open file that is a pipe, a device or a folder; returns its status.

    Raises:
        StorageError: It is not a regular file.
    """
    facts = os.fstat(fd)
    if not stat.S_ISREG(facts.st_mode):
        raise _not_regular(path)
    return facts


def _encode(data: str | bytes) -> bytes:
    if isinstance(data, bytes):
        return data
    return _UNENCODABLE.sub("\ufffd", data).encode("utf-8", "surrogateescape")


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        # Some network file systems cannot sync a folder; the file itself is synced by then.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)


def _not_regular(path: str | os.PathLike[str]) -> StorageError:
    return StorageError(f"{path} is not a regular file; move it away, samobot writes its own there.")


def _too_large(path: Path, size: int, limit: int) -> StorageError:
    return StorageError(
        f"{path} has {size:,} bytes; samobot reads no more than {limit:,} of such a file. Shorten it or move it away."
    )
