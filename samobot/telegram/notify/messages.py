"""Which messages a chat should hold about a session, made from what is true and what was told. Pure.

Each has a key for good; the notifier posts the ones that are new, edits the ones that look different, and
closes the ones that speak of something that is over.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from samobot.fleet.models import PlanView, SessionView
from samobot.fleet.results import DiffView, Document
from samobot.phases import Phase
from samobot.session.decisions import DecisionKind
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.notify.importance import Volume
from samobot.telegram.notify.state import ALIVE, Memory, Posted, fingerprint, new_remarks
from samobot.telegram.views import events
from samobot.telegram.views.blocked import obstacle
from samobot.telegram.views.buttons import Shown
from samobot.telegram.views.completion import done, stopped, summary_file, was_decided
from samobot.telegram.views.pending import Need, NeedKind, need_of
from samobot.telegram.views.plain_lines import of_flattened
from samobot.telegram.views.plan_view import decided_plan, open_plan, past_plan, plan_file
from samobot.telegram.views.questions import answered_question, answers_receipt, open_question, question_key
from samobot.telegram.views.wording import Place, decided_by, time_of

_LIFTS = frozenset({DecisionKind.RETRY, DecisionKind.ACTION_DONE})
"""Decisions that let go on what an obstacle held up."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a new message needs besides the view; read only when it is needed.

    Attributes:
        plan: The plan's text.
        said: The last thing that the agent said.
        summary: The agent's summary.
        diff: What the branch holds.
    """

    plan: Document | None = None
    said: str = ""
    summary: Document | None = None
    diff: DiffView | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a chat should hold.

    Attributes:
        key: Names it within the session, for good.
        kind: What sort of message; for replies to it.
        shown: What it shows.
        volume: How much it matters.
        detail: What a reply to it is about.
        post: Whether it is posted where it is not there; else it is only kept up to date.
        live: Whether it may still change.
        need: The need that it stands for.
        decided: Whether buttons that it had are of no use any more.
    """

    key: str
    kind: str
    shown: Shown
    volume: Volume
    detail: dict[str, Any] = field(default_factory=dict)
    post: bool = True
    live: bool = True
    need: str = ""
    decided: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """All that messages are made from.

    Attributes:
        view: The session.
        before: What was told.
        after: What is told from now on.
        extras: What new messages need.
        now: The time.
    """

    view: SessionView
    before: Memory
    after: Memory
    extras: Extras
    now: datetime

    @property
    def need(self) -> Need | None:
        """What holds the session up."""
        return need_of(self.view)

    @property
    def new_plan(self) -> bool:
        """Whether a plan is to be shown that was not."""
        return len(self.after.plans) > len(self.before.plans) and not self.after.muted

    @property
    def newly_done(self) -> bool:
        """Whether it is done and that was not told."""
        return self.after.done is not None and self.after.done != self.before.done


def messages(scene: Scene, place: Place) -> list[Message]:
    """Make the messages of a session for a chat, in the order in which they should come."""
    return [
        *_questions(scene, place),
        *_plans(scene, place),
        *_obstacles(scene, place),
        *_end(scene),
        *_remarks(scene),
    ]


def held(scene: Scene, key: str, posted: Posted) -> bool:
    """Whether a message of before that is not made anew stays as it is.

    A need's message stands for as long as the need does. A worker that has just been started, and will find its
    gate as it is, has answered no question and decided no plan.
    """
    if posted.need:
        return posted.need == scene.after.need
    if posted.kind == "question":
        waiting = {question_key(question) for question in scene.view.open_questions}
        return key in waiting and scene.view.state is SessionState.RUNNING
    if posted.kind == "paused":
        return key == paused_key(scene.after)
    if posted.kind == "budget":
        return key == budget_key(scene.after) and scene.view.state in ALIVE
    return posted.kind == "plan" and scene.after.plan_open and key == plan_key(scene.after)


def closed(scene: Scene, posted: Posted, place: Place, by: Person | None) -> str:
    """The text of a message whose need is over: what it said, and what came of it."""
    decision = scene.view.decision
    lifted = decision is not None and decision.kind in _LIFTS and decision.at and decision.at >= posted.at
    if decision is not None and lifted:
        when = decided_by(decision.who, decision.via, decision.at, place, posted.at)
    elif by is not None:
        when = decided_by(by.who, by.via, scene.now, place, posted.at)
    else:
        when = time_of(scene.now, place, posted.at)
    return f"{posted.texts.get(place.chat_id, '')}\n\n→ {_came_to(scene.view)} · {escape(when)}"


