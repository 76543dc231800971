"""Something of a project that is not used until the user has trusted exactly it: what it is, and the buttons that decide."""

from __future__ import annotations

from samobot.fleet.models import SessionRef
from samobot.fleet.results import UntrustedView
from samobot.telegram.markup.disguise import plain_undisguised
from samobot.telegram.markup.html import pre
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, Rows
from samobot.telegram.views.wording import Icon, headline, lines, paragraphs
from samobot.text import clip, one_line

_SHOWN = 2_000
_LINES = 20


def trust_message(ref: SessionRef, item: UntrustedView) -> MessageView:
    """Show what is not used, with as much of it as fits; the document has the whole."""
    shown = clip("\n".join(plain_undisguised(line) for line in item.lines[:_LINES]), _SHOWN)
    is_plain = all(line.isascii() for line in item.lines)
    text = paragraphs(
        headline(
            Icon.PERMISSION,
            ref,
            f"does not use something of {one_line(ref.project, 60)}: you have not trusted it",
        ),
        lines(
            f"{escape(one_line(item.title, 80))}:",
            pre(shown),
            "The document above has all of it." if item.document is not None else "",
            "" if is_plain else "Not all of its letters are plain ASCII.",
        ),
        escape(item.problem),
        ""
        if item.problem
        else "Trusted, exactly this runs with your rights in all sessions of the project. You are asked again if it changes.",
    )
    return MessageView(text, _buttons(ref, item))


def trust_file(ref: SessionRef, item: UntrustedView) -> MessageView | None:
    """The whole of it as a document; None if it is too long for that."""
    if item.document is None:
        return None
    label = f"📎 {headline(Icon.PERMISSION, ref)}: {escape(one_line(item.title, 80))}"
    data = item.document.text.encode("utf-8", "replace")
    return MessageView(label, attachment=Attachment(item.document.name, data))


def _buttons(ref: SessionRef, item: UntrustedView) -> Rows:
    if not item.sha256:
        return ()

    def button(label: str, kind: ActionKind) -> ActionButton:
        return ActionButton(label, Action(do=kind, session=ref.key, identity=item.sha256), once=True)

    return (
        (
            button("🔐 Trust exactly this", ActionKind.TRUST),
            button("⛔ Leave it out", ActionKind.LEAVE_OUT),
        ),
    )
