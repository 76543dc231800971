"""What a session learned about its project, offered to be kept for later sessions."""

from __future__ import annotations

from samobot.fleet.models import SessionRef
from samobot.fleet.results import LessonsView
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, rows
from samobot.telegram.views.wording import Icon, agent_plain, headline, lines, quoted_lines
from samobot.text import plural


def lessons_message(ref: SessionRef, lessons: LessonsView) -> MessageView:
    """Show all that would be kept, whole and not rendered: what Markdown hides, such as a link's target, would be kept too."""
    shown = quoted_lines(*(f"· {escape(agent_plain(lesson))}" for lesson in lessons.new))
    keep = Action(do=ActionKind.KEEP_LESSONS, session=ref.key, identity=lessons.sha256)
    head = headline(
        Icon.DONE, ref, f"noted {plural(len(lessons.new), 'thing')} that later sessions could use"
    )
    return MessageView(lines(head, shown), rows(ActionButton("Keep for the project", keep, once=True)))
