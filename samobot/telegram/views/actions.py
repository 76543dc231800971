"""What a button stands for. The table of callback ids keeps it as JSON; the handlers carry it out."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from samobot.telegram.store.file_refs import FileRef


class ActionKind(StrEnum):
    """What a tap asks for."""

    ANSWER = "answer"
    OTHER_ANSWER = "other_answer"
    CHANGE_ANSWER = "change_answer"
    ACCEPT_SUGGESTIONS = "accept_suggestions"
    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    SHOW_PLAN = "show_plan"
    ALLOW_ONCE = "allow_once"
    ALLOW_SESSION = "allow_session"
    DENY = "deny"
    DENY_SAY = "deny_say"
    WITHDRAW_PERMISSION = "withdraw_permission"
    ACTION_DONE = "action_done"
    RETRY = "retry"
    GUIDANCE = "guidance"
    INTERRUPT = "interrupt"
    STOP = "stop"
    CONFIRM_STOP = "confirm_stop"
    PAUSE = "pause"
    RESUME = "resume"
    RECREATE_WORKTREE = "recreate_worktree"
    ADD_BUDGET = "add_budget"
    FINISH_PHASE = "finish_phase"
    LOG = "log"
    DIFF = "diff"
    FILES = "files"
    KEEP_LESSONS = "keep_lessons"
    TRUST = "trust"
    LEAVE_OUT = "leave_out"
    PR_TEXT = "pr_text"
    TIMELINE = "timeline"
    ARCHIVE = "archive"
    LAND = "land"
    FOLLOW_UP = "follow_up"
    FIX = "fix"
    KEEP_FIXING = "keep_fixing"
    WATCH = "watch"
    IGNORE = "ignore"
    OPEN = "open"
    """Open the web page in `text`; Telegram does that, so no tap arrives."""
    STATUS = "status"
    SILENCE = "silence"
    AUTO_OFF = "auto_off"
    PICK_PROJECT = "pick_project"
    PICK_SESSION = "pick_session"
    RUN_STALE = "run_stale"
    ASIDE = "aside"
    SAY = "say"
    CANCEL = "cancel"


class Action(BaseModel):
    """One meaning of a button.

    Attributes:
        do: What it asks for.
        session: Key of the session it is about (`project:folder`).
        question: Index of a question.
        identity: Fingerprint of that question, or the digest of the plan, call or landing, as it was shown.
        letter: The option that is chosen.
        project: A project's name, if one is picked.
        command: The command that continues once something was picked, with its arguments so far.
        text: Text that belongs to it, such as the task of a run whose project is asked for, or the answer that
            stood when another one was asked for.
        usd: US dollars, if a budget is raised.
        files: Files of the message that led to the button; they go where its text goes.
        about: The subject of the message that a text replied to, as JSON object; with `SAY`.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    do: ActionKind
    session: str | None = None
    question: int | None = None
    identity: str | None = None
    letter: str | None = None
    project: str | None = None
    command: str | None = None
    text: str | None = None
    usd: float | None = None
    files: tuple[FileRef, ...] | None = None
    about: dict[str, Any] | None = None
