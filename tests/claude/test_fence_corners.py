"""Ways around the fence that a second look tried: sockets, links, git's lesser files, the kernel's keyring."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from samobot.claude.fence_probe import fence_problem
from samobot.claude.fence_repository import repository_rules, restore_repository
from samobot.claude.fence_rules import reachable_sockets
from samobot.claude.invocation import Invocation
from samobot.claude.spawn import wrapped
from samobot.session.git import Git
from tests.claude.fenced_world import SECRET, FencedWorld
from tests.support.cases import for_each
from tests.support.repository import commit, make_repository

_PROBLEM = fence_problem(os.environ)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(_PROBLEM is not None, reason=f"there can be no fence here: {_PROBLEM}"),
]


@pytest.fixture(scope="session")
def _outside() -> Iterator[Path]:
    """Removed at the end only: bubblewrap fails at a socket that goes away just when a fence beside is made."""
    if not os.access("/var/lib", os.W_OK):
        pytest.skip("only root makes a folder outside the homes and /tmp")
    folder = Path(tempfile.mkdtemp(prefix="samobot-test-", dir="/var/lib"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def elsewhere(_outside: Path) -> Path:
    """A folder that the fence does not empty."""
    return Path(tempfile.mkdtemp(dir=_outside))


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
@pytest.mark.parametrize("is_allowed", [False, True])
def test_socket_of_another_program_is_out_of_reach_wherever_it_is(
    world: FencedWorld, elsewhere: Path, is_allowed: bool, kind: socket.SocketKind
) -> None:
    path = elsewhere / "s"
    with socket.socket(socket.AF_UNIX, kind) as server:
        server.bind(str(path))
        if kind is socket.SOCK_STREAM:
            server.listen()
        assert path in reachable_sockets(Path("/proc/net/unix"))
        connect = (
            f"import socket; socket.socket(socket.AF_UNIX, {int(kind)}).connect('{path}'); print('reached')"
        )
        allowed = (elsewhere,) if is_allowed else ()
        done = world.run(
            f'$PY -c "{connect}"', environ={"PY": sys.executable}, program=sys.executable, allowed=allowed
        )
    assert ("reached" in done.stdout) is is_allowed, done.stderr


def test_what_is_gone_before_it_is_hidden_keeps_no_agent_from_starting(tmp_path: Path) -> None:
    there, gone = tmp_path / "there", tmp_path / "gone"
    there.touch()
    hidden = [word for path in (gone, there, gone) for word in ("--ro-bind", os.devnull, str(path))]
    call = Invocation(("echo", *hidden, "--", "claude"), tmp_path, {}, b"", tmp_path / "log", "", fenced=True)
    done = subprocess.run(wrapped(call), capture_output=True, text=True)
    assert done.stdout.split() == ["--ro-bind", os.devnull, str(there), "--", "claude"], done.stderr


EVIL = "git config --worktree core.fsmonitor evil; printf '[core]\\n\\tfsmonitor = evil\\n' >> \"$(git rev-parse --git-dir)/config.worktree\""


@pytest.mark.parametrize("where", ["worktree", "checkout"])
def test_configuration_of_one_worktree_is_not_written(world: FencedWorld, where: str) -> None:
    subprocess.run(["git", "config", "extensions.worktreeConfig", "true"], cwd=world.repo, check=True)
    work_dir = world.worktree if where == "worktree" else world.repo
    world.run(EVIL, work_dir=work_dir)
    shown = subprocess.run(
        ["git", "config", "core.fsmonitor"], cwd=work_dir, env=world.environ, capture_output=True, text=True
    )
    assert shown.stdout == ""


def test_hook_is_not_planted_in_a_checkout_without_hooks(world: FencedWorld) -> None:
    for name in ("hooks", "info"):
        shutil.rmtree(world.repo / ".git" / name)
    plant = 'mkdir -p "$M/.git/hooks" "$M/.git/info"; echo evil > "$M/.git/hooks/post-checkout"; echo "* filter=x" > "$M/.git/info/attributes"'
    world.run(plant, work_dir=world.repo)
    assert list((world.repo / ".git" / "hooks").iterdir()) == []
    assert list((world.repo / ".git" / "info").iterdir()) == []


@pytest.mark.parametrize("fenced", [True, False])
def test_checkout_is_not_led_to_another_configuration(world: FencedWorld, fenced: bool) -> None:
    ran = world.root / "ran"
    lead = (
        'mkdir evil; cp -r .git/. evil; git config --file evil/config core.fsmonitor "touch $RAN; false"; '
        'echo "$PWD/evil" > .git/commondir; echo "$PWD/evil" > .git/worktrees/greet/commondir; '
        'mkdir .git/new; mv .git/worktrees .git/new; git commit -q --allow-empty -m "Still works"'
    )
    world.run(lead, fenced=fenced, work_dir=world.repo, environ={"RAN": str(ran)})
    restore_repository(world.places(work_dir=world.repo))
    for folder in (world.repo, world.worktree):
        subprocess.run(["git", "status"], cwd=folder, env=world.environ, capture_output=True)
    assert ran.exists() is not fenced
    if fenced:
        assert not (world.repo / ".git" / "commondir").exists()
        assert "Still works" in (world.repo / ".git" / "logs" / "HEAD").read_text()


def test_decisions_and_guidance_are_not_made_by_an_agent_where_there_are_none(world: FencedWorld) -> None:
    files = [world.session / name for name in ("_decisions.jsonl", "_guidance.md")]
    for file in files:
        file.unlink()
    world.run(
        'cd "$S"; for f in _decisions.jsonl _guidance.md; do echo evil > $f; echo evil > x; mv -f x $f; done'
    )
    assert [file.read_text() for file in files] == ["", ""]


def test_settings_of_claude_are_not_made_by_an_agent_where_there_are_none(world: FencedWorld) -> None:
    """Claude Code reads them again when they change: with some of its own the agent would not have to ask."""
    settings = world.home / ".claude" / "settings.json"
    settings.unlink()
    done = world.run(
        'cd "$HOME/.claude"; echo "{}" > x; mv -f x settings.json; echo "{}" >> settings.json; cat settings.json'
    )
    assert done.stdout == ""
    assert not settings.exists()


def test_sessions_inside_the_folder_that_is_worked_in_are_kept(world: FencedWorld) -> None:
    plain = world.root / "plain"
    own, other = plain / "work" / "sessions" / "greet", plain / "work" / "sessions" / "other"
    for folder in (own, other):
        (folder / "_logs").mkdir(parents=True)
        (folder / "_decisions.jsonl").write_text("{}\n")
    forge = (
        'cd "$S"; echo x > _signal.json; echo evil >> ../other/_decisions.jsonl; echo evil >> _decisions.jsonl; rm -rf ../other; cd /; '
        'mv "$P/work/sessions" "$P/work/s"; mv "$P/work" "$P/w"; mkdir -p "$S"; echo evil > "$S/_decisions.jsonl"; touch "$P/made"'
    )
    world.run(
        forge,
        main_repo=plain,
        work_dir=plain,
        session=own,
        environ={"S": str(own), "P": str(plain)},
    )
    for folder in (own, other):
        assert (folder / "_decisions.jsonl").read_text() == "{}\n"
    assert (own / "_signal.json").exists()
    assert (plain / "made").exists()


def test_branch_of_another_session_is_kept_although_it_is_packed(world: FencedWorld) -> None:
    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=world.repo, env=world.environ, capture_output=True, text=True, check=True
        )
        return done.stdout

    git("worktree", "add", "--quiet", "-b", "team/other", str(world.root / "worktrees" / "other"))
    git("pack-refs", "--all", "--prune")
    before = git("for-each-ref", "refs/heads/main", "refs/heads/team")
    move = "E=$(git commit-tree -m x HEAD^{tree}); for b in main team/other; do git update-ref refs/heads/$b $E; git branch -D $b; done"
    world.run(
        f"{move}; git commit -q --allow-empty -m own; rm -rf $M/.git/refs/heads/main $M/.git/refs/heads/team"
    )
    assert git("for-each-ref", "refs/heads/main", "refs/heads/team") == before
    git("fsck", "--strict")


HEADS_OF_OTHERS = ("../../../home/.ssh/id_ed25519", "/etc/passwd", "a/../../../config", "", "link")


@for_each("name", HEADS_OF_OTHERS)
def test_head_that_another_agent_wrote_opens_no_place(world: FencedWorld, name: str) -> None:
    link = world.repo / ".git" / "refs" / "heads" / "link"
    link.unlink(missing_ok=True)
    link.symlink_to(world.home / ".ssh" / "id_ed25519")
    other = world.repo / ".git" / "worktrees" / "other"
    other.mkdir(exist_ok=True)
    (other / "HEAD").write_text(f"ref: refs/heads/{name}\n")
    rules = {rule.path.name for rule in repository_rules(world.places())}
    assert "main" in rules
    assert not rules & {"id_ed25519", "passwd", "link"}


@pytest.mark.parametrize("what", ["pipe", "endless", "folder"])
def test_head_that_cannot_be_read_keeps_no_session_from_starting(world: FencedWorld, what: str) -> None:
    head = world.repo / ".git" / "worktrees" / "other" / "HEAD"
    head.parent.mkdir()
    match what:
        case "pipe":
            os.mkfifo(head)
        case "endless":
            head.symlink_to("/dev/zero")
        case _:
            head.mkdir()
    assert "main" in {rule.path.name for rule in repository_rules(world.places())}


def test_commit_is_shown_as_it_is_and_not_as_the_agent_replaces_it(world: FencedWorld) -> None:
    command = (
        "echo evil > a; git add a; git commit -qm x; E=$(git rev-parse HEAD); git reset -q --hard HEAD~1; "
        "echo good > a; git add a; git commit -qm x; G=$(git rev-parse HEAD); git reset -q --hard $E; git replace $E $G"
    )
    assert world.run(command).returncode == 0
    assert Git(world.worktree).run("show", "HEAD:a") == "evil\n"
    assert "+evil" in Git(world.worktree).run("diff", "main", "HEAD")


@pytest.mark.parametrize("where", ["worktree", "checkout"])
def test_git_outside_shows_no_objects_of_a_repository_that_the_agent_cannot_read(
    world: FencedWorld, where: str
) -> None:
    secret = commit(make_repository(world.home / "private"), "secret.txt")
    work_dir, branch = (world.worktree, "greet") if where == "worktree" else (world.repo, "main")
    lead = (
        'cd "$M/.git"; echo "$HOME/private/.git/objects" > a; mv -f a objects/info/alternates; cat objects/info/alternates; '
        "mv objects/info objects/x; mv objects y; mkdir -p objects/info; "
        f'echo "$HOME/private/.git/objects" > objects/info/alternates; echo {secret} > refs/heads/{branch}'
    )
    world.run(lead, work_dir=work_dir)
    assert Git(work_dir).attempt("show", f"{branch}:secret.txt") is None


LINKS = {
    "the log of the main checkout": (
        'cd "$M/.git/logs"; mv refs r; mkdir -p refs/heads; for f in HEAD refs/heads/main; do ln -sf "$E" x; mv -f x $f; done',
        "git cherry-pick --allow-empty greet", "repo",
    ),
    "the log of a branch": ('ln -s "$E" "$M/.git/logs/refs/heads/new"', "git branch new greet", "repo"),
    "the message of a commit": ('ln -sf "$E" "$M/.git/worktrees/greet/COMMIT_EDITMSG"', "git commit --amend", "worktree"),
    "what was fetched": ('ln -s "$E" "$M/.git/worktrees/greet/FETCH_HEAD"', "git fetch . greet", "worktree"),
    "a folder of references": ('ln -s "$R/home" "$M/.git/refs/x"', "git update-ref refs/x/evil greet", "repo"),
    "the index": ('mv "$M/.git/worktrees/greet/index" i; ln -s "$E" "$M/.git/worktrees/greet/index"', "git add -A", "worktree"),
    "the same in a checkout": ('ln -sf "$E" .git/COMMIT_EDITMSG; ln -sf "$E" .git/logs/HEAD', "git commit --amend", "checkout"),
    "its logs": ('mv .git/logs l; ln -s "$R" .git/logs; ln -s "$E" .git/FETCH_HEAD', "git fetch . greet", "checkout"),
}  # fmt: skip
"""What is planted, and the command by which the user's git would write through it, where."""


