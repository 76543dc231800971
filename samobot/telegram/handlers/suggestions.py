"""What can be done now: of all commands the few that fit what the sessions do, the most urgent first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from samobot.fleet.models import SessionView
from samobot.session.status import SessionState
from samobot.telegram.views.pending import NeedKind, need_of

MOST = 8
"""Lines of advice: with what stands around them they fill no more than a phone's screen."""

_BEGIN = "run greet Add a greeting script"


@dataclass(frozen=True, slots=True)
class Advice:
    """A command that fits.

    Attributes:
        command: What to send, without the slash; the first word is the command's name.
        words: What it does there.
    """

    command: str
    words: str


_URGENT = (
    NeedKind.QUESTIONS,
    NeedKind.PLAN,
    NeedKind.ACTION,
    NeedKind.BLOCK,
    NeedKind.FAILED,
    NeedKind.LOST,
    NeedKind.BUDGET,
    NeedKind.ITERATIONS,
)


def advice(views: Sequence[SessionView], called: Sequence[str]) -> list[Advice]:
    """Say what can be done now.

    Args:
        views: The sessions that it is about.
        called: What each of them is called.
    """
    found: dict[str, Advice] = {}
    # Where there is one session, nobody has to name it.
    names = list(called) if len(views) > 1 else [""] * len(views)
    for each in _all(list(zip(views, names, strict=True))):
        command = " ".join(each.command.split())
        found.setdefault(command.split()[0], Advice(command, each.words))
    return list(found.values())[:MOST]


def _all(sessions: list[tuple[SessionView, str]]) -> Iterator[Advice]:
    if not sessions:
        yield Advice(_BEGIN, "starts a session")
        yield Advice("projects", "where sessions can work")
        return
    needs = [(need_of(view), view, name) for view, name in sessions]
    for kind in _URGENT:
        for need, view, name in needs:
            if need is not None and need.kind is kind:
                yield from _for_need(kind, view, name)
    yield Advice("status", "everything at a glance")
    for view, name in sessions:
        match view.state:
            case SessionState.RUNNING:
                yield Advice("log", f"what {name or 'it'} is doing")
                yield Advice(f"tell {name} …", "words for its next iteration")
                yield Advice("pause", "after this iteration")
                yield Advice("stop", "at once")
            case SessionState.PARKED:
                yield Advice("resume", f"tries {name or 'it'} now, before the limit ends")
                yield Advice("stop", "at once")
            case SessionState.QUEUED:
                yield Advice("stop", f"takes {name or 'it'} out of the line")
            case SessionState.STOPPED:
                yield Advice("resume", f"{name or 'it'} goes on")
            case _:
                pass
    for view, name in sessions:
        if view.state is SessionState.DONE:
            if view.repository:
                yield Advice("diff", f"what {name or 'it'} has changed")
            yield Advice("archive", f"puts {name or 'it'} away")
    yield Advice("run name task", "starts another session")
    yield Advice("cost", "the money")


def _for_need(kind: NeedKind, view: SessionView, name: str) -> Iterator[Advice]:
    match kind:
        case NeedKind.QUESTIONS:
            letter = next((each.suggestion for each in view.open_questions if each.suggestion), None)
            yield Advice(f"answer {name} {letter or '…'}", "or tap an answer")
        case NeedKind.PLAN:
            yield Advice("approve", f"{name}'s plan" if name else "the plan")
            yield Advice(f"reject {name} …", "what should be different")
            yield Advice("plan", "shows it")
        case NeedKind.ACTION:
            yield Advice(f"tell {name} …", "if it cannot be done")
        case NeedKind.BLOCK | NeedKind.FAILED | NeedKind.LOST:
            yield Advice(f"tell {name} …", "words that help it on")
            yield Advice("resume", f"{name or 'it'} tries again")
            yield Advice("log", "what it did last")
        case NeedKind.BUDGET | NeedKind.ITERATIONS:
            yield Advice("resume", f"{name or 'it'} goes on")
            yield Advice("cost", "the money")
