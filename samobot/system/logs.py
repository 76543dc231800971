"""Logging: one line per event, in a rotating file of the state folder and on stderr, without secrets.

Secrets are removed from the handlers' *final* output, tracebacks included: a token may be in a URL, in the text of a
library's exception or in a `repr`, out of reach of the call that logs.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from samobot.errors import StorageError

FILE_BYTES = 5_000_000
FILES = 5

_REPEAT_SECONDS = 60.0
_LINES_KNOWN = 1000
_HIDDEN = "<redacted>"
_SECRETS = re.compile(
    r"(?<![0-9])[0-9]{5,20}(?::|%3[Aa])[A-Za-z0-9_-]{25,}"  # a bot token, also inside a URL
    r"|\bsk-ant-[A-Za-z0-9_-]{8,}"  # an Anthropic key
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CHATTY = {
    "httpx": logging.WARNING,  # whole URLs, token included, at INFO
    "httpcore": logging.WARNING,
    "apscheduler": logging.ERROR,  # a poll that takes longer than its interval is normal
    "telegram.request.BaseRequest": logging.CRITICAL,  # a traceback for a proxy's page that is raised as well
}


class Redaction:
    """Removes secrets from text.

    Args:
        secrets: Values known to be secret, besides everything that looks like a bot token or an Anthropic key.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {form for secret in secrets if len(secret) >= 8 for form in (secret, quote(secret, safe=""))}
        # The longest first, so that nothing is left of two that overlap.
        self._known = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._known:
            text = text.replace(secret, _HIDDEN)
        return _SECRETS.sub(_HIDDEN, text)


class LineFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.000Z WARNING samobot.telegram.outbound.outbox: …`; further lines are indented.

    Args:
        redact: Removes secrets.
        times: Whether lines begin with the time; journald has its own.
    """

    def __init__(self, redact: Redaction, *, times: bool = True) -> None:
        stamp = "%(asctime)s.%(msecs)03dZ " if times else ""
        super().__init__(f"{stamp}%(levelname)-7s %(name)s: %(message)s")
        self._redact = redact

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """The time in UTC."""
        return time.strftime(datefmt or "%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))

    def format(self, record: logging.LogRecord) -> str:
        """The final text of a record."""
        text = super().format(record)
        return self._redact(text)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line itself; control characters are escaped, so that no text can forge a line."""
        record.message = _CONTROL.sub(lambda match: ascii(match[0])[1:-1], record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        """A traceback, indented under its line."""
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:
        """A stack, indented under its line."""
        return _indented(super().formatStack(stack_info))


class RepeatFilter(logging.Filter):
    """Drops a line that was written less than a minute ago; the next one that is written counts them.

    What fails at each look, such as a write to a full disk, would otherwise push everything else out of the files.

    Args:
        monotonic: Seconds that only grow.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._written: dict[tuple[str, str], _Repeated] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written; it may get the number of those that were not. The same for each handler."""
        if record.levelno < logging.WARNING or record.exc_info:
            return True
        known = vars(record)
        if "is_written" not in known:
            known["is_written"] = self._take(record)
        return bool(known["is_written"])

    def _take(self, record: logging.LogRecord) -> bool:
        now, text = self._monotonic(), record.getMessage()
        before = self._written.get((record.name, text))
        if before is not None and now - before.at < _REPEAT_SECONDS:
            before.dropped += 1
            return False
        if len(self._written) >= _LINES_KNOWN:
            self._written.clear()
        self._written[record.name, text] = _Repeated(now)
        if before is not None and before.dropped:
            record.msg, record.args = f"{text} ({before.dropped} times more since the last line)", None
        return True


@dataclass
class _Repeated:
    at: float
    dropped: int = 0


class _PrivateFile(RotatingFileHandler):
    """A rotating file that only its owner can read."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)
        return open(descriptor, "a", encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:
        """Ignore a full disk: the default prints the record, secrets included."""


class _Stderr(logging.StreamHandler[Any]):
    def handleError(self, record: logging.LogRecord) -> None:
        """Ignore a closed terminal: the default prints the record, secrets included."""


def setup_logging(
    level: int = logging.INFO,
    *,
    file: Path | None = None,
    console: bool = True,
    secrets: Iterable[str] = (),
) -> None:
    """Set up the process's logging; what was set up before is replaced.

    Args:
        level: The lowest level that is written.
        file: The log file (0600, five old ones of 5 MB are kept), or None for none.
        console: Whether lines go to stderr too.
        secrets: Values that may appear nowhere, such as the bot's token.

    Raises:
        StorageError: The file cannot be opened.
    """
    redact = Redaction(secrets)
    handlers: list[logging.Handler] = []
    if console:
        stderr = _Stderr()
        stderr.setFormatter(LineFormatter(redact, times="JOURNAL_STREAM" not in os.environ))
        handlers.append(stderr)
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            rotating = _PrivateFile(file, maxBytes=FILE_BYTES, backupCount=FILES)
        except OSError as error:
            raise StorageError(
                f"The log file {file} cannot be opened: {error}. Check the folder, or set SAMOBOT_STATE_DIR."
            ) from error
        rotating.setFormatter(LineFormatter(redact))
        handlers.append(rotating)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    repeats = RepeatFilter()
    for handler in handlers:
        handler.addFilter(repeats)
        root.addHandler(handler)
    root.setLevel(level)
    for name, lowest in _CHATTY.items():
        logging.getLogger(name).setLevel(max(level, lowest))
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Write the traceback that ends the process through the handlers: Python's own print redacts nothing."""
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("samobot").critical("unexpected error", exc_info=(kind, error, traceback))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
