"""No parser hangs: each reads long texts made of what its grammar finds hardest.

The time limit of the test is what ends one that hangs. In CI that finds what is exponential; with `make fuzz`
the texts are long enough for what grows with the square of their length, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.claude.errors_text import classify_failure, is_disguised_failure
from samobot.claude.limits import is_account_problem, usage_limit
from samobot.claude.stream import Tail
from samobot.config.project import load_project
from samobot.session.answer_text import parse_answers, parse_label
from samobot.session.decisions import parse_decisions
from samobot.session.folder import SessionFolder, clean_name
from samobot.session.guidance import add_guidance, parse_guidance
from samobot.session.journal import JournalReader
from samobot.session.overview import parse_overview
from samobot.session.overview_edits import set_status
from samobot.session.plan import outline
from samobot.session.qa import parse_qa, set_answer
from samobot.session.signal import parse_signal
from samobot.telegram.handlers.chat_request import parse_command, split_address
from samobot.telegram.handlers.run_arguments import parse_run
from samobot.telegram.markup.markdown import render
from samobot.telegram.markup.rich_text import clean, escape
from samobot.telegram.markup.split import split
from samobot.text import clip, nearest, one_line
from tests.fuzz.refusals import refused

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]  # covered, it would take three times as long
LONG = bool(os.environ.get("FUZZ_EXAMPLES"))
SIZE = 300_000 if LONG else 10_000
LIMIT = 1_800 if LONG else 300
NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)

PIECES = (
    "### Q1: x\n", "A) a\n", "**Suggestion:** ", "**Answer:** _waiting_\n", "- [ ] ", "- [ ] [01-02 03:04] a: b\n  ",
    "```\n", "~~~ x\n", "> ", "    ", "\n", "\r", "\r\n", " ", "\t", "#", "# ", "## Phase 1: x\n", "- [x] a\n", "-", "->", "**",
    "*a ", "_", "`", "[", "](", "|", "|a|\n|-|\n", "<", "&", "&amp;", '"', "'", "\\", "\\\"", "{", "[[", "{\"a\":", "0", "9", "--task ",
    "--task \"", "“", "Q1=", "Q1=A ", "a:", ":", "resets ", "resets 3pm (", "limit ", "at 1:00 ", "2026-01-15T10:00:00", "\u0301", "😀", "é",
    "\ud800", "\x00", "\u2028", "https://", "MAIN_REPO=", "=", "export ", "$(", "${", "a", "a ", "a b-", ".", "..", "/",
)  # fmt: skip


def reads(parse: Callable[[str], object]) -> Callable[[str], object]:
    """Let a refusal in words pass: it is an answer, and repeats little of what it refuses."""

    def read(text: str) -> object:
        refusal = refused(parse, text)
        return refusal is None or len(refusal) < 2_000 or pytest.fail(refusal[:200])

    return read


def _answered(text: str) -> object:
    qa = parse_qa(text)
    return set_answer(text, qa.questions[-1].index, "A") if qa.questions else None


PARSERS: dict[str, Callable[[str], object]] = {
    "overview": parse_overview,
    "overview, changed": lambda text: set_status(text, {"Next": "Go"}),
    "qa": parse_qa,
    "qa, answered": _answered,
    "signal": parse_signal,
    "guidance": parse_guidance,
    "guidance, added": lambda text: add_guidance(text, "ann", "words", NOW),
    "guidance, said": lambda text: add_guidance("", "ann", text, NOW),
    "decisions": parse_decisions,
    "plan": outline,
    "usage limit": lambda text: (usage_limit(text, NOW), is_account_problem(text)),
    "wording": lambda text: (
        is_disguised_failure(text),
        classify_failure(None, text),
        classify_failure(429, text),
    ),
    "command": parse_command,
    "run": parse_run,
    "answer": parse_answers,
    "label": parse_label,
    "address": split_address,
    "name": clean_name,
    "clean": lambda text: (clean(text), escape(text), one_line(text, 80), clip(text, 80)),
    "nearest": lambda text: nearest(text[:5_000], ["alpha", "bravo"]),
}


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("name", PARSERS)
def test_nothing_takes_more_than_linear_time(name: str) -> None:
    for piece in PIECES:
        reads(PARSERS[name])(piece * (SIZE // len(piece)))
        reads(PARSERS[name])("x" + piece * (SIZE // len(piece)) + "\nend")


@pytest.mark.timeout(LIMIT)
def test_two_pieces_that_open_each_other_take_no_longer() -> None:
    pairs = [
        ("[", "]("),
        ("**", "_"),
        ("`", "```"),
        ("<", ">"),
        ("--task ", '"'),
        ("- [ ] ", "\r"),
        ("{", "["),
        ("limit ", "resets "),
    ]
    for first, second in pairs:
        for text in ((first + second) * (SIZE // 10), first * (SIZE // 10) + second * (SIZE // 10)):
            for parse in PARSERS.values():
                reads(parse)(text)


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("size", [10_000])
def test_markdown_of_any_size_becomes_messages_that_do_not_outgrow_it(size: int) -> None:
    for piece in PIECES:
        text = piece * (size // len(piece))
        assert sum(map(len, split(render(text)))) < 40 * len(text) + 20_000


@pytest.mark.timeout(LIMIT)
def test_files_that_grow_line_by_line_are_read_without_being_kept(tmp_path: Path) -> None:
    log, folder = tmp_path / "log.jsonl", SessionFolder(tmp_path / "26-01-15-greet")
    folder.prepare()
    for piece in PIECES:
        data = (piece * (SIZE // len(piece))).encode("utf-8", "surrogatepass")
        log.write_bytes(data)
        folder.journal.write_bytes(data)
        assert all(len(repr(record)) < 200_000 for record in Tail(log).read())
        JournalReader(folder).read()
    line = json.dumps({"type": "result", "subtype": "success", "result": "x" * 3_000_000})
    log.write_text((line + "\n") * 3)
    assert all(len(repr(record)) < 200_000 for record in Tail(log).read())


@pytest.mark.timeout(LIMIT)
def test_a_project_file_of_any_size_is_read_or_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / ".samocode"
    for piece in PIECES:
        file.write_bytes((piece * (SIZE // len(piece))).encode("utf-8", "surrogatepass"))
        refusal = refused(load_project, file)
        assert refusal is None or len(refusal) < 2_000
