"""Which file of a session is its plan: by facts, never the newest file that matches a pattern.

A plan is a file that the signal names, that is listed under `## Plans`, or that is called exactly
`MM-DD-HH:MM-plan-SLUG.md`. Only if there is none of these, other usual names count (`plan.md`, `plans/x.md`,
`…-implementation-plan.md`, `plan-greeting.md`, `计划.md`). Of several, the one without a decision is the plan.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.phases import NO_PLAN, Phase, SignalStatus, WaitingFor
from samobot.regex import regex
from samobot.session.decisions import Decision, DecisionKind, of_this_round, verdict
from samobot.session.files import open_regular
from samobot.session.folder import SessionFolder
from samobot.session.overview import Overview
from samobot.session.plan import PLAN_LIMIT, Plan, is_empty, new_plan
from samobot.session.signal import Signal, SignalProblem
from samobot.text import human_size, one_line

_FOLDERS = ("plans", "plan", "docs")
"""The subfolders of a session in which plans are looked for; in the first, each file is one."""

_SUFFIXES = (".md", ".markdown")
_MAX_CANDIDATES = 16
"""Plan files that are read at most; of more, the last ones by name."""

_MAX_ENTRIES = 5_000
_LONGEST_NAME = 4_000
_STAMP = r"\d\d-\d\d-\d\d[:h._-]?\d\d-"
_EXACT = regex(rf"{_STAMP}plan-.+\.(?:md|markdown)", re.IGNORECASE)
_ANY_STAMP = regex(r"[\[(]?\d[\d:hT._ -]{3,20}[\])]?(?<![a-zA-Z])[-_ ]{0,3}")
_SEPARATOR = regex(r"[-_ .()\[\]]+")
_VERSION = regex(r"v?\d{1,3}|final|draft|new|revised|updated|[a-z]{2}", re.IGNORECASE)
_OTHER_NOTE = regex(
    rf"_.*|{_STAMP}from-you-.*|{_STAMP}(?:dive|task|test|quality|summary|notes?|review|report)\b.*"
    rf"|(?:{_STAMP})?test[-_ ]?plan.*"
    r"|.*[-_](?:reviews?|feedback|critique|comments|summary|checklist|notes)\.(?:md|markdown)",
    re.IGNORECASE,
)
_FILE_NAME = regex(r"[^\s`()\[\]<>\"'“”„«»*~,;|]{1,200}\.(?:md|markdown)(?![\w-])", re.IGNORECASE)
_PLAN_WORD = regex(r"plan|план|plano|计划.*|計劃.*|計画.*|(?!test).{3,}plan", re.DOTALL)
_WORK_PLAN = frozenset({"action", "development", "execution", "implementation", "project", "work"})
_MARKUP = " \t*_`~[]()<>|\"'“”"
_APPROVED_PHASES = (Phase.IMPLEMENTATION, Phase.TESTING, Phase.QUALITY, Phase.DONE)


@frozen
class PlanChoice:
    """The plan of a session.

    Attributes:
        plan: The plan; None if there is none, or if it is not clear which file it is.
        problem: Why there is none, as a clause for “…, but …” naming the files; empty if there is one.
    """

    plan: Plan | None
    problem: str = ""


def choose_plan(
    folder: SessionFolder,
    overview: Overview,
    signal: Signal | SignalProblem,
    decisions: Sequence[Decision],
) -> PlanChoice:
    """Find and read the session's plan.

    Args:
        folder: The session.
        overview: Its overview: the phase, and the files under `## Plans`.
        signal: Its signal, which may name the plan.
        decisions: All decisions: a plan that was decided about is not the one to decide about next.

    Raises:
        StorageError: A plan file cannot be read, or is larger than `PLAN_LIMIT`.
    """
    try:
        present = _names(folder.path)
    except (FileNotFoundError, NotADirectoryError):
        return PlanChoice(None, NO_PLAN)
    except OSError as error:
        raise StorageError(
            f"The plan in {folder.path} cannot be read: {error.filename} ({error.strerror})."
        ) from error
    named = _resolve(folder, _named_by(signal), present)
    if isinstance(signal, Signal) and signal.plan:
        written = signal.plan[:_LONGEST_NAME]
        explicit = _resolve(folder, [written], present)
        explicit = (
            explicit or _resolve(folder, _FILE_NAME.findall(written), present) or _within(written, present)
        )
        if not explicit:
            return PlanChoice(None, f"there is no {one_line(signal.plan, 80)} in the session folder")
        return _choose(folder, explicit, explicit, overview, decisions)
    candidates = _candidates(folder, overview, present) or [
        name for name in named if not _is_other_note(name, folder)
    ]
    return _choose(folder, candidates, named, overview, decisions)


def _choose(
    folder: SessionFolder,
    candidates: list[str],
    named: list[str],
    overview: Overview,
    decisions: Sequence[Decision],
) -> PlanChoice:
    if not candidates:
        return PlanChoice(None, NO_PLAN)
    read = [plan for name in sorted(candidates)[-_MAX_CANDIDATES:] if (plan := _read(folder, name))]
    plans = [plan for plan in read if not is_empty(plan.text)]
    if not plans:
        return PlanChoice(
            None, f"{_list(candidates)} {'is' if len(candidates) == 1 else 'are'} empty" if read else NO_PLAN
        )
    if overview.phase in _APPROVED_PHASES:
        carried_out = _last_approved(plans, decisions)
        if carried_out is not None:
            return PlanChoice(carried_out)
    plans = _new_plans(plans, decisions) or plans
    chosen = [plan for plan in plans if _relative(folder, plan.path) in named]
    if len(chosen) == 1:
        return PlanChoice(chosen[0])
    undecided = [plan for plan in plans if verdict(decisions, plan) is None]
    if len({plan.sha256 for plan in undecided}) > 1:
        names = _list(_relative(folder, plan.path) for plan in undecided)
        return PlanChoice(None, f"it is not clear which of {names} is the plan")
    return PlanChoice(undecided[-1] if undecided else _last_decided(plans, decisions))


def _new_plans(plans: list[Plan], decisions: Sequence[Decision]) -> list[Plan]:
    """Return the plans that were not approved in an earlier round; by name, as ticking boxes changes the content."""
    earlier = decisions[: len(decisions) - len(of_this_round(decisions))]
    approved = {decision.file for decision in earlier if decision.kind is DecisionKind.APPROVAL}
    return [plan for plan in plans if plan.name not in approved]


def _names(path: Path) -> set[str]:
    """Return the regular Markdown files of the folder and of its folders for plans, as relative names."""
    found: set[str] = set()
    places = [("", path)]
    for prefix, place in places:
        with os.scandir(place) as entries:
            for count, entry in enumerate(entries):
                if count >= _MAX_ENTRIES:
                    break
                if entry.name.lower().endswith(_SUFFIXES) and entry.is_file(follow_symlinks=False):
                    found.add(prefix + entry.name)
                elif not prefix and entry.name.lower() in _FOLDERS and entry.is_dir(follow_symlinks=False):
                    places.append((f"{entry.name}/", Path(entry.path)))
    return found


def _candidates(folder: SessionFolder, overview: Overview, present: set[str]) -> list[str]:
    listed = _listed(folder, overview, present)
    exact = [name for name in sorted(present) if _EXACT.fullmatch(name)]
    plans = [name for name in dict.fromkeys([*listed, *exact]) if not _is_other_note(name, folder)]
    if plans or listed:
        return plans or listed
    return [
        name
        for name in sorted(present)
        if not _is_other_note(name, folder)
        and (name.lower().startswith(f"{_FOLDERS[0]}/") or _is_called_plan(name))
    ]


def _is_other_note(name: str, folder: SessionFolder) -> bool:
    if _EXACT.fullmatch(name) and _words(name)[1:] == _words(folder.name):
        return False  # the plan of a session such as “add-comments”
    return _OTHER_NOTE.fullmatch(Path(name).name) is not None


def _words(name: str) -> list[str]:
    """What a file's name consists of, without its stamp and suffix."""
    stem = _ANY_STAMP.sub("", PurePosixPath(name).stem, count=1)
    return [word for word in _SEPARATOR.split(stem.lower()) if word]


