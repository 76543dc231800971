"""The service: a unit that systemd takes without a word, installed as a person would by hand."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from samobot.assets import service_template
from samobot.errors import SamobotError, UsageError
from samobot.hosts.link import Link, host_link_file, make_private, write_link
from samobot.sandbox.botapi.server import BotApiServer
from samobot.setup.env_file import write_values
from samobot.system import systemd
from samobot.system.service import Service, ServiceState
from tests.support.fake_programs import put_program
from tests.support.nats import free_port
from tests.support.user_manager import run_under_user_manager

COMMAND = [sys.executable, "-P", "-m", "samobot", "bot"]
needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: install the package systemd"
)


def rendered(environ: dict[str, str] | None = None, version: int = 252) -> str:
    return systemd.render(service_template(), COMMAND, environ or {"PATH": "/usr/bin:/bin"}, version)


def analyze(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "SYSTEMD_PAGER": ""}
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, env=environ)


def version_here() -> int:
    return systemd.systemd_version(os.environ)


@needs_analyze
@pytest.mark.parametrize("folder", ["plain", "with a space", "per%cent", "dol$lar", "ü@=:,+"])
def test_systemd_has_nothing_to_say_about_the_unit(tmp_path: Path, folder: str) -> None:
    python = put_program(tmp_path / folder, "python3", "exit 0")
    text = systemd.render(
        service_template(), [str(python), *COMMAND[1:]], {"PATH": f"{tmp_path / folder}:/bin"}, version_here()
    )
    unit = tmp_path / "samobot.service"
    unit.write_text(text)
    verified = analyze(tmp_path, "--user", "verify", str(unit))
    assert verified.stderr == ""
    assert verified.returncode == 0


@needs_analyze
@pytest.mark.parametrize("service", Service)
def test_systemd_has_nothing_to_say_about_any_service(tmp_path: Path, service: Service) -> None:
    unit = tmp_path / service.unit
    unit.write_text(
        systemd.render(
            service_template(service), service.command(), {"PATH": "/usr/bin:/bin"}, version_here()
        )
    )
    verified = analyze(tmp_path, "--user", "verify", str(unit))
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize("folder", ['quo"te', "quo'te", "back\\slash"])
def test_a_path_that_systemd_would_refuse_is_said(folder: str) -> None:
    with pytest.raises(UsageError, match="quote or backslash"):
        systemd.render(service_template(), [f"/{folder}/python3"], {}, 252)


@needs_analyze
def test_a_variable_may_hold_anything_that_a_path_may(tmp_path: Path) -> None:
    unit = tmp_path / "samobot.service"
    unit.write_text(rendered({"PATH": '/a b/"q"/\\x/50%/$HOME:/bin'}, version_here()))
    assert analyze(tmp_path, "--user", "verify", str(unit)).stderr == ""


@needs_analyze
def test_unit_is_not_more_exposed_than_it_was(tmp_path: Path) -> None:
    unit = tmp_path / "samobot.service"
    unit.write_text(rendered(version=version_here()))
    assert analyze(tmp_path, "security", "--offline=true", "--threshold=82", str(unit)).returncode == 0
    weaker = rendered().replace("NoNewPrivileges=yes", "").replace("RestrictAddressFamilies", "#")
    unit.write_text(weaker)
    assert analyze(tmp_path, "security", "--offline=true", "--threshold=82", str(unit)).returncode != 0


def test_a_rejected_token_is_not_tried_again_and_a_crash_is() -> None:
    lines = rendered().splitlines()
    assert "Restart=on-failure" in lines
    assert "RestartPreventExitStatus=2 78" in lines
    assert "Type=notify" in lines


def test_the_back_off_stands_only_where_systemd_knows_it() -> None:
    assert "RestartSteps" not in rendered(version=253)
    assert "RestartSteps=6\nRestartMaxDelaySec=300" in rendered(version=254)


def test_no_secret_gets_into_the_unit() -> None:
    environ = {"PATH": "/bin", "TELEGRAM_BOT_TOKEN": "1:secret", "ANTHROPIC_API_KEY": "sk-ant-secret"}
    assert "secret" not in rendered(environ)


def test_a_line_end_in_a_path_cannot_add_a_line_to_the_unit() -> None:
    with pytest.raises(UsageError, match="control character"):
        rendered({"PATH": "/bin\nExecStartPre=/evil"})


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """A machine whose systemctl notes what it is asked."""
    put_program(
        tmp_path / "bin",
        "systemctl",
        f"""echo "$*" >> {tmp_path}/asked
