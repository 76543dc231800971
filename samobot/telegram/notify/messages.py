"""The messages that a chat should have about a session, from the current view and what was sent. Pure.

Each has a permanent key; the notifier posts the ones that are new, edits the ones that look different, and
closes the ones that speak of something that is over.
"""

from __future__ import annotations

from samobot.fleet.models import PlanView, SessionView
from samobot.phases import Phase
from samobot.session.decisions import DecisionKind
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.notify.ask_messages import ask_messages
from samobot.telegram.notify.notification import (
    Importance,
    Notification,
    NotificationInput,
    answers_key,
    budget_key,
    need_key,
    paused_key,
    picture_mark,
    plan_key,
)
from samobot.telegram.notify.state import ALIVE, LiveMessage, NotifiedState, fingerprint, new_remarks
from samobot.telegram.notify.trust_messages import trust_messages
from samobot.telegram.outbound.albums import albums
from samobot.telegram.views import events
from samobot.telegram.views.blocked import obstacle
from samobot.telegram.views.completion import (
    done,
    picture_message,
    review_file,
    stopped,
    summary_file,
    was_decided,
)
from samobot.telegram.views.lessons_message import lessons_message
from samobot.telegram.views.pending import NeedKind
from samobot.telegram.views.plain_lines import of_flattened
from samobot.telegram.views.plan_view import decided_plan, open_plan, past_plan, plan_file
from samobot.telegram.views.questions import answered_question, answers_receipt, open_question, question_key
from samobot.telegram.views.wording import Recipient, decided_by, time_of

_LIFTS = frozenset({DecisionKind.RETRY, DecisionKind.ACTION_DONE})
"""Decisions that resume a blocked session."""


_OF_THEIR_OWN = frozenset({NeedKind.QUESTIONS, NeedKind.PLAN, NeedKind.PERMISSION})
"""Needs whose messages are rendered again as they change."""


def messages(change: NotificationInput, recipient: Recipient) -> list[Notification]:
    """Build the messages of a session for a chat, in the order in which they should come."""
    return [
        *_questions(change, recipient),
        *_plans(change, recipient),
        *(ask_messages(change, recipient) if change.view.asks else ()),
        *_obstacles(change, recipient),
        *_end(change, recipient),
        *trust_messages(change),
        *_remarks(change),
    ]


def held(change: NotificationInput, key: str, posted: LiveMessage) -> bool:
    """Whether an earlier message that is not rendered again stays as it is.

    A need's message stands for as long as the need does. A worker that has just been started, and will find its
    gate as it is, has answered no question and decided no plan.
    """
    if posted.need:
        return posted.need == change.after.need
    if posted.kind == "question":
        waiting = {question_key(question) for question in change.view.open_questions}
        return key in waiting and change.view.state is SessionState.RUNNING
    if posted.kind == "paused":
        return key == paused_key(change.after)
    if posted.kind == "budget":
        return key == budget_key(change.after) and change.view.state in ALIVE
    return posted.kind == "plan" and change.after.plan_open and key == plan_key(change.after)


def closed(change: NotificationInput, posted: LiveMessage, recipient: Recipient, by: Person | None) -> str:
    """The text of a message whose need is over: its earlier text and the outcome."""
    decision = change.view.decision
    lifted = decision is not None and decision.kind in _LIFTS and decision.at and decision.at >= posted.at
    if decision is not None and lifted:
        when = decided_by(decision.who, decision.via, decision.at, recipient, posted.at)
    elif by is not None:
        when = decided_by(by.who, by.via, change.now, recipient, posted.at)
    else:
        when = time_of(change.now, recipient, posted.at)
    return f"{posted.texts.get(recipient.chat_id, '')}\n\n→ {_came_to(change.view)} · {escape(when)}"


def _came_to(view: SessionView) -> str:
    match view.state:
        case SessionState.DONE:
            return "Done"
        case SessionState.STOPPED:
            return "Paused" if view.paused else "Stopped"
        case SessionState.WAITING | SessionState.BLOCKED:
            return "Superseded: it is blocked on something else now"
        case SessionState.QUEUED | SessionState.PARKED:
            return "Continues when its turn comes"
        case SessionState.IDLE if not view.wanted:
            return "Settled"
        case SessionState.RUNNING | SessionState.IDLE:
            return "Continues"


