from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.errors import UsageError
from samobot.telegram.handlers.chat_request import (
    first_word,
    parse_command,
    parse_money,
)
from samobot.telegram.handlers.run_arguments import RunArguments, parse_run
from tests.support.cases import for_each


@for_each(
    ("typed", "expected"),
    [
        ("demo", RunArguments(name="demo")),
        ("demo: add a greeting", RunArguments(name="demo", task="add a greeting")),
        ("shop:demo add it", RunArguments(project="shop", name="demo", task="add it")),
        ("demo:\nFirst line\n\n  second", RunArguments(name="demo", task="First line\n\n  second")),
        ('demo "add it"', RunArguments(name="demo", task="add it")),
        ("demo “add it”", RunArguments(name="demo", task="add it")),
        ("demo: --budget 5 add it", RunArguments(name="demo", task="add it", budget_usd=5)),
        ("demo: add it --budget $2,50", RunArguments(name="demo", task="add it", budget_usd=2.5)),
        ("demo —budget 5", RunArguments(name="demo", budget_usd=5)),
        ("demo: –auto —dive “what is there” do it", RunArguments(name="demo", task="do it", dive="what is there", auto=True)),
        ('demo --dive "look" --task "do it"', RunArguments(name="demo", task="do it", dive="look")),
        ("demo --dive look around --task do it", RunArguments(name="demo", task="do it", dive="look around")),
        ("demo: --dive='look' x", RunArguments(name="demo", task="x", dive="look")),
        ("--budget 3 demo: x", RunArguments(name="demo", task="x", budget_usd=3)),
        ('demo "add a --budget flag"', RunArguments(name="demo", task="add a --budget flag")),
        ("demo: use --verbose as —silent does", RunArguments(name="demo", task="use --verbose as —silent does")),
        ("demo: fix it — and test it", RunArguments(name="demo", task="fix it — and test it")),
        ("demo: it's Ann's \"thing\" there", RunArguments(name="demo", task="it's Ann's \"thing\" there")),
        ("demo --AUTO", RunArguments(name="demo", auto=True)),
        ("add dark mode to the settings page", RunArguments(task="add dark mode to the settings page")),
        ("Fix the login bug", RunArguments(task="Fix the login bug")),
        ("First line\n\n  second", RunArguments(task="First line\n\n  second")),
        ("add it --budget 5 today", RunArguments(task="add it today", budget_usd=5)),
        ('add a "dark" mode', RunArguments(task='add a "dark" mode')),
        ("add dark mode --name dark", RunArguments(name="dark", task="add dark mode")),
        ("—name dark add dark mode", RunArguments(name="dark", task="add dark mode")),
        ("the login: it breaks", RunArguments(task="the login: it breaks")),
        ("add more --from greet today", RunArguments(task="add more today", base="greet")),
        ("greet: more —from=other", RunArguments(name="greet", task="more", base="other")),
        ("/status is slow", RunArguments(task="/status is slow")),
        ("--verbose is missing", RunArguments(task="--verbose is missing")),
        ("greet --no-questions more", RunArguments(task="greet more", questions=False)),
        ("write it with --format json", RunArguments(task="write it with --format json")),
        ("greet --profile Strong", RunArguments(name="greet", profile="strong")),
        ("—profile=default add it", RunArguments(task="add it", profile="")),
        ("greet --provider Codex", RunArguments(name="greet", provider="codex")),
        ("add it --provider default", RunArguments(task="add it", provider="")),
        ("", RunArguments()),
        ("--auto", RunArguments(auto=True)),
    ],
)  # fmt: skip
def test_what_thumbs_type_after_run_is_understood(typed: str, expected: RunArguments) -> None:
    assert parse_run(typed) == expected


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("fix it --name", "name after it"),
        ("demo --budget much", "amount in US dollars"),
        ("demo --budget", "amount in US dollars"),
        ("demo --profile huge", "needs one of light, standard, strong, max, default"),
        ("demo --profile", "needs one of"),
        ("demo --provider gpt", "needs one of claude, codex, default"),
        ("demo --budget 0", "amount in US dollars"),
        ("demo --budget nan", "amount in US dollars"),
        ("demo --budget inf", "amount in US dollars"),
        ("demo --budget 1e999", "amount in US dollars"),
        ('demo --dive ""', "text after it"),
        ("demo --task --auto", "text after it"),
        ("demo --budgt 5", "Did you mean --budget"),
        ("demo —taks x", "Did you mean --task"),
        ("/status", "“/status” is no task"),
        ("/stop@samo_bot!", "is no task"),
        ("--help", "“--help” is no task"),
        ("—verbose --budget 5", "“—verbose” is no task"),
    ],
)
def test_a_flag_that_cannot_be_is_said_with_what_to_do(typed: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_run(typed)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("/run demo", ("run", None, "demo")),
        ("/Run@samo_bot  demo x", ("run", "samo_bot", "demo x")),
        ("/run", ("run", None, "")),
        ("/tell\ntwo\nlines", ("tell", None, "two\nlines")),
        ("/tell! stop that", ("now", None, "stop that")),
        ("/Tell@samo_bot! stop", ("now", "samo_bot", "stop")),
        ("/tell!! stop", ("tell", None, "stop")),
        ("/tell. stop", ("tell", None, "stop")),
        ("/stop! all", ("stop", None, "all")),
        ("/stop。", ("stop", None, "")),
        ("／run demo： x", ("run", None, "demo： x")),
        ("/stop＠samo_bot，demo", ("stop", "samo_bot", "demo")),
        ("/stop:demo", ("stop", None, "demo")),
        ("/stop,all", ("stop", None, "all")),
    ],
)
def test_command_is_parsed_with_its_text_verbatim(typed: str, expected: tuple[str, str | None, str]) -> None:
    found = parse_command(typed)
    assert found is not None
    assert (found.name, found.bot, found.rest) == expected


@pytest.mark.parametrize("typed", ["run demo", " /run", "/usr/bin/python is missing", "/", "/über"])
def test_other_text_is_no_command(typed: str) -> None:
    assert parse_command(typed) is None


@pytest.mark.parametrize(("typed", "usd"), [("5", 5), ("$2.5", 2.5), ("2,50", 2.5), ("5 usd", 5), ("x", None), ("0", None)])  # fmt: skip
def test_money_is_parsed_in_everyday_forms(typed: str, usd: float | None) -> None:
    assert parse_money(typed) == usd


def test_text_after_the_first_line_keeps_its_lines() -> None:
    assert first_word("greet\n  two\n lines ") == ("greet", "  two\n lines ")
    assert first_word("") == ("", "")


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    parse_command(text)
    try:
        words = parse_run(text)
    except UsageError:
        return
    assert words.name is None or not any(character.isspace() for character in words.name)


@given(st.text(alphabet="abc \n", min_size=1).filter(str.strip), st.sampled_from(['"{}"', "“{}”", "„{}“"]))
def test_a_quoted_task_comes_back_as_it_was(task: str, quotes: str) -> None:
    words = parse_run(f"demo --task {quotes.format(task)} --auto")
    assert words == RunArguments(name="demo", task=task, auto=True)
