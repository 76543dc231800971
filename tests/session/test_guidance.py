"""Promises of `_guidance.md`: words come back exactly, and a tick changes one character."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samobot.errors import UsageError
from samobot.session.guidance import add_guidance, parse_guidance, pending, tick
from samobot.text import without_surrogates
from tests.support.calls import assert_linear

NOW = datetime(2026, 1, 5, 9, 7, tzinfo=UTC)
PIECES = [
    "- [ ] item",
    "- [x] [01-02 03:04] me: done",
    "  indented",
    "\ttab",
    "",
    "  ",
    "# heading",
    "lazy",
    "- bullet",
    "\r",
    "x: y",
]

words = (
    st.text(min_size=1)
    | st.lists(st.sampled_from(PIECES), min_size=1).map("\n".join)
    | st.lists(st.sampled_from(PIECES), min_size=1).map("\r\n".join)
).filter(lambda text: text.strip() != "")
texts = st.lists(
    st.tuples(st.sampled_from(PIECES) | st.text(max_size=8), st.sampled_from(["\n", "\n", "\r\n", ""]))
).map(lambda lines: "".join(piece + end for piece, end in lines))


@given(texts, st.text(), words, words)
@example("a\r\n", "me", "x\ry", "z")
@example("", "me", "\n first", "z")
def test_any_text_in_any_file_is_read_back_exactly(text: str, who: str, first: str, second: str) -> None:
    before = parse_guidance(text)
    added = add_guidance(text, who, first, NOW)
    assert added.startswith(text)
    more = add_guidance(added, who, second, NOW)
    items = parse_guidance(more)
    assert [item.text for item in items[len(before) :]] == [
        without_surrogates(first),
        without_surrogates(second),
    ]
    assert [item.text.rstrip("\r") for item in items[: len(before)]] == [
        item.text.rstrip("\r") for item in before
    ]
    assert {item.when for item in items[len(before) :]} == {"01-05 09:07"}
    assert not any(item.done for item in items[len(before) :])


@given(texts, words)
def test_a_tick_changes_one_character(text: str, said: str) -> None:
    text = add_guidance(text, "me", said, NOW)
    items = parse_guidance(text)
    ticked = tick(text, items[-1:])
    assert sum(a != b for a, b in zip(text, ticked, strict=True)) == 1
    after = parse_guidance(ticked)
    assert after[-1].done
    assert [(item.who, item.text) for item in after] == [(item.who, item.text) for item in items]
    assert tick(ticked, items[-1:]) == ticked


def test_file_reads_as_if_written_by_hand() -> None:
    text = add_guidance("# Guidance\n\n", "Ann", "use PostgreSQL\n\nand say why", NOW)
    assert text == "# Guidance\n\n- [ ] [01-05 09:07] Ann: use PostgreSQL\n  \n  and say why\n"


def test_items_written_by_hand_are_read() -> None:
    text = (
        "\ufeff- [ ] be quick: now\n"
        "- [X] [01-02 03:04] Bob: done\n"
        "* [ ] [01-02 03:05] no name here\n"
        "and more of it\n"
        "\n"
        "- a plain bullet\n"
        "+ [ ]\n"
        "\n"
        "  after a blank line\n"
    )
    items = parse_guidance(text)
    assert [(item.done, item.when, item.who, item.text) for item in items] == [
        (False, None, None, "be quick: now"),
        (True, "01-02 03:04", "Bob", "done"),
        (False, "01-02 03:05", None, "no name here\nand more of it"),
        (False, None, None, "\nafter a blank line"),
    ]
    assert [item.index for item in pending(items)] == [0, 2, 3]


def test_windows_line_ends_are_no_part_of_the_text() -> None:
    text = add_guidance("# Guidance\r\n", "Ann", "one\ntwo", NOW)
    assert text.count("\r\n") == text.count("\n") == 3
    assert parse_guidance(text)[0].text == "one\ntwo"


def test_an_item_that_was_changed_meanwhile_stays_open() -> None:
    text = add_guidance("", "Ann", "use A", NOW)
    given_to_agent = parse_guidance(text)
    edited = text.replace("use A", "use B")
    assert tick(edited, given_to_agent) == edited


def test_of_two_equal_items_the_one_that_was_given_is_ticked() -> None:
    text = add_guidance(add_guidance("", "Ann", "again", NOW), "Ann", "again", NOW)
    first, second = parse_guidance(text)
    assert [item.done for item in parse_guidance(tick(text, [second]))] == [False, True]
    assert [item.done for item in parse_guidance(tick(text, [first, second]))] == [True, True]


@pytest.mark.parametrize(
    ("who", "read"), [("a:b\nc", "a b c"), ("", "somebody"), (" : ", "somebody"), ("x" * 99, "x" * 63 + "…")]
)
def test_a_name_is_made_one_short_line(who: str, read: str) -> None:
    assert parse_guidance(add_guidance("", who, "hello", NOW))[0].who == read


def test_guidance_without_text_is_refused() -> None:
    with pytest.raises(UsageError, match="guidance is empty"):
        add_guidance("", "Ann", " \n", NOW)


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("piece", ["- [ ] x\n", "- [ ] x\n\n", "  y\n", "\n", "- [ ] [01-01 "])
def test_huge_files_are_read_in_linear_time(piece: str) -> None:
    def read(size: int) -> None:
        assert len(parse_guidance("- [ ] a\n" + piece * (size // len(piece)))) >= 1

    assert_linear(read)
