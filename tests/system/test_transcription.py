"""Audio becomes text by a service or by a program; what goes wrong is one sentence."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from samobot.system.transcription import Transcriber, TranscriptionError


@dataclass
class Service:
    """An OpenAI-compatible service on loopback.

    Attributes:
        url: Its root.
        answer: What it returns.
        status: And under which status.
        got: What it was sent last.
    """

    url: str = ""
    answer: str = '{"text": " Add dark mode. "}'
    status: int = 200
    got: Mapping[str, str] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        self.got = {
            "path": request.path,
            "key": request.headers.get("Authorization", ""),
            "model": str(form["model"]),
            "name": file.filename,
            "data": file.file.read().decode(),
        }
        return web.Response(text=self.answer, status=self.status, content_type="application/json")


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    app = web.Application()
    app.router.add_post("/v1/audio/transcriptions", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/audio/transcriptions"])
async def test_a_service_is_called_as_openai_documents_it(service: Service, path: str) -> None:
    transcriber = Transcriber(url=service.url + path, key="k", model="large")
    assert await transcriber.transcribe("voice-5.ogg", b"sound") == "Add dark mode."
    assert service.got == {
        "path": "/v1/audio/transcriptions",
        "key": "Bearer k",
        "model": "large",
        "name": "voice-5.ogg",
        "data": "sound",
    }


@pytest.mark.parametrize(
    ("status", "answer", "sentence"),
    [
        (401, '{"error": "no key"}', r"refused \(401\): .*no key"),
        (200, "not json", "returned no text: not json"),
        (200, '{"words": 1}', "returned no text"),
        (200, '{"text": "  "}', "Nothing was understood"),
    ],
)
async def test_what_a_service_does_wrong_is_one_sentence(
    service: Service, status: int, answer: str, sentence: str
) -> None:
    service.status, service.answer = status, answer
    with pytest.raises(TranscriptionError, match=sentence):
        await Transcriber(url=service.url).transcribe("a.ogg", b"x")


async def test_a_service_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(TranscriptionError, match="did not answer"):
        await Transcriber(url="http://127.0.0.1:9").transcribe("a.ogg", b"x")


async def test_a_program_gets_the_file_and_prints_the_text() -> None:
    read = "import sys, pathlib; print(pathlib.Path(sys.argv[1]).read_text().upper(), sys.argv[1][-4:])"
    for command in (f'{sys.executable} -c "{read}" {{file}}', f'{sys.executable} -c "{read}"'):
        assert await Transcriber(command=command).transcribe("voice.ogg", b"hello") == "HELLO .ogg"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("/nowhere/whisper {file}", "did not run: .*/nowhere/whisper"),
        (f"{sys.executable} -c 'raise SystemExit(\"no model\")'", "exit code 1: no model"),
        ("whisper 'unclosed", "did not run: No closing quotation"),
    ],
)
async def test_what_a_program_does_wrong_is_one_sentence(command: str, sentence: str) -> None:
    with pytest.raises(TranscriptionError, match=sentence):
        await Transcriber(command=command).transcribe("voice.ogg", b"hello")
