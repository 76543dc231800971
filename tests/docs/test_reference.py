"""The reference says what the code says: tables, names, values and defaults."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import click
import pytest

from samobot.cli import cli
from samobot.config.model_choice import PROFILES
from samobot.config.settings import Settings
from samobot.errors import BusyError, SamobotError, UsageError
from samobot.phases import RULES, BlockCause, SignalStatus, WaitingFor
from samobot.sandbox.agent.scenario import install
from samobot.session.decisions import DecisionKind
from samobot.session.journal_events import EventName, RunEndReason
from samobot.session.status import QUESTION_KEYS, SessionState, Status, WorkerStatus
from samobot.system.platform.portable import PortablePlatform
from tests.docs.commands import page_environment
from tests.docs.journey import LIMITED, eventful
from tests.docs.pages import TOP, Page, code, pages, table
from tests.docs.tables import filled
from tests.support.cases import for_each
from tests.support.workshop import Workshop, make_workshop

REFERENCE = TOP / "docs" / "reference"
PAGES = pages()


def _text(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def _first(cell: str) -> str:
    return code(cell)[0]


@for_each("page", PAGES)
def test_tables_made_from_the_code_are_up_to_date(page: Page) -> None:
    assert page.text == filled(page.text), "run `python -m tests.docs.tables`"


def test_the_phase_table_is_the_registry() -> None:
    rows = table(_text("phases-and-signals.md"), "phase")
    assert {
        _first(phase): (_first(agent), code(targets), code(signals), int(limit))
        for phase, agent, targets, signals, _, limit in rows
    } == {
        phase.value: (rule.agent, [*rule.targets], [*rule.signals], rule.limit)
        for phase, rule in RULES.items()
    }


def test_every_word_of_a_signal_and_every_cause_of_a_block_is_explained() -> None:
    text = _text("phases-and-signals.md")
    assert {_first(row[0]) for row in table(text, "status")} == set(SignalStatus)
    assert {_first(row[0]) for row in table(text, "`for`")} == set(WaitingFor)
    assert {_first(row[0]) for row in table(text, "cause")} == set(BlockCause)


def test_the_configuration_table_is_the_settings() -> None:
    documented = {
        _first(name): (code(default) or [""])[0]
        for name, default, _ in table(_text("configuration.md"), "variable")
    }
    expected = {}
    for name, field in Settings.model_fields.items():
        value = field.default
        if name == "env_file":
            continue
        if isinstance(value, float):
            value = f"{value:g}"
        variable = re.sub("_(MODEL|EFFORT|PROFILE|PROVIDER)S$", r"_\1_<PHASE>", name.upper())
        expected[variable] = "" if value in (None, (), {}) else str(value)
    assert documented == expected


def test_what_is_weaker_on_other_systems_is_what_doctor_lists() -> None:
    rows = table(_text("platforms.md"), "weaker")
    assert tuple(row[0] for row in rows) == PortablePlatform.weaknesses


def test_the_profiles_are_the_settings() -> None:
    rows = table(_text("configuration.md"), "profile")
    documented = {_first(name): (_first(model), _first(effort)) for name, model, effort in rows}
    assert documented == PROFILES


def test_every_command_has_a_section_with_its_options() -> None:
    text = _text("commands.md")
    names = cli.list_commands(click.Context(cli))
    assert sorted(re.findall(r"^### samobot (\S+)$", text, re.MULTILINE)) == sorted(names)
    assert sorted(re.findall(r"^<!-- table: options (\S+) -->$", text, re.MULTILINE)) == sorted(names)
    assert "<!-- table: commands -->" in text
    assert "<!-- table: chat -->" in text


def test_the_exit_codes_are_the_programs() -> None:
    documented = {int(_first(row[0])): row[1] for row in table(_text("exit-codes.md"), "code")}
    reasons: dict[int, set[str]] = {}
    for reason in RunEndReason:
        reasons.setdefault(reason.exit_code, set()).add(reason)
    for number, named in reasons.items():
        assert set(code(documented[number])) == named
    others = {SamobotError.exit_code, UsageError.exit_code, BusyError.exit_code, 130}
    assert set(documented) == set(reasons) | others


def test_every_key_of_a_status_is_explained() -> None:
    text = _text("status-json.md")
    for heading, model in (("key", Status), ("worker", WorkerStatus)):
        assert [_first(row[0]) for row in table(text, heading)] == [
            each.name for each in dataclasses.fields(model)
        ]
    assert [_first(row[0]) for row in table(text, "question")] == list(QUESTION_KEYS)
    assert {_first(row[0]) for row in table(text, "state")} == set(SessionState)


def test_every_kind_of_decision_is_explained() -> None:
    assert {_first(row[0]) for row in table(_text("files.md"), "kind")} == set(DecisionKind)


def _documented_events() -> dict[str, tuple[set[str], set[str]]]:
    """The journal page's events: the fields that are always there, and those that may be."""
    found = {}
    for name, fields, _ in table(_text("journal.md"), "event"):
        always, _, sometimes = fields.partition("sometimes")
        found[_first(name)] = (set(code(always)), set(code(sometimes)))
    return found


