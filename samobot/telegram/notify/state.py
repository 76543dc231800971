"""What was sent to a chat about a session, and how that changes with the session. Pure.

`advance` takes what was sent and the current view and returns what is to be sent from now on; it is stored in
the same transaction as the messages themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from samobot.fleet.models import GuidanceView, RemarkView, SessionView
from samobot.phases import Phase
from samobot.session.status import SessionState
from samobot.telegram.views.pending import Need, NeedKind, need_of, occurrence
from samobot.telegram.views.questions import can_be_suggested, question_key

STALE = timedelta(days=3)
"""A need older than this when the bot first sees it is only named in a summary."""

AUTO_AFTER = timedelta(minutes=10)
"""How long the user can object before the bot decides for a session started with `--auto`."""

ALIVE = frozenset({SessionState.RUNNING, SessionState.QUEUED, SessionState.PARKED})
"""States in which a session works, or will do so automatically."""

_WARNINGS = (80, 50)


class LiveMessage(BaseModel):
    """A message that may still change.

    Attributes:
        key: Its key in the outbox.
        kind: What sort of message.
        at: When it was posted.
        need: The need that it stands for; empty for other messages.
        digests: Digest of its content, by chat.
        texts: Its text by chat, for one that is only closed and never rendered again.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    key: str
    kind: str
    at: datetime
    need: str = ""
    digests: dict[int, str] = {}
    texts: dict[int, str] = {}


class AnsweredRound(BaseModel):
    """A round of questions that has been answered.

    Attributes:
        name: The name of the round.
        questions: Keys of its questions.
        phase: The phase at that time.
        ended: Number of iterations that had ended.
        last_action: The agent's last action before.
        picked_up: Number of the iteration that ended well with the answers.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    name: str
    questions: tuple[str, ...]
    phase: Phase | None
    ended: int
    last_action: str | None
    picked_up: int | None = None


class NotifiedState(BaseModel):
    """What was sent about one session.

    Attributes:
        since: When the session had last changed when it was first seen.
        card: Whether it has a card.
        phase: The phase that was shown.
        ended: How many iterations had ended.
        need: Name of the need that was sent; None if there is none.
        need_kind: Its kind.
        need_at: When it was sent.
        muted: Whether it was so old when it was first seen that it had no notification of its own.
        summarized: Name of the need that a summary has named, see `muted`.
        reminded: Number of reminders that were due.
        asked: Keys of the questions that were asked in the round that is open.
        receipt: The round that was answered last, until the agent has it.
        changing: Questions whose answer is being changed.
        plans: Digests of the plans that were shown, in order.
        plan_open: Whether the last of them waits for a decision.
        plan_changes: What it changes, as HTML.
        auto_at: When the bot decides the need automatically.
        auto_off: Name of the need for which the user has turned that off.
        remarks_at: Time of the newest remark that was sent.
        budget_usd: The budget that the warnings are about.
        warned: Percentage of it that the last warning was about.
        pending: Fingerprints of guidance that the agent had not received.
        done: The name of the end that was sent.
        paused: The name of the pause that was sent.
        seen_pictures: The screenshots that each chat or topic was sent, by its key; see `picture_mark`.
        posted: Messages that may still change, by key.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

    since: datetime | None = None
    card: bool = False
    phase: Phase | None = None
    ended: int = 0
    need: str | None = None
    need_kind: NeedKind | None = None
    need_at: datetime | None = None
    muted: bool = False
    summarized: str | None = None
    reminded: int = 0
    asked: tuple[str, ...] = ()
    receipt: AnsweredRound | None = None
    changing: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    plan_open: bool = False
    plan_changes: str = ""
    auto_at: datetime | None = None
    auto_off: str | None = None
    remarks_at: datetime | None = None
    budget_usd: float | None = None
    warned: int = 0
    pending: tuple[str, ...] = ()
    done: str | None = None
    paused: str | None = None
    seen_pictures: dict[str, tuple[str, ...]] = {}
    posted: dict[str, LiveMessage] = {}

    def updated(self, **values: Any) -> NotifiedState:
        """The same with other values."""
        return self.model_copy(update=values)

    def migrated(self, chats: Mapping[int, int]) -> NotifiedState:
        """Return the state with the new ids of migrated chats; the same object if none is concerned."""
        seen = {_migrated_place(place, chats): marks for place, marks in self.seen_pictures.items()}
        if seen.keys() == self.seen_pictures.keys() and not any(
            old in each.digests or old in each.texts for each in self.posted.values() for old in chats
        ):
            return self
        posted = {
            key: each.model_copy(
                update={
                    "digests": {chats.get(chat, chat): digest for chat, digest in each.digests.items()},
                    "texts": {chats.get(chat, chat): text for chat, text in each.texts.items()},
                }
            )
            for key, each in self.posted.items()
        }
        return self.updated(posted=posted, seen_pictures=seen)

    @property
    def version(self) -> int:
        """Number of plan versions that were shown."""
        return list(dict.fromkeys(self.plans)).index(self.plans[-1]) + 1 if self.plans else 0


def _migrated_place(place: str, chats: Mapping[int, int]) -> str:
    chat, _, topic = place.partition(":")
    return f"{chats.get(int(chat), chat)}:{topic}"


def first_sight(view: SessionView, now: datetime, known_since: datetime | None) -> NotifiedState:
    """Return the initial state of a session that is seen for the first time.

    Args:
        view: The session.
        now: The time.
        known_since: The time of the last full poll; what happened before and was not sent then is old. None if
            there was none.
    """
    old = _is_old(view, need_of(view), now, known_since)
    return NotifiedState(
        since=view.updated if old else None,
        phase=view.phase,
        ended=_ended(view),
        muted=old,
        remarks_at=known_since or now,
        budget_usd=view.budget_usd,
        warned=_warned(view),
        done=done_name(view) if old and view.state is SessionState.DONE else None,
        paused=paused_name(view),
    )


