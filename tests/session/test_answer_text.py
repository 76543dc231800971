"""What users type as answers: split at labels, or asked about before anything is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.session.answer_text import MAX_TEXT, Ambiguous, AnswerArguments, parse_answers, parse_label
from samobot.session.question import Option, Question
from tests.support.cases import for_each

OPTIONS = (Option("A", "one"), Option("B", "two"), Option("C", "three"))
OPEN = tuple(Question(number=n, text="?", options=OPTIONS, label=f"Q{n}", index=n - 1) for n in (1, 2, 3))


@for_each(
    ("typed", "answers"),
    [
        (
            "Q1: B\nQ2: put it in tools/\nQ3: no globals",
            {"Q1": "B", "Q2": "put it in tools/", "Q3": "no globals"},
        ),
        ("Q1 B and Q2 A", {"Q1": "B", "Q2": "A"}),
        ("Answer 1: B\nAnswer 2: A", {"Q1": "B", "Q2": "A"}),
        ("Frage 1: B, Frage 2: A", {"Q1": "B", "Q2": "A"}),
        ("1b 2a", {"Q1": "b", "Q2": "a"}),
        ("Q1 👉 B\nQ2 👉 A", {"Q1": "B", "Q2": "A"}),
        ("Q1 ➡️ B, Q2 ➡️ A", {"Q1": "B", "Q2": "A"}),
        ("1️⃣B 2️⃣A", {"Q1": "B", "Q2": "A"}),
        ("q1...b q2...a", {"Q1": "b", "Q2": "a"}),
        ("Q1B and Q2A and Q3C please", {"Q1": "B", "Q2": "A", "Q3": "C"}),
        ("Ans 1: B\nAns 2: A", {"Q1": "B", "Q2": "A"}),
        ("вопрос 1: B, вопрос 2: A", {"Q1": "B", "Q2": "A"}),
        ("Q1:\n```\nport=1\nQ2: x\n```\nQ2: A", {"Q1": "```\nport=1\nQ2: x\n```", "Q2": "A"}),
        ("Ｑ１：Ｂ　Ｑ２：Ａ", {"Q1": "B", "Q2": "A"}),
        ("Q1=B Q2=use port 9000", {"Q1": "B", "Q2": "use port 9000"}),
        ("1b2a", {"Q1": "b", "Q2": "a"}),
        ("1b, 2a, 3c", {"Q1": "b", "Q2": "a", "Q3": "c"}),
        ("1: B, 2: A", {"Q1": "B", "Q2": "A"}),
        ("1=B 2=A", {"Q1": "B", "Q2": "A"}),
        ("1.B 2.A", {"Q1": "B", "Q2": "A"}),
        ("1) B\n2) A", {"Q1": "B", "Q2": "A"}),
        ("1-B 2-A", {"Q1": "B", "Q2": "A"}),
        ("1 B 2 A", {"Q1": "B", "Q2": "A"}),
        ("q1b q2a", {"Q1": "b", "Q2": "a"}),
        ("Q1B,Q2A", {"Q1": "B", "Q2": "A"}),
        ("Q1 → B, Q2 → A", {"Q1": "B", "Q2": "A"}),
        ("Q1 -> B; Q2 -> A", {"Q1": "B", "Q2": "A"}),
        ("Q1 - B\nQ2 - A", {"Q1": "B", "Q2": "A"}),
        ("Q1 is B, Q2 is A", {"Q1": "B", "Q2": "A"}),
        ("Q1: option B\nQ2: option A", {"Q1": "B", "Q2": "A"}),
        ("Question 1: B\nQuestion 2: A", {"Q1": "B", "Q2": "A"}),
        ("#1 B #2 A", {"Q1": "B", "Q2": "A"}),
        ("(Q1) B (Q2) A", {"Q1": "B", "Q2": "A"}),
        ("Q1: (B)\nQ2: [A]", {"Q1": "B", "Q2": "A"}),
        ("Q1: B & Q2: A", {"Q1": "B", "Q2": "A"}),
        ("Q1 B / Q2 A / Q3 C", {"Q1": "B", "Q2": "A", "Q3": "C"}),
        ("B for Q1, A for Q2", {"Q1": "B", "Q2": "A"}),
        ("B for Q1 and A for 2", {"Q1": "B", "Q2": "A"}),
        ("Q1 and Q2: A", {"Q1": "A", "Q2": "A"}),
        ("Q1, Q2 = use the defaults", {"Q1": "use the defaults", "Q2": "use the defaults"}),
        ("Q1-Q3: A", {"Q1": "A", "Q2": "A", "Q3": "A"}),
        ("Q1 & Q2 A", {"Q1": "A", "Q2": "A"}),
        ("Q1 B, Q2 use port 9000", {"Q1": "B", "Q2": "use port 9000"}),
        ("Q1 B and Q2 use port 9000", {"Q1": "B", "Q2": "use port 9000"}),
        ("Q1: use SQLite, Q2: use port 9000", {"Q1": "use SQLite", "Q2": "use port 9000"}),
        ("Q1: use SQLite and Q2: port 9000", {"Q1": "use SQLite", "Q2": "port 9000"}),
        ("1: use SQLite\n2: port 9000", {"Q1": "use SQLite", "Q2": "port 9000"}),
        ("1. use SQLite\n2. port 9000", {"Q1": "use SQLite", "Q2": "port 9000"}),
        ("1=B 2=use port 9000", {"Q1": "B", "Q2": "use port 9000"}),
        ("- Q1: B\n- Q2: tools/", {"Q1": "B", "Q2": "tools/"}),
        ("**Q1:** B\n**Q2:** tools/", {"Q1": "B", "Q2": "tools/"}),
        ("Q1:\nB\n\nQ2:\nuse tools/\nand lib/", {"Q1": "B", "Q2": "use tools/\nand lib/"}),
        ("My answers:\nQ1: B\nQ2: tools/", {"Q1": "B", "Q2": "tools/"}),
        ("Ｑ１：Ｂ Ｑ２：Ａ", {"Q1": "B", "Q2": "A"}),
        ("Q1 В, Q2 А", {"Q1": "B", "Q2": "A"}),
        ("1️⃣ B 2️⃣ A", {"Q1": "B", "Q2": "A"}),
        ("Q1 Ⓑ Q2 🅰", {"Q1": "B", "Q2": "A"}),
        ("Q1: 2\nQ2: 1", {"Q1": "2", "Q2": "1"}),
        ("Q2: http://localhost:9000/?a=b", {"Q2": "http://localhost:9000/?a=b"}),
        ("Q2: same as Q1", {"Q2": "same as Q1"}),
        ("Q2: like Q1 but faster", {"Q2": "like Q1 but faster"}),
        ("Q1: no; A is too slow", {"Q1": "no; A is too slow"}),
        ("Q2: 1. first this\n2. then that", {"Q2": "1. first this\n2. then that"}),
        ("Q1:: B Q2.: A", {"Q1": "B", "Q2": "A"}),
        ("Q1: see Q9: it is gone", {"Q1": "see Q9: it is gone"}),
        ("Q1: B\nas it is faster", {"Q1": "B\nas it is faster"}),
        ("Q1: these:\n```\na\nb\n```", {"Q1": "these:\n```\na\nb\n```"}),
        ("Q1: B\nZ", {"Q1": "B\nZ"}),
        ("Q1: A\nQ2: B\nQ3: both\na\nb", {"Q1": "A", "Q2": "B", "Q3": "both\na\nb"}),
    ],
)
def test_answers_are_split_at_the_labels_of_questions(typed: str, answers: dict[str | int, str]) -> None:
    assert parse_answers(typed, OPEN) == AnswerArguments(answers=answers)


@pytest.mark.parametrize(
    "typed",
    [
        "B A",
        "B, A, C",
        "b and a",
        "Q1: use A as in Q2: that one",
        "B, and Q2: A",
        "use SQLite. Q2: port 9000",
        "Q1: A Q1: B",
        "Q1: B\nQ2:",
        "Q1: use A and Q2 B",
        "Q1-Q9: A",
        "Q1 B Q2",
        "1) use SQLite 2) no",
        "1b, 2: use the one there, 3a",
        "Q1: B\nA for the second\nC",
        "Q1: B\nA\nC",
        "Q1: B\nas for the second 5",
        "Q1 B. The rest as you suggest.",
        "Q1: B\n\n- a\n",
        "Q1: B\nthen A\nand then C please",
        "Q1: use SQLite\nA for question two",
        "Q1: B\nsecond: A",
        "Q1: B\nQ2: A\nC",
    ],
)
def test_what_is_not_clear_is_asked_about(typed: str) -> None:
    found = parse_answers(typed, OPEN)
    assert isinstance(found, Ambiguous)
    assert "Nothing was saved." in found.message


@pytest.mark.parametrize(
    "typed",
    ["B", "2", "use port 9000", "2 apples", "2 a day", "A and nothing else", "Quality first", "9 b", "a quick one", "Q4 results matter",
     "1. first\nsecond", "same as Q1", "all of them, please", "В", "http://x/?q=1&b=2", "12:30", "1:1 ratio"],
)  # fmt: skip
def test_a_text_without_labels_is_one_answer(typed: str) -> None:
    found = parse_answers(typed, OPEN)
    assert found in (AnswerArguments(text=typed), AnswerArguments(answers={"Q4": "results matter"}))


def test_letters_for_the_only_open_question_are_its_answer() -> None:
    assert parse_answers("A, B", OPEN[:1]) == AnswerArguments(text="A, B")


@pytest.mark.parametrize(
    "typed",
    [
        "all",
        "ALL",
        "All suggestions",
        "accept all",
        "as suggested.",
        "Go with your suggestions!",
        "as you recommend",
    ],
)
def test_all_takes_every_suggestion(typed: str) -> None:
    assert parse_answers(typed, OPEN) == AnswerArguments(everything=True)


@pytest.mark.parametrize(
    ("typed", "label"), [("Q2", "Q2"), ("q02:", "Q2"), ("Q1.2", "Q1.2"), ("2", None), ("Q2 B", None)]
)
def test_a_label_alone_is_recognized(typed: str, label: str | None) -> None:
    assert parse_label(typed) == label


@given(
    st.dictionaries(
        st.sampled_from(["Q1", "Q2", "Q3"]), st.text("abc deQ,.;/&\n", min_size=1, max_size=20), min_size=1
    )
)
def test_a_list_of_labelled_lines_is_split_at_least_at_the_lines(given_answers: dict[str, str]) -> None:
    typed = "\n".join(f"{label}: {text}" for label, text in given_answers.items())
    found = parse_answers(typed, OPEN)
    if isinstance(found, AnswerArguments) and found.answers:
        assert {str(label): text.strip(" \n.,;/&") for label, text in found.answers.items()} == {
            label: text.strip(" \n.,;/&") for label, text in given_answers.items()
        }


@given(st.text(max_size=200) | st.text("Qq12 :=ABab,.\nand", max_size=60))
def test_any_text_has_a_result(typed: str) -> None:
    assert isinstance(parse_answers(typed, OPEN), AnswerArguments | Ambiguous)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "piece", ["Q1 ", "Q1: B\n", "1b", "Q1, ", "B ", " and", "1. x\n", "Q1 and ", "((", "Q1: see Q2 x "]
)
def test_long_texts_are_parsed_in_linear_time(piece: str) -> None:
    # Quadratic work on these would run into the time limit of the test run.
    parse_answers(piece * (MAX_TEXT // len(piece)), OPEN)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("B", AnswerArguments(text="B")),
        ("Q2 B", AnswerArguments(answers={"Q2": "B"})),
        ("q2: b", AnswerArguments(answers={"Q2": "b"})),
        ("Q2=free text, long", AnswerArguments(answers={"Q2": "free text, long"})),
        ("Q2 first\n  second\n\nthird", AnswerArguments(answers={"Q2": "first\n  second\n\nthird"})),
        ("Q1=A Q2=C", AnswerArguments(answers={"Q1": "A", "Q2": "C"})),
        ("1:A, 2:b", AnswerArguments(answers={"Q1": "A", "Q2": "b"})),
        ("2 A", AnswerArguments(answers={"Q2": "A"})),
        ("2) a, 3) B", AnswerArguments(answers={"Q2": "a", "Q3": "B"})),
        ("2 apples", AnswerArguments(text="2 apples")),
        ("2 a day", AnswerArguments(text="2 a day")),
        ("2", AnswerArguments(text="2")),
        ("ALL", AnswerArguments(everything=True)),
        ("all of them, please", AnswerArguments(text="all of them, please")),
        ("Q2", AnswerArguments()),
        ("Quality first", AnswerArguments(text="Quality first")),
        ("```py\nx = 1\n```", AnswerArguments(text="```py\nx = 1\n```")),
        ("", AnswerArguments()),
    ],
)
def test_what_thumbs_type_after_answer_is_understood(typed: str, expected: AnswerArguments) -> None:
    assert parse_answers(typed) == expected


MORE_SPLIT = {
    "1 b\n2 a\n3 c": {"Q1": "b", "Q2": "a", "Q3": "c"},
    "1B 2A 3C": {"Q1": "B", "Q2": "A", "Q3": "C"},
    "1)B 2)A 3)C": {"Q1": "B", "Q2": "A", "Q3": "C"},
    "1:b 2:a 3:c": {"Q1": "b", "Q2": "a", "Q3": "c"},
    "1. B, 2. A, 3. C": {"Q1": "B", "Q2": "A", "Q3": "C"},
    "1b/2a/3c": {"Q1": "b", "Q2": "a", "Q3": "c"},
    "1b; 2a; 3c.": {"Q1": "b", "Q2": "a", "Q3": "c"},
    "1b,2a,3c": {"Q1": "b", "Q2": "a", "Q3": "c"},
    "1-b, 2-a": {"Q1": "b", "Q2": "a"},
    "1 – B, 2 – A": {"Q1": "B", "Q2": "A"},
    "1 => B, 2 => A": {"Q1": "B", "Q2": "A"},
    "1→B 2→A": {"Q1": "B", "Q2": "A"},
    "Q1:B,Q2:A,Q3:C": {"Q1": "B", "Q2": "A", "Q3": "C"},
    "Q1:B;Q2:A": {"Q1": "B", "Q2": "A"},
    "Q1:B|Q2:A": {"Q1": "B", "Q2": "A"},
    "Q1 B|Q2 A": {"Q1": "B", "Q2": "A"},
    "Q1: B. Q2: A.": {"Q1": "B", "Q2": "A"},
    "Q1 - B, Q2 - A, Q3 - C": {"Q1": "B", "Q2": "A", "Q3": "C"},
    "Q1 – B\nQ2 – A": {"Q1": "B", "Q2": "A"},
    "Q1—B Q2—A": {"Q1": "B", "Q2": "A"},
    "q1: b, q2: a": {"Q1": "b", "Q2": "a"},
    "q1 b q2 a q3 c": {"Q1": "b", "Q2": "a", "Q3": "c"},
    "q1=b,q2=a": {"Q1": "b", "Q2": "a"},
    "Q1=B&Q2=A": {"Q1": "B", "Q2": "A"},
    "Q1 = B; Q2 = A": {"Q1": "B", "Q2": "A"},
    "Q1 : B ; Q2 : A": {"Q1": "B", "Q2": "A"},
    "Q1.B Q2.A": {"Q1": "B", "Q2": "A"},
    "Q1) B Q2) A": {"Q1": "B", "Q2": "A"},
    "Q.1 B, Q.2 A": {"Q1": "B", "Q2": "A"},
    "Q 1: B, Q 2: A": {"Q1": "B", "Q2": "A"},
    "Q-1: B\nQ-2: A": {"Q1": "B", "Q2": "A"},
    "Question 1 B, question 2 A": {"Q1": "B", "Q2": "A"},
    "question 1: b and question 2: a": {"Q1": "b", "Q2": "a"},
    "Question 1 - B; Question 2 - A": {"Q1": "B", "Q2": "A"},
    "answer 1 is B, answer 2 is A": {"Q1": "B", "Q2": "A"},
    "Option B for Q1 and option A for Q2": {"Q1": "B", "Q2": "A"},
    "B for Q1; A for Q2; C for Q3": {"Q1": "B", "Q2": "A", "Q3": "C"},
    "B to question 1, A to question 2": {"Q1": "B", "Q2": "A"},
    "B on Q1, A on Q2": {"Q1": "B", "Q2": "A"},
    "Q1 take B, Q2 take A": {"Q1": "take B", "Q2": "take A"},
    "Q1 I choose B, Q2 I choose A": {"Q1": "I choose B", "Q2": "I choose A"},
    "for Q1: B, for Q2: A": {"Q1": "B", "Q2": "A"},
    "for 1 B, for 2 A": {"Q1": "B", "Q2": "A"},
    "to Q1 B and to Q2 A": {"Q1": "B", "Q2": "A"},
    "Q1 goes B, Q2 goes A": {"Q1": "goes B", "Q2": "goes A"},
    "Q1: option B, Q2: option A": {"Q1": "B", "Q2": "A"},
    "Q1 option B and Q2 option A": {"Q1": "B", "Q2": "A"},
    "Q1: B please, Q2: A please": {"Q1": "B", "Q2": "A"},
    "Q1: B, thanks. Q2: A": {"Q1": "B", "Q2": "A"},
    "Q1 B, Q2 A, Q3 C thanks!": {"Q1": "B", "Q2": "A", "Q3": "C"},
    "Q1 B Q2 A please": {"Q1": "B", "Q2": "A"},
    "Q1 B then Q2 A": {"Q1": "B", "Q2": "A"},
    "Q1 B, then Q2 A": {"Q1": "B", "Q2": "A"},
    "Q1 B plus Q2 A": {"Q1": "B", "Q2": "A"},
    "Q1 B + Q2 A": {"Q1": "B", "Q2": "A"},
    "Q1 B und Q2 A": {"Q1": "B", "Q2": "A"},
    "Q1 B y Q2 A": {"Q1": "B", "Q2": "A"},
    "Q1 B et Q2 A": {"Q1": "B", "Q2": "A"},
    "Q1 B e Q2 A": {"Q1": "B", "Q2": "A"},
    "Q1 B и Q2 A": {"Q1": "B", "Q2": "A"},
    "1В 2А": {"Q1": "B", "Q2": "A"},
    "１Ｂ ２Ａ": {"Q1": "B", "Q2": "A"},
    "①B ②A": {"Q1": "B", "Q2": "A"},
    "1️⃣B 2️⃣A": {"Q1": "B", "Q2": "A"},
    "1. 🅱️ 2. 🅰️": {"Q1": "B", "Q2": "A"},
    "Q1: ⓑ Q2: ⓐ": {"Q1": "b", "Q2": "a"},
    "Q1: 'B', Q2: 'A'": {"Q1": "B", "Q2": "A"},
    'Q1: "B"\nQ2: "A"': {"Q1": "B", "Q2": "A"},
    "Q1: `B`, Q2: `A`": {"Q1": "B", "Q2": "A"},
    "**Q1**: B, **Q2**: A": {"Q1": "B", "Q2": "A"},
    "**Q1:** B **Q2:** A": {"Q1": "B", "Q2": "A"},
    "- Q1 B\n- Q2 A": {"Q1": "B", "Q2": "A"},
    "• Q1: B\n• Q2: A": {"Q1": "B", "Q2": "A"},
    "* 1: B\n* 2: A": {"Q1": "B", "Q2": "A"},
    "- 1b\n- 2a": {"Q1": "b", "Q2": "a"},
    "1. B\n\n2. A\n": {"Q1": "B", "Q2": "A"},
    "Q1\nB\nQ2\nA": {"Q1": "B", "Q2": "A"},
    "Q1:\n\nB\n\nQ2:\n\nA": {"Q1": "B", "Q2": "A"},
    "Q1: B  \nQ2: A  ": {"Q1": "B", "Q2": "A"},
    "Q1:B\r\nQ2:A": {"Q1": "B", "Q2": "A"},
    "Q1: b) two\nQ2: a) one": {"Q1": "b) two", "Q2": "a) one"},
    "Q1: B) two, Q2: A) one": {"Q1": "B) two", "Q2": "A) one"},
    "Q1: B - two\nQ2: A - one": {"Q1": "B - two", "Q2": "A - one"},
    "Q1: yes\nQ2: no": {"Q1": "yes", "Q2": "no"},
    "Q1: yes, Q2: no": {"Q1": "yes", "Q2": "no"},
    "Q1 yes, Q2 no": {"Q1": "yes", "Q2": "no"},
    "1: yes, 2: no": {"Q1": "yes", "Q2": "no"},
    "1. yes\n2. no": {"Q1": "yes", "Q2": "no"},
    "1) yes\n2) no": {"Q1": "yes", "Q2": "no"},
    "1=yes,2=no": {"Q1": "yes", "Q2": "no"},
    "Q1=yes&Q2=no": {"Q1": "yes", "Q2": "no"},
    "Q1 - use tabs\nQ2 - use spaces": {"Q1": "use tabs", "Q2": "use spaces"},
    "Q1 use tabs\nQ2 use spaces": {"Q1": "use tabs", "Q2": "use spaces"},
    "Q1, use tabs\nQ2, use spaces": {"Q1": "use tabs", "Q2": "use spaces"},
    "Q1; B\nQ2; A": {"Q1": "B", "Q2": "A"},
    "Q1 / B\nQ2 / A": {"Q1": "B", "Q2": "A"},
    "Q1: 1, Q2: 2": {"Q1": "1", "Q2": "2"},
    "Q1: 1\nQ2: 2": {"Q1": "1", "Q2": "2"},
    "Q1=1 Q2=2": {"Q1": "1", "Q2": "2"},
    "Q1 1, Q2 2": {"Q1": "1", "Q2": "2"},
    "Q1: 9000\nQ2: B": {"Q1": "9000", "Q2": "B"},
    "all A": {"Q1": "A", "Q2": "A", "Q3": "A"},
    "A for all": {"Q1": "A", "Q2": "A", "Q3": "A"},
    "A for all of them": {"Q1": "A", "Q2": "A", "Q3": "A"},
    "all: A": {"Q1": "A", "Q2": "A", "Q3": "A"},
    "A to all": {"Q1": "A", "Q2": "A", "Q3": "A"},
    "everything A": {"Q1": "A", "Q2": "A", "Q3": "A"},
    "Q1-3: A": {"Q1": "A", "Q2": "A", "Q3": "A"},
    "Q1-Q3 A": {"Q1": "A", "Q2": "A", "Q3": "A"},
    "1-3: A": {"Q1": "A", "Q2": "A", "Q3": "A"},
    "Q1,2: A": {"Q1": "A", "Q2": "A"},
    "Q1,2,3: A": {"Q1": "A", "Q2": "A", "Q3": "A"},
    "Q1 & 2: A": {"Q1": "A", "Q2": "A"},
    "Q1/Q2: A": {"Q1": "A", "Q2": "A"},
    "Q1+Q2: A": {"Q1": "A", "Q2": "A"},
    "1&2: A": {"Q1": "A", "Q2": "A"},
    "1,2: A": {"Q1": "A", "Q2": "A"},
    "Q1: B or C\nQ2: A": {"Q1": "B or C", "Q2": "A"},
    "Q1: B and C\nQ2: A": {"Q1": "B and C", "Q2": "A"},
    "Q1: B, C\nQ2: A": {"Q1": "B, C", "Q2": "A"},
    "Q1: B+C, Q2: A": {"Q1": "B+C", "Q2": "A"},
    "Q1: not A, Q2: B": {"Q1": "not A", "Q2": "B"},
    "Q1: B (because x), Q2: A (because y)": {"Q1": "B (because x)", "Q2": "A (because y)"},
    "Q1: B because x. Q2: A because y.": {"Q1": "B because x.", "Q2": "A because y."},
    "Q1. B\nQ2. A": {"Q1": "B", "Q2": "A"},
    "Q1 skip, Q2 A": {"Q1": "skip", "Q2": "A"},
}


@for_each(("typed", "answers"), MORE_SPLIT.items())
def test_answers_as_people_type_them_are_split(typed: str, answers: dict[str | int, str]) -> None:
    assert parse_answers(typed, OPEN) == AnswerArguments(answers=answers)


@for_each(
    "typed",
    [
        "No 1: B\nNo 2: A",
        "Please: Q1 B, Q2 A",
        "ok: Q1 B, Q2 A",
        "Hi! Q1 B, Q2 A",
        "1 - Б, 2 - А",
        "1б 2а",
        "> Q1: B\n> Q2: A",
        "Q1 yes Q2 no",
        "1 yes\n2 no",
        "1 yes, 2 no",
        "Q1 B; Q2: put it in tools/, please; Q3 none of it",
        "Q1 to Q3: A",
        "Q1: A; Q2, Q3: B",
        "Q1 A, rest B",
        "Q1: A, others: B",
        "bac",
        "BAC",
        "b a c",
        "B/A/C",
        "B\nA\nC",
        "B;A;C",
        "1b 2a 3",
        "1b 2a 9c",
        "Q1 b or Q2 a",
        "question one: B, question two: A",
        "first: B, second: A",
        "B to the first, A to the second",
        "A1: B\nA2: A",
        "For question 1 B, for question 2 A",
        "yes to 1, no to 2",
        "1 yes 2 no",
        "I choose B for Q1 and A for Q2",
        "第1题B，第2题A",
        "1、B\n2、A",
        "[1] B [2] A",
        "Q1?B Q2?A",
        "Q1 B. Everything else as suggested",
        "Q1: A, the rest is up to you",
        "1+2: A, 3: C",
        "1-2: A; 3: C",
        "- B\n- A\n- C",
    ],
)
def test_several_answers_in_one_text_never_become_one_in_silence(typed: str) -> None:
    assert isinstance(parse_answers(typed, OPEN), Ambiguous)


@pytest.mark.parametrize(
    "typed",
    [
        "first one B, second one A",
        "for the first question B and for the second A",
        "everything B except Q2 which is A",
        "B for the first, A for the others",
        "B (Q1), A (Q2)",
        "第一题B，第二题A",
        "Q1はB、Q2はA",
        "1。B 2。A",
        "1 — Б, 2 — А",
        "yes, no, yes",
        "suggestions but 2a",
        "your recommendations, except for 2",
    ],
)
def test_answers_to_several_questions_in_a_way_of_their_own_are_asked_about(typed: str) -> None:
    assert isinstance(parse_answers(typed, OPEN), Ambiguous)


@pytest.mark.parametrize(
    "typed",
    ["Use plan B", "Take A/B tests later", "yes, no problem", "the first one", "no, use PostgreSQL 15", "B"],
)
def test_one_answer_stays_one(typed: str) -> None:
    assert parse_answers(typed, OPEN) == AnswerArguments(text=typed)


@for_each("typed", ["1,2,1", "1 2 3", "2/1/3.", "3\n2\n1"])
def test_one_number_for_each_question_is_asked_about(typed: str) -> None:
    assert isinstance(parse_answers(typed, OPEN), Ambiguous)


@for_each("typed", ["1,2", "80 443", "1 2 3 4", "80, 443, 8080"])
def test_other_numbers_are_one_answer(typed: str) -> None:
    assert parse_answers(typed, OPEN) == AnswerArguments(text=typed)


@for_each("typed", ["both B", "same for all: B", "все B", "beide B", "todas: B"])
def test_one_letter_for_all_questions_answers_each(typed: str) -> None:
    assert parse_answers(typed, OPEN) == AnswerArguments(answers={"Q1": "B", "Q2": "B", "Q3": "B"})


@for_each(
    "typed",
    ["take the suggestions", "Defaults.", "alle Vorschläge", "как предложено", "按建议", "tus sugerencias"],
)
def test_suggestions_are_taken_in_more_languages(typed: str) -> None:
    assert parse_answers(typed, OPEN) == AnswerArguments(everything=True)
