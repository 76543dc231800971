"""Photos, files, albums, long texts, forwards and quotes: what each becomes, over real HTTP."""

from __future__ import annotations

import shlex
import struct
import sys
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import MediaKind
from samobot.sandbox.botapi.faults import FaultKind
from samobot.session.guidance import parse_guidance
from samobot.session.overview import parse_overview
from samobot.system.transcription import Transcriber
from tests.support.decision_room import WAIT, DecisionRoom, decision_room

QA = "### Q1: Which greeting?\nA) hello\nB) good day\n**Suggestion:** A - short\n**Answer:** _waiting_\n"
OVERVIEW = (
    "# Session: {name}\nStarted: 2026-01-31 11:00\nWorking Dir: {root}\nTask: greet\n\n## Status\nPhase: {phase}\n"
    "Iteration: 1\nTotal Iterations: 1\nBlocked: {blocked}\n\n## Flow Log\n\n## Files\n\n## Plans\n"
)


def png(color: int = 0) -> bytes:
    """A picture of one pixel."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(bytes([0, color]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


@pytest.fixture
async def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DecisionRoom]:
    async with decision_room(tmp_path, monkeypatch) as made:
        yield made


def session(room: DecisionRoom, name: str = "greet", *, asking: bool = False, phase: str = "") -> Path:
    folder = room.sessions / f"26-01-31-{name}"
    folder.mkdir()
    phase = phase or ("requirements" if asking else "implementation")
    blocked = "waiting_human" if asking else "yes - no key"
    (folder / "_overview.md").write_text(
        OVERVIEW.format(name=name, root=room.root, phase=phase, blocked=blocked)
    )
    signal = '{"status": "waiting", "for": "qa_answers", "summary": "Asked"}'
    if not asking:
        signal = '{"status": "blocked", "reason": "no key"}'
    (folder / "_signal.json").write_text(signal)
    if asking:
        (folder / "_qa.md").write_text(QA)
    return folder


def sent_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*-from-you-*"))


def guidance(folder: Path) -> list[str]:
    path = folder / "_guidance.md"
    return [item.text for item in parse_guidance(path.read_text())] if path.exists() else []


async def shown(room: DecisionRoom, words: str, after: int = 0) -> SandboxMessage:
    await room.settled()
    return next(message for message in reversed(room.said(after)) if words in message.text)


async def test_a_photo_in_reply_to_a_card_is_saved_listed_and_given_to_the_next_iteration(
    room: DecisionRoom,
) -> None:
    folder = session(room, asking=True)
    await room.start()
    card = await shown(room, "requirements")
    room.ann.send(MediaKind.PHOTO, png(), caption="like this one", reply_to=card)
    await room.settled()
    (file,) = sent_files(folder)
    assert file.read_bytes() == png()
    assert not file.stat().st_mode & 0o111
    (words,) = guidance(folder)
    assert words.startswith("like this one\n\nI have sent you this file, so read it:\n- image: ")
    assert str(file) in words
    (listed,) = parse_overview((folder / "_overview.md").read_text()).files
    assert listed.startswith(f"{file.name}: image from Ann")


async def test_photo_without_text_answers_the_question_that_it_replies_to(room: DecisionRoom) -> None:
    folder = session(room, asking=True)
    await room.start()
    question = await shown(room, "Which greeting?")
    room.ann.send(MediaKind.PHOTO, png(), reply_to=question)
    await room.settled()
    (file,) = sent_files(folder)
    assert f"**Answer:** See {file.name}" in (folder / "_qa.md").read_text()
    assert str(file) in guidance(folder)[0]


async def test_a_letter_with_a_photo_picks_the_option_and_keeps_the_photo(room: DecisionRoom) -> None:
    folder = session(room, asking=True)
    await room.start()
    room.ann.send(MediaKind.PHOTO, png(), caption="B", reply_to=await shown(room, "Which greeting?"))
    await room.settled()
    assert "**Answer:** B) good day" in (folder / "_qa.md").read_text()
    assert len(sent_files(folder)) == 1


async def test_an_album_is_one_message(room: DecisionRoom) -> None:
    folder = session(room)
    await room.start()
    shown_first = await shown(room, "greet")
    room.ann.send_album([png(1), png(2), png(3)], "the three screens", reply_to=shown_first)
    await room.settled()
    assert [file.read_bytes() for file in sent_files(folder)] == [png(1), png(2), png(3)]
    (words,) = guidance(folder)
    assert words.startswith("the three screens\n\nI have sent you these files")
    card = await shown(room, "For the next iteration")
    assert "For the next iteration: “the three screens” 📎 photo-" in card.text
    assert str(folder) not in card.text


async def test_a_task_with_a_picture_starts_with_one_tap_and_has_the_picture(room: DecisionRoom) -> None:
    await room.start()
    room.ann.send_photo(png(), "Make the start page look like this")
    offer = await shown(room, "Make the start page look like this")
    assert offer.text.startswith("What is this for? (1 photo)")
    room.ann.tap(offer, "▶️ New session")
    await room.settled()
    (folder,) = room.sessions.glob("*-make-start-page-look")
    assert parse_overview((folder / "_overview.md").read_text()).task == "Make the start page look like this"
    (file,) = sent_files(folder)
    assert str(file) in guidance(folder)[0]
    assert room.started == [folder.name]


async def test_run_in_a_caption_starts_a_session_with_its_files(room: DecisionRoom) -> None:
    await room.start()
    room.ann.send_file(b"a,b\n1,2\n", "../../etc/pass wd.csv", "/run import: Import this table")
    await room.settled()
    (folder,) = room.sessions.glob("*-import")
    (file,) = sent_files(folder)
    assert file.name.endswith("-from-you-pass-wd.csv")
    assert room.started == [folder.name]


async def test_file_without_text_asks_for_the_task_and_keeps_the_file(room: DecisionRoom) -> None:
    await room.start()
    room.ann.send_file(b"error: 42", "trace.log")
    room.ann.tap(await shown(room, "What is this for? (1 document)"), "▶️ New session")
    await room.chat.wait_for(lambda message: "What should be done?" in message.text, WAIT)
    room.ann.say("Fix the error in this log")
    await room.settled()
    (folder,) = room.sessions.glob("*-fix-error-log")
    (file,) = sent_files(folder)
    assert file.read_bytes() == b"error: 42"


async def test_a_photo_completes_a_prompt(room: DecisionRoom) -> None:
    folder = session(room, asking=True)
    await room.start()
    room.ann.tap(await shown(room, "Which greeting?"), "✍️ Other")
    await room.chat.wait_for(lambda message: "Your answer?" in message.text, WAIT)
    room.ann.send_photo(png(), "as on this picture")
    await room.settled()
    assert "**Answer:** as on this picture" in (folder / "_qa.md").read_text()
    assert len(sent_files(folder)) == 1


async def test_a_task_that_the_client_has_split_is_one_task(room: DecisionRoom) -> None:
    await room.start()
    task = "\n".join(f"{number}. do the thing with the number {number} and test it" for number in range(230))
    assert len(room.ann.say_long(f"/run long: {task}")) == 3
    await room.settled()
    (folder,) = room.sessions.glob("*-long")
    assert parse_overview((folder / "_overview.md").read_text()).task == task
    assert len(room.started) == 1


async def test_forward_is_offered_and_does_nothing_automatically(room: DecisionRoom) -> None:
    folder = session(room)
    await room.start()
    await room.settled()
    said = room.eve.say("/stop greet", room.with_eve)
    room.ann.forward(said, room.chat)
    offer = await shown(room, "forwarded from Eve")
    assert offer.labels == ["▶️ New session", "✏️ Rename", "💬 Guidance for greet", "Cancel"]
    room.ann.tap(offer, "💬 Guidance for greet")
    await room.settled()
    assert guidance(folder) == ["/stop greet"]


async def test_a_quoted_part_goes_with_the_reply(room: DecisionRoom) -> None:
    folder = session(room, asking=True)
    await room.start()
    question = await shown(room, "Which greeting?")
    room.ann.reply(question, "shorter than this", quote="good day")
    await room.settled()
    assert "> shorter than this\n>\n> This is about:\n> > good day\n" in (folder / "_qa.md").read_text()


async def test_what_no_session_can_use_gets_one_friendly_line(room: DecisionRoom) -> None:
    await room.start()
    sticker = {"file_id": "x", "file_unique_id": "y", "width": 1, "height": 1, "type": "regular"}
    room.ann.send_other("sticker", sticker | {"is_animated": False, "is_video": False})
    room.ann.send_other("location", {"latitude": 1.0, "longitude": 2.0})
    room.ann.send_other("contact", {"phone_number": "1", "first_name": "Bo"})
    await room.settled()
    assert [message.text for message in room.said()] == [
        f"I can't use {what}. Send text, a photo, a file or a voice message."
        for what in ("a sticker", "a location", "a contact")
    ]


async def test_file_that_is_too_large_is_refused_at_once_and_the_others_are_used(room: DecisionRoom) -> None:
    folder = session(room)
    await room.start()
    card = await shown(room, "greet")
    room.ann.send(MediaKind.DOCUMENT, bytes(20_000_001), "film.mkv", "see the film", reply_to=card)
    refusal = await shown(room, "film.mkv")
    assert refusal.text == "📎 film.mkv is 20.0 MB; bots can download at most 20.0 MB."
    assert guidance(folder) == ["see the film"]
    assert sent_files(folder) == []


@pytest.mark.parametrize(
    ("kind", "method", "text"),
    [
        (FaultKind.BAD_REQUEST, "getFile", "Bad Request: file is temporarily unavailable"),
        (FaultKind.NOT_FOUND, "getFile", ""),
        (FaultKind.RESET, "getFile", ""),
        (FaultKind.NOT_FOUND, "download", ""),
        (FaultKind.RESET, "download", ""),
        (FaultKind.CUT, "download", ""),
        (FaultKind.BAD_GATEWAY, "download", ""),
    ],
)
async def test_a_file_that_cannot_be_fetched_is_reported_and_nothing_is_saved_before_another_try(
    room: DecisionRoom, kind: FaultKind, method: str, text: str
) -> None:
    folder = session(room, asking=True)
    await room.start()
    question = await shown(room, "Which greeting?")
    fault = room.server.fault(kind, method, None)
    fault.text = text
    room.ann.send(MediaKind.PHOTO, png(), caption="like this", reply_to=question)
    refusal = await shown(room, "could not be fetched from Telegram")
    assert sent_files(folder) == []
    assert "like this" not in (folder / "_qa.md").read_text()
    room.server.faults.clear()
    room.ann.tap(refusal, "🔁 Try again")
    await room.settled()
    assert "**Answer:** like this" in (folder / "_qa.md").read_text()
    assert len(sent_files(folder)) == 1


async def test_a_message_with_files_survives_the_death_of_the_bot(room: DecisionRoom) -> None:
    folder = session(room)
    await room.start()
    card = await shown(room, "greet")
    room.server.fault(FaultKind.HANG, "getFile", None)
    room.ann.send(MediaKind.PHOTO, png(), caption="like this", reply_to=card)
    await room.server.wait_until(lambda: room.server.calls.of("getFile"))
    await room.kill()
    room.server.faults.clear()
    await room.start()
    await room.settled()
    assert len(sent_files(folder)) == 1
    assert guidance(folder)[0].startswith("like this")


async def test_an_album_survives_the_death_of_the_bot_between_its_parts(room: DecisionRoom) -> None:
    folder = session(room)
    await room.start()
    card = await shown(room, "greet")
    room.ann.send_album([png(1), png(2)], "both", reply_to=card)
    assert room.bot is not None
    await room.server.wait_until(
        lambda: (room.bot is not None and len(room.bot.store.tasks.all()) == 2) or None
    )
    await room.kill()
    await room.start()
    await room.settled()
    assert len(sent_files(folder)) == 2
    assert len(guidance(folder)) == 1


def says(text: str) -> Transcriber:
    """Somebody who understands the same in every voice message."""
    return Transcriber(command=shlex.join([sys.executable, "-c", f"print({text!r})"]))


async def test_a_voice_message_becomes_a_task_after_one_tap(room: DecisionRoom) -> None:
    room.transcriber = says("Add a dark mode to the settings page")
    await room.start()
    room.ann.send(MediaKind.VOICE, b"OggS", seconds=4)
    offer = await shown(room, "Add a dark mode")
    assert offer.text.startswith("No active session. Start one with this text?\n🎤 “Add a dark mode")
    room.ann.tap(offer, "▶️ New session")
    await room.settled()
    (folder,) = room.sessions.glob("*-add-dark-mode-settings")
    task = parse_overview((folder / "_overview.md").read_text()).task
    assert task == "Add a dark mode to the settings page"


async def test_a_voice_message_answers_a_question_after_one_tap(room: DecisionRoom) -> None:
    folder = session(room, asking=True)
    room.transcriber = says("B")
    await room.start()
    question = await shown(room, "Which greeting?")
    room.ann.send(MediaKind.VOICE, b"OggS", seconds=1, reply_to=question)
    heard = await shown(room, "Send it?")
    assert heard.text.startswith("🎤 greet\nB\n")
    assert "_waiting_" in (folder / "_qa.md").read_text()
    room.ann.tap(heard, "✅ Send")
    await room.settled()
    assert "**Answer:** B) good day" in (folder / "_qa.md").read_text()


async def test_voice_message_that_nobody_can_turn_into_text_is_kept_with_a_hint_how_to_set_that_up(
    room: DecisionRoom,
) -> None:
    folder = session(room, asking=True)
    await room.start()
    question = await shown(room, "Which greeting?")
    room.ann.send(MediaKind.VOICE, b"OggS", seconds=1, reply_to=question)
    said = await shown(room, "🎤")
    assert said.text.startswith("🎤 Saved to the files of greet, but not used as text.")
    assert "SAMOBOT_TRANSCRIBE_URL or SAMOBOT_TRANSCRIBE_COMMAND" in said.text
    assert [file.suffix for file in sent_files(folder)] == [".ogg"]
    assert "_waiting_" in (folder / "_qa.md").read_text()


async def test_a_transcription_that_fails_can_be_tried_again(room: DecisionRoom) -> None:
    folder = session(room)
    room.transcriber = Transcriber(command="/nowhere/whisper")
    await room.start()
    card = await shown(room, "greet")
    room.ann.send(MediaKind.VOICE, b"OggS", seconds=1, reply_to=card)
    failed = await shown(room, "did not run")
    assert room.bot is not None
    room.bot.context.transcriber = says("use the mock")
    room.ann.tap(failed, "🔁 Try again")
    room.ann.tap(await shown(room, "Send it?"), "✅ Send")
    await room.settled()
    assert guidance(folder) == ["use the mock"]
