"""Who may use the bot: the one check that every update passes before any handler.

It wraps the update handler and drops everything that does not come from an allowed user. Strangers get no
reply; one log line holds their ids and nothing of their text.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import StrEnum

from telegram import Chat, Message, Update
from telegram.constants import ChatID, ChatType

from samobot.config.settings import Settings
from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.pairing import Access

log = logging.getLogger(__name__)

_NOT_PEOPLE = frozenset({ChatID.ANONYMOUS_ADMIN, ChatID.SERVICE_CHAT, ChatID.FAKE_CHANNEL})
_GROUPS = frozenset({ChatType.GROUP, ChatType.SUPERGROUP})
_START = re.compile(r"/start(?:@\w+)?\s+([A-Za-z0-9_-]{1,64})\s*")
_LINES_A_MINUTE = 20


class RefusalReason(StrEnum):
    """Why an update has no effect."""

    KIND = "not a new message or a tap"
    NOBODY = "from nobody in particular"
    ANONYMOUS = "written in the name of a chat"
    BOT = "from a bot"
    VIA_BOT = "sent through another bot"
    STRANGER = "from a stranger"
    PLACE = "in a chat that is not allowed"


@frozen
class AccessDecision:
    """Whether an update may be handled.

    Attributes:
        reason: Why it has no effect; None: it may pass.
        user_id: The sender, if Telegram includes one.
        chat_id: Where.
        code: A possible pairing code, if the sender or group may pair.
    """

    reason: RefusalReason | None
    user_id: int | None = None
    chat_id: int | None = None
    code: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether it may pass."""
        return self.reason is None


def access_of(settings: Settings) -> Access:
    """The users and groups that the settings allow."""
    chat_id = settings.telegram_chat_id
    groups = frozenset({chat_id}) if chat_id is not None and chat_id < 0 else frozenset[int]()
    return Access(settings.allowed_users, groups)


def check_access(update: Update, access: Access) -> AccessDecision:
    """Check whether an update may be handled. Pure.

    Args:
        update: The update.
        access: The allowed users and groups.
    """
    if update.message is not None:
        return _judge_message(update.message, access)
    if update.edited_message is not None:
        return replace(_judge_message(update.edited_message, access), code=None)
    if update.callback_query is not None:
        query = update.callback_query
        chat = query.message.chat if query.message is not None else None
        user_id = query.from_user.id
        if chat is None:  # a button of an inline message: not from this bot
            return AccessDecision(RefusalReason.KIND, user_id)
        return AccessDecision(_refusal(user_id, query.from_user.is_bot, chat, access), user_id, chat.id)
    user, where = update.effective_user, update.effective_chat
    return AccessDecision(
        RefusalReason.KIND,
        user.id if user is not None else None,
        where.id if where is not None else None,
    )


def _judge_message(message: Message, access: Access) -> AccessDecision:
    chat, user = message.chat, message.from_user
    user_id = user.id if user is not None else None
    reason: RefusalReason | None = None
    if user is None:
        reason = RefusalReason.NOBODY
    elif message.sender_chat is not None or message.is_automatic_forward or user.id in _NOT_PEOPLE:
        reason = RefusalReason.ANONYMOUS
    elif message.via_bot is not None or message.sender_business_bot is not None:
        reason = RefusalReason.VIA_BOT
    if user is None or reason is not None:
        return AccessDecision(reason, user_id, chat.id)
    reason = _refusal(user.id, user.is_bot, chat, access)
    start = _START.fullmatch(message.text or "") if message.forward_origin is None else None
    # A stranger pairs by a code in a private chat, a group by one that an allowed user sends there.
    may_pair = (
        reason is RefusalReason.STRANGER and chat.type == ChatType.PRIVATE and chat.id == user.id
    ) or (reason is RefusalReason.PLACE and chat.type in _GROUPS)
    return AccessDecision(reason, user.id, chat.id, start[1] if start is not None and may_pair else None)


