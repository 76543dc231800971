"""Calls that an agent asks for in the chat: what exactly, where and why, with the buttons that decide."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from samobot.fleet.ask_models import AskView
from samobot.fleet.models import SessionView
from samobot.fleet.results import Document
from samobot.session.decisions import DecisionKind
from samobot.telegram.markup.html import code, pre
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, Rows
from samobot.telegram.views.wording import (
    Icon,
    Recipient,
    agent_quote,
    decided_by,
    headline,
    lines,
    paragraphs,
)
from samobot.text import capitalize_first, one_line

_ASKED_AGAIN = 300
_RULE = 120

VERDICTS = {
    DecisionKind.ALLOW_ONCE: "Allowed once",
    DecisionKind.ALLOW_SESSION: "Allowed for this session",
    DecisionKind.DENY: "Denied",
}


def ask_key(ask: AskView) -> str:
    """The key of a call's message."""
    return f"ask:{ask.id}"


def identity_of(ask: AskView) -> str:
    """Names a call in a button: a verdict is for exactly this one."""
    return f"{ask.id}.{ask.sha256}"


def open_ask(view: SessionView, ask: AskView) -> MessageView:
    """Show a call that waits for the user.

    Args:
        view: The session.
        ask: The call.
    """
    is_plain = ask.text.isascii()
    text = paragraphs(
        headline(Icon.PERMISSION, view.ref, "asks before a risky step"),
        lines(
            f"{escape(ask.tool)}, in {code(ask.where)}",
            pre(ask.text),
            f"… {ask.size - len(ask.text):,} more characters are in the document." if ask.is_clipped else "",
            "" if is_plain else "Not all of its letters are plain ASCII.",
        ),
        f"{escape(capitalize_first(' and '.join(ask.reasons)))}.",
        agent_quote(ask.said, _ASKED_AGAIN),
        f"<i>For this session</i> also allows, without asking: {code(one_line(ask.rule, _RULE))}",
    )
    return MessageView(text, _buttons(view, ask))


def decided_ask(view: SessionView, ask: AskView, recipient: Recipient, today: datetime) -> MessageView:
    """Show what was decided about a call, by whom and when.

    Args:
        view: The session.
        ask: The call.
        recipient: The chat.
        today: When it was shown; a time of another day comes with its date.
    """
    if ask.verdict is None:
        outcome = "No longer asked for"
    else:
        by = decided_by(ask.by, ask.via, ask.decided_at, recipient, today)
        outcome = f"{VERDICTS[ask.verdict]} · {by}"
    said = f": “{one_line(ask.feedback, 200)}”" if ask.feedback else ""
    sign = Icon.BLOCKED if ask.verdict is DecisionKind.DENY else Icon.DECIDED
    return MessageView(
        lines(
            f"{headline(sign, view.ref)} · {escape(ask.tool)}",
            pre(one_line(ask.subject, _ASKED_AGAIN)),
            f"→ {escape(outcome)}{escape(said)}",
        )
    )


def ask_file(view: SessionView, ask: AskView, document: Document) -> MessageView:
    """The whole of a long call as a document."""
    label = f"📎 {headline(Icon.PERMISSION, view.ref)}: the whole call of {escape(ask.tool)}"
    return MessageView(label, attachment=Attachment(document.name, document.text.encode("utf-8", "replace")))


def permission_lines(view: SessionView) -> Iterable[str]:
    """A line for each permission for the session."""
    return [
        f"{Icon.PERMISSION} Allowed in this session: {code(one_line(each.rule, _RULE))}"
        for each in view.permissions
    ]


def permission_buttons(view: SessionView) -> Rows:
    """A button for each permission that withdraws it."""
    return tuple(
        (
            ActionButton(
                f"↩️ Withdraw {one_line(each.rule, 28)}",
                Action(do=ActionKind.WITHDRAW_PERMISSION, session=view.ref.key, text=each.rule),
                once=True,
            ),
        )
        for each in view.permissions
    )


def _buttons(view: SessionView, ask: AskView) -> Rows:
    def button(label: str, kind: ActionKind, *, once: bool = True) -> ActionButton:
        return ActionButton(
            label, Action(do=kind, session=view.ref.key, identity=identity_of(ask)), once=once
        )

    return (
        (button("✅ Allow once", ActionKind.ALLOW_ONCE), button("⛔ Deny", ActionKind.DENY)),
        (
            button("Allow for this session", ActionKind.ALLOW_SESSION),
            button("✍️ Deny and say…", ActionKind.DENY_SAY, once=False),
        ),
    )
