"""The session's files as the worker loop reads and writes them."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from samobot.errors import StorageError, UsageError
from samobot.money.spending import is_used_up
from samobot.phases import GateFacts, Phase, WaitingFor
from samobot.session import decisions, gate, journal, requests
from samobot.session.baseline import (
    counting_decisions,
    counting_guidance,
    counting_overview,
    edit_guidance,
    edit_overview,
    load,
)
from samobot.session.files import read_text, remove_leftovers
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import BLOCKED_WAITING, look, read_plan
from samobot.session.guidance import GuidanceItem, parse_guidance, tick
from samobot.session.journal import EventName, JournalReader
from samobot.session.overview import Overview, parse_overview
from samobot.session.overview_edits import add_flow, flow_line, set_status
from samobot.session.signal import Signal, SignalProblem, parse_signal
from samobot.session.snapshot import snapshot
from samobot.session.status import SessionState
from samobot.session.turn import forget_turn, remove_signal
from samobot.session.vault import edit_lock
from samobot.text import human_money, one_line
from samobot.worker.prompt import AnsweredQuestion

_LEFTOVER_SECONDS = 3600.0


class SessionFiles:
    """Reads and writes the files of one session for its worker.

    Args:
        folder: The session.
        now: The clock, aware.
    """

    def __init__(self, folder: SessionFolder, now: Callable[[], datetime]) -> None:
        self.folder = folder
        self._now = now
        self._reader = JournalReader(folder)

    # Reading

    def overview(self) -> Overview:
        """The overview as it is now; empty if the file is missing."""
        return parse_overview(counting_overview(self.folder, load(self.folder)) or "")

    def phase(self) -> Phase:
        """The phase the session is in.

        Raises:
            UsageError: The overview is missing or names no known phase.
        """
        text = counting_overview(self.folder, load(self.folder))
        if text is None:
            raise UsageError(f"There is no {self.folder.overview}; without it this is not a session.")
        overview = parse_overview(text)
        if overview.phase is None:
            named = (
                f"names the phase “{overview.phase_text}”, which does not exist"
                if overview.phase_text
                else "names no phase"
            )
            raise UsageError(
                f"{self.folder.overview} {named}: write one of {', '.join(Phase)} behind “Phase:” under “## Status”."
            )
        return overview.phase

    def visit(self) -> int:
        """Iterations that this visit of the phase has had."""
        return self.overview().iteration or 0

    def next_number(self) -> int:
        """The number of the next iteration, counted over the whole session."""
        return max(self.overview().total_iterations or 0, self.journal().iterations) + 1

    def journal(self) -> journal.Journal:
        """The sums over the journal as it is now."""
        return self._reader.read()

    def cost(self) -> float:
        """What the session has cost so far, in US dollars."""
        return self.journal().cost_usd

    def budget(self) -> float | None:
        """What the session may cost, in US dollars; None is no limit."""
        return self.journal().budget_usd

    def over_budget(self, wanted: float | None = None) -> str | None:
        """Return the message that the budget is used up; None if it is not, or if there is none.

        Args:
            wanted: What is to be the session's budget, in US dollars; None is the one that is in force.
        """
        journal = self.journal()
        budget, cost = journal.budget_usd if wanted is None else wanted, journal.cost_usd
        if budget is None or not is_used_up(cost, budget):
            return None
        spent = human_money(cost, unpriced=journal.unpriced)
        return f"The budget of {human_money(budget)} is used up: {spent} so far."

    def is_done(self) -> bool:
        """Whether the session is finished. Meant for when nobody holds it."""
        return snapshot(self.folder, "", journal=self.journal).status.state is SessionState.DONE

    def decided_meanwhile(self) -> bool:
        """Whether what the session waited for has been decided. Meant for when nobody holds it."""
        gate.settle(self.folder, self._now())
        return self.open_gate() is None

    def signal(self) -> Signal | SignalProblem:
        """The agent's signal."""
        try:
            return parse_signal(read_text(self.folder.signal, follow=False))
        except StorageError as error:
            return SignalProblem(error.message)

    def pending_guidance(self) -> tuple[GuidanceItem, ...]:
        """The guidance that no iteration has been given yet."""
        items = parse_guidance(counting_guidance(self.folder, load(self.folder)) or "")
        return tuple(item for item in items if not item.done)

    def gate_facts(self) -> GateFacts:
        """The facts that the gates look at."""
        return gate.facts(self.folder)

    def open_gate(self) -> WaitingFor | None:
        """What the user still has to do before the next iteration; None if nothing."""
        return gate.open_gate(self.folder)

    def what_is_needed(self) -> str:
        """What the agent needs from the user, as it wrote it; empty if it wrote nothing."""
        signal = self.signal()
        return asked_for(signal) if isinstance(signal, Signal) else ""

    def fresh_answers(self) -> tuple[AnsweredQuestion, ...]:
        """The answers since the last iteration began: that one may not have seen them."""
        since = self.journal().last_iteration_began
        said = counting_decisions(self.folder, load(self.folder)).decisions
        return tuple(
            AnsweredQuestion(decision.question or "", decision.text or "")
            for decision in said
            if decision.kind is decisions.DecisionKind.ANSWER
            and decision.at is not None
            and (since is None or decision.at > since)
        )

    def feedback(self) -> str:
        """Feedback of the rejection of the plan; empty if it was not rejected."""
        last = look(self.folder).verdict
        rejected = last is not None and last.kind is decisions.DecisionKind.REJECTION
        return (last.text or "") if last is not None and rejected else ""

    # Writing

    def log(self, event: EventName, **fields: object) -> None:
        """Append an event to the journal."""
        journal.append(self.folder, event, self._now(), **fields)

    def flow(self, text: str, number: int | None = None) -> None:
        """Add a line to the Flow Log."""
        self._edit({}, [self._flow_line(text, number)])

    def settle(self) -> None:
        """Carry out the decisions since the last run."""
        gate.settle(self.folder, self._now(), held_by_us=True)

    def withdraw_a_stale_approval(self) -> None:
        """Return to the plan's gate if the plan was changed after its approval, before any work on it."""
        standing = look(self.folder)
        overview, plan = standing.overview, standing.plan
        if overview.phase is not Phase.IMPLEMENTATION or overview.iteration or plan is None:
            return
        was_approved = any(
            decision.kind is decisions.DecisionKind.APPROVAL and decision.file == plan.name
            for decision in standing.decisions.decisions
        )
        moves = self.journal().phases
        if standing.plan_approved or not was_approved or not moves or moves[-1].by not in ("person", "copy"):
            return
        text = f"The plan {plan.name} was changed after its approval; it has to be approved again"
        self._edit({"Phase": Phase.PLANNING, "Blocked": BLOCKED_WAITING}, [self._flow_line(text, None)])
        self.log(EventName.PHASE, **{"from": Phase.IMPLEMENTATION, "to": Phase.PLANNING, "by": "worker"})
        self._log_gate(WaitingFor.PLAN_APPROVAL)

    def begin_iteration(self, phase: Phase, visit: int, number: int) -> None:
        """Write the running iteration into the overview, and clear the previous one's signal."""
        self._edit(
            {"Phase": phase, "Iteration": str(visit), "Total Iterations": str(number), "Blocked": "no"}, []
        )
        self.clear_signal()

    def clear_signal(self) -> None:
        """Remove the signal, so that an old one is never taken for a new one.

        Raises:
            StorageError: It cannot be removed.
        """
        remove_signal(self.folder)

    def guidance_given(self, items: Iterable[GuidanceItem], number: int) -> None:
        """Tick the guidance that an iteration was given and that ended well. Safe to repeat."""
        given = tuple(items)
        if given:
            with edit_lock(self.folder.path):
                edit_guidance(self.folder, lambda text: tick(text, given))
            self.log(EventName.GUIDANCE, n=number, count=len(given))
        forget_turn(self.folder)

    def go_on(self, phase: Phase, summary: str, number: int) -> None:
        """Record that the phase continues."""
        status, flow = self._story(summary, number)
        self._edit({"Phase": phase, "Blocked": "no"} | status, flow)

    def move(self, phase: Phase, target: Phase, summary: str, number: int) -> int:
        """Enter another phase; returns how often quality has been entered with this."""
        visits = self.overview().quality_iteration or 0
        if target is Phase.QUALITY:
            visits += 1
        status, flow = self._story(summary, number)
        self._edit(
            {"Phase": target, "Iteration": "0", "Blocked": "no", "Quality Iteration": str(visits)} | status,
            [*flow, self._flow_line(f"Phase {phase} → {target}", number)],
        )
        self.log(EventName.PHASE, **{"from": phase, "to": target, "by": "agent"})
        return visits

    def wait(self, phase: Phase, waiting_for: WaitingFor, summary: str, number: int | None) -> None:
        """Record that the session waits at a gate."""
        status, flow = self._story(summary, number)
        self._edit({"Phase": phase, "Blocked": BLOCKED_WAITING} | status, flow)
        self._log_gate(waiting_for)

    def _log_gate(self, waiting_for: WaitingFor) -> None:
        plan = read_plan(self.folder).plan if waiting_for is WaitingFor.PLAN_APPROVAL else None
        self.log(
            EventName.GATE,
            **{"for": waiting_for},
            questions=self.gate_facts().open_questions,
            plan=plan.name if plan else None,
            sha256=plan.sha256 if plan else None,
        )

    def block(self, phase: Phase, reason: str, number: int | None) -> None:
        """Record that the session is blocked, with the reason."""
        words = one_line(reason, 300)
        self._edit(
            {"Phase": phase, "Blocked": f"yes - {words}"}, [self._flow_line(f"Blocked: {words}", number)]
        )

    def finish(self, summary: str, number: int) -> None:
        """Record that the session is done."""
        status, flow = self._story(summary, number)
        self._edit(
            {"Phase": Phase.DONE, "Blocked": "no", "Next": "nothing, the session is done"} | status,
            [*flow, self._flow_line("Done", number)],
        )

    def stopped(self, phase: Phase, text: str) -> None:
        """Record that the run was stopped; the session can be run again from the same phase."""
        self._edit({"Phase": phase}, [self._flow_line(text, None)])
        self.clear_signal()

    def take_request(self, kind: requests.RequestKind) -> bool:
        """Take a request to the worker, if there is one of this kind."""
        found = requests.take_kind(self.folder, kind)
        return found is not None

    def take_new_budget(self) -> None:
        """Apply a budget that was set during the run."""
        found = requests.take_kind(self.folder, requests.RequestKind.BUDGET)
        if found is not None:
            self.log(EventName.BUDGET, usd=found.usd, by=found.who)

    def forget_requests(self) -> None:
        """Forget requests to a previous worker; requests to this one stay."""
        requests.take_up(self.folder, os.getpid())

    def sweep(self) -> None:
        """Remove temporary files that interrupted writes have left more than an hour ago."""
        for folder in (self.folder.path, self.folder.logs):
            remove_leftovers(folder, time.time() - _LEFTOVER_SECONDS)

    def _edit(self, status: Mapping[str, str], flow: Iterable[str]) -> None:
        values, lines = {key: str(value) for key, value in status.items()}, tuple(flow)

        def change(text: str) -> str:
            return functools.reduce(add_flow, lines, set_status(text, values))

        with edit_lock(self.folder.path):
            edit_overview(self.folder, change)

    def _flow_line(self, text: str, number: int | None) -> str:
        return flow_line(one_line(text, 300), self._now().astimezone(), number=number)

    def _story(self, summary: str, number: int | None) -> tuple[dict[str, str], list[str]]:
        """The overview's status and flow lines of an iteration, from its agent's summary."""
        if not summary:
            return {}, []
        return {"Last Action": one_line(summary, 300)}, [self._flow_line(summary, number)]


def asked_for(signal: Signal) -> str:
    """Why a signal stops, and what it asks for, as one text."""
    parts = [part for part in (signal.reason, signal.needs) if part]
    return "\n".join(dict.fromkeys(parts)) or signal.summary or ""
