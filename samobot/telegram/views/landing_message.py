"""What can be done with a finished branch, in the chat."""

from __future__ import annotations

from samobot.fleet.fix_task import fix_task
from samobot.fleet.forge import CheckState, PullRequestState, PullRequestView
from samobot.fleet.landing_models import LandingOffer, LandingStep, LandingView
from samobot.fleet.models import SessionRef
from samobot.fleet.pull_request_news import News, NewsKind
from samobot.telegram.markup.html import bold, code, link
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, rows
from samobot.telegram.views.wording import (
    Icon,
    agent_plain,
    headline,
    lines,
    paragraphs,
    quoted_lines,
)
from samobot.text import one_line, plural

_LABELS = {
    LandingStep.MERGE: "🔀 Merge here",
    LandingStep.SQUASH: "Squash",
    LandingStep.PUSH: "⬆️ Push",
    LandingStep.OPEN_PR: "🔀 Open PR…",
    LandingStep.OPEN_DRAFT: "As draft",
    LandingStep.READY_PR: "Ready for review",
    LandingStep.MERGE_PR: "✅ Merge PR",
    LandingStep.SQUASH_PR: "Squash PR",
    LandingStep.CLEAN_UP: "🧹 Clean up",
    LandingStep.DISCARD: "🗑 Discard…",
}
SHOWN_FIRST = frozenset({LandingStep.OPEN_PR, LandingStep.DISCARD})
"""Steps whose button shows first what they do: the text of a pull request, what is lost."""

_OPENS = (LandingStep.OPEN_PR, LandingStep.OPEN_DRAFT)
_CHECK_SIGNS = {CheckState.GREEN: "✓", CheckState.PENDING: "…", CheckState.RED: "✗"}
_CHECKS, _FIXED = 6, 20
_SUBJECTS, _SUBJECT = 5, 80
_REMARKS, _REMARK = 5, 160
_LEFT = 8
_ID = 9
_NOT_OPENED = (
    "🔒 It holds a secret, which everybody could read at the forge. "
    "Take it out of the session's files, then /land again."
)


def land_button(ref: SessionRef, label: str = "🔀 Land") -> ActionButton:
    """A button that shows what can be done with a session's branch."""
    return ActionButton(label, Action(do=ActionKind.LAND, session=ref.key))


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
    possible = [each for each in view.offers if not each.refusal and each.step not in _left_out(view)]
    return MessageView(
        paragraphs(
            lines(head, facts, at),
            quoted_lines(*subjects),
            _pull_request(view.pull_request),
            _readiness(view),
            lines(behind, remote, _submodules(view), *_refusals(view)),
        ),
        rows(
            *(landing_button(ref, each) for each in possible),
            *_update_button(ref, view),
            *_fix_button(ref, view.pull_request),
            width=2,
        ),
    )


def discard_message(ref: SessionRef, view: LandingView) -> MessageView:
    """Name everything that is lost by discarding a branch; the button does exactly that.

    Args:
        ref: The session.
        view: What was read.
    """
    head = headline(Icon.LANDING, ref, one_line(f"discard {view.branch}?", 100))
    left = view.left[:_LEFT]
    more = view.uncommitted - len(left)
    lost = (
        f"{plural(view.uncommitted, 'file')} with changes that no commit has are lost:"
        if view.uncommitted
        else ""
    )
    offer = view.offer(LandingStep.DISCARD)
    buttons = (
        [ActionButton("🗑 Discard", _action(ref, offer.step, offer.identity), once=True)]
        if offer is not None
        else []
    )
    return MessageView(
        lines(
            head,
            f"{plural(view.ahead, 'commit')} that {escape(view.base or 'no other branch')} does not have, "
            f"up to {code(view.head[:_ID])}. git keeps them until you delete {code('refs/samobot/discarded/…')}.",
            lost,
            *(code(one_line(each, _SUBJECT)) for each in left),
            f"… and {more} more" if more > 0 else "",
            _submodules(view),
            "Worktree and branch are removed here, and the session is archived.",
        ),
        rows(*buttons),
    )


def _submodules(view: LandingView) -> str:
    names = ", ".join(code(one_line(each, _SUBJECT)) for each in view.submodules[:_LEFT])
    return f"Not looked at, and removed with the worktree: changes inside {names}." if names else ""


def _left_out(view: LandingView) -> frozenset[LandingStep]:
    """Steps without a button: drafts are offered with the text, and merged work is cleaned up, not discarded."""
    clean_up = view.offer(LandingStep.CLEAN_UP)
    merged = clean_up is not None and not clean_up.refusal
    return frozenset({LandingStep.OPEN_DRAFT, *((LandingStep.DISCARD,) if merged else ())})


