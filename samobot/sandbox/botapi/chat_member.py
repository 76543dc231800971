"""A user as a member of chats: coming and going, and blocking bots."""

from __future__ import annotations

from samobot.sandbox.botapi.bots import Bot
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import ChatType, MemberStatus, SandboxChat, User
from samobot.sandbox.botapi.failure import SandboxError
from samobot.sandbox.botapi.feed import EventKind
from samobot.sandbox.botapi.profile import member_api
from samobot.sandbox.botapi.world import World


class ChatMember:
    """Somebody in chats.

    Args:
        world: Where.
        user: Who.
    """

    def __init__(self, world: World, user: User) -> None:
        self.world = world
        self.user = user

    @property
    def id(self) -> int:
        """The numeric id."""
        return self.user.id

    def block(self, bot: Bot | None = None) -> None:
        """Block a bot."""
        self._set_blocked(bot, True)

    def unblock(self, bot: Bot | None = None) -> None:
        """Unblock a bot."""
        self._set_blocked(bot, False)

    def join(self, chat: SandboxChat) -> None:
        """Join a group."""
        chat.members[self.id] = MemberStatus.MEMBER
        notice = SandboxMessage(chat, 0, 0, self.user, service={"new_chat_members": [self.user.api()]})
        self.world.post(notice)
        self.world.feed.publish(EventKind.MEMBER, chat, user=self.id, status="member")

    def leave(self, chat: SandboxChat) -> None:
        """Leave a group."""
        self.world.post(SandboxMessage(chat, 0, 0, self.user, service={"left_chat_member": self.user.api()}))
        chat.members[self.id] = MemberStatus.LEFT
        self.world.feed.publish(EventKind.MEMBER, chat, user=self.id, status="left")

    def set_bot_status(self, chat: SandboxChat, status: MemberStatus, bot: Bot | None = None) -> None:
        """Add a bot to a group, promote or remove it; the bot gets an update."""
        bot = bot or self.world.only_bot()
        old = member_api(chat, bot.user.id, bot.user.api())
        chat.members[bot.user.id] = status
        self._report_membership(bot, chat, old)

    def enter(self, chat: SandboxChat) -> None:
        """Take up a chat to write in it.

        Raises:
            SandboxError: This user cannot write there.
        """
        if chat.type is ChatType.PRIVATE:
            if chat.user is not self.user:
                raise SandboxError(f"That is not a chat of {self.user.first_name}'s.")
            if chat.blocked:
                self.unblock(chat.bot)
            chat.started = True
        elif chat.status(self.id) in {MemberStatus.LEFT, MemberStatus.KICKED}:
            raise SandboxError(f"{self.user.first_name} is not in {chat.title}.")
        elif chat.type is ChatType.CHANNEL:
            raise SandboxError("Only `post` writes to a channel.")

    def _set_blocked(self, bot: Bot | None, blocked: bool) -> None:
        chat = self.world.private_chat(self.user, bot)
        assert chat.bot is not None
        old = member_api(chat, chat.bot.user.id, chat.bot.user.api())
        chat.blocked = blocked
        chat.members[chat.bot.user.id] = MemberStatus.KICKED if blocked else MemberStatus.MEMBER
        self._report_membership(chat.bot, chat, old)

    def _report_membership(self, bot: Bot, chat: SandboxChat, old: dict[str, object]) -> None:
        new = member_api(chat, bot.user.id, bot.user.api())
        self.world.feed.publish(EventKind.MEMBER, chat, user=bot.user.id, status=new["status"])
        body = {
            "chat": chat.api(),
            "from": self.user.api(),
            "date": int(self.world.wall()),
            "old_chat_member": old,
            "new_chat_member": new,
        }
        bot.queue.add("my_chat_member", body)
