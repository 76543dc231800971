"""Watches the pull requests of sessions and sends what is new about them to the chats.

What was seen is saved in the same transaction as the messages about it, so a restart neither loses nor repeats any.
What happens automatically (a round, a push) was chosen by the user, is saved before it is done, and is safe to repeat.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from datetime import datetime

from samobot.errors import NotFoundError, SamobotError
from samobot.fleet.fix_task import fix_task
from samobot.fleet.fleet import Fleet
from samobot.fleet.landing_models import OPENS, LandingStep, PullRequestReport
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.pull_request_news import News, NewsKind
from samobot.fleet.pull_request_watch import (
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    KeepFixing,
    PullRequestWatch,
    WatchStep,
    advance,
    fingerprint_of,
)
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.notify.notification import Importance
from samobot.telegram.notify.publisher import Publisher
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.notify.state import NotifiedState, new_remarks
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.store.watched_pull_requests import WatchedPullRequests
from samobot.telegram.views.buttons import MessageView
from samobot.telegram.views.landing_message import landing_message
from samobot.telegram.views.watch_message import attention_message, news_message
from samobot.telegram.views.wording import Icon, name_of

log = logging.getLogger(__name__)

_LOGS = 4
_QUIET = frozenset({NewsKind.RECOVERED, NewsKind.RETARGETED, NewsKind.REPLACED})


class PullRequestWatcher:
    """Looks at watched pull requests when they are due, one after another.

    Args:
        fleet: The sessions, and through them the forges.
        store: What was seen so far.
        publisher: Posts messages.
        recipients: Which chats follow which session.
        now: The clock, aware.
    """

    def __init__(
        self,
        fleet: Fleet,
        store: Store,
        publisher: Publisher,
        recipients: Recipients,
        now: Callable[[], datetime],
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._publisher = publisher
        self._recipients = recipients
        self._now = now
        self._looking = asyncio.Lock()
        self._held = set[str]()

    # Choices of the user -------------------------------------------------------------------------------------------

    def watch(self, ref: SessionRef) -> bool:
        """Watch a session's pull request, and look at it at once; whether it was not watched before."""
        saved = self._load(ref.key)
        watch = (
            saved.model_copy(update={"delay_s": FIRST_DELAY_S}) if saved is not None else PullRequestWatch()
        )
        self._save(ref.key, watch, 0.0)
        return saved is None

    def unwatch(self, ref: SessionRef) -> None:
        """No longer watch a session's pull request."""
        self._store.pull_requests.drop(ref.key)

    def keep_fixing(self, ref: SessionRef, choice: KeepFixing) -> None:
        """Fix red checks and push automatically from now on, within the limits of the choice."""
        watch = self._load(ref.key) or PullRequestWatch()
        self._save(ref.key, watch.model_copy(update={"keep": choice}), 0.0)

    @contextlib.contextmanager
    def held(self, ref: SessionRef) -> Iterator[None]:
        """Report nothing of a session's pull request meanwhile, so that a step's receipt comes before its consequences."""
        self._held.add(ref.key)
        try:
            yield
        finally:
            self._held.discard(ref.key)

    # Looking -------------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Look at everything that is due. Never raises."""
        async with self._looking:
            for session, due in self._store.pull_requests.all().items():
                try:
                    await self._look_at(session, due)
                except Exception:
                    log.exception("the pull request of %s could not be looked at", session)
                    self._postpone(session)

    async def _look_at(self, session: str, due: float) -> None:
        now = self._now().timestamp()
        # A clock that was set back must not end the watch.
        if now < due <= now + 2 * LONGEST_DELAY_S + FIRST_DELAY_S or session in self._held:
            return
        ref = SessionRef.from_key(session)
        try:
            view = await self._fleet.view(ref)
        except NotFoundError:
            self._forget(ref, "is archived or gone")
            return
        watch = self._load(session)
        if watch is None:
            return
        if watch.keep is not None and watch.keep.task:
            await self._begin_round(ref, watch, watch.keep)
            return
        try:
            report = await self._fleet.pull_request(ref)
        except NotFoundError:
            self._forget(ref, "has no branch here")
            return
        except SamobotError as error:
            log.warning("the pull request of %s cannot be read: %s", session, error.message)
            self._postpone(session)
            return
        if session in self._held:
            return  # it stays due
        done = view.state is SessionState.DONE
        await self._apply(ref, view, report, watch.keep, advance(watch, report, done=done, now=now), due)

    async def _apply(
        self,
        ref: SessionRef,
        view: SessionView,
        report: PullRequestReport,
        chosen: KeepFixing | None,
        step: WatchStep,
        due: float,
    ) -> None:
        """Make the messages of a look, then save it together with them; a choice made meanwhile stays.

        If it was due once more meanwhile, as `due` shows, it is looked at again at once.
        """
        watch, messages = step.watch, []
        for news in step.news:
            match news.kind:
                case NewsKind.ATTENTION:
                    logs = {each.name: await self._fleet.check_log(ref, each) for each in news.checks[:_LOGS]}
                    keep = self._next_round(watch.keep, view, news, fix_task(news, logs))
                    fixing = keep is not None and bool(keep.task)
                    messages.append((news, attention_message(ref, news, logs, keep, fixing=fixing)))
                    watch = watch.model_copy(update={"keep": keep})
                case NewsKind.READY:
                    shown = await self._ready(ref, report)
                    if shown is None:
                        watch = watch.model_copy(
                            update={"ready": ""}
                        )  # it has changed: another look will show it
                    else:
                        messages.append((news, shown))
                case NewsKind.AHEAD if watch.keep is not None and not news.text:
                    message, keep = await self._push(ref, report, watch.keep, news)
                    messages += [(news, message)] if message is not None else []
                    watch = watch.model_copy(update={"keep": keep})
                case NewsKind.AHEAD:
                    messages.append((news, news_message(ref, news, report.landing.offer(LandingStep.PUSH))))
                    watch = watch.model_copy(update={"keep": None})
                case _:
                    messages.append((news, news_message(ref, news)))
        with self._store.transaction(durable=True):
            saved = self._load(ref.key)
            if saved is None:
                return  # unwatched meanwhile
            if saved.keep != chosen:
                watch = watch.model_copy(update={"keep": saved.keep})
            for news, message in messages:
                watch = watch.model_copy(update={"posted": watch.posted + 1})
                loud = Importance.INFO if news.kind in _QUIET else Importance.ALERT
                self._post(ref, f"watch:{ref.key}:{news.number}:{watch.posted}", message, loud)
            if step.over:
                self._store.pull_requests.drop(ref.key)
            else:
                at_once = self._store.pull_requests.due(ref.key) != due or (watch.keep and watch.keep.task)
                self._save(ref.key, watch, 0.0 if at_once else watch.delay_s)

    async def _ready(self, ref: SessionRef, report: PullRequestReport) -> MessageView | None:
        """The steps as they are now, if the request is still the one that was found ready."""
        landing = await self._fleet.landing(ref)
        found, shown = report.landing.pull_request, landing.pull_request
        if found is None or shown is None or fingerprint_of(found) != fingerprint_of(shown):
            return None
        return landing_message(ref, landing)

    # What happens automatically ------------------------------------------------------------------------------------

    def _next_round(
        self, keep: KeepFixing | None, view: SessionView, news: News, task: str
    ) -> KeepFixing | None:
        """The user's choice with the next round to begin; None once it has reached one of its limits.

        Only red checks begin a round: a comment comes from anybody, so it takes a tap.
        """
        if keep is None or not news.checks or view.state is not SessionState.DONE:
            return keep
        if keep.rounds_left < 1 or view.cost_usd >= keep.limit_usd:
            return None
        task = task if not news.comments else fix_task(news.model_copy(update={"comments": ()}), {})
        return keep.model_copy(
            update={"rounds_left": keep.rounds_left - 1, "from_head": news.head, "task": task}
        )

    async def _begin_round(self, ref: SessionRef, watch: PullRequestWatch, keep: KeepFixing) -> None:
        """Begin a round that was announced; repeated after a crash, it begins once."""
        by = Person(f"{keep.who}, keep fixing", "auto")
        after: KeepFixing | None = keep.model_copy(update={"task": ""})
        message = None
        try:
            await self._fleet.follow_up(ref, keep.task, by, questions=False, budget_usd=keep.limit_usd)
        except SamobotError as error:
            after = None
            text = f"{Icon.LANDING} {name_of(ref)}: the round could not begin, and no further one does: {escape(error.message)}"
            message = MessageView(text)
        with self._store.transaction(durable=True):
            if self._store.pull_requests.get(ref.key) is None:
                return
            if message is not None:
                watch = watch.model_copy(update={"posted": watch.posted + 1})
                key = f"watch:{ref.key}:{watch.number}:{watch.posted}"
                self._post(ref, key, message, Importance.ALERT)
            self._save(ref.key, watch.model_copy(update={"keep": after}), FIRST_DELAY_S)

    async def _push(
        self, ref: SessionRef, report: PullRequestReport, keep: KeepFixing, news: News
    ) -> tuple[MessageView | None, KeepFixing | None]:
        """Push what a round has committed, exactly as it was read; a failure ends the automatic fixing.

        The push itself is reported from the journal, so a kill right after it loses nothing.
        """
        offer = report.landing.offer(LandingStep.PUSH)
        by = Person(f"{keep.who}, keep fixing", "auto")
        try:
            await self._fleet.refuse_in_panic()
            assert offer is not None  # an offer without refusal is what makes it pushable
            await self._fleet.land(ref, LandingStep.PUSH, by, expected=offer.identity)
        except SamobotError as error:
            refused = news.model_copy(update={"text": error.message})
            return news_message(ref, refused), None
        return None, keep.model_copy(update={"from_head": ""})

    # Storage ---------------------------------------------------------------------------------------------------------

    def _post(self, ref: SessionRef, key: str, message: MessageView, importance: Importance) -> None:
        for recipient in self._recipients.of(ref.key):
            self._publisher.post(recipient, key, message, MessageSubject(ref.key, "pull_request"), importance)

    def _forget(self, ref: SessionRef, why: str) -> None:
        watch = self._load(ref.key)
        with self._store.transaction(durable=True):
            if watch is not None and watch.number:
                text = f"{Icon.LANDING} {name_of(ref)} {why}; #{watch.number} is no longer watched."
                self._post(ref, f"watch:{ref.key}:{watch.number}:over", MessageView(text), Importance.INFO)
            self._store.pull_requests.drop(ref.key)

    def _load(self, session: str) -> PullRequestWatch | None:
        saved = self._store.pull_requests.get(session)
        return PullRequestWatch.model_validate_json(saved) if saved is not None else None

    def _save(self, session: str, watch: PullRequestWatch, delay_s: float) -> None:
        due = self._now().timestamp() + delay_s
        self._store.pull_requests.set(session, watch.model_dump_json(), due)

    def _postpone(self, session: str) -> None:
        watch = self._load(session)
        if watch is not None:
            slower = min(LONGEST_DELAY_S, watch.delay_s * 2)
            self._save(session, watch.model_copy(update={"delay_s": slower}), slower)


def mark_pull_request(
    watched: WatchedPullRequests, view: SessionView, sent: NotifiedState, before: SessionView | None
) -> None:
    """Mark a session's pull request as due, as part of the caller's transaction.

    Args:
        watched: The pull requests that are watched.
        view: The session as it is now.
        sent: What the chat was sent of it so far.
        before: The session as it was seen before; None right after the bot has started.
    """
    if any(remark.step in OPENS for remark in new_remarks(view, sent, "landing")):
        watched.hurry(view.ref.key, PullRequestWatch().model_dump_json())
    elif view.state is SessionState.DONE and (before is None or before.state is not SessionState.DONE):
        watched.hurry(view.ref.key)
