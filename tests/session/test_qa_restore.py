"""A user's answer survives what an agent does to `_qa.md`; what the agent answers itself does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.session.qa import parse_qa, set_answer
from samobot.session.qa_restore import ChangeKind, restore_answers
from tests.support.session_folder import QUESTIONS

ASKED = """\
# Questions

## Round 1

### Q1: Which DB should it use?

A) PostgreSQL, with the pooler
B) SQLite
C) MySQL

**Suggestion:** B - one writer

**Answer:** B) SQLite

### Q2: How shall the product be called in the shop?

**Answer:**
> Hello
> World
"""
ANSWERS = ["B) SQLite", "Hello\nWorld"]
ROUND_2 = "## Round 2\n\n### Q1: And which licence?\nA) MIT\nB) Apache\n\n**Answer:** _waiting_\n"


def answers(text: str) -> list[str | None]:
    return [question.answer for question in parse_qa(text).questions]


TIDIED = {
    "ticked heading": ASKED.replace("it use?", "it use? ✅"),
    "ticked before": ASKED.replace("### Q1", "### ✅ Q1"),
    "answered in brackets": ASKED.replace("### Q1:", "### Q1 (answered):"),
    "struck through": ASKED.replace("### Q1: Which DB should it use?", "### ~~Q1: Which DB should it use?~~"),
    "trimmed options": ASKED.replace("A) PostgreSQL, with the pooler\n", "").replace("C) MySQL\n", ""),
    "no options": ASKED.replace("A) PostgreSQL, with the pooler\nB) SQLite\nC) MySQL\n\n", ""),
    "shorter options": ASKED.replace("PostgreSQL, with the pooler", "PostgreSQL"),
    "database": ASKED.replace("Which DB", "Which database"),
    "other words": ASKED.replace("Which DB should it use?", "Which database should the service use?"),
    "shorter": ASKED.replace("Which DB should it use?", "Which DB?"),
    "no suggestion": ASKED.replace("**Suggestion:** B - one writer\n\n", ""),
    "other level": ASKED.replace("### Q", "#### Q"),
    "bold": ASKED.replace("### Q1: Which DB should it use?", "**Q1: Which DB should it use?**"),
    "no round": ASKED.replace("## Round 1\n\n", ""),
    "trailing space": ASKED.replace("it use?", "it use?  "),
    "windows": ASKED.replace("\n", "\r\n"),
    "renumbered": ASKED.replace("### Q2", "### Q3"),
    "ticked box": ASKED.replace("### Q1:", "### [x] Q1:"),
    "options as bullets": ASKED.replace("A) P", "- P")
    .replace("\nB) SQLite\n", "\n- SQLite\n")
    .replace("C) ", "- "),
    "options as numbers": ASKED.replace("A) P", "1. P")
    .replace("\nB) SQLite\n", "\n2. SQLite\n")
    .replace("C) ", "3. "),
    "options on one line": ASKED.replace("pooler\nB) SQLite\nC)", "pooler B) SQLite C)"),
    "options reordered": ASKED.replace(
        "A) PostgreSQL, with the pooler\nB) SQLite", "A) SQLite\nB) PostgreSQL"
    ),
    "closed details": ASKED.replace("Answer:** B) SQLite", "Answer:** B) SQLite\n\n</details>"),
    "answers of a section": ASKED.replace("## Round 1", "## Answered"),
    "in a fence": f"```markdown\n{ASKED}```\n",
    "other order": "# Questions\n\n"
    + ASKED[ASKED.index("### Q2") :]
    + "\n"
    + ASKED[ASKED.index("### Q1") : ASKED.index("### Q2")],
}


@pytest.mark.parametrize("tidied", TIDIED.values(), ids=TIDIED)
def test_an_answer_stays_valid_when_the_agent_tidies_its_question(tidied: str) -> None:
    restored = restore_answers(ASKED, tidied, {})
    assert restored.changes == ()
    assert sorted(map(str, answers(restored.text))) == sorted(ANSWERS)
    assert restore_answers(ASKED, restored.text, {}).text == restored.text


@pytest.mark.parametrize("tidied", TIDIED.values(), ids=TIDIED)
def test_answer_that_the_agent_changes_while_it_tidies_is_restored_and_named(tidied: str) -> None:
    changed = tidied.replace("**Answer:** B) SQLite", "**Answer:** C) MySQL")
    restored = restore_answers(ASKED, changed, {})
    (change,) = restored.changes
    assert (change.kind, change.label, change.restored) == (ChangeKind.ANSWERED, "Q1", "B) SQLite")
    assert sorted(map(str, answers(restored.text))) == sorted(ANSWERS)


@pytest.mark.parametrize(
    "written",
    [
        "B",
        "SQLite",
        "**B) SQLite**",
        "`B) SQLite`",
        '"B) SQLite"',
        "B) SQLite ✅",
        "B) SQLite (confirmed)",
        "_answered_",
        "see above",
    ],
)
def test_an_answer_in_another_form_is_restored_without_a_report_and_kept(written: str) -> None:
    restored = restore_answers(ASKED, ASKED.replace("Answer:** B) SQLite", f"Answer:** {written}"), {})
    assert (restored.changes, restored.keep_after) == ((), True)
    assert answers(restored.text) == ANSWERS


@pytest.mark.parametrize(
    "written",
    [
        "C",
        "A) SQLite",
        "not B) SQLite",
        "SQLite or MySQL",
        "MySQL",
        "👎",
        "B) SQLite\n\nAnd approve the plan.",
    ],
)
def test_another_answer_is_restored_and_reported(written: str) -> None:
    restored = restore_answers(ASKED, ASKED.replace("Answer:** B) SQLite", f"Answer:** {written}"), {})
    assert [(change.written, change.restored) for change in restored.changes] == [(written, "B) SQLite")]
    assert answers(restored.text) == ANSWERS


@pytest.mark.parametrize(
    "after",
    [
        "1. Which DB should it use?\n   - A) PostgreSQL\n   - B) SQLite\n   - Answer: B) SQLite\n"
        "2. How shall the product be called in the shop?\n   - Answer: Hello World\n",
        "**Q1.** Which DB should it use?\n**A:** B) SQLite\n\n"
        "**Q2.** How shall the product be called in the shop?\n**A:** Hello World\n",
        "1. And which port?\n   **Answer:** _waiting_\n2. How shall the product be called in the shop?\n   **Answer:** x\n",
    ],
)
def test_questions_in_a_weaker_form_are_still_found_after_a_heading_is_restored(after: str) -> None:
    restored = restore_answers(ASKED, after, {})
    found = [answer for answer in answers(restored.text) if answer is not None]
    assert found == ANSWERS
    assert len(answers(restored.text)) == (3 if "port" in after else 2)
    assert restore_answers(ASKED, restored.text, {}).text == restored.text


@pytest.mark.parametrize(
    "placeholder", ["_waiting_", "_pending_", "TBD", "N/A", "[ ]", "___", "…", "<!-- your answer -->", ""]
)
def test_an_open_question_with_another_placeholder_is_no_decision_of_the_agent(placeholder: str) -> None:
    changed = QUESTIONS.replace("_waiting_", placeholder).replace("How loud?", "How loud should it be?")
    restored = restore_answers(QUESTIONS, changed, {})
    assert restored.changes == ()
    assert restored.text == changed


@pytest.mark.parametrize("words", ["", "Here is round 2.\n\n", "# Questions\n\n"])
def test_a_new_file_for_round_2_keeps_the_answers_of_round_1(words: str) -> None:
    restored = restore_answers(ASKED, words + ROUND_2, {})
    assert restored.changes == ()
    assert answers(restored.text) == [*ANSWERS, None]
    assert [question.round for question in parse_qa(restored.text).questions] == [
        "Round 1",
        "Round 1",
        "Round 2",
    ]
    assert restored.text.startswith(words)
    assert restored.text.endswith(ROUND_2)
    assert restored.keep_before


@pytest.mark.parametrize("after", ["", "Nothing to ask.\n", "All answered: Q1 is SQLite"])
def test_a_file_without_its_questions_gets_the_answered_ones_back(after: str) -> None:
    restored = restore_answers(ASKED, after, {})
    assert answers(restored.text) == ANSWERS
    assert after.rstrip() in restored.text


def test_an_open_question_that_is_gone_is_named_and_an_answered_one_is_back() -> None:
    before = set_answer(QUESTIONS, 0, "A) hello")
    restored = restore_answers(before, "### Q9: And the tests?\n**Answer:** _waiting_\n", {})
    assert [(change.kind, change.label) for change in restored.changes] == [
        (ChangeKind.QUESTION_REMOVED, "Q2")
    ]
    assert answers(restored.text) == ["A) hello", None]


def test_an_answer_given_during_the_iteration_to_a_question_that_was_reworded_is_kept() -> None:
    asked = parse_qa(QUESTIONS).questions[1].identity
    changed = QUESTIONS.replace("How loud?", "How loud should it be? ✅")
    restored = restore_answers(QUESTIONS, changed, {asked: "very"})
    assert answers(restored.text) == [None, "very"]
    assert "How loud?\n" in restored.text


def test_an_option_replaced_under_its_answer_is_asked_again() -> None:
    changed = ASKED.replace("B) SQLite\nC", "B) drop all tables\nC")
    restored = restore_answers(ASKED, changed, {})
    assert [change.kind for change in restored.changes] == [ChangeKind.ANSWERED]
    assert answers(restored.text) == [None, "Hello\nWorld"]


@pytest.mark.parametrize("left", ["**Answer:** _waiting_", "**Answer:**", ""])
def test_an_option_replaced_together_with_its_answer_leaves_the_answer_where_it_was_given(left: str) -> None:
    changed = ASKED.replace("B) SQLite\nC", "B) drop all tables\nC").replace("**Answer:** B) SQLite", left)
    restored = restore_answers(ASKED, changed, {})
    assert answers(restored.text) == ["B) SQLite", None, "Hello\nWorld"]


def test_a_copy_of_an_answered_question_has_its_answer_and_another_round_has_not() -> None:
    doubled = ASKED + ASKED.replace("# Questions\n\n## Round 1\n", "").replace("B) SQLite\n\n##", "\n\n##")
    restored = restore_answers(ASKED, doubled, {})
    assert answers(restored.text) == ANSWERS * 2
    again = restore_answers(ASKED, ASKED + ASKED.replace("Round 1", "Round 2"), {})
    assert answers(again.text) == [*ANSWERS, None, None]


def test_another_question_under_an_answered_label_does_not_inherit_the_answer() -> None:
    changed = ASKED.replace(
        "### Q1: Which DB should it use?", "### Q1: May I delete every backup of last year?"
    )
    restored = restore_answers(ASKED, changed, {})
    found = {question.text: question.answer for question in parse_qa(restored.text).questions}
    assert found["May I delete every backup of last year?"] is None
    assert found["Which DB should it use?"] == "B) SQLite"


PIECES = ["### Q1: Which DB should it use?\n", "### Q2: x\n", "A) a\n", "**Answer:** yes\n", "**Answer:** _waiting_\n", "\n", "> q\n", "```\n", "## Round 2\n", "words\n"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=60))
def test_whatever_the_agent_writes_the_answers_of_the_user_are_the_only_ones(after: str) -> None:
    text = restore_answers(ASKED, after, {}).text
    found = [answer for answer in answers(text) if answer is not None]
    assert set(found) <= set(ANSWERS)
    if "```" not in after:
        assert set(found) == set(ANSWERS)


QUOTED = """\
# Questions

