"""What has to be true after a journey, whatever went wrong on the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.faults import FaultKind
from tests.chaos.owner import Owner
from tests.chaos.stage import Stage


@dataclass
class Findings:
    """What an audit has found.

    Attributes:
        wrong: Broken promises, in words.
        repeated: Needed messages that came more than once.
        lost: Gates that never reached the chat.
        gates: Gates that there were.
        updates: Updates that Telegram had.
        pauses: Runs that ended where their owner had asked for a pause.
    """

    wrong: list[str] = field(default_factory=list)
    repeated: int = 0
    lost: int = 0
    gates: int = 0
    updates: int = 0
    pauses: int = 0


def audit(stage: Stage, owner: Owner) -> Findings:
    """Check a journey that has ended: the sessions done, the bot ended."""
    found = Findings()
    for name in owner.names:
        _decided_once(stage, owner, name, found)
        _told(stage, name, found)
        _paused(stage, owner, name, found)
    _updates(stage, found)
    unknowable = sum(
        call.fault == FaultKind.DROP_AFTER_DOING
        for call in stage.server.calls.of()
        if call.method.startswith("send")
    )
    if found.repeated > stage.kills + unknowable:
        found.wrong.append(
            f"{found.repeated} messages came twice, with {stage.kills} kills and {unknowable} answers lost"
        )
    found.wrong += [f"{token}: no notice was taken, and nothing said" for token in owner.ignored]
    found.wrong += [f"{nudge}: stood still, and nobody was told" for nudge in owner.nudges]
    living = [" ".join(process.cmdline())[:150] for _, process in stage.processes()]
    found.wrong += [f"left running: {command}" for command in living]
    found.wrong += [f"samobot's git ran a program of the repository: {line}" for line in _ran_by_git(stage)]
    if stage.shop.config.read_bytes() != stage.project_file:
        found.wrong.append(f"the project's file holds {stage.shop.config.read_text(errors='replace')!r}")
    return found


def _decided_once(stage: Stage, owner: Owner, name: str, found: Findings) -> None:
    wrong = found.wrong
    if not stage.is_done(name):
        wrong.append(f"{name} is not done")
    folder = stage.session(name)
    if folder is None:
        wrong.append(f"{name} has no folder")
        return
    decisions = stage.decisions(name)
    answers = {each["question"]: each["text"] for each in decisions if each["kind"] == "answer"}
    letter = owner.colour(name)
    colours = {"A": "A) red", "B": "B) green", "C": "C) blue"}
    if answers != {"Q1": colours[letter], "Q2": owner.greeted(name)}:
        wrong.append(f"{name}: the answers on record are {answers}")
    qa = _text(folder / "_qa.md")
    for words in answers.values():
        if qa.count(f"**Answer:** {words}") != 1:
            wrong.append(f"{name}: “{words}” is {qa.count(words)} times in _qa.md:\n{qa}")
    counted = Counter((each["kind"], each.get("asked") or each.get("sha256")) for each in decisions)
    for (kind, about), count in counted.items():
        if kind in ("answer", "approval", "rejection") and count != 1:
            wrong.append(f"{name}: {count} times {kind} of {about}")
    kinds = Counter(each["kind"] for each in decisions)
    for kind, count in {"answer": 2, "rejection": 1, "approval": 1, "action_done": 1}.items():
        if kinds[kind] != count:
            wrong.append(f"{name}: {kinds[kind]} times {kind}")
    guidance = _text(folder / "_guidance.md")
    if "skip the second part" in guidance:
        wrong.append(f"{name}: guidance that the agent forged is there")
    if guidance.count("the port is 8080") != 1:
        wrong.append(f"{name}: the guidance is there {guidance.count('the port is 8080')} times")
    branches = stage.shop.git("branch", "--format=%(refname:short)").split()
    parts = stage.shop.git("ls-tree", "--name-only", name).split() if name in branches else []
    if not {"first.txt", "second.txt"} <= set(parts):
        wrong.append(f"{name}: the branch holds {parts}")


def _ran_by_git(stage: Stage) -> list[str]:
    path = stage.logs / "ran-by-git"
    return sorted(set(path.read_text(errors="replace").splitlines())) if path.exists() else []


def _paused(stage: Stage, owner: Owner, name: str, found: Findings) -> None:
    """What was paused went on only when its owner said so: by the lines of the journal, as the clock is stepped."""
    paused: int | None = None
    for number, each in enumerate(stage.records(name, "_logs/journal.jsonl")):
        if each.get("event") == "run_end":
            paused = number if each.get("paused") else None
            found.pauses += paused is not None
        elif each.get("event") == "run_start" and paused is not None:
            if not any(paused < said <= number for said in owner.resumed_at_line[name]):
                found.wrong.append(
                    f"{name} went on at line {number}, though it was paused and nobody resumed it"
                )
            paused = None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _told(stage: Stage, name: str, found: Findings) -> None:
    """Every gate of a session reached the chat; count those that came twice."""
    messages = [message for message in stage.chat.from_bot() if not message.asks_reply]
    gates = {
        "the first question": f"Which colour does {name} take?",
        "the second question": f"Whom does {name} greet?",
        "the plan": f"{name}, version 1: 2 phases",
        "the second plan": f"{name}, version 2: 2 phases",
        "the action": f"Put the key of {name} into place",
        "the block": f"Nobody told {name} the port",
        "the end": f"{name} is done",
    }
    for gate, words in gates.items():
        found.gates += 1
        carrying = [message for message in messages if _asked(message, words)]
        if not carrying:
            found.lost += 1
            found.wrong.append(f"{name}: {gate} never reached the chat")
        # A block and a plan may honestly be told again after something else came in between.
        found.repeated += max(0, len(carrying) - 1)


def _asked(message: SandboxMessage, words: str) -> bool:
    """Whether a message first came with these words: cards come to hold many words later."""
    first = message.history[0] if message.history else message.content
    return words in first.text and message.file is None and not first.text.startswith(("▶️", "🗒"))


def _updates(stage: Stage, found: Findings) -> None:
    states = stage.journaled()
    found.updates = len(stage.updates)
    for number in sorted(stage.updates):
        state = states.get(number)
        if state != "done":
            found.wrong.append(f"update {number} is {state or 'unknown'}: {stage.updates[number][:200]}")
