"""What every handler has at hand: who asks for what, the sessions, and the ways to answer."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from samobot.errors import SamobotError, SavedForHostError, SessionDoneError, StorageError
from samobot.fleet.fleet import Fleet
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.schedules import Schedules
from samobot.fleet.triggers import Triggers
from samobot.system.transcription import Transcriber
from samobot.telegram.handlers.background_work import BackgroundWork
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.markup.html import with_commands_as_code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.markup.split import split_html
from samobot.telegram.notify.fleet_news import decision_key
from samobot.telegram.notify.forum_topics import Topics
from samobot.telegram.notify.notifier import Notifier
from samobot.telegram.notify.publisher import Publisher, scope_of
from samobot.telegram.notify.pull_requests import PullRequestWatcher
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.outbound.downloads import FileDownloads
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.file_refs import FileRef
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, Rows, keyboard
from samobot.text import one_line

log = logging.getLogger(__name__)


TOAST = 190
"""Characters of an answer to a tap; Telegram takes 200."""

_ANSWERED_KEPT = 256
_OURS = "Internal error; details are in the log. Nothing was decided."


def choice(label: str, action: Action) -> ActionButton:
    """A button that answers a question: once it is tapped, it and those beside it are used up."""
    return ActionButton(label, action, once=True)


class HandlerContext:
    """What handlers share: the sessions, the bot's state, and the ways to reply.

    Args:
        fleet: The sessions.
        store: The bot's own state.
        outbox: The way out.
        notifier: Sends what has changed to the chats.
        places: Which chats get the messages of which session.
        now: The clock, aware.
        downloads: Fetches files from Telegram.
        transcriber: Turns voice messages into text.
        topics: The topics of sessions.
        schedules: What starts at a time.
        triggers: What is offered from forges.
    """

    def __init__(
        self,
        fleet: Fleet,
        store: Store,
        outbox: Outbox,
        notifier: Notifier,
        places: Recipients,
        now: Callable[[], datetime],
        downloads: FileDownloads,
        transcriber: Transcriber,
        topics: Topics,
        schedules: Schedules,
        triggers: Triggers,
    ) -> None:
        self.fleet = fleet
        self.store = store
        self.outbox = outbox
        self.notifier = notifier
        self.places = places
        self.now = now
        self.downloads = downloads
        self.transcriber = transcriber
        self.publisher = Publisher(store, outbox)
        self.pull_requests = PullRequestWatcher(fleet, store, self.publisher, places, now)
        self.topics = topics
        self.schedules = schedules
        self.triggers = triggers
        self.background = BackgroundWork(store.tasks, self.fail)
        self._answered: deque[str] = deque(maxlen=_ANSWERED_KEPT)

    # Answers -------------------------------------------------------------------------------------------------

    def reply(
        self,
        request: ChatRequest,
        html: str,
        *,
        buttons: Rows = (),
        about: MessageSubject | None = None,
        part: str = "",
        attachment: Attachment | None = None,
        silent: bool = True,
        priority: Priority = Priority.RECEIPT,
    ) -> None:
        """Answer with a message; a long one becomes several.

        Args:
            request: What is answered. Handled again after a crash, it is not answered again.
            html: Telegram HTML of any length; with an attachment at most a caption.
            buttons: What it offers.
            about: What the answer is about, so that a reply to it finds its session.
            part: Names the answer if there are several.
            attachment: A file that goes with it.
            silent: Whether it comes without a sound.
            priority: `EFFECT` for what a command has done, so that nothing that follows from it overtakes it; `NEEDED`
                where it must not be lost either.
        """
        pieces = [html] if attachment else split_html(self.outbox.mask(html))
        last_key = f"reply:{request.key}:{part}:{len(pieces) - 1}"
        markup = self.keyboard(scope_of(request.chat_id, last_key), _with_files(buttons, request.files))
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            self.outbox.post(
                request.chat_id,
                piece,
                key=f"reply:{request.key}:{part}:{number}",
                about=about,
                priority=priority,
                markup=markup if last else None,
                silent=silent,
                thread_id=request.thread_id,
                reply_to=self._replied(request),
                attachment=attachment,
            )

    def toast(self, request: ChatRequest, text: str = "", *, alert: bool = False) -> None:
        """Answer a tap, unless it was answered before; nothing is done for a message."""
        if request.query_id is not None and self._answers(request.query_id):
            self.outbox.answer(request.query_id, one_line(text, TOAST), alert=alert)

    def receipt(
        self,
        request: ChatRequest,
        emoji: str = "👍",
        toast: str = "",
        *,
        session: str | None = None,
        priority: Priority = Priority.EFFECT,
    ) -> None:
        """Acknowledge silently: a reaction on a message, a toast for a callback query.

        Args:
            request: What was acted on; a later edit of the message comes too late.
            emoji: The reaction.
            toast: The answer to a callback query.
            session: Key of the session, if the request does not say.
            priority: `RECEIPT` for what changes nothing yet, such as guidance, of which there may be much.
        """
        if request.query_id is not None:
            self.toast(request, toast)
        elif request.message_id:  # a schedule's start has no message
            try:
                with self.store.transaction(durable=False):
                    self.store.acted.add(request.chat_id, request.message_id, session or request.session)
                    self.outbox.react(request.chat_id, request.message_id, emoji, priority=priority)
            except StorageError as error:
                log.error("an edit of %s would be used again: %s", request.key, error.message)
                self.outbox.react(request.chat_id, request.message_id, emoji, priority=priority)

    async def acknowledge(
        self, request: ChatRequest, ref: SessionRef, emoji: str, toast: str
    ) -> SessionView | None:
        """Send a receipt and what a decision has changed; a tap is answered before that is read.

        Args:
            request: What was decided.
            ref: The session.
            emoji: The reaction, as for `receipt`.
            toast: The answer to a callback query.

        Returns:
            The session as it was read; None if it could not be read.
        """
        if request.query_id is not None:
            self.toast(request, toast)
            return await self.notifier.refresh(ref)
        return await self.notifier.refresh(ref, receipt=lambda: self.receipt(request, emoji, session=ref.key))

    def fail(self, request: ChatRequest, error: Exception) -> None:
        """Report an error in one line; details of internal errors are in the log."""
        if isinstance(error, SavedForHostError):
            self.show_saved(request, error)
            return
        if isinstance(error, SamobotError):
            words = _refusal(error, request)
            log.info("refused (%s): %s", request.key, words)
        else:
            words = _OURS
            log.error("handling of %s", request.key, exc_info=error)
        internal = isinstance(error, StorageError) or not isinstance(error, SamobotError)
        message = f"⚠️ {words}" if internal else words
        fits = len(words) <= TOAST
        if request.query_id is not None and fits and self._answers(request.query_id):
            words = one_line(words, TOAST)
            self.outbox.answer(
                request.query_id, words, alert=True, missed=lambda: self._reply_error(request, message)
            )
            return
        self.toast(request)
        self._reply_error(request, message)

    def _answers(self, query_id: str) -> bool:
        """Whether a callback query may still be answered: true once for each, as Telegram takes one answer."""
        if query_id in self._answered:
            return False
        self._answered.append(query_id)
        return True

    def show_saved(self, request: ChatRequest, error: SavedForHostError) -> None:
        """Show that a decision waits for its host; the message changes once that has carried it out."""
        self.toast(request)
        self.outbox.post(
            request.chat_id,
            f"🕓 {escape(error.message)}",
            key=decision_key(error.decision),
            priority=Priority.EFFECT,
            silent=True,
            thread_id=request.thread_id,
            reply_to=self._replied(request),
        )

    def _reply_error(self, request: ChatRequest, message: str) -> None:
        self.reply(request, with_commands_as_code(message), part="error")

    def keyboard(self, scope: str, buttons: Rows) -> dict[str, Any] | None:
        """Make buttons of a scope (see `CallbackIds.mint`); None if there are none."""
        # One transaction for all: a commit for each takes longer than the rest.
        with self.store.transaction(durable=False):
            return keyboard(self.store.callbacks, buttons, scope)

    def _replied(self, request: ChatRequest) -> int | None:
        """In a group an answer shows whom it answers."""
        return request.message_id if request.chat_id < 0 and request.query_id is None else None


def _with_files(buttons: Rows, files: tuple[FileRef, ...]) -> Rows:
    """Let the files of a message go with whatever its text is used for."""
    if not files:
        return buttons
    return tuple(
        tuple(
            replace(button, action=button.action.model_copy(update={"files": files}))
            if isinstance(button, ActionButton) and button.action.do is not ActionKind.CANCEL
            else button
            for button in row
        )
        for row in buttons
    )


def about_session(ref: SessionRef, kind: str = "note", **detail: Any) -> MessageSubject:
    """What a message about a session is about."""
    return MessageSubject(ref.key, kind, detail)


def _refusal(error: SamobotError, request: ChatRequest) -> str:
    if isinstance(error, SessionDoneError) and request.query_id is None:
        return f"{error.session} is done, so your message was not used. /run starts a new session."
    return error.message