def _refusal(user_id: int, is_bot: bool, chat: Chat, access: Access) -> RefusalReason | None:
    if is_bot:
        return RefusalReason.BOT
    if user_id not in access.users:
        return RefusalReason.STRANGER
    if chat.type == ChatType.PRIVATE:
        return None if chat.id == user_id else RefusalReason.PLACE
    if chat.type in _GROUPS and chat.id in access.groups:
        return None
    return RefusalReason.PLACE


class AccessGate:
    """Drops every update that may have no effect.

    Args:
        access: The users and groups that the settings allow; those who paired are added to them.
        store: Where pairing is kept.
        on_admitted: Called with the chat's number of everything that passes.
        monotonic: A monotonic clock in seconds.
    """

    def __init__(
        self,
        access: Access,
        store: Store,
        *,
        on_admitted: Callable[[int], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._access = access
        self._store = store
        self._on_admitted = on_admitted
        self._lines = _LimitedLog(monotonic)

    @property
    def access(self) -> Access:
        """The users and groups allowed now; a group that Telegram renumbered is allowed under its new number."""
        access, moves = self._access, self._store.migrations.all()
        moved = Access(access.users, frozenset(moves.get(group, group) for group in access.groups))
        return moved | self._store.people.access()

    def guard(self, handler: Callable[[Update], Awaitable[None]]) -> Callable[[Update], Awaitable[None]]:
        """Wrap a handler, so that it gets only what may have an effect."""
        return lambda update: handler(update) if self.admits(update) else _do_nothing()

    def admits(self, update: Update) -> bool:
        """Check whether an update may be handled; an internal error refuses it."""
        try:
            verdict = self._admit(update)
        except Exception:
            log.exception("the gate failed and stays shut: update %d", update.update_id)
            return False
        if not verdict.allowed:
            self._lines.write(
                "no effect: update %d, %s (user %s, chat %s)",
                update.update_id,
                verdict.reason,
                verdict.user_id,
                verdict.chat_id,
            )
            return False
        if self._on_admitted is not None and verdict.chat_id is not None:
            self._on_admitted(verdict.chat_id)
        return True

    def _admit(self, update: Update) -> AccessDecision:
        verdict = check_access(update, self.access)
        message = update.message
        if verdict.code is not None and message is not None and self._pair(verdict, verdict.code, message):
            return check_access(update, self.access)
        return verdict

    def _pair(self, verdict: AccessDecision, code: str, message: Message) -> bool:
        """Try a code; a crash leaves either the user paired or the code unused."""
        try:
            with self._store.transaction(durable=True):
                if not self._store.pairing.redeem(code):
                    return False
                if verdict.reason is RefusalReason.PLACE and verdict.chat_id is not None:
                    self._store.people.add_group(verdict.chat_id)
                    log.warning("group %d was paired by user %s", verdict.chat_id, verdict.user_id)
                elif verdict.user_id is not None:
                    self._store.people.add_user(verdict.user_id)
                    log.warning("user %d was paired and may use the bot from now on", verdict.user_id)
                self._store.last_pairing.set(message.chat.id, message.message_id, message.chat.title or "")
        except StorageError as error:
            log.error("pairing did not work: %s", error)
            return False
        return True


async def _do_nothing() -> None:
    """What is done with an update that may have no effect."""


class _LimitedLog:
    """A limited number of log lines a minute; the rest is counted."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._now = monotonic
        self._since = monotonic()
        self._written = 0
        self._withheld = 0

    def write(self, text: str, *values: object) -> None:
        now = self._now()
        if now - self._since >= 60.0:
            if self._withheld:
                log.warning("no effect: %d more updates of the same sort", self._withheld)
            self._since, self._written, self._withheld = now, 0, 0
        if self._written < _LINES_A_MINUTE:
            self._written += 1
            log.warning(text, *values)
        else:
            self._withheld += 1
