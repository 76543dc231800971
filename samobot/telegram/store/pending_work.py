"""What a handler has begun and not finished: prompts, background tasks, phases to pause after."""

from __future__ import annotations

import json
from typing import Any

from samobot.frozen import frozen
from samobot.telegram.store.database import Database


@frozen
class OpenPrompt:
    """A text that a user was asked for.

    Attributes:
        action: The action that the text completes, as JSON object.
        message_key: The outbox key of the message that asked.
        at: When it was asked, epoch seconds.
        text: What was asked, without formatting.
    """

    action: dict[str, Any]
    message_key: str
    at: float
    text: str = ""


class OpenPrompts:
    """The newest open prompt of each user in each chat."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, chat_id: int, user_id: int) -> OpenPrompt | None:
        """Return the open prompt of a user."""
        row = self._database.row(
            "SELECT * FROM prompts WHERE chat_id = ? AND user_id = ?", (chat_id, user_id)
        )
        if row is None:
            return None
        return OpenPrompt(json.loads(row["action"]), row["message_key"], row["at"], row["text"])

    def set(
        self, chat_id: int, user_id: int, action: dict[str, Any], message_key: str, text: str = ""
    ) -> None:
        """Open a prompt; an earlier one of the same user is replaced."""
        self._database.execute(
            "INSERT OR REPLACE INTO prompts (chat_id, user_id, action, message_key, at, text) VALUES (?, ?, ?, ?, ?, ?)",
            (chat_id, user_id, json.dumps(action), message_key, self._database.clock(), text),
            durable=False,
        )

    def drop(self, chat_id: int, user_id: int) -> None:
        """Close the open prompt of a user."""
        self._database.execute(
            "DELETE FROM prompts WHERE chat_id = ? AND user_id = ?", (chat_id, user_id), durable=False
        )


@frozen
class BackgroundTask:
    """A command whose work was begun in the background.

    Attributes:
        command: The command that does it.
        request: The request it is done for, as JSON object.
    """

    command: str
    request: dict[str, Any]


class BackgroundTasks:
    """Commands to be run again at the next start if the bot dies before they end, by request key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[BackgroundTask, ...]:
        """Return the tasks in the order in which they were begun."""
        rows = self._database.rows("SELECT command, request FROM background_tasks ORDER BY at, key")
        return tuple(BackgroundTask(row["command"], json.loads(row["request"])) for row in rows)

    def has(self, key: str) -> bool:
        """Return whether a task of this key is not finished."""
        return self._database.row("SELECT 1 FROM background_tasks WHERE key = ?", (key,)) is not None

    def command_of(self, key: str) -> str | None:
        """Return the command of the unfinished task of this key."""
        row = self._database.row("SELECT command FROM background_tasks WHERE key = ?", (key,))
        return str(row["command"]) if row is not None else None

    def set(self, key: str, task: BackgroundTask) -> None:
        """Save a task that begins now."""
        self._database.execute(
            "INSERT OR REPLACE INTO background_tasks (key, command, request, at) VALUES (?, ?, ?, ?)",
            (key, task.command, json.dumps(task.request), self._database.clock()),
            durable=True,
        )

    def drop(self, key: str) -> None:
        """Delete a task that has ended."""
        self._database.execute("DELETE FROM background_tasks WHERE key = ?", (key,), durable=False)


class PhaseLimits:
    """The phase after which a session pauses, by session key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, str]:
        """Return the phase of each session that has one."""
        rows = self._database.rows("SELECT session, phase FROM phase_limits")
        return {row["session"]: row["phase"] for row in rows}

    def set(self, session: str, phase: str) -> None:
        """Let a session pause after a phase."""
        self._database.execute(
            "INSERT OR REPLACE INTO phase_limits (session, phase) VALUES (?, ?)",
            (session, phase),
            durable=True,
        )

    def drop(self, session: str) -> None:
        """Delete the limit of a session."""
        self._database.execute("DELETE FROM phase_limits WHERE session = ?", (session,), durable=True)
