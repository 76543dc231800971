"""Pairing with the owner's chat through a code shown in the terminal."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from telegram import Update
from telegram.constants import ChatType

from samobot.errors import SamobotError
from samobot.frozen import frozen
from samobot.setup.telegram_check import BotApi, UnreachableError
from samobot.telegram.inbound.access import check_access
from samobot.telegram.inbound.polling import ALLOWED_UPDATES
from samobot.telegram.store.bot_store import DATABASE_NAME, Store
from samobot.telegram.store.database import Database
from samobot.telegram.store.pairing import TRIES, Access, Pairing, PairingCode
from samobot.text import one_line

_LONG_POLL = 5
"""Seconds of one getUpdates; short, so that the code's end is noticed."""

_PAUSE = 2.0
_BARE_START = re.compile(r"\s*/start(?:@\w+)?\s*")


@frozen
class Owner:
    """Who sent the code.

    Attributes:
        user_id: Their numeric id, which is also their private chat's.
        name: What they call themselves.
    """

    user_id: int
    name: str


@frozen
class FailedStart:
    """A `/start` in a private chat that pairs nobody.

    Attributes:
        name: What its sender calls themselves.
        with_code: Whether it had a code, a wrong one.
    """

    name: str
    with_code: bool


class Invitation:
    """A code that is open for as long as this object is used, with the rules of `samobot.telegram.store.pairing`.

    Attributes:
        code: The code.
        wrong_codes: How many wrong ones were sent.
    """

    def __init__(self, pairing: Pairing) -> None:
        self._pairing = pairing
        self.code: PairingCode = pairing.new_code()
        self.wrong_codes = 0

    def read(self, raw: dict[str, Any]) -> Owner | FailedStart | None:
        """Return who an update pairs, or whose attempt failed; None if it is about something else."""
        try:
            update = Update.de_json(raw, None)
        except Exception:  # whatever the library makes of what a stranger can send
            return None
        verdict = check_access(update, Access())
        message, user = update.message, update.effective_user
        if message is None or user is None or verdict.user_id is None:
            return None
        name = one_line(user.full_name, 60)
        if verdict.code is not None and self._pairing.redeem(verdict.code):
            return Owner(verdict.user_id, name)
        if verdict.code is not None:
            self.wrong_codes += 1
        begins = _BARE_START.fullmatch(message.text or "") is not None
        if verdict.code is None and not (begins and message.chat.type == ChatType.PRIVATE):
            return None
        return FailedStart(name, verdict.code is not None)


@contextmanager
def invitation() -> Iterator[Invitation]:
    """Open a code; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="samobot-") as folder:
        database = Database(Path(folder) / "pairing.db")
        try:
            yield Invitation(Pairing(database))
        finally:
            database.close()


def wait_for_owner(
    api: BotApi,
    invited: Invitation,
    state_dir: Path,
    now: Callable[[], float],
    on_failed_start: Callable[[FailedStart], None],
) -> Owner:
    """Wait until the code is sent.

    What else comes in meanwhile is kept for the bot where one has worked here before, as reading it here means
    that Telegram forgets it.

    Args:
        api: The bot.
        invited: The open code.
        state_dir: Where the bot's own state is.
        now: The time in epoch seconds.
        on_failed_start: Called for each `/start` without the right code.

    Raises:
        SamobotError: Nobody sent it in time, it was guessed at too often, or Telegram cannot be asked.
    """
    offset: int | None = None
    while now() < invited.code.expires:
        parameters: dict[str, object] = {"timeout": _LONG_POLL, "allowed_updates": list(ALLOWED_UPDATES)}
        if offset is not None:
            parameters["offset"] = offset
        try:
            raws = api.call("getUpdates", wait=_LONG_POLL, **parameters)
        except UnreachableError:
            time.sleep(
                _PAUSE
            )  # the code stays good; a phone may still be on its way out of a tunnel, and so may we
            continue
        owner: Owner | None = None
        others = []
        for raw in raws:
            found = invited.read(raw) if owner is None else None
            if isinstance(found, Owner):
                owner = found
                continue
            others.append(raw)
            if found is not None:
                on_failed_start(found)
        if others and (state_dir / DATABASE_NAME).is_file():
            _keep(others, state_dir)
        if raws:
            offset = max(raw["update_id"] for raw in raws) + 1
        if owner is not None:
            # Acknowledged, or the bot would see a code that means nothing to it.
            api.call("getUpdates", offset=offset, timeout=0, limit=1)
            return owner
        if invited.wrong_codes >= TRIES:
            raise SamobotError(
                f"{TRIES} wrong codes were sent, so the code no longer works. Run samobot init again for a new one."
            )
    raise SamobotError("Nobody sent the code within ten minutes. Run samobot init again for a new one.")


def _keep(raws: list[dict[str, Any]], state_dir: Path) -> None:
    store = Store(state_dir)
    try:
        store.updates.record(raws)
    finally:
        store.close()
