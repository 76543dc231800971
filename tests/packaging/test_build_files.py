"""The files that decide what is installed, tested and published agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.pages import TOP

REQUIREMENTS = TOP / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.lock"))
WORKFLOWS = sorted((TOP / ".github" / "workflows").glob("*.yml"))


def _pins(lock: Path) -> dict[str, Requirement]:
    """What a lock pins, by normalized name; each pin has a hash."""
    pins: dict[str, Requirement] = {}
    for entry in re.sub(r"\\\n\s*", "", lock.read_text(encoding="utf-8")).splitlines():
        if entry and not entry.startswith("#"):
            requirement, *hashes = entry.split(" --hash=sha256:")
            assert hashes, f"{lock.name}: {requirement} has no hash"
            parsed = Requirement(requirement)
            pins[canonicalize_name(parsed.name)] = parsed
    return pins


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_is_of_one_version(lock: Path) -> None:
    pins = _pins(lock)
    assert pins
    for pin in pins.values():
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), pin


@pytest.mark.parametrize("name", ["run.lock", "installer.lock", "release.lock"])
def test_the_locks_agree(name: str) -> None:
    whole = _pins(REQUIREMENTS / "dev.lock")
    for project, pin in _pins(REQUIREMENTS / name).items():
        if project in whole:
            assert pin.specifier == whole[project].specifier, project
        else:
            assert name == "release.lock", f"{project} is not in dev.lock"


@pytest.mark.parametrize(
    ("lock", "names"), [("run.lock", ["run.in"]), ("dev.lock", ["dev.in"]), ("release.lock", ["release.in"])]
)
def test_a_lock_pins_what_is_asked_for_with_its_extras(lock: str, names: list[str]) -> None:
    about = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [
        line
        for name in names
        for line in (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    if lock != "release.lock":
        asked += about["dependencies"]
    if lock == "dev.lock":
        asked += [line for extra in about["optional-dependencies"].values() for line in extra]
    pins = _pins(REQUIREMENTS / lock)
    for line in asked:
        wanted = Requirement(line)
        pin = pins[canonicalize_name(wanted.name)]
        [version] = [specifier.version for specifier in pin.specifier]
        assert wanted.specifier.contains(version), f"{lock}: {pin} is not {wanted}; run `make lock`"
        assert wanted.extras <= pin.extras, f"{lock}: {pin} leaves out an extra of {wanted}"


def test_no_lock_names_where_its_files_come_from() -> None:
    for lock in LOCKS:
        assert "://" not in lock.read_text(encoding="utf-8"), lock.name


def test_ci_runs_what_the_readme_names_once() -> None:
    assert WORKFLOWS
    for workflow in WORKFLOWS:
        assert "run: bash .ci/run\n" in workflow.read_text(encoding="utf-8")
    assert (TOP / ".ci" / "run").read_text(encoding="utf-8").endswith("\nexec make test\n")
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    assert not re.search(r"--(last-failed|lf|reruns|force-flaky)", makefile)


def test_the_newest_claude_is_tried_in_a_step_of_its_own() -> None:
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    own = makefile.partition("\nnewest: ")[2]
    (folders,) = re.findall(r"\$\(PYTEST\) -m newest_cli (.*)", own)
    assert '\n\t$(PYTEST) -m "not newest_cli"\n\t@$(MAKE) --no-print-directory newest\n' in own
    assert "$(NEWEST_CLAUDE) --version" in own
    tests = [path for path in (TOP / "tests").rglob("test_*.py") if path != Path(__file__)]
    using = {path for path in tests if "require_newest_claude" in path.read_text(encoding="utf-8")}
    assert using
    assert {path.relative_to(TOP).parent.as_posix() for path in using} <= set(folders.split())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_uses_actions_of_exactly_one_version_and_no_rights_or_secrets_of_others(
    workflow: Path,
) -> None:
    text = workflow.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (.*)", text)
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    assert "\npermissions:\n  contents: read\n" in text
    assert "secrets." not in text
    assert "pull_request_target" not in text


def test_the_hooks_before_a_commit_fetch_nothing_and_run_what_make_runs() -> None:
    text = (TOP / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"repo: (.*)", text) == ["local"]
    assert set(re.findall(r"language: (.*)", text)) == {"system"}
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    for entry in re.findall(r"entry: (.*)", text):
        command = re.match(r"\.venv/bin/(\w+(?: format| check)?)", entry)
        assert command is not None, entry
        assert f"$(BIN)/{command[1]}" in makefile
