"""The project's prose uses standard terms: docstrings, comments, log lines, error messages and pages.

One table lists the rejected phrases and what to write instead. Names, SQL, code blocks and quoted text are not prose.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cases import for_each

# Each of several workers would read all files.
pytestmark = pytest.mark.xdist_group("words")

ROOT = Path(__file__).parents[1]

# In these phrases a word is a piece of a text; elsewhere a message, an answer or a decision is meant.
PIECE_BEFORE = "".join(
    f"(?<!{each} )"
    for each in (
        "first",
        "last",
        "next",
        "only",
        "one",
        "each",
        "single",
        "whole",
        "all",
        "of a",
        "in a",
        "of a",
    )
)
PIECE_AFTER = r"(?! (boundar|characters?\b|wrap|counts?\b))"

REJECTED = (
    (r"\b(told|tells|telling)\b", "sends, notifies, reports"),
    (r"(?<!/)(?<!samobot )\btell\b", "send, notify, report"),
    (r"\bsays\b", "reports, shows, states"),
    (
        rf"{PIECE_BEFORE}(?<!own )(?<!stop )(?<!in any )(?<!\d )\bwords?\b{PIECE_AFTER}",
        "message, answer, text; verbatim",
    ),
    (r"\b(go|goes|going|went|gone) on\b", "continue, resume"),
    (r"\brests\b|\bto rest\b|\bresting\b", "is paused, is idle"),
    (r"\bput(s|ting)? away\b", "archive"),
    (r"\bmend(s|ed|ing)?\b", "fix, repair"),
    (r"\bput(s|ting)? (it |that |them |this )?right\b", "fix, repair"),
    (r"\bput(s|ting)? (it |that |them |this )?back\b", "restore"),
    (r"\bby (it|him|her|them)sel(f|ves)\b", "automatically"),
    (r"\bwhere (there (is|are|was|were)|nothing|nobody|none|no one)\b", "if there is none"),
    (r"\b(a|the|one|another|each|every|that|any|no) person\b|\bpersons\b", "the user, the owner"),
    (r"\b(no|any) more\b(?! than)", "no longer"),
    (r"\bsomething of ours\b", "internal error"),
    (r"\bwhat (there is to see|holds now)\b", "current state"),
    (r"\bat the terminal\b", "from the terminal, in the terminal"),
    (r"\banew\b", "again"),
    (r"\bfor ever\b", "forever"),
    (r"\b(break|breaks|breaking|broke|broken) off\b", "interrupt, cancel"),
)

ANY = re.compile("|".join(pattern for pattern, _ in REJECTED), re.IGNORECASE)
QUOTED = re.compile(r"`[^`]*`|“[^”]*”|<!--.*?-->|\]\([^)]*\)|https?://\S+")
ARGUMENT = re.compile(r"^\s+\w+: ")


@dataclass(frozen=True)
class Prose:
    """A line of text that somebody reads."""

    path: Path
    line: int
    text: str


def python_prose(path: Path) -> Iterator[Prose]:
    """Yield comments, docstrings and messages."""
    source = path.read_text(encoding="utf-8")
    behind_hashes = [line[line.index("#") :] for line in source.splitlines() if "#" in line]
    if any(ANY.search(each) or ANY.search(QUOTED.sub("", each)) for each in behind_hashes):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield Prose(path, token.start[0], token.string)
    for start, text in strings(path, ast.parse(source)):
        for offset, line in enumerate(text.split("\n")):
            yield Prose(path, start + offset, ARGUMENT.sub("", line))


def strings(path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the docstrings and messages of a module with their lines."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value.lineno, node.value.value
    is_view = path.is_relative_to(ROOT / "samobot" / "telegram" / "views")
    yield from messages(tree, 1 if is_view else 2)


def messages(tree: ast.AST, spaces: int) -> Iterator[tuple[int, str]]:
    """Yield the strings that are sentences (with so many spaces) rather than names, SQL or lists of patterns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_sql = re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE) ", node.value)
            if node.value.count(" ") >= spaces and node.value.count("|") <= 2 and not is_sql:
                yield node.lineno, node.value


def page_prose(path: Path) -> Iterator[Prose]:
    """Yield the lines of a page outside its code blocks."""
    in_block = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            in_block = not in_block
        elif not in_block:
            yield Prose(path, number, line)


def findings(prose: Prose) -> Iterator[str]:
    """Yield a line for each rejected phrase: where it is, and what to write instead."""
    text = QUOTED.sub("", prose.text)
    for pattern, better in REJECTED if ANY.search(text) else ():
        for found in re.finditer(pattern, text, re.IGNORECASE):
            where = prose.path.relative_to(ROOT) if prose.path.is_relative_to(ROOT) else prose.path
            yield f"{where}:{prose.line}: “{found[0]}”, better: {better}"


PYTHON = sorted([*ROOT.glob("samobot/**/*.py"), *ROOT.glob("benchmarks/**/*.py")])
FOLDERS = ("docs", "commands", "skills", "agents", "benchmarks")
PAGES = sorted([*ROOT.glob("*.md"), *(page for each in FOLDERS for page in ROOT.glob(f"{each}/**/*.md"))])
PAGES.remove(ROOT / "CHANGELOG.md")  # entries of earlier versions stay as they are


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@for_each("path", PYTHON)
def test_code_uses_standard_terms(path: Path) -> None:
    found = {each for prose in python_prose(path) for each in findings(prose)}
    assert sorted(found) == []


@for_each("path", PAGES)
def test_pages_use_standard_terms(path: Path) -> None:
    found = {each for prose in page_prose(path) for each in findings(prose)}
    assert sorted(found) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('"""Tells the chat."""', 1),
        ("x = 1  # it goes on by itself", 2),
        ('raise ValueError("what holds now is in the file")', 1),
        ('raise ValueError(f"{x} rests until a person decides")', 2),
        ('log.error("put back %s at once", x)', 1),
        ('context.reply(request, f"⏳ {name} is next; it goes on by itself.")', 2),
        ('"""Matches at a word boundary; at most 3 words of `told`."""', 0),
        ('"""Send guidance with `samobot tell greet …`, not more than 5 times."""', 0),
        ("told = words(a, person)", 0),
        ('rows("SELECT told FROM told WHERE session = ?")', 0),
    ],
)
def test_check_finds_rejected_phrases_and_nothing_else(tmp_path: Path, line: str, found: int) -> None:
    path = tmp_path / "module.py"
    path.write_text(f"{line}\n", encoding="utf-8")
    assert len({each for prose in python_prose(path) for each in findings(prose)}) == found
