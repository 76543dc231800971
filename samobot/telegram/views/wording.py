"""Shared parts of messages: signs, names, times, and the agent's texts prepared for a message."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, tzinfo
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from samobot.fleet.models import GuidanceView, SessionRef, SessionView
from samobot.frozen import frozen
from samobot.phases import Phase
from samobot.telegram.markup.disguise import plain_undisguised, undisguised, unstyled
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.markdown import render
from samobot.telegram.markup.rich_text import RichText, clean, escape, visible
from samobot.telegram.markup.split import shorten
from samobot.telegram.store.chat_settings import NotifyLevel
from samobot.text import clip, human_money, one_line

NAME_CHARACTERS = 64
_FAR_DAYS = 180
"""A time further away comes with its year."""

_FILES_SHOWN = 3
_MOST_RENDERED = 20_000
_OPTION = re.compile(r"[A-Z]\) ")
_ORDINARY = frozenset({"Ll", "Lu", "Lt", "Lm", "Lo", "Nd", "Mn", "Mc", "Ps", "Pi"})
"""Unicode categories that a text begins with: letters, digits, opening brackets and quotes."""

_ICON_LIKE = re.compile(
    "[\u2100-\u214f\u2190-\u21ff\u221a\u221b\u2300-\u27ff\u2900-\u297f\u2b00-\u2bff\u3200-\u33ff\ufe0f\u20e3"
    "\U0001f000-\U0001faff]"
)
"""Arrows, boxes, dingbats, emoji: what our own lines begin with, and whatever looks like it."""


class Icon(StrEnum):
    """Signs; each means one thing."""

    RUNNING = "▶️"
    QUEUED = "⏳"
    QUESTION = "❓"
    PLAN = "📋"
    PERMISSION = "🔐"
    ACTION = "✋"
    BLOCKED = "⛔"
    PARKED = "🌙"
    BUDGET = "💰"
    PAUSED = "⏸"
    STOPPED = "⏹"
    DONE = "🏁"
    ERROR = "⚠️"
    DECIDED = "✅"
    GUIDANCE = "💬"
    IDLE = "💤"
    ARCHIVED = "🗄"
    LANDING = "🔀"
    SCHEDULE = "⏰"
    OFFER = "📥"
    AWAY = "📡"


@frozen
class Recipient:
    """A chat as the texts for it need it.

    Attributes:
        chat_id: The chat.
        thread_id: The topic that messages go to.
        level: What makes a sound or a message there.
        zone: The zone its times are shown in; None: the machine's.
        alone: Whether it is the private chat of the only person who may decide anything, who then is called “you”.
    """

    chat_id: int
    thread_id: int | None = None
    level: NotifyLevel = NotifyLevel.NORMAL
    zone: tzinfo | None = None
    alone: bool = True

    @property
    def place(self) -> str:
        """The chat, or the topic in it, as a key."""
        return f"{self.chat_id}:{self.thread_id or ''}"


def zone_of(name: str | None) -> tzinfo | None:
    """Return the time zone of an IANA name; None for none or one that this machine does not know."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None


def name_of(ref: SessionRef) -> str:
    """A session's name, bold, short enough for a headline."""
    return bold_name(ref.name)


def bold_name(name: str) -> str:
    """The name of a session, bold; an agent can have made the folder that it is read from."""
    name = agent_plain(name, NAME_CHARACTERS) or "?"
    # No session that samobot makes has a space in its name: such a one could be a sentence.
    return bold(f"“{name}”" if " " in name and not name.startswith("“") else name)


def project_of(view: SessionView) -> str:
    """What a session's project is called: with its machine only if another has one of the same name."""
    return view.project_label or view.ref.project


def headline(sign: Icon, ref: SessionRef, words: str = "") -> str:
    """The first line of a message: the sign, the session's name, and what is with it."""
    return f"{sign} {name_of(ref)}{' ' if words else ''}{escape(words)}"


def money_of(view: SessionView) -> str:
    """What a session has cost so far."""
    return human_money(view.cost_usd, unpriced=view.unpriced)


def time_of(at: datetime, recipient: Recipient, today: datetime) -> str:
    """A time of day in the chat's zone, with the date if that is not the day of `today`."""
    local, base = at.astimezone(recipient.zone), today.astimezone(recipient.zone)
    days = abs((local.date() - base.date()).days)
    if not days:
        return f"{local.hour:02}:{local.minute:02}"
    if days < 7:
        return f"{local:%a} {local:%H:%M}"
    if days > _FAR_DAYS:
        return f"{local:%b} {local.day}, {local.year}, {local:%H:%M}"
    return f"{local:%b} {local.day}, {local:%H:%M}"


