"""`requirements/setup.sh`: a lock means the same on every day, with every pip, and a broken .venv is replaced."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import TOP
from tests.packaging.index import Index, serving

pytestmark = pytest.mark.slow

OLDEST_PIP = TOP / ".cache" / "oldest-pip"
# All that the script needs beside a Python; the PATH of these tests holds nothing else.
TOOLS = ("sh", "cat", "cksum", "dirname", "flock", "grep", "head", "rm", "tail")
NOBODY: dict[str, Any] = {
    "user": pwd.getpwnam("nobody").pw_uid,
    "group": pwd.getpwnam("nobody").pw_gid,
    "extra_groups": [],
}
BUILD = ("editables", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers")

PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "tiny"
version = "1.0"
dependencies = ["tool"]
[project.scripts]
tiny = "tiny:main"
"""
MODULE = """\
import lib, part, tool
def main():
    print(tool.VERSION, lib.VERSION, part.VERSION)
"""
# Stands for pip where only the script's choices matter: it notes its calls, and fails in the step that it is asked to,
# or ends the script there.
NO_PIP = """\
import os, signal, sys
open(os.environ["CALLS"], "a").write(" ".join(["pip", *sys.argv[1:]]) + "\\n")
if os.environ.get("PIP_KILLS") == sys.argv[1]:
    os.kill(os.getppid(), signal.SIGKILL)
sys.exit(os.environ.get("PIP_FAILS") == sys.argv[1])
"""


