"""Triggers and what they have found, in the chat."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from samobot.fleet.forge import WorkSource
from samobot.fleet.triggers import Trigger, TriggerOffer
from samobot.telegram.markup.html import bold, code, link
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, rows
from samobot.telegram.views.wording import Icon, agent_plain, agent_quote, lines, quoted_lines
from samobot.text import one_line, plural

_TEXT = 500


class TriggerOperation(StrEnum):
    """What a tap does with a trigger, or with what it has found."""

    DELETE = "delete"
    START = "start"
    IGNORE = "ignore"


class TriggerTap(BaseModel):
    """What a tap asks for; as JSON the argument of `/triggers`.

    Attributes:
        number: The trigger's number.
        do: What is done.
        item: With `START` and `IGNORE`: the id of what was found.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    number: int
    do: TriggerOperation
    item: str = ""


def trigger_list(triggers: Sequence[Trigger]) -> MessageView:
    """List the triggers, each with its button."""
    if not triggers:
        return MessageView(
            lines(
                "No triggers. An issue or a review at GitHub or GitLab can become an offer here:",
                code("/triggers issue samobot"),
                code("/triggers review"),
            )
        )
    text = lines(
        bold(plural(len(triggers), "trigger")), *(f"{each.number}. {_line(each)}" for each in triggers)
    )
    return MessageView(text, rows(*(_delete(each, f"🗑 Delete {each.number}") for each in triggers)))


def trigger_made(one: Trigger, *, by: str = "") -> MessageView:
    """Show a new trigger as it was understood.

    Args:
        one: The trigger.
        by: Who made it elsewhere; empty if it was made here.
    """
    who = f"{escape(one_line(by, 60))} made it in the terminal." if by else ""
    text = lines(f"{Icon.OFFER} {bold(f'Trigger {one.number}')}", _line(one), who)
    return MessageView(text, rows(_delete(one, "🗑 Delete", once=True)))


def offer_message(one: Trigger, offer: TriggerOffer, why: str = "") -> MessageView:
    """Offer to start a session for what was found.

    Args:
        one: The trigger.
        offer: What was found.
        why: Why it did not start, as a sentence; empty if it was not to.
    """
    item = offer.item
    what = "Issue" if one.source is WorkSource.ISSUE else "Review of"
    text = lines(
        f"{Icon.OFFER} {what} {link(f'#{item.number}', item.url)} · {escape(one.project)}, by {bold(agent_plain(item.author, 40))}",
        escape(agent_plain(item.title, 200)),
        agent_quote(item.text, _TEXT) if item.text.strip() else "",
        escape(why),
    )
    return MessageView(
        text,
        rows(
            _button("▶️ Start", one, TriggerOperation.START, item.id),
            _button("Ignore", one, TriggerOperation.IGNORE, item.id),
        ),
    )


def started_message(one: Trigger, offer: TriggerOffer, session: str) -> str:
    """Report that a session was started without asking."""
    number = link(f"#{offer.item.number}", offer.item.url)
    return f"{Icon.OFFER} {bold(session)} starts for {number}, by trigger {one.number}."


def problem_message(one: Trigger, problem: str) -> MessageView:
    """Report why a trigger cannot be looked at."""
    text = lines(
        f"{Icon.OFFER} {bold(f'Trigger {one.number}')} cannot be looked at now; it is tried again.",
        quoted_lines(escape(agent_plain(problem, 300))),
    )
    return MessageView(text, rows(_delete(one, "🗑 Delete")))


def skipped_message(one: Trigger) -> MessageView:
    """Report that not everything that was there already is offered."""
    return MessageView(
        f"{Icon.OFFER} {bold(f'Trigger {one.number}')}: {one.skipped} more were there already and are not offered."
    )


def _line(one: Trigger) -> str:
    how = "starts without asking" if one.starts else "asks first"
    return f"{escape(one.words)} · {escape(one.project)} · {how}"


def _delete(one: Trigger, label: str, *, once: bool = False) -> ActionButton:
    return _button(label, one, TriggerOperation.DELETE, once=once)


def _button(
    label: str, one: Trigger, do: TriggerOperation, item: str = "", *, once: bool = True
) -> ActionButton:
    tap = TriggerTap(number=one.number, do=do, item=item)
    action = Action(
        do=ActionKind.PICK_SESSION, command="triggers", text=tap.model_dump_json(exclude_defaults=True)
    )
    return ActionButton(label, action, once=once)
