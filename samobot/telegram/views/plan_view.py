"""A plan in the chat: what it proposes, what changed since the version before, and what was decided."""

from __future__ import annotations

from datetime import datetime

from samobot.fleet.models import PlanView, SessionView
from samobot.fleet.results import Document
from samobot.fleet.start_request import PROFILE_NAMES
from samobot.session.status import SessionState
from samobot.telegram.markup.html import to_plain
from samobot.telegram.markup.rich_text import escape, utf16_units, visible
from samobot.telegram.markup.split import CAPTION_UNITS, MESSAGE_ENTITIES, PHONE_LINE, file_name
from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView
from samobot.telegram.views.plain_lines import plain_line, unstyled_line
from samobot.telegram.views.wording import (
    Icon,
    Recipient,
    agent_line,
    agent_rich,
    decided_by,
    headline,
    lines,
    paragraphs,
    quoted_lines,
    time_of,
)
from samobot.text import clip, one_line, plural

_MOST_PHASES, _WITH_CHANGES = 8, 3
"""Lines for the phases, alone and above what changed."""

_MOST_CHANGES = 3
_FEW_PHASES = 4
"""So many titles may take two lines of a phone's screen each."""

_MOST_PROFILES = 4

_BESIDE_TITLE = 12
"""Characters around a phase's title: its number and its steps."""

_MOST_COMPARED = 2_000
_TITLE = 160


def open_plan(
    view: SessionView,
    plan: PlanView,
    version: int,
    changes: str,
    recipient: Recipient,
    now: datetime,
    *,
    again: bool = False,
    auto_at: datetime | None = None,
) -> MessageView:
    """Show a plan that waits for a decision.

    Args:
        view: The session.
        plan: The plan.
        version: How many contents were shown, this one included.
        changes: What changed since the version before, from `changes`; empty for the first.
        recipient: The chat.
        now: The time.
        again: Whether exactly this content was shown and decided about before.
        auto_at: When it is approved automatically, if the session was started so.
    """
    words = "shows the same plan again" if again else "has a plan"
    most = _WITH_CHANGES if changes and not again else _MOST_PHASES
    shown = plan.phases if len(plan.phases) <= most else plan.phases[: most - 1]
    room = 70 if len(shown) <= _FEW_PHASES and not changes else PHONE_LINE - _BESIDE_TITLE
    outline = [
        f"{number}  {agent_line(phase.title, room) or '…'} · {plural(phase.steps, 'step')}"
        for number, phase in enumerate(shown, 1)
    ]
    more = len(plan.phases) - len(shown)
    auto = (
        f"⏱ It is approved at {time_of(auto_at, recipient, now)} unless you say otherwise."
        if auto_at is not None
        else ""
    )
    known, unknown = _profiles(plan)
    proposed = paragraphs(_title(plan), lines(*outline, f"… and {more} more" if more > 0 else ""), known)
    text = paragraphs(
        f"{headline(Icon.PLAN, view.ref, words)}{_version(version)}\n{quoted_lines(proposed)}",
        f"Since version {version - 1}:\n{quoted_lines(changes)}" if changes and not again else "",
        unknown,
        auto,
    )
    identity = plan.sha256
    key = view.ref.key
    approve = Action(do=ActionKind.APPROVE, session=key, identity=identity)
    reject = Action(do=ActionKind.REQUEST_CHANGES, session=key, identity=identity)
    show = Action(do=ActionKind.SHOW_PLAN, session=key, identity=identity)
    # Only the approval is single-use: who asks for changes writes them first, and may think better of it.
    last = [ActionButton("📄 Show plan", show)]
    if auto_at is not None:
        last.append(
            ActionButton("✋ Wait for me", Action(do=ActionKind.AUTO_OFF, session=key, identity=view.gate))
        )
    first = (ActionButton("✅ Approve", approve, once=True), ActionButton("✏️ Request changes", reject))
    return MessageView(text, (first, tuple(last)))