@dataclass
class Project:
    """A project with the script, on a machine whose PATH holds the script's tools and chosen Pythons.

    Attributes:
        folder: Where it is.
        machine: A folder for the PATH and HOME.
        environment: What the script sees.
        nobody: Whether an unprivileged user runs it, rather than the one of the tests.
    """

    folder: Path
    machine: Path
    environment: dict[str, str] = field(default_factory=dict)
    nobody: bool = False

    def __post_init__(self) -> None:
        path = self.machine / "bin"
        path.mkdir(parents=True)
        (self.machine / "home").mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            if found is not None:
                (path / tool).symlink_to(found)
        self.environment |= {
            "PATH": str(path),
            "HOME": str(self.machine / "home"),
            "LANG": "C.UTF-8",
            "CALLS": str(self.machine / "calls"),
            "PIP_CONFIG_FILE": os.devnull,
        }
        (self.folder / "requirements").mkdir(parents=True)
        (self.folder / "pyproject.toml").write_text(PROJECT)
        (self.folder / "tiny.py").write_text(MODULE)
        shutil.copy(TOP / "requirements" / "setup.sh", self.folder / "requirements")

    @property
    def venv(self) -> Path:
        """The virtual environment that the script makes."""
        return self.folder / ".venv"

    @property
    def calls(self) -> list[str]:
        """The calls of Pythons and stand-ins that were noted so far."""
        file = self.machine / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def python(self, name: str, body: str) -> Path:
        """Put a Python of that name on the PATH: `$REAL` is a real one."""
        program = self.machine / "bin" / name
        real = self.environment.get("REAL", sys.executable)
        program.write_text(f"#!/bin/sh\nREAL='{real}'\n{body}\n")
        program.chmod(0o755)
        return program

    def set_up(self, lock: str = "dev.lock", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return subprocess.run(
            ["sh", "requirements/setup.sh", f"requirements/{lock}"],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            **(NOBODY if self.nobody else {}),
        )

    def run(self, *command: str) -> str:
        """Run a program of the virtual environment."""
        done = subprocess.run(
            [str(self.venv / "bin" / command[0]), *command[1:]],
            cwd=self.machine,
            env=self.environment,
            capture_output=True,
            text=True,
            **(NOBODY if self.nobody else {}),
        )
        assert done.returncode == 0, done.stderr
        return str(done.stdout).strip()


# A Python that notes that it made an environment; one of 3.10; one as Debian has it without python3-venv; and one
# that makes environments with a stand-in for pip, where only the script's choices matter.
GOOD = """case $1 in -m) echo "$0 $*" >>"$CALLS" ;; esac
exec "$REAL" "$@\""""
OLD = """case $1 in -m) exit 99 ;; esac
exec "$REAL" -I -c 'import sys; sys.version_info = (3, 10, 13, "final", 0); exec(sys.argv[1])' "$3\""""
BARE = """case $1 in -m) exit 99 ;; esac
exec "$REAL" -I -c 'import sys; sys.modules["ensurepip"] = None; exec(sys.argv[1])' "$3\""""
QUICK = """case $1 in
  -m)
    echo "$0 $*" >>"$CALLS"
    "$REAL" -m venv --without-pip "$3" || exit
    site=$("$3/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    "$REAL" -c 'import os, sys; os.mkdir(sys.argv[1])' "$site/pip"
    : >"$site/pip/__init__.py"
    cat "$NO_PIP" >"$site/pip/__main__.py" ;;
  *) exec "$REAL" "$@" ;;
esac"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index that holds newer releases than the lock."""
    made = Index(tmp_path_factory.mktemp("index"))
    for project in (*BUILD, "pip"):
        made.add_installed(project)
    for version in ("1.0", "2.0"):
        made.add_module("lib", version, "Provides-Extra: more", "Requires-Dist: part ; extra == 'more'")
        made.add_module("part", version)
        made.add_module("tool", version, "Requires-Dist: lib[more]>=1.0")
    with serving(made):
        yield made


@pytest.fixture
def project(index: Index, tmp_path: Path) -> Project:
    """A project whose lock names the older releases, in a path with a space."""
    return _project(index, tmp_path)


@pytest.fixture
def open_project(index: Index) -> Iterator[Project]:
    """The same where other users can reach it: each pytest that starts makes the folder of all of them private."""
    with tempfile.TemporaryDirectory(prefix="samobot-setup-") as root:
        os.chmod(root, 0o755)
        yield _project(index, Path(root))


def _project(index: Index, root: Path) -> Project:
    made = Project(root / "a project", root / "machine")
    made.environment["PIP_INDEX_URL"] = index.url
    folder = made.folder / "requirements"
    built = [f"{name}=={_version(index, name)}" for name in BUILD]
    # Without the extra of lib, as locks were when they failed.
    (folder / "dev.lock").write_text(index.lock("tool==1.0", "lib==1.0", "part==1.0", *built))
    (folder / "installer.lock").write_text(index.lock(f"pip=={_version(index, 'pip')}"))
    return made


@pytest.fixture
def quick(project: Project) -> Project:
    """The same with a stand-in for pip, after a first set-up."""
    stand_in = project.machine / "no_pip.py"
    stand_in.write_text(NO_PIP)
    project.environment["NO_PIP"] = str(stand_in)
    (project.folder / "requirements" / "run.lock").write_text("# less\n")
    project.python("python3", QUICK)
    done = project.set_up()
    assert done.returncode == 0, done.stderr
    assert _made(project) == 1
    return project


def _version(index: Index, name: str) -> str:
    [wheel] = (index.folder / "simple" / name).glob("*.whl")
    return wheel.name.split("-")[1]


def _made(project: Project) -> int:
    """How many environments were made so far."""
    return len([call for call in project.calls if "-m venv" in call])


def _oldest_pip() -> Path:
    """The wheel of the pip that Python 3.11.0 brings, which `make oldest-pip` fetches."""
    for wheel in OLDEST_PIP.glob("pip-22.3-*.whl"):
        return wheel
    message = "the oldest pip is missing: run `make oldest-pip`"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def _python_of_everybody() -> str | None:
    """A Python that an unprivileged user can start."""
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            tried = subprocess.run(
                [candidate, "-I", "-c", "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"],
                cwd="/",
                capture_output=True,
                **NOBODY,
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return candidate
    return None


def _give_to_nobody(project: Project, python: str) -> None:
    """Let a user without rights run the script, with this Python."""
    project.nobody = True
    project.environment["REAL"] = python
    for path in (project.folder, *project.folder.rglob("*"), project.machine, project.machine / "home"):
        os.chown(path, NOBODY["user"], -1)


def test_releases_newer_than_the_lock_change_nothing_with_the_oldest_pip(
    open_project: Project, index: Index
) -> None:
    """For a user without rights or a git identity, where whoever runs the tests can become one."""
    project = open_project
    oldest = project.machine / "oldest"
    with zipfile.ZipFile(_oldest_pip()) as wheel:
        wheel.extractall(oldest)
    everybodys = _python_of_everybody() if os.getuid() == 0 else None
    # The fault that this is about is here: asked to resolve this lock, this pip meets the newer release.
    lock = str(project.folder / "requirements" / "dev.lock")
    resolved = subprocess.run(
        [everybodys or sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-t", "x", "-r", lock],
        cwd=project.machine,
        env=project.environment | {"PYTHONPATH": str(oldest)},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert resolved.returncode != 0
    assert "must have their versions pinned" in resolved.stderr

    if everybodys is not None:
        _give_to_nobody(project, everybodys)
    bring = "import shutil, sys, sysconfig; shutil.copytree(sys.argv[1], sysconfig.get_path('purelib'), dirs_exist_ok=True)"
    project.python(
        "python3",
        f"""case $1 in
  -m)
    "$REAL" -m venv --without-pip "$3" && "$3/bin/python" -c "{bring}" '{oldest}' \\
      && "$3/bin/python" -m pip --version >>"$CALLS" ;;
  *) exec "$REAL" "$@" ;;
esac""",
    )

    done = project.set_up()

    assert done.returncode == 0, done.stdout + done.stderr
    assert project.calls[0].startswith("pip 22.3 ")
    assert project.run("tiny") == "1.0 1.0 1.0"
    assert f"pip {_version(index, 'pip')} from {project.venv}" in project.run("pip", "--version")

    index.asked.clear()
    again = project.set_up()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert index.asked == []
    if os.getuid() == 0 and everybodys is None:
        pytest.skip("all of it holds, but every Python here is out of reach of a user without rights")


def test_a_complete_environment_is_left_as_it_is(quick: Project) -> None:
    calls = quick.calls
    done = quick.set_up()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert quick.calls == calls


def test_a_second_lock_comes_into_the_same_environment(quick: Project) -> None:
    assert quick.set_up("run.lock").returncode == 0
    assert _made(quick) == 1
    calls = quick.calls
    for lock in ("dev.lock", "run.lock"):
        assert quick.set_up(lock).returncode == 0
    assert quick.calls == calls


def test_what_has_changed_is_installed(quick: Project) -> None:
    for file in ("requirements/dev.lock", "requirements/installer.lock", "pyproject.toml"):
        before = len(quick.calls)
        with (quick.folder / file).open("a") as opened:
            opened.write("# newer\n")
        assert quick.set_up().returncode == 0, file
        assert _made(quick) == 1, file
        assert [call for call in quick.calls[before:] if "requirements/dev.lock" in call], file


@pytest.mark.parametrize("step", ["install", "check"])
def test_an_environment_that_does_not_take_a_newer_lock_is_replaced(step: str, quick: Project) -> None:
    with (quick.folder / "requirements" / "dev.lock").open("a") as opened:
        opened.write("# newer\n")
    failed = quick.set_up(PIP_FAILS=step)
    assert failed.returncode == 1
    assert _made(quick) == 2
    assert failed.stderr == "setup: the packages could not be installed; the reason is above\n"
    # Nor is what failed taken for complete.
    assert quick.set_up().returncode == 0
    assert _made(quick) == 3


def test_a_set_up_that_was_killed_is_done_anew(quick: Project) -> None:
    shutil.rmtree(quick.venv)
    assert quick.set_up(PIP_KILLS="install").returncode == -signal.SIGKILL
    assert (quick.venv / "bin" / "python").exists()
    done = quick.set_up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert ".venv is unfinished" in done.stdout
    assert _made(quick) == 3


def test_an_update_that_was_killed_is_not_taken_for_complete(quick: Project) -> None:
    with (quick.folder / "requirements" / "dev.lock").open("a") as opened:
        opened.write("# newer\n")
    assert quick.set_up(PIP_KILLS="install").returncode == -signal.SIGKILL
    assert quick.set_up().returncode == 0
    assert _made(quick) == 2


BROKEN = {
    "an empty folder": "rm -r .venv; mkdir .venv",
    "a file": "rm -r .venv; : >.venv",
    "a link to nothing": "rm -r .venv; ln -s nowhere .venv",
    "no pip": "rm -r .venv/lib/python3*/site-packages/pip",
    "no Python": "rm .venv/bin/python",
    "a Python that is gone": "ln -sf /nowhere/python3 .venv/bin/python",
    "another folder's": 'sed -i "1s/$/ elsewhere/" .venv/.complete',
    "unfinished": "rm .venv/.complete",
    "of Python 3.10": 'cp "$OLD_PYTHON" .venv/bin/python.new; mv -f .venv/bin/python.new .venv/bin/python',
}


def test_a_broken_environment_is_replaced(quick: Project) -> None:
    old = quick.python("python3.10", OLD)
    for number, (state, damage) in enumerate(BROKEN.items(), start=2):
        subprocess.run(
            ["sh", "-euc", damage],
            cwd=quick.folder,
            check=True,
            env=os.environ | {"OLD_PYTHON": str(old)},
        )
        done = quick.set_up()
        assert done.returncode == 0, f"{state}: {done.stderr}"
        assert _made(quick) == number, state
        assert (quick.venv / "pyvenv.cfg").exists(), state


def test_a_moved_folder_gets_an_environment_of_its_own(quick: Project) -> None:
    quick.folder = quick.folder.rename(quick.folder.with_name("moved"))
    done = quick.set_up()
    assert done.returncode == 0, done.stderr
    assert _made(quick) == 2


def test_a_python_that_is_named_is_taken(quick: Project) -> None:
    elsewhere = 'import sys; sys.base_prefix = "/elsewhere"; exec(sys.argv[1])'
    other = quick.python("other", QUICK.replace('"$REAL" "$@"', f"""{'"$REAL"'} -I -c '{elsewhere}' "$3\""""))
    assert quick.set_up(PYTHON=str(other)).returncode == 0
    assert [call.split()[0] for call in quick.calls if "-m venv" in call][1:] == [str(other)]


def test_make_sets_up_in_a_path_with_a_space(quick: Project) -> None:
    shutil.copy(TOP / "Makefile", quick.folder)
    make = shutil.which("make")
    assert make is not None
    shutil.rmtree(quick.venv)
    made = [
        subprocess.run(
            [make, "setup"], cwd=quick.folder, env=quick.environment, capture_output=True, text=True
        )
        for _ in range(2)
    ]
    assert [done.returncode for done in made] == [0, 0], made[0].stderr
    assert _made(quick) == 2
    assert made[1].stdout == ""


@pytest.mark.parametrize("first", [OLD, BARE, "exit 127"])
def test_the_first_python_that_fits_is_found(first: str, quick: Project) -> None:
    shutil.rmtree(quick.venv)
    quick.python("python3", first)
    quick.python("python3.12", QUICK)
    done = quick.set_up()
    assert done.returncode == 0, done.stderr
    assert "python3.12 " in done.stdout
    assert _made(quick) == 2


@pytest.mark.parametrize(
    ("pythons", "named", "reason"),
    [
        ({}, "", "python3.11 is not here"),
        ({"python3": OLD}, "", "python3 is 3.10.13"),
        ({"python3.12": OLD, "python3.11": "exit 127"}, "", "python3.12 is 3.10.13"),
        (
            {"python3": BARE},
            "",
            "python3 has no ensurepip (on Debian and Ubuntu: apt-get install python3.{}-venv)",
        ),
        ({"python3": GOOD}, "/nowhere/python", "/nowhere/python is not here"),
        ({"python3": GOOD, "python3.10": OLD}, "python3.10", "python3.10 is 3.10.13"),
    ],
)
def test_what_is_missing_is_one_line(
    pythons: dict[str, str], named: str, reason: str, project: Project
) -> None:
    for name, body in pythons.items():
        project.python(name, body)
    done = project.set_up(PYTHON=named)
    assert done.returncode == 1
    reason = reason.format(sys.version_info.minor)
    assert (done.stdout, done.stderr) == (
        "",
        f"setup: Python 3.11 or newer with venv is needed; {reason}. "
        "Another one can be named: PYTHON=/path/to/python3\n",
    )
    assert not project.venv.exists()
