"""The arrows of docs/architecture.md, held by looking at the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "samobot"
HEAVY = {"telegram", "apscheduler", "rich", "markdown_it", "matplotlib", "aiohttp", "httpx", "asyncinotify"}


def modules(*parts: str) -> list[Path]:
    top = PACKAGE.joinpath(*parts)
    return [top] if top.is_file() else sorted(top.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Everything of ours that a module imports, also late, without the package's name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from samobot.session import gate` means the module `samobot.session.gate`.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("samobot.") for name in names if name.startswith("samobot."))


def first(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", modules("session"), ids=named)
def test_a_session_knows_only_text_phases_and_errors(path: Path) -> None:
    assert {first(name) for name in imports(path)} <= {"session", "text", "phases", "errors"}


@pytest.mark.parametrize("path", modules("claude"), ids=named)
def test_an_iteration_of_claude_knows_no_session(path: Path) -> None:
    assert {first(name) for name in imports(path)} <= {"claude", "errors", "text", "processes", "programs"}


@pytest.mark.parametrize(
    "path", [PACKAGE / f"{name}.py" for name in ("text", "errors", "phases", "programs")], ids=named
)
def test_the_lowest_modules_know_nothing_of_ours(path: Path) -> None:
    assert list(imports(path)) == []


@pytest.mark.parametrize("path", modules(), ids=named)
def test_nobody_imports_the_command_line(path: Path) -> None:
    if path.name != "__main__.py":
        assert "cli" not in {first(name) for name in imports(path)}


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in modules()
        if path.parent.name not in ("bot", "terminal", "setup") and path.name != "cli.py"
    ],
    ids=named,
)
def test_only_the_command_line_imports_the_bot_and_the_terminal(path: Path) -> None:
    assert not {"bot", "terminal"} & {first(name) for name in imports(path)}


@pytest.mark.parametrize("path", modules("bot"), ids=named)
def test_the_bot_reaches_sessions_only_through_the_fleet(path: Path) -> None:
    forbidden = {"loop", "iteration", "book", "halt", "launch", "claude", "terminal", "sandbox"}
    forbidden |= {"reading", "running", "starting", "stopping", "deciding", "threads", "workers"}
    assert not forbidden & {first(name) for name in imports(path)}


def loaded(code: str) -> set[str]:
    """The top-level modules that are there after running some code in a fresh Python."""
    printed = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return set(printed.splitlines()[-1].split())


def test_the_worker_stays_small() -> None:
    assert not loaded("import samobot.terminal.run") & HEAVY


def test_the_version_costs_nothing_but_click() -> None:
    run = "import sys; sys.argv = ['samobot', '--version']\nfrom samobot.cli import main\n"
    told = loaded(f"{run}try:\n    main()\nexcept SystemExit:\n    pass")
    bare = loaded("pass")
    assert told - bare - set(sys.stdlib_module_names) == {"samobot", "click"}
    assert not told & {"asyncio", "subprocess"}
