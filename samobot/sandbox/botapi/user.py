"""The user's side of the chats: sending, tapping, reacting, as plain calls."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Sequence

from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.bots import Bot, ButtonPress
from samobot.sandbox.botapi.calls import Upload
from samobot.sandbox.botapi.chat_member import ChatMember
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import ChatType, MediaKind, MemberStatus, SandboxChat
from samobot.sandbox.botapi.entities import Formatted, slice_utf16, tidy, utf16_length, with_found
from samobot.sandbox.botapi.failure import SandboxError
from samobot.sandbox.botapi.feed import EventKind
from samobot.sandbox.botapi.keyboards import KeyboardButton
from samobot.sandbox.botapi.uploads import image_sides

_NAMES = {
    MediaKind.DOCUMENT: "file.txt",
    MediaKind.PHOTO: "photo.jpg",
    MediaKind.VOICE: "voice.ogg",
    MediaKind.AUDIO: "song.mp3",
    MediaKind.VIDEO: "video.mp4",
    MediaKind.VIDEO_NOTE: "note.mp4",
    MediaKind.ANIMATION: "animation.mp4",
}


class UserClient(ChatMember):
    """Somebody with a phone. All calls act at once; bots get their updates at their next poll.

    Args:
        world: Where.
        user: Who.
    """

    # Writing.

    def say(
        self,
        text: str,
        chat: SandboxChat | None = None,
        *,
        reply_to: SandboxMessage | None = None,
        thread_id: int | None = None,
        via: Bot | None = None,
        quote: str | None = None,
    ) -> SandboxMessage:
        """Write a message.

        Args:
            text: 1 to 4096 UTF-16 units; commands, links and mentions in it are found as Telegram does.
            chat: Where; by default the private chat with the only bot.
            reply_to: What it answers.
            thread_id: The topic; by default that of `reply_to`.
            via: The bot whose inline result it is.
            quote: The part of `reply_to` that is quoted.

        Raises:
            SandboxError: Telegram's clients would not send that.
        """
        chat = self._chat(chat)
        content = _content(text)
        if thread_id is None and reply_to is not None:
            thread_id = reply_to.thread_id
        self.enter(chat)
        return self.world.post(
            SandboxMessage(
                chat, 0, 0, self.user, content, reply_to=reply_to, thread_id=thread_id,
                via_bot=via.user if via is not None else None, quote=quote,
            )
        )  # fmt: skip

    def start(self, payload: str = "", chat: SandboxChat | None = None) -> SandboxMessage:
        """Press Start, or follow a deep link `t.me/bot?start=payload`."""
        if not re.fullmatch(rf"[A-Za-z0-9_-]{{0,{api_limits.DEEP_LINK_PAYLOAD}}}", payload):
            raise SandboxError("A deep link's payload is at most 64 of A-Z a-z 0-9 _ and -.")
        return self.say(f"/start {payload}".strip(), chat)

    def reply(self, to: SandboxMessage, text: str, *, quote: str | None = None) -> SandboxMessage:
        """Answer a message, or the part of it that is quoted."""
        return self.say(text, to.chat, reply_to=to, quote=quote)

    def say_long(self, text: str, chat: SandboxChat | None = None) -> list[SandboxMessage]:
        """Write a text of any length; as clients do, a long one is sent as several messages."""
        return [self.say(part, chat) for part in split_long(text)]

    def send(
        self,
        media: MediaKind,
        data: bytes,
        name: str = "",
        caption: str = "",
        chat: SandboxChat | None = None,
        *,
        seconds: int = 0,
        reply_to: SandboxMessage | None = None,
        thread_id: int | None = None,
        media_group_id: str | None = None,
    ) -> SandboxMessage:
        """Send a file of any kind.

        Args:
            media: How it is sent.
            data: Its content.
            name: Its name; clients name only documents, audio, videos and animations.
            caption: What is written below it.
            chat: Where; by default the private chat with the only bot.
            seconds: Length of a voice message, audio or video.
            reply_to: What it answers.
            thread_id: The topic; by default that of `reply_to`.
            media_group_id: The album that it belongs to.

        Raises:
            SandboxError: It is sent as a photo and is none.
        """
        if media is MediaKind.PHOTO and image_sides(data) is None:
            raise SandboxError("That is not a PNG, GIF, WebP or JPEG.")
        chat = reply_to.chat if chat is None and reply_to is not None else self._chat(chat)
        self.enter(chat)
        name = name or _NAMES[media]
        mime_type = "audio/ogg" if media is MediaKind.VOICE else mimetypes.guess_type(name)[0]
        file = self.world.files.add(
            Upload(name, mime_type or "application/octet-stream", data), photo=media is MediaKind.PHOTO
        )
        if thread_id is None and reply_to is not None:
            thread_id = reply_to.thread_id
        return self.world.post(
            SandboxMessage(
                chat, 0, 0, self.user, _content(caption, needed=False), file=file, media=media, seconds=seconds,
                reply_to=reply_to, thread_id=thread_id, media_group_id=media_group_id,
            )
        )  # fmt: skip

    def send_file(
        self, data: bytes, name: str, caption: str = "", chat: SandboxChat | None = None
    ) -> SandboxMessage:
        """Send a document."""
        return self.send(MediaKind.DOCUMENT, data, name, caption, chat)

    def send_photo(self, data: bytes, caption: str = "", chat: SandboxChat | None = None) -> SandboxMessage:
        """Send a picture."""
        return self.send(MediaKind.PHOTO, data, "photo.jpg", caption, chat)

    def send_album(
        self,
        photos: Sequence[bytes],
        caption: str = "",
        chat: SandboxChat | None = None,
        *,
        reply_to: SandboxMessage | None = None,
        thread_id: int | None = None,
    ) -> list[SandboxMessage]:
        """Send two to ten pictures as an album: several messages with one `media_group_id`, the caption on the first."""
        if not 2 <= len(photos) <= 10:
            raise SandboxError("An album has 2 to 10 items.")
        group = str(13_000_000_000_000_000 + self.world.next_message_id(self._chat(chat)))
        return [
            self.send(
                MediaKind.PHOTO, data, "photo.jpg", "" if number else caption, chat, reply_to=reply_to,
                thread_id=thread_id, media_group_id=group,
            )
            for number, data in enumerate(photos)
        ]  # fmt: skip

    def send_other(
        self, field: str, content: dict[str, object], chat: SandboxChat | None = None
    ) -> SandboxMessage:
        """Send a sticker, poll, location, contact or the like: the field of the `Message` and its content."""
        chat = self._chat(chat)
        self.enter(chat)
        return self.world.post(SandboxMessage(chat, 0, 0, self.user, service={field: content}))

    def edit(self, message: SandboxMessage, text: str) -> None:
        """Change a message of one's own."""
        if message.sender is not self.user:
            raise SandboxError(f"Message {message.id} is not {self.user.first_name}'s to edit.")
        self.world.edited_by_person(message, _content(text))

    def forward(
        self, message: SandboxMessage, chat: SandboxChat | None = None, *, thread_id: int | None = None
    ) -> SandboxMessage:
        """Forward a message, into a topic if one is given."""
        chat = self._chat(chat)
        self.enter(chat)
        if message.sender_chat is not None and message.sender_chat.type is ChatType.CHANNEL:
            origin = {"type": "channel", "chat": message.sender_chat.api(), "message_id": message.id}
        else:
            assert message.sender is not None
            origin = {"type": "user", "sender_user": message.sender.api()}
        return self.world.post(
            SandboxMessage(
                chat, 0, 0, self.user, message.content, file=message.file, media=message.media,
                seconds=message.seconds, thread_id=thread_id, forward=origin | {"date": message.date},
            )
        )  # fmt: skip

    def say_anonymously(
        self, text: str, chat: SandboxChat, *, reply_to: SandboxMessage | None = None
    ) -> SandboxMessage:
        """Write to a group as an anonymous admin: the sender is GroupAnonymousBot on behalf of the group."""
        if chat.status(self.id) not in {MemberStatus.CREATOR, MemberStatus.ADMINISTRATOR}:
            raise SandboxError(f"{self.user.first_name} is no admin of {chat.title}.")
        message = SandboxMessage(
            chat, 0, 0, self.world.anonymous, _content(text), sender_chat=chat, reply_to=reply_to
        )
        return self.world.post(message)

    def post(self, text: str, channel: SandboxChat, group: SandboxChat | None = None) -> SandboxMessage:
        """Post to a channel; with a discussion group, Telegram forwards it there as user 777000."""
        if channel.type is not ChatType.CHANNEL or channel.status(self.id) is not MemberStatus.CREATOR:
            raise SandboxError(f"{channel.title} is not a channel of {self.user.first_name}.")
        post = self.world.post(SandboxMessage(channel, 0, 0, None, _content(text), sender_chat=channel))
        if group is not None:
            origin = {"type": "channel", "chat": channel.api(), "message_id": post.id, "date": post.date}
            self.world.post(
                SandboxMessage(
                    group, 0, 0, self.world.telegram, post.content, sender_chat=channel, forward=origin,
                    is_automatic_forward=True,
                )
            )  # fmt: skip
        return post

    # Touching.

    def tap(self, message: SandboxMessage, button: str | int) -> ButtonPress:
        """Tap a button.

        Args:
            message: The message as it is now.
            button: The button's label, its data, the beginning of its label where only one begins so, or its index.

        Raises:
            SandboxError: No such button, or one that bots do not hear of.
        """
        found = _button(message, button)
        if found.data is None:
            raise SandboxError(
                f"The button {found.text!r} opens or copies something; the bot does not hear of it."
            )
        return self.tap_data(message, found.data)

    def tap_data(self, message: SandboxMessage, data: str) -> ButtonPress:
        """Tap a button that this phone still shows, though the message may have changed or gone."""
        bots = [bot for bot in self.world.bots.values() if bot.user is message.sender]
        if not bots:
            raise SandboxError(f"Message {message.id} is not a bot's.")
        return self.world.tap(self.user, message, bots[0], data)

    def react(self, message: SandboxMessage, *emoji: str) -> None:
        """Put emoji on a message; none takes them off."""
        old = message.reactions.get(self.id, ())
        message.reactions[self.id] = emoji
        chat = message.chat
        self.world.feed.publish(EventKind.REACTION, chat, message, user=self.id, emoji=list(emoji))
        body = {
            "chat": chat.api(),
            "message_id": message.id,
            "user": self.user.api(),
            "date": int(self.world.wall()),
            "old_reaction": [{"type": "emoji", "emoji": one} for one in old],
            "new_reaction": [{"type": "emoji", "emoji": one} for one in emoji],
        }
        for bot in self.world.bots_in(chat):
            admin = chat.status(bot.user.id) is MemberStatus.ADMINISTRATOR
            if chat.type is ChatType.PRIVATE or admin:
                bot.queue.add("message_reaction", body)

    def delete(self, message: SandboxMessage) -> None:
        """Delete a message; bots get no update."""
        self.world.delete(message)

    def _chat(self, chat: SandboxChat | None) -> SandboxChat:
        return chat if chat is not None else self.world.private_chat(self.user)