def _questions(change: NotificationInput, recipient: Recipient) -> list[Notification]:
    view, after = change.view, change.after
    asking = change.need is not None and change.need.kind is NeedKind.QUESTIONS
    found: list[Notification] = []
    importance = Importance.ALERT
    for question in view.questions:
        key = question_key(question)
        posted = after.posted.get(key)
        detail = {"index": question.index, "identity": question.identity, "label": question.label}
        if question.answer is None or key in after.changing:
            if not asking or (posted is None and after.muted):
                continue
            shown = open_question(view, question, recipient, change.now, auto_at=after.auto_at)
            found.append(Notification(key, "question", shown, importance, detail))
            # One sound for all of them.
            importance = Importance.ALERT_PART
        elif posted is not None:
            shown = answered_question(view, question, recipient, posted.at, changeable=asking)
            found.append(
                Notification(
                    key,
                    "question",
                    shown,
                    Importance.ALERT_PART,
                    detail,
                    post=False,
                    live=asking,
                    decided=True,
                )
            )
    receipt = after.receipt
    if receipt is not None:
        questions = tuple(each for each in view.questions if question_key(each) in receipt.questions)
        over = receipt.picked_up is not None
        shown = answers_receipt(view, questions, receipt.picked_up, over=over)
        key = answers_key(receipt.name)
        found.append(Notification(key, "answers", shown, Importance.INFO, post=not over, live=not over))
    return found


def _plans(change: NotificationInput, recipient: Recipient) -> list[Notification]:
    view, after, before = change.view, change.after, change.before
    found: list[Notification] = []
    if change.new_plan and before.plans:
        found += _past(change, recipient, before, replaced=True)
    if not after.plans:
        return found
    plan, key = view.plan, plan_key(after)
    detail = {"sha256": after.plans[-1]}
    if change.need is not None and change.need.kind is NeedKind.PLAN and plan is not None:
        if after.muted:
            return found
        again = after.plans.count(plan.sha256) > 1
        if change.new_plan and change.extras.plan is not None and not again:
            file = plan_file(view, change.extras.plan, after.version)
            found.append(Notification(f"{key}:file", "plan", file, Importance.ALERT_PART, detail, live=False))
        shown = open_plan(
            view,
            plan,
            after.version,
            after.plan_changes,
            recipient,
            change.now,
            again=again,
            auto_at=after.auto_at,
        )
        found.append(Notification(key, "plan", shown, Importance.ALERT, detail))
    elif not after.plan_open:
        found += _past(change, recipient, after, replaced=False)
    return found


def _past(
    change: NotificationInput, recipient: Recipient, sent: NotifiedState, *, replaced: bool
) -> list[Notification]:
    """The message of the plan shown last, once it is decided."""
    key, plan = plan_key(sent), change.view.plan
    posted = sent.posted.get(key)
    if posted is None:
        return []
    shown = past_plan(change.view, sent.version, replaced=replaced)
    if plan is not None and plan.sha256 == sent.plans[-1] and _decision(plan) is not None:
        approved = plan.verdict == DecisionKind.APPROVAL
        shown = decided_plan(change.view, plan, sent.version, recipient, posted.at, approved=approved)
    detail = {"sha256": sent.plans[-1]}
    return [
        Notification(key, "plan", shown, Importance.ALERT_PART, detail, post=False, live=False, decided=True)
    ]


def _decision(plan: PlanView) -> str | None:
    return plan.verdict if plan.verdict in (DecisionKind.APPROVAL, DecisionKind.REJECTION) else None


def _obstacles(change: NotificationInput, recipient: Recipient) -> list[Notification]:
    need = change.need
    if need is None or need.kind in _OF_THEIR_OWN or change.after.muted:
        return []
    key = need_key(need.name)
    if key in change.after.posted:
        return []  # sent once, with what the agent wrote then; it stays open until the need is over
    shown = obstacle(change.view, need.kind, change.extras.said, recipient, change.now)
    return [Notification(key, need.kind.value, shown, Importance.ALERT, {"need": need.name}, need=need.name)]


