"""Promises of `_qa.md`: an answer is read back exactly, and nothing else in the file changes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samobot.errors import NotFoundError, UsageError
from samobot.session.qa import clear_answer, parse_qa, set_answer
from samobot.session.question import Option
from samobot.text import without_surrogates
from tests.support.calls import assert_linear
from tests.support.cases import for_each

TWO_ROUNDS = """\
# Questions

## Round 1

### Q1: Which database?

It must hold this:

```sql
### Q7: not a question
A) not an option
**Answer:** not an answer
```

A) PostgreSQL
   with the pooler
B) SQLite

**Suggestion:** B - there is one writer

**Answer:** _waiting_

---

### Q2: What is the product called?

**Answer:** _waiting_

## Round 2

### Q1: And the licence?
- **A)** MIT
- **B)** Apache 2.0

**Answer:** _waiting_
"""

PIECES = [
    "### Q1: one",
    "### Q2: two",
    "## Q3 - three",
    "#### Q4",
    "## Round 2",
    "# Title",
    "**Answer:** _waiting_",
    "**Answer:** B",
    "**Answer:**",
    "Answer: yes",
    "- **Answer**: x",
    "_waiting_",
    "> a quote",
    ">",
    "```",
    "````text",
    "~~~",
    "    indented",
    "A) first",
    "B. second",
    "**Suggestion:** A - why",
    "---",
    "***",
    "",
    "  ",
    "words",
    "\ufeff",
    "\udc80\udcff",
    "words\r",
]

texts = st.lists(
    st.tuples(st.sampled_from(PIECES) | st.text(max_size=12), st.sampled_from(["\n", "\n", "\n", "\r\n", ""]))
).map(lambda lines: "".join(piece + end for piece, end in lines))
answers = (
    st.text(min_size=1)
    | st.lists(st.sampled_from([*PIECES, "\r", "\x85", "\u2028"]), min_size=1).map("\n".join)
    | st.lists(st.sampled_from([*PIECES, "\r", " "]), min_size=1).map("\r\n".join)
).filter(lambda answer: answer.strip() != "")


@given(texts, answers, answers, st.data())
@example("### Q1: x\r\n\r\n**Answer:** _waiting_\r\n", "a\r\nb\r", "c", None)
@example("### Q1: x\n**Answer:** _waiting_\n> a note\n", "a\nb", "c", None)
@example("### Q1: x\n```\n**Answer:** _waiting_", "```\n~~~", "c", None)
def test_any_answer_in_any_file_is_read_back_exactly(
    text: str, answer: str, later: str, data: st.DataObject | None
) -> None:
    before = parse_qa(text).questions
    if not before:
        return
    index = data.draw(st.integers(0, len(before) - 1)) if data else 0
    for words in (answer, later):
        text = set_answer(text, index, words)
        after = parse_qa(text).questions
        assert after[index].answer == without_surrogates(words)
        assert [other.answer for other in after if other.index != index] == [
            other.answer for other in before if other.index != index
        ]
        assert [(q.number, q.text, q.options, q.suggestion, q.round) for q in after] == [
            (q.number, q.text, q.options, q.suggestion, q.round) for q in before
        ]
    cleared = parse_qa(clear_answer(text, index)).questions
    assert cleared[index].answer is None
    assert len(cleared) == len(before)


@given(texts, answers, texts)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_stands_around_an_answer_keeps_every_byte(end: str, above: str, answer: str, below: str) -> None:
    above = f"### Q1: first{end}{above}{end}" if not parse_qa(above).questions else above + end
    middle = f"### Q99: mine{end}{end}A) x{end}{end}**Answer:**"
    below = f"{end}{end}### Q100: last{end}{below}"
    text = above + middle + f" _waiting_{below}"
    index = next((q.index for q in parse_qa(text).questions if q.number == 99), None)
    if index is None:  # the generated text above opened a code block that the one below closes
        return
    changed = set_answer(text, index, answer)
    assert changed.startswith(above + middle)
    assert changed.removeprefix(above + middle).endswith(below.removeprefix(end))
    if "\r" not in answer or end == "\n":
        assert changed.endswith(below)
    assert clear_answer(changed, index) == text or newline_is_mixed(text)


def newline_is_mixed(text: str) -> bool:
    return 0 < text.count("\r\n") < text.count("\n")


@given(st.text() | texts)
def test_no_input_makes_a_traceback(text: str) -> None:
    for question in parse_qa(text).questions:
        assert question.line >= 1


@for_each(
    "answer",
    [
        "B",
        "**Answer:** C",
        "### Q9: what?",
        "`code`",
        "_waiting_",
        "waiting",
        "```\n~~~~\n`````",
        "x" * 10_000,
        "  both ends  ",
        "one\ntwo\n\n",
        "\n\nthree",
        "with\rcarriage\r\nreturns\r",
        "> quoted",
        "---",
        "A\u2028B\x85C",
        "👩‍👩‍👧 ok",
    ],
)
@for_each("end", ["\n", "\r\n"])
def test_awkward_answers_survive_in_every_question(answer: str, end: str) -> None:
    text = TWO_ROUNDS.replace("\n", end)
    for index in range(3):
        changed = set_answer(text, index, answer)
        assert parse_qa(changed).questions[index].answer == answer
        assert clear_answer(changed, index) == text


def test_a_plain_answer_stands_behind_its_mark() -> None:
    assert "**Answer:** SQLite, please\n\n---" in set_answer(TWO_ROUNDS, 0, "SQLite, please")


def test_half_a_character_in_an_answer_becomes_a_replacement_character() -> None:
    assert parse_qa(set_answer(TWO_ROUNDS, 0, "a\ud83d")).questions[0].answer == "a\ufffd"


def test_questions_options_and_suggestions_are_read() -> None:
    first, second, third = parse_qa(TWO_ROUNDS).questions
    assert (first.label, first.round, first.line) == ("Q1", "Round 1", 5)
    assert first.text.startswith("Which database?\n\nIt must hold this:")
    assert "A) not an option" in first.text
    assert first.options == (Option("A", "PostgreSQL\n   with the pooler"), Option("B", "SQLite"))
    assert (first.suggestion, first.reason) == ("B", "there is one writer")
    assert (second.options, second.suggestion, second.reason) == ((), None, "")
    assert (third.label, third.round) == ("Q1", "Round 2")
    assert third.options == (Option("A", "MIT"), Option("B", "Apache 2.0"))
    assert parse_qa(TWO_ROUNDS).open == (first, second, third)
    assert parse_qa(TWO_ROUNDS).problems == ()


@for_each(
    ("written", "meant"),
    [
        ("Answer: B", "B"),
        ("**Answer**: B", "B"),
        ("**Answer:**B", "B"),
        ("answer :  B  ", "B"),
        ("- **ANSWER:** B", "B"),
        ("__Answer:__ B", "B"),
        ("**Answer:**\nB\n\nbecause it is simple", "B\n\nbecause it is simple"),
        ("**Answer:** B\nbecause", "B\nbecause"),
        ("**Answer:**\n\n```\ncode\n```", "```\ncode\n```"),
        ("Answer: **bold**", "**bold**"),
        ("**Answer:** _waiting_", None),
        ("**Answer:** _Waiting_", None),
        ("**Answer:**  _ waiting _", None),
        ("**Answer:** waiting...", None),
        ("**Answer:** *waiting*", None),
        ("**Answer:** `_waiting_`", None),
        ("**Answer:** _waiting for you_", None),
        ("**Answer:**\n_waiting_", None),
        ("**Answer:**", None),
        ("**Answer:**\n>\n", None),
        ("Answer:", None),
    ],
)
def test_answers_edited_by_hand_are_understood(written: str, meant: str | None) -> None:
    text = f"### Q1: x\n\n{written}\n\n### Q2: y\n\n**Answer:** _waiting_\n"
    assert parse_qa(text).questions[0].answer == meant
    assert parse_qa(text.replace("\n", "\r\n")).questions[0].answer == meant
    changed = set_answer(text, 0, "new")
    assert parse_qa(changed).questions[0].answer == "new"
    assert changed.endswith("\n\n### Q2: y\n\n**Answer:** _waiting_\n")
    if meant:
        assert meant not in changed or meant == "B"


def test_text_below_waiting_is_reported_and_kept() -> None:
    text = "### Q1: x\n**Answer:** _waiting_\nUse B\n"
    qa = parse_qa(text)
    assert qa.questions[0].answer is None
    assert "line 3" in qa.problems[0]
    assert set_answer(text, 0, "C") == "### Q1: x\n**Answer:**\n> C\nUse B\n"


def test_a_question_without_an_answer_line_is_open_and_gets_one() -> None:
    text = "### Q1: x\nA) a\n\n### Q2: y"
    qa = parse_qa(text)
    assert len(qa.open) == 2
    assert "line 1: Q1 has no" in qa.problems[0]
    assert set_answer(text, 0, "a") == "### Q1: x\nA) a\n\n**Answer:** a\n\n### Q2: y"
    assert set_answer(text, 1, "b") == "### Q1: x\nA) a\n\n### Q2: y\n\n**Answer:** b\n"
    assert clear_answer(text, 0) == text


@pytest.mark.parametrize(
    "heading", ["### Q12: x", "## Q12. x", "### Question 12: x", "### **Q12:** x", "### Q12 - x", "# q12) x"]
)
def test_headings_of_questions_are_recognised(heading: str) -> None:
    (question,) = parse_qa(f"\ufeff{heading}\n").questions
    assert (question.number, question.text) == (12, "x")


def test_a_heading_that_only_begins_like_a_question_is_none() -> None:
    qa = parse_qa("### Q4 results\n")
    assert qa.questions == ()
    assert "no question" in qa.problems[0]


def test_a_fence_that_nobody_closed_does_not_swallow_the_next_question() -> None:
    qa = parse_qa("### Q1: x\n```python\nprint()\n**Answer:** yes\n\n### Q2: y\n**Answer:** no\n")
    assert [question.answer for question in qa.questions] == ["yes", "no"]


@pytest.mark.parametrize(
    ("written", "letter", "why"),
    [
        ("A - why", "A", "why"),
        ("**B)** because", "B", "because"),
        ("Option B, it is small", "B", "it is small"),
        ("A", "A", ""),
        ("A small table", None, "A small table"),
        ("Z - none such", None, "Z - none such"),
        ("I, for one", None, "I, for one"),
        ("", None, ""),
    ],
)
def test_suggestion_names_an_option_or_is_free_text(written: str, letter: str | None, why: str) -> None:
    (question,) = parse_qa(
        f"### Q1: x\nA) a\nB) b\n\n**Suggestion:** {written}\n**Answer:** _waiting_\n"
    ).questions
    assert (question.suggestion, question.reason) == (letter, why)


def test_an_option_may_skip_a_letter_but_a_sentence_is_none() -> None:
    (question,) = parse_qa("### Q1: x\nB. Miller asks.\nA) a\nC) c\nb) no\n").questions
    assert question.options == (Option("A", "a"), Option("C", "c\nb) no"))
    assert question.text == "x\nB. Miller asks."


@pytest.mark.parametrize("index", [-1, 3])
def test_an_answer_to_no_question_is_refused(index: int) -> None:
    with pytest.raises(NotFoundError, match="3 questions"):
        set_answer(TWO_ROUNDS, index, "x")
    with pytest.raises(NotFoundError):
        clear_answer(TWO_ROUNDS, index)


def test_answer_without_text_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one word"):
        set_answer(TWO_ROUNDS, 0, " \n")


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "piece",
    [
        "```\n",
        "### Q1: x\n",
        "**Answer:**\n",
        "A) \n",
        "> ",
        "#",
        " ",
        "*",
        "_",
        "Q",
        "\n",
        "~~~ x\n",
        "---\n",
    ],
)
def test_huge_files_are_read_in_linear_time(piece: str) -> None:
    def read(size: int) -> None:
        text = "### Q1: " + piece * (size // len(piece))
        qa = parse_qa(text)
        if qa.questions:
            set_answer(text, 0, "x")

    assert_linear(read)
