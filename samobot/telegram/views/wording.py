"""Shared parts of messages: signs, names, times, and the agent's texts prepared for a message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

from samobot.fleet.models import SessionRef, SessionView
from samobot.phases import Phase
from samobot.telegram.markup.html import bold, quote
from samobot.telegram.markup.markdown import render
from samobot.telegram.markup.rich_text import RichText, escape, visible
from samobot.telegram.markup.split import shorten
from samobot.telegram.store.chat_settings import NotifyLevel
from samobot.text import clip, human_money, one_line

NAME_CHARACTERS = 64
_MOST_RENDERED = 20_000
_OPTION = re.compile(r"[A-Z]\) ")


class Icon(StrEnum):
    """Signs; each means one thing."""

    RUNNING = "▶️"
    QUEUED = "⏳"
    QUESTION = "❓"
    PLAN = "📋"
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


@dataclass(frozen=True, slots=True)
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


def zone_of(name: str | None) -> tzinfo | None:
    """Return the time zone of an IANA name; None for none or one that this machine does not know."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None


def name_of(ref: SessionRef) -> str:
    """A session's name, bold, short enough for a headline."""
    return bold(one_line(ref.name, NAME_CHARACTERS) or "?")


def headline(sign: Icon, ref: SessionRef, words: str = "") -> str:
    """The first line of a message: the sign, the session's name, and what is with it."""
    return f"{sign} {name_of(ref)}{' ' if words else ''}{escape(words)}"


def plural(count: int, word: str) -> str:
    """A number with its noun: `1 step`, `4 steps`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def money_of(view: SessionView) -> str:
    """What a session has cost so far."""
    return human_money(view.cost_usd, unpriced=view.unpriced)


def time_of(at: datetime, recipient: Recipient, today: datetime) -> str:
    """A time of day in the chat's zone, with the date where that is not the day of `today`."""
    local, base = at.astimezone(recipient.zone), today.astimezone(recipient.zone)
    if local.date() == base.date():
        return f"{local:%H:%M}"
    if abs((local.date() - base.date()).days) < 7:
        return f"{local:%a} {local:%H:%M}"
    return f"{local:%b} {local.day}, {local:%H:%M}"


def decided_by(
    by: str | None, via: str | None, at: datetime | None, recipient: Recipient, today: datetime
) -> str:
    """Who decided and when: `you, 14:02`, `Ann, 14:02`, `at the terminal, 14:02`; not escaped."""
    name = one_line(by or "", NAME_CHARACTERS)
    match via:
        case "telegram":
            who = "you" if recipient.alone else name or "somebody"
        case "auto":
            who = "by itself"
        case None:
            who = name or "by hand"
        case _:
            who = "at the terminal" if recipient.alone or not name else f"{name}, at the terminal"
    return f"{who}, {time_of(at, recipient, today)}" if at is not None else who


def agent_text(markdown: str, limit: int) -> str:
    """The agent's Markdown as HTML of at most `limit` UTF-16 units; empty if there is nothing visible."""
    rich = agent_rich(markdown)
    return shorten(rich, limit).html() if visible(rich.text) else ""


def agent_rich(markdown: str) -> RichText:
    """The agent's Markdown, rendered; the end of a text beyond reason is left out."""
    return render(clip(markdown.strip(), _MOST_RENDERED))


def agent_words(markdown: str, limit: int) -> str:
    """The agent's text as one plain line of at most `limit` characters."""
    return one_line(render(clip(markdown, 4 * limit)).text, limit)


def agent_line(markdown: str, limit: int) -> str:
    """The agent's text as one line of HTML without styles, at most `limit` characters before escaping."""
    return escape(agent_words(markdown, limit))


def spoken_answer(answer: str, limit: int) -> str:
    """An answer as one plain line: an option in the agent's wording, anything else as the user wrote it."""
    return agent_words(answer, limit) if _OPTION.match(answer) else one_line(answer, limit)


def agent_quote(markdown: str, limit: int, *, expandable: bool = False) -> str:
    """A user's text as a quote without styles; empty if there is nothing visible."""
    plain = re.sub(r"\n{2,}", "\n", shorten(agent_rich(markdown), limit).text).strip()
    return quote(plain, expandable=expandable) if visible(plain) else ""


def phase_words(phase: Phase | None) -> str:
    """A phase for the middle of a sentence: `in testing`; empty if there is none."""
    return f"in {phase}" if phase is not None else ""


def dots(phase: Phase | None, *, over: bool = False) -> str:
    """The way through the phases: `●●●◉○○○`."""
    names = list(Phase)
    if over:
        return "●" * len(names)
    at = names.index(phase) if phase is not None else -1
    return "".join("●" if place < at else "◉" if place == at else "○" for place in range(len(names)))


def paragraphs(*parts: str) -> str:
    """Join paragraphs; empty ones are left out."""
    return "\n\n".join(part for part in parts if part)


def lines(*parts: str) -> str:
    """Join lines; empty ones are left out."""
    return "\n".join(part for part in parts if part)
