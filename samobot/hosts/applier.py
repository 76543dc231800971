"""Carries out decisions on their host, each once, and refuses what comes too late."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from samobot.errors import ConflictError, NotFoundError, SamobotError
from samobot.fleet.fleet import Fleet
from samobot.fleet.landing_models import LandingResult, LandingStep
from samobot.fleet.ledger import Ledger, LedgerEntry
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import AnsweredView, AnswerReceipt, ResumeKind, ResumeResult
from samobot.hosts.fleet_calls import DECISIONS, FleetCall, failure, named_call
from samobot.hosts.hub_messages import CallOutcome, DecisionReceipt, HostDecision
from samobot.hosts.link import FOLDER
from samobot.session.decisions import DecisionKind
from samobot.system.threads import Threads

log = logging.getLogger(__name__)

KEPT_DAYS = 90
"""Days for which a host knows what it has carried out; a hub may be away for long."""

_RECEIPT = TypeAdapter(DecisionReceipt)

_ABOUT_A_GATE = frozenset({"answer", "accept_suggestions", "approve", "reject", "action_done"})
_ABOUT_A_RUN = frozenset({"stop", "pause", "resume", "retry", "action_done"})
_RECORDED = {
    "approve": DecisionKind.APPROVAL,
    "reject": DecisionKind.REJECTION,
    "action_done": DecisionKind.ACTION_DONE,
    "retry": DecisionKind.RETRY,
}
_MADE_AGAIN = frozenset({"retry", "action_done"})
"""Calls that would do the same once more instead of refusing a repetition."""


class Applier:
    """Carries out decisions by the host's own fleet.

    What was carried out is in `hosts/ledger.jsonl`, with its receipt: a decision that comes again, after whatever
    crash, gets the same receipt. Decisions about one session are carried out in order, others side by side.

    Args:
        fleet: The host's fleet.
        state_dir: The state folder.
        threads: Where the ledger is written.
        now: The clock, aware.
    """

    def __init__(self, fleet: Fleet, state_dir: Path, threads: Threads, now: Callable[[], datetime]) -> None:
        self._fleet = fleet
        self._now = now
        self._ledger = Ledger(state_dir / FOLDER, threads, now, kept_days=KEPT_DAYS)
        self._order: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def apply(self, decision: HostDecision, arguments: str) -> DecisionReceipt:
        """Carry out a decision unless that has been done; return its receipt once both are on disk.

        Raises:
            StorageError: It could not be recorded that it begins; nothing was done.
        """
        async with self._order[decision.about or decision.id]:
            return await self._ledger.once(
                decision.id,
                decision.call,
                lambda entry: self._carry_out(decision, arguments, entry),
                _RECEIPT,
            )

    async def _carry_out(self, decision: HostDecision, arguments: str, entry: LedgerEntry) -> DecisionReceipt:
        try:
            outcome = CallOutcome(result=await self._call(decision, arguments, entry))
        except SamobotError as error:
            outcome = failure(error)
        except Exception:
            log.exception("decision %s (%s)", decision.id, decision.call)
            outcome = failure(SamobotError("Internal error on the host; details are in its log."))
        return DecisionReceipt(id=decision.id, at=self._now(), outcome=outcome)

    async def _call(self, decision: HostDecision, arguments: str, entry: LedgerEntry) -> str:
        if decision.call not in DECISIONS:
            raise SamobotError(f"“{decision.call}” is unknown on this host; update its samobot.")
        call = named_call(decision.call)
        values = call.decode(arguments)
        if call.is_named:
            values["request_id"] = decision.id
        ref = values.get("ref")
        if isinstance(ref, SessionRef) and not entry.repeated:
            await self._refuse_late(decision, ref, values)
        if entry.repeated and call.name in _MADE_AGAIN:
            done = await self._done_before(call, values, entry)
            if done is not None:
                return done
        try:
            return await call.succeed(self._fleet, values)
        except (ConflictError, NotFoundError):
            done = await self._done_before(call, values, entry) if entry.repeated else None
            if done is None:
                raise
            return done

    async def _refuse_late(self, decision: HostDecision, ref: SessionRef, values: dict[str, Any]) -> None:
        """Refuse a decision about something that is not there any longer: a later run, another question."""
        if decision.seen is None:
            return
        seen = decision.seen
        try:
            view = await self._fleet.view(ref)
        except NotFoundError:
            return  # the call itself fails, or finds it in the archive
        if decision.call in _ABOUT_A_RUN and seen.run != view.run and seen.run is not None:
            raise ConflictError(f"{ref.name} has been run again since; nothing was changed.")
        named = any(each.identity for each in values.get("answers", ()))
        other_gate = None not in (seen.gate, view.gate) and seen.gate != view.gate
        if decision.call in _ABOUT_A_GATE and other_gate and not named and not values.get("expected"):
            raise ConflictError(f"{ref.name} waits for something else by now; nothing was changed.")
        label = _answered_since(view, decision, values) if decision.call == "answer" else None
        if label is not None:
            raise ConflictError(
                f"{ref.name}'s {label} was answered on its machine since; nothing was changed."
            )

    async def _done_before(
        self, call: FleetCall[Any], values: dict[str, Any], entry: LedgerEntry
    ) -> str | None:
        """Return the result of an attempt that was cut off before it was recorded; None if it did not get far enough."""
        ref = values.get("ref")
        if not isinstance(ref, SessionRef):
            return None
        try:
            view: SessionView | None = await self._fleet.view(ref)
        except NotFoundError:
            view = None
        return _result_of_first(call.name, values, view, entry, await self._fleet.is_archived(ref))


def _answered_since(view: SessionView, decision: HostDecision, values: dict[str, Any]) -> str | None:
    """Return the label of a question that was answered elsewhere than in the chat after the user answered it there.

    In the chat a later answer replaces an earlier one. The times are of two clocks, the host's and the hub's.
    """
    for each in values["answers"]:
        meant = [
            question
            for question in view.questions
            if (question.label == each.label if each.index is None else question.index == each.index)
        ]
        for question in meant:
            is_later = question.at is not None and question.at > decision.at
            if is_later and question.via != values["by"].via and all(other.answer for other in meant):
                return question.label
    return None


def _result_of_first(
    name: str, values: dict[str, Any], view: SessionView | None, entry: LedgerEntry, archived: bool
) -> str | None:
    """Return the result of the first attempt as JSON, as far as the session shows that it was carried out."""
    if name == "archive":
        return "null" if view is None and archived else None
    if name == "clean":
        if not archived:
            return None
        return LandingResult(step=LandingStep.DISCARD, text="It was removed.", commit="").model_dump_json()
    if view is None:
        return None
    match name:
        case "restore":
            return "null"
        case "pause":
            return None if view.has_worker or view.wanted else "null"
        case "recreate_worktree":
            return "[]"
        case "resume" | "follow_up":
            return ResumeResult(kind=ResumeKind.RUNNING).model_dump_json() if view.wanted else None
        case "accept_suggestions":
            shown = set(values.get("expected") or [question.identity for question in view.questions])
            answered = tuple(
                AnsweredView(label=each.label, answer=each.answer, before=None)
                for each in view.questions
                if each.answer is not None and each.identity in shown
            )
            return (
                AnswerReceipt(answered=answered, open=0).model_dump_json()
                if not view.open_questions
                else None
            )
        case _:
            return "null" if _is_on_record(name, view, entry.at) else None


def _is_on_record(name: str, view: SessionView, began: datetime) -> bool:
    """Whether a decision was recorded since then, and the session continued after it."""
    decided, kind = view.decision, _RECORDED.get(name)
    if kind is None or decided is None or decided.kind is not kind or decided.at is None:
        return False
    if decided.at < began.replace(microsecond=began.microsecond // 1000 * 1000):  # records have milliseconds
        return False
    return view.wanted or view.has_worker or (view.end is not None and view.end.at > began)
