"""Rules by which issues and assigned reviews at a forge become offers, kept in one file of the state folder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from samobot.errors import UsageError
from samobot.fleet.forge import ForgeProblem, WorkItem, WorkSource
from samobot.fleet.landing_models import WorkReport
from samobot.fleet.numbered_list import NumberedEntry, NumberedList

MOST_TRIGGERS = 20
FIRST_DELAY_S, LONGEST_DELAY_S = 60.0, 900.0
"""Seconds between two looks: after something new, and after nothing new for long."""

_RATE_LIMIT_DELAY_S = 1800.0
_SLOWER = 1.5
_QUIET_FAILURES = 5
_AT_FIRST, _AT_ONCE = 3, 5
_SEEN, _OFFERS = 2000, 100


class OfferState(StrEnum):
    """How far an offer is."""

    NEW = "new"
    """It is not in the chat yet, or is to be started without asking."""
    SHOWN = "shown"
    """The user decides."""


class TriggerOffer(BaseModel):
    """An issue or a review that was found.

    Attributes:
        item: What was found, as it was then.
        state: How far it is.
        session: Name of the session that is being started for it; empty before.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    item: WorkItem
    state: OfferState = OfferState.NEW
    session: str = ""


class Trigger(NumberedEntry):
    """One rule, and what was found by it.

    Attributes:
        source: Where its work comes from.
        label: The label of the issues.
        starts: Whether a session starts without asking.
        looked: Whether the forge has answered once.
        seen: Ids of the items that were found, the newest last; none is offered again.
        offers: What was found and is not decided.
        skipped: How many were there already at the first look and are not offered.
        problem: The problem that was reported.
        failures: Looks in a row that failed.
        delay_s: Seconds until the next look.
        next_at: When that is due, epoch seconds.
    """

    source: WorkSource
    label: str = ""
    starts: bool = False
    looked: bool = False
    seen: tuple[str, ...] = ()
    offers: tuple[TriggerOffer, ...] = ()
    skipped: int = 0
    problem: ForgeProblem | None = None
    failures: int = 0
    delay_s: float = FIRST_DELAY_S
    next_at: float = 0.0

    @property
    def words(self) -> str:
        """What it watches, for display."""
        return (
            f"issues labeled “{self.label}”"
            if self.source is WorkSource.ISSUE
            else "reviews that you are asked for"
        )

    def offer(self, item: str) -> TriggerOffer | None:
        """Return what was found and is not decided, by the item's id."""
        return next((each for each in self.offers if each.item.id == item), None)


def advance(trigger: Trigger, report: WorkReport, now: float) -> tuple[Trigger, str]:
    """Take in what the forge answered: new items become offers. Pure.

    Of what is there at the first look only the newest are offered: a rule should not begin with a flood.

    Args:
        trigger: The rule as it was.
        report: The answer, the newest item first.
        now: Epoch seconds.

    Returns:
        The rule as it is now, and a problem to report; empty if there is none that was not reported.
    """
    if report.problem is not None:
        failures = trigger.failures + 1
        limited = report.problem is ForgeProblem.RATE_LIMIT
        delay = _RATE_LIMIT_DELAY_S if limited else min(LONGEST_DELAY_S, trigger.delay_s * 2)
        # One look without a network is no news; a lost login is, and whatever keeps the first look from working.
        reportable = (
            report.problem is not ForgeProblem.OTHER or failures >= _QUIET_FAILURES or not trigger.looked
        )
        fresh = reportable and trigger.problem is not report.problem
        changes: dict[str, object] = {"failures": failures, "delay_s": delay, "next_at": now + delay}
        changes |= {"problem": report.problem} if reportable else {}
        return trigger.model_copy(update=changes), report.problem_text if fresh else ""
    known = set(trigger.seen)
    found = [each for each in report.items if each.id not in known]
    room = max(0, _OFFERS - len(trigger.offers))
    most = min(room, _AT_ONCE if trigger.looked else _AT_FIRST)
    if trigger.looked:
        taken = found[-most:] if most else []  # the oldest first; others follow at the next look
        noted = taken
    else:
        taken, noted = found[:most], found
    delay = FIRST_DELAY_S if found else min(LONGEST_DELAY_S, trigger.delay_s * _SLOWER)
    changes = {
        "looked": True,
        "seen": (*trigger.seen, *(each.id for each in reversed(noted)))[-_SEEN:],
        "offers": (*trigger.offers, *(TriggerOffer(item=each) for each in reversed(taken))),
        "skipped": trigger.skipped + len(noted) - len(taken),
        "problem": None,
        "failures": 0,
        "delay_s": delay,
        "next_at": now + delay,
    }
    return trigger.model_copy(update=changes), ""


