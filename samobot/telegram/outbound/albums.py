"""Several pictures as one message of the outbox: one file on disk, one call, one notification."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from telegram import InputMediaDocument, InputMediaPhoto

from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.store.outbox_rows import Post

ALBUM_ITEMS = 10
ALBUM_BYTES = 50 * 1024 * 1024
"""Bytes of one call, which is what Telegram takes of one file."""


def albums(pictures: Iterable[Attachment]) -> list[Attachment]:
    """Put pictures into as few messages as Telegram allows: one that is alone stays as it is."""
    groups: list[list[Attachment]] = []
    size = 0
    for each in pictures:
        size += len(each.data)
        if not groups or len(groups[-1]) == ALBUM_ITEMS or size > ALBUM_BYTES:
            groups.append([])
            size = len(each.data)
        groups[-1].append(each)
    return [_joined(group) if len(group) > 1 else group[0] for group in groups]


def album_media(
    post: Post, data: bytes, caption: str, parse_mode: str | None, *, photos: bool
) -> Iterator[InputMediaPhoto | InputMediaDocument]:
    """The items of an album; clients show the caption of the first one below it if no other has one.

    Args:
        post: The content.
        data: The pictures, one after another.
        caption: At most 1024 UTF-16 units after entities.
        parse_mode: How the caption is written.
        photos: Whether they are shown as pictures; else they are files.
    """
    kind = InputMediaPhoto if photos else InputMediaDocument
    start = 0
    for name, size in post.album:
        shown = None if start else caption
        yield kind(data[start : start + size], caption=shown, parse_mode=parse_mode, filename=name)
        start += size


def _joined(group: list[Attachment]) -> Attachment:
    data = b"".join(each.data for each in group)
    names = tuple((each.name, len(each.data)) for each in group)
    return Attachment(group[0].name, data, photo=True, album=names)
