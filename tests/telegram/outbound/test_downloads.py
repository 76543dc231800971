"""Downloads of files: whole or not at all, tried again where that may help, and an error in one sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from samobot.sandbox.botapi.chats import MediaKind
from samobot.sandbox.botapi.faults import FaultKind
from samobot.sandbox.botapi.server import BotApiServer
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.outbound.downloads import FileDownloadError, FileDownloads
from samobot.telegram.store.file_refs import FileKind, FileRef

TOKEN = "42:token-for-tests"
DATA = bytes(range(256)) * 400


@dataclass
class Desk:
    """A bot, and a file that somebody has sent to it."""

    server: BotApiServer
    file: FileRef
    downloads: FileDownloads
    impatient: FileDownloads


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        ann = server.person("Ann")
        server.private_chat(ann)
        message = ann.send(MediaKind.DOCUMENT, DATA, "notes.bin")
        assert message.file is not None
        async with build_bot(TOKEN, server.url) as bot:
            file = FileRef(id=message.file.id, kind=FileKind.DOCUMENT, name="notes.bin", size=None)
            downloads = FileDownloads(bot, first_backoff=0.01)
            yield Desk(server, file, downloads, FileDownloads(bot, seconds=0.2, first_backoff=0.01))


async def test_file_comes_whole(desk: Desk) -> None:
    assert await desk.downloads.fetch(desk.file) == DATA


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (FaultKind.RESET, "getFile"),
        (FaultKind.BAD_GATEWAY, "getFile"),
        (FaultKind.SLOW, "getFile"),
        (FaultKind.RESET, "download"),
        (FaultKind.CUT, "download"),
        (FaultKind.BAD_GATEWAY, "download"),
        (FaultKind.SLOW, "download"),
    ],
)
async def test_fault_that_passes_costs_nothing_of_the_file(desk: Desk, kind: FaultKind, method: str) -> None:
    desk.server.fault(kind, method, 1, seconds=0.05)
    assert await desk.downloads.fetch(desk.file) == DATA


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        *((kind, "getFile") for kind in (FaultKind.NOT_FOUND, FaultKind.RESET, FaultKind.BAD_GATEWAY)),
        *((kind, "download") for kind in (FaultKind.NOT_FOUND, FaultKind.RESET, FaultKind.CUT)),
    ],
)
async def test_fault_that_stays_is_one_sentence(desk: Desk, kind: FaultKind, method: str) -> None:
    desk.server.fault(kind, method, None)
    with pytest.raises(
        FileDownloadError, match=r"^notes\.bin could not be fetched from Telegram \(.+\)\. Nothing"
    ):
        await desk.downloads.fetch(desk.file)


@pytest.mark.parametrize("method", ["getFile", "download"])
async def test_server_that_never_answers_is_given_up(desk: Desk, method: str) -> None:
    desk.server.fault(FaultKind.HANG, method, None)
    with pytest.raises(FileDownloadError, match="no answer within"):
        await desk.impatient.fetch(desk.file)


async def test_file_whose_size_only_telegram_knows_is_reported_as_too_large(desk: Desk) -> None:
    desk.server.fault(FaultKind.BAD_REQUEST, "getFile", None).text = "Bad Request: file is too big"
    with pytest.raises(FileDownloadError, match=r"notes\.bin is too large; bots can download at most"):
        await desk.downloads.fetch(desk.file)
    assert len(desk.server.calls.of("getFile")) == 1
