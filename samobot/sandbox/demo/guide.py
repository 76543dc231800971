"""What a newcomer may do next: a pure look at a chat, for the guide of the web chat and of the terminal.

The guide goes by what people see (the signs that messages begin with, and their buttons), so it follows the bot
wherever the user takes it, and it does not know how the bot works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from enum import StrEnum

from samobot.frozen import frozen
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.keyboards import KeyboardButton

FIRST_MESSAGE = "/run greet: Add a greeting script"


class GuideSign(StrEnum):
    """The signs that the bot's messages begin with; each means one thing."""

    QUESTION = "❓"
    PLAN = "📋"
    DECIDED = "✅"
    DONE = "🏁"


_DOTS = frozenset("●◉○")


class Stop(StrEnum):
    """The stops of the guided tour, in order."""

    SEND = "send"
    WATCH = "watch"
    ANSWER = "answer"
    APPROVE = "approve"
    BUILD = "build"
    DIFF = "diff"
    FREE = "free"


_ORDER = tuple(Stop)
_NEEDS = {GuideSign.QUESTION: Stop.ANSWER, GuideSign.PLAN: Stop.APPROVE}


@frozen
class Hint:
    """What to do now.

    Attributes:
        stop: Where on the tour the chat is.
        title: What to do, briefly.
        text: What happens and why it matters, in a sentence or two.
        say: A message to send, if that is the next step.
        message: The number of the message to look at, if there is one.
        button: The label of the button to tap, if there is one.
    """

    stop: Stop
    title: str
    text: str
    say: str | None = None
    message: int | None = None
    button: str | None = None

    def view(self) -> dict[str, object]:
        """As JSON values, with the place on the way."""
        return asdict(self) | {"step": _ORDER.index(self.stop) + 1, "steps": len(_ORDER)}


def guide(messages: Sequence[SandboxMessage], owner: int) -> Hint:
    """Say what a newcomer may do next.

    Args:
        messages: All of the chat as they are now, oldest first.
        owner: The user's numeric id.
    """
    hint = _next_stop(messages, owner)
    last = next((message for message in reversed(messages) if not message.service), None)
    if last is None or not last.asks_reply:
        return hint
    return replace(
        hint,
        title="It waits for your text",
        text="Type them and send them; they are taken as they are.",
        say=None,
        message=last.id,
        button=None,
    )


def _next_stop(messages: Sequence[SandboxMessage], owner: int) -> Hint:
    from_bot = [message for message in messages if message.sender is not None and message.sender.is_bot]
    open_ones = [message for message in from_bot if _is_open(message)]
    if open_ones:
        # The newest session's, and of its questions the first: they come all at once.
        return _decide(next(one for one in open_ones if _session(one) == _session(open_ones[-1])))
    # The review guide, a document with the same sign, comes before the message.
    done = _newest([message for message in from_bot if message.file is None], GuideSign.DONE)
    if done is not None:
        return _after(done, messages)
    card = next((message for message in reversed(from_bot) if _is_card(message) and message.buttons), None)
    planned = any(
        _sign(message) == GuideSign.DECIDED and message.text.partition("\n")[0].endswith("plan")
        for message in from_bot
    )
    if card is not None and planned:
        return Hint(
            Stop.BUILD,
            "Watch the card move",
            "One message a session, edited in place and silent: seven phases, each with a fresh agent.",
            message=card.id,
        )
    asked = any(
        message.sender is not None and message.sender.id == owner and message.text.startswith("/run")
        for message in messages
    )
    if card is not None or asked:
        return Hint(
            Stop.WATCH,
            "It looks around first",
            "The agent reads the repository in a worktree of its own before it asks anything.",
            message=card.id if card is not None else None,
        )
    return Hint(
        Stop.SEND,
        "Send your first task",
        "It starts a session “greet” in the sample repository. Or write a task of your own.",
        say=FIRST_MESSAGE,
    )


def suggested(message: SandboxMessage) -> KeyboardButton | None:
    """The button for a user in a hurry: the suggestion, or the first with callback data."""
    heard = [button for button in message.buttons if button.data is not None]
    starred = [button for button in heard if "★" in button.text]
    return next(iter(starred or heard), None)


def _decide(message: SandboxMessage) -> Hint:
    button = suggested(message)
    label = button.text if button is not None else None
    if _sign(message) == GuideSign.QUESTION:
        return Hint(
            Stop.ANSWER,
            "It asks before it guesses: tap an answer",
            "★ is what it suggests. You can also reply to the message in your own words.",
            message=message.id,
            button=label,
        )
    return Hint(
        Stop.APPROVE,
        "Read the plan, then approve it",
        "Nothing is built before you do. “Request changes” returns it with your feedback.",
        message=message.id,
        button=label,
    )


def _after(done: SandboxMessage, messages: Sequence[SandboxMessage]) -> Hint:
    seen = any(message.id > done.id and _is_diff(message) for message in messages)
    diff = next((button.text for button in done.buttons if "diff" in button.text.lower()), None)
    if seen or diff is None:
        return Hint(
            Stop.FREE,
            "That was the tour. The chat is yours",
            "Try /status, /plan, /cost, or another task: “/run hello”. /stop all stops everything at any time.",
            say="/status",
        )
    return Hint(
        Stop.DIFF,
        "Done. See what it wrote",
        "The work waits on a branch of its own; nothing was merged.",
        message=done.id,
        button=diff,
    )


def _is_open(message: SandboxMessage) -> bool:
    """Whether a message still waits for a decision: it has such a sign and still has buttons."""
    return _sign(message) in _NEEDS and suggested(message) is not None and not _is_card(message)


def _session(message: SandboxMessage) -> str:
    """Whose message it is: the name behind the sign."""
    return "".join(message.text.split(maxsplit=2)[1:2])


def _is_card(message: SandboxMessage) -> bool:
    """Whether it shows the phases as dots: the card's sign is that of the session's state."""
    return not _DOTS.isdisjoint(message.text)


def _is_diff(message: SandboxMessage) -> bool:
    return message.file is not None and message.file.name.endswith(".diff")


def _newest(messages: Sequence[SandboxMessage], sign: GuideSign) -> SandboxMessage | None:
    fitting = (message for message in reversed(messages) if _sign(message) == sign and not _is_card(message))
    return next(fitting, None)


def _sign(message: SandboxMessage) -> str:
    return message.text[:1]