def _is_called_plan(name: str) -> bool:
    """Whether “plan” is what a name begins or ends with, apart from a stamp and a version."""
    words = _words(name)
    while len(words) > 1 and _VERSION.fullmatch(words[-1]):
        words.pop()
    if not words:
        return False
    if len(words) > 2 and words[0] in _WORK_PLAN:
        words = words[1:]
    return any(_PLAN_WORD.fullmatch(word) for word in (words[0], words[-1])) or (
        re.fullmatch(r"plan[v\d]\d{0,2}", words[-1]) is not None
    )


def _listed(folder: SessionFolder, overview: Overview, present: set[str]) -> list[str]:
    found: list[str] = []
    for item in overview.plans:
        first = item.split("\n", 1)[0][:500]
        if first.lstrip().startswith("~~"):
            continue
        named = _FILE_NAME.search(first)
        meant = _resolve(folder, [named[0]] if named else [], present)
        if not meant and "/" not in first:
            meant = _resolve(folder, [first.strip(_MARKUP)], present) or _within(first, present)
        found += meant[:1]
    return list(dict.fromkeys(found))


def _within(text: str, present: set[str]) -> list[str]:
    """The files whose names stand in a text, whatever signs are around them; longer names first."""
    names = sorted((name for name in present if name in text), key=len, reverse=True)
    return [
        name
        for name in names
        if re.search(rf"(?<![^\W_])(?<![^\W_]_)(?<![.-]){re.escape(name)}(?![^\W_]|-|\.\w)", text)
    ]


