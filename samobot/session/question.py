"""A question of the agent with its options, as `_qa.md`, `status --json` and the chat know it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from samobot.frozen import frozen
from samobot.text import without_surrogates


@frozen
class Option:
    """One of the answers that the agent offers.

    Attributes:
        letter: A capital letter; options that the file numbers are lettered in their order.
        text: May have several lines.
    """

    letter: str
    text: str


@frozen
class Question:
    """One question.

    Attributes:
        number: Number in its heading; numbers may repeat in later rounds.
        text: Heading and text, Markdown, without the options.
        options: May be empty.
        suggestion: Letter of the option that the agent suggests, if it names one.
        answer: The user's answer; None while the question is open.
        index: Position in the file, from 0; the address that `set_answer` takes.
        label: What people call it: `Q1`, or `Q1.2` for a part of a question.
        identity: Fingerprint of label, text and options, see `fingerprint`.
        reason: Why it suggests that; or the whole suggestion if it names no option. Empty if there is none.
        round: The heading that it stands under, such as `Round 2`.
        line: Line of its heading, from 1.
        by: Who answered; None for an answer written by hand.
        via: Where they answered: `telegram`, `terminal`.
        at: When they answered.
    """

    number: int
    text: str
    options: tuple[Option, ...] = ()
    suggestion: str | None = None
    answer: str | None = None
    index: int = 0
    label: str = ""
    identity: str = ""
    reason: str = ""
    round: str | None = None
    line: int = 1
    by: str | None = None
    via: str | None = None
    at: datetime | None = None

    @property
    def suggested_answer(self) -> str:
        """What is taken as the answer if the suggestion is accepted; empty if there is none."""
        return self.suggestion or self.reason

    def encodable(self) -> Question:
        """Return the question with bytes that are not UTF-8 replaced, as JSON and messages need it."""
        return replace(
            self,
            text=without_surrogates(self.text),
            options=tuple(Option(each.letter, without_surrogates(each.text)) for each in self.options),
            reason=without_surrogates(self.reason),
            answer=None if self.answer is None else without_surrogates(self.answer),
            round=None if self.round is None else without_surrogates(self.round),
        )


def fingerprint(label: str, text: str, options: Sequence[Option]) -> str:
    """Return a digest of a question with its options, which a recorded answer is bound to.

    It does not change with white space, nor with the question's position in the file.
    """
    parts = [label, text, *[f"{option.letter}) {option.text}" for option in options]]
    content = "\n".join([" ".join(part.split()) for part in parts])
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()