def split_long(text: str) -> list[str]:
    """Split a text as clients do: at a line end or a space near the limit, else in the middle of a word. Pure."""
    parts = []
    while utf16_length(text) > api_limits.TEXT:
        head = slice_utf16(text, 0, api_limits.TEXT)
        at = max(head.rfind("\n"), head.rfind(" "))
        head = head[:at] if at > len(head) - 200 else head
        parts.append(head)
        text = text[len(head) :].lstrip()
    return [*parts, text]


def _content(text: str, *, needed: bool = True) -> Formatted:
    content = with_found(tidy(Formatted(text)))
    if needed and not content.text:
        raise SandboxError("Telegram's clients send no empty messages.")
    if utf16_length(content.text) > api_limits.TEXT:
        raise SandboxError(f"Telegram's clients send at most {api_limits.TEXT} characters in one message.")
    return content


def _button(message: SandboxMessage, wanted: str | int) -> KeyboardButton:
    buttons = message.buttons
    if isinstance(wanted, int):
        if wanted < len(buttons):
            return buttons[wanted]
        found = []
    else:
        found = [button for button in buttons if wanted in {button.text, button.data}]
        found = found or [button for button in buttons if button.text.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    how_many = "No button" if not found else "More than one button"
    raise SandboxError(f"{how_many} {wanted!r} below message {message.id}; there are: {message.labels}.")