def _end(change: NotificationInput, recipient: Recipient) -> list[Notification]:
    view, after = change.view, change.after
    if change.newly_done:
        key = f"done:{after.done}"
        summary = change.extras.summary
        shown = done(view, summary.text if summary else "", change.extras.diff)
        found = [Notification(key, "done", shown, Importance.ALERT, live=False)]
        if review := change.extras.review:  # it holds the whole summary
            page = review_file(view, review)
            found.insert(0, Notification(f"{key}:file", "done", page, Importance.ALERT_PART, live=False))
        elif (file := summary_file(view, summary) if summary else None) is not None:
            found.append(Notification(f"{key}:file", "done", file, Importance.INFO, live=False))
        found[:0] = _pictures(change, recipient)
        if (lessons := change.extras.lessons) is not None and lessons.new:
            offer = lessons_message(view.ref, lessons)
            found.append(Notification(f"lessons:{after.done}", "lessons", offer, Importance.INFO, live=False))
        return found
    if after.paused is not None and after.paused != change.before.paused:
        # Part of the decision that was just made: its user is notified that it does not resume the session.
        importance = Importance.ALERT_PART if was_decided(view) else Importance.INFO
        return [Notification(paused_key(after), "paused", stopped(view, ""), importance)]
    return []


def _pictures(change: NotificationInput, recipient: Recipient) -> list[Notification]:
    """The screenshots that this chat was not sent before, as albums: of a later round only what has changed."""
    seen = change.before.seen_pictures.get(recipient.place, ())
    new = [each for each in change.extras.pictures if picture_mark(each) not in seen]
    return [
        Notification(
            f"picture:{recipient.thread_id or ''}:{picture_mark(each)}",
            "picture",
            picture_message(change.view, each),
            Importance.ALERT_PART,
            live=False,
        )
        for each in albums(new)
    ]


def _remarks(change: NotificationInput) -> list[Notification]:
    view, before, after = change.view, change.before, change.after
    found: list[Notification] = []
    voids = new_remarks(view, before, "void")
    if voids:
        key = f"void:{voids[-1].at:%Y%m%dT%H%M%S.%f}"
        found.append(Notification(key, "void", events.revert(view, voids), Importance.ALERT, live=False))
    notices = new_remarks(view, before, "notice")
    if notices and view.state is SessionState.RUNNING:
        key = f"notice:{notices[-1].at:%Y%m%dT%H%M%S.%f}"
        found.append(Notification(key, "notice", events.noticed(view, notices), Importance.INFO, live=False))
    landings = new_remarks(view, before, "landing")
    if landings:
        key = f"landing:{landings[-1].at:%Y%m%dT%H%M%S.%f}"
        found.append(Notification(key, "landing", events.landed(view, landings), Importance.INFO, live=False))
    given = [item for item in view.guidance if item.reached and fingerprint(item) in before.pending]
    if view.ended <= 1:
        given = [item for item in given if item.steered or not item.files]  # those came with the task
    if given:
        key = f"given:{view.iteration}:{fingerprint(given[-1])}"
        shown = events.guidance_given(view, given)
        found.append(Notification(key, "guidance", shown, Importance.INFO, live=False))
    resting = change.need is not None or view.state is SessionState.DONE
    if before.budget_usd == after.budget_usd and after.warned > before.warned and not resting:
        importance = Importance.ALERT if after.warned >= 80 else Importance.INFO
        found.append(
            Notification(budget_key(after), "budget", events.money_spent(view, after.warned), importance)
        )
    return [*found, *(() if resting else _progress(change))]


def _progress(change: NotificationInput) -> list[Notification]:
    """A new phase or the end of an iteration, if nothing more important is sent."""
    before, after = change.before, change.after
    # The overview has the last action on one line.
    view = change.view.model_copy(update={"last_action": of_flattened(change.view.last_action or "")})
    if after.phase is not before.phase and view.phase not in (None, Phase.DONE):
        if view.state is SessionState.STOPPED:
            return []  # a plan approved meanwhile, perhaps; it does not continue, and its card shows its state
        key = f"phase:{after.ended}:{view.phase}:{before.phase}"
        shown = events.new_phase(view, before.phase)
        return [Notification(key, "phase", shown, Importance.PROGRESS, live=False)]
    if after.ended > before.ended:
        shown = events.iteration_over(view)
        return [Notification(f"iteration:{after.ended}", "iteration", shown, Importance.DETAIL, live=False)]
    return []
