"""The users' decisions: an append-only record, with a mark on each line that samobot itself wrote.

A mark is an HMAC-SHA256 over the line with a key from samobot's own state folder. A line without one counts too, so
that users may write one by hand. What appears while there is a baseline (see `baseline`) counts only if the vault
records it. The agent runs as the same user and could find key and vault: they keep it from passing its gate by mistake
or by a shortcut, not from breaking in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.session.blocks import PARSES_KEPT
from samobot.session.files import append_line, read_text
from samobot.session.folder import SessionFolder
from samobot.session.journal import adopt, moment, stamp
from samobot.session.plan import Plan

_KEY_FILE = "decisions.key"
_KEY_BYTES = 32
_TEXTS = ("who", "via", "question", "asked", "text", "file", "sha256", "commit", "rule", "id", "mark")
"""The fields of a line that are texts."""


class DecisionKind(StrEnum):
    """What can be decided."""

    ANSWER = "answer"
    APPROVAL = "approval"
    REJECTION = "rejection"
    ACTION_DONE = "action_done"
    RETRY = "retry"
    LANDING = "landing"
    FOLLOW_UP = "follow_up"
    ALLOW_ONCE = "allow_once"
    ALLOW_SESSION = "allow_session"
    DENY = "deny"
    WITHDRAW = "withdraw"
    """A permission for the session holds no longer."""


@frozen
class Decision:
    """One decision of a user.

    Attributes:
        at: When.
        who: The user's name, for display.
        via: Where: `telegram`, `terminal`, …
        kind: What kind.
        question: Label of the question, for an answer.
        asked: Fingerprint of the question with its options, for an answer: see `fingerprint` in `question`; id of the
            ask, for a permission.
        text: The answer, or the feedback of a rejection or a denial.
        file: Name of the file it is about; the branch, for a landing.
        sha256: Of that file's bytes as they were; for a landing, of the offer that was shown; of
            the call, for a permission.
        commit: The commit that a landing merges or pushes.
        rule: What is allowed for the session, or no longer, for a permission.
        id: Random; distinguishes two equal decisions, and a copied line from a new one.
        mark: The HMAC; None on a line written by hand.
    """

    at: datetime | None
    who: str
    via: str
    kind: DecisionKind
    question: str | None = None
    asked: str | None = None
    text: str | None = None
    file: str | None = None
    sha256: str | None = None
    commit: str | None = None
    rule: str | None = None
    id: str | None = None
    mark: str | None = None


@frozen
class DecisionLog:
    """All decisions of a session in the order of the file, and what in it could not be read."""

    decisions: tuple[Decision, ...] = ()
    problems: tuple[str, ...] = ()


def record(folder: SessionFolder, decision: Decision, key: bytes) -> Decision:
    """Append a decision with a fresh id and its mark, to the vault first; it is on disk when this returns.

    The caller holds the folder's edit lock, so that no iteration's check sees half of what was decided.

    Raises:
        StorageError: The disk refused.
    """
    fresh = replace(decision, id=secrets.token_hex(8), mark=None)
    marked = replace(fresh, mark=_mark(folder, fresh, key))
    line = json.dumps(_fields(marked), ensure_ascii=False)
    adopt(folder)  # before there is a decision, which would seem to be of a session without records
    append_line(folder.vault.decisions, line, mode=0o600)
    append_line(folder.decisions, line)
    return marked


def read(folder: SessionFolder) -> DecisionLog:
    """Read all decisions; other lines are reported in `problems`.

    Raises:
        StorageError: The file is there and cannot be read.
    """
    return parse_decisions(read_text(folder.decisions) or "")


@lru_cache(maxsize=PARSES_KEPT)
def parse_decisions(text: str) -> DecisionLog:
    """Read the decisions out of the file's text. A copy of an earlier one is not a decision."""
    found: list[Decision] = []
    ids: set[str] = set()
    problems: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        decision = parse_line(line)
        if decision is None or decision.id in ids:
            problems.append(f"_decisions.jsonl line {number} is not a decision; it is left out.")
        else:
            found.append(decision)
            if decision.id is not None:
                ids.add(decision.id)
    return DecisionLog(tuple(found), tuple(problems))


def parse_line(line: str) -> Decision | None:
    """Read one line; None if it is not a decision."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    try:
        kind = DecisionKind(str(values.get("kind")))
    except ValueError:
        return None
    texts = {name: text for name in _TEXTS if isinstance(text := values.get(name), str)}
    who, via = texts.pop("who", "") or "somebody", texts.pop("via", "") or "the file"
    return Decision(moment(values.get("at")), who, via, kind, **texts)


def is_marked(folder: SessionFolder, decision: Decision, key: bytes) -> bool:
    """Whether samobot wrote this decision, for this session."""
    if decision.mark is None or not decision.id:
        return False
    expected = _mark(folder, replace(decision, mark=None), key)
    return hmac.compare_digest(expected.encode(), decision.mark.encode("utf-8", "surrogateescape"))


def of_this_round(decisions: Sequence[Decision]) -> Sequence[Decision]:
    """Return the decisions since the user last asked for more after the session was done."""
    for index in range(len(decisions) - 1, -1, -1):
        if decisions[index].kind is DecisionKind.FOLLOW_UP:
            return decisions[index + 1 :]
    return decisions


def verdict(decisions: Sequence[Decision], plan: Plan) -> Decision | None:
    """Return this round's newest approval or rejection of exactly this content of the plan, or None."""
    newest: Decision | None = None
    for decision in of_this_round(decisions):
        about = decision.kind in (DecisionKind.APPROVAL, DecisionKind.REJECTION)
        if about and (decision.sha256 or "").strip().lower() == plan.sha256:
            newest = decision
    return newest


def approved(folder: SessionFolder, plan: Plan) -> bool:
    """Whether the newest decision about exactly this content of the plan is an approval.

    Raises:
        StorageError: The decisions cannot be read.
    """
    newest = verdict(read(folder).decisions, plan)
    return newest is not None and newest.kind is DecisionKind.APPROVAL


def load_key(state_dir: Path) -> bytes:
    """Return this machine's key for marks; made on first use, readable by its owner alone.

    Raises:
        StorageError: It cannot be made or read, or is damaged.
    """
    path = state_dir / _KEY_FILE
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make_key(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        key = bytes.fromhex((read_text(path) or "").strip())
    except OSError as error:
        raise StorageError(f"The key {path} cannot be made or read: {error.strerror}.") from error
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise StorageError(f"The key {path} is damaged; delete it, and a new one is made.")
    return key


def _make_key(path: Path) -> None:
    """Make the key beside its place and link it there: whoever comes second finds the first one's."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
    finally:
        draft.unlink()


def _mark(folder: SessionFolder, decision: Decision, key: bytes) -> str:
    values = {**_fields(decision), "session": folder.path.name}
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()


def _fields(decision: Decision) -> dict[str, Any]:
    values: dict[str, Any] = {
        "at": None if decision.at is None else stamp(decision.at),
        "who": decision.who,
        "via": decision.via,
        "kind": decision.kind.value,
        "question": decision.question,
        "asked": decision.asked,
        "text": decision.text,
        "file": decision.file,
        "sha256": decision.sha256,
        "commit": decision.commit,
        "rule": decision.rule,
        "id": decision.id,
        "mark": decision.mark,
    }
    return {key: value for key, value in values.items() if value is not None}