def advance(view: SessionView, state: NotifiedState, now: datetime) -> NotifiedState:
    """Return the state after the current view has been sent."""
    need = need_of(view)
    changed = view.updated is not None and (state.since is None or view.updated > state.since)
    remarked_at = [state.remarks_at, *(remark.at for remark in view.remarks)]
    warned = _warned(view)
    return state.model_copy(
        update={
            "card": state.card or view.state in ALIVE or changed,
            "phase": view.phase or state.phase,
            "ended": _ended(view),
            **_need(view, need, state, now),
            "receipt": _receipt(view, need, state),
            "changing": tuple(key for key in state.changing if _can_change(view, need, key)),
            **_plans(view, need, state),
            "remarks_at": max((at for at in remarked_at if at is not None), default=None),
            "budget_usd": view.budget_usd,
            "warned": warned if state.budget_usd != view.budget_usd else max(state.warned, warned),
            "pending": tuple(fingerprint(item) for item in view.guidance if not item.reached),
            "done": done_name(view) if view.state is SessionState.DONE else None,
            "paused": paused_name(view),
        }
    )


def done_name(view: SessionView) -> str:
    """Name the end of a session; another run's end has another name."""
    return f"{view.run or 'hand'}:{view.iteration}"


def paused_name(view: SessionView) -> str | None:
    """Name the pause that a session is in; None if it is not paused."""
    return occurrence(view) if view.paused else None


def fingerprint(item: GuidanceView) -> str:
    """Return the identity of a piece of guidance."""
    return hashlib.sha256(f"{item.who}\n{item.text}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


def new_remarks(view: SessionView, before: NotifiedState, kind: str) -> list[RemarkView]:
    """The remarks of a kind that have not been sent."""
    since = before.remarks_at
    return [remark for remark in view.remarks if remark.kind == kind and (since is None or remark.at > since)]


def _is_old(view: SessionView, need: Need | None, now: datetime, known_since: datetime | None) -> bool:
    if view.state in ALIVE:
        return False
    if need is None or need.kind is NeedKind.LOST:
        return known_since is None or view.updated is None or view.updated <= known_since
    return view.updated is not None and now - view.updated > STALE


def _need(view: SessionView, need: Need | None, state: NotifiedState, now: datetime) -> dict[str, object]:
    if need is None:
        return {
            "need": None,
            "need_kind": None,
            "need_at": None,
            "auto_at": None,
            "muted": False,
            "asked": (),
        }
    same = state.need == need.name
    asked = state.asked if same else ()
    if need.kind is NeedKind.QUESTIONS:
        asked = tuple(dict.fromkeys([*asked, *map(question_key, view.open_questions)]))
    at = state.need_at if same and state.need_at is not None else now
    may = view.auto and state.auto_off != need.name
    decidable = need.kind is NeedKind.PLAN or (need.kind is NeedKind.QUESTIONS and can_be_suggested(view))
    auto_at = (state.auto_at if same and state.auto_at else at + AUTO_AFTER) if may and decidable else None
    return {
        "need": need.name,
        "need_kind": need.kind,
        "need_at": at,
        "muted": state.muted and (same or state.need is None),
        "reminded": state.reminded if same else 0,
        "asked": asked,
        "auto_at": auto_at,
    }


def _receipt(view: SessionView, need: Need | None, state: NotifiedState) -> AnsweredRound | None:
    held = state.receipt
    answered = {question_key(question) for question in view.questions if question.answer is not None}
    over = state.need_kind is NeedKind.QUESTIONS and (need is None or need.name != state.need)
    if over and not state.muted and state.need and state.asked and answered.issuperset(state.asked):
        return AnsweredRound(
            name=state.need,
            questions=state.asked,
            phase=view.phase,
            ended=state.ended,
            last_action=view.last_action,
        )
    if held is None or held.picked_up is not None:
        return None
    moved = view.phase is not held.phase or view.last_action != held.last_action or need is not None
    if _ended(view) > held.ended and moved:
        return held.model_copy(update={"picked_up": view.ended or view.iteration})
    # Somebody works on it by hand, or it was stopped: no event will follow.
    return None if moved and view.state is not SessionState.RUNNING else held


def _can_change(view: SessionView, need: Need | None, key: str) -> bool:
    if need is None or need.kind is not NeedKind.QUESTIONS:
        return False
    return any(question_key(question) == key and question.answer is not None for question in view.questions)


def _plans(view: SessionView, need: Need | None, state: NotifiedState) -> dict[str, object]:
    plan = view.plan
    if plan is None:
        return {"plan_open": False}
    last = state.plans[-1] if state.plans else None
    if need is not None and need.kind is NeedKind.PLAN:
        if state.plan_open and last == plan.sha256:
            return {}
        return {"plans": (*state.plans, plan.sha256), "plan_open": True}
    # A worker that has just started, and will find the gate as it is, decides nothing.
    undecided = last == plan.sha256 and plan.verdict is None and view.state is not SessionState.STOPPED
    return {"plan_open": state.plan_open and undecided}


def _ended(view: SessionView) -> int:
    return sum(view.iterations_by_phase.values())


def _warned(view: SessionView) -> int:
    if not view.budget_usd:
        return 0
    percent = 100 * view.cost_usd / view.budget_usd
    return next((level for level in _WARNINGS if percent >= level), 0)