case "$*" in --version) echo "systemd 252 (252)";; *--property=LoadState*) cat {tmp_path}/state;; esac
! grep -qxF -- "$2" {tmp_path}/refused 2>/dev/null || {{ echo "Failed: no reason" >&2; exit 1; }}""",
    )
    put_program(tmp_path / "bin", "loginctl", "echo no")
    return {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "XDG_CONFIG_HOME": str(tmp_path / "config")}


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "asked").read_text().splitlines()


def test_installing_writes_loads_enables_and_starts(tmp_path: Path, machine: dict[str, str]) -> None:
    done = systemd.install(machine, now=True)
    assert done.path == tmp_path / "config" / "systemd" / "user" / "samobot.service"
    assert done.path.read_text() == systemd.render_here(machine)
    program = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    assert f"ExecStart={program} -P -m samobot bot\n" in done.path.read_text()
    assert (done.changed, done.running, done.lingers) == (True, True, False)
    wanted = [
        "--user daemon-reload",
        "--user enable --quiet samobot.service",
        "--user restart samobot.service",
    ]
    assert [line for line in asked(tmp_path) if line in wanted] == wanted
    assert systemd.install(machine, now=False).changed is False


def test_refusal_of_systemd_is_quoted(tmp_path: Path, machine: dict[str, str]) -> None:
    (tmp_path / "refused").write_text("enable\n")
    with pytest.raises(SamobotError, match=r"Failed: no reason .*journalctl"):
        systemd.install(machine, now=True)


def test_without_systemd_it_is_said_what_to_do_instead(tmp_path: Path, machine: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"no systemd on this machine.*tmux"):
        systemd.require_manager({"PATH": str(tmp_path / "empty")})
    (tmp_path / "refused").write_text("show\n")
    with pytest.raises(UsageError, match=r"not started by systemd"):
        systemd.require_manager(machine, root=tmp_path / "none")
    with pytest.raises(UsageError, match=r"cannot be reached \(Failed: no reason\)"):
        systemd.require_manager(machine, root=tmp_path)
    assert systemd.service_state({"PATH": str(tmp_path / "empty")}) is ServiceState.NO_MANAGER


@pytest.mark.parametrize(
    ("load", "active", "state"),
    [
        ("not-found", "inactive", ServiceState.ABSENT),
        ("loaded", "active", ServiceState.RUNNING),
        ("loaded", "activating", ServiceState.STARTING),
        ("loaded", "failed", ServiceState.FAILED),
        ("loaded", "inactive", ServiceState.STOPPED),
    ],
)
def test_state_is_what_systemd_reports(
    tmp_path: Path, machine: dict[str, str], load: str, active: str, state: ServiceState
) -> None:
    (tmp_path / "state").write_text(f"LoadState={load}\nActiveState={active}\n")
    assert systemd.service_state(machine) is state


@pytest.mark.slow
async def test_the_bot_lives_as_a_service_and_ends_for_good_when_its_token_is_refused(tmp_path: Path) -> None:
    """A real systemd and the real bot: ready once the token is accepted; 78 where it is not, and no second try."""
    token = "42:abcdefghijklmnopqrstuvwxyz"
    async with BotApiServer() as server:
        server.add_bot(token)
        chat = server.private_chat(server.person("Ann"))
        write_values(
            tmp_path / "config" / "samobot" / ".env",
            {
                "TELEGRAM_BOT_TOKEN": token,
                "TELEGRAM_CHAT_ID": str(chat.id),
                "TELEGRAM_API_URL": server.url,
            },
        )
        bot = "systemctl --user show samobot -p ActiveState -p ExecMainStatus -p NRestarts -p StatusText"
        shown = await asyncio.to_thread(
            run_under_user_manager,
            tmp_path,
            f"""
{shlex.quote(sys.executable)} -m samobot install-service
{bot}
{shlex.quote(sys.executable)} -m samobot doctor
systemctl --user restart samobot && echo restarted
sed -i s/^TELEGRAM_BOT_TOKEN=.*/TELEGRAM_BOT_TOKEN=43:abcdefghijklmnopqrstuvwxyz/ $XDG_CONFIG_HOME/samobot/.env
systemctl --user restart samobot
for i in $(seq 600); do systemctl --user is-failed -q samobot && break; sleep 0.1; done
{bot}
""",
        )
    before, _, after = shown.partition("restarted\n")
    assert "The bot is running" in before
    assert "ActiveState=active" in before
    assert "Service: running" in before
    assert "ActiveState=failed" in after, shown
    assert "ExecMainStatus=78" in after
    assert "NRestarts=0" in after
    assert token not in shown


@pytest.mark.slow
def test_restarting_the_service_does_not_touch_a_worker(tmp_path: Path) -> None:
    """A real systemd: a service with our unit's limits starts two children, one as workers are, and is stopped."""
    limits = [
        line
        for line in rendered().splitlines()
        if re.match(r"NoNew|Restrict[RA]|SystemCall|KillMode|OOM", line)
    ]
    assert len(limits) == 7
    shown = run_under_user_manager(
        tmp_path,
        f"""
cat > $XDG_CONFIG_HOME/systemd/user/parent.service <<X
[Service]
ExecStart="{sys.executable}" -m tests.support.worker_in_scope {tmp_path}
WorkingDirectory={Path(__file__).parents[2]}
TimeoutStopSec=5
{chr(10).join(limits)}
X
systemctl --user daemon-reload
systemctl --user start parent.service
for i in $(seq 1200); do [ -s {tmp_path}/plain ] && [ -s {tmp_path}/scoped ] && break; sleep 0.05; done
plain=$(cat {tmp_path}/plain); scoped=$(cat {tmp_path}/scoped)
systemctl --user list-units --plain --no-legend 'samobot-worker-*'
systemctl --user stop parent.service
kill -0 $plain 2>/dev/null && echo plain lives || echo plain gone
kill -0 $scoped 2>/dev/null && echo scoped lives || echo scoped gone
""",
    )
    assert "samobot-worker-26-11-22-greet-" in shown
    assert "plain gone" in shown
    assert "scoped lives" in shown