def _named_by(signal: Signal | SignalProblem) -> list[str]:
    if not isinstance(signal, Signal) or signal.status is not SignalStatus.WAITING:
        return []
    if signal.waiting_for not in (None, WaitingFor.PLAN_APPROVAL):
        return []
    words = "\n".join(text[:4_000] for text in (signal.needs, signal.summary, signal.reason))
    return _FILE_NAME.findall(words)


def _resolve(folder: SessionFolder, names: Iterable[str], present: set[str]) -> list[str]:
    """Return those of the written names that are files of the session, relative to its folder."""
    found: list[str] = []
    folded = {each.casefold(): each for each in present}
    for written in names:
        name = unquote(written.strip()).removeprefix("./")
        if f"{folder.path.name}/" in name and ".." not in name:
            name = name.rpartition(f"{folder.path.name}/")[2]
        tried = [f"{place}{name}{suffix}" for place in ("", f"{_FOLDERS[0]}/") for suffix in ("", *_SUFFIXES)]
        meant = next((each for each in tried if each in present), None)
        meant = meant or next((folded[each.casefold()] for each in tried if each.casefold() in folded), None)
        if meant is not None and meant not in found:
            found.append(meant)
    return found


def _read(folder: SessionFolder, name: str) -> Plan | None:
    path = folder.path / name
    try:
        with open_regular(path) as file:
            content = file.read(PLAN_LIMIT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"The plan {path} cannot be read: {error.strerror}.") from error
    if len(content) > PLAN_LIMIT:
        raise StorageError(
            f"The plan {path} is larger than {human_size(PLAN_LIMIT)}, so it is not read: "
            "shorten it, or move it away and run the session again."
        )
    return new_plan(path, content)


def _last_approved(plans: list[Plan], decisions: Sequence[Decision]) -> Plan | None:
    """Return the plan approved last. By name: ticking its boxes has changed its content."""
    by_name = {plan.name: plan for plan in plans}
    for decision in reversed(decisions):
        if decision.kind is DecisionKind.APPROVAL and decision.file in by_name:
            return by_name[decision.file]
    return None


def _last_decided(plans: list[Plan], decisions: Sequence[Decision]) -> Plan:
    by_content = {plan.sha256: plan for plan in plans}
    for decision in reversed(decisions):
        if decision.kind in (DecisionKind.APPROVAL, DecisionKind.REJECTION):
            found = by_content.get((decision.sha256 or "").strip().lower())
            if found is not None:
                return found
    return plans[-1]


def _relative(folder: SessionFolder, path: Path) -> str:
    return path.relative_to(folder.path).as_posix()


def _list(names: Iterable[str]) -> str:
    shown = sorted(one_line(name, 80) for name in names)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
