"""What people install: wheel and sdist, the container's recipe, and the plugin in an interactive Claude."""

from __future__ import annotations

import email
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import samobot
from samobot.sandbox.agent.journeys import greeting
from samobot.sandbox.agent.scenario import install as install_agent
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName, append
from samobot.system.service import Service
from tests.docs.commands import page_environment
from tests.support.claude_cli import cli_environment, require_claude, run_claude
from tests.support.demo import nothing_is_left
from tests.support.messages_api import OTHER, MessagesApi, say
from tests.support.workshop import make_workshop

TOP = Path(__file__).resolve().parents[1]
# The packages are built once: all these tests on one worker of pytest-xdist.
pytestmark = [pytest.mark.xdist_group("package"), pytest.mark.slow]

PLUGIN_FOLDERS = ("agents", "skills", "commands", "hooks", ".claude-plugin")


def _tracked() -> list[Path]:
    """The files of the checkout as a clone would have them, and those not yet committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=TOP,
        capture_output=True,
        check=True,
    )
    paths = [Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name]
    return [path for path in paths if (TOP / path).is_file()]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout without what git ignores."""
    folder = tmp_path_factory.mktemp("clone") / "samobot"
    for path in _tracked():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / path, target)
    return folder


@dataclass(frozen=True, slots=True)
class Built:
    """The two packages."""

    wheel: Path
    sdist: Path