def _came_to(view: SessionView) -> str:
    match view.state:
        case SessionState.DONE:
            return "Done"
        case SessionState.STOPPED:
            return "Paused" if view.paused else "Stopped"
        case SessionState.WAITING | SessionState.BLOCKED:
            return "Over; something else holds it up now"
        case SessionState.QUEUED | SessionState.PARKED:
            return "Goes on when its turn comes"
        case SessionState.IDLE if not view.wanted:
            return "Settled"
        case SessionState.RUNNING | SessionState.IDLE:
            return "Goes on"


def plan_key(memory: Memory) -> str:
    """Names the message of the plan that was shown last; each showing has its own."""
    return f"plan:{len(memory.plans)}"


def paused_key(told: Memory) -> str:
    """Names the message of a pause; it stands until the session goes on."""
    return f"paused:{told.paused}"


def budget_key(told: Memory) -> str:
    """Names the message of a good part of the budget being spent; it stands until more is, or the session rests."""
    return f"budget:{told.budget_usd}:{told.warned}"


def need_key(name: str) -> str:
    """Names the message of an obstacle."""
    return f"need:{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _questions(scene: Scene, place: Place) -> list[Message]:
    view, after = scene.view, scene.after
    asking = scene.need is not None and scene.need.kind is NeedKind.QUESTIONS
    found: list[Message] = []
    volume = Volume.NEEDED
    for question in view.questions:
        key = question_key(question)
        posted = after.posted.get(key)
        detail = {"index": question.index, "identity": question.identity, "label": question.label}
        if question.answer is None or key in after.changing:
            if not asking or (posted is None and after.muted):
                continue
            shown = open_question(view, question, place, scene.now, auto_at=after.auto_at)
            found.append(Message(key, "question", shown, volume, detail))
            # One sound for all of them.
            volume = Volume.PART
        elif posted is not None:
            shown = answered_question(view, question, place, posted.at, changeable=asking)
            found.append(
                Message(key, "question", shown, Volume.PART, detail, post=False, live=asking, decided=True)
            )
    receipt = after.receipt
    if receipt is not None:
        questions = tuple(each for each in view.questions if question_key(each) in receipt.questions)
        over = receipt.picked_up is not None
        shown = answers_receipt(view, questions, receipt.picked_up, over=over)
        key = f"answers:{hashlib.sha256(receipt.name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
        found.append(Message(key, "answers", shown, Volume.NEWS, post=not over, live=not over))
    return found


def _plans(scene: Scene, place: Place) -> list[Message]:
    view, after, before = scene.view, scene.after, scene.before
    found: list[Message] = []
    if scene.new_plan and before.plans:
        found += _past(scene, place, before, replaced=True)
    if not after.plans:
        return found
    plan, key = view.plan, plan_key(after)
    detail = {"sha256": after.plans[-1]}
    if scene.need is not None and scene.need.kind is NeedKind.PLAN and plan is not None:
        if after.muted:
            return found
        again = after.plans.count(plan.sha256) > 1
        if scene.new_plan and scene.extras.plan is not None and not again:
            file = plan_file(view, scene.extras.plan, after.version)
            found.append(Message(f"{key}:file", "plan", file, Volume.PART, detail, live=False))
        shown = open_plan(
            view,
            plan,
            after.version,
            after.plan_changes,
            place,
            scene.now,
            again=again,
            auto_at=after.auto_at,
        )
        found.append(Message(key, "plan", shown, Volume.NEEDED, detail))
    elif not after.plan_open:
        found += _past(scene, place, after, replaced=False)
    return found