def decided_by(
    by: str | None, via: str | None, at: datetime | None, recipient: Recipient, today: datetime
) -> str:
    """Who decided and when: `you, 14:02`, `Ann, 14:02`, `from the terminal, 14:02`; not escaped."""
    name = one_line(by or "", NAME_CHARACTERS)
    match via:
        case "telegram":
            who = "you" if recipient.alone else name or "somebody"
        case "auto":
            who = "automatically"
        case None:
            who = name or "by hand"
        case _:
            who = "from the terminal" if recipient.alone or not name else f"{name}, from the terminal"
    return f"{who}, {time_of(at, recipient, today)}" if at is not None else who


@lru_cache(maxsize=32)  # a card is made again and again from the same texts
def agent_rich(markdown: str) -> RichText:
    """The agent's Markdown, rendered and without disguises; the end of a text beyond reason is left out."""
    return undisguised(render(clip(markdown.strip(), _MOST_RENDERED)))


def agent_block(markdown: str, limit: int = _MOST_RENDERED) -> str:
    """The agent's Markdown as a quote of at most `limit` UTF-16 units, so that no line can pass for one of ours.

    Empty if nothing is visible.
    """
    rich = shorten(agent_rich(markdown), limit)
    return rich.quoted().html() if visible(rich.text) else ""


def agent_inline(markdown: str, limit: int) -> str:
    """The agent's Markdown for the end of a line of ours; as a block below it if it has several lines or icons."""
    rich = shorten(agent_rich(markdown), limit)
    if not visible(rich.text):
        return ""
    return f"\n{rich.quoted().html()}" if "\n" in rich.text or _like_ours(rich.text) else rich.html()


def agent_plain(text: str, limit: int | None = None) -> str:
    """A name or text of the agent that is not Markdown, such as a path, as one plain line; not escaped."""
    return guarded(plain_undisguised(one_line(clean(text), limit)))


def guarded(text: str) -> str:
    """A line of the agent, in quotation marks if it or its end could pass for a line of ours, with an icon or an arrow."""
    return f"“{text.replace('“', '‘').replace('”', '’')}”" if _like_ours(text) else text


def _like_ours(text: str) -> bool:
    sign = text.lstrip()[:1]
    ordinary = sign.isascii() or sign in "¿¡" or unicodedata.category(sign) in _ORDINARY
    return not ordinary or _ICON_LIKE.search(text) is not None


def agent_text(markdown: str, limit: int) -> str:
    """The agent's text as one plain line of at most `limit` characters."""
    return one_line(clean(unstyled(agent_rich(clip(markdown, 4 * limit)))), limit)


def agent_line(markdown: str, limit: int) -> str:
    """The agent's text as one line of HTML without styles, at most `limit` characters before escaping."""
    return escape(guarded(agent_text(markdown, limit)))


def spoken_answer(answer: str, limit: int) -> str:
    """An answer as one plain line: an option in the agent's wording, anything else as the user wrote it."""
    return agent_text(answer, limit) if _OPTION.match(answer) else one_line(answer, limit)


def agent_quote(markdown: str, limit: int, *, expandable: bool = False) -> str:
    """Markdown of the agent, or of others, as a quote without styles; empty if there is nothing visible."""
    plain = re.sub(r"\n{2,}", "\n", unstyled(shorten(agent_rich(markdown), limit))).strip()
    return RichText(plain).quoted(expandable=expandable).html() if visible(plain) else ""


def in_phase(phase: Phase | None) -> str:
    """A phase for the middle of a sentence: `in testing`; empty if there is none."""
    return f"in {phase}" if phase is not None else ""


def dots(phase: Phase | None, *, over: bool = False) -> str:
    """The way through the phases: `●●●◉○○○`."""
    names = list(Phase)
    if over:
        return "●" * len(names)
    if phase is None:
        return "○" * len(names)
    at = names.index(phase)
    return f"{'●' * at}◉{'○' * (len(names) - at - 1)}"


def paragraphs(*parts: str) -> str:
    """Join paragraphs; empty ones are left out."""
    return "\n\n".join(filter(None, parts))


def lines(*parts: str) -> str:
    """Join lines; empty ones are left out."""
    return "\n".join(filter(None, parts))


def quoted_lines(*parts: str) -> str:
    """Lines of HTML with the agent's text, as one quote; empty ones are left out."""
    return f"<blockquote>{lines(*parts)}</blockquote>" if any(parts) else ""


def guidance_line(item: GuidanceView, room: int) -> str:
    """Show guidance in one line: what the user wrote, at most `room` characters, and which files came with it."""
    written = item.written if item.files else item.text
    quoted = f"“{escape(one_line(written, room))}” " if written.strip() else ""
    shown, more = item.files[:_FILES_SHOWN], len(item.files) - _FILES_SHOWN
    files = f"📎 {escape(one_line(', '.join(shown), room))}" if shown else ""
    return f"{quoted}{files}{f' and {more} more' if more > 0 else ''}".rstrip()