@pytest.mark.parametrize("fenced", [True, False])
@pytest.mark.parametrize("case", LINKS.values(), ids=LINKS)
def test_git_outside_writes_through_no_link_of_an_agent(
    world: FencedWorld, case: tuple[str, str, str], fenced: bool
) -> None:
    plant, command, where = case
    evil = world.home / "evil"
    work_dir = world.repo if where == "checkout" else world.worktree
    world.run(
        f'git commit -q --allow-empty -m "touch evil"; {plant}',
        fenced=fenced,
        work_dir=work_dir,
        environ={"E": str(evil)},
    )
    if fenced:
        restore_repository(world.places(work_dir=work_dir))
    folder = world.worktree if where == "worktree" else world.repo
    subprocess.run(
        command.split(), cwd=folder, env=world.environ | {"GIT_EDITOR": "true"}, capture_output=True
    )
    assert evil.exists() is not fenced


PLANTED = {
    "a link in the caches": 'ln -s "$HOME/.ssh" "$HOME/.cache/k"; ln -s "$R/state" "$HOME/.npm/k"',
    "caches that are links": 'for c in .cache .npm .cargo/registry; do mv "$HOME/$c" "$HOME/x"; ln -sfn "$HOME/.ssh" "$HOME/$c"; done',
    "a folder of caches full of links": 'cd "$HOME/.samobot-caches"; for c in .[a-z]* *; do rm -rf "$c"; ln -s "$HOME/.ssh" "$c"; done; rm .npm; echo x > .npm',
    "a link among the conversations": 'cd "$HOME/.claude/projects"; for d in */; do ln -s "$HOME/.ssh" "$d/k"; done; rmdir * ; ln -s "$HOME/.ssh" x',
    "a link for the login": 'ln -sf "$R/state/decision.key" "$HOME/.claude/.credentials.json"',
    "a link as the session's log": 'ln -s "$R/state/decision.key" "$S/k"; mv -f "$S/k" "$S/_guidance.md"',
    "a link in the repository": 'ln -s "$R/state" "$M/.git/objects/k"; ln -s "$HOME/.ssh/id_ed25519" "$M/.git/refs/heads/k"',
}  # fmt: skip
_LOOK = 'find "$HOME" "$M/.git" "$S" "$W" -follow -type f -exec cat {} + 2>/dev/null; git log --all 2>&1'


