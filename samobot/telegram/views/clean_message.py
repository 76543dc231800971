"""What is left of sessions that are over, in the chat."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from samobot.fleet.landing_models import Leftover
from samobot.telegram.markup.html import bold, code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, rows
from samobot.telegram.views.wording import agent_plain, lines, name_of
from samobot.text import human_size, plural

_SHOWN = 8


class Removals(BaseModel):
    """What a tap removes, exactly as it was shown; as JSON the argument of `/clean`.

    Attributes:
        shown: Key and identity of each.
        anyway: Whether it was named although something is lost with it.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    shown: tuple[tuple[str, str], ...]
    anyway: bool = False


def clean_message(found: Sequence[Leftover]) -> MessageView:
    """List what can be removed, with one button for all that is safe, and what stays unless it is named."""
    safe = [each for each in found if each.is_safe]
    kept = [each for each in found if each.is_offered and not each.is_safe]
    size = human_size(sum(each.size for each in safe))
    head = f"{plural(len(safe), 'worktree')} to remove · {size}" if safe else "Nothing to remove"
    text = lines(
        bold(head),
        *(_line(each) for each in safe[:_SHOWN]),
        _more(safe),
        f"\nThese stay; {code('/clean name')} removes one:" if kept else "",
        *(_line(each) for each in kept[:_SHOWN]),
        _more(kept),
    )
    if not safe:
        return MessageView(text)
    return MessageView(text, rows(_remove(f"Remove {len(safe)} · {size}", safe), _cancel()))


def removal_message(left: Leftover) -> MessageView:
    """Show what would be removed, or lost, with one session that was named."""
    loses = f"This is lost: {left.lost}." if left.lost else ""
    text = lines(
        f"Remove the worktree of {name_of(left.session)} and its branch "
        f"{escape(agent_plain(left.branch, 80))}, {human_size(left.size)}?",
        escape(loses),
    )
    label = "Remove" if left.is_safe else "Remove anyway"
    return MessageView(text, rows(_remove(label, [left], anyway=not left.is_safe), _cancel()))


def _line(left: Leftover) -> str:
    over = "archived" if left.archived else "done"
    return f"{name_of(left.session)} · {over}, {left.state} · {human_size(left.size)}"


def _more(found: Sequence[Leftover]) -> str:
    return f"… and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""


def _remove(label: str, found: Sequence[Leftover], *, anyway: bool = False) -> ActionButton:
    wanted = Removals(shown=tuple((each.session.key, each.identity) for each in found), anyway=anyway)
    action = Action(do=ActionKind.PICK_SESSION, command="clean", text=wanted.model_dump_json())
    return ActionButton(label, action, once=True)


def _cancel() -> ActionButton:
    return ActionButton("Cancel", Action(do=ActionKind.CANCEL), once=True)
