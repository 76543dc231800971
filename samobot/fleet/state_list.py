"""A list in a file of the state folder, which the bot and the terminal change alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from samobot.errors import StorageError
from samobot.session.file_lock import locked
from samobot.session.files import make_folder, read_text, write_atomic

_WAIT_SECONDS = 2.0

_M = TypeVar("_M", bound=BaseModel)
_T = TypeVar("_T")


class StateList(Generic[_M]):
    """One file, read as a whole and changed under a lock.

    Args:
        state_dir: The state folder; created if missing.
        name: The file's name without its ending; its lock is beside it.
        model: What it holds; a missing file is one without values.
    """

    def __init__(self, state_dir: Path, name: str, model: type[_M]) -> None:
        self._dir = state_dir
        self._path, self._lock = state_dir / f"{name}.json", state_dir / f"{name}.lock"
        self._model = model

    def read(self) -> _M:
        """Read the file.

        Raises:
            StorageError: It cannot be read, or is damaged.
        """
        text = read_text(self._path)
        if text is None:
            return self._model()
        try:
            return self._model.model_validate_json(text)
        except ValidationError as error:
            raise StorageError(
                f"{self._path} is damaged ({error.errors()[0]['msg']}); nothing of it is done. "
                "Correct it or move it away."
            ) from error

    def change(self, change: Callable[[_M], tuple[_M, _T]]) -> _T:
        """Change the file; returns what `change` returns beside the new content.

        Raises:
            BusyError: Somebody else has been changing it for long.
            StorageError: The disk refused, or the file is damaged.
        """
        make_folder(self._dir, 0o700)
        with locked(self._lock, wait=_WAIT_SECONDS):
            before = self.read()
            after, result = change(before)
            if after != before:
                write_atomic(self._path, after.model_dump_json(indent=1, exclude_none=True), mode=0o600)
        return result