def decided_plan(
    view: SessionView, plan: PlanView, version: int, recipient: Recipient, today: datetime, *, approved: bool
) -> MessageView:
    """Show what was decided about a plan, by whom and when."""
    who = escape(decided_by(plan.by, plan.via, plan.at, recipient, today))
    if approved:
        head = f"{headline(Icon.DECIDED, view.ref)} · plan{_version(version)}"
        return MessageView(lines(head, quoted_lines(_title(plan)), f"→ Approved · {who}"))
    head = f"{headline(Icon.PLAN, view.ref)} · plan{_version(version)}"
    feedback = agent_verbatim(plan.feedback or "")
    return MessageView(lines(head, quoted_lines(_title(plan)), f"→ Changes requested · {who}", feedback))


def past_plan(view: SessionView, version: int, *, replaced: bool) -> MessageView:
    """Show that a plan's message is outdated, if it is no longer known who decided."""
    words = "A newer version is below." if replaced else "Decided; the session has continued."
    if view.state is SessionState.STOPPED and not replaced:
        words = "Stopped before it was decided. /resume shows it again."
    return MessageView(lines(f"{headline(Icon.PLAN, view.ref)} · plan{_version(version)}", f"→ {words}"))


def plan_file(view: SessionView, document: Document, version: int) -> MessageView:
    """The whole plan as a document; if it is short enough, it is also readable right there."""
    name = file_name(f"plan {view.ref.name[:40]}" + (f" v{version}" if version > 1 else ""))
    data = document.text.encode("utf-8", "replace")
    label = f"📎 {headline(Icon.PLAN, view.ref)}: the whole plan{_version(version)}"
    rich = agent_rich(document.text)
    room = CAPTION_UNITS - utf16_units(to_plain(label)) - 1
    short = visible(rich.text) and rich.units <= room and len(rich.spans) < MESSAGE_ENTITIES - 2
    text = f"{label}\n{rich.quoted().html()}" if short else label
    return MessageView(text, attachment=Attachment(name, data))


def changes(before: str, after: str) -> str:
    """Say what changed between two versions of a plan: the lines that came and went, as HTML.

    Only words count: moved spaces, ticked boxes and list marks are no change. Of many lines, the first few.
    """
    import difflib  # takes memory

    old, new = _content(before), _content(after)
    found: list[tuple[str, str]] = []
    matcher = difflib.SequenceMatcher(None, [*map(unstyled_line, old)], [*map(unstyled_line, new)])
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        found += [("−", line) for line in old[start:end]]
        found += [("+", line) for line in new[new_start:new_end]]
    few = found if len(found) <= _MOST_CHANGES + 1 else found[:_MOST_CHANGES]
    shown = [f"{sign} {escape(plain_line(line, 2 * PHONE_LINE - 2))}" for sign, line in few]
    more = len(found) - len(shown)
    return (
        lines(*shown, f"… and {plural(more, 'more line')}" if more > 0 else "") or "only its layout changed"
    )


def agent_verbatim(words: str) -> str:
    """The user's text as a quote, unrendered."""
    words = words.strip()
    return f"<blockquote>{escape(clip(words, 1000))}</blockquote>" if one_line(words) else ""


def _content(text: str) -> list[str]:
    return [line for line in text.split("\n") if unstyled_line(line)][:_MOST_COMPARED]


def _profiles(plan: PlanView) -> tuple[str, str]:
    """Say which phases name a profile, and which one that does not exist; each empty if none does."""
    known, unknown = list[str](), list[str]()
    for number, phase in enumerate(plan.phases, 1):
        if phase.profile in PROFILE_NAMES:
            known.append(f"phase {number} {phase.profile}")
        elif name := agent_line(phase.profile, 40):
            unknown.append(f"“{name}” (phase {number})")
    return (
        f"Profiles: {_few(known)}" if known else "",
        f"Not a profile, so without effect: {_few(unknown)}. There are {', '.join(PROFILE_NAMES)}."
        if unknown
        else "",
    )


def _few(names: list[str]) -> str:
    more = len(names) - _MOST_PROFILES
    return ", ".join(names[:_MOST_PROFILES]) + (f" and {more} more" if more > 0 else "")


def _title(plan: PlanView) -> str:
    size = (
        f"{plural(len(plan.phases), 'phase')}, {plural(plan.steps, 'step')}"
        if plan.phases
        else plural(plan.size, "character")
    )
    title = agent_line(plan.title, _TITLE)
    return f"{title}{': ' if title else ''}{size}"


def _version(version: int) -> str:
    return f" · version {version}" if version > 1 else ""
