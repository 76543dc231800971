"""Turns audio into text: by an OpenAI-compatible HTTP service, or by a program of the owner's."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path

from samobot.errors import SamobotError
from samobot.frozen import frozen
from samobot.session.search_path import own_environment
from samobot.system.commands import run_command
from samobot.text import one_line

TRANSCRIPTION_SECONDS = 300.0
_PLACEHOLDER = "{file}"
_SHOWN = 120


class TranscriptionError(SamobotError):
    """The audio could not be turned into text."""


@frozen
class Transcriber:
    """What turns audio into text, as configured; unset if both `url` and `command` are empty.

    Attributes:
        url: Root of a service, or its `…/v1/audio/transcriptions`; goes before `command`.
        key: Sent to the service as bearer token; may be empty.
        model: Name of the service's model.
        command: A program, split as a shell splits; the audio file's path replaces `{file}`, or is added at the end.
            What it prints is the text.
        environ: The program's environment.
        seconds: Time limit.
    """

    url: str = ""
    key: str = ""
    model: str = "whisper-1"
    command: str = ""
    environ: Mapping[str, str] | None = None
    seconds: float = TRANSCRIPTION_SECONDS

    @property
    def is_configured(self) -> bool:
        """Whether audio can be turned into text at all."""
        return bool(self.url or self.command)

    async def transcribe(self, name: str, data: bytes) -> str:
        """Return what is said in an audio file, without blanks around it.

        Args:
            name: The file's name; its suffix names the format.
            data: Its content.

        Raises:
            TranscriptionError: It did not work, or nothing is said.
        """
        text = await (self._by_service(name, data) if self.url else self._by_command(name, data))
        if not text.strip():
            raise TranscriptionError("Nothing was understood.")
        return text.strip()

    async def _by_service(self, name: str, data: bytes) -> str:
        import httpx

        url = self.url.rstrip("/")
        if not url.endswith("/transcriptions"):
            url = f"{url.removesuffix('/v1')}/v1/audio/transcriptions"
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            async with httpx.AsyncClient(timeout=self.seconds) as client:
                answer = await client.post(
                    url,
                    headers=headers,
                    data={"model": self.model, "response_format": "json"},
                    files={"file": (name, data)},
                )
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise TranscriptionError(
                f"The transcription service did not answer: {_shown(reason)}."
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise TranscriptionError(
                f"The transcription service refused ({answer.status_code}): {_shown(answer.text)}"
            )
        try:
            text = answer.json()["text"]
        except (ValueError, KeyError, TypeError) as error:
            raise TranscriptionError(
                f"The transcription service returned no text: {_shown(answer.text)}"
            ) from error
        return str(text)

    async def _by_command(self, name: str, data: bytes) -> str:
        return await asyncio.to_thread(self._run, name, data)

    def _run(self, name: str, data: bytes) -> str:
        with tempfile.TemporaryDirectory(prefix="samobot-voice-") as folder:
            path = Path(folder) / f"voice{os.path.splitext(name)[1]}"
            path.write_bytes(data)
            try:
                argv = [part.replace(_PLACEHOLDER, str(path)) for part in shlex.split(self.command)]
                if _PLACEHOLDER not in self.command:
                    argv.append(str(path))
                environ = own_environment(os.environ if self.environ is None else self.environ)
                done = run_command(argv, seconds=self.seconds, environ=environ)
            except (OSError, ValueError) as error:
                raise TranscriptionError(
                    f"SAMOBOT_TRANSCRIBE_COMMAND did not run: {_shown(str(error))}."
                ) from error
        if not done.succeeded:
            said = done.err.strip() or done.out.strip()
            raise TranscriptionError(
                f"SAMOBOT_TRANSCRIBE_COMMAND failed with exit code {done.code}: {_shown(said)}"
            )
        return done.out


def _shown(text: str) -> str:
    return one_line(text, _SHOWN)
