"""What can be done now: of all commands the few that fit what the sessions do, the most urgent first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from samobot.fleet.models import SessionView
from samobot.frozen import frozen
from samobot.session.status import SessionState
from samobot.telegram.views.pending import NeedKind, need_of

MAX_SUGGESTIONS = 8
"""Most suggestions: they fit a phone's screen."""

_BEGIN = "run Add a greeting script"


@frozen
class Suggestion:
    """A command that fits.

    Attributes:
        command: What to send, without the slash; it begins with the command's name.
        words: What it does.
    """

    command: str
    words: str


_URGENT = (
    NeedKind.QUESTIONS,
    NeedKind.PLAN,
    NeedKind.PERMISSION,
    NeedKind.ACTION,
    NeedKind.BLOCK,
    NeedKind.FAILED,
    NeedKind.LOST,
    NeedKind.BUDGET,
    NeedKind.ITERATIONS,
)


def suggest(views: Sequence[SessionView], called: Sequence[str]) -> list[Suggestion]:
    """Suggest commands for the current state.

    Args:
        views: The sessions that it is about.
        called: What each of them is called.
    """
    found: dict[str, Suggestion] = {}
    # A single session does not have to be named.
    names = list(called) if len(views) > 1 else [""] * len(views)
    for each in _all(list(zip(views, names, strict=True))):
        command = " ".join(each.command.split())
        found.setdefault(command.split()[0], Suggestion(command, each.words))
    return list(found.values())[:MAX_SUGGESTIONS]


def _all(sessions: list[tuple[SessionView, str]]) -> Iterator[Suggestion]:
    if not sessions:
        yield Suggestion(_BEGIN, "starts a session")
        yield Suggestion("projects", "where sessions can work")
        return
    needs = [(need_of(view), view, name) for view, name in sessions]
    for kind in _URGENT:
        for need, view, name in needs:
            if need is not None and need.kind is kind:
                yield from _for_need(kind, view, name)
    yield Suggestion("status", "everything at a glance")
    for view, name in sessions:
        match view.state:
            case SessionState.RUNNING:
                yield Suggestion("log", f"what {name or 'it'} is doing")
                yield Suggestion(f"tell {name} …", "guidance for its next iteration")
                yield Suggestion("pause", "after this iteration")
                yield Suggestion("stop", "at once")
            case SessionState.PARKED:
                yield Suggestion("resume", f"tries {name or 'it'} now, before the limit ends")
                yield Suggestion("stop", "at once")
            case SessionState.QUEUED:
                yield Suggestion("stop", f"takes {name or 'it'} out of the line")
            case SessionState.STOPPED:
                yield Suggestion("resume", f"continues {name or 'it'}")
            case _:
                pass
    for view, name in sessions:
        if view.state is SessionState.DONE:
            if view.repository:
                yield Suggestion("diff", f"what {name or 'it'} has changed")
            yield Suggestion("archive", f"archives {name or 'it'}")
            if view.repository:
                yield Suggestion("land", f"merges or pushes {name or 'it'}")
            yield Suggestion(f"followup {name} …", "what is next, on the same branch")
    yield Suggestion("run name task", "starts another session")
    yield Suggestion("cost", "the money")


def _for_need(kind: NeedKind, view: SessionView, name: str) -> Iterator[Suggestion]:
    match kind:
        case NeedKind.QUESTIONS:
            letter = next((each.suggestion for each in view.open_questions if each.suggestion), None)
            yield Suggestion(f"answer {name} {letter or '…'}", "or tap an answer")
        case NeedKind.PLAN:
            yield Suggestion("approve", f"{name}'s plan" if name else "the plan")
            yield Suggestion(f"reject {name} …", "what should be different")
            yield Suggestion("plan", "shows it")
        case NeedKind.PERMISSION:
            yield Suggestion(f"status {name}", "shows what it asks for")
        case NeedKind.ACTION:
            yield Suggestion(f"tell {name} …", "if it cannot be done")
        case NeedKind.BLOCK | NeedKind.FAILED | NeedKind.LOST:
            yield Suggestion(f"tell {name} …", "guidance that helps")
            yield Suggestion("resume", f"retries {name or 'it'}")
            yield Suggestion("log", "what it did last")
        case NeedKind.BUDGET | NeedKind.ITERATIONS:
            yield Suggestion("resume", f"continues {name or 'it'}")
            yield Suggestion("cost", "the money")
