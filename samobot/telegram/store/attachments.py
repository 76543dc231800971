"""Files that wait to be sent: on our disk, readable by nobody else, until their message is out."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path

from samobot.errors import StorageError


class OutboxFiles:
    """The folder of these files.

    Args:
        folder: Made with mode 0700 when the first one comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """Where a file is."""
        return self._folder / name

    def keep(self, data: bytes, *, durable: bool) -> str:
        """Keep a file's content and return the name it is kept under.

        Args:
            data: The content.
            durable: Whether it survives a power cut once this returns.

        Raises:
            StorageError: The disk refused.
        """
        name = secrets.token_hex(16)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _new_private_file(self._folder / name) as descriptor:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                if durable:
                    os.fsync(descriptor)
            if durable:
                _sync_folder(self._folder)
        except OSError as error:
            self.remove(name)
            raise StorageError(
                f"A file for the chat cannot be kept in {self._folder}: {error}. Check the disk."
            ) from error
        return name

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is no error."""
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()

    def remove_others(self, names: Collection[str]) -> None:
        """Remove all but these: what a crash has left behind."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            if path.name not in names:
                self.remove(path.name)


@contextlib.contextmanager
def _new_private_file(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
