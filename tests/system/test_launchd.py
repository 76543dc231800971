"""launchd's side of `install-service`, as text and with a scripted launchctl: macOS itself is not here."""

from __future__ import annotations

import os
import plistlib
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from samobot.errors import SamobotError, UsageError
from samobot.system import launchd
from samobot.system.service import Service, ServiceState
from samobot.system.service_manager import service_manager
from samobot.terminal.service_command import install_service_command
from tests.support.fake_programs import put_program

TARGET = f"gui/{os.getuid()}/samobot"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A PATH with a launchctl that records its calls and refuses what the file `refused` names."""
    monkeypatch.setenv("HOME", str(tmp_path))
    put_program(
        tmp_path / "bin",
        "launchctl",
        f'echo "$*" >>{tmp_path}/asked; if grep -qsx "$1" {tmp_path}/refused; then echo "no reason" >&2; exit 5; fi; '
        f"[ $1 != print ] || cat {tmp_path}/printed",
    )
    return {"PATH": f"{tmp_path / 'bin'}:{os.defpath}", "SAMOBOT_STATE_DIR": "/a & <b>", "OTHER": "x"}


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "asked").read_text().splitlines()


@pytest.mark.parametrize("service", Service)
def test_every_service_is_a_property_list(machine: dict[str, str], tmp_path: Path, service: Service) -> None:
    values = plistlib.loads(launchd.render_here(machine, service).encode())
    assert values["Label"] == service
    assert values["ProgramArguments"] == service.command()
    assert values["ProgramArguments"][0] == sys.executable
    environ = {"PATH": machine["PATH"], "SAMOBOT_STATE_DIR": "/a & <b>"}
    assert values["EnvironmentVariables"] == environ, "no secrets, nothing else"
    assert values["RunAtLoad"] is True
    assert values["KeepAlive"] == {"SuccessfulExit": False}
    assert (values["Umask"], values["WorkingDirectory"]) == (0o077, str(tmp_path))
    assert ("SoftResourceLimits" in values) is (service is Service.HUB)
    assert launchd.definition_path(machine, service) == tmp_path / f"Library/LaunchAgents/{service}.plist"


def test_what_a_property_list_cannot_hold_is_refused(machine: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="property list"):
        launchd.render_here(machine | {"PATH": "/bin\x01"})
    with pytest.raises(UsageError, match="property list"):
        launchd.render_here(machine | {"PATH": os.fsdecode(b"/bin\xff")})


def test_installing_loads_it_anew_and_can_be_repeated(machine: dict[str, str], tmp_path: Path) -> None:
    first = launchd.install(machine, now=True)
    assert (first.changed, first.running, first.lingers) == (True, True, False)
    assert plistlib.loads(first.path.read_bytes())["Label"] == "samobot"
    load = f"bootstrap gui/{os.getuid()} {first.path}"
    assert asked(tmp_path) == [f"enable {TARGET}", f"bootout {TARGET}", load]
    again = launchd.install(machine, now=False)
    assert (again.changed, again.running) == (False, False)
    assert asked(tmp_path)[3:] == [f"enable {TARGET}"]


def test_a_refusal_is_quoted_after_some_tries(
    machine: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchd, "_AGAIN_SECONDS", 0.0)
    (tmp_path / "refused").write_text("bootout\nbootstrap\n")
    with pytest.raises(SamobotError, match="launchctl did not work: no reason"):
        launchd.install(machine, now=True)


def test_without_launchd_it_is_said_what_to_do_instead(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no launchd on this machine.*tmux"):
        launchd.install({"PATH": str(tmp_path)}, now=True)
    assert launchd.service_state({"PATH": str(tmp_path)}) is ServiceState.NO_MANAGER


@pytest.mark.parametrize(
    ("printed", "state"),
    [
        ("samobot = {\n\tstate = running\n\tlast exit code = 1\n}\n", ServiceState.RUNNING),
        ("samobot = {\n\tstate = spawn scheduled\n}\n", ServiceState.STARTING),
        ("samobot = {\n\tstate = not running\n\tlast exit code = 78\n}\n", ServiceState.FAILED),
        ("samobot = {\n\tstate = not running\n\tlast exit code = 0\n}\n", ServiceState.STOPPED),
        ("samobot = {\n\tstate = not running\n\tlast exit code = (never exited)\n}\n", ServiceState.STOPPED),
    ],
)
def test_state_is_read(machine: dict[str, str], tmp_path: Path, printed: str, state: ServiceState) -> None:
    (tmp_path / "printed").write_text(printed)
    assert launchd.service_state(machine) is state


def test_state_of_what_is_not_loaded_is_by_its_file(machine: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "refused").write_text("print\n")
    assert launchd.service_state(machine) is ServiceState.ABSENT
    launchd.install(machine, now=False)
    assert launchd.service_state(machine) is ServiceState.STOPPED


def test_only_the_environment_may_differ(machine: dict[str, str]) -> None:
    here = launchd.without_variables(launchd.render_here(machine))
    assert launchd.without_variables(launchd.render_here(machine | {"PATH": "/other"})) == here
    assert launchd.without_variables(launchd.render_here(machine, Service.HOST)) != here
    assert launchd.without_variables("damaged") == "damaged"


def test_command_shows_the_property_list(machine: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMOBOT_PORTABLE", "1")
    for option, service in (("", Service.BOT), ("--hub", Service.HUB), ("--host", Service.HOST)):
        done = CliRunner().invoke(install_service_command, ["--print", *filter(None, [option])])
        assert plistlib.loads(done.stdout.encode())["Label"] == service


def test_launchd_is_the_manager_where_there_is_no_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMOBOT_PORTABLE", "1")
    assert service_manager().hints().manager == "launchd"
    monkeypatch.delenv("SAMOBOT_PORTABLE")
    assert service_manager().hints().manager == "systemd of your user"
