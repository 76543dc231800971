"""Telegram's numbers, and the optional limiter of how often a bot may send.

Source: core.telegram.org/bots/api and /bots/faq, Bot API 10.0. Lengths are in UTF-16 code units after the
parsing of entities unless a name contains bytes.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

TEXT = 4096
CAPTION = 1024
CALLBACK_DATA_BYTES = 64
CALLBACK_ANSWER = 200
COPY_TEXT = 256
BUTTONS = 100
BUTTONS_IN_A_ROW = 8
ENTITIES = 100
DOCUMENT_BYTES = 50 * 1024 * 1024
PHOTO_BYTES = 10 * 1024 * 1024
PHOTO_SIDES = 10_000
PHOTO_RATIO = 20
ALBUM_ITEMS = 10
DOWNLOAD_BYTES = 20 * 1024 * 1024
DEEP_LINK_PAYLOAD = 64
COMMANDS = 100
COMMAND_NAME = 32
COMMAND_DESCRIPTION = 256
BOT_NAME = 64
DESCRIPTION = 512
SHORT_DESCRIPTION = 120
TOPIC_NAME = 128
PLACEHOLDER = 64
UPDATES_A_POLL = 100
POLL_SECONDS = 50
UPDATE_LIFE_SECONDS = 24 * 3600
DELETE_SECONDS = 48 * 3600
DELETE_AT_ONCE = 100
REACTIONS_OF_A_BOT = 1

REACTIONS = frozenset(
    [
        "👍",
        "👎",
        "❤",
        "🔥",
        "🥰",
        "👏",
        "😁",
        "🤔",
        "🤯",
        "😱",
        "🤬",
        "😢",
        "🎉",
        "🤩",
        "🤮",
        "💩",
        "🙏",
        "👌",
        "🕊",
        "🤡",
        "🥱",
        "🥴",
        "😍",
        "🐳",
        "❤️\u200d🔥",
        "🌚",
        "🌭",
        "💯",
        "🤣",
        "⚡",
        "🍌",
        "🏆",
        "💔",
        "🤨",
        "😐",
        "🍓",
        "🍾",
        "💋",
        "🖕",
        "😈",
        "😴",
        "😭",
        "🤓",
        "👻",
        "👨\u200d💻",
        "👀",
        "🎃",
        "🙈",
        "😇",
        "😨",
        "🤝",
        "✍",
        "🤗",
        "🫡",
        "🎅",
        "🎄",
        "☃",
        "💅",
        "🤪",
        "🗿",
        "🆒",
        "💘",
        "🙉",
        "🦄",
        "😘",
        "💊",
        "🙊",
        "😎",
        "👾",
        "🤷\u200d♂️",
        "🤷",
        "🤷\u200d♀️",
        "😡",
    ]
)
"""The emoji that setMessageReaction takes."""


@dataclass(slots=True)
class SendLimiter:
    """How often one bot may send: each message is counted in its chat, its group and overall.

    Telegram documents the rates, not the algorithm; a sliding window refuses the first call beyond a rate.

    Args:
        chat_seconds: At most one message a chat in this many seconds.
        overall: Messages a second over all chats.
        group: Messages a minute in one group.
    """

    chat_seconds: float = 1.0
    overall: int = 30
    group: int = 20
    _sent: deque[float] = field(default_factory=deque)
    _by_chat: defaultdict[int, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def wait(self, chat_id: int, now: float, messages: int = 1) -> int:
        """Whole seconds to wait before sending to this chat; 0 means go, and the messages are counted.

        Args:
            chat_id: Groups and channels have a negative one.
            now: Monotonic seconds.
            messages: How many the call makes: more than one of an album.
        """
        in_chat = self._by_chat[chat_id]
        _forget(self._sent, now - 1.0)
        _forget(in_chat, now - 60.0)
        wait = 0.0
        if in_chat and now - in_chat[-1] < self.chat_seconds:
            wait = max(wait, in_chat[-1] + self.chat_seconds - now)
        if chat_id < 0 and (excess := len(in_chat) + messages - self.group) > 0:
            wait = max(wait, in_chat[excess - 1] + 60.0 - now)
        if (excess := len(self._sent) + messages - self.overall) > 0:
            wait = max(wait, self._sent[excess - 1] + 1.0 - now)
        if wait > 0:
            return math.ceil(wait)
        in_chat.extend([now] * messages)
        self._sent.extend([now] * messages)
        return 0


def _forget(times: deque[float], until: float) -> None:
    while times and times[0] <= until:
        times.popleft()
