"""The end of a session in the chat: what was done, where it is, and what it took."""

from __future__ import annotations

from samobot.fleet.models import SessionView
from samobot.fleet.results import DiffView, Document
from samobot.review.notes import without_guide
from samobot.session.journal import RunEndReason
from samobot.telegram.markup.rich_text import RichText, escape
from samobot.telegram.markup.split import PHONE_LINE, beginning, file_name
from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, rows
from samobot.telegram.views.landing_message import land_button
from samobot.telegram.views.wording import (
    Icon,
    agent_block,
    agent_line,
    agent_rich,
    headline,
    in_phase,
    lines,
    money_of,
    paragraphs,
)
from samobot.text import human_duration, one_line, plural

_SUMMARY_LINES, _ON_SCREEN = 6, 8
"""Lines as written, and on a phone's screen: as long as a usual summary, which then needs no file of its own."""

_SUMMARY = _ON_SCREEN * PHONE_LINE
_MOST_READ = 3_000
_CUT = 2
_NAMES = 800
"""What `shorten` keeps for its sign."""


def done(view: SessionView, summary: str, diff: DiffView | None) -> MessageView:
    """Show that a session is done.

    Args:
        view: The session.
        summary: Its summary, Markdown; empty if the agent wrote none.
        diff: What its branch holds; None if it does not work in a repository.
    """
    words = summary_text(summary) or agent_block(view.summary or view.last_action or "", _SUMMARY)
    facts = lines(_branch(diff), _tests(view), _took(view))
    key = view.ref.key
    of_repository = (
        *((land_button(view.ref),) if diff is not None and diff.commits else ()),
        ActionButton("± Diff", Action(do=ActionKind.DIFF, session=key)),
        ActionButton("PR text", Action(do=ActionKind.PR_TEXT, session=key)),
    )
    buttons = (
        *(of_repository if diff is not None else ()),
        ActionButton("Timeline", Action(do=ActionKind.TIMELINE, session=key)),
        ActionButton("🔁 Follow up", Action(do=ActionKind.FOLLOW_UP, session=key)),
        ActionButton("📦 Archive", Action(do=ActionKind.ARCHIVE, session=key)),
    )
    return MessageView(paragraphs(lines(_done_line(view, diff), words), facts), rows(*buttons, width=2))


def _done_line(view: SessionView, diff: DiffView | None) -> str:
    """The first line: a session whose work is not all in commits is not plainly done."""
    if diff is not None and diff.unfinished:
        return headline(Icon.ERROR, view.ref, f"is done, but {diff.unfinished}")
    return headline(Icon.DONE, view.ref, "is done")


def summary_file(view: SessionView, document: Document) -> MessageView | None:
    """The whole summary as a document, if the message can show only its beginning."""
    rich = agent_rich(_body(document.text))
    if rich.units + _CUT <= _shown_units(rich):
        return None
    data = document.text.encode("utf-8", "replace")
    label = f"📎 {headline(Icon.DONE, view.ref)}: the whole summary"
    return MessageView(label, attachment=Attachment(file_name(f"summary {view.ref.name[:40]}"), data))


def review_file(view: SessionView, page: str) -> MessageView:
    """The review guide as a document."""
    return MessageView(
        f"{headline(Icon.DONE, view.ref)}: review guide", attachment=review_attachment(view.ref.name, page)
    )


def picture_message(view: SessionView, pictures: Attachment) -> MessageView:
    """A screenshot, or an album of them."""
    names = [name for name, _ in pictures.album] or [pictures.name]
    listed = agent_line(", ".join(names), _NAMES)
    return MessageView(f"{headline(Icon.DONE, view.ref)}: {listed}", attachment=pictures)


def review_attachment(name: str, page: str) -> Attachment:
    """A session's review guide as a file."""
    return Attachment(f"review-{name}.html", page.encode("utf-8", "replace"))


def stopped(view: SessionView, report: str) -> MessageView:
    """Show that the user stopped or paused a session; `report` has the details, as plain text."""
    key = view.ref.key
    buttons = (
        ActionButton("▶️ Resume", Action(do=ActionKind.RESUME, session=key), once=True),
        ActionButton("📦 Archive", Action(do=ActionKind.ARCHIVE, session=key)),
    )
    sign, words = (Icon.PAUSED, "is paused") if view.paused else (Icon.STOPPED, "is stopped")
    if was_decided(view):
        words, report = "stays paused", "Your decision is saved. Resume continues it."
    head = headline(sign, view.ref, words)
    where = f"{in_phase(view.phase).capitalize()}, after {plural(view.iteration, 'iteration')}" + (
        f" · {money_of(view)}" if view.cost_usd else ""
    )
    return MessageView(
        lines(head, escape(one_line(report, 600)), escape(where.removeprefix(", "))), (buttons,)
    )


def was_decided(view: SessionView) -> bool:
    """Whether it was asked to pause, then waited for a decision, and has it now."""
    return view.paused and view.end is not None and view.end.reason is RunEndReason.WAITING


def summary_text(summary: str) -> str:
    """The beginning of a summary as HTML: its first words, without its title."""
    body = _body(without_guide(summary))[:_MOST_READ]
    return agent_block(body, _shown_units(agent_rich(body)))


def _shown_units(rich: RichText) -> int:
    """How much of a summary the message shows: with its facts it should not fill more than a phone's screen."""
    first = RichText("\n".join(rich.text.split("\n")[:_SUMMARY_LINES]))
    return max(16, beginning(first, _ON_SCREEN) + _CUT)


def _body(summary: str) -> str:
    found = summary.strip().split("\n")
    while found and (not found[0].strip() or found[0].startswith("#")):
        del found[0]
    return "\n".join(found)


def _branch(diff: DiffView | None) -> str:
    if diff is None:
        return ""
    facts = [
        f"⎇ {agent_line(diff.branch or 'no branch', 80)}",
        plural(diff.commits, "commit"),
        f"{plural(len(diff.files), 'file')}, +{diff.added:,} −{diff.removed:,}",
    ]
    if diff.uncommitted:
        facts.append(f"{diff.uncommitted} not committed")
    return " · ".join(facts)


def _tests(view: SessionView) -> str:
    """The figures that the agent reported in its signal; nothing is read out of its prose."""
    tests = view.tests
    if tests is None:
        return ""
    if tests.failed:
        return f"✗ {tests.failed:,} of {plural(tests.passed + tests.failed, 'test')} failing"
    return f"✓ {plural(tests.passed, 'test')}"


def _took(view: SessionView) -> str:
    facts = []
    if view.duration_s >= 1:
        waited = f", of which {human_duration(view.waited_s)} waiting for you" if view.waited_s >= 60 else ""
        facts.append(f"{human_duration(view.duration_s)}{waited}")
    if view.iteration:
        facts.append(plural(view.iteration, "iteration"))
    if view.cost_usd:
        facts.append(money_of(view))
    return escape(" · ".join(facts))
