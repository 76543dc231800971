"""The owner of the chat: reads what the bot writes, and answers every gate once, by tapping or typing, some time later."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from samobot.sandbox.botapi.bots import ButtonPress
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.failure import SandboxError
from tests.chaos.stage import Stage

MOST_DELAY = 1.5
"""Seconds that the owner thinks at most."""

PATIENCE = 30.0
"""Seconds after which an owner whose word has had no effect says it again."""

QUIET = 0.7
"""In how many of the journeys she wants to hear of nothing but what needs her; the chat is faster then."""

PAUSES = 0.7
"""How many of the sessions she pauses once; she lets them go on when she sees that they rest."""

_TROUBLE = re.compile(
    r"say it again|cannot be|could not|not saved|no space|disk is full|⚠️|internal error|expired|what is this for",
    re.IGNORECASE,
)

_NO_USE = re.compile(r"too old|has expired|done already", re.IGNORECASE)
"""What a button answers that no longer does anything."""


@dataclass
class Deed:
    """Something that the owner has decided to do about a message.

    Attributes:
        token: What it is about: the session and the gate.
        act: Does it; returns the taps whose answers matter.
        holds: Whether it has had its effect, by the files.
        times: How often it was done.
        at: When it was done last, epoch seconds; 0 before.
    """

    token: str
    act: Callable[[], list[ButtonPress]]
    holds: Callable[[], bool]
    times: int = 0
    at: float = 0.0
    taps: list[ButtonPress] = field(default_factory=list)


class Owner:
    """Ann with her phone.

    Args:
        stage: Where.
        names: The sessions she starts.
        seed: Of her delays and ways; each gate has its own, so that they do not depend on the order of things.

    Attributes:
        told: What she did, for a report.
        ignored: Gates that took no notice of her although the bot said nothing of trouble.
        asked_again: Gates at which the bot asked her to say it again.
        resumed: When she let sessions go on, epoch seconds.
        resumed_at_line: How many lines their journals had then.
    """

    def __init__(self, stage: Stage, names: list[str], seed: int) -> None:
        self.stage = stage
        self.names = names
        self.seed = seed
        self.told: list[str] = []
        self.ignored: list[str] = []
        self.asked_again: list[str] = []
        self.nudges: list[str] = []
        self.resumed: dict[str, list[float]] = {name: [] for name in names}
        self.resumed_at_line: dict[str, list[int]] = {name: [] for name in names}
        self._paused: set[str] = set()
        self._rest_seen: dict[str, float] = {}
        self._deeds: dict[str, Deed] = {}
        self._due: dict[str, float] = {}
        self._seen: set[int] = set()
        self._moved: dict[str, tuple[int, float]] = {}
        self._taps: list[ButtonPress] = []
        self._resume_taps: dict[str, ButtonPress] = {}

    @property
    def toasts(self) -> list[str]:
        """What her taps were answered, for a report."""
        return [
            f"tapped on #{tap.message.id}: {tap.answer.text if tap.answer is not None else 'no answer'}"
            for tap in self._taps
        ]

    # What she wants.

    def colour(self, name: str) -> str:
        """The letter of her answer to the first question."""
        return self._dice(f"{name}:colour").choice("ABC")

    def greeted(self, name: str) -> str:
        """The words of her answer to the second question."""
        return f"{name}'s friend number {self._dice(f'{name}:friend').randrange(1000)}"

    def _dice(self, token: str) -> random.Random:
        return random.Random(f"{self.seed}:{token}")

    # Her day.

    async def run(self) -> None:
        """Start the sessions and answer until cancelled."""
        if self._dice("notify").random() < QUIET:
            self._say("/notify quiet")
        for name in self.names:
            self._say(self._run(name))
            await asyncio.sleep(self._dice(name).random() * 0.5)
        while True:
            self._read()
            self._do_what_is_due()
            self._pause()
            self._see_to_the_paused()
            self._see_to_the_idle()
            await asyncio.sleep(0.1)

    def _read(self) -> None:
        for message in list(self.stage.chat.from_bot()):
            if message.id in self._seen:
                continue
            name = next((name for name in self.names if re.search(rf"\b{name}\b", message.text)), None)
            if name is None:
                continue
            deed = self._reply_asked(message, name) if message.asks_reply else self._gate(message, name)
            if deed is not None:
                self._seen.add(message.id)
                self._deeds[deed.token] = deed
                self._due[deed.token] = time.time() + self._dice(deed.token).random() * MOST_DELAY

    def _do_what_is_due(self) -> None:
        now = time.time()
        for token, deed in self._deeds.items():
            if deed.times == 0 and now >= self._due[token]:
                self._carry_out(deed)
            elif deed.times and deed.at and now - deed.at > PATIENCE:
                told = [tap.answer.text or "" for tap in deed.taps if tap.answer is not None]
                if deed.holds() or any(text and not _TROUBLE.search(text) for text in told):
                    deed.at = 0.0  # it has had its effect, or she was told why it has none
                elif self._is_answerable(deed):
                    self._complain(deed)
                    self._carry_out(deed)

    def _was_asked(self, name: str, words: str) -> bool:
        """Whether the bot has asked for words, as it does after a tap."""
        return any(
            words in each.text and name in each.text for each in self.stage.chat.from_bot() if each.asks_reply
        )

    def _is_answerable(self, deed: Deed) -> bool:
        """Whether the message still asks: what is over needs no second word."""
        number = int(deed.token.rpartition("#")[2])
        message = self.stage.chat.by_id.get(number)
        return message is not None and (bool(message.buttons) or message.asks_reply)

    def _complain(self, deed: Deed) -> None:
        since = [message for message in self.stage.chat.from_bot() if message.date >= int(deed.at)]
        words = [message.text for message in since] + [
            tap.answer.text for tap in deed.taps if tap.answer is not None
        ]
        if any(_TROUBLE.search(text) for text in words):
            self.asked_again.append(deed.token)
        else:
            self.ignored.append(deed.token)

    def _carry_out(self, deed: Deed) -> None:
        try:
            deed.taps = deed.act()
        except (SandboxError, OSError) as error:
            self.told.append(f"{time.time():.1f} {deed.token}: not possible: {error}")
            deed.at, deed.times = time.time(), deed.times + 1
            return
        deed.times += 1
        deed.at = time.time()
        self.told.append(f"{deed.at:.1f} {deed.token}")

    # What she makes of a message.

    def _gate(self, message: SandboxMessage, name: str) -> Deed | None:
        labels = message.labels
        if "Do it now" in labels:  # it was away, or its clock is wrong
            return Deed(
                f"{name} again #{message.id}", lambda: [self._tap(message, "Do it now")], lambda: True
            )
        if answer := next((each for each in labels if each.startswith(f"✍️ Answer to {name} ")), None):
            return self._what_for(message, name, answer)
        if "✅ Approve" in labels:
            return self._plan(message, name)
        if any(label.startswith("✍️ Other") or label == "✍️ Answer" for label in labels):
            return self._question(message, name)
        if "✅ Done" in labels:
            return self._action(message, name)
        if "🔁 Retry" in labels:
            return self._block(message, name)
        again = next((label for label in ("▶️ Try again", "🔁 Try again") if label in labels), None)
        if again or ("▶️ Resume" in labels and "lost its worker" in message.text):
            label = again or "▶️ Resume"
            return Deed(f"{name} again #{message.id}", lambda: [self._tap(message, label)], lambda: True)
        return None

    def _question(self, message: SandboxMessage, name: str) -> Deed:
        first = "Which colour" in message.text
        number = 1 if first else 2
        words = self.colour(name) if first else self.greeted(name)
        token = f"{name} Q{number} #{message.id}"
        way = self._dice(token).choice(
            ["tap", "reply", "command", "twice"] if first else ["reply", "command", "other"]
        )

        def act() -> list[ButtonPress]:
            match way:
                case "tap":
                    return [self._tap(message, words)]
                case "twice":
                    return [self._tap(message, words), self._tap(message, words)]
                case "other":
                    return [self._tap(message, "✍️ Answer")]
                case "reply":
                    self.stage.ann.reply(message, words)
                case _:
                    self._say(f"/answer {name} Q{number} {words}")
            return []

        return Deed(
            token,
            act,
            lambda: (
                self._answered(name, number) or (way == "other" and self._was_asked(name, "Your answer?"))
            ),
        )

    def _what_for(self, message: SandboxMessage, name: str, label: str) -> Deed:
        """Say that her text was the answer; asked where the bot cannot tell, as after a reply to a message it lost."""

        def act() -> list[ButtonPress]:
            return [] if self._answered(name, 2) else [self._tap(message, label)]

        return Deed(f"{name} what for #{message.id}", act, lambda: self._answered(name, 2))

    def _answered(self, name: str, number: int) -> bool:
        """Whether an answer is on record and in the questions: a full disk may come between the two, which is said."""
        given = [
            each for each in self.stage.decisions(name, "answer") if each.get("question") == f"Q{number}"
        ]
        return bool(given) and given[-1]["text"] in self._file(name, "_qa.md")

    def _plan(self, message: SandboxMessage, name: str) -> Deed:
        good = bool(self.stage.decisions(name, "rejection"))
        token = f"{name} plan {'approve' if good else 'reject'} #{message.id}"
        way = self._dice(token).choice(["tap", "command"] if good else ["tap", "command", "reply"])
        kind = "approval" if good else "rejection"

        def act() -> list[ButtonPress]:
            if good and way == "tap":
                return [self._tap(message, "✅ Approve")]
            if good:
                self._say(f"/approve {name}")
            elif way == "tap":
                return [self._tap(message, "✏️ Request changes")]
            elif way == "command":
                self._say(f"/reject {name} more of the second part, please")
            else:
                self.stage.ann.reply(message, "more of the second part, please")
            return []

        return Deed(
            token,
            act,
            lambda: (
                bool(self.stage.decisions(name, kind))
                or (not good and self._was_asked(name, "What should be different?"))
            ),
        )

    def _action(self, message: SandboxMessage, name: str) -> Deed:
        def act() -> list[ButtonPress]:
            folder = self.stage.session(name)
            assert folder is not None
            (folder / f"{name}.key").touch()
            return [self._tap(message, "✅ Done")]

        return Deed(
            f"{name} action #{message.id}", act, lambda: bool(self.stage.decisions(name, "action_done"))
        )

    def _block(self, message: SandboxMessage, name: str) -> Deed:
        retries = len(self.stage.decisions(name, "retry"))
        asks = "Nobody told" in message.text
        told = asks and "the port is" in self._file(name, "_guidance.md")

        def act() -> list[ButtonPress]:
            if asks and not told:
                self._say(f"/tell {name} the port is 8080")
            return [self._tap(message, "🔁 Retry")]

        return Deed(
            f"{name} block #{message.id}", act, lambda: len(self.stage.decisions(name, "retry")) > retries
        )

    def _reply_asked(self, message: SandboxMessage, name: str) -> Deed | None:
        if "Your answer?" in message.text:

            def act() -> list[ButtonPress]:
                if not self._answered(name, 2):
                    self.stage.ann.reply(message, self.greeted(name))
                return []

            return Deed(f"{name} words #{message.id}", act, lambda: self._answered(name, 2))
        if "What should be different?" in message.text:

            def feedback() -> list[ButtonPress]:
                if not self.stage.decisions(name, "rejection"):
                    self.stage.ann.reply(message, "more of the second part, please")
                return []

            return Deed(
                f"{name} feedback #{message.id}",
                feedback,
                lambda: bool(self.stage.decisions(name, "rejection")),
            )
        return None

    def _file(self, name: str, file: str) -> str:
        """What a file of a session holds; nothing if it is not there."""
        folder = self.stage.session(name)
        path = folder / file if folder is not None else None
        return (
            path.read_text(encoding="utf-8", errors="replace") if path is not None and path.exists() else ""
        )

    # Pauses.

    def _pause(self) -> None:
        """Pause each session once at most, during an iteration of her choice."""
        for name in self.names:
            dice = self._dice(f"{name}:pause")
            wanted, at = dice.random() < PAUSES, dice.randint(2, 7)
            begun = [
                each
                for each in self.stage.records(name, "_logs/journal.jsonl")
                if each.get("event") == "iteration_start"
            ]
            if wanted and name not in self._paused and len(begun) >= at:
                self._paused.add(name)
                self._say(f"/pause {name}")

    def _see_to_the_paused(self) -> None:
        """Let go on what rests because of a pause, as soon as the chat says that it does."""
        for name in self.names:
            if not self._is_paused(name):
                self._rest_seen.pop(name, None)
                continue
            since = self._rest_seen.setdefault(name, time.time())
            thinks = self._dice(f"{name}:resume").random() * MOST_DELAY
            tap = self._resume_taps.get(name)
            refused = tap is not None and tap.answer is not None and _NO_USE.search(tap.answer.text or "")
            again = not self.resumed[name] or refused or time.time() - self.resumed[name][-1] > PATIENCE
            if again and time.time() - since >= thinks:
                self._resume(name)

    def _is_paused(self, name: str) -> bool:
        """Whether a session rests because of a pause, and the chat says so."""
        texts = [each.text for each in self.stage.chat.from_bot()]
        texts += [tap.answer.text or "" for tap in self._taps if tap.answer is not None]
        said = [text for text in texts if re.search(rf"\b{name}\b", text)]
        if any(f"{name} is paused; it was" in text for text in said) and not self.resumed[name]:
            return True  # it was taken out of the queue
        folder = self.stage.session(name)
        ends = [
            each
            for each in self.stage.records(name, "_logs/journal.jsonl")
            if each.get("event") in ("run_start", "run_end")
        ]
        if folder is None or not ends or not ends[-1].get("paused"):
            return False
        return not self._waits(name) and any("aused" in text for text in said)

    def _waits(self, name: str) -> bool:
        """Whether a session waits at a gate about which nothing has been decided."""
        last = [
            each["event"]
            for each in self.stage.records(name, "_logs/journal.jsonl")
            if each.get("event") in ("gate", "decision", "iteration_start")
        ][-1:]
        return last == ["gate"]

    def _resume(self, name: str) -> None:
        offers = [
            each
            for each in self.stage.chat.from_bot()
            if "▶️ Resume" in each.labels and f"{name} " in each.text and "aused" in each.text
        ]
        self._note_resume(name)
        refused = self._resume_taps.pop(name, None)
        if offers and refused is None and self._dice(f"{name}:how").random() < 0.5:
            with contextlib.suppress(SandboxError):
                self._resume_taps[name] = self._tap(offers[-1], "▶️ Resume")
            self.told.append(f"{time.time():.1f} resumes {name} by a tap on #{offers[-1].id}")
        else:
            self._say(f"/resume {name}")

    def _was_refused(self) -> bool:
        """Whether the bot has said that something could not be done; a full disk leaves no more words than that."""
        return any(_TROUBLE.search(message.text) for message in self.stage.chat.from_bot())

    def _run(self, name: str) -> str:
        return f'/run {name} --task "Greet for {name}"'

    def _note_resume(self, name: str) -> None:
        self.resumed[name].append(time.time())
        self.resumed_at_line[name].append(len(self.stage.records(name, "_logs/journal.jsonl")))

    # Her last resort.

    def _see_to_the_idle(self) -> None:
        """Resume what has not moved for long; each time is a promise that was not kept."""
        for name in self.names:
            if self.stage.is_done(name):
                continue
            marks = len(self.stage.records(name, "_logs/journal.jsonl")) + len(self.stage.decisions(name))
            known, since = self._moved.get(name, (-1, 0.0))
            refused = not self.stage.is_begun(name) and self._was_refused()
            if marks != known:
                self._moved[name] = (marks, time.time())
            elif refused and time.time() - since > PATIENCE:
                self._moved[name] = (marks, time.time())
                self._say(self._run(name))  # she was told why it had not begun
            elif time.time() - since > 2 * PATIENCE:
                self._moved[name] = (marks, time.time())
                self.nudges.append(f"{time.time():.1f} {name}")
                self._note_resume(name)
                self._say(f"/resume {name}" if self.stage.is_begun(name) else self._run(name))

    def _tap(self, message: SandboxMessage, label: str) -> ButtonPress:
        self._taps.append(self.stage.ann.tap(message, label))
        return self._taps[-1]

    def _say(self, text: str) -> None:
        with contextlib.suppress(SandboxError):
            self.stage.ann.say(text, self.stage.chat)
        self.told.append(f"{time.time():.1f} says {text}")
