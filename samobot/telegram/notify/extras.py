"""What a new message needs besides the view of a session: read only when there is such a message."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from samobot.errors import SamobotError
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.results import DiffView, Document, FileView, LessonsView, UntrustedView
from samobot.review.facts import ReviewFacts
from samobot.session.gate import Person
from samobot.telegram.notify.notification import NotificationInput, need_key
from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.store.bot_store import Store
from samobot.telegram.views.pending import NeedKind
from samobot.telegram.views.plan_view import changes

log = logging.getLogger(__name__)

_Read = TypeVar("_Read")


class Sessions(Protocol):
    """The fleet's methods that the notifier needs."""

    async def view(self, ref: SessionRef) -> SessionView:
        """One session as it is now; `NotFoundError` if it is gone."""

    async def mark_past(self, keys: list[str]) -> list[PastSession]:
        """Keep no more than a line of sessions until something happens to them."""

    async def is_archived(self, ref: SessionRef) -> bool:
        """Whether one that is gone is in the archive."""

    async def plan_text(self, ref: SessionRef) -> Document:
        """The newest plan."""

    async def summary_text(self, ref: SessionRef) -> Document | None:
        """The agent's summary."""

    async def review(self, ref: SessionRef) -> ReviewFacts:
        """What the review guide shows."""

    async def lessons(self, ref: SessionRef) -> LessonsView:
        """What the session learned about its project."""

    async def untrusted(self, ref: SessionRef) -> list[UntrustedView]:
        """What of its project is not used."""

    async def pictures(self, ref: SessionRef) -> list[FileView]:
        """The screenshots that its agents want to be seen."""

    async def file(self, ref: SessionRef, name: str) -> bytes:
        """One of them."""

    async def ask_text(self, ref: SessionRef, ask: str) -> Document:
        """The whole of a call that is asked for."""

    async def diff(self, ref: SessionRef) -> DiffView:
        """The changes of the branch."""

    async def last_message(self, ref: SessionRef) -> str:
        """The agent's last message."""

    async def accept_suggestions(
        self, ref: SessionRef, by: Person, *, expected: Sequence[str] | None = None
    ) -> object:
        """Answer every open question with its suggestion."""

    async def approve(self, ref: SessionRef, by: Person, *, expected: str | None = None) -> None:
        """Approve the plan."""


class ExtraReader:
    """Reads what new messages need, and keeps the plans that were shown to compare the next one with.

    Args:
        fleet: The sessions.
        store: Where the plans are kept.
        mask: Masks the secrets in every text of a JSON value.
    """

    def __init__(self, fleet: Sessions, store: Store, mask: Callable[[Any], Any]) -> None:
        self._fleet = fleet
        self._mask = mask
        self._store = store

    async def read(self, change: NotificationInput) -> NotificationInput:
        """Add what new messages need. What cannot be read is left out: the notification matters more."""
        ref, after, extras, need = change.view.ref, change.after, change.extras, change.need
        try:
            if change.new_untrusted:
                found = await _or_none(ref, self._fleet.untrusted(ref))
                open_items = None if found is None else tuple(each for each in found if not each.left_out)
                extras = replace(extras, untrusted=open_items)
            if change.new_plan:
                document = await self._fleet.plan_text(ref)
                earlier = self._store.plans.get(ref.key) if change.before.plans else None
                changed = await asyncio.to_thread(changes, earlier, document.text) if earlier else ""
                extras = replace(extras, plan=document)
                after = after.model_copy(update={"plan_changes": changed})
            if need is not None and need.kind is NeedKind.BLOCK and need_key(need.name) not in after.posted:
                extras = replace(extras, said=await self._fleet.last_message(ref))
            long = [ask.id for ask in change.new_asks if ask.is_clipped]
            if long:
                extras = replace(extras, asks={ask: await self._fleet.ask_text(ref, ask) for ask in long})
            if change.newly_done:
                extras = replace(extras, summary=await self._fleet.summary_text(ref))
                extras = replace(
                    extras,
                    lessons=await _or_none(ref, self._fleet.lessons(ref)),
                    pictures=await _or_none(ref, self._pictures(ref)) or (),
                    review=await _or_none(ref, self._review(ref)) or "",
                )
                extras = replace(extras, diff=await self._fleet.diff(ref))
        except SamobotError as error:
            log.info("%s: %s", ref.key, error.message)
        return replace(change, extras=extras, after=after)

    async def _pictures(self, ref: SessionRef) -> tuple[Attachment, ...]:
        listed = await self._fleet.pictures(ref)
        return tuple(
            [Attachment(each.name, await self._fleet.file(ref, each.name), photo=True) for each in listed]
        )

    async def _review(self, ref: SessionRef) -> str:
        """The page; secrets are masked before its markup could hide them."""
        from samobot.review.page import review_page  # takes memory

        facts = await self._fleet.review(ref)
        return await asyncio.to_thread(lambda: review_page(facts.masked(self._mask)))

    def keep(self, change: NotificationInput) -> None:
        """Keep the plan that is shown now; part of the transaction that shows it."""
        if change.new_plan and change.extras.plan is not None:
            self._store.plans.set(change.view.ref.key, change.extras.plan.text)

    def forget(self, session: str) -> None:
        """Forget the plan of a session that is gone."""
        self._store.plans.drop(session)


async def _or_none(ref: SessionRef, reading: Awaitable[_Read]) -> _Read | None:
    """Read something that the others do not depend on; None if it cannot be read."""
    try:
        return await reading
    except SamobotError as error:
        log.info("%s: %s", ref.key, error.message)
        return None