@pytest.mark.slow
def test_install_service_works_with_a_real_systemd(tmp_path: Path) -> None:
    """The whole command; the bot it starts ends at once with its code for a configuration that cannot work."""
    shown = run_under_user_manager(
        tmp_path,
        f"""
mkdir -p -m 700 $XDG_CONFIG_HOME/samobot
echo SAMOBOT_POLL_SECONDS=soon > $XDG_CONFIG_HOME/samobot/.env
{shlex.quote(sys.executable)} -m samobot install-service --print | grep -c ExecStart
{shlex.quote(sys.executable)} -c "import os; from samobot.system import systemd; print(systemd.install(os.environ, now=False))"
systemctl --user is-enabled samobot.service
systemctl --user show samobot.service -p LoadState -p Type -p KillMode -p Restart
""",
    )
    assert "InstalledService(" in shown
    assert "enabled\n" in shown
    assert "LoadState=loaded" in shown
    assert "Type=notify" in shown


@pytest.mark.slow
def test_hub_and_host_are_services_that_start_and_end_in_order(tmp_path: Path) -> None:
    """A real systemd and the real server: started once they are ready, and ended without a failure."""
    state = tmp_path / ".local" / "state" / "samobot"
    make_private(host_link_file(state).parent)
    write_link(host_link_file(state), Link(user="laptop", servers=("nats://127.0.0.1:9",)))
    samobot = f"{shlex.quote(sys.executable)} -m samobot"
    shown = run_under_user_manager(
        tmp_path,
        f"""
{samobot} hub init --address 127.0.0.1 --port {free_port()} >/dev/null
for service in hub host; do {samobot} install-service --$service; done
systemctl --user show samobot-hub samobot-host -p ActiveState
systemctl --user stop samobot-hub samobot-host
systemctl --user show samobot-hub samobot-host -p Result
""",
    )
    for line in ("The hub is running", "The host is running"):
        assert f"✅ {line}\n" in shown, shown
    assert shown.count("ActiveState=active") == 2, shown
    assert shown.count("Result=success") == 2, shown