def _update_button(ref: SessionRef, view: LandingView) -> list[ActionButton]:
    """A button that lets the agent merge the base into the branch, if that has moved on."""
    if not view.behind or not view.ahead:
        return []
    task = (
        f"Bring the branch up to date: merge the local branch {view.base} ({view.base_head[:_ID]}) into {view.branch}, "
        "resolve conflicts so that both sides keep what they do, and run the tests. Change nothing else."
    )
    action = Action(do=ActionKind.FOLLOW_UP, session=ref.key, text=task)
    return [ActionButton("🔁 Bring up to date", action, once=True)]


def new_pull_request(ref: SessionRef, view: LandingView, *, has_secret: bool = False) -> MessageView:
    """Show the title and the whole text that a pull request would have; its buttons open exactly that.

    Args:
        ref: The session.
        view: What was read.
        has_secret: Whether title or text holds a secret, which the chat masks and the forge would not: nothing is offered.
    """
    head = headline(Icon.LANDING, ref, one_line(f"{view.branch} → {view.base} at {view.forge}", 200))
    offers = [each for each in view.offers if each.step in _OPENS and not (each.refusal or has_secret)]
    reasons = dict.fromkeys(each.refusal for each in view.offers if each.step in _OPENS and each.refusal)
    buttons = (
        ActionButton(_LABELS[each.step].rstrip("…"), _action(ref, each.step, each.identity), once=True)
        for each in offers
    )
    text = paragraphs(
        lines(head, bold(view.title), code(view.head[:_ID])),
        escape(view.body) or "Without a text.",
        lines(*map(escape, reasons), _NOT_OPENED if has_secret else ""),
    )
    return MessageView(text, rows(*buttons))


def _readiness(view: LandingView) -> str:
    """What a reader would send back; the rest is in the review guide."""
    if not view.ahead:
        return ""
    items = [f"open: {each}" for each in view.debt] + list(view.objections)
    shown = [f"• {escape(agent_plain(each, _REMARK))}" for each in items[:_REMARKS]]
    if len(items) > _REMARKS:
        shown.append(f"… and {len(items) - _REMARKS} more: {code('/review')}")
    return lines("Before you land it:", quoted_lines(*shown)) if items else ""


def _pull_request(request: PullRequestView | None) -> str:
    if request is None:
        return ""
    kind = "draft" if request.draft and request.state is PullRequestState.OPEN else request.state.value
    checks = [
        f"{_CHECK_SIGNS[each.state]} {escape(one_line(each.name, 40))}"
        for each in sorted(request.checks, key=lambda each: each.state is CheckState.GREEN)[:_CHECKS]
    ]
    if len(request.checks) > len(checks):
        checks.append(f"… and {len(request.checks) - len(checks)} more")
    return lines(
        f"{link(f'#{request.number}', request.url)} is {kind}, at {code(request.head[:_ID])}", *checks
    )


def _fix_button(ref: SessionRef, request: PullRequestView | None) -> list[ActionButton]:
    """A button that lets the agent fix red checks; their names are given as material, not as orders."""
    red = [each for each in request.checks if each.state is CheckState.RED] if request is not None else []
    if request is None or not red or request.state is not PullRequestState.OPEN:
        return []
    news = News(kind=NewsKind.ATTENTION, number=request.number, head=request.head, checks=tuple(red[:_FIXED]))
    action = Action(do=ActionKind.FIX, session=ref.key, text=fix_task(news, {}))
    return [ActionButton("🔁 Let it fix", action, once=True)]


def _is_open(view: LandingView, step: LandingStep) -> bool:
    offer = view.offer(step)
    return offer is not None and not offer.refusal


def _refusals(view: LandingView) -> list[str]:
    """Why steps are not possible, each reason once."""
    found: dict[str, list[str]] = {}
    for each in view.offers:
        if each.refusal and each.step not in (LandingStep.CLEAN_UP, LandingStep.DISCARD):
            label = _LABELS[each.step].rstrip("…")
            found.setdefault(each.refusal, []).append(label.lstrip("🔀⬆️✅ "))
    return [
        f"{escape(', '.join(labels))}: {escape(one_line(reason, 300))}" for reason, labels in found.items()
    ]


def landing_button(ref: SessionRef, offer: LandingOffer) -> ActionButton:
    """A button that carries out exactly what an offer names, or first shows what that is."""
    if offer.step in SHOWN_FIRST:
        return ActionButton(_LABELS[offer.step], _action(ref, offer.step, None))
    return ActionButton(_LABELS[offer.step], _action(ref, offer.step, offer.identity), once=True)


def _action(ref: SessionRef, step: LandingStep, identity: str | None) -> Action:
    return Action(do=ActionKind.LAND, session=ref.key, text=step, identity=identity)
