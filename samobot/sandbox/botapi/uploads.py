"""Files that bots send: kept, named, and photos looked at as far as Telegram's checks need."""

from __future__ import annotations

import hashlib
import struct

from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.calls import Upload
from samobot.sandbox.botapi.chats import File
from samobot.sandbox.botapi.failure import ApiFailure, bad_request


class Files:
    """All files of the sandbox."""

    def __init__(self) -> None:
        self._by_id: dict[str, File] = {}
        self._by_path: dict[str, File] = {}

    def add(self, upload: Upload, *, photo: bool = False) -> File:
        """Keep a file.

        Raises:
            ApiFailure: Empty, too large, or not a photo that Telegram would take.
        """
        if not upload.data:
            raise bad_request("file must be non-empty")
        if len(upload.data) > api_limits.DOCUMENT_BYTES:
            raise ApiFailure(413, "Request Entity Too Large")
        sides = None
        if photo:
            if len(upload.data) > api_limits.PHOTO_BYTES:
                raise bad_request(f"file of size {len(upload.data)} bytes is too big for a photo")
            sides = image_sides(upload.data)
            if sides is None:
                raise bad_request("IMAGE_PROCESS_FAILED")
            if sum(sides) > api_limits.PHOTO_SIDES or max(sides) > api_limits.PHOTO_RATIO * min(sides):
                raise bad_request("PHOTO_INVALID_DIMENSIONS")
        number = len(self._by_id)
        digest = hashlib.sha256(upload.data).hexdigest()
        suffix = upload.name.rpartition(".")[2] if "." in upload.name else "bin"
        folder, kind = ("photos", "AgAC") if photo else ("documents", "BQAC")
        file = File(
            id=f"{kind}{digest[:32]}{number}",
            unique_id=f"AQAD{digest[:12]}",
            name=upload.name.replace("\\", "/").rpartition("/")[2] or "file",
            mime_type=upload.mime_type,
            path=f"{folder}/file_{number}.{suffix}",
            data=upload.data,
            sides=sides,
        )
        self._by_id[file.id] = file
        self._by_path[file.path] = file
        return file

    def by_id(self, file_id: str) -> File:
        """A file that was sent before.

        Raises:
            ApiFailure: There is none of that id.
        """
        file = self._by_id.get(file_id)
        if file is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return file

    def by_path(self, path: str) -> File | None:
        """A file to download."""
        return self._by_path.get(path)


def image_sides(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, WebP or JPEG; None if it is not one."""
    sides: tuple[int, int] | None = None
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        sides = struct.unpack(">II", data[16:24])
    elif data[:6] in {b"GIF87a", b"GIF89a"} and len(data) >= 10:
        sides = struct.unpack("<HH", data[6:10])
    elif data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X" and len(data) >= 30:
        sides = (1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"))
    elif data[:2] == b"\xff\xd8":
        sides = _jpeg_sides(data)
    return sides if sides is not None and min(sides) > 0 else None


def _jpeg_sides(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
