"""Short messages: what is taken for assent, a stop word, an amount, a greeting, and what is not."""

from __future__ import annotations

import pytest

from samobot.telegram.handlers.intents import (
    Assent,
    BudgetAmount,
    Intent,
    is_greeting,
    read_amount,
    read_assent,
    read_intent,
)

CLEAR = """LGTM 👍|ack|pode ir|ok|OK.|okay!|approve|Approved|I approve|si, adelante|passt|да|👍|👍🏽|✅|👌|Yes!|yes please|yep|sure
|go ahead|Looks good to me, thanks!|Sounds good, let's go|ship it 🚀|Perfect.|+1|no problem, go ahead|no changes needed
|this is fine|Great plan! Approved.|Approved, thank you|agreed|do it|proceed|go for it|works for me|好的|没问题|はい|了解です
|いいね！お願いします|네|좋아요|oui, vas-y|d'accord|c'est bon|va bene|sim, pode ser|tak|evet|ja, mach das|Alles klar, los geht's
|sieht gut aus|genehmigt|vale|de acuerdo|Хорошо, давай!|согласен|поехали|так, добре|godkänd|akkoord|rendben|εντάξει|בסדר|نعم
|ठीक है|iya setuju|đồng ý|OK 👍 thanks|"""
MIXED = """yes, but use argparse|ok but shorter|LGTM, except phase 2|👍 but skip the docs|looks good? |ok?|да, но без тестов
|Good, now split phase 2|i like it, but rename it|use argparse, otherwise lgtm|ja, aber ohne Doku|sí, pero más corto|approve if tests pass
|I can't approve this yet"""
NONE = """shorter, please|use argparse instead|don't approve this|not ok|no, use argparse|split it into phases|add more tests
|Please use ok as the exit status|why a database?|nicht gut|не годится|too long|..."""
REFUSAL = "no|nope|No!|nein|нет|👎|❌|reject"


def _each(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", "").split("|") if part.strip()]


@pytest.mark.parametrize(
    ("text", "assent"),
    [
        (text, assent)
        for texts, assent in (
            (CLEAR, Assent.CLEAR),
            (MIXED, Assent.MIXED),
            (NONE, Assent.NONE),
            (REFUSAL, Assent.REFUSAL),
        )
        for text in _each(texts)
    ],
)
def test_assent_is_read_in_any_usual_language(text: str, assent: Assent) -> None:
    assert read_assent(text) is assent


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        *((text, Intent.STOP) for text in ("stop", "STOP!!", "Stop.", "stop it", "please stop", "ok stop", "⏹️", "🛑", "halt", "abort", "cancel", "стоп", "停止", "やめて", "basta", "stop the session", "enough!")),
        *((text, Intent.PAUSE) for text in ("pause", "Pause!", "hold on", "wait", "⏸️", "пауза", "pausa", "pause please")),
        *((text, Intent.STATUS) for text in ("status", "status?", "How is it going?", "how's it going", "any update?", "progress?", "what are you doing?", "wie weit?", "wie läuft's?", "are you done?")),
        *((text, Intent.RESUME) for text in ("resume", "continue", "keep going", "▶️", "weiter", "продолжай")),
        *((text, Intent.RETRY) for text in ("retry", "try again", "Again!", "nochmal", "🔁")),
        *((text, None) for text in ("stop using tabs", "wait for the API", "pause the animation on hover", "the status page is broken", "?", "", "continue with the parser", "hold the lock shorter")),
    ],
)  # fmt: skip
def test_a_short_message_to_a_session_is_read_as_what_it_asks_for(text: str, intent: Intent | None) -> None:
    assert read_intent(text) is intent


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("10", BudgetAmount(10)), ("$10", BudgetAmount(10)), ("10$", BudgetAmount(10)), ("10 dollars", BudgetAmount(10)), ("2,50", BudgetAmount(2.5)),
        ("raise it to $5", BudgetAmount(5)), ("Raise the budget to 20!", BudgetAmount(20)), ("up to 20", BudgetAmount(20)), ("ok, 10", BudgetAmount(10)),
        ("make it 7.50 please", BudgetAmount(7.5)), ("yes 20", BudgetAmount(20)), ("let's make it 15", BudgetAmount(15)), ("bis 20", BudgetAmount(20)),
        ("$5 should be fine", BudgetAmount(5)), ("10.", BudgetAmount(10)), ("5 more", BudgetAmount(5, more=True)), ("+5", BudgetAmount(5, more=True)),
        ("add $5", BudgetAmount(5, more=True)), ("another 5", BudgetAmount(5, more=True)), ("noch 5", BudgetAmount(5, more=True)),
        ("10 tests fail", None), ("use port 8080", None), ("phase 2", None), ("0", None), ("ten", None), ("5 or 10", None), ("", None),
    ],
)  # fmt: skip
def test_an_amount_is_read_out_of_a_short_sentence(text: str, amount: BudgetAmount | None) -> None:
    assert read_amount(text) == amount


@pytest.mark.parametrize(
    ("text", "greets"),
    [
        *((text, True) for text in ("hello", "Hi!", "hey there", "help?", "what can you do?", "Hola", "👋", "good morning", "start", "Привет")),
        *((text, False) for text in ("hello world app in rust", "help the user find a file", "fix the login", "test the parser")),
    ],
)  # fmt: skip
def test_a_greeting_is_nothing_but_a_greeting(text: str, greets: bool) -> None:
    assert is_greeting(text) is greets
