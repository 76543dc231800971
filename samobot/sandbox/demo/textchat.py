"""The chat as text, for the demo at a terminal: interactive or unattended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import SandboxChat
from samobot.sandbox.botapi.failure import SandboxTimeout
from samobot.sandbox.botapi.feed import EventKind
from samobot.sandbox.botapi.keyboards import KeyboardButton
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.user import UserClient
from samobot.sandbox.demo.guide import Hint, Stop, guide, suggested

QUIET_SECONDS = 60.0
"""How long the unattended tour waits for the next thing to happen."""

_TAPPED = frozenset([Stop.ANSWER, Stop.APPROVE, Stop.DIFF])
_WIDTH = 76
_LONG = 24
"""Lines of a message that are shown; the others are counted."""


class TextChat:
    """One user's chat, printed as it happens.

    Args:
        server: The Bot API server.
        person: The user of the terminal.
        chat: Their chat with the bot.
        write: Prints one line.
    """

    def __init__(
        self, server: BotApiServer, person: UserClient, chat: SandboxChat, write: Callable[[str], None]
    ) -> None:
        self._server = server
        self._person = person
        self._chat = chat
        self._write = write
        self._printed: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._hinted: Hint | None = None

    # The two ways to play.

    async def tour(self) -> None:
        """Play the guided tour unattended, taking what the agent suggests.

        Raises:
            SandboxTimeout: Nothing happened for too long.
        """
        subscription = self._server.subscribe()
        done: set[tuple[Stop, int | None]] = set()
        try:
            while True:
                self._show()
                hint = self.hint()
                if hint.stop is Stop.FREE:
                    self._write("\n🎉 That was the whole way.")
                    return
                step = (hint.stop, hint.message)
                if step not in done and (hint.say or hint.stop in _TAPPED):
                    done.add(step)
                    self._take(hint)
                async with asyncio.timeout(QUIET_SECONDS):
                    while (await anext(subscription)).kind in (EventKind.CALL, EventKind.ACTION):
                        pass
        except TimeoutError:
            raise SandboxTimeout(
                f"Nothing happened for {QUIET_SECONDS:.0f} s; the chat ends above."
            ) from None
        finally:
            subscription.close()

    async def follow(self) -> None:
        """Print what happens until cancelled; `enter` takes what the user types meanwhile."""
        subscription = self._server.subscribe()
        try:
            while True:
                self._show()
                self._suggest(self.hint())
                while (await anext(subscription)).kind in (EventKind.CALL, EventKind.ACTION):
                    pass
        finally:
            subscription.close()

    def enter(self, line: str) -> None:
        """Handle a typed line: a button's number, or text to send; an empty line takes the suggestion."""
        words = line.strip()
        hint = self.hint()
        keyboard = self._keyboard(hint)
        if not words:
            self._take(hint)
        elif words.isdigit() and keyboard is not None and 1 <= int(words) <= len(keyboard.buttons):
            self._tap(keyboard, keyboard.buttons[int(words) - 1])
        else:
            last = self._chat.last
            asked = last if last is not None and last.asks_reply else None
            self._person.say(words, self._chat, reply_to=asked)

    def hint(self) -> Hint:
        """What can be done now."""
        return guide(self._chat.messages, self._person.id)

    # Doing.

    def _take(self, hint: Hint) -> None:
        if hint.say is not None:
            self._person.say(hint.say, self._chat)
            return
        message = self._chat.by_id.get(hint.message or 0)
        if message is None or hint.stop not in _TAPPED:
            return
        labelled = [button for button in message.buttons if button.text == hint.button]
        button = next(iter(labelled), None) or suggested(message)
        if button is not None:
            self._tap(message, button)

    def _tap(self, message: SandboxMessage, button: KeyboardButton) -> None:
        if button.data is None:
            self._write(f"   ({button.text} opens or copies something on a phone)")
            return
        self._write(f"   👆 {button.text}")
        self._person.tap_data(message, button.data)

    def _keyboard(self, hint: Hint) -> SandboxMessage | None:
        """The message whose buttons the numbers mean: the one that matters now, else the newest with any."""
        named = self._chat.by_id.get(hint.message or 0)
        if named is not None and named.buttons:
            return named
        return next((message for message in reversed(self._chat.messages) if message.buttons), None)

    # Printing.

    def _show(self) -> None:
        for message in self._chat.messages:
            now = (message.text, tuple(message.labels))
            before = self._printed.get(message.id)
            if message.service or before == now:
                continue
            self._printed[message.id] = now
            if before is None:
                self._print(message)
            elif before[0] != message.text:
                self._print_change(message, before[0])

    def _print(self, message: SandboxMessage) -> None:
        mine = message.sender is self._person.user
        who = "You" if mine else "samobot"
        sound = "" if mine else " · silent" if message.silent else " · 🔔"
        self._write("")
        self._write(f"── {who}{sound} ".ljust(_WIDTH, "─"))
        if message.file is not None:
            self._write(f"   📎 {message.file.name} ({message.file.size:,} bytes)")
        lines = message.text.splitlines()
        for line in lines[:_LONG]:
            self._write(f"   {line}")
        if len(lines) > _LONG:
            self._write(f"   … {len(lines) - _LONG} more lines")
        self._print_buttons(message)

    def _print_change(self, message: SandboxMessage, before: str) -> None:
        """An edit: the lines that are new, so that a card reads as it moves."""
        known = set(before.splitlines())
        fresh = [line for line in message.text.splitlines() if line.strip() and line not in known]
        if fresh:
            self._write(f"   ✎ {'  |  '.join(line.strip() for line in fresh)}")

    def _print_buttons(self, message: SandboxMessage) -> None:
        number = 0
        for row in message.rows:
            cells = []
            for button in row:
                number += 1
                cells.append(f"[{number}] {button.text}")
            self._write(f"   {'   '.join(cells)}")

    def _suggest(self, hint: Hint) -> None:
        if hint == self._hinted:
            return
        self._hinted = hint
        self._write("")
        self._write(f"💡 {hint.title}. {hint.text}")
        if hint.say is not None:
            self._write(f"   Press Enter to send “{hint.say}”, or type anything; “quit” ends.")
        elif hint.button is not None:
            self._write(
                f"   Type a button's number, or press Enter for “{hint.button}”; text is sent as it is."
            )
