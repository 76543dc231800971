"""Questions in forms that cannot be asked are named with their line; those in unusual Markdown are asked."""

from __future__ import annotations

from samobot.phases import GateFacts, Phase, SignalStatus, Step, WaitingFor, decide
from samobot.session.qa import parse_qa, set_answer
from tests.support.cases import for_each

AB = ["A) PostgreSQL", "B) SQLite"]
REST = "\nA) PostgreSQL\nB) SQLite\n\n**Answer:** _waiting_\n"
ANSWERED = "### Q1: Which host?\n\nA) one\nB) two\n\n**Answer:** A) one\n\n"


@for_each(
    "text",
    [
        f"<details>\n<summary>Q1: Which database?</summary>\n{REST}\n</details>\n",
        f"<details open>\n<summary><b>Q1: Which database?</b></summary>\n{REST}</details>\n",
        f"<details><summary><strong>Q1</strong>: Which database?</summary>\n{REST}\n</details>\n",
        f"<h3>Q1: Which database?</h3>\n{REST}",
        f"# Q1: Which database?\n{REST}",
        f"Q1: Which database?\n-------------------\n{REST}",
        f"Which database?\n===============\n{REST}",
        f"Q1. Which database?\n^^^^^^^^^^^^^^^^^^^\n{REST}",
        f"1️⃣ Which database?\n{REST}",
        "Which database?\n---\n\nA) PostgreSQL\nB) SQLite\n",
        "- [ ] Q1: Which database?\n  - [ ] PostgreSQL\n  - [ ] SQLite\n",
        "Question: Which database?\nOptions: A) PostgreSQL B) SQLite\n",
        f"**Question:** Which database?\n{REST}",
        f"Frage: Which database?\n{REST}",
        f"Вопрос 1: Which database?\n{REST}",
        f"**Вопрос:** Which database?\n{REST}",
        f"คำถาม 1: Which database?\n{REST}",
        f"### Vraag 1: Which database?\n{REST}",
        "### 問題 1：Which database?\n\n**選択肢：**\n- PostgreSQL\n- SQLite\n\n**回答：** _待ち_\n",
        "### Вопрос 1\n\nWhich database?\n\n**Варианты:**\n- PostgreSQL\n- SQLite\n\n**Ответ:** _ожидает_\n",
        "> [!IMPORTANT]\n> **Q1: Which database?**\n> - A) PostgreSQL\n> - B) SQLite\n>\n> **Answer:** _waiting_\n",
    ],
)
def test_question_in_unusual_markdown_is_asked_with_its_options(text: str) -> None:
    two = f"{text}\n{text.replace('Q1', 'Q2').replace(' 1', ' 2').replace('database', 'store').replace('1️⃣', '2️⃣')}"
    for number, file in ((1, text), (2, two)):
        parsed = parse_qa(file)
        found = [
            [f"{option.letter}) {option.text}" for option in question.options]
            for question in parsed.questions
        ]
        assert (found, parsed.unread) == ([AB] * number, "")
        assert "Which database?" in parsed.questions[0].text
        assert "<" not in parsed.questions[0].text
        assert "--" not in parsed.questions[0].text
        answers = [question.answer for question in parse_qa(set_answer(file, 0, "B) SQLite")).questions]
        assert answers == ["B) SQLite", None][:number]


@for_each(
    ("text", "line"),
    [
        ("| # | Question | Options |\n|---|---|---|\n| Q1 | Which database? | A) x B) y |\n", 3),
        ("| ID | Topic |\n|--|--|\n| Q1 | PostgreSQL or SQLite |\n", 3),
        ("| Frage | Optionen |\n|---|---|\n| Welche Datenbank? | A) x B) y |\n", 3),
        ("| 问题 | 选项 |\n|---|---|\n| 使用哪个数据库？ | x / y |\n", 3),
        (
            '```json\n{\n  "questions": [\n    {"id": "Q1", "question": "Which database", "answer": null}\n  ]\n}\n```\n',
            4,
        ),
        ('{"questions": [{"id": "Q1", "question": "Which database?", "answer": null}]}\n', 1),
        ("```yaml\nquestions:\n  - id: Q1\n    question: Which database\n    answer: _waiting_\n```\n", 4),
        ("questions:\n  - id: Q1\n    text: Which database?\n    options: [x, y]\n", 3),
        ('[[question]]\nid = "Q1"\ntext = "Which database?"\nanswer = ""\n', 3),
        ("<question id='1'>\n<text>Which database?</text>\n</question>\n", 2),
        ("<ol>\n<li>Which database?</li>\n</ol>\n", 2),
        ("Q1\n: Which database?\n: A) x\n", 2),
        ("- [ ] Which database?\n  - [ ] x\n  - [ ] y\n", 1),
        ("# Questions\n\nShould it be PostgreSQL or SQLite? I would take SQLite.\n", 3),
        ("# Questions\n\nI need a decision about the database.\n", 3),
        ("### Database\n\nA) x\nB) y\n", 3),
    ],
)
def test_question_in_a_form_that_is_not_read_is_named_with_its_line_also_below_an_answered_one(
    text: str, line: int
) -> None:
    alone = parse_qa(text)
    assert alone.open == ()
    assert f"line {line} “" in alone.unread
    assert "write it as “### Q1: …” with a line “**Answer:** _waiting_”" in alone.unread
    below = parse_qa(f"{ANSWERED}---\n## Round 2\n\n{text}")
    assert below.open == ()
    if "decision" not in text:
        assert f"line {line + 10} “" in below.unread


@for_each(
    "text",
    [
        "# Which way?\n\nNot sure? Take the suggestion.\n\n"
        + "### Q1: x\nA) a\nB) b\n**Answer:** _waiting_\n",
        f"{ANSWERED}## Summary\n\n| Question | Answer |\n|---|---|\n| Q1 Which host? | one |\n",
        f"{ANSWERED}## Summary\n\n- **Which host?** one\n",
        f"{ANSWERED}## Notes\n\nThe host is one.\n\n```python\nx = y if z else None\n```\n",
        "### Q1: x\nA) a\nB) b\n**Answer:**\n> A\n\n**Suggestion:** B, why not?\n",
        "# Questions\n",
    ],
)
def test_what_asks_nothing_new_is_not_named(text: str) -> None:
    assert parse_qa(text).unread == ""


def test_text_that_asks_below_a_quoted_answer_is_named() -> None:
    parsed = parse_qa("### Q1: x\n**Answer:**\n> A\n\nAnd which port?\n")
    assert parsed.questions[0].answer == "A"
    assert "line 5 “And which port?”" in parsed.unread


def test_agent_that_waits_for_answers_with_every_question_answered_is_reminded_once() -> None:
    for may_remind, step in ((True, Step.REMIND), (False, Step.STAY)):
        found = decide(
            Phase.REQUIREMENTS,
            SignalStatus.WAITING,
            None,
            GateFacts(questions=2),
            waiting_for=WaitingFor.QA_ANSWERS,
            may_remind=may_remind,
        )
        assert found.step is step
        assert "“### Qn: …” with a line “**Answer:** _waiting_”" in found.reason
