"""The state of one sandbox: its bots, people and chats, and which bot gets to see what."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterable

from samobot.sandbox.botapi.bots import Bot, ButtonPress, TapAnswer
from samobot.sandbox.botapi.chat_messages import SandboxMessage, inaccessible
from samobot.sandbox.botapi.chats import (
    GROUP_ANONYMOUS_BOT,
    TELEGRAM,
    ChatType,
    MemberStatus,
    SandboxChat,
    Topic,
    User,
)
from samobot.sandbox.botapi.entities import Formatted
from samobot.sandbox.botapi.failure import SandboxError, bad_request, forbidden
from samobot.sandbox.botapi.feed import EventKind, Feed
from samobot.sandbox.botapi.updates import UpdateQueue
from samobot.sandbox.botapi.uploads import Files

TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{3,64}")


class World:
    """Everything that is, in one sandbox.

    Args:
        wall: Wall clock, seconds since 1970.
        monotonic: Clock for lives and rates, seconds.
        tap_life: Seconds in which a callback query can be answered.
        rate_limits: Whether bots that send too fast get 429.
        strict: Whether a parameter that Telegram does not have is refused (Telegram ignores it).
    """

    def __init__(
        self,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        tap_life: float = 15.0,
        rate_limits: bool = False,
        strict: bool = True,
    ) -> None:
        self.wall = wall
        self.monotonic = monotonic
        self.tap_life = tap_life
        self.rate_limits = rate_limits
        self.strict = strict
        self.feed = Feed(wall)
        self.files = Files()
        self.bots: dict[str, Bot] = {}
        self.users: dict[int, User] = {}
        self.chats: list[SandboxChat] = []
        self.taps: dict[str, ButtonPress] = {}
        self._private: dict[tuple[int, int], SandboxChat] = {}
        self._shared: dict[int, SandboxChat] = {}
        self._user_ids = itertools.count(1001)
        self._chat_ids = itertools.count(1)
        self._tap_ids = itertools.count(4_000_000_001)
        self.anonymous = self.add_user(
            "Group", GROUP_ANONYMOUS_BOT, username="GroupAnonymousBot", is_bot=True
        )
        self.telegram = self.add_user("Telegram", TELEGRAM)

    # Who there is.

    def add_bot(self, token: str, username: str, first_name: str = "", *, privacy: bool = True) -> Bot:
        """Register a bot; its id is the number before the colon of the token.

        Raises:
            SandboxError: Not a token, or one that is taken.
        """
        if not TOKEN.fullmatch(token):
            raise SandboxError("A bot's token is its numeric id, a colon, and at least 3 of A-Z a-z 0-9 _ -.")
        if token in self.bots:
            raise SandboxError(f"The token of {username} is already registered.")
        user = self.add_user(
            first_name or username, int(token.split(":", maxsplit=1)[0]), username=username, is_bot=True
        )
        first = 100_000_001 + 1_000_000 * len(self.bots)
        bot = Bot(token=token, user=user, queue=UpdateQueue(self.wall, first), privacy=privacy)
        self.bots[token] = bot
        return bot

    def add_user(
        self,
        first_name: str,
        user_id: int | None = None,
        *,
        username: str | None = None,
        is_bot: bool = False,
    ) -> User:
        """Add an account; without an id it gets the next one from 1001 on.

        Raises:
            SandboxError: The id is taken.
        """
        if user_id is None:
            user_id = next(number for number in self._user_ids if number not in self.users)
        if user_id in self.users:
            raise SandboxError(f"There is already a user {user_id}.")
        user = User(user_id, first_name, username, is_bot, None if is_bot else "en")
        self.users[user_id] = user
        return user

    def only_bot(self) -> Bot:
        """The bot, if there is one.

        Raises:
            SandboxError: There are none or several.
        """
        if len(self.bots) != 1:
            raise SandboxError(f"There are {len(self.bots)} bots: say which one.")
        return next(iter(self.bots.values()))

    # Which chats there are.

    def private_chat(self, user: User, bot: Bot | None = None, *, started: bool = True) -> SandboxChat:
        """The chat between a user and a bot, created on first use.

        Args:
            user: The user.
            bot: The bot; may be left out if there is only one.
            started: Whether the user has pressed Start before: if not, the bot may not write first.
        """
        bot = bot or self.only_bot()
        chat = self._private.get((bot.user.id, user.id))
        if chat is None:
            chat = SandboxChat(user.id, ChatType.PRIVATE, bot=bot, user=user, started=started, feed=self.feed)
            chat.members = {user.id: MemberStatus.MEMBER, bot.user.id: MemberStatus.MEMBER}
            self._private[bot.user.id, user.id] = chat
            self.chats.append(chat)
        return chat

    def shared_chat(
        self,
        title: str,
        members: Iterable[User],
        type: ChatType = ChatType.SUPERGROUP,
        *,
        forum: bool = False,
        username: str | None = None,
    ) -> SandboxChat:
        """A new group or channel; the first member is its creator, all bots of the sandbox in it are members."""
        number = next(self._chat_ids)
        chat_id = -number if type is ChatType.GROUP else -1_000_000_000_000 - number
        chat = SandboxChat(chat_id, type, title, is_forum=forum, username=username, feed=self.feed)
        chat.last_message_id = (
            1  # number 1 is that of the chat's own beginning, and of a forum's General topic
        )
        for member in members:
            chat.members[member.id] = MemberStatus.MEMBER if chat.members else MemberStatus.CREATOR
        self._shared[chat_id] = chat
        self.chats.append(chat)
        return chat

    def chat_by_id(self, chat_id: int, bot: Bot | None = None) -> SandboxChat | None:
        """A chat by the id that bots use; the bot matters for private chats."""
        if chat_id < 0:
            return self._shared.get(chat_id)
        return self._private.get(((bot or self.only_bot()).user.id, chat_id))

    def chat_of(self, bot: Bot, chat_id: str, *, writing: bool = True) -> SandboxChat:
        """The chat that a call is about.

        Args:
            bot: Who calls.
            chat_id: A number, or `@name` of a public chat.
            writing: Whether the bot must be able to write there.

        Raises:
            ApiFailure: No such chat for this bot, or it may not write there.
        """
        if not chat_id.strip():
            raise bad_request("chat_id is empty")
        chat: SandboxChat | None = None
        if chat_id.startswith("@"):
            chat = next(
                (c for c in self._shared.values() if c.username and f"@{c.username}" == chat_id), None
            )
        elif re.fullmatch(r"-?[0-9]{1,18}", chat_id.strip()):
            chat = self.chat_by_id(int(chat_id), bot)
        if chat is None:
            raise bad_request("chat not found")
        if writing:
            _check_writable(chat, bot)
        return chat

    # What happens.

    def post(self, message: SandboxMessage) -> SandboxMessage:
        """Put a message into its chat, under the chat's next number; bots that may see it get the update.

        The message's `id` and `date` are set here.
        """
        message.id = self.next_message_id(message.chat)
        message.date = int(self.wall())
        message.chat.by_id[message.id] = message
        self.feed.publish(EventKind.MESSAGE, message.chat, message)
        if message.sender is None or not message.sender.is_bot or message.sender is self.anonymous:
            self._deliver(message, "channel_post" if message.chat.type is ChatType.CHANNEL else "message")
        return message

    def next_message_id(self, chat: SandboxChat) -> int:
        """Private chats share one series of numbers a bot, as on Telegram; other chats have their own."""
        holder: Bot | SandboxChat = chat.bot if chat.bot is not None else chat
        holder.last_message_id += 1
        return holder.last_message_id

    def edited_by_person(self, message: SandboxMessage, content: Formatted) -> None:
        """Edit a message as a user."""
        message.history.append(message.content)
        message.content = content
        message.edit_date = int(self.wall())
        self.feed.publish(EventKind.EDITED, message.chat, message)
        channel = message.chat.type is ChatType.CHANNEL
        self._deliver(message, "edited_channel_post" if channel else "edited_message")

    def delete(self, message: SandboxMessage) -> None:
        """Remove a message."""
        message.deleted = True
        message.chat.by_id.pop(message.id, None)
        if message.id in message.chat.pinned:
            message.chat.pinned.remove(message.id)
        self.feed.publish(EventKind.DELETED, message.chat, message)

    def add_topic(
        self, chat: SandboxChat, name: str, sender: User, icon_color: int = 7322096, icon: str = ""
    ) -> Topic:
        """Open a topic in a forum; its id is that of its service message."""
        message = SandboxMessage(chat, 0, 0, sender)
        message.service = {"forum_topic_created": {"name": name, "icon_color": icon_color}}
        self.post(message)
        topic = Topic(message.id, name, icon_color, icon)
        chat.topics[topic.id] = topic
        message.thread_id = topic.id
        return topic

    def note_topic(self, chat: SandboxChat, topic: Topic, sender: User, service: dict[str, object]) -> None:
        """Post the service message about a change of a topic."""
        self.post(SandboxMessage(chat, 0, 0, sender, thread_id=topic.id, service=service))

    def delete_topic(self, chat: SandboxChat, topic: Topic) -> None:
        """Delete a topic with its messages."""
        del chat.topics[topic.id]
        for message in [each for each in chat.messages if each.thread_id == topic.id]:
            self.delete(message)

    def tap(self, user: User, message: SandboxMessage, bot: Bot, data: str) -> ButtonPress:
        """Tap a button as a user: the bot that owns the message gets the callback query."""
        tap = ButtonPress(str(next(self._tap_ids)), bot, user, message, data, self.monotonic())
        self.taps[tap.id] = tap
        chat = message.chat
        body = {
            "id": tap.id,
            "from": user.api(),
            "message": inaccessible(chat, message.id) if message.deleted else message.api(),
            "chat_instance": str(9_000_000_000 + abs(chat.id)),
            "data": data,
        }
        self.feed.publish(EventKind.TAP, chat, message, user=user.id, data=data)
        bot.queue.add("callback_query", body)
        return tap

    def answer_tap(self, bot: Bot, tap_id: str, answer: TapAnswer) -> None:
        """A bot answers a tap: once, and in time.

        Raises:
            ApiFailure: Too late, twice, or no such query of this bot.
        """
        tap = self.taps.get(tap_id)
        in_time = tap is not None and self.monotonic() - tap.created <= self.tap_life
        if tap is None or tap.bot is not bot or tap.answer is not None or not in_time:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        tap.answer = answer
        self.feed.publish(
            EventKind.TAP_ANSWERED, tap.message.chat, tap.message, user=tap.user.id, text=answer.text,
            show_alert=answer.show_alert,
        )  # fmt: skip

    def bots_in(self, chat: SandboxChat) -> list[Bot]:
        """The sandbox's bots that are in a chat."""
        if chat.bot is not None:
            return [chat.bot]
        gone = {MemberStatus.LEFT, MemberStatus.KICKED}
        return [bot for bot in self.bots.values() if chat.status(bot.user.id) not in gone]

    def _deliver(self, message: SandboxMessage, kind: str) -> None:
        for bot in self.bots_in(message.chat):
            if _sees(bot, message):
                bot.queue.add(kind, message.api())