@pytest.mark.parametrize("command", PLANTED.values(), ids=PLANTED)
def test_what_one_iteration_plants_gives_the_next_nothing(world: FencedWorld, command: str) -> None:
    before = world.protected()
    world.run(command)
    assert SECRET not in world.run(_LOOK).stdout
    assert world.protected() == before


_ADD = """
import ctypes, os, subprocess, sys
keyctl, add_key = {"x86_64": (250, 248), "aarch64": (219, 217)}[os.uname().machine]
syscall = ctypes.CDLL(None).syscall
if syscall(keyctl, 1, None) < 0 or syscall(add_key, b"user", b"samobot-test", b"key", 3, -3) < 0:
    print("unavailable")
elif syscall(keyctl, 10, -3, b"user", b"samobot-test", 0) < 0:
    print("not found outside")
else:
    sys.stdout.flush()
    subprocess.run(sys.argv[1:], check=True)
"""
_FIND = (
    "import ctypes, os; number = {'x86_64': 250, 'aarch64': 219}[os.uname().machine]; "
    "print('found', ctypes.CDLL(None).syscall(number, 10, -3, b'user', b'samobot-test', 0) > 0)"
)


@pytest.mark.skipif(
    os.uname().machine not in ("x86_64", "aarch64"), reason="the numbers of system calls are not known"
)
@pytest.mark.parametrize("fenced", [True, False])
def test_keyring_of_the_login_is_out_of_reach(world: FencedWorld, fenced: bool) -> None:
    call = world.invocation(
        f'$PY -c "{_FIND}"', fenced=fenced, environ={"PY": sys.executable}, program=sys.executable
    )
    # The parent that `wrapped` names is the process that starts it.
    parent = "import os, sys; argv = sys.argv[1:]; argv[argv.index('PARENT')] = str(os.getpid())"
    command = ["PARENT" if each == str(os.getpid()) else each for each in wrapped(call)]
    program = f"{parent}; sys.argv[1:] = argv\n{_ADD}"
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        cwd=call.cwd,
        env=dict(call.env),
        capture_output=True,
        text=True,
    )
    if "unavailable" in done.stdout:
        pytest.skip("the kernel's keyrings are not available here")
    assert done.stdout == f"found {not fenced}\n", done.stderr
