"""The keys and values of a signal, and how else models write them. Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

from samobot.phases import SignalStatus, WaitingFor
from samobot.regex import regex
from samobot.text import nearest

_Kind = TypeVar("_Kind", bound=StrEnum)

KEYS = ("status", "phase", "summary", "reason", "needs", "for", "plan", "tests", "lacks")
"""The keys of a signal."""

ALIASES: dict[str, tuple[str, ...]] = {
    "phase": ("nextphase", "targetphase", "newphase", "tophase", "phasenext", "phasename"),
    "status": ("state", "signalstatus"),
    "summary": ("summery", "message", "description", "whatwasdone"),
    "reason": ("blockedreason", "blockreason", "waitingreason", "why", "cause"),
    "needs": ("need", "needed", "needsfromuser", "requires", "required", "whatisneeded"),
    "for": ("waitingfor", "waitfor", "waitsfor", "awaiting", "waitingon"),
    "plan": ("planfile", "planpath", "planname"),
    "tests": ("test", "testresults", "testcounts", "testresult"),
}
"""Written forms, without case and signs, that stand for a key. The Stop hook has the same."""

WAITS: dict[WaitingFor, tuple[str, ...]] = {
    WaitingFor.QA_ANSWERS: (
        "qa",
        "qa_md",
        "q_a",
        "answers",
        "answer",
        "questions",
        "user_answers",
        "qa_answer",
    ),
    WaitingFor.PLAN_APPROVAL: (
        "plan",
        "approval",
        "plan_review",
        "approve_plan",
        "user_approval",
        "plan_approve",
    ),
    WaitingFor.HUMAN_ACTION: ("human", "user", "user_action", "action", "manual_action", "human_input"),
    WaitingFor.FILE_UPDATE: ("file", "file_change", "files_update"),
}
"""Written forms of what a signal waits for."""

_FILLERS = frozenset(("the", "phase", "stage", "agent", "next", "assurance", "status", "now"))
_OPEN_ENDED = frozenset((SignalStatus.CONTINUE, SignalStatus.BLOCKED, SignalStatus.WAITING))
"""Statuses that a value may begin with; “done with half of it” is not done."""
_NOTHING = frozenset(("none", "na", "null", "nil", "undefined", "nothing", ""))
_LEADS_ON = frozenset(
    (
        "next",
        "nextagent",
        "nextstage",
        "nextstep",
        "transition",
        "transitionto",
        "moveto",
        "goto",
        "advanceto",
        "handoverto",
    )
)
_PARTS = regex(r"[^\W_]+")
_MEANT = {alias: key for key, aliases in ALIASES.items() for alias in (key, *aliases)}


def meant_key(key: str) -> str:
    """Return the key of a signal that a written key stands for: `nextPhase` is `phase`; others as written."""
    name = key.strip().lower()
    plain = re.sub(r"[^a-z]", "", name[:80])
    return _MEANT.get(plain) or (nearest(plain, KEYS, cutoff=0.8) if len(plain) > 3 else None) or name


def leads_on(key: str) -> bool:
    """Return whether the value of an unknown key may name the next phase: `transition_to`."""
    return re.sub(r"[^a-z]", "", key.lower()[:80]) in _LEADS_ON


def meant_value(kind: type[_Kind], text: str) -> _Kind | None:
    """Return the value that is named alone or among fillers: `the testing phase`, `waiting for you`."""
    words = _PARTS.findall(text[:200].casefold())
    whole = "_".join(words)
    if whole in list(kind):
        return kind(whole)
    if kind is WaitingFor:
        return next((kind(meant) for meant, written in WAITS.items() if whole in written), None)
    named = {word for word in words if word in list(kind)}
    # “done with phase 1” is not done.
    rest = {word for word in words if kind is SignalStatus or not word.isdigit()} - named - _FILLERS
    is_clear = not rest or (kind is SignalStatus and words[0] in _OPEN_ENDED)
    return kind(named.pop()) if len(named) == 1 and is_clear else None


def means_nothing(text: str) -> bool:
    """Return whether a value stands for none: `N/A`."""
    return "".join(_PARTS.findall(text[:200].casefold())) in _NOTHING