def _check_writable(chat: SandboxChat, bot: Bot) -> None:
    if chat.type is ChatType.PRIVATE:
        if chat.blocked:
            raise forbidden("bot was blocked by the user")
        if not chat.started:
            raise forbidden("bot can't initiate conversation with a user")
        return
    match chat.status(bot.user.id):
        case MemberStatus.KICKED:
            raise forbidden(f"bot was kicked from the {chat.type} chat")
        case MemberStatus.LEFT:
            raise forbidden(f"bot is not a member of the {chat.type} chat")
        case MemberStatus.MEMBER if chat.type is ChatType.CHANNEL:
            raise bad_request("need administrator rights in the channel chat")
        case _:
            return


def _sees(bot: Bot, message: SandboxMessage) -> bool:
    """Whether a bot receives a user's message, given its privacy mode."""
    chat = message.chat
    admin = chat.status(bot.user.id) in {MemberStatus.ADMINISTRATOR, MemberStatus.CREATOR}
    if chat.type is ChatType.PRIVATE or chat.type is ChatType.CHANNEL or not bot.privacy or admin:
        return True
    if message.service or message.via_bot is bot.user:
        return True
    if message.reply_to is not None and message.reply_to.sender is bot.user:
        return True
    addressed = [command.partition("@")[2].lower() for command in message.commands]
    return any(name in {"", bot.username.lower()} for name in addressed)
