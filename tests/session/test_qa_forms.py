"""Questions as models write them: each form is parsed to the same question, and its answer is read back."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from samobot.session.answer_span import answer_opening
from samobot.session.blocks import scan
from samobot.session.qa import clear_answer, parse_qa, set_answer
from tests.support.calls import assert_linear
from tests.support.cases import for_each

AB = (("A", "PostgreSQL"), ("B", "SQLite"))


@dataclass(frozen=True)
class Asked:
    """What a form means."""

    text: str = "Which database?"
    options: tuple[tuple[str, str], ...] = AB
    suggestion: str | None = "B"
    reason: str = "one writer"
    label: str = "Q1"
    answer: str | None = None


OPTIONS = "A) PostgreSQL\nB) SQLite\n"
SUGGESTION = "**Suggestion:** B - one writer\n"
ANSWER = "**Answer:** _waiting_\n"
REST = f"{OPTIONS}\n{SUGGESTION}\n{ANSWER}"


def form(heading: str) -> str:
    return f"# Questions\n\n{heading}\n\n{REST}"


def options(lines: str) -> str:
    return f"### Q1: Which database?\n\n{lines}\n\n{SUGGESTION}\n{ANSWER}"


def suggestion(lines: str) -> str:
    return f"### Q1: Which database?\n\n{OPTIONS}\n{lines}\n\n{ANSWER}"


def mark(line: str) -> str:
    return f"### Q1: Which database?\n\n{OPTIONS}\n{SUGGESTION}\n{line}\n"


FORMS: dict[str, tuple[str, Asked]] = {
    # headings
    "canonical": (form("### Q1: Which database?"), Asked()),
    "tag": (form("### Q2 [blocking]: Which database?"), Asked(label="Q2")),
    "priority": (form("### Q1 (high priority): Which database?"), Asked()),
    "tag before": (form("### [BLOCKING] Q1: Which database?"), Asked()),
    "sign before": (form("### ❓ Q1: Which database?"), Asked()),
    "ticked": (form("### Q1: Which database? ✅"), Asked()),
    "ticked before": (form("### ✅ Q1: Which database?"), Asked()),
    "bold": (form("**Q3: Which database?**"), Asked(label="Q3")),
    "bold label": (form("**Q3:** Which database?"), Asked(label="Q3")),
    "bold label, colon outside": (form("**Q3**: Which database?"), Asked(label="Q3")),
    "bold list item": (form("- **Q3: Which database?**"), Asked(label="Q3")),
    "bold in a numbered list": (form("1. **Q1: Which database?**"), Asked()),
    "bold heading": (form("### **Q1: Which database?**"), Asked()),
    "numbered heading": (form("### 1. Which database?"), Asked()),
    "numbered heading, parenthesis": (form("## 1) Which database?"), Asked()),
    "other letter": (form("### F1: Which database?"), Asked()),
    "word": (form("### Frage 1: Which database?"), Asked()),
    "question": (form("#### Question #1 – Which database?"), Asked()),
    "dash": (form("## Q1 - Which database?"), Asked()),
    "no number": (form("### Which database?"), Asked()),
    "part": (form("### Q1.1: Which database?"), Asked(label="Q1.1")),
    "part with letter": (form("### Q1a: Which database?"), Asked(label="Q1a")),
    "plain": (form("Q1: Which database?"), Asked()),
    "plain, dot": (form("Q1. Which database?"), Asked()),
    "plain list item": (form("- Q1: Which database?"), Asked()),
    "numbered line": (form("1. Which database?"), Asked()),
    "bold number": (form("**1. Which database?**"), Asked()),
    "bold, no number": (form("**Which database?**"), Asked()),
    "no heading": (form("Which database?"), Asked()),
    "fenced": (f"# Questions\n\n```markdown\n### Q1: Which database?\n\n{REST}```\n", Asked()),
    "fenced after words": (
        f"Please answer.\n~~~\n### Q1: Which database?\n\n{REST}~~~\n\nThanks.\n",
        Asked(),
    ),
    "windows": (form("### Q1: Which database?").replace("\n", "\r\n"), Asked()),
    # options
    "dots": (options("A. PostgreSQL\nB. SQLite"), Asked()),
    "lower case": (options("a) PostgreSQL\nb) SQLite"), Asked()),
    "numbers": (options("1. PostgreSQL\n2. SQLite"), Asked()),
    "numbers, parenthesis": (options("1) PostgreSQL\n2) SQLite"), Asked()),
    "numbered bullets": (options("- 1) PostgreSQL\n- 2) SQLite"), Asked()),
    "bullets": (options("- A) PostgreSQL\n- B) SQLite"), Asked()),
    "dashes": (options("- A - PostgreSQL\n- B - SQLite"), Asked()),
    "long dashes": (options("A – PostgreSQL\nB – SQLite"), Asked()),
    "colons": (options("A: PostgreSQL\nB: SQLite"), Asked()),
    "bold letters": (options("- **A**: PostgreSQL\n- **B**: SQLite"), Asked()),
    "bold letters, dash": (options("**A** - PostgreSQL\n**B** - SQLite"), Asked()),
    "brackets": (options("[A] PostgreSQL\n[B] SQLite"), Asked()),
    "bracket bullets": (options("- [A] PostgreSQL\n- [B] SQLite"), Asked()),
    "parentheses": (options("(A) PostgreSQL\n(B) SQLite"), Asked()),
    "boxes with letters": (options("- [ ] A) PostgreSQL\n- [ ] B) SQLite"), Asked()),
    "boxes": (options("- [ ] PostgreSQL\n- [ ] SQLite"), Asked()),
    "bold options": (options("**A) PostgreSQL**\n**B) SQLite**"), Asked()),
    "bold with descriptions": (
        options("**A) PostgreSQL**\nA server.\n\n**B) SQLite**\nA file."),
        Asked(options=(("A", "PostgreSQL\nA server."), ("B", "SQLite\nA file."))),
    ),
    "bold with spaced descriptions": (
        options("**A) PostgreSQL**\n\nA server.\n\n**B) SQLite**\n\nA file."),
        Asked(options=(("A", "PostgreSQL\n\nA server."), ("B", "SQLite\n\nA file."))),
    ),
    "named": (options("Option A: PostgreSQL\nOption B: SQLite"), Asked()),
    "named and bold": (options("- **Option A:** PostgreSQL\n- **Option B:** SQLite"), Asked()),
    "named by numbers": (options("**Option 1: PostgreSQL**\n**Option 2: SQLite**"), Asked()),
    "headings": (options("#### A) PostgreSQL\n#### B) SQLite"), Asked()),
    "named headings": (options("#### Option A: PostgreSQL\n\n#### Option B: SQLite"), Asked()),
    "one line": (options("A) PostgreSQL  B) SQLite"), Asked()),
    "one line with a name": (
        options("Options: A) PostgreSQL, B) SQLite"),
        Asked(),
    ),
    "listed": (options("**Options:**\n- PostgreSQL\n- SQLite"), Asked()),
    "keycaps": (options("1️⃣ PostgreSQL\n2️⃣ SQLite\n"), Asked()),
    "circled numbers": (options("- ① PostgreSQL\n- ② SQLite\n"), Asked()),
    "letter emoji": (options("🅰️ PostgreSQL\n🅱️ SQLite\n"), Asked()),
    "block quote": (options("> A) PostgreSQL\n> B) SQLite\n"), Asked()),
    "table": (
        options("| Option | What |\n|---|---|\n| A | PostgreSQL |\n| B | SQLite |"),
        Asked(),
    ),
    "options heading": (
        options("#### Options\n\nA) PostgreSQL\nB) SQLite"),
        Asked(),
    ),
    # suggestions
    "before the options": (f"### Q1: Which database?\n{SUGGESTION}\n{OPTIONS}\n{ANSWER}", Asked()),
    "before the options, close": (f"### Q1: Which database?\n{SUGGESTION}{OPTIONS}{ANSWER}", Asked()),
    "over two lines": (suggestion("**Suggestion:** B - one\nwriter"), Asked(reason="one\nwriter")),
    "on the next line": (suggestion("**Suggestion:**\nB - one writer"), Asked()),
    "on the next line, letter first": (suggestion("**Suggestion:**\n\nB) one writer"), Asked()),
    "recommendation": (suggestion("**Recommendation:** B - one writer"), Asked()),
    "recommended": (suggestion("**Recommended:** Option B (one writer)"), Asked(reason="(one writer)")),
    "my recommendation": (suggestion("- **My recommendation**: B, one writer"), Asked()),
    "suggested answer": (suggestion("*Suggested answer: B - one writer*"), Asked(reason="one writer")),
    "sign": (suggestion("💡 Suggestion: B - one writer"), Asked()),
    "heading": (suggestion("#### Recommendation\n\nB - one writer"), Asked()),
    "by words": (suggestion("**Recommendation:** SQLite, one writer"), Asked(reason="SQLite, one writer")),
    "in a sentence": (
        suggestion("**Suggestion:** I'd go with B: one writer"),
        Asked(reason="I'd go with B: one writer"),
    ),
    "in the option": (
        f"### Q1: Which database?\nA) PostgreSQL\nB) SQLite (recommended)\n{ANSWER}",
        Asked(options=(("A", "PostgreSQL"), ("B", "SQLite (recommended)")), reason=""),
    ),
    "below the answer": (f"### Q1: Which database?\n{OPTIONS}\n{ANSWER}\n{SUGGESTION}", Asked()),
    "none": (f"### Q1: Which database?\n{OPTIONS}\n{ANSWER}", Asked(suggestion=None, reason="")),
    # answers
    "answer heading": (mark("#### Answer\n\n_waiting_"), Asked()),
    "answer heading of the same level": (mark("### Answer\n_waiting_"), Asked()),
    "answer heading with a colon": (mark("#### Answer: _waiting_"), Asked()),
    "answer heading, nothing below": (mark("#### Answer"), Asked()),
    "german": (mark("**Antwort:** _ausstehend_"), Asked()),
    "your answer": (mark("**Your answer:** _pending_"), Asked()),
    "with a note": (mark("**Answer (pick one):** _waiting_"), Asked()),
    "no colon": (mark("**Answer** _waiting_"), Asked()),
    "signed": (mark("✏️ **Answer:** _waiting_"), Asked()),
    "response": (mark("**Response:** TBD"), Asked()),
    "no answer line": (f"### Q1: Which database?\n\n{OPTIONS}\n{SUGGESTION}", Asked()),
    # layouts of their own
    "whole in a quote": (
        "".join(f"> {line}\n" for line in form("### Q1: Which database?").split("\n")[2:]),
        Asked(),
    ),
    "whole in a quote below a title": (
        "# Questions\n\n"
        + "".join(f"> {line}".rstrip() + "\n" for line in f"### Q1: Which database?\n\n{REST}".split("\n")),
        Asked(),
    ),
    "bold in a quote": (
        f"> **Q1: Which database?**\n> A) PostgreSQL\n> B) SQLite\n> {SUGGESTION}> {ANSWER}",
        Asked(),
    ),
    "in a quote, its answer below": (
        f"> ### Q1: Which database?\n>\n> A) PostgreSQL\n> B) SQLite\n>\n> {SUGGESTION}\n{ANSWER}",
        Asked(),
    ),
    "in a quote without spaces": (
        f">### Q1: Which database?\n>A) PostgreSQL\n>B) SQLite\n>{SUGGESTION}>{ANSWER}",
        Asked(),
    ),
    **{
        f"code {kind}": (options(f"{kind}\n{lines}\n{kind[:3]}"), Asked())
        for kind in ("```", "```text", "~~~")
        for lines in ("A) PostgreSQL\nB) SQLite",)
    },
    "code with colons": (options("```\nA: PostgreSQL\nB: SQLite\n```"), Asked()),
    "code with numbers": (options("```\n1. PostgreSQL\n2. SQLite\n```"), Asked()),
    "code with dots and words above": (
        options("The options:\n\n```\nA. PostgreSQL\nB. SQLite\n```"),
        Asked(text="Which database?\n\nThe options:"),
    ),
    **{
        f"roman {one}": (options(f"{one} PostgreSQL\n{two} SQLite"), Asked())
        for one, two in (
            ("i.", "ii."),
            ("i)", "ii)"),
            ("(i)", "(ii)"),
            ("I.", "II."),
            ("I)", "II)"),
            ("(I)", "(II)"),
            ("**i.**", "**ii.**"),
            ("- i.", "- ii."),
            ("* (i)", "* (ii)"),
            ("i:", "ii:"),
        )
    },
    **{
        f"roman suggestion {words}": (
            f"### Q1: Which database?\n\ni) PostgreSQL\nii) SQLite\n\n**Suggestion:** {words}\n{ANSWER}",
            Asked(),
        )
        for words in (
            "ii - one writer",
            "(ii) one writer",
            "ii) one writer",
            "**ii** - one writer",
            "Option ii: one writer",
            "II - one writer",
            "ii: one writer",
        )
    },
    "nine romans": (
        options(
            "\n".join(f"{key}. {key}" for key in ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"))
        ),
        Asked(
            options=tuple(
                zip("ABCDEFGHI", ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"), strict=True)
            )
        ),
    ),
    "options with romans in them": (
        options("A) PostgreSQL\n   i. a server\n   ii. a user\nB) SQLite"),
        Asked(options=(("A", "PostgreSQL\n   i. a server\n   ii. a user"), ("B", "SQLite"))),
    ),
    **{
        f"columns {head}": (options(f"{head}\n|---|---|\n| PostgreSQL | SQLite |"), Asked())
        for head in (
            "| A | B |",
            "| Option A | Option B |",
            "| **A** | **B** |",
            "| A) | B) |",
            "| 1 | 2 |",
            "| Option 1 | Option 2 |",
        )
    },
    "quoted below its heading": (
        "### Q1 - Which database?\n> A) PostgreSQL\n> B) SQLite\n>\n> **Suggestion:** B - one writer\n>\n> **Answer:** _waiting_\n",
        Asked(),
    ),
    **{
        f"Cyrillic letters, {words}": (
            f"### Вопрос 1: Which database?\nА) PostgreSQL\nБ) SQLite\nВ) none\n**Предложение:** {words}\n**Ответ:** _waiting_\n",
            Asked(options=(("A", "PostgreSQL"), ("B", "SQLite"), ("C", "none")), suggestion=letter),
        )
        for words, letter in (("Б - one writer", "B"), ("**В** — one writer", "C"), ("А) one writer", "A"))
    },
    "columns with names": (options("| A) PostgreSQL | B) SQLite |\n|---|---|"), Asked()),
    "columns with criteria": (
        options(
            "| | A: PostgreSQL | B: SQLite |\n|---|:---:|---|\n| Setup | a server | |\n| **Writers** | many | one |"
        ),
        Asked(options=(("A", "PostgreSQL; Setup: a server; Writers: many"), ("B", "SQLite; Writers: one"))),
    ),
    "columns of criteria only": (
        options("| Criterion | A | B |\n|---|---|---|\n| Engine | PostgreSQL | SQLite |"),
        Asked(options=(("A", "Engine: PostgreSQL"), ("B", "Engine: SQLite"))),
    ),
    "columns with words around": (
        options("They compare so:\n\n| A | B |\n|---|---|\n| PostgreSQL | SQLite |\n\nBoth are here."),
        Asked(text="Which database?\n\nThey compare so:\n\n\nBoth are here."),
    ),
}


@for_each(("text", "asked"), FORMS.values())
def test_a_question_is_parsed_in_every_usual_form(text: str, asked: Asked) -> None:
    (question,) = parse_qa(text).questions
    assert (
        Asked(
            question.text.replace("\r", ""),
            tuple((option.letter, option.text) for option in question.options),
            question.suggestion,
            question.reason,
            question.label,
            question.answer,
        )
        == asked
    )
    assert parse_qa(text).unread == ""


@for_each("text", [text for text, _ in FORMS.values()])
@for_each("answer", ["B) SQLite", "one\n\n### Q7: two?\n**Answer:** x", "_pending_", "A\r\nB"])
def test_an_answer_to_any_form_is_read_back_and_changes_nothing_else(text: str, answer: str) -> None:
    (before,) = parse_qa(text).questions
    changed = set_answer(text, 0, answer)
    (after,) = parse_qa(changed).questions
    assert after.answer == answer
    assert after.identity == before.identity
    (again,) = parse_qa(set_answer(changed, 0, "C, but later")).questions
    assert (again.answer, again.identity) == ("C, but later", before.identity)
    (cleared,) = parse_qa(clear_answer(changed, 0)).questions
    assert (cleared.answer, cleared.identity) == (None, before.identity)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_several_questions_of_one_form_are_all_found(end: str) -> None:
    for name, (text, _) in FORMS.items():
        if "windows" in name or name.startswith(("fenced", "canonical")):
            continue
        body = text.removeprefix("# Questions\n\n")
        second = (
            body.replace("Which database", "Which port").replace("Q1", "Q5").replace("1. Which", "5. Which")
        )
        both = f"# Questions\n\n{body}\n{second}".replace("\n", end)
        questions = parse_qa(both).questions
        assert len(questions) == 2, name
        answered = set_answer(both, 1, "9000")
        assert [each.answer for each in parse_qa(answered).questions] == [None, "9000"], name
        assert answered.startswith(f"# Questions\n\n{body}".replace("\n", end)), name


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Some words.\n\n**Which port?**\n\n### Q1: x\n**Answer:** _waiting_\n", 3),
        ("### Q1: x\n**Answer:** _waiting_\n\n- Which port?\n", 4),
        ("### Q1: x\n**Answer:** _waiting_\n\n**Answer:** _waiting_\n", 4),
        ("### Q1: x\n**Answer:** _waiting_\n\n## Which port?\n", 4),
        ("### Q1: x\n**Answer:** _waiting_\n\n## More\n1. Which port?\n", 5),
        ("- Is this so?\n", 1),
    ],
)
def test_what_looks_like_a_question_and_is_none_is_named_with_its_line(text: str, line: int) -> None:
    qa = parse_qa(text)
    assert f"line {line} " in qa.unread
    assert "“### Q" in qa.unread
    assert qa.unread in qa.problems


@pytest.mark.parametrize(
    "text",
    [
        "# Any questions?\n\nIs it clear?\n\n### Q1: x?\nWhy? Because.\n- not this?\n**Answer:** _waiting_\n",
        "### Q1: x\n```\n### Q2: an example?\n**Answer:** _waiting_\n```\n**Answer:** _waiting_\n",
        "### Q1: x\n**Answer:**\n> - Is this mine?\n> **Answer:** yes\n",
        "### Q1: x\n**Answer:** What do you mean?\n",
        "",
    ],
)
def test_text_of_a_question_or_an_answer_is_not_another_question(text: str) -> None:
    assert parse_qa(text).unread == ""
    assert len(parse_qa(text).questions) == (1 if text else 0)


@for_each(
    "written",
    [
        "_waiting_", "_pending_", "pending", "TBD", "tbd.", "N/A", "n/a", "[ ]", "[]", "___", "________", "…", "...",
        "<!-- your answer -->", "<!-- A or B -->", "_Your answer here_", "[your answer]", "(awaiting answer)", "?", "-",
        "—", "⏳", "⏳ waiting", "**TBD**", "`TODO`", "<answer>", "[A/B]", "[A | B | C]", "{A|B}", "- [ ] A) x",
        "- [ ] A) x\n- [ ] B) y", "_to be answered_", "_not answered yet_", "awaiting response", "_none yet_",
        "*(pending user input)*", "[pending]", "_open_", "_Please choose A or B_", "",
        "n.a.", "TBD?", "awaiting user", "waiting for the owner's decision", "pending your decision", "no response",
        "(leave blank)", "~~tbd~~", "待定", "待回复", "検討中", "미정", "pendiente", "noch offen", "(ожидает ответа)",
        "⏳ waiting for you", "null", "(default: B)", "</details>",
        "to be decided by you", "en attente de réponse",
    ],
)  # fmt: skip
def test_a_placeholder_is_no_answer(written: str) -> None:
    text = f"### Q1: x\nA) a\nB) b\n**Answer:** {written}\n"
    assert parse_qa(text).questions[0].answer is None
    assert parse_qa(set_answer(text, 0, "B")).questions[0].answer == "B"
    if written:
        assert parse_qa(set_answer(text, 0, written)).questions[0].answer == written


def test_a_mark_in_bold_together_with_its_answer_is_one() -> None:
    text = "### Q1: x\nA) a\nB) b\n\n**Answer: _waiting_**\n"
    assert parse_qa(text).questions[0].answer is None
    assert not parse_qa(text).problems
    answered = set_answer(text, 0, "B")
    assert parse_qa(answered).questions[0].answer == "B"
    assert parse_qa(text.replace("_waiting_", "B, **not** A")).questions[0].answer == "B, **not** A"


@pytest.mark.parametrize(
    "written",
    ["none", "no", "open", "B", "A/B", "_B_", "[x] B", "waiting for the API key is fine", "pending orders only", "TBD by Ann on Monday",
     "not answered calls are dropped", "use <answer>", "default to B", "<details>", "null byte", "yes?", "waiting room", "~5", "pending user records stay", "待定的也要显示", "no response body", "- none", "0", "your call"],
)  # fmt: skip
def test_text_that_only_resembles_a_placeholder_is_an_answer(written: str) -> None:
    assert parse_qa(f"### Q1: x\n**Answer:** {written}\n").questions[0].answer == written


PIECES = [
    "**Q1: x**\n", "Q1: x\n", "1. x?\n", "- [ ] a\n", "| A | b |\n", "[A] x\n", "**Suggestion:**\n", "#### Answer\n",
    "### x?\n", "**x?**\n", "A: x\n", "```\n### Q1: x\n**Answer:** y\n```\n", "### Q1.1: x\n", "## Round\n", "(recommended) ",
    "> ### Q1: x\n> **Answer:**\n\n", "> ", "i. x\nii. y\n", "```\nA) x\nB) y\n```\n", "| A | B |\n|---|---|\n| x | y |\n",
    "**A) x**\n\nwords\n\n", "Options:\n- x\n", "- ", "[", "(", "\u2705", "A) x  B) y ", "I recommend option B ", "<!-- ",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.timeout(120)
@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("head", ["", "### Q1: ", "### Q1: x\nA) a\n", "### Q1: x\n**Answer:** "])
def test_long_files_of_any_form_are_parsed_in_linear_time(head: str, piece: str) -> None:
    def read(size: int) -> None:
        text = head + piece * (size // len(piece))
        if parse_qa(text).questions:
            set_answer(text, 0, "x")

    assert_linear(read)


# Forms of which each is the same question; a list of its own keeps the table above readable.
HEADS = {
    "### Q-1: X": "Q1",
    "### Q 1: X": "Q1",
    "### Q#1: X": "Q1",
    "### Q1) X": "Q1",
    "### (Q1) X": "Q1",
    "### Q1 — X": "Q1",
    "### Q1 | X": "Q1",
    "### Q1. X": "Q1",
    "### Q.1: X": "Q1",
    "### Question 1: X": "Q1",
    "### Question 1 of 3: X": "Q1",
    "### Question 1/3: X": "Q1",
    "### Q1/3: X": "Q1",
    "### Q1 of 3: X": "Q1",
    "### Question 1 (blocking): X": "Q1",
    "### Q1 (blocking, high): X": "Q1",
    "### 🔴 Q1: X": "Q1",
    "### 🔴 Q1 [must answer]: X": "Q1",
    "### ❓ Question 1: X": "Q1",
    "### ~~Q1: X~~": "Q1",
    "### `Q1`: X": "Q1",
    "### *Q1: X*": "Q1",
    "### _Q1_: X": "Q1",
    "### __Q1: X__": "Q1",
    "## **Question 1:** X": "Q1",
    "### q1: x?": "Q1",
    "# Q1: X": "Q1",
    "##### Q1: X": "Q1",
    "###### Q1: X": "Q1",
    "**Question 1:** X": "Q1",
    "**Question 1: X**": "Q1",
    "__Q1: X__": "Q1",
    "* **Q1:** X": "Q1",
    "+ **Q1**: X": "Q1",
    "1. **X**": "Q1",
    "1) **X**": "Q1",
    "**1) X**": "Q1",
    "**1.** X": "Q1",
    "**(1) X**": "Q1",
    "(1) X": "Q1",
    "### (1) X": "Q1",
    "### #1: X": "Q1",
    "### 1: X": "Q1",
    "### Pregunta 1: X": "Q1",
    "### Вопрос 1: X": "Q1",
    "### 问题1：X": "Q1",
    "### 質問1：X": "Q1",
    "### Q1：X": "Q1",
    "### Ｑ1: X": "Q1",
    "### Clarification 1: X": "Q1",
    "### Decision 1: X": "Q1",
    "### REQ-1: X": "Q1",
    "### OQ1: X": "Q1",
    "### OQ-1: X": "Q1",
    "### D1: X": "Q1",
    "### C1. X": "Q1",
    "Question 1: X": "Q1",
    "  ### Q1: X": "Q1",
    "Q1) X": "Q1",
    "Q1 - X": "Q1",
    "### [ ] Q1: X": "Q1",
    "- **1. X**": "Q1",
    "**Q1.** X": "Q1",
    "**Q1)** X": "Q1",
    "**Q1 - X**": "Q1",
    "**Q1 (blocking):** X": "Q1",
    "**Q1 (blocking): X**": "Q1",
    "### Q1a: X": "Q1a",
    "### Q1(a): X": "Q1",
}
OPTION_LINES = [
    "* A) PostgreSQL\n* B) SQLite",
    "+ A) PostgreSQL\n+ B) SQLite",
    "  A) PostgreSQL\n  B) SQLite",
    "    A) PostgreSQL\n    B) SQLite",
    "\tA) PostgreSQL\n\tB) SQLite",
    "A)PostgreSQL\nB)SQLite",
    "A] PostgreSQL\nB] SQLite",
    "A = PostgreSQL\nB = SQLite",
    "A → PostgreSQL\nB → SQLite",
    "**A)** PostgreSQL\n**B)** SQLite",
    "**A.** PostgreSQL\n**B.** SQLite",
    "**A:** PostgreSQL\n**B:** SQLite",
    "**A** PostgreSQL\n**B** SQLite",
    "**(A)** PostgreSQL\n**(B)** SQLite",
    "**[A]** PostgreSQL\n**[B]** SQLite",
    "__A)__ PostgreSQL\n__B)__ SQLite",
    "*A)* PostgreSQL\n*B)* SQLite",
    "`A` PostgreSQL\n`B` SQLite",
    "- `A`: PostgreSQL\n- `B`: SQLite",
    "- **A.** PostgreSQL\n- **B.** SQLite",
    "- **A)** PostgreSQL\n- **B)** SQLite",
    "- **(A)** PostgreSQL\n- **(B)** SQLite",
    "- **[A]** PostgreSQL\n- **[B]** SQLite",
    "- **A — PostgreSQL**\n- **B — SQLite**",
    "- **A: PostgreSQL**\n- **B: SQLite**",
    "**A: PostgreSQL**\n**B: SQLite**",
    "**A. PostgreSQL**\n\n**B. SQLite**",
    "**A - PostgreSQL**\n**B - SQLite**",
    "**Option A:** PostgreSQL\n\n**Option B:** SQLite",
    "**Option A: PostgreSQL**\n\n**Option B: SQLite**",
    "**Option A** - PostgreSQL\n**Option B** - SQLite",
    "Option A - PostgreSQL\nOption B - SQLite",
    "Option A) PostgreSQL\nOption B) SQLite",
    "- Option A: PostgreSQL\n- Option B: SQLite",
    "1. Option A: PostgreSQL\n2. Option B: SQLite",
    "- Option 1: PostgreSQL\n- Option 2: SQLite",
    "Option 1: PostgreSQL\nOption 2: SQLite",
    "1. A) PostgreSQL\n2. B) SQLite",
    "(1) PostgreSQL\n(2) SQLite",
    "[1] PostgreSQL\n[2] SQLite",
    "1: PostgreSQL\n2: SQLite",
    "**1.** PostgreSQL\n**2.** SQLite",
    "**1)** PostgreSQL\n**2)** SQLite",
    "**1. PostgreSQL**\n**2. SQLite**",
    "- **1.** PostgreSQL\n- **2.** SQLite",
    "(a) PostgreSQL\n(b) SQLite",
    "- a. PostgreSQL\n- b. SQLite",
    "a. PostgreSQL\nb. SQLite",
    "- (a) PostgreSQL\n- (b) SQLite",
    "- [A]: PostgreSQL\n- [B]: SQLite",
    "- ( ) A) PostgreSQL\n- ( ) B) SQLite",
    "- ( ) PostgreSQL\n- ( ) SQLite",
    "( ) PostgreSQL\n( ) SQLite",
    "[ ] PostgreSQL\n[ ] SQLite",
    "[ ] A) PostgreSQL\n[ ] B) SQLite",
    "- [ ] **A)** PostgreSQL\n- [ ] **B)** SQLite",
    "- [ ] A: PostgreSQL\n- [ ] B: SQLite",
    "☐ PostgreSQL\n☐ SQLite",
    "☐ A) PostgreSQL\n☐ B) SQLite",
    "○ A) PostgreSQL\n○ B) SQLite",
    "• A) PostgreSQL\n• B) SQLite",
    "• PostgreSQL\n• SQLite",
    "- PostgreSQL\n- SQLite",
    "* PostgreSQL\n* SQLite",
    "Options:\nA) PostgreSQL\nB) SQLite",
    "Options:\n1. PostgreSQL\n2. SQLite",
    "**Options**\n\n- A) PostgreSQL\n- B) SQLite",
    "**Options:** A) PostgreSQL B) SQLite",
    "**Options:** A) PostgreSQL / B) SQLite",
    "**Options:** A) PostgreSQL | B) SQLite",
    "**Options:** A) PostgreSQL; B) SQLite",
    "**Options:** (A) PostgreSQL, (B) SQLite",
    "(A) PostgreSQL (B) SQLite",
    "[A] PostgreSQL [B] SQLite",
    "A: PostgreSQL | B: SQLite",
    "A) PostgreSQL; B) SQLite",
    "A) PostgreSQL or B) SQLite",
    "Either A) PostgreSQL or B) SQLite",
    "**Choices:**\n- PostgreSQL\n- SQLite",
    "Choices:\nA. PostgreSQL\nB. SQLite",
    "| | Option |\n|---|---|\n| A | PostgreSQL |\n| B | SQLite |",
    "|Option|Description|\n|:-:|:-|\n|A|PostgreSQL|\n|B|SQLite|",
    "| Option |\n|---|\n| A) PostgreSQL |\n| B) SQLite |",
    "| # | What |\n|---|---|\n| 1 | PostgreSQL |\n| 2 | SQLite |",
    "| Option | What |\n|---|---|\n| **A** | PostgreSQL |\n| **B** | SQLite |",
    "| Option | What |\n|---|---|\n| Option A | PostgreSQL |\n| Option B | SQLite |",
    "#### A. PostgreSQL\n\n#### B. SQLite",
    "#### A: PostgreSQL\n\n#### B: SQLite",
    "#### Option A\n\nPostgreSQL\n\n#### Option B\n\nSQLite",
    "##### A) PostgreSQL\n##### B) SQLite",
    "#### **A)** PostgreSQL\n#### **B)** SQLite",
    "Ⓐ PostgreSQL\nⒷ SQLite",
    "🇦 PostgreSQL\n🇧 SQLite",
    "Ａ）PostgreSQL\nＢ）SQLite",
    "A）PostgreSQL\nB）SQLite",
    "А) PostgreSQL\nВ) SQLite",
    "A、PostgreSQL\nB、SQLite",
    "👉 A) PostgreSQL\n👉 B) SQLite",
    "A) PostgreSQL  \nB) SQLite",
    "A) PostgreSQL\\\nB) SQLite",
    "A) PostgreSQL<br>\nB) SQLite",
    "A) PostgreSQL<br>B) SQLite",
    "- A\\) PostgreSQL\n- B\\) SQLite",
]
SUGGESTIONS = [
    "**Suggestion**: B - one writer",
    "**Suggestion:** B",
    "Suggestion: B - one writer",
    "*Suggestion:* B - one writer",
    "_Suggestion: B - one writer_",
    "> **Suggestion:** B - one writer",
    "- **Suggestion:** B - one writer",
    "**Suggestion:** **B** - one writer",
    "**Suggestion:** `B` - one writer",
    "**Suggestion:** (B) one writer",
    "**Suggestion:** [B] one writer",
    "**Suggestion:** B) one writer",
    "**Suggestion:** B. One writer",
    "**Suggestion:** B: one writer",
    "**Suggestion:** B — one writer",
    "**Suggestion:** b - one writer",
    "**Suggestion:** Option B - one writer",
    "**Suggestion:** option B, one writer",
    "**Suggestion:** B (one writer)",
    "**Suggestion:** B, because one writer",
    "**Suggestion:** B because one writer",
    "**Suggestion:** B) SQLite - one writer",
    "**Suggestion:** B (SQLite) - one writer",
    "**Suggestion:** SQLite - one writer",
    "**Suggestion:** SQLite",
    "**Suggestion:** Go with B",
    "**Suggestion:** I suggest B",
    "**Suggestion:** I would choose option B because one writer",
    "**Suggestion (mine):** B - one writer",
    "**Suggestions:** B - one writer",
    "**Suggested:** B - one writer",
    "**Suggested option:** B",
    "**Suggested default:** B",
    "**Default:** B",
    "**Default: B**",
    "**Recommended option:** B",
    "**Recommended answer:** B",
    "**Recommendation: B** - one writer",
    "**Recommendation** — B",
    "Recommendation: Option B",
    "**I recommend:** B",
    "I recommend B.",
    "I recommend option B because one writer",
    "I'd recommend B",
    "We recommend B",
    "My suggestion: B",
    "**My suggestion:** B",
    "**Preferred:** B",
    "**Preference:** B",
    "**My pick:** B",
    "**Proposal:** B",
    "**Proposed:** B",
    "**Proposed answer:** B",
    "**Empfehlung:** B - one writer",
    "**Vorschlag:** B",
    "**Sugerencia:** B",
    "**Recomendación:** B",
    "**Рекомендация:** B",
    "**建议：** B",
    "**推荐：** B",
    "💡 **Suggestion:** B",
    "⭐ **Recommendation:** B",
    "👉 Suggestion: B",
    "#### Suggestion\nB",
    "#### Suggestion: B",
    "### Suggestion\n\nB - one writer",
    "**Suggestion:** В - one writer",
    "**Suggestion:** ⓑ",
    "**Suggestion: B) SQLite**",
    "**Suggestion:** *B*",
    "**Suggestion:** “B”",
    "**Suggestion:**  B  ",
    "**SUGGESTION:** B",
    "**suggestion:** B",
    "**Suggest:** B",
    "**Lean:** B",
    "**Leaning:** B",
    "(Suggestion: B)",
    "[Suggestion: B]",
]
ANSWER_LINES = [
    "**Answer**: _waiting_",
    "**Answer:**_waiting_",
    "**Answer:**",
    "**Answer :** _waiting_",
    "Answer: _waiting_",
    "*Answer:* _waiting_",
    "_Answer:_ _waiting_",
    "__Answer:__ _waiting_",
    "- **Answer:** _waiting_",
    "- Answer: _waiting_",
    "* Answer: _waiting_",
    "**ANSWER:** _waiting_",
    "**answer:** _waiting_",
    "**Answer** : _waiting_",
    "**Answer** – _waiting_",
    "**Answer** - _waiting_",
    "**A:** _waiting_",
    "A: _waiting_",
    "**A1:** _waiting_",
    "**Ans:** _waiting_",
    "**Answer 1:** _waiting_",
    "**Answer Q1:** _waiting_",
    "**Answer to Q1:** _waiting_",
    "**Q1 Answer:** _waiting_",
    "**User answer:** _waiting_",
    "**User's answer:** _waiting_",
    "**Human answer:** _waiting_",
    "**Final answer:** _waiting_",
    "**Your choice:** _waiting_",
    "**Choice:** _waiting_",
    "**Decision:** _waiting_",
    "**Your decision:** _waiting_",
    "**Reply:** _waiting_",
    "**Your reply:** _waiting_",
    "**Respuesta:** _esperando_",
    "**Réponse :** _en attente_",
    "**Risposta:** _in attesa_",
    "**Resposta:** _aguardando_",
    "**Ответ:** _ожидается_",
    "**Ответ:** _ждём_",
    "**答案：** _等待_",
    "**回答：** _待ち_",
    "**Antwort:** _warten_",
    "**Antwort:** _wartet_",
    "### Answer:",
    "##### Answer\n_waiting_",
    "#### **Answer:**\n\n_waiting_",
    "#### Your answer\n\n_waiting_",
    "**Answer：** _waiting_",
    "✍️ **Answer:** _waiting_",
    "👉 **Answer:** _waiting_",
    "**✏️ Answer:** _waiting_",
    "**Answer:** `_waiting_`",
    "**Answer:** *waiting for user*",
    "**Answer:** _waiting for answer_",
    "**Answer:** waiting...",
    "**Answer:** (to be provided by user)",
    "**Answer:** [TO BE FILLED]",
    "**Answer:** [Your answer here]",
    "**Answer:** {{answer}}",
    "**Answer:** `<fill in>`",
    "**Answer:** ______",
    "**Answer:** ?",
    "**Answer:** ???",
    "**Answer:** ⏳ _waiting_",
    "**Answer:** 🟡 waiting",
    "**Answer:** ☐ A ☐ B",
    "**Answer:** [A / B]",
    "**Answer:** [ ] A [ ] B",
    "**Answer:** (none)",
    "**Answer:** (pending)",
    "**Answer:** PENDING",
    "**Answer:** AWAITING",
    "**Answer:** <pending>",
    "**Answer:** — pending —",
    "**Answer:** -- ",
    "**Answer:** <!-- waiting -->_waiting_",
    "**Answer:** _<waiting>_",
    "**Answer:** _waiting…_",
    "**Answer:** _Waiting for owner_",
    "**Answer:** _awaiting user input_",
    "**Answer:** _(unanswered)_",
    "**Answer:** <!-- fill me in -->\n",
    "**Answer:**\n\n_waiting_",
    "**Answer:**\n<!-- write here -->",
    "**Answer:** _waiting_\n**Status:** open",
    "**Answer:** _waiting_ (blocking)",
    "**Answer:** \\_waiting\\_",
]
RECOMMENDED = [
    "A) PostgreSQL\nB) SQLite ⭐",
    "A) PostgreSQL\nB) SQLite **(recommended)**",
    "A) PostgreSQL\nB) **SQLite** (recommended)",
    "A) PostgreSQL\nB) SQLite ← recommended",
    "A) PostgreSQL\nB) SQLite (suggested)",
    "A) PostgreSQL\nB) SQLite [recommended]",
    "A) PostgreSQL\nB) SQLite - recommended",
    "A) PostgreSQL\n**B) SQLite (Recommended)**",
    "A) PostgreSQL\nB) (recommended) SQLite",
    "A) PostgreSQL\nB) SQLite ✅",
    "A) PostgreSQL\nB) SQLite (default)",
    "A) PostgreSQL\nB) SQLite (my recommendation)",
    "A) PostgreSQL\nB) SQLite 👈",
    "- A) PostgreSQL\n- **B) SQLite** ← suggested",
]


@for_each(
    ("text", "label"),
    [
        *((form(heading.replace("X", "Which database?").replace("x?", "Which database?")), label) for heading, label in HEADS.items()),
        *((options(lines), "Q1") for lines in OPTION_LINES),
        *((suggestion(line), "Q1") for line in SUGGESTIONS),
        *((mark(line), "Q1") for line in ANSWER_LINES),
    ],
)  # fmt: skip
def test_more_forms_are_the_same_question(text: str, label: str) -> None:
    (question,) = parse_qa(text).questions
    found = tuple((option.letter, option.text) for option in question.options)
    assert (question.text.strip(), found, question.suggestion) == ("Which database?", AB, "B")
    assert (question.label, question.answer) == (label, None)
    (after,) = parse_qa(set_answer(text, 0, "B")).questions
    assert (after.answer, after.identity) == ("B", question.identity)


@pytest.mark.parametrize("lines", RECOMMENDED)
def test_an_option_that_is_marked_is_the_suggestion(lines: str) -> None:
    (question,) = parse_qa(f"### Q1: Which database?\n{lines}\n{ANSWER}").questions
    assert (len(question.options), question.suggestion) == (2, "B")


@pytest.mark.parametrize(
    "text",
    [
        "### Q1: x\n*Answer* the door.\n**Answer:** B\n",
        "### Q1: x\n- one\n- two\n**Suggestion:** ask Ann\n**Answer:** B\n",
        "### Q1: x\n```\nA) a label\nreturn 1\nB) another\n```\n**Answer:** B\n",
        "### Q1: x\n```python\nprint(1)\n```\n**Answer:** B\n",
        "### Q1: x\n| a | b |\n|---|---|\n| 1 | 2 |\n**Answer:** B\n",
        "### Q1: x\nI. Asimov wrote it.\n**Answer:** B\n",
        "### Q1: x\n> ### Q7: old?\n> **Answer:** y\n**Answer:** B\n",
    ],
)
def test_what_only_resembles_such_a_form_is_text(text: str) -> None:
    (question,) = parse_qa(text).questions
    assert (question.answer, question.options) == ("B", ())


@pytest.mark.parametrize("words", ["Все три подходят", "Ⓧ is as good"])
def test_suggestion_without_an_option_keeps_its_letters(words: str) -> None:
    (question,) = parse_qa(suggestion(f"**Suggestion:** {words}")).questions
    assert (question.suggestion, question.reason) == (None, words)


@for_each(
    ("lines", "text"),
    [
        ("(A) PostgreSQL (B) SQLite", ""),
        ("(a) PostgreSQL (b) SQLite", ""),
        ("a) PostgreSQL, b) SQLite", ""),
        ("A. PostgreSQL  B. SQLite", ""),
        ("Options: A. PostgreSQL B. SQLite", ""),
        ("A = PostgreSQL, B = SQLite", ""),
        ("A — PostgreSQL; B — SQLite", ""),
        ("(1) PostgreSQL (2) SQLite", ""),
        ("1) PostgreSQL or 2) SQLite", ""),
        ("Options: 1. PostgreSQL 2. SQLite", ""),
        ("Options: PostgreSQL / SQLite", ""),
        ("**Options:** PostgreSQL | SQLite", ""),
        ("Choices: PostgreSQL, or SQLite", ""),
        ("options: [PostgreSQL, SQLite]", ""),
        ("- PostgreSQL\n- SQLite", ""),
        ("* PostgreSQL\n\n* SQLite", ""),
        ("Choose one:\n- PostgreSQL\n- SQLite", "\nChoose one:"),
        ("Data grow.\nWhich of these?\n- PostgreSQL\n- SQLite", "\nData grow.\nWhich of these?"),
        ("- A：PostgreSQL\n- B：SQLite", ""),
    ],
)
def test_options_without_lines_or_letters_of_their_own_are_read(lines: str, text: str) -> None:
    (question,) = parse_qa(f"### Q1: Which database?\n{lines}\n\n{ANSWER}").questions
    assert tuple((option.letter, option.text) for option in question.options) == AB
    assert question.text == f"Which database?{text}"


@for_each(
    ("heading", "text", "options"),
    [
        ("Which database? (A) PostgreSQL (B) SQLite", "Which database?", AB),
        ("Which database: A) PostgreSQL or B) SQLite", "Which database", AB),
        ("Which database? 1) PostgreSQL 2) SQLite", "Which database?", AB),
        ("Take (a) PostgreSQL or (b) SQLite", "Take (a) PostgreSQL or (b) SQLite", AB),
        ("Mock it? (yes/no)", "Mock it? (yes/no)", (("Y", "Yes"), ("N", "No"))),
        ("Mock it [y/N]?", "Mock it [y/N]?", (("Y", "Yes"), ("N", "No"))),
        ("Ersetzen? (ja/nein)", "Ersetzen? (ja/nein)", (("J", "Ja"), ("N", "Nein"))),
    ],
)
def test_options_in_the_heading_are_read(
    heading: str, text: str, options: tuple[tuple[str, str], ...]
) -> None:
    (question,) = parse_qa(f"### Q1: {heading}\n\n{ANSWER}").questions
    assert tuple((option.letter, option.text) for option in question.options) == options
    assert question.text == text


@for_each(
    ("lines", "suggestion"),
    [
        ("- PostgreSQL\n- SQLite\n\n**Suggestion:** SQLite", "B"),
        ("We need:\n- **PostgreSQL**: robust\n- **SQLite**: simple\n\n**Suggestion:** SQLite, it is simple", "B"),
        ("A) PostgreSQL - robust\nB) SQLite (simple)\n\n**Suggestion:** SQLite because it is simple", "B"),
        ("A) Yes\nB) No\n\n**Suggestion:** No idea", None),
    ],
)  # fmt: skip
def test_a_suggestion_may_name_an_option_by_its_first_part(lines: str, suggestion: str | None) -> None:
    (question,) = parse_qa(f"### Q1: Which database?\n{lines}\n\n{ANSWER}").questions
    assert (len(question.options), question.suggestion) == (2, suggestion)


@pytest.mark.parametrize(
    "lines",
    [
        "It has to hold:\n- users\n- orders",
        "Please confirm the following?\n- users stay\n- orders go",
        "- is it fast?\n- is it small?",
        "- one",
        "A. Miller and B. Smith decide.",
        "Ask A. Miller or B. Smith.",
        "Options such as PostgreSQL / SQLite are out.",
        "Options: as in the ticket.",
    ],
)
def test_lists_that_offer_nothing_are_text(lines: str) -> None:
    (question,) = parse_qa(f"### Q1: Which database\n{lines}\n\n{ANSWER}").questions
    assert question.options == ()


@for_each(
    ("heading", "suggestion", "answer", "placeholder"),
    [
        ("Vraag 1", "Suggestie", "Antwoord", "_wacht_"),
        ("Fråga 1", "Förslag", "Svar", "_väntar_"),
        ("Soru 1", "Öneri", "Cevap", "_bekleniyor_"),
        ("Питання 1", "Пропозиція", "Відповідь", "_очікує_"),
        ("Pytanie 1", "Sugestia", "Odpowiedź", "_czeka_"),
        ("Otázka 1", "Návrh", "Odpověď", "_čeká na vás_"),
        ("Câu hỏi 1", "Đề xuất", "Trả lời", "_chờ_"),
        ("سؤال 1", "الاقتراح", "الجواب", "_في الانتظار_"),
        ("प्रश्न 1", "सुझाव", "उत्तर", "_प्रतीक्षा_"),
        ("질문 1", "추천", "답변", "_대기 중_"),
        ("質問1", "推奨", "回答", "_未回答_"),
        ("问题1", "建议", "您的回答", "_等待_"),
        ("Domanda 1", "Suggerimento", "La tua risposta", "_in attesa_"),
        ("Pregunta 1", "Propuesta", "Tu respuesta", "_en espera_"),
    ],
)
def test_questions_are_read_in_many_languages(
    heading: str, suggestion: str, answer: str, placeholder: str
) -> None:
    text = (
        f"### {heading}: X?\nA) PostgreSQL\nB) SQLite\n\n**{suggestion}:** B\n\n**{answer}:** {placeholder}\n"
    )
    parsed = parse_qa(text)
    (question,) = parsed.questions
    found = tuple((option.letter, option.text) for option in question.options)
    assert (question.label, question.text, found, question.suggestion) == ("Q1", "X?", AB, "B")
    assert (question.answer, parsed.problems) == (None, ())
    (after,) = parse_qa(set_answer(text, 0, "_på disk_")).questions
    assert after.answer == "_på disk_"


@pytest.mark.parametrize(
    ("line", "opening"),
    [
        ("**Answer: yes**", "**Answer:"),
        ("**Answer:** yes", "**Answer:**"),
        ("**Answer** - yes", "**Answer** -"),
        ("**Response:** yes", "**Response:**"),
        ("Answer (by you): yes", "Answer (by you):"),
        # A bold text that only begins like one: a name of ours, a sign or a note in it needs the end of the bold.
        ("**Response: yes", None),
        ("**✅ Answer: yes", None),
        ("**Answer (by you): yes", None),
        ("__Answer:** yes", None),
        ("Response: yes", None),
    ],
)
def test_mark_of_an_answer(line: str, opening: str | None) -> None:
    (scanned,) = scan(line)
    assert answer_opening(scanned) == opening
