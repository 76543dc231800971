"""Every command and snippet of the pages works: those that can be run here are, in order, a page after the other.

A block that cannot be run says why in a comment before it (`<!-- not run: … -->`); its syntax and its calls of
samobot are checked all the same. `<!-- before: … -->` prepares for a block, `<!-- exit: 10 -->` says how its last
commands end, `<!-- form: _qa.md -->` says which reader has to understand it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from samobot.config.project import load_project
from samobot.config.settings_loader import load_settings
from samobot.sandbox.agent.journeys import greeting
from samobot.sandbox.agent.scenario import install
from samobot.session.decisions import parse_line
from samobot.session.guidance import parse_guidance
from samobot.session.overview import parse_overview
from samobot.session.plan import outline
from samobot.session.qa import parse_qa
from samobot.session.signal import Signal, parse_signal
from samobot.session.status import Status
from tests.docs.commands import (
    Command,
    Shell,
    check_with_click,
    commands,
    matches,
    page_environment,
    wait_for_the_end,
)
from tests.docs.pages import TOP, Block, Page, pages, read_page
from tests.support.cases import for_each
from tests.support.workshop import make_workshop

SHELL = ("sh", "console")
KINDS = {*SHELL, "python", "samocode", "env", "json", "jsonl", "markdown", "yaml", "ini", "text"}
FORMS = {
    "_overview.md",
    "_qa.md",
    "_signal.json",
    "_guidance.md",
    "_decisions.jsonl",
    "plan",
    "status",
    "unit",
}

PAGES = pages()
BLOCKS = [block for page in PAGES for block in page.blocks]


def _of(*kinds: str) -> list[Block]:
    return [block for block in BLOCKS if block.kind in kinds]


def _run_in_order(page: Page) -> list[Block]:
    return [block for block in page.blocks if block.kind in (*SHELL, "python") and not block.not_run]


@for_each("block", BLOCKS)
def test_block_reports_what_it_is(block: Block) -> None:
    assert block.kind in KINDS, f"{block.where}: name the block's kind"
    assert not block.form or block.form in FORMS, f"{block.where}: {block.form}"


@pytest.mark.parametrize("block", _of(*SHELL), ids=lambda block: block.where)
def test_commands_are_what_a_shell_and_samobot_accept(block: Block) -> None:
    for command in commands(block):
        checked = subprocess.run(["bash", "-n"], input=command.text, capture_output=True, text=True)
        assert checked.returncode == 0, f"{block.where}: {checked.stderr}"
        check_with_click(command.text, block.where)


@for_each("page", PAGES)
def test_calls_of_samobot_in_a_sentence_are_ones_that_samobot_accepts(page: Page) -> None:
    for words in page.inline():
        if words.startswith("samobot ") and "…" not in words:
            check_with_click(words, page.name, whole=False)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", [page for page in PAGES if _run_in_order(page)], ids=lambda page: page.name)
def test_a_pages_commands_work_in_their_order(page: Page, tmp_path: Path) -> None:
    claude = install(tmp_path / "agent", greeting())
    shop = make_workshop(tmp_path, page_environment(tmp_path, claude), remote=True)
    shell = Shell(shop)
    for block in _run_in_order(page):
        if block.before:
            prepared = shell.run(block.before)
            assert prepared.returncode == 0, f"{block.where}, before: {prepared.stdout}"
        if block.kind == "python":
            done = subprocess.run(
                [sys.executable, "-c", block.text],
                cwd=shop.repo,
                env=shop.environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == block.exits[-1], f"{block.where}: {done.stderr}"
            continue
        todo = commands(block)
        assert todo, f"{block.where}: there is no command in it"
        codes = [0] * (len(todo) - len(block.exits)) + list(block.exits)
        for command, wanted in zip(todo, codes, strict=True):
            done = shell.run(command.text)
            assert done.returncode == wanted, f"{block.where}: {command.text}\n{done.stdout}"
            if command.output is not None:
                assert matches(command.output, done.stdout, tmp_path), (
                    f"{block.where}: {command.text}\n{done.stdout}"
                )
    assert wait_for_the_end(tmp_path) == []


@pytest.mark.parametrize("block", _of("samocode"), ids=lambda block: block.where)
def test_a_project_file_can_be_read_without_a_warning(block: Block, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / ".samocode").write_text(block.text.replace("~/", f"{tmp_path}/").replace("code/demo", "demo"))
    assert load_project(folder).warnings == ()


@pytest.mark.parametrize("block", _of("env"), ids=lambda block: block.where)
def test_a_settings_file_can_be_read_and_holds_nothing_unknown(block: Block, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(block.text)
    file.chmod(0o600)
    settings = load_settings({"SAMOBOT_ENV_FILE": str(file)})
    names = [line.partition("=")[0] for line in block.text.splitlines() if line and not line.startswith("#")]
    assert names
    assert {name.lower() for name in names} <= settings.model_fields_set, block.where


@pytest.mark.parametrize("block", _of("json", "jsonl", "markdown", "ini"), ids=lambda block: block.where)
def test_a_sample_of_a_file_is_understood_by_what_reads_that_file(block: Block) -> None:
    lines = block.text.splitlines() if block.kind == "jsonl" else [block.text]
    if block.kind in ("json", "jsonl"):
        assert all(isinstance(json.loads(line), dict) for line in lines), block.where
    match block.form:
        case "_overview.md":
            overview = parse_overview(block.text)
            assert overview.problems == ()
            assert overview.phase is not None
            assert overview.task
        case "_qa.md":
            qa = parse_qa(block.text)
            assert qa.questions
            assert qa.problems == ()
        case "_signal.json":
            assert isinstance(parse_signal(block.text), Signal)
        case "_guidance.md":
            assert len(parse_guidance(block.text)) == len(block.text.splitlines())
        case "_decisions.jsonl":
            assert all(parse_line(line) is not None for line in lines)
        case "plan":
            assert outline(block.text).steps
        case "status":
            TypeAdapter(Status).validate_json(block.text)
        case "unit":
            assert block.text.strip() == (TOP / "deploy" / "samobot.service").read_text().strip()
        case _:
            assert block.kind in ("json", "jsonl"), f"{block.where}: say what it is a sample of"


def test_every_make_target_in_the_pages_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        found
        for page in PAGES
        for text in [*page.inline(), *(command.text for block in page.blocks for command in _typed(block))]
        for found in re.findall(r"^make ([a-z-]+)", text)
    }
    assert named
    assert named <= targets


def _typed(block: Block) -> list[Command]:
    return commands(block) if block.kind in SHELL else []


def test_a_command_that_does_not_exist_or_ends_otherwise_is_found(tmp_path: Path) -> None:
    path = TOP / "docs" / "none.md"
    for wrong in (
        "samobot rnu",
        "samobot status --jsn",
        "make x && samobot run --session",
        "samobot run --budget x",
    ):
        with pytest.raises(AssertionError):
            check_with_click(wrong, "here")
    check_with_click("FOO=1 samobot status greet --json | jq .state; echo samobot nothing", "here")
    shown = "started\n…\ndone at 10:00, process 7"
    assert matches(shown, "started\na\nb\ndone at 23:59:59, process 4711\n", path)
    assert not matches(shown, "started\na\nfailed\n", path)


def test_every_reason_not_to_run_a_block_is_explained() -> None:
    for page in PAGES:
        for block in read_page(page.path).blocks:
            assert not block.not_run or len(block.not_run.split()) >= 3, block.where
