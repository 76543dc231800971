"""The table of the Bot API's methods, and what calling one of them goes through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import isawaitable

from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.bots import Bot
from samobot.sandbox.botapi.calls import Arguments
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import MemberStatus, SandboxChat, Topic
from samobot.sandbox.botapi.entities import Formatted, read_entities, tidy, utf16_length, with_found
from samobot.sandbox.botapi.failure import ApiFailure, bad_request, too_many_requests
from samobot.sandbox.botapi.parse_mode import parse_html
from samobot.sandbox.botapi.world import World


@dataclass(frozen=True, slots=True)
class Context:
    """Who calls, in which world, and with what."""

    world: World
    bot: Bot
    arguments: Arguments


Run = Callable[[Context], object]


@dataclass(frozen=True, slots=True)
class Method:
    """A method and the parameters that Telegram knows of it."""

    name: str
    parameters: frozenset[str]
    run: Run


METHODS: dict[str, Method] = {}
"""By lower-case name: Telegram does not look at the case."""


def method(name: str, parameters: str = "") -> Callable[[Run], Run]:
    """Enter a function into the table.

    Args:
        name: As in Telegram's reference.
        parameters: Names of all its parameters, separated by spaces.
    """

    def enter(run: Run) -> Run:
        METHODS[name.lower()] = Method(name, frozenset(parameters.split()), run)
        return run

    return enter


def unknown_parameters(name: str, arguments: Arguments) -> tuple[str, ...]:
    """What was given that Telegram does not have."""
    found = METHODS.get(name.lower())
    return tuple(sorted(arguments.names() - found.parameters)) if found is not None else ()


async def call(context: Context, name: str) -> object:
    """Carry out a method.

    Returns:
        The `result`, as JSON values.

    Raises:
        ApiFailure: Telegram would refuse it.
    """
    found = METHODS.get(name.lower())
    if found is None:
        raise ApiFailure(404, "Not Found: method not found")
    unknown = unknown_parameters(name, context.arguments)
    if unknown and context.world.strict:
        raise bad_request(f'unknown parameter "{unknown[0]}" of {found.name} (strict mode of the sandbox)')
    result = found.run(context)
    return await result if isawaitable(result) else result


def count_messages(context: Context, chat: SandboxChat, messages: int = 1) -> None:
    """Count a call's messages against the bot's rates, if they are on.

    Raises:
        ApiFailure: 429.
    """
    if context.world.rate_limits:
        wait = context.bot.rates.wait(chat.id, context.world.monotonic(), messages)
        if wait:
            raise too_many_requests(wait)


def read_text(context: Context, name: str, entities: str, longest: int) -> Formatted:
    """The formatted text of a call: parsed, normalized, measured, with the entities that Telegram detects.

    Args:
        context: The call.
        name: Parameter with the text.
        entities: Parameter with its entities; `parse_mode` goes before it.
        longest: UTF-16 units after parsing.

    Raises:
        ApiFailure: Not parsable, or too long.
    """
    arguments = context.arguments
    text = arguments.text(name)
    mode = arguments.text("parse_mode").lower()
    if mode == "html":
        formatted = parse_html(text)
    elif mode in {"markdown", "markdownv2"}:
        raise bad_request("unsupported parse_mode: the sandbox reads HTML and entities, not Markdown")
    elif mode not in {"", "none"}:
        raise bad_request("unsupported parse_mode")
    else:
        given = arguments.json(entities, "entities")
        formatted = Formatted(text, read_entities(given, text) if given is not None else ())
    formatted = tidy(formatted)
    if utf16_length(formatted.text) > longest:
        raise bad_request("message is too long" if name == "text" else "message caption is too long")
    if len(formatted.entities) > api_limits.ENTITIES:
        raise bad_request("ENTITIES_TOO_LONG")
    return with_found(formatted)


def read_message_text(context: Context, longest: int) -> Formatted:
    """The text of a message, which may not be empty.

    Raises:
        ApiFailure: Empty, not parsable, or too long.
    """
    if not context.arguments.text("text"):
        raise bad_request("message text is empty")
    formatted = read_text(context, "text", "entities", longest)
    if not formatted.text:
        raise bad_request("text must be non-empty")
    return formatted


def message_of(
    context: Context, chat: SandboxChat, complaint: str, name: str = "message_id"
) -> SandboxMessage:
    """The message that a call is about.

    Raises:
        ApiFailure: None given, or none of that number.
    """
    number = context.arguments.integer(name)
    if number <= 0:
        raise bad_request("message identifier is not specified")
    message = chat.by_id.get(number)
    if message is None:
        raise bad_request(complaint)
    return message


def may_manage_topics(context: Context, chat: SandboxChat) -> bool:
    """Whether the bot may open and close topics in a chat."""
    if chat.user is not None:
        return context.bot.has_topics
    return chat.status(context.bot.user.id) in (MemberStatus.ADMINISTRATOR, MemberStatus.CREATOR)


def topic_of(context: Context, chat: SandboxChat) -> Topic | None:
    """The topic that a call is about.

    Raises:
        ApiFailure: The chat has no such topic.
    """
    number = context.arguments.integer("message_thread_id")
    if not number or (number == 1 and chat.is_forum):
        return None
    topic = chat.topics.get(number)
    if topic is None:
        raise bad_request("message thread not found")
    return topic
