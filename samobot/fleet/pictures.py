"""The screenshots of a session: pictures that its agents list under `## Files` of the overview, or name as such."""

from __future__ import annotations

import re

from samobot.errors import StorageError
from samobot.fleet.documents import artefacts, open_unlinked
from samobot.fleet.results import FileView
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.overview import parse_overview
from samobot.session.user_files import is_from_user
from samobot.text import without_surrogates

PICTURE_BYTES = 10 * 1024 * 1024
"""Bytes of the largest picture that Telegram shows as one."""

MOST_PICTURES = 10

_NAME = re.compile(r"[^\s`/]+\.(?:png|jpe?g|webp)", re.IGNORECASE)
_SCREENSHOT = re.compile(r"\d\d-\d\d-\d\d:\d\d-screen-[^/]+\.(?:png|jpe?g|webp)", re.IGNORECASE)
_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_WEBP = (b"RIFF", b"WEBP")


def list_pictures(folder: SessionFolder) -> list[FileView]:
    """List the pictures that the overview names, in its order, and the screenshots that it leaves out.

    Only real ones, directly in the folder, not too large.

    Raises:
        StorageError: The folder cannot be read.
    """
    listed = parse_overview(read_text(folder.overview) or "").files
    there = {path.name: (path, facts.st_size) for path, facts in artefacts(folder)}
    unlisted = sorted(name for name in there if _SCREENSHOT.fullmatch(name))
    names = dict.fromkeys([*(name for line in listed for name in _NAME.findall(line)), *unlisted])
    found = []
    for name in names:
        if name not in there or is_from_user(name):
            continue
        path, size = there[name]
        try:
            with open(path, "rb", opener=open_unlinked) as file:
                is_picture = _is_picture(file.read(16))
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
        if is_picture and size <= PICTURE_BYTES:
            found.append(FileView(name=without_surrogates(name), size=size))
    return found[:MOST_PICTURES]


def _is_picture(start: bytes) -> bool:
    return start.startswith(_STARTS) or (start[:4], start[8:12]) == _WEBP
