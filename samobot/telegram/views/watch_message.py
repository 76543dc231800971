"""What is new about a watched pull request, in the chat."""

from __future__ import annotations

from collections.abc import Mapping

from samobot.fleet.fix_task import fix_task
from samobot.fleet.landing_models import LandingOffer
from samobot.fleet.models import SessionRef
from samobot.fleet.pull_request_news import News, NewsKind
from samobot.fleet.pull_request_watch import KeepFixing
from samobot.telegram.markup.html import bold, code, link
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, open_button, rows
from samobot.telegram.views.landing_message import land_button, landing_button
from samobot.telegram.views.wording import (
    Icon,
    agent_plain,
    agent_quote,
    lines,
    name_of,
    paragraphs,
    quoted_lines,
)
from samobot.text import human_money, one_line, plural

WATCH_ON = "on"
"""Text of a `WATCH` action that begins watching; any other ends it."""

_LOG_LINES, _LOG_LINE, _COMMENT = 6, 160, 700
_SHOWN_CHECKS = 6
_ID = 9


def attention_message(
    ref: SessionRef, news: News, logs: Mapping[str, str], keep: KeepFixing | None, *, fixing: bool
) -> MessageView:
    """Show red checks and comments, with what can be done about them.

    Args:
        ref: The session.
        news: The checks and comments.
        logs: Last lines of the checks' logs, by name.
        keep: What the user chose before.
        fixing: Whether a round begins automatically.
    """
    what = []
    if news.checks:
        what.append(f"{plural(len(news.checks), 'check')} failed")
    if news.comments:
        edited = sum(comment.edited for comment in news.comments)
        new = len(news.comments) - edited
        what += [plural(new, "new comment")] if new else []
        what += [plural(edited, "edited comment")] if edited else []
    parts = [f"{_head(ref, news)}: {_listed(what)}, at {code(news.head[:_ID])}"]
    for check in news.checks[:_SHOWN_CHECKS]:
        name = agent_plain(check.name, 60)
        title = link(name, check.url) if check.url else escape(name)
        shown = [line for line in logs.get(check.name, "").splitlines() if line.strip()][-_LOG_LINES:]
        quoted = quoted_lines(*(escape(agent_plain(line, _LOG_LINE)) for line in shown))
        parts.append(lines(f"✗ {title}", quoted or "Its log is not available."))
    if len(news.checks) > _SHOWN_CHECKS:
        parts.append(f"… and {len(news.checks) - _SHOWN_CHECKS} more failed checks")
    for comment in news.comments:
        path = f" on {code(agent_plain(comment.path, 80))}" if comment.path else ""
        line = f", line {comment.line}" if comment.line is not None else ""
        who = bold(agent_plain(comment.author, 40))
        edit = " edited" if comment.edited else ""
        parts.append(lines(f"{who}{edit}{path}{line}:", agent_quote(comment.text, _COMMENT) or "(no text)"))
    if fixing and keep is not None:
        parts.append(
            f"Another round begins automatically, as {escape(one_line(keep.who, 60))} chose; {plural(keep.rounds_left, 'more round')} "
            f"may follow, up to {human_money(keep.limit_usd)} for the session."
        )
        return MessageView(paragraphs(*parts), rows(watch_button(ref, "Stop watching", on=False)))
    task = fix_task(news, dict(logs))
    fix = Action(do=ActionKind.FIX, session=ref.key, text=task)
    buttons = [ActionButton("🔁 Let it fix", fix, once=True)]
    if news.checks:
        keep_fixing = Action(do=ActionKind.KEEP_FIXING, session=ref.key, text=task, identity=news.head)
        buttons.append(ActionButton("Keep fixing until green", keep_fixing, once=True))
    buttons.append(ActionButton("Ignore", Action(do=ActionKind.IGNORE, session=ref.key), once=True))
    buttons += open_button(news.url)
    return MessageView(paragraphs(*parts), rows(*buttons, width=2))


def news_message(ref: SessionRef, news: News, push: LandingOffer | None = None) -> MessageView:
    """Show any other news of a pull request.

    Args:
        ref: The session.
        news: What is new.
        push: The offer to push, if there are unpushed commits.
    """
    head, at = _head(ref, news), code(news.head[:_ID])
    land = land_button(ref, "🔀 Show")
    match news.kind:
        case NewsKind.AHEAD if not news.text and push is not None:
            text = f"{head}: the session has finished at {at}, which is not pushed yet."
            return MessageView(text, rows(landing_button(ref, push), land))
        case NewsKind.AHEAD:
            text = (
                f"{head}: the session has finished at {at}, which cannot be pushed now: {escape(news.text)}"
            )
        case NewsKind.UNFIXED:
            text = f"{head}: the round committed nothing, so the failed checks stay. No further round begins automatically."
        case NewsKind.FOREIGN:
            text = f"{head} is now at {at}, which was never here: somebody else pushed. Nothing is merged or pushed over it."
        case NewsKind.RETARGETED:
            text = f"{head} goes into {code(one_line(news.text, 80))} now."
        case NewsKind.REPLACED:
            text = f"{head} is the newest pull request of the branch, after {escape(news.text)}."
        case NewsKind.MISSING:
            text = f"{head}: the forge lists no pull request of this branch now. It was renamed or deleted there; nothing is merged."
        case NewsKind.UNQUEUED:
            who, why = (news.removal.by, news.removal.reason) if news.removal is not None else ("", "")
            by = f" by {bold(agent_plain(who, 40))}" if who else ""
            reason = f": {escape(agent_plain(why, 200))}" if why else "; the forge does not say why"
            text = f"{head}, at {at}, was removed from the merge queue{by}{reason}. Nothing was merged."
        case NewsKind.MERGED:
            return MessageView(f"{head} is merged, at {at}.", rows(land_button(ref, "🧹 What is next")))
        case NewsKind.CLOSED:
            text = f"{head} was closed without a merge; it is no longer watched."
        case NewsKind.PROBLEM:
            text = lines(
                f"{head} cannot be read now; nothing is merged meanwhile. It is tried again.",
                quoted_lines(escape(agent_plain(news.text, 300))),
            )
            return MessageView(text, rows(watch_button(ref, "Stop watching", on=False)))
        case _:
            text = f"{head} can be read again."
    return MessageView(text, rows(land))


def watch_button(ref: SessionRef, label: str, *, on: bool) -> ActionButton:
    """A button that begins or ends watching a session's pull request."""
    return ActionButton(label, Action(do=ActionKind.WATCH, session=ref.key, text=WATCH_ON if on else None))


def _listed(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _head(ref: SessionRef, news: News) -> str:
    if not news.number:  # it could not be read since it was opened
        return f"{Icon.LANDING} {name_of(ref)}: its pull request"
    number = link(f"#{news.number}", news.url) if news.url else f"#{news.number}"
    return f"{Icon.LANDING} {name_of(ref)} {number}"
