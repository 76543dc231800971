"""What a hostile tool reaches inside the fence, and what an honest one still can do; both in the real bubblewrap."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from samobot.claude.fence_probe import fence_problem
from samobot.claude.spawn import MAX_PROCESSES, MEMORY_SCORE, wrapped
from samobot.errors import UsageError
from tests.claude.fenced_world import SECRET, FencedWorld
from tests.support.cases import for_each
from tests.support.hostile_tools import ESCAPES, READS, SYSTEM, SYSTEM_ESCAPES, WRITES
from tests.support.waiting import until

_PROBLEM = fence_problem(os.environ)
MARK = "--- the next command: "
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(_PROBLEM is not None, reason=f"there can be no fence here: {_PROBLEM}"),
]


def outputs(world: FencedWorld, commands: Mapping[str, str], **environ: str) -> dict[str, str]:
    """Run commands inside one fence, each in a folder of its own, and return what each printed."""
    parts = [
        f'echo "{MARK}{name}"; mkdir "$W/try-{number}"; (cd "$W/try-{number}" || exit\n{command}\n) 2>&1; echo'
        for number, (name, command) in enumerate(commands.items())
    ]
    printed = world.run("\n".join(parts), environ=environ).stdout.split(MARK)[1:]
    return dict(part.split("\n", 1) for part in printed)


def test_no_secret_is_read(world: FencedWorld) -> None:
    found = outputs(world, READS)
    assert list(found) == list(READS)
    assert [name for name, output in found.items() if SECRET in output] == []


@pytest.mark.parametrize("command", WRITES.values(), ids=WRITES)
def test_nothing_but_its_own_is_changed(world: FencedWorld, command: str) -> None:
    before = world.protected()
    world.run(command)
    assert world.protected() == before


@pytest.mark.parametrize("command", ESCAPES.values(), ids=ESCAPES)
def test_without_the_fence_the_same_succeeds(world: FencedWorld, command: str) -> None:
    before = world.protected()
    done = world.run(command, fenced=False)
    assert SECRET in done.stdout + done.stderr or world.protected() != before


@pytest.mark.parametrize("command", SYSTEM_ESCAPES.values(), ids=SYSTEM_ESCAPES)
def test_without_the_fence_the_machine_is_within_reach(world: FencedWorld, command: str) -> None:
    done = world.run(command, fenced=False, environ={"OUTSIDE": str(os.getpid())})
    assert "escaped" in done.stdout


def test_the_machine_is_out_of_reach(world: FencedWorld) -> None:
    found = outputs(world, SYSTEM, OUTSIDE=str(os.getpid()))
    assert list(found) == list(SYSTEM)
    assert [name for name, output in found.items() if "escaped" in output] == []


def test_memory_queues_and_terminals_of_the_machine_are_out_of_reach(world: FencedWorld) -> None:
    shared = Path("/dev/shm", f"samobot-test-{os.getpid()}")
    shared.write_text(SECRET)
    try:
        done = world.run(
            "cat /dev/shm/*; readlink /proc/self/ns/ipc /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/uts; ls /dev/pts; "
            "echo x > /dev/tty && echo escaped"
        )
    finally:
        shared.unlink()
    assert "escaped" not in done.stdout
    *namespaces, terminals = done.stdout.split()  # those of SysV and POSIX memory and queues are ipc's
    assert terminals == "ptmx"
    assert len(namespaces) == 4
    assert not {os.readlink(f"/proc/self/ns/{each.partition(':')[0]}") for each in namespaces} & {*namespaces}


def test_no_descriptor_leads_out(world: FencedWorld) -> None:
    links = world.run('for each in /proc/[0-9]*/fd/*; do readlink "$each"; done').stdout.split("\n")
    opened = {link for link in links if link.startswith("/") and not link.startswith("/proc/")}
    assert opened <= {"/dev/null"}, opened
    assert links != [""]


@pytest.mark.parametrize("place", ["home/.docker/run/docker.sock", "tmp/ssh-agent.sock", "state/bot.sock"])
def test_no_socket_of_another_program_is_reached(
    world: FencedWorld, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = world.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(path.parent)  # the address of a socket is short
        server.bind(path.name)
        server.listen()
        connect = f"import os, socket; os.chdir({str(path.parent)!r}); socket.socket(socket.AF_UNIX).connect({path.name!r}); print('escaped')"
        assert "escaped" not in world.run(f'python3 -c "{connect}"').stdout
        assert "escaped" in world.run(f'python3 -c "{connect}"', fenced=False).stdout


def test_sockets_are_not_named_in_the_environment(world: FencedWorld) -> None:
    outside = {"SSH_AUTH_SOCK": "/x", "DBUS_SESSION_BUS_ADDRESS": "/x", "DISPLAY": ":0", "DOCKER_HOST": "x"}
    shown = world.run("env", environ=outside).stdout
    assert not [name for name in outside if f"{name}=" in shown]


def test_processes_are_limited(world: FencedWorld) -> None:
    (line,) = [each for each in world.run("cat /proc/self/limits").stdout.split("\n") if "processes" in each]
    assert int(line.split()[2]) <= MAX_PROCESSES


def test_memory_is_taken_from_the_agent_before_the_worker(world: FencedWorld) -> None:
    assert world.run("cat /proc/self/oom_score_adj").stdout.strip() == str(MEMORY_SCORE)


def test_a_daemon_ends_with_the_cli(world: FencedWorld) -> None:
    ready = world.worktree / "ready"
    os.mkfifo(ready)
    daemon = f"(setsid env -i /bin/sh -c 'echo > {ready}; exec sleep 600.{os.getpid()}' </dev/null >/dev/null 2>&1 &); read _ < {ready}"
    assert world.run(daemon).returncode == 0
    # bubblewrap reports the exit code before the kernel has ended what is left in its namespace.
    until(lambda: not [line for line in _processes() if f"600.{os.getpid()}" in line])


def test_the_cli_ends_with_the_worker(world: FencedWorld) -> None:
    call = world.invocation("echo ready; exec sleep 600", fenced=True)
    program = (
        "import subprocess, sys; from samobot.claude import invocation, spawn; from pathlib import Path; "
        f"call = invocation.Invocation({call.argv!r}, Path({str(call.cwd)!r}), {dict(call.env)!r}, b'', Path('x'), '', True); "
        "p = subprocess.Popen(spawn.wrapped(call), env=call.env, cwd=call.cwd); print(p.pid, flush=True); p.wait()"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    # Two processes write them: either may be the first.
    ready, pid = sorted((worker.stdout.readline().strip(), worker.stdout.readline().strip()), key=str.isdigit)
    assert ready == "ready"
    fence_descriptor = os.pidfd_open(int(pid))
    worker.kill()
    worker.wait()
    assert _ended(fence_descriptor)
    worker.stdout.close()


@pytest.mark.parametrize("env_resets", [True, False])
def test_an_interrupt_reaches_the_cli_which_ends_as_it_wants(world: FencedWorld, env_resets: bool) -> None:
    call = world.invocation(
        "trap 'echo result; exit 7' INT; echo ready; while :; do sleep 0.05; done",
        fenced=True,
        env_resets=env_resets,
    )
    process = subprocess.Popen(
        wrapped(call),
        env=dict(call.env),
        cwd=call.cwd,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.read() == "result\n"
    assert process.wait(30) == 7


HONEST = {
    "commits": "echo x > a && git add a && git commit -qm 'Add a' && git log --oneline | grep -c . | grep -x 2",
    "stashes": "echo x >> README.md && git stash -q && git stash pop -q && grep x README.md",
    "amends": "git commit -q --amend --allow-empty -m again && git log -1 --format=%s | grep again",
    "makes a branch": "git branch other && git branch --list other | grep other",
    "rebases": "git commit -q --allow-empty -m two && git rebase -q --force-rebase HEAD~1 && git status --short",
    "reads the main checkout": 'cat "$M/README.md"',
    "writes its session": 'echo x > "$S/_signal.json" && echo x >> "$S/_overview.md" && mv "$S/_overview.md" "$S/o"',
    "reads what the user said": 'cat "$S/_guidance.md" "$S/_decisions.jsonl" "$S/_logs/journal.jsonl"',
    "uses a tool of the user": "tool && command -v tool",
    "writes caches": 'mkdir -p "$HOME/.cache/pip" && echo x > "$HOME/.cache/pip/y"',
    "has a private /tmp": "echo x > /tmp/y && cat /tmp/y && mktemp",
    "sees its own processes": "sleep 5 & kill -0 $! && kill $!",
    "resolves names": "getent hosts localhost",
    "renews the login": 'echo "{}" > "$HOME/.claude/.credentials.json"',
}  # fmt: skip


@pytest.mark.parametrize("command", HONEST.values(), ids=HONEST)
def test_an_honest_agent_can_work(world: FencedWorld, command: str) -> None:
    done = world.run(command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_commits_and_caches_last(world: FencedWorld) -> None:
    world.run('echo x > a && git add a && git commit -qm "Add a"; echo kept > "$HOME/.cache/y"')
    shown = subprocess.run(
        ["git", "log", "--format=%s", "greet"],
        cwd=world.repo,
        env=world.environ,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.split("\n")[0] == "Add a"
    assert world.run('cat "$HOME/.cache/y"').stdout == "kept\n"


def test_git_does_not_lose_references_that_are_packed_inside(world: FencedWorld) -> None:
    world.run("git branch kept; git pack-refs --all; git gc -q --prune=now")
    shown = subprocess.run(
        ["git", "branch", "--list", "--format=%(refname:short)"],
        cwd=world.repo, env=world.environ, capture_output=True, text=True,
    )  # fmt: skip
    assert shown.stdout.split() == ["greet", "kept", "main"]


def test_what_the_user_allows_is_reached(world: FencedWorld) -> None:
    done = world.run('cat "$HOME/.aws/credentials"; echo x > "$HOME/.aws/y"', allowed=(world.home / ".aws",))
    assert done.stdout == SECRET
    assert (world.home / ".aws" / "y").exists()


@for_each("allowed", [("", "state"), ("state/decision.key",), ("to-root",), ("to-state",), ("to-key",)])
def test_what_is_allowed_does_not_open_the_state(world: FencedWorld, allowed: tuple[str, ...]) -> None:
    for name, target in (("to-root", "."), ("to-state", "state"), ("to-key", "state/decision.key")):
        (world.root / name).unlink(missing_ok=True)
        (world.root / name).symlink_to(target)
    done = world.run(
        'cat "$R/state/decision.key" "$R/to-root/state/decision.key" "$R/to-state/decision.key" "$R/to-key"',
        allowed=tuple(world.root / each for each in allowed),
    )
    assert SECRET not in done.stdout


@for_each("allowed", ["/", "/proc", "/proc/1/root", "/dev", "/tmp/.."])
def test_what_would_leave_no_fence_is_refused(world: FencedWorld, allowed: str) -> None:
    with pytest.raises(UsageError, match="would leave no fence"):
        world.run("true", allowed=(Path(allowed),))


@pytest.mark.parametrize("where", ["home", "other", "elsewhere"])
def test_a_working_directory_outside_the_project_is_refused(world: FencedWorld, where: str) -> None:
    place = world.root / where
    place.mkdir(exist_ok=True)
    with pytest.raises(UsageError, match="only in its project"):
        world.run("true", work_dir=place)


def test_another_repository_as_working_directory_is_refused(world: FencedWorld) -> None:
    place = world.root / "elsewhere"
    subprocess.run(["git", "init", "-q", str(place)], check=True)
    with pytest.raises(UsageError, match="is not a worktree of"):
        world.run("true", work_dir=place)


def test_a_folder_without_a_repository_can_be_worked_in(world: FencedWorld) -> None:
    plain = world.root / "plain"
    plain.mkdir()
    done = world.run('echo x > y; cat "$HOME/.netrc"', main_repo=plain, work_dir=plain)
    assert (plain / "y").exists()
    assert SECRET not in done.stdout


def test_a_checkout_that_the_user_chose_can_be_worked_in(world: FencedWorld) -> None:
    command = "echo x > a && git add a && git commit -qm 'Add a'; git config core.fsmonitor evil; echo x > .git/hooks/y"
    world.run(command, work_dir=world.repo)
    assert "Add a" in (world.repo / ".git" / "logs" / "HEAD").read_text()
    assert "evil" not in (world.repo / ".git" / "config").read_text()
    assert not (world.repo / ".git" / "hooks" / "y").exists()


def test_worktree_of_a_bare_repository_can_be_committed_in(world: FencedWorld) -> None:
    bare, worktree = world.root / "bare.git", world.root / "worktrees" / "of-bare"
    for command in (
        ["git", "clone", "-q", "--bare", str(world.repo), str(bare)],
        ["git", "-C", str(bare), "worktree", "add", "-q", "-b", "of-bare", str(worktree)],
    ):
        subprocess.run(command, env=world.environ, check=True, capture_output=True)
    commit = "echo x > a && git add a && git commit -qm 'Add a'; git config core.fsmonitor evil"
    world.run(commit, main_repo=bare, work_dir=worktree)
    log = ["git", "-C", str(bare), "log", "--format=%s", "of-bare"]
    shown = subprocess.run(log, env=world.environ, capture_output=True, text=True, check=True)
    assert shown.stdout.split("\n")[0] == "Add a"
    assert "evil" not in (bare / "config").read_text()


def test_a_home_with_a_link_on_its_way_is_closed_too(world: FencedWorld) -> None:
    link = world.root / "link"
    link.symlink_to(world.home)
    done = world.run('cat "$HOME/.netrc" "$R/home/.netrc"', environ={"HOME": str(link)}, home=link)
    assert SECRET not in done.stdout


def _processes() -> list[str]:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )


def _ended(descriptor: int) -> bool:
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(30_000))
    finally:
        os.close(descriptor)
