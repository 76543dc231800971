"""The tables of the reference that the code itself knows best. `python -m tests.docs.tables` writes them anew.

In a page such a table stands between `<!-- table: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from samobot.assets import workflow_text
from samobot.cli import cli
from samobot.config.model_choice import DEFAULT_EFFORT
from samobot.phases import RULES
from samobot.worker.prompt import IterationContext, iteration_context
from tests.docs.pages import TOP
from tests.support.behaviors import BEHAVIORS
from tests.support.hostile_tools import hostile_tools
from tests.support.plugin import front_matter

_PLACE = re.compile(r"(<!-- table: ([^>]+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def filled(text: str) -> str:
    """A page's text with its tables as they should be."""
    return _PLACE.sub(lambda place: f"{place[1]}{render(place[2])}{place[4]}", text)


def render(name: str) -> str:
    """One table.

    Args:
        name: `commands`, `options COMMAND`, `chat`, `packages`, `behaviors`, `hostile tools` or `requests`.
    """
    kind, _, about = name.partition(" ")
    return _RENDERERS[kind](about)


class _Rows(click.HelpFormatter):
    """Takes the rows of a help text instead of laying them out."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, str]] = []

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Keep them."""
        self.rows += rows


def _commands(_: str) -> str:
    listing = _Rows()
    cli.format_commands(click.Context(cli), listing)
    return _table(
        ("command", "does"), [(f"[`{name}`](#samobot-{name})", what) for name, what in listing.rows]
    )


def _options(name: str) -> str:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, name
    context = click.Context(command, info_name=f"samobot {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = f"```text\nsamobot {name} {usage}\n```\n\n"
    rows = []
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            record = parameter.get_help_record(context)
            assert record is not None
            flags, what = record
            for jargon, word in _WORDS:
                flags = flags.replace(jargon, word)
            rows.append((f"`{flags}`", re.sub(r"\s+\[x>=?\d+\]", "", what).replace("  [", " [")))
    return lines + (_table(("option", "what"), rows) if rows else "")


def _chat(_: str) -> str:
    from samobot.telegram.handlers.command_table import COMMANDS

    rows = [(f"`/{each.name} {each.arguments}`".replace(" `", "`"), each.help) for each in COMMANDS]
    return _table(("command", "does"), rows)


def _packages(_: str) -> str:
    rows = []
    for path in sorted((TOP / "samobot").rglob("__init__.py"), key=lambda path: path.parent):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        rows.append((f"`{path.parent.relative_to(TOP)}/`", " ".join(text.split("\n\n")[0].split())))
    return _table(("package", "what it holds"), rows)


def _behaviors(_: str) -> str:
    head = ("the model or a setting", "2.1.197", "newest", "the user reads", "shown by")
    rows = [
        (
            name,
            *[row.ends + (f" ({row.code})" if row.code is not None else "")] * 2,
            row.told and f"“{row.told}”",
            f"`{row.test}`",
        )
        for name, row in BEHAVIORS.items()
    ]
    return _wide(head, rows)


def _hostile(_: str) -> str:
    cases = list(hostile_tools())
    outside = sum(case.outside == "succeeds" for case in cases)
    head = ("An agent tries to", "by", "without the fence", "inside", "Shown by")
    rows = [
        (each.aim, f"`{_one_line(each.command)}`", each.outside, each.inside, f"`{each.test}`")
        for each in cases
    ]
    return (
        f"{len(cases)} cases. Inside none succeeds; of the {outside} that are tried without the fence as well, each does.\n\n"
        + _wide(head, rows)
    )


def _one_line(command: str) -> str:
    return command.replace("\n", "\\n").replace("\t", "\\t")


def _requests(_: str) -> str:
    rows = []
    for phase, rule in RULES.items():
        role = front_matter(TOP / "agents" / f"{rule.agent}.md")
        facts = IterationContext(
            phase=phase,
            visit=1,
            visit_limit=1,
            number=1,
            session=Path("/s"),
            workdir=Path("/w"),
            task="",
            platform="",
        )
        size = len(role[1]) + len(iteration_context(facts, workflow_text()))
        rounded = -(-size // 500) * 500  # a table that each changed letter changed would only cost merges
        effort = DEFAULT_EFFORT[phase].value
        rows.append((f"`{phase}`", f"{rounded:,}", "`opus`", f"`{effort}`", role[0]["tools"]))
    return _wide(("phase", "characters of ours, at most", "model", "effort", "tools"), rows)


def _wide(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


_WORDS = (("INTEGER RANGE", "COUNT"), ("FLOAT RANGE", "NUMBER"), ("INTEGER", "COUNT"))

_RENDERERS: dict[str, Callable[[str], str]] = {
    "commands": _commands,
    "options": _options,
    "chat": _chat,
    "packages": _packages,
    "behaviors": _behaviors,
    "hostile": _hostile,
    "requests": _requests,
}


def _table(heading: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    cells = [heading, ("---", "---"), *((a.replace("|", "\\|"), b.replace("|", "\\|")) for a, b in rows)]
    return "".join(f"| {left} | {right} |\n" for left, right in cells)


def main() -> None:
    """Write the tables of all pages anew; a command without a section gets one."""
    page = TOP / "docs" / "reference" / "commands.md"
    text = page.read_text(encoding="utf-8")
    for name in cli.list_commands(click.Context(cli)):
        if f"### samobot {name}\n" not in text:
            section = f"### samobot {name}\n\n<!-- table: options {name} -->\n<!-- end -->\n\n"
            text = text.replace("## In the chat\n", f"{section}## In the chat\n", 1)
    page.write_text(text, encoding="utf-8")
    for path in sorted((TOP / "docs").rglob("*.md")):
        _rewrite(path)


def _rewrite(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if (new := filled(text)) != text:
        path.write_text(new, encoding="utf-8")
        print(path.relative_to(TOP), file=sys.stderr)


if __name__ == "__main__":
    main()
