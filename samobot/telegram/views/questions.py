"""The agent's questions in the chat: one message each, which after the answer shows what was chosen and by whom."""

from __future__ import annotations

from datetime import datetime

from samobot.fleet.models import SessionView
from samobot.session.question import Question
from samobot.session.status import SessionState
from samobot.telegram.markup.disguise import unstyled
from samobot.telegram.markup.html import quote
from samobot.telegram.markup.rich_text import QUOTES, RichText, escape, visible
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import LABEL_CHARACTERS, ActionButton, MessageView, Rows, rows
from samobot.telegram.views.wording import (
    Icon,
    Recipient,
    agent_block,
    agent_inline,
    agent_line,
    agent_rich,
    decided_by,
    guarded,
    headline,
    lines,
    paragraphs,
    quoted_lines,
    time_of,
)
from samobot.text import clip, one_line, plural

_ASKED_AGAIN = 600
_MOST_OPTIONS = 40
_RECEIPT_LINES = 8
_ACCEPT_CHARACTERS = LABEL_CHARACTERS - len("✅ Accept “”")


def question_key(question: Question) -> str:
    """The key of a question's message: another text, or the same text at another position, has another key."""
    return f"question:{question.index}:{question.identity}"


def open_question(
    view: SessionView,
    question: Question,
    recipient: Recipient,
    now: datetime,
    *,
    auto_at: datetime | None = None,
) -> MessageView:
    """Show a question that waits for an answer.

    The first open one also offers to take all suggestions, and shows when that happens automatically.

    Args:
        view: The session.
        question: One of its questions; may be answered already, if the answer is to be changed.
        recipient: The chat.
        now: The time.
        auto_at: When the suggestions are taken automatically, if the session was started so.
    """
    waiting = view.open_questions
    first = bool(waiting) and waiting[0].index == question.index
    of = [each for each in view.questions if each.answer is None or _same_round(each, question)]
    number = 1 + next((i for i, each in enumerate(of) if each.index == question.index), 0)
    how_many = f" · {number} of {len(of)}" if len(of) > 1 else ""
    text = paragraphs(
        f"{headline(Icon.QUESTION, view.ref, 'asks')}{how_many}",
        agent_block(question.text) or quote(one_line(question.text) or "…"),
        quoted_lines(*(f"<b>{escape(each.letter)}</b>  {_option(each.text)}" for each in question.options)),
        _suggestion(question),
        _by_itself(auto_at, recipient, now) if first else "",
    )
    return MessageView(text, (*_options(view, question), *(_all(view, auto_at) if first else ())))


def answered_question(
    view: SessionView, question: Question, recipient: Recipient, today: datetime, *, changeable: bool
) -> MessageView:
    """Show what was answered, by whom and when.

    Args:
        view: The session.
        question: One of its questions, answered.
        recipient: The chat.
        today: When the question was shown; a time of another day comes with its date.
        changeable: Whether the agent has not taken it up yet.
    """
    text = lines(
        f"{headline(Icon.DECIDED, view.ref)} · question {question.number}",
        agent_block(question.text, _ASKED_AGAIN),
        f"→ {answer_html(question)}",
        escape(decided_by(question.by, question.via, question.at, recipient, today)),
    )
    if not changeable:
        return MessageView(text)
    action = Action(
        do=ActionKind.CHANGE_ANSWER,
        session=view.ref.key,
        question=question.index,
        identity=question.identity,
    )
    return MessageView(text, ((ActionButton("Change", action),),))


def answers_receipt(
    view: SessionView, questions: tuple[Question, ...], picked_up: int | None, *, over: bool
) -> MessageView:
    """List all answers of a round, once the last is given.

    Args:
        view: The session.
        questions: The questions of the round.
        picked_up: Number of the iteration that ended well with them; None while none has.
        over: Whether nothing more will be said about it.
    """
    shown = [
        f"{escape(question.label)}  {answer_line(question, 90)}" for question in questions[:_RECEIPT_LINES]
    ]
    more = len(questions) - len(shown)
    if picked_up is not None:
        last = f"✓ The agent has them, iteration {picked_up}."
    else:
        rests = view.state is SessionState.STOPPED
        goes_on = (view.wanted and not rests) or view.has_worker
        last = "" if over else "It continues automatically." if goes_on else "/resume continues it."
    return MessageView(
        lines(
            f"{headline(Icon.DECIDED, view.ref, 'has its answers')}",
            *shown,
            f"… and {more} more" if more > 0 else "",
            last,
        )
    )