def _past(scene: Scene, place: Place, told: Memory, *, replaced: bool) -> list[Message]:
    """The message of the plan shown last, once it waits for nothing any more."""
    key, plan = plan_key(told), scene.view.plan
    posted = told.posted.get(key)
    if posted is None:
        return []
    shown = past_plan(scene.view, told.version, replaced=replaced)
    if plan is not None and plan.sha256 == told.plans[-1] and _decision(plan) is not None:
        approved = plan.verdict == DecisionKind.APPROVAL
        shown = decided_plan(scene.view, plan, told.version, place, posted.at, approved=approved)
    detail = {"sha256": told.plans[-1]}
    return [Message(key, "plan", shown, Volume.PART, detail, post=False, live=False, decided=True)]


def _decision(plan: PlanView) -> str | None:
    return plan.verdict if plan.verdict in (DecisionKind.APPROVAL, DecisionKind.REJECTION) else None


def _obstacles(scene: Scene, place: Place) -> list[Message]:
    need = scene.need
    if need is None or need.kind in (NeedKind.QUESTIONS, NeedKind.PLAN) or scene.after.muted:
        return []
    key = need_key(need.name)
    if key in scene.after.posted:
        return []  # said once, with what the agent said then; it stands until the need is over
    shown = obstacle(scene.view, need.kind, scene.extras.said, place, scene.now)
    return [Message(key, need.kind.value, shown, Volume.NEEDED, {"need": need.name}, need=need.name)]


def _end(scene: Scene) -> list[Message]:
    view, after = scene.view, scene.after
    if scene.newly_done:
        key = f"done:{after.done}"
        summary = scene.extras.summary
        shown = done(view, summary.text if summary else "", scene.extras.diff)
        found = [Message(key, "done", shown, Volume.NEEDED, live=False)]
        file = summary_file(view, summary) if summary else None
        if file is not None:
            found.append(Message(f"{key}:file", "done", file, Volume.NEWS, live=False))
        return found
    if after.paused is not None and after.paused != scene.before.paused:
        # Part of what was decided just now: whoever did that is told that it does not go on by it.
        volume = Volume.PART if was_decided(view) else Volume.NEWS
        return [Message(paused_key(after), "paused", stopped(view, ""), volume)]
    return []


def _remarks(scene: Scene) -> list[Message]:
    view, before, after = scene.view, scene.before, scene.after
    found: list[Message] = []
    voids = new_remarks(view, before, "void")
    if voids:
        key = f"void:{voids[-1].at:%Y%m%dT%H%M%S.%f}"
        found.append(Message(key, "void", events.put_back(view, voids), Volume.NEEDED, live=False))
    notices = new_remarks(view, before, "notice")
    if notices and view.state is SessionState.RUNNING:
        key = f"notice:{notices[-1].at:%Y%m%dT%H%M%S.%f}"
        found.append(Message(key, "notice", events.noticed(view, notices[-1]), Volume.NEWS, live=False))
    given = [item for item in view.guidance if item.given and fingerprint(item) in before.pending]
    if given:
        key = f"given:{view.iteration}:{fingerprint(given[-1])}"
        shown = events.guidance_given(view, given)
        found.append(Message(key, "guidance", shown, Volume.NEWS, live=False))
    resting = scene.need is not None or view.state is SessionState.DONE
    if before.budget_usd == after.budget_usd and after.warned > before.warned and not resting:
        volume = Volume.NEEDED if after.warned >= 80 else Volume.NEWS
        found.append(Message(budget_key(after), "budget", events.money_spent(view, after.warned), volume))
    return [*found, *(() if resting else _progress(scene))]


def _progress(scene: Scene) -> list[Message]:
    """A new phase or the end of an iteration, where nothing bigger is said."""
    before, after = scene.before, scene.after
    # The overview holds what was done last on one line.
    view = scene.view.model_copy(update={"last_action": of_flattened(scene.view.last_action or "")})
    if after.phase is not before.phase and view.phase not in (None, Phase.DONE):
        if view.state is SessionState.STOPPED:
            return []  # a plan approved meanwhile, perhaps; it does not go on, and its card says where it is
        key = f"phase:{after.ended}:{view.phase}:{before.phase}"
        shown = events.new_phase(view, before.phase)
        return [Message(key, "phase", shown, Volume.CHANGE, live=False)]
    if after.ended > before.ended:
        shown = events.iteration_over(view)
        return [Message(f"iteration:{after.ended}", "iteration", shown, Volume.DETAIL, live=False)]
    return []


def _digest(name: str) -> str:
    # A folder's name may be no text at all.
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
