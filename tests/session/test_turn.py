"""Guidance for a running iteration: whatever is killed when, each piece counts exactly once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from samobot.session.guidance import add_guidance, parse_guidance, pending, tick
from samobot.session.turn import Turn, forget_turn, load_turn, save_turn
from tests.support.session_folder import make_session

NOW = datetime(2026, 1, 5, 9, 7, tzinfo=UTC)


@dataclass
class World:
    """A guidance file, a worker, and a CLI that reads a pipe.

    Attributes:
        text: The guidance, on disk.
        turn: What the living worker knows; None while none runs an iteration.
        pipe: What was written and not read.
        heard: What the model of the running iteration was given.
        worked_with: What models were given whose iterations have ended well.
    """

    text: str = ""
    turn: Turn | None = None
    pipe: list[tuple[str, str]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    worked_with: list[str] = field(default_factory=list)
    sent: int = 0

    def say(self, words: str) -> None:
        self.text = add_guidance(self.text, "ann", words, NOW)

    def start(self) -> None:
        if self.turn is None:
            self.turn = Turn("s", pending(parse_guidance(self.text)))
            self.heard = [item.text for item in self.turn.prompt]
            self.pipe = []

    def deliver(self, written: int | None = None) -> None:
        """Record what is new and write it; a worker that is killed meanwhile has written only so many."""
        if self.turn is None:
            return
        new = []
        for item in self.turn.undelivered(parse_guidance(self.text)):
            self.sent += 1
            new.append((str(self.sent), item.text))
            self.turn = self.turn.deliver(item, str(self.sent))
        self.pipe += new[:written]
        if written is not None:
            self.turn = None

    def take_up(self, *, reported: bool = True) -> None:
        """The CLI reads one message; one that is killed meanwhile has not reported it."""
        if self.turn is None or not self.pipe:
            return
        key, words = self.pipe.pop(0)
        self.heard.append(words)
        if reported:
            self.turn = self.turn.take_up(key).answer()
        else:
            self.turn = None

    def end(self, *, well: bool) -> None:
        if self.turn is not None and well:
            self.text = tick(self.text, self.turn.received)
            self.worked_with += self.heard
        self.turn = None


steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(["a", "a", "b", "two\nlines", "- [ ] item"])),
        st.tuples(st.just("start"), st.none()),
        st.tuples(st.just("deliver"), st.none() | st.integers(0, 2)),
        st.tuples(st.just("take_up"), st.booleans()),
        st.tuples(st.just("end"), st.booleans()),
    ),
    max_size=40,
)


@given(steps)
def test_whatever_is_killed_each_piece_is_worked_with_exactly_once(
    history: list[tuple[str, str | int | bool | None]],
) -> None:
    world, said = World(), Counter[str]()
    for step, value in history:
        match step, value:
            case "say", str(words):
                world.say(words)
                said[words] += 1
            case "start", _:
                world.start()
            case "deliver", int() | None:
                world.deliver(value)
            case "take_up", _:
                world.take_up(reported=bool(value))
            case _:
                world.end(well=bool(value))
        assert not Counter(world.heard) - said, "no conversation was given anything twice"
    world.end(well=False)
    world.start()
    world.end(well=True)
    assert Counter(world.worked_with) == said
    assert not pending(parse_guidance(world.text))


def test_what_was_sent_and_not_taken_up_is_open_afterwards() -> None:
    text = add_guidance(add_guidance("", "ann", "one", NOW), "ann", "two", NOW)
    one, two = parse_guidance(text)
    turn = Turn("s").deliver(one, "1").deliver(two, "2").take_up("2").answer().take_up("1").take_up("unknown")
    assert turn.received == (two,)
    assert [item.text for item in pending(parse_guidance(tick(text, turn.received)))] == ["one"]
    assert turn.answer().received == (one, two)
    assert [Turn("s").deliver(one, "1").take_up("1").has_given(item) for item in (one, two)] == [True, False]
    found = turn.delivery_of((one, two)).items()
    assert {index: (each.taken_up, each.answered) for index, each in found} == {
        0: (True, False),
        1: (True, True),
    }


def test_the_record_survives_and_one_that_is_damaged_says_nothing(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    items = parse_guidance(add_guidance(add_guidance("", "ann", "é\n\ud800x", NOW), "ann", "b", NOW))
    turn = Turn("s", items[:1]).deliver(items[1], "u").take_up("u")
    folder.vault.prepare()
    assert load_turn(folder) is None
    save_turn(folder, turn)
    found = load_turn(folder)
    assert found is not None
    assert found.session_id == "s"
    assert found.undelivered(items) == ()
    assert [(each.uuid, each.item.text, each.taken_up) for each in found.deliveries] == [("u", "b", True)]
    for damage in ("", "[]", '{"session_id": 1}', '{"session_id": "s", "prompt": [[1]], "deliveries": []}'):
        folder.vault.turn.write_text(damage)
        assert load_turn(folder) is None
    forget_turn(folder)
    assert not folder.vault.turn.exists()