def answer_html(question: Question) -> str:
    """An answer as HTML, readable: an option in its own words, anything else verbatim, both shortened."""
    letter, words = _chosen(question)
    if letter is not None:
        return f"<b>{escape(letter)}</b>  {agent_inline(words, 1000)}".rstrip()
    return escape(clip(words.strip(), 1500))


def answer_line(question: Question, limit: int) -> str:
    """An answer as one line of HTML: an option's text rendered, the user's own as it is."""
    letter, words = _chosen(question)
    if letter is not None:
        return f"<b>{escape(letter)}</b>  {agent_line(words, limit)}".rstrip()
    return escape(one_line(words, limit)) or "—"


def _chosen(question: Question) -> tuple[str | None, str]:
    """The letter of the option that was chosen and its text; None and the user's own text otherwise."""
    answer = question.answer or ""
    letters = [option.letter for option in question.options if answer.startswith(f"{option.letter})")]
    return (letters[0], answer.removeprefix(f"{letters[0]})").strip()) if letters else (None, answer)


def can_be_suggested(view: SessionView) -> bool:
    """Whether every open question comes with a suggestion, so that all can be answered automatically."""
    waiting = view.open_questions
    return bool(waiting) and all(question.suggested_answer for question in waiting)


def _options(view: SessionView, question: Question) -> Rows:
    buttons = []
    for option in question.options[:_MOST_OPTIONS]:
        star = " ★" if option.letter == question.suggestion else ""
        action = _action(view, question, ActionKind.ANSWER, option.letter)
        buttons.append(ActionButton(f"{option.letter}{star}", action, once=True))
    accept: Rows = ()
    if question.reason and question.suggestion is None:
        label = f"✅ Accept “{one_line(agent_rich(question.reason).text, _ACCEPT_CHARACTERS)}”"
        action = _action(view, question, ActionKind.ANSWER, text=question.reason)
        accept = ((ActionButton(label, action, once=True),),)
    other = "✍️ Other" if question.options else "✍️ Answer"
    buttons.append(ActionButton(other, _action(view, question, ActionKind.OTHER_ANSWER)))
    if question.answer is not None:
        buttons.append(ActionButton("↩️ Keep", _action(view, question, ActionKind.CANCEL)))
    return (*accept, *rows(*buttons))


def _all(view: SessionView, auto_at: datetime | None) -> Rows:
    waiting = view.open_questions
    offered = [question for question in waiting if question.suggested_answer]
    made: list[tuple[ActionButton, ...]] = []
    if len(offered) > 1:
        which = "all" if len(offered) == len(waiting) else "the"
        label = f"Accept {which} {plural(len(offered), 'suggestion')}"
        action = Action(do=ActionKind.ACCEPT_SUGGESTIONS, session=view.ref.key, identity=view.gate)
        made.append((ActionButton(label, action, once=True),))
    if auto_at is not None:
        action = Action(do=ActionKind.AUTO_OFF, session=view.ref.key, identity=view.gate)
        made.append((ActionButton("✋ Wait for me", action),))
    return tuple(made)


def _action(
    view: SessionView,
    question: Question,
    kind: ActionKind,
    letter: str | None = None,
    text: str | None = None,
) -> Action:
    return Action(
        do=kind,
        session=view.ref.key,
        question=question.index,
        identity=question.identity,
        letter=letter,
        text=text,
    )


def _suggestion(question: Question) -> str:
    reason = agent_inline(question.reason, 800)
    reason = f" {reason}" if reason and not reason.startswith("\n") else reason
    if question.suggestion:
        return f"💡 It suggests {escape(question.suggestion)}{':' if reason else ''}{reason}"
    return f"💡 It suggests:{reason}" if reason else ""


def _by_itself(auto_at: datetime | None, recipient: Recipient, now: datetime) -> str:
    if auto_at is None:
        return ""
    return f"⏱ The suggestions are taken at {time_of(auto_at, recipient, now)} unless you say otherwise."


def _option(markdown: str) -> str:
    """An option whole, its further lines indented, so that none passes for another option."""
    rich = agent_rich(markdown)
    if not visible(rich.text):
        return escape(one_line(markdown) or "…")
    if "\n" not in rich.text:
        return RichText(rich.text, tuple(span for span in rich.spans if span.style not in QUOTES)).html()
    first, *more = unstyled(rich).split("\n")
    return "\n".join([escape(first), *(f"    {escape(guarded(line))}" for line in more if line.strip())])


def _same_round(one: Question, other: Question) -> bool:
    return one.round == other.round
