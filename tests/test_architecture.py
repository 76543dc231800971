"""The arrows of docs/architecture.md, held by looking at the imports."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cases import for_each

# Each of several workers would parse all modules.
pytestmark = pytest.mark.xdist_group("architecture")

PACKAGE = Path(__file__).resolve().parents[1] / "samobot"
HEAVY = {
    "telegram",
    "apscheduler",
    "rich",
    "markdown_it",
    "matplotlib",
    "aiohttp",
    "httpx",
    "nats",
}


def modules(*parts: str) -> list[Path]:
    top = PACKAGE.joinpath(*parts)
    return [top] if top.is_file() else sorted(top.rglob("*.py"))


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a module's syntax tree."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path: Path) -> Iterator[str]:
    """Everything of ours that a module imports, also late, without the package's name."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from samobot.session import gate` means the module `samobot.session.gate`.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (
            name.removeprefix("samobot.")
            for name in names
            if name.startswith("samobot.") and name != "samobot.__version__"
        )


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


# A package may import itself and what stands here; everything else is refused. The order is the house's: what stands
# lower knows nothing of what stands above it.
LEAVES = {"backoff", "errors", "frozen", "lean_imports", "look_alikes", "phases", "regex", "text"}
BASE = LEAVES | {"assets", "config", "money", "session", "system", "system.platform"}
TELEGRAM = {"telegram.markup", "telegram.store"}
ALLOWED: dict[str, set[str]] = {
    "__main__": {"cli"},
    "backoff": set(),
    "errors": set(),
    "frozen": set(),
    "lean_imports": set(),
    "look_alikes": set(),
    "phases": {"frozen"},
    "regex": set(),
    "text": {"regex"},
    "assets": {"errors"},
    "system.platform": set(),
    "session": LEAVES | {"system.platform"},
    "system": LEAVES | {"assets", "session", "system.platform"},
    "config": LEAVES | {"session", "system.platform"},
    "claude": LEAVES | {"config", "session", "system", "system.platform"},
    "money": LEAVES | {"config", "session"},
    "chart": LEAVES | {"money", "session"},
    "review": LEAVES | {"session"},
    "worker": BASE | {"claude"},
    "fleet": BASE | {"chart", "claude", "review", "worker"},
    "hosts": BASE | {"claude", "fleet", "review", "worker"},
    "telegram.markup": {"frozen", "look_alikes", "regex", "text"},
    "telegram.store": {"errors", "frozen", "text"},
    "telegram.outbound": LEAVES | TELEGRAM,
    "telegram.views": LEAVES | TELEGRAM | {"fleet", "review", "session", "telegram.outbound"},
    "telegram.notify": LEAVES
    | TELEGRAM
    | {"config", "fleet", "review", "session", "telegram.outbound", "telegram.views"},
    "telegram.handlers": LEAVES
    | TELEGRAM
    | {
        "config",
        "fleet",
        "money",
        "review",
        "session",
        "system",
        "telegram.notify",
        "telegram.outbound",
        "telegram.views",
    },
    "telegram.inbound": LEAVES
    | TELEGRAM
    | {"config", "fleet", "session", "telegram.handlers", "telegram.outbound", "telegram.views"},
    "telegram": LEAVES
    | TELEGRAM
    | {
        "config",
        "fleet",
        "hosts",
        "system",
        "telegram.handlers",
        "telegram.inbound",
        "telegram.notify",
        "telegram.outbound",
    },
    "setup": BASE | {"claude", "fleet", "hosts", "telegram.inbound", "telegram.store"},
    "sandbox.botapi": set(),
    "sandbox.agent": {"errors", "phases"},
    "sandbox.demo": {"errors", "frozen", "sandbox.agent", "sandbox.botapi", "system"},
    "terminal": BASE
    | {"chart", "claude", "fleet", "hosts", "review", "sandbox.demo", "setup", "worker"}
    | {"telegram", "telegram.handlers", "telegram.inbound", "telegram.outbound", "telegram.store"},
    "cli": {"errors", "terminal", "text"},
}


def package(name: str) -> str:
    """The name of the package of a module: of `telegram`, `sandbox` and `system` the packages inside them."""
    parts = name.split(".")
    nested = parts[0] in ("telegram", "sandbox", "system") and PACKAGE.joinpath(*parts[:2]).is_dir()
    return ".".join(parts[:2]) if nested else parts[0]


