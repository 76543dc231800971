"""What becomes of guidance that arrives while an iteration runs: saved, delivered, taken up.

- saved: it is in the guidance; nothing has been sent yet.
- delivered: it was written to the running CLI, after that was recorded here.
- taken up: the CLI has reported it as part of a request.

An iteration that has ended well has received what its prompt held, and what it took up and the model has answered
since: only that is ticked. Anything else stays open and is in the next iteration's prompt: also what the CLI took up
right before it died, as nothing shows that the request was made, and what an interrupted conversation was given, as
the next one knows nothing of it.

Whether and with what an iteration ended well is decided from what outlives every process: the prompt and the deliveries,
on record here before the CLI gets them; the log, which is the CLI's stdout; and the signal. So a worker that is killed
at any point has decided nothing that the next one would decide otherwise: no guidance is lost or counts twice.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.session.files import read_text, remove, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.guidance import GuidanceItem, pending
from samobot.session.signal import Signal, parse_signal

_Key = tuple[str | None, str | None, str]


@frozen
class Delivery:
    """One piece of guidance that was sent to a running iteration.

    Attributes:
        uuid: What the CLI reports when it takes it up.
        item: The guidance.
        taken_up: Whether it has.
        answered: Whether the model has answered since.
    """

    uuid: str
    item: GuidanceItem
    taken_up: bool = False
    answered: bool = False


@frozen
class Turn:
    """The guidance of one iteration, until it is ticked.

    Attributes:
        session_id: The CLI's session, new for each iteration.
        prompt: What its prompt holds.
        deliveries: What was sent since, oldest first.
        number: The iteration's number in the session.
        log: The name of its log.
        signaled: Whether its signal, which was removed since, was one that counts.
    """

    session_id: str
    prompt: tuple[GuidanceItem, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    number: int = 0
    log: str = ""
    signaled: bool = False

    def undelivered(self, items: Iterable[GuidanceItem]) -> tuple[GuidanceItem, ...]:
        """The open ones that this iteration has not been sent, oldest first."""
        sent = Counter(map(_key, (*self.prompt, *(each.item for each in self.deliveries))))
        found = []
        for item in pending(items):
            if sent[_key(item)] > 0:
                sent[_key(item)] -= 1
            else:
                found.append(item)
        return tuple(found)

    def deliver(self, item: GuidanceItem, uuid: str) -> Turn:
        """The state after `item` was sent under a new UUID."""
        return replace(self, deliveries=(*self.deliveries, Delivery(uuid, item)))

    def take_up(self, uuid: str) -> Turn:
        """The state after the CLI has taken up a message; one that is not guidance changes nothing."""
        return replace(
            self,
            deliveries=tuple(
                replace(each, taken_up=True) if each.uuid == uuid else each for each in self.deliveries
            ),
        )

    def answer(self) -> Turn:
        """The state after the model has answered a request."""
        if all(each.answered or not each.taken_up for each in self.deliveries):
            return self
        return replace(
            self, deliveries=tuple(replace(each, answered=each.taken_up) for each in self.deliveries)
        )

    @property
    def received(self) -> tuple[GuidanceItem, ...]:
        """What the iteration has worked with: to be ticked once it has ended well."""
        return (*self.prompt, *(each.item for each in self.deliveries if each.answered))

    def has_given(self, item: GuidanceItem) -> bool:
        """Whether the iteration's model may have worked with a piece of guidance."""
        given = (*self.prompt, *(each.item for each in self.deliveries if each.taken_up))
        return _key(item) in map(_key, given)

    def delivery_of(self, items: Iterable[GuidanceItem]) -> dict[int, Delivery]:
        """The deliveries of open items, by the item's index."""
        left = list(self.deliveries)
        sent = Counter(map(_key, self.prompt))
        found = {}
        for item in pending(items):
            if sent[_key(item)] > 0:
                sent[_key(item)] -= 1
                continue
            same = next((each for each in left if _key(each.item) == _key(item)), None)
            if same is not None:
                left.remove(same)
                found[item.index] = same
        return found


def save_turn(folder: SessionFolder, turn: Turn) -> None:
    """Record a turn in the vault; it is on disk when this returns.

    Raises:
        StorageError: The disk refused.
    """
    values = {
        "session_id": turn.session_id,
        "prompt": [(item.index, *_key(item)) for item in turn.prompt],
        "deliveries": [
            {"uuid": each.uuid, "item": (each.item.index, *_key(each.item)), "taken_up": each.taken_up}
            for each in turn.deliveries
        ],
        "number": turn.number,
        "log": turn.log,
        "signaled": turn.signaled,
    }
    write_atomic(folder.vault.turn, json.dumps(values) + "\n", mode=0o600)


def load_turn(folder: SessionFolder) -> Turn | None:
    """Read the turn that was recorded last; None if there is none, or it cannot be understood.

    Raises:
        StorageError: It cannot be read.
    """
    try:
        values = json.loads(read_text(folder.vault.turn) or "null")
        return Turn(
            str(values["session_id"]),
            tuple(map(_item, values["prompt"])),
            tuple(
                Delivery(str(each["uuid"]), _item(each["item"]), each["taken_up"] is True)
                for each in values["deliveries"]
            ),
            int(values["number"]),
            str(values["log"]),
            values["signaled"] is True,
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def forget_turn(folder: SessionFolder) -> None:
    """Remove the record of an iteration whose guidance is ticked.

    Raises:
        StorageError: The disk refused.
    """
    remove(folder.vault.turn)


def remove_signal(folder: SessionFolder) -> None:
    """Remove the signal; that there was one stays on record until the guidance of its iteration is ticked.

    Raises:
        StorageError: The disk refused.
    """
    turn = load_turn(folder)
    if turn is not None and not turn.signaled:
        with contextlib.suppress(StorageError):  # what cannot be read does not count
            text = read_text(folder.signal, follow=False)
            turn = replace(turn, signaled=isinstance(parse_signal(text), Signal))
        if turn.signaled:
            save_turn(folder, turn)
    remove(folder.signal)


def _key(item: GuidanceItem) -> _Key:
    return item.when, item.who, item.text


def _item(value: object) -> GuidanceItem:
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError("not a piece of guidance")
    index, when, who, text = value
    return GuidanceItem(int(index), False, when, who, str(text))
