"""What users set up, numbered, in a file of the state folder that the bot and the terminal change alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from samobot.errors import NotFoundError, StorageError
from samobot.session.file_lock import locked
from samobot.session.files import make_folder, read_text, write_atomic

_WAIT_SECONDS = 2.0


class NumberedEntry(BaseModel):
    """Something that a user set up for a project, such as a schedule.

    Attributes:
        number: What people call it; given once, and never again to another.
        project: The project's name.
        who: Who made it.
        via: Where: `telegram`, `terminal`.
        chat_id: The chat that its messages go to; None: the owner's.
        thread_id: The topic there.
        user_id: The Telegram user who made it.
        announced: Whether the chat knows of it.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    number: int
    project: str
    who: str
    via: str
    chat_id: int | None = None
    thread_id: int | None = None
    user_id: int = 0
    announced: bool = False


_E = TypeVar("_E", bound=NumberedEntry)
_T = TypeVar("_T")


class _File(BaseModel):
    last_number: int = 0


@cache
def _file_model(name: str, entry: type[object]) -> type[_File]:
    fields: dict[str, Any] = {name: (tuple[entry, ...], ())}  # type: ignore[valid-type]
    return create_model("NumberedListFile", __base__=_File, **fields)


class NumberedList(Generic[_E]):
    """One file, read as a whole and changed under a lock.

    Args:
        state_dir: The state folder; created if missing.
        name: The file's name without its ending, and the entries' key in it; its lock is beside it.
        noun: What an entry is called.
        entry: The model of an entry.
    """

    def __init__(self, state_dir: Path, name: str, noun: str, entry: type[_E]) -> None:
        self._dir = state_dir
        self._path, self._lock = state_dir / f"{name}.json", state_dir / f"{name}.lock"
        self._name, self._noun = name, noun
        self._file = _file_model(name, entry)

    def all(self) -> tuple[_E, ...]:
        """Return all entries, by number.

        Raises:
            StorageError: The file cannot be read, or is damaged.
        """
        return self._entries(self._read())

    def get(self, number: int) -> _E:
        """Return one entry.

        Raises:
            NotFoundError: There is none of that number.
            StorageError: The file cannot be read, or is damaged.
        """
        found = _find(self.all(), number)
        if found is None:
            raise self._missing(number)
        return found

    def add(self, draft: _E, check: Callable[[tuple[_E, ...]], None]) -> _E:
        """Keep a new entry under the next free number, and return it.

        Args:
            draft: The entry, with any number.
            check: Is given what is there, under the lock; raises to refuse.

        Raises:
            StorageError: The disk refused.
        """

        def change(last: int, entries: tuple[_E, ...]) -> tuple[int, tuple[_E, ...], _E]:
            check(entries)
            made = draft.model_copy(update={"number": last + 1})
            return last + 1, (*entries, made), made

        return self._change(change)

    def revise(self, number: int, revise: Callable[[_E], tuple[_E | None, _T]]) -> _T | None:
        """Change one entry or, with None in its place, remove it.

        Returns:
            What `revise` returns beside the entry; None if there is no such entry.

        Raises:
            StorageError: The disk refused.
        """

        def change(last: int, entries: tuple[_E, ...]) -> tuple[int, tuple[_E, ...], _T | None]:
            one = _find(entries, number)
            if one is None:
                return last, entries, None
            revised, result = revise(one)
            kept = (revised if each is one else each for each in entries)
            return last, tuple(each for each in kept if each is not None), result

        return self._change(change)

    def update(self, number: int, values: Callable[[_E], dict[str, Any]]) -> _E:
        """Give one entry other values, and return it.

        Raises:
            NotFoundError: There is none of that number.
            StorageError: The disk refused.
        """

        def updated(one: _E) -> tuple[_E, _E]:
            changed = one.model_copy(update=values(one))
            return changed, changed

        return self._found(number, self.revise(number, updated))

    def update_all(self, values: Callable[[_E], dict[str, Any]]) -> None:
        """Give all entries other values."""

        def change(last: int, entries: tuple[_E, ...]) -> tuple[int, tuple[_E, ...], None]:
            return last, tuple(each.model_copy(update=values(each)) for each in entries), None

        self._change(change)

    def remove(self, number: int) -> _E:
        """Forget one entry, and return it.

        Raises:
            NotFoundError: There is none of that number.
            StorageError: The disk refused.
        """
        return self._found(number, self.revise(number, lambda one: (None, one)))

    def _found(self, number: int, entry: _E | None) -> _E:
        if entry is None:
            raise self._missing(number)
        return entry

    def _missing(self, number: int) -> NotFoundError:
        return NotFoundError(f"There is no {self._noun} {number}.")

    def _entries(self, file: _File) -> tuple[_E, ...]:
        entries: tuple[_E, ...] = getattr(file, self._name)
        return entries

    def _read(self) -> _File:
        text = read_text(self._path)
        if text is None:
            return self._file()
        try:
            return self._file.model_validate_json(text)
        except ValidationError as error:
            raise StorageError(
                f"{self._path} is damaged ({error.errors()[0]['msg']}); nothing of it is done. "
                "Correct it or move it away."
            ) from error

    def _change(self, change: Callable[[int, tuple[_E, ...]], tuple[int, tuple[_E, ...], _T]]) -> _T:
        make_folder(self._dir, 0o700)
        with locked(self._lock, wait=_WAIT_SECONDS):
            before = self._read()
            last, entries, result = change(before.last_number, self._entries(before))
            after = self._file.model_validate({"last_number": last, self._name: entries})
            if after != before:
                write_atomic(self._path, after.model_dump_json(indent=1, exclude_none=True), mode=0o600)
        return result


def _find(entries: tuple[_E, ...], number: int) -> _E | None:
    return next((each for each in entries if each.number == number), None)
