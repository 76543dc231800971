"""What can be done with a finished branch, in the chat."""

from __future__ import annotations

from samobot.fleet.landing_models import LandingOffer, LandingStep, LandingView
from samobot.fleet.models import SessionRef
from samobot.telegram.markup.html import code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, rows
from samobot.telegram.views.wording import (
    Icon,
    agent_plain,
    headline,
    lines,
    paragraphs,
    plural,
    quoted_lines,
)
from samobot.text import one_line

_LABELS = {
    LandingStep.MERGE: "🔀 Merge here",
    LandingStep.SQUASH: "Squash",
    LandingStep.PUSH: "⬆️ Push",
}
_SUBJECTS, _SUBJECT = 5, 80
_ID = 9


def land_button(ref: SessionRef) -> ActionButton:
    """A button that shows what can be done with a session's branch."""
    return ActionButton("🔀 Land", Action(do=ActionKind.LAND, session=ref.key))


def landing_message(ref: SessionRef, view: LandingView) -> MessageView:
    """Show a branch and its steps; each button carries the identity of exactly what is shown.

    Args:
        ref: The session.
        view: What was read.
    """
    into = f" → {view.base}" if view.base else ""
    head = headline(Icon.LANDING, ref, one_line(f"{view.branch}{into}", 100))
    facts = (
        f"{plural(view.ahead, 'commit')} · {plural(view.files, 'file')}, +{view.added:,} −{view.removed:,}"
    )
    subjects = [escape(agent_plain(each, _SUBJECT)) for each in view.subjects[: min(_SUBJECTS, view.ahead)]]
    if view.ahead > len(subjects):
        subjects.append(f"… and {view.ahead - len(subjects)} more")
    at = f"{code(view.head[:_ID])}" + (f" onto {code(view.base_head[:_ID])}" if view.base_head else "")
    behind = (
        f"{escape(view.base)} has {plural(view.behind, 'newer commit')}: joined by a merge commit"
        if view.behind and view.ahead
        else ""
    )
    remote = f"Push goes to {code(one_line(view.remote, 200))}" if _is_open(view, LandingStep.PUSH) else ""
    possible = [each for each in view.offers if not each.refusal]
    return MessageView(
        paragraphs(lines(head, facts, at), quoted_lines(*subjects), lines(behind, remote, *_refusals(view))),
        rows(*(_button(ref, each) for each in possible), width=2),
    )


def _is_open(view: LandingView, step: LandingStep) -> bool:
    offer = view.offer(step)
    return offer is not None and not offer.refusal


def _refusals(view: LandingView) -> list[str]:
    """Why steps are not possible, each reason once."""
    found: dict[str, list[str]] = {}
    for each in view.offers:
        if each.refusal:
            found.setdefault(each.refusal, []).append(_LABELS[each.step].split(" ", 1)[-1])
    return [
        f"{escape(', '.join(labels))}: {escape(one_line(reason, 300))}" for reason, labels in found.items()
    ]


def _button(ref: SessionRef, offer: LandingOffer) -> ActionButton:
    action = Action(do=ActionKind.LAND, session=ref.key, text=offer.step, identity=offer.identity)
    return ActionButton(_LABELS[offer.step], action, once=True)