@pytest.fixture(scope="module")
def built(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sdist, and the wheel that is built from it."""
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(clone)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel], [sdist] = list(out.glob("*.whl")), list(out.glob("*.tar.gz"))
    return Built(wheel, sdist)


@dataclass(frozen=True, slots=True)
class Installed:
    """samobot in an environment of its own."""

    root: Path

    @property
    def bin(self) -> Path:
        """Where its programs are."""
        return self.root / "bin"

    def run(
        self, *words: str, cwd: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs."""
        return subprocess.run(
            [str(self.bin / words[0]), *words[1:]],
            cwd=cwd,
            env={"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8", **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
        )


def _about(wheel: Path) -> Message:
    """What the wheel says about itself."""
    with zipfile.ZipFile(wheel) as opened:
        return email.message_from_bytes(opened.read(f"samobot-{samobot.__version__}.dist-info/METADATA"))


def _plain_dependencies(wheel: Path) -> set[str]:
    """The distributions that a plain install of the wheel brings, without any extra."""
    waiting = [*_about(wheel).get_all("Requires-Dist", [])]
    found: set[str] = set()
    while waiting:
        needed = Requirement(waiting.pop())
        if needed.name in found or (needed.marker is not None and not needed.marker.evaluate({"extra": ""})):
            continue
        found.add(needed.name)
        waiting += metadata.requires(needed.name) or []
    return found


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an empty virtual environment; what it needs, and no more, is linked from ours: no network."""
    root = tmp_path_factory.mktemp("elsewhere") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root)], check=True)
    python = root / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*pip, str(built.wheel)], check=True)
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
    )
    site = Path(where.stdout.strip())
    for name in _plain_dependencies(built.wheel):
        for file in metadata.files(name) or []:
            entry = file.parts[0]
            if entry != ".." and not (site / entry).exists():
                (site / entry).symlink_to(Path(str(metadata.distribution(name).locate_file(entry))))
    return Installed(root)


def test_the_wheel_holds_the_package_and_the_whole_plugin(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = set(wheel.namelist())
    tracked = {str(path) for path in _tracked()}
    package = {name for name in tracked if name.startswith("samobot/")}
    plugin = {f"samobot/plugin/{name}" for name in tracked if Path(name).parts[0] in PLUGIN_FOLDERS}
    assert {"samobot/py.typed", *package, *plugin, "samobot/plugin/workflow.md"} <= names
    assert {f"samobot/plugin/deploy/{name}.service" for name in Service} <= set(names)
    assert [name for name in names if name.startswith("samobot/sandbox/demo/web/") and name.endswith(".html")]
    foreign = {
        name
        for name in names
        if not name.startswith(("samobot/", f"samobot-{samobot.__version__}.dist-info/"))
    }
    assert foreign == set()


def test_wheel_metadata_names_what_it_is_and_needs(built: Built) -> None:
    about = _about(built.wheel)
    with zipfile.ZipFile(built.wheel) as wheel:
        entry = wheel.read(f"samobot-{samobot.__version__}.dist-info/entry_points.txt").decode()
    assert (about["Name"], about["Version"]) == ("samobot", samobot.__version__)
    assert about["License-Expression"] == "MIT"
    needed = {
        re.split(r"[^\w-]", line)[0] for line in about.get_all("Requires-Dist", []) if "extra ==" not in line
    }
    documented = (TOP / "docs" / "dependencies.md").read_text(encoding="utf-8").partition("## Optional")[0]
    assert needed == set(re.findall(r"^\| ([\w-]+)[ \d]* \|", documented, re.MULTILINE)) - {"package", "---"}
    assert "samobot = samobot.cli:main" in entry


def test_the_sdist_is_the_checkout_and_holds_nothing_private(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "Makefile", "samobot/cli.py"} <= names
    assert names - {str(path) for path in _tracked()} <= {"PKG-INFO"}
    assert not [name for name in names if Path(name).name in (".env", ".coverage")]


def test_the_changelog_speaks_of_this_version() -> None:
    text = (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## (\S+)", text, re.MULTILINE)
    assert first is not None
    assert first[1] == samobot.__version__


def test_an_installed_samobot_runs_outside_the_repository(installed: Installed, tmp_path: Path) -> None:
    version = installed.run("samobot", "--version", cwd=tmp_path)
    assert version.stdout == f"samobot {samobot.__version__}\n", version.stderr
    usage = installed.run("samobot", "run", "--help", cwd=tmp_path)
    assert usage.returncode == 0
    assert "--session" in usage.stdout
    code = "import samobot; from samobot.assets import plugin_dir, workflow_text; workflow_text(); print(samobot.__file__, plugin_dir())"
    found = installed.run("python", "-c", code, cwd=tmp_path)
    package, plugin = map(Path, found.stdout.split())
    assert package.is_relative_to(installed.root)
    assert plugin == package.parent / "plugin"
    for folder in PLUGIN_FOLDERS:
        assert any((plugin / folder).iterdir())


@pytest.mark.timeout(300)
def test_a_plain_install_plays_its_demo_unattended_at_the_terminal(
    installed: Installed, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "IS_SANDBOX": "1", "TMPDIR": str(temporary)}
    played = installed.run("samobot", "demo", "--terminal", "--fast", cwd=tmp_path, environment=environment)
    out = played.stdout + played.stderr
    assert played.returncode == 0, out
    for words in ("Simulated: Telegram", "1 of 3", "has a plan", "✅ Approve", "is done", "greet.diff"):
        assert words in out
    assert "this page" not in out
    assert nothing_is_left(temporary)


def test_a_plain_install_draws_the_picture_of_a_run(installed: Installed, tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "sessions" / "26-11-20-greet")
    folder.prepare()
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    append(folder, EventName.RUN_START, at, phase="planning")
    append(folder, EventName.ITERATION_START, at, phase="planning", n=1)
    append(folder, EventName.ITERATION_END, at + timedelta(minutes=1), phase="planning", n=1, cost_usd=1)
    (tmp_path / ".samocode").write_text("MAIN_REPO=.\nWORKTREES=trees\nSESSIONS=sessions\n")
    drawn = installed.run("samobot", "chart", "greet", cwd=tmp_path)
    assert drawn.returncode == 0, drawn.stdout + drawn.stderr
    assert (tmp_path / "greet-chart.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_completion(installed: Installed, tmp_path: Path, shell: str) -> None:
    script = installed.run("samobot", cwd=tmp_path, environment={"_SAMOBOT_COMPLETE": f"{shell}_source"})
    assert script.returncode == 0, script.stderr
    assert f"_SAMOBOT_COMPLETE={shell}_complete" in script.stdout
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=script.stdout, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_bash_completes_commands_options_and_sessions(installed: Installed, tmp_path: Path) -> None:
    claude = install_agent(tmp_path / "agent", greeting())
    environment = page_environment(tmp_path, claude) | {"CLAUDE_PATH": str(claude)}
    shop = make_workshop(tmp_path, environment)
    for name in ("greet", "grow", "api"):
        (shop.sessions / f"26-01-15-{name}").mkdir(parents=True)
        (shop.sessions / f"26-01-15-{name}" / "_overview.md").write_text("## Status\nPhase: planning\n")
    path = f"{installed.bin}:{shop.environment['PATH']}"

    def complete(*words: str) -> set[str]:
        script = (
            'eval "$(_SAMOBOT_COMPLETE=bash_source samobot)"\n'
            f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}\n"
            '_samobot_completion samobot; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=shop.repo,
            env=shop.environment | {"PATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return set(done.stdout.split())

    assert complete("samobot", "sta") == {"status"}
    assert complete("samobot", "run", "--max-") == {"--max-turns", "--max-iterations"}
    assert complete("samobot", "status", "gr") == {"greet", "grow"}


def _instructions() -> list[tuple[str, str]]:
    """The Containerfile's instructions and their arguments."""
    text = (TOP / "Containerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines.splitlines() if line.strip()]


def test_the_container_recipe_is_well_formed_and_copies_only_what_is_there() -> None:
    """No engine builds it here: this reads it, as a linter would."""
    instructions = _instructions()
    assert {name for name, _ in instructions} <= {
        "FROM", "ARG", "RUN", "COPY", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    assert instructions[0][0] == "FROM"
    for name, words in instructions:
        if name == "RUN":
            checked = subprocess.run(["bash", "-n"], input=words, capture_output=True, text=True)
            assert checked.returncode == 0, words
        if name in ("ENTRYPOINT", "CMD"):
            assert all(isinstance(word, str) for word in json.loads(words))
    allowed = {
        line.removeprefix("!")
        for line in (TOP / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for name, words in instructions
        if name == "COPY" and "--from" not in words
        for source in words.split()[:-1]
    }
    assert copied == allowed
    assert all((TOP / source).exists() for source in copied)


def test_the_container_has_what_the_wheel_is_built_from() -> None:
    import tomllib

    build = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    sources = {Path(name).parts[0] for name in build["targets"]["wheel"]["force-include"]}
    copied = " ".join(words for name, words in _instructions() if name == "COPY").split()
    assert sources <= set(copied)


def test_container_can_make_a_fence_and_has_the_tested_versions() -> None:
    commands = [words for name, words in _instructions() if name == "RUN"]
    assert any("apt-get install" in words and "bubblewrap" in words.split() for words in commands)
    (install,) = (words for words in commands if words.rstrip().endswith("/src"))
    assert "--require-hashes --requirement /src/run.lock" in install
    assert "--no-deps /src" in install


def test_the_container_runs_as_nobody_special_and_holds_no_secret() -> None:
    instructions = _instructions()
    assert [words for name, words in instructions if name == "USER"] == ["samobot"]
    assert ("ENTRYPOINT", '["tini", "--", "samobot"]') in instructions
    for name, words in instructions:
        if name in ("ENV", "ARG"):
            assert not re.search(r"TOKEN|KEY|SECRET|PASSWORD", words), words
        if name == "FROM":
            image = words.split()[0]
            assert ":" in image or image in ("base", "build"), f"{image} has no version"
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    version = re.search(r"^CLAUDE_VERSION := (\S+)", makefile, re.MULTILINE)
    assert version is not None
    assert ("ARG", f"CLAUDE_VERSION={version[1]}") in instructions


@pytest.mark.real_cli
@pytest.mark.parametrize("source", ["a clone", "the wheel"])
def test_the_plugin_installs_into_an_interactive_claude(
    source: str, clone: Path, built: Built, tmp_path: Path
) -> None:
    if source == "a clone":
        folder = clone
    else:
        with zipfile.ZipFile(built.wheel) as wheel:
            wheel.extractall(tmp_path / "wheel")
        folder = tmp_path / "wheel" / "samobot" / "plugin"
    work = tmp_path / "work"
    work.mkdir()
    with MessagesApi({OTHER: [say("Dived.")]}) as api:
        environment = cli_environment(tmp_path / "home", api.url)

        def plugin(*words: str) -> str:
            done = subprocess.run(
                [str(require_claude()), "plugin", *words],
                cwd=work,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        plugin("validate", str(folder))
        plugin("validate", str(folder / ".claude-plugin" / "plugin.json"))
        plugin("marketplace", "add", str(folder))
        plugin("install", "samocode@samobot")
        assert "samocode@samobot" in plugin("list")
        details = plugin("details", "samocode")
        for name in [path.stem for path in (TOP / "commands").glob("*.md")]:
            assert re.search(rf"\b{name}\b", details), name
        # Without --plugin-dir: it is there because it is installed.
        ended = run_claude(prompt="/samocode:dive where errors go", cwd=work, environment=environment)
    assert ended.result["result"] == "Dived."
    [init, *_] = ended.of_type("system", "init")
    assert "samocode:dive" in init["slash_commands"]
    assert "Load the skill `samocode:investigation`" in api.requests[0].text
    assert "where errors go" in api.requests[0].text
