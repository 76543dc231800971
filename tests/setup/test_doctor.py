"""What `samobot doctor` finds, and that it says what to do, bounded in time and without a secret."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from samobot.config.modes import FenceMode
from samobot.config.project import Project
from samobot.config.settings import Settings
from samobot.fleet import emergency_flag
from samobot.hosts.link import Link, host_link_file, hub_link_file, write_link
from samobot.hosts.subjects import HUB
from samobot.sandbox.botapi.faults import Fault, FaultKind
from samobot.sandbox.botapi.server import BotApiServer
from samobot.setup import agent_limits, doctor
from samobot.setup.checks import examine
from samobot.setup.doctor import Finding, Level, exit_code
from samobot.setup.project_checks import project_finding
from samobot.setup.service_checks import service_findings
from samobot.setup.telegram_check import BotApi
from samobot.system import systemd
from samobot.system.platform.portable import PortablePlatform
from samobot.system.service import Service, ServiceState
from tests.support.cases import for_each
from tests.support.fake_programs import put_claude, put_program
from tests.support.repository import git, make_repository

pytestmark = pytest.mark.slow

HINTS = systemd.hints()
TOKEN = "42:abcdefghijklmnopqrstuvwxyz"


def test_what_is_weaker_without_linux_is_listed() -> None:
    assert doctor.portable(()) == []
    found = doctor.portable(PortablePlatform.weaknesses)
    assert {each.level for each in found} == {Level.WARNING}
    assert found[0].remedy
    assert tuple(each.text for each in found[1:]) == PortablePlatform.weaknesses


@for_each(
    ("finding", "level"),
    [
        (doctor.python((3, 11, 0)), Level.OK),
        (doctor.python((3, 10, 9)), Level.ERROR),
        (doctor.subreaper(True), Level.OK),
        (doctor.subreaper(False), Level.WARNING),
        (agent_limits.fence(FenceMode.AUTO, None, wrapper=False), Level.OK),
        (agent_limits.fence(FenceMode.AUTO, "No bubblewrap.", wrapper=True), Level.OK),
        (agent_limits.fence(FenceMode.OFF, None, wrapper=False), Level.WARNING),
        (agent_limits.fence(FenceMode.AUTO, "No bubblewrap.", wrapper=False), Level.WARNING),
        (agent_limits.fence(FenceMode.AUTO, None, wrapper=True, reachable=["a:443"]), Level.OK),
        (agent_limits.fence(FenceMode.OFF, "It is off.", wrapper=False, reachable=["a:443"]), Level.ERROR),
        (agent_limits.fence(FenceMode.ON, "No bubblewrap.", wrapper=True), Level.ERROR),
        (doctor.git("2.39", True), Level.OK),
        (doctor.git("2.39", False), Level.WARNING),
        (doctor.git(None, True), Level.ERROR),
        (doctor.clock(0.0), Level.OK),
        (doctor.clock(-29.0), Level.OK),
        (doctor.clock(31.0), Level.WARNING),
        (doctor.clock(-3600.0), Level.ERROR),
        (doctor.clock(None), Level.WARNING),
        (doctor.disk(5_000_000_000, Path("/x")), Level.OK),
        (doctor.disk(1_000_000_000, Path("/x")), Level.WARNING),
        (doctor.disk(0, Path("/x")), Level.ERROR),
        (doctor.modes([], 3), Level.OK),
        (doctor.modes([(Path("/x/.env"), 0o644)], 3), Level.ERROR),
        (doctor.people(frozenset({1}), 0), Level.OK),
        (doctor.people(frozenset(), 1), Level.OK),
        (doctor.people(frozenset(), 0), Level.ERROR),
        (doctor.locks([], [], 9), Level.OK),
        (doctor.locks(["greet"], [], 9), Level.WARNING),
        (doctor.locks([], [Path("/r/.git/index.lock")], 9), Level.WARNING),
        (doctor.service(ServiceState.RUNNING, True, current=True, hints=HINTS), Level.OK),
        (doctor.service(ServiceState.RUNNING, None, current=True, hints=HINTS), Level.OK),
        (doctor.service(ServiceState.RUNNING, False, current=True, hints=HINTS), Level.WARNING),
        (doctor.service(ServiceState.RUNNING, True, current=False, hints=HINTS), Level.WARNING),
        (doctor.service(ServiceState.FAILED, True, current=True, hints=HINTS), Level.ERROR),
        (doctor.service(ServiceState.STOPPED, True, current=True, hints=HINTS), Level.WARNING),
        (doctor.service(ServiceState.STARTING, True, current=True, hints=HINTS), Level.WARNING),
        (doctor.service(ServiceState.ABSENT, None, current=True, hints=HINTS), Level.OK),
        (doctor.service(ServiceState.NO_MANAGER, None, current=True, hints=HINTS), Level.OK),
    ],
)
def test_each_fact_has_its_level_and_whatever_is_not_fine_a_remedy(finding: Finding, level: Level) -> None:
    assert finding.level is level
    assert bool(finding.remedy) == (level is not Level.OK)


def test_the_service_of_a_host_is_judged_as_such() -> None:
    found = doctor.service(ServiceState.ABSENT, None, True, systemd.hints(Service.HOST), Service.HOST)
    assert (found.check, found.level) == ("Host's service", Level.OK)
    assert "samobot install-service --host starts the host" in found.text
    found = doctor.service(ServiceState.NO_MANAGER, None, True, systemd.hints(Service.HUB), Service.HUB)
    assert (found.check, found.text.rpartition("; ")[2]) == (
        "Hub's service",
        "start the hub with samobot hub run",
    )


def test_only_the_services_that_belong_on_a_machine_are_judged(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path)}

    def judged(token: str = "") -> list[str]:
        settings = Settings(samobot_state_dir=tmp_path, telegram_bot_token=token)
        return [each.check for each in service_findings(settings, environ)]

    assert judged() == ["Service"]
    write_link(hub_link_file(tmp_path), Link(user=HUB, servers=()))
    assert judged(TOKEN) == ["Service", "Hub's service"]
    hub_link_file(tmp_path).unlink()
    write_link(host_link_file(tmp_path), Link(user="laptop", servers=()))
    assert judged() == ["Host's service"]
    assert judged(TOKEN) == ["Service", "Host's service"], "a bot of its own runs beside the host"


def test_only_errors_make_it_fail() -> None:
    assert exit_code([Finding("a", Level.OK, ""), Finding("b", Level.WARNING, "")]) == 0
    assert exit_code([Finding("a", Level.ERROR, "")]) == 1


@dataclass
class Machine:
    """A machine on which all is well."""

    home: Path
    server: BotApiServer

    @property
    def env_file(self) -> Path:
        return self.home / ".config" / "samobot" / ".env"

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "samobot"

    @property
    def repository(self) -> Path:
        return self.home / "code" / "greet"

    @property
    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home / 'bin'}:/usr/bin:/bin",
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_STATE_HOME": str(self.home / ".local" / "state"),
            "IS_SANDBOX": "1",
            "GIT_AUTHOR_NAME": "t",
            "GIT_AUTHOR_EMAIL": "t@example.org",
        }

    def set(self, **values: object) -> None:
        with self.env_file.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())

    async def look(self) -> dict[str, Finding]:
        findings = await asyncio.to_thread(examine, self.environ, self.home)
        return {finding.check: finding for finding in findings}

    async def worst(self) -> Finding:
        """The one thing that is not well."""
        bad = [finding for finding in (await self.look()).values() if finding.level is not Level.OK]
        assert len(bad) == 1, bad
        return bad[0]


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with BotApiServer() as server:
        server.add_bot(TOKEN)
        ann = server.person("Ann")
        server.private_chat(ann)
        machine = Machine(tmp_path / "home", server)
        put_claude(machine.home / "bin")
        put_program(machine.home / "bin", "systemctl", "exit 1")
        make_repository(machine.repository)
        (machine.repository / ".samocode").write_text("MAIN_REPO=.\nWORKTREES=../w\nSESSIONS=../s\n")
        machine.env_file.parent.mkdir(parents=True)
        machine.env_file.touch(mode=0o600)
        machine.state.mkdir(parents=True, mode=0o700)
        machine.set(
            TELEGRAM_BOT_TOKEN=TOKEN,
            TELEGRAM_CHAT_ID=ann.user.id,
            TELEGRAM_API_URL=server.url,
            SAMOBOT_PROJECTS=machine.repository,
        )
        yield machine


async def test_where_all_is_well_every_line_is_fine(machine: Machine) -> None:
    found = await machine.look()
    assert {check: finding for check, finding in found.items() if finding.level is not Level.OK} == {}
    wanted = {
        "Claude",
        "Claude's login",
        "Bot token",
        "Chat",
        "People",
        "Project greet",
        "git",
        "Disk",
        "Clock",
    }
    assert wanted | {"Left over", "Private files", "Service", "Python", "Clean-up"} <= found.keys()


async def test_a_claude_that_is_missing_or_logged_out_is_said(machine: Machine) -> None:
    put_claude(machine.home / "bin", logged_in=False)
    assert "auth login" in (await machine.worst()).remedy
    machine.set(CLAUDE_PATH="no-such-claude")
    assert "npm install" in (await machine.worst()).remedy


async def test_claude_settings_that_stop_an_iteration_are_said_with_the_remedy(machine: Machine) -> None:
    assert (await machine.look())["Claude's settings"].level is Level.OK
    settings = machine.home / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"permissions": {"ask": ["Bash"]}}))
    worst = await machine.worst()  # behind a script, which may use others
    assert (worst.check, worst.level) == ("Claude's settings", Level.WARNING)
    put_claude(machine.home / "claude-code")
    machine.set(CLAUDE_PATH=machine.home / "claude-code" / "claude")
    worst = await machine.worst()
    assert (worst.check, worst.level) == ("Claude's settings", Level.ERROR)
    assert f'permissions.ask in {settings} holds "Bash"' in worst.text
    assert "Remove that there" in worst.remedy


async def test_codex_is_checked_where_a_phase_is_its_and_its_limits_are_said(machine: Machine) -> None:
    machine.set(SAMOBOT_PROVIDER_QUALITY="codex", CODEX_PATH="codex-of-the-test", SAMOBOT_BUDGET_USD="5")
    worst = await machine.worst()
    assert (worst.check, worst.level) == ("Codex", Level.ERROR)
    assert "npm install -g @openai/codex" in worst.remedy
    put_program(machine.home / "bin", "codex-of-the-test", "echo codex-cli 0.171.0")
    worst = await machine.worst()
    assert (worst.check, worst.level) == ("Codex's limits", Level.ERROR)
    assert "no price" in worst.text
    assert "CODEX_PRICE" in worst.remedy
    machine.set(CODEX_PRICE="none")
    worst = await machine.worst()
    assert (worst.check, worst.level) == ("Codex's limits", Level.WARNING)
    machine.set(CODEX_PRICE="1,1,1")
    assert (await machine.look())["Codex's limits"].level is Level.OK
    machine.set(CODEX_PRICE="", SAMOBOT_BUDGET_USD="")
    found = await machine.look()
    assert found["Codex"].text == "0.171.0, for quality"
    assert found["Codex's limits"].level is Level.OK


async def test_a_permission_mode_among_the_claude_flags_is_said(machine: Machine) -> None:
    machine.set(CLAUDE_ARGS="--permission-mode plan")
    worst = await machine.worst()
    assert worst.level is Level.ERROR
    assert "CLAUDE_ARGS may not hold --permission-mode" in worst.text
    assert "CLAUDE_PERMISSION_MODE" in f"{worst.text} {worst.remedy}"


async def test_a_token_that_telegram_does_not_know_is_said_without_it(machine: Machine) -> None:
    machine.server.revoke(TOKEN)
    worst = await machine.worst()
    assert (worst.check, worst.level) == ("Bot token", Level.ERROR)
    assert "BotFather" in worst.remedy


async def test_a_chat_that_was_never_opened_is_said(machine: Machine) -> None:
    machine.set(TELEGRAM_CHAT_ID="999")
    assert (await machine.worst()).check == "Chat"


async def test_a_server_that_cannot_be_reached_is_said_without_the_token(machine: Machine) -> None:
    machine.set(TELEGRAM_API_URL="http://127.0.0.1:1")
    worst = await machine.worst()
    assert worst.check == "Bot token"
    assert "127.0.0.1 cannot be reached" in worst.text
    assert TOKEN not in worst.text + worst.remedy


async def test_a_proxys_page_is_no_answer(machine: Machine) -> None:
    machine.server.faults.add(Fault(FaultKind.BAD_GATEWAY, "getMe"))
    assert (await machine.worst()).check == "Bot token"


async def test_files_that_others_may_read_are_named_with_the_command(machine: Machine) -> None:
    machine.env_file.chmod(0o640)
    (machine.state / "bot.key").touch(mode=0o644)
    worst = await machine.worst()
    assert (worst.check, worst.level) == ("Private files", Level.ERROR)
    assert str(machine.env_file) in worst.text
    subprocess.run(["sh", "-c", worst.remedy.removeprefix("Run: ")], check=True)
    assert (await machine.look())["Private files"].level is Level.OK


async def test_nobody_allowed_is_an_error(machine: Machine) -> None:
    group = machine.server.group("team", [machine.server.person("Bob")])
    machine.set(TELEGRAM_CHAT_ID=group.id)
    assert (await machine.worst()).check == "People"


async def test_a_project_that_is_gone_does_not_hide_the_others(machine: Machine) -> None:
    machine.set(SAMOBOT_PROJECTS=f"{machine.home / 'gone'}:{machine.repository}")
    found = await machine.look()
    assert found["Project"].level is Level.ERROR
    assert found["Project greet"].level is Level.OK


async def test_a_repository_without_a_commit_and_no_repository_are_said(machine: Machine) -> None:
    subprocess.run(["rm", "-r", str(machine.repository / ".git")], check=True)
    assert "not a git repository" in (await machine.worst()).text
    subprocess.run(["git", "init", "-q", str(machine.repository)], check=True)
    assert "no commit yet" in (await machine.worst()).text


async def test_a_repository_that_no_session_can_use_is_an_error_and_not_taken_for_none(
    machine: Machine,
) -> None:
    (machine.repository / ".git" / "HEAD").write_text("")
    worst = await machine.worst()
    assert (worst.level, worst.remedy) == (Level.ERROR, "Until then no session of it starts.")
    assert f"The git repository {machine.repository} is damaged" in worst.text


@pytest.mark.parametrize(
    ("prefix", "level", "words"),
    [
        ("tracked/", Level.OK, ""),
        ("staged/", Level.ERROR, "does not exist in HEAD"),
        ("new/", Level.WARNING, "not part of the git repository around it"),
    ],
)
def test_a_folder_in_a_repository_is_judged_by_whether_a_worktree_would_have_it(
    tmp_path: Path, prefix: str, level: Level, words: str
) -> None:
    repo = make_repository(tmp_path / "repo")
    for name in ("tracked", "staged", "new"):
        (repo / name).mkdir()
        (repo / name / "file").write_text(name)
    git(repo, "add", "tracked")
    git(repo, "commit", "--quiet", "-m", "tracked")
    git(repo, "add", "staged")
    here = repo / prefix
    found = project_finding(Project("p", here / ".samocode", here, tmp_path / "w", tmp_path / "s"))
    assert found.level is level
    assert words in found.text


async def test_locks_of_the_dead_are_found(machine: Machine) -> None:
    logs = machine.home / "code" / "s" / "26-11-22-greet" / "_logs"
    logs.mkdir(parents=True)
    (logs / "run.lock").write_text('{"pid": 4711}\n')
    assert "samobot resume greet" in (await machine.worst()).remedy
    (logs / "run.lock").write_text("")
    lock = machine.repository / ".git" / "index.lock"
    lock.touch()
    assert (await machine.look())["Left over"].level is Level.OK, "a young one may be in use"
    os.utime(lock, (time.time() - 3600, time.time() - 3600))
    assert f"rm {lock}" in (await machine.worst()).remedy


async def test_the_emergency_stop_is_shown(machine: Machine) -> None:
    from datetime import UTC, datetime

    emergency_flag.raise_flag(machine.state, "ann", datetime.now(UTC))
    assert (await machine.worst()).check == "Emergency stop"


async def test_a_setting_that_cannot_be_used_is_a_line_and_not_the_end(machine: Machine) -> None:
    machine.set(CLAUDE_TIMEOUT="soon")
    found = await machine.look()
    assert "CLAUDE_TIMEOUT" in found["Configuration"].text
    assert found["git"].level is Level.OK


async def test_a_line_of_the_configuration_that_cannot_be_read_is_an_error(machine: Machine) -> None:
    machine.set(CLAUDE_MODEL='"opus')
    found = (await machine.look())["Configuration"]
    assert found.level is Level.ERROR
    assert f"{machine.env_file}, line 5 (CLAUDE_MODEL), cannot be read" in found.text


async def test_our_clock_is_compared_with_the_servers(machine: Machine) -> None:
    with BotApi(TOKEN, machine.server.url) as api:
        await asyncio.to_thread(api.call, "getMe")
        assert api.skew == 0.0
    for hours in (-1, 1):
        seconds = 3600 * hours

        def clock(off: int = seconds) -> float:
            return time.time() + off

        with BotApi(TOKEN, machine.server.url, clock) as api:
            await asyncio.to_thread(api.call, "getMe")
            assert api.skew == pytest.approx(seconds, abs=60)


@pytest.mark.parametrize("form", [[], ["--json"]])
async def test_command_reports_it_and_never_the_token(machine: Machine, form: list[str]) -> None:
    machine.set(CLAUDE_PATH=f"/opt/{TOKEN}/claude")
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "samobot", "doctor", *form],
        capture_output=True,
        text=True,
        env=machine.environ,
        cwd=machine.home,
        timeout=60,
    )
    assert ended.returncode == 1
    assert TOKEN not in ended.stdout + ended.stderr
    assert "<redacted>" in ended.stdout
    if form:
        levels = {line["check"]: line["level"] for line in json.loads(ended.stdout)}
        assert levels["Claude"] == "error"
        assert levels["Bot token"] == "ok"
    else:
        assert "❌ Claude: " in ended.stdout
        assert "   → " in ended.stdout
        assert "✅ Bot token: @samo_test_bot" in ended.stdout


async def test_a_state_folder_in_which_nothing_can_be_kept_is_an_error(machine: Machine) -> None:
    (machine.home / "occupied").write_text("")
    machine.set(SAMOBOT_STATE_DIR=machine.home / "occupied" / "state")
    found = (await machine.look())["State folder"]
    assert found.level is Level.ERROR
    assert "SAMOBOT_STATE_DIR" in found.remedy


async def test_a_folder_of_sessions_that_is_a_file_is_an_error(machine: Machine) -> None:
    (machine.repository.parent / "s").write_text("")
    assert "cannot be written" in (await machine.worst()).text