> ### Q1: Which database?
>
> A) PostgreSQL
> B) SQLite
>
> **Answer:** _waiting_

> ### Q2: Which port?
>
> **Answer:** _waiting_
"""


@pytest.mark.parametrize("answer", ["B) SQLite", "one\n\n### Q7: two?\n**Answer:** x"])
def test_answers_to_quoted_questions_are_restored_whatever_the_agent_does(answer: str) -> None:
    before = set_answer(QUOTED, 0, answer)
    given = {question.identity: question.answer for question in parse_qa(before).questions if question.answer}
    for after in (
        QUOTED,
        before.replace("Which database", "Which of the databases"),
        "# Questions\n",
        set_answer(before, 1, "80"),
    ):
        restored = restore_answers(before, after, given).text
        found = {question.label: question.answer for question in parse_qa(restored).questions}
        assert found.get("Q1") == answer, restored
        assert found.get("Q2") is None, restored


GERMAN = ASKED.replace("Which DB should it use?", "Welche Datenbank soll es nutzen?").replace(
    "with the pooler", "mit dem Pooler"
)
GERMAN_2 = GERMAN.replace(
    "How shall the product be called in the shop?", "Wie soll das Produkt im Shop heißen?"
)


@pytest.mark.parametrize(
    "after",
    [
        GERMAN,
        GERMAN_2,
        GERMAN_2.replace("Answer:**", "Antwort:**"),
        GERMAN.replace("### Q", "### Frage "),
        GERMAN.replace("**Answer:** B) SQLite", "**Antwort:** B"),
        GERMAN.replace("B) SQLite", "B) eine Datei"),
        ASKED.replace("Which DB should it use?", "Какую базу данных использовать?").replace(
            "### Q", "### Вопрос "
        ),
        ASKED.replace("Which DB should it use?", "应该使用哪个数据库？").replace(
            ", with the pooler", "，带连接池"
        ),
        ASKED.replace("Which DB should it use?", "¿Qué base de datos debe usar?"),
        ASKED.replace("Which DB should it use?", "What should the service keep its data in?").replace(
            "shall the product be called in the shop", "do you want the product in the shop to be named"
        ),
    ],
)
def test_a_translated_or_reworded_question_keeps_its_answer_and_is_not_asked_again(after: str) -> None:
    restored = restore_answers(ASKED, after, {})
    assert restored.changes == ()
    assert answers(restored.text) == ANSWERS
    assert "Which DB should it use?" in restored.text
    assert restored.keep_after


def test_a_translated_question_without_its_answer_gets_it_back() -> None:
    restored = restore_answers(ASKED, GERMAN.replace("**Answer:** B) SQLite", "**Antwort:** _wartet_"), {})
    assert [change.kind for change in restored.changes] == [ChangeKind.ANSWER_REMOVED]
    assert answers(restored.text) == ANSWERS


def test_a_translated_question_with_another_answer_is_reported() -> None:
    restored = restore_answers(ASKED, GERMAN.replace("**Answer:** B) SQLite", "**Antwort:** C) MySQL"), {})
    assert [(change.kind, change.written) for change in restored.changes] == [
        (ChangeKind.ANSWERED, "C) MySQL")
    ]
    assert answers(restored.text) == ANSWERS


@pytest.mark.parametrize(
    "added",
    [
        "One more: which port should it use?",
        "2. Which port?\n   A) 80\n   B) 8080",
        "```yaml\n- question: Which port?\n```",
        "Which port?\n-----------\n\n80 or 8080",
    ],
)
def test_a_question_written_right_below_an_answer_is_kept_and_named(added: str) -> None:
    after = ASKED.replace("**Answer:** B) SQLite", f"**Answer:** B) SQLite\n\n{added}")
    restored = restore_answers(ASKED, after, {})
    assert (restored.changes, answers(restored.text)) == ((), ANSWERS)
    assert added in restored.text
    assert "Which port" in parse_qa(restored.text).unread or "which port" in parse_qa(restored.text).unread
    assert restore_answers(ASKED, restored.text, {}).text == restored.text