@for_each("path", [path for path in modules() if path.name != "__init__.py"])
def test_module_imports_only_what_its_package_may(path: Path) -> None:
    own = package(".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    assert {package(name) for name in imports(path)} <= ALLOWED[own] | {own}


# What the bot may know of a session: values. Everything else of one (its files, lock, processes, git, money) it asks
# the fleet for, which may be on another machine.
VALUES = {
    "config.settings.Settings",
    "money.costs.Costs",
    "money.cost_table.cost_lines",
    "session.decisions.DecisionKind",
    "session.folder.clean_name",
    "session.gate.Person",
    "session.journal.RunEndReason",
    "session.answer_text",  # pure, works on text and questions
    "session.question.Question",
    "session.status.SessionState",
    "system.sd_notify",
    "system.packed_file",  # knows bytes only
    "system.transcription",  # knows audio and text, and no session
}
# The bot's own state folder and lock.
OWN_STATE = {"telegram/app.py", "telegram/inbound/token_lock.py"} | {
    f"telegram/store/{name}.py"
    for name in ("bot_store", "outbox_queue", "outbox_rows", "attachments", "database")
}
OWN_STATE_TOOLS = {"session.file_lock.FileLock", "session.files.make_folder"}
DISK = {
    "os",
    "pathlib",
    "shutil",
    "glob",
    "subprocess",
    "io",
    "tempfile",
    "psutil",
    "aiofiles",
}
FLEET_VALUES = {
    "fleet.fleet",
    "fleet.forge",
    "fleet.landing_models",
    "fleet.ask_models",  # calls that wait for the user
    "fleet.models",
    "fleet.fix_task",
    "fleet.pull_request_news",
    "fleet.pull_request_watch",
    "fleet.results",
    "fleet.schedule_times",
    "fleet.schedules",  # the bot's own list, which the terminal shares; of a session it knows the name
    "fleet.request_scope",
    "fleet.start_request",
    "fleet.trigger_task",
    "fleet.triggers",  # the same
}


@for_each("path", modules("telegram"))
def test_the_bot_knows_sessions_only_as_values_of_the_fleet(path: Path) -> None:
    found = set(imports(path))
    known = {name for name in found if package(name) in ("config", "money", "session", "system", "fleet")}
    allowed = VALUES | (OWN_STATE_TOOLS if named(path) in OWN_STATE else set())
    unknown = {
        name
        for name in known
        if not any(name == each or name.startswith(f"{each}.") for each in allowed | FLEET_VALUES)
    }
    if (
        named(path) == "telegram/app.py"
    ):  # chooses the fleet and the clock, and reads the bot's own configuration
        unknown -= {"fleet.local_fleet.LocalFleet", "fleet.desired_runs.DesiredRun", "system.clock.utc_now"}
        unknown -= {f"config.environment.{name}" for name in ("BOT_SECRETS", "find_env_file", "read_values")}
    assert unknown == set()


@for_each("path", modules("telegram"))
def test_the_bot_opens_no_files_but_its_own(path: Path) -> None:
    used = {
        alias.name.split(".")[0]
        for node in nodes(path)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    used |= {
        node.module.split(".")[0] for node in nodes(path) if isinstance(node, ast.ImportFrom) and node.module
    }
    names = {node.id for node in nodes(path) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
    if named(path) not in OWN_STATE:
        assert used & DISK == set()
        assert "open" not in names
        assert "samobot_state_dir" not in attributes
    assert "samobot_projects" not in attributes


def test_no_two_modules_have_one_name() -> None:
    names = Counter(path.stem for path in modules() if path.stem != "__init__")
    assert [name for name, count in names.items() if count > 1] == []


def test_only_one_module_locks_files() -> None:
    outside = {
        "session/file_lock.py",
        "sandbox/agent/main.py",
    }  # the scripted agent stands for another program
    assert {named(path) for path in modules() if "flock(" in path.read_text(encoding="utf-8")} == outside


def is_name_of_check(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"


def test_only_one_module_runs_git() -> None:
    allowed = {"session/git.py", "sandbox/agent/step_runner.py", "sandbox/demo/launcher.py"}
    runs = {
        named(path)
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.List | ast.Tuple | ast.Call) and not is_name_of_check(node)
        for first in (node.args if isinstance(node, ast.Call) else node.elts)[:1]
        if isinstance(first, ast.Constant) and first.value == "git"
    }
    assert runs == allowed


def test_programs_are_looked_up_in_one_place() -> None:
    allowed = {
        "session/search_path.py",
        "session/commit_check.py",  # what an agent's git would run
        "claude/preflight.py",  # to name what was left out
    }
    assert {named(path) for path in modules() if "which(" in path.read_text(encoding="utf-8")} == allowed


def test_no_two_public_classes_have_one_name() -> None:
    names = Counter(
        node.name
        for path in modules()
        for module in nodes(path)[:1]
        if isinstance(module, ast.Module)
        for node in module.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


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
    models = "assert 'samobot.fleet.models' not in sys.modules"
    assert not loaded(f"import sys, samobot.terminal.run_command\n{models}") & {*HEAVY, "tomllib"}


def test_the_bot_loads_nothing_that_it_seldom_uses() -> None:
    assert not loaded("import samobot.telegram.app") & {"cryptography", "difflib", "rich"}
    assert "cryptography" in loaded("import samobot.telegram.app, cryptography")


def test_the_version_costs_nothing_but_click() -> None:
    run = "import sys; sys.argv = ['samobot', '--version']\nfrom samobot.cli import main\n"
    told = loaded(f"{run}try:\n    main()\nexcept SystemExit:\n    pass")
    bare = loaded("pass")
    assert told - bare - set(sys.stdlib_module_names) == {"samobot", "click"}
    assert not told & {"asyncio", "subprocess"}


def test_one_machine_loads_nothing_of_several() -> None:
    """The bot chooses its fleet without NATS; only a state folder with a hub's link brings that in."""
    choose = (
        "from pathlib import Path\nimport samobot.telegram.app\nimport samobot.terminal.bot_command\n"
        "from samobot.hosts.reach import with_hosts\nlocal = object()\n"
        "assert with_hosts(local, Path('/nowhere'), None) is local"
    )
    assert not loaded(choose) & {"nats", "nkeys", "nacl"}


def test_the_nats_client_comes_without_a_second_http_client() -> None:
    load = "from samobot.hosts.nats_loading import load_nats\nload_nats()\nimport samobot.hosts.host"
    assert "aiohttp" not in loaded(load)
    assert "aiohttp" in loaded(f"{load}\nimport aiohttp")
