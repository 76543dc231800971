"""Messages and their Bot API objects."""

from __future__ import annotations

from dataclasses import dataclass, field

from samobot.sandbox.botapi.chats import File, MediaKind, SandboxChat, User
from samobot.sandbox.botapi.entities import EntityType, Formatted, slice_utf16
from samobot.sandbox.botapi.keyboards import KeyboardButton, Markup, MarkupKind
from samobot.sandbox.botapi.parse_mode import to_html


@dataclass(slots=True, eq=False)
class SandboxMessage:
    """A message as it is now; edits and reactions change it in place.

    Args:
        content: The text, or the caption if there is a file.
        silent: Sent without a sound.
        thread_id: The topic it is in.
        service: Fields of a service message: `new_chat_members`, `pinned_message` and the like.
        history: What it said before its edits, oldest first.
        edits: How often the bot changed text, caption or keyboard.
        reactions: User id to emoji.
        forward: A `MessageOrigin`.
        media: What the file is.
        seconds: Length of a voice message, audio or video.
        media_group_id: The album that it belongs to.
    """

    chat: SandboxChat
    id: int
    date: int
    sender: User | None
    content: Formatted = field(default_factory=Formatted)
    file: File | None = None
    media: MediaKind = MediaKind.DOCUMENT
    seconds: int = 0
    media_group_id: str | None = None
    sender_chat: SandboxChat | None = None
    author_signature: str | None = None
    silent: bool = False
    reply_to: SandboxMessage | None = None
    quote: str | None = None
    thread_id: int | None = None
    markup: Markup | None = None
    via_bot: User | None = None
    forward: dict[str, object] | None = None
    is_automatic_forward: bool = False
    service: dict[str, object] = field(default_factory=dict)
    link_preview: dict[str, object] | None = None
    protected: bool = False
    edit_date: int | None = None
    edits: int = 0
    history: list[Formatted] = field(default_factory=list)
    reactions: dict[int, tuple[str, ...]] = field(default_factory=dict)
    deleted: bool = False

    @property
    def text(self) -> str:
        """Text or caption, without formatting."""
        return self.content.text

    @property
    def html(self) -> str:
        """Text or caption as Telegram HTML."""
        return to_html(self.content)

    @property
    def edited(self) -> bool:
        """Whether it has ever been edited."""
        return self.edits > 0 or self.edit_date is not None

    @property
    def is_photo(self) -> bool:
        """Whether the file is shown as a picture."""
        return self.media is MediaKind.PHOTO

    @property
    def rows(self) -> tuple[tuple[KeyboardButton, ...], ...]:
        """The inline keyboard."""
        return self.markup.rows if self.markup is not None and self.markup.kind is MarkupKind.INLINE else ()

    @property
    def buttons(self) -> list[KeyboardButton]:
        """All inline buttons, row by row."""
        return [button for row in self.rows for button in row]

    @property
    def labels(self) -> list[str]:
        """The texts of all inline buttons."""
        return [button.text for button in self.buttons]

    @property
    def asks_reply(self) -> bool:
        """Whether it opens the user's reply field automatically (`ForceReply`)."""
        return self.markup is not None and self.markup.kind is MarkupKind.FORCE_REPLY

    @property
    def commands(self) -> list[str]:
        """The bot commands in it, with their slash."""
        return [
            slice_utf16(self.text, entity.offset, entity.length)
            for entity in self.content.entities
            if entity.type is EntityType.BOT_COMMAND
        ]

    def api(self, *, with_reply: bool = True) -> dict[str, object]:
        """A `Message`; as with Telegram, the message it replies to comes without its own."""
        body: dict[str, object] = {"message_id": self.id, "date": self.date, "chat": self.chat.api()}
        if self.sender is not None:
            body["from"] = self.sender.api()
        if self.sender_chat is not None:
            body["sender_chat"] = self.sender_chat.api()
        if self.author_signature:
            body["author_signature"] = self.author_signature
        if self.thread_id is not None:
            body["message_thread_id"] = self.thread_id
            body["is_topic_message"] = True
        if self.forward is not None:
            body["forward_origin"] = self.forward
        if self.is_automatic_forward:
            body["is_automatic_forward"] = True
        replied = self.reply_to
        if (
            replied is None
            and self.thread_id is not None
            and self.sender is not None
            and not self.sender.is_bot
        ):
            replied = self.chat.by_id.get(self.thread_id)  # Telegram names the beginning of the topic
        if replied is not None and replied is not self and with_reply:
            body["reply_to_message"] = replied.api(with_reply=False)
        if self.quote is not None:
            body["quote"] = {"text": self.quote, "position": 0, "is_manual": True}
        if self.via_bot is not None:
            body["via_bot"] = self.via_bot.api()
        if self.edit_date is not None:
            body["edit_date"] = self.edit_date
        if self.protected:
            body["has_protected_content"] = True
        if self.file is not None:
            body |= self._file_api(self.file)
        if self.media_group_id is not None:
            body["media_group_id"] = self.media_group_id
        prefix = "caption" if self.file is not None else "text"
        if self.text:
            body[prefix] = self.text
        if self.content.entities:
            key = "caption_entities" if self.file is not None else "entities"
            body[key] = [entity.api() for entity in self.content.entities]
        if self.link_preview is not None:
            body["link_preview_options"] = self.link_preview
        if self.markup is not None and (keyboard := self.markup.api()) is not None:
            body["reply_markup"] = keyboard
        return body | self.service

    def _file_api(self, file: File) -> dict[str, object]:
        named = file.api() | {"file_name": file.name, "mime_type": file.mime_type}
        match self.media:
            case MediaKind.PHOTO if file.sides is not None:
                width, height = file.sides
                return {"photo": [file.api() | {"width": width, "height": height}]}
            case MediaKind.VOICE:
                return {"voice": file.api() | {"duration": self.seconds, "mime_type": file.mime_type}}
            case MediaKind.AUDIO:
                return {"audio": named | {"duration": self.seconds}}
            case MediaKind.VIDEO_NOTE:
                return {"video_note": file.api() | {"length": 240, "duration": self.seconds}}
            case MediaKind.VIDEO:
                return {"video": named | {"duration": self.seconds, "width": 640, "height": 360}}
            case MediaKind.ANIMATION:
                animation = named | {"duration": self.seconds, "width": 320, "height": 240}
                return {"animation": animation, "document": named}
            case _:
                return {"document": named}


def inaccessible(chat: SandboxChat, message_id: int) -> dict[str, object]:
    """An `InaccessibleMessage`: what is left of a deleted one."""
    return {"chat": chat.api(), "message_id": message_id, "date": 0}