def test_every_event_of_the_journal_is_listed() -> None:
    assert set(_documented_events()) == set(EventName)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A workshop after two sessions in which nearly everything has happened."""
    root = tmp_path_factory.mktemp("journal")
    claude = install(root / "agent", eventful())
    shop = make_workshop(root, page_environment(root, claude) | {"SAMOCODE_RETRY_DELAY": "0"})
    assert shop.run("greet", "--task", "Greet", "--budget", "9").returncode == RunEndReason.WAITING.exit_code
    assert shop.quickly("answer", "greet", "Q1=A").returncode == 0
    assert shop.run("greet").returncode == RunEndReason.WAITING.exit_code
    assert shop.quickly("tell", "greet", "Short, please").returncode == 0
    assert shop.quickly("approve", "greet").returncode == 0
    assert shop.run("greet").returncode == 0
    worktree = shop.worktrees / "greet"
    shop.git("add", "--all", cwd=worktree)
    shop.git("commit", "--quiet", "-m", "Greet", cwd=worktree)
    [identity] = re.findall(r"merge .*\(id (\S+)\)", shop.samobot("land", "greet").stdout)
    assert shop.samobot("land", "greet", "merge", "--expect", identity).returncode == 0
    assert shop.run(LIMITED, "--task", "Late", "--no-wait").returncode == RunEndReason.PARKED.exit_code
    return shop


@pytest.mark.slow
@pytest.mark.xdist_group("journal")
def test_the_events_of_real_runs_have_the_documented_fields(shop: Workshop) -> None:
    documented = _documented_events()
    seen = set()
    for event in [*shop.journal("greet"), *shop.journal(LIMITED)]:
        always, sometimes = documented[event["event"]]
        fields = set(event) - {"at", "event"}
        assert always <= fields <= always | sometimes, event
        seen.add(event["event"])
    # A service at fault for ten minutes, what a person says to a run that is under way, and calls that wait for one.
    said = {EventName.BUDGET, EventName.PROFILE, EventName.PROVIDER, EventName.ASK}
    assert set(EventName) - seen == {EventName.NOTICE, EventName.UNPARK} | said


@pytest.mark.slow
@pytest.mark.xdist_group("journal")
def test_every_file_of_a_real_session_folder_is_described(shop: Workshop) -> None:
    patterns = [_pattern(name) for row in table(_text("files.md"), "file") for name in code(row[0])]
    for folder in (shop.session("greet"), shop.session(LIMITED)):
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            name = str(path.relative_to(folder))
            assert any(re.fullmatch(pattern, name) for pattern in patterns), f"{name} is not in files.md"


def _pattern(name: str) -> str:
    """A file name of the table, in which capitals stand for what varies."""
    pattern = re.escape(name)
    for word, digits in (("MM", 2), ("DD", 2), ("HHMM", 4), ("HH", 2), ("mm", 2), ("NNN", 3)):
        pattern = re.sub(rf"(?<![A-Za-z]){word}(?![A-Za-z])", rf"\\d{{{digits}}}", pattern)
    return re.sub(r"(?<![A-Za-z\\])[A-Z]{4,}(?![A-Za-z])", r"[\\w.-]+", pattern)


def test_the_architecture_page_is_short_and_names_every_package() -> None:
    text = (TOP / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert text.count("\n") < 150
    assert "<!-- table: packages -->" in text
    picture = text.split("## Packages")[1].split("```")[1]
    for path in (TOP / "samobot").rglob("__init__.py"):
        assert re.search(rf"\b{path.parent.name}\b", picture) or path.parent == TOP / "samobot", path


def test_every_chat_command_in_the_pages_exists() -> None:
    from samobot.telegram.handlers.command_table import COMMANDS
    from samobot.telegram.handlers.run_arguments import parse_run

    chat = {command.name for command in COMMANDS}
    # Claude Code knows the plugin's commands by its name only.
    plugin = {f"samocode:{path.stem}" for path in (TOP / "commands").glob("*.md")} | {"samocode:samocode-run"}
    others = {"plugin", "newbot", "revoke"}  # Claude's and @BotFather's
    folders = {"etc", "home", "proc", "sys", "tmp", "usr", "var", "dev", "run"}
    for page in PAGES:
        for words in page.inline():
            if match := re.match(r"/([a-z][\w:-]*)(?![\w/.])", words):
                assert match[1] in chat | plugin | others | folders, f"{page.name}: {words}"
            if words.startswith("/run ") and words != "/run --profile":
                parse_run(words.removeprefix("/run "))  # fails for a flag or value that there is not


def test_every_variable_in_the_pages_exists() -> None:
    known = {name.upper() for name in Settings.model_fields} | {
        path.group()
        for file in [*(TOP / "samobot").rglob("*.py"), *(TOP / "hooks").iterdir()]
        for path in re.finditer(r"\b(?:SAMO|TELEGRAM|CLAUDE)[A-Z]*_[A-Z_]+\b", _readable(file))
    }
    for page in PAGES:
        for name in re.findall(r"\b(?:SAMO|TELEGRAM|CLAUDE)[A-Z]*_[A-Z_]+\b", page.text):
            assert name in known | {"SAMOBOT_TEST_CLAUDE", "SAMOBOT_COMPLETE", "_SAMOBOT_COMPLETE"}, (
                page.name,
                name,
            )


def _readable(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