class Triggers:
    """All rules of this machine.

    Args:
        state_dir: The state folder.
        now: The clock, aware.
    """

    def __init__(self, state_dir: Path, now: Callable[[], datetime]) -> None:
        self._rules = NumberedList(state_dir, "triggers", "trigger", Trigger)
        self._now = now

    def all(self) -> tuple[Trigger, ...]:
        """All of them, by number.

        Raises:
            StorageError: The file cannot be read.
        """
        return self._rules.all()

    def get(self, number: int) -> Trigger:
        """One of them.

        Raises:
            NotFoundError: There is none of that number.
        """
        return self._rules.get(number)

    def add(self, draft: Trigger) -> Trigger:
        """Keep a new rule, under the next free number.

        Raises:
            UsageError: There are too many, it lacks a label, or there is one like it.
            StorageError: The disk refused.
        """
        if draft.source is WorkSource.ISSUE and not draft.label:
            raise UsageError("Which label? For example: issue samobot")

        def check(known: tuple[Trigger, ...]) -> None:
            for each in known:
                if (each.project, each.source, each.label) == (draft.project, draft.source, draft.label):
                    raise UsageError(f"Trigger {each.number} is for {each.words} of {each.project} already.")
            if len(known) >= MOST_TRIGGERS:
                raise UsageError(f"There are {MOST_TRIGGERS} triggers already; delete one first.")

        return self._rules.add(draft, check)

    def delete(self, number: int) -> Trigger:
        """Forget a rule and its offers; sessions that were started for it continue."""
        return self._rules.remove(number)

    def looked(self, number: int, report: WorkReport) -> tuple[Trigger | None, str]:
        """Take in what the forge answered about a rule; see `advance`. None if the rule is gone."""

        def take_in(one: Trigger) -> tuple[Trigger, tuple[Trigger, str]]:
            changed, problem = advance(one, report, self._now().timestamp())
            return changed, (changed, problem)

        return self._rules.revise(number, take_in) or (None, "")

    def mark(self, number: int, offer: TriggerOffer) -> None:
        """Save how far an offer is."""

        def offers(one: Trigger) -> dict[str, object]:
            return {"offers": tuple(offer if each.item.id == offer.item.id else each for each in one.offers)}

        self._rules.update(number, offers)

    def settle(self, number: int, item: str) -> None:
        """Forget an offer that was decided; deciding twice is harmless, also if the rule is gone."""

        def decided(one: Trigger) -> tuple[Trigger, None]:
            left = tuple(each for each in one.offers if each.item.id != item)
            return one.model_copy(update={"offers": left}), None

        self._rules.revise(number, decided)

    def announce(self, number: int) -> None:
        """Note that the chat knows of a rule."""
        self._rules.update(number, lambda _: {"announced": True})

    def hurry(self) -> None:
        """Look at everything at once, as if it was due."""
        # After a rate limit no hint from outside may bring the next look forward.
        self._rules.update_all(lambda one: {} if one.problem is ForgeProblem.RATE_LIMIT else {"next_at": 0.0})
