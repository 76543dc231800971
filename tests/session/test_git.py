"""A repository is written by somebody else: no program that it names is run by samobot's own git."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from samobot.errors import ConflictError, UsageError
from samobot.session import tracked_files
from samobot.session.branch_point import base_of
from samobot.session.branch_state import read_branch
from samobot.session.commit_check import commit_problem
from samobot.session.diff import branch_of, checkout, diff_summary, diff_text, head
from samobot.session.git import Git, GitError
from samobot.session.git_config import Entry, harmless_text, overrides, parse_listing, untrusted_programs
from samobot.session.repository import remote_name
from samobot.session.search_path import own_environment
from samobot.session.tree_state import tree_state
from samobot.session.worktree import prepare_worktree
from tests.support.cases import for_each
from tests.support.repository import commit, git, make_repository


@dataclass(frozen=True)
class Victim:
    """A repository with a worktree, a changed file, a submodule and a remote; `evil` leaves a mark when it runs."""

    root: Path

    @property
    def repo(self) -> Path:
        return self.root / "repo"

    @property
    def worktree(self) -> Path:
        return self.root / "worktrees" / "old"

    @property
    def evil(self) -> str:
        return str(self.root / "evil")

    def has_run(self) -> bool:
        return (self.root / "mark").exists()

    def config(self, key: str, value: str) -> None:
        git(self.repo, "config", key, value)

    def attributes(self, line: str) -> None:
        (self.worktree / ".gitattributes").write_text(line + "\n")
        git(self.worktree, "add", ".gitattributes")
        git(self.worktree, "commit", "--quiet", "-m", "attributes", "--no-verify")
        git(self.repo, "push", "--quiet", "origin", "old:main")
        git(self.repo, "checkout", "--quiet", "--detach", "old")
        (self.worktree / "first").write_text("fiRst")  # of the same size: it has to be read


@pytest.fixture(scope="module")
def made_victim(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """What `victim` is, and a copy of it: a worktree cannot be moved."""
    root = tmp_path_factory.mktemp("victim") / "root"
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(root / "gitconfig"))
        patch.delenv("GIT_ALLOW_PROTOCOL", raising=False)
        make_victim(root)
    shutil.copytree(root, root.with_name("copy"), symlinks=True)
    return root, root.with_name("copy")


@pytest.fixture
def victim(made_victim: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Victim:
    root, copy = made_victim
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(root / "gitconfig"))
    monkeypatch.delenv("GIT_ALLOW_PROTOCOL", raising=False)
    shutil.rmtree(root)
    shutil.copytree(copy, root, symlinks=True)
    return Victim(root)


def make_victim(root: Path) -> None:
    git(root, "config", "--global", "protocol.file.allow", "always")
    git(root, "config", "--global", "user.name", "t")
    git(root, "config", "--global", "user.email", "t@example.org")
    evil = root / "evil"
    evil.write_text(f'#!/bin/sh\necho "$@" >> {root}/mark\nenv >> {root}/mark\nexit 1\n')
    evil.chmod(0o755)
    make_repository(root / "library")
    upstream = make_repository(root / "upstream")
    git(upstream, "config", "receive.denyCurrentBranch", "ignore")
    git(upstream, "submodule", "--quiet", "add", str(root / "library"), "library")
    git(upstream, "commit", "--quiet", "-m", "submodule")
    git(root, "clone", "--quiet", str(upstream), "repo")
    git(root / "repo", "checkout", "--quiet", "--detach")
    git(root / "repo", "worktree", "add", "--quiet", "-b", "old", str(root / "worktrees" / "old"))
    git(root / "worktrees" / "old", "submodule", "--quiet", "update", "--init")
    (root / "worktrees" / "old" / "first").write_text("fiRst")


def fsmonitor(victim: Victim) -> None:
    victim.config("core.fsmonitor", victim.evil)


def clean_filter(victim: Victim) -> None:
    victim.attributes("first filter=x")
    victim.config("filter.x.clean", victim.evil)


def required_clean_filter(victim: Victim) -> None:
    clean_filter(victim)
    victim.config("filter.x.required", "true")


def smudge_filter(victim: Victim) -> None:
    victim.attributes("first filter=x")
    victim.config("filter.x.smudge", victim.evil)


def process_filter(victim: Victim) -> None:
    victim.attributes("first filter=x")
    victim.config("filter.x.process", victim.evil)


def filter_of_odd_name(victim: Victim) -> None:
    victim.attributes("first filter=a.b=C")
    (victim.repo / ".git" / "config").open("a").write(f'[FILTER "a.b=C"]\n\tCLEAN = {victim.evil}\n')


def included_filter(victim: Victim) -> None:
    victim.attributes("first filter=x")
    (victim.repo / ".git" / "more").write_text(f'[filter "x"]\n\tclean = {victim.evil}\n')
    victim.config("include.path", "more")


def conditionally_included_filter(victim: Victim) -> None:
    victim.attributes("first filter=x")
    (victim.root / "more").write_text(f'[filter "x"]\n\tclean = {victim.evil}\n')
    victim.config(f"includeIf.gitdir:{victim.repo}/.git/worktrees/.path", str(victim.root / "more"))


def filter_of_the_worktree(victim: Victim) -> None:
    victim.attributes("first filter=x")
    victim.config("extensions.worktreeConfig", "true")
    git(victim.worktree, "config", "--worktree", "filter.x.clean", victim.evil)


def filter_in_info_attributes(victim: Victim) -> None:
    (victim.repo / ".git" / "info" / "attributes").write_text("* filter=x\n")
    victim.config("filter.x.clean", victim.evil)


def filter_of_another_repository(victim: Victim) -> None:
    """The worktree's `.git` file leads to a repository that the agent made."""
    (victim.worktree / ".gitattributes").write_text("first filter=x\n")
    if not (victim.root / "copy").exists():
        shutil.copytree(victim.repo / ".git", victim.root / "copy")
    (victim.worktree / ".git").write_text(f"gitdir: {victim.root}/copy/worktrees/old\n")
    (victim.root / "copy" / "config").open("a").write(f'[filter "x"]\n\tclean = {victim.evil}\n')


def external_diff(victim: Victim) -> None:
    victim.config("diff.external", victim.evil)


def diff_driver(victim: Victim) -> None:
    victim.attributes("first diff=x")
    victim.config("diff.x.command", victim.evil)


def text_converter(victim: Victim) -> None:
    victim.attributes("first diff=x")
    victim.config("diff.x.textconv", victim.evil)


def hooks(victim: Victim) -> None:
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit"):
        shutil.copy(victim.evil, victim.repo / ".git" / "hooks" / name)


def hooks_path(victim: Victim) -> None:
    hooks(victim)
    (victim.repo / ".git" / "hooks").rename(victim.repo / "hooks")
    victim.config("core.hooksPath", str(victim.repo / "hooks"))


def ssh_command(victim: Victim) -> None:
    victim.config("remote.origin.url", "ssh://127.0.0.1:1/x")
    victim.config("core.sshCommand", victim.evil)


def upload_pack(victim: Victim) -> None:
    victim.config("remote.origin.uploadpack", victim.evil)


def external_transport(victim: Victim) -> None:
    victim.config("remote.origin.url", f"ext::{victim.evil} x")
    victim.config("protocol.ext.allow", "always")


def rewritten_url(victim: Victim) -> None:
    victim.config("protocol.allow", "always")
    victim.config(f"url.ext::{victim.evil} .insteadOf", str(victim.root / "upstream"))


def git_proxy(victim: Victim) -> None:
    victim.config("remote.origin.url", "git://127.0.0.1:1/x")
    victim.config("core.gitProxy", victim.evil)


def alternate_refs(victim: Victim) -> None:
    commit(victim.root / "upstream", "newer")
    (victim.repo / ".git" / "objects" / "info" / "alternates").write_text(
        f"{victim.root}/upstream/.git/objects\n"
    )
    victim.config("core.alternateRefsCommand", victim.evil)


def remote_named_like_an_option(victim: Victim) -> None:
    git(victim.repo, "remote", "remove", "origin")
    config = victim.repo / ".git" / "config"
    config.write_text(
        config.read_text() + f'[remote "--upload-pack={victim.evil}"]\n\turl = {victim.root}/upstream\n'
    )


def program_of_a_submodule(victim: Victim) -> None:
    git(victim.worktree / "library", "config", "core.fsmonitor", victim.evil)


def filter_of_a_submodule(victim: Victim) -> None:
    library = victim.worktree / "library"
    (library / ".gitattributes").write_text("* filter=x\n")
    (library / "first").write_text("fiRst")
    git(library, "config", "filter.x.clean", victim.evil)


def update_of_a_submodule(victim: Victim) -> None:
    victim.config("submodule.library.update", f"!{victim.evil}")
    victim.config("submodule.library.url", str(victim.root / "library"))


def missing_objects(victim: Victim) -> None:
    """A blob that is missing is fetched from the promisor, also by a diff."""
    victim.config("core.repositoryFormatVersion", "1")
    victim.config("extensions.partialClone", "far")
    victim.config("remote.far.promisor", "true")
    victim.config("remote.far.url", str(victim.root / "upstream"))
    victim.config("remote.far.uploadpack", victim.evil)
    blob = git(victim.repo, "rev-parse", "HEAD:first")
    (victim.repo / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


def signature(victim: Victim) -> None:
    victim.config("commit.gpgSign", "true")
    victim.config("gpg.program", victim.evil)


def signature_of_another_format(victim: Victim) -> None:
    victim.config("commit.gpgSign", "true")
    victim.config("gpg.format", "ssh")
    victim.config("gpg.ssh.program", victim.evil)
    victim.config("user.signingKey", "key::ssh-ed25519 AAAA")


def smudge_filter_for_new_worktrees_alone(victim: Victim) -> None:
    """A condition that holds in no checkout that exists when the configuration is listed."""
    victim.attributes("first filter=x")
    (victim.root / "more").write_text(f'[filter "x"]\n\tsmudge = {victim.evil}\n')
    for condition in ("onbranch:new", f"gitdir:{victim.repo}/.git/worktrees/new/"):
        victim.config(f"includeIf.{condition}.path", str(victim.root / "more"))


def smudge_filter_that_new_worktrees_inherit(victim: Victim) -> None:
    """`git worktree add` copies the main worktree's own configuration."""
    victim.attributes("first filter=x")
    victim.config("extensions.worktreeConfig", "true")
    git(victim.repo, "config", "--worktree", "filter.x.smudge", victim.evil)


def attributes_of_a_file_outside(victim: Victim) -> None:
    (victim.root / "attributes").write_text("* filter=x diff=x\n")
    victim.config("core.attributesFile", str(victim.root / "attributes"))
    victim.config("filter.x.clean", victim.evil)


STATUS = ("status", "--short")
FETCH = ("fetch", "--quiet")
ADD = ("worktree", "add", "../other")
DIFF = ("diff",)
COMMIT = ("commit", "--allow-empty", "-qm", "x")
HOSTILE: list[tuple[Callable[[Victim], None], tuple[str, ...]]] = [
    (fsmonitor, STATUS),
    (clean_filter, STATUS),
    (required_clean_filter, STATUS),
    (smudge_filter, ADD),
    (process_filter, STATUS),
    (filter_of_odd_name, STATUS),
    (included_filter, STATUS),
    (conditionally_included_filter, STATUS),
    (filter_of_the_worktree, STATUS),
    (filter_in_info_attributes, STATUS),
    (filter_of_another_repository, STATUS),
    (smudge_filter_for_new_worktrees_alone, ("worktree", "add", "--force", "../third", "new")),
    (smudge_filter_that_new_worktrees_inherit, ADD),
    (attributes_of_a_file_outside, STATUS),
    (external_diff, DIFF),
    (diff_driver, DIFF),
    (text_converter, DIFF),
    (hooks, ADD),
    (hooks_path, ADD),
    (ssh_command, FETCH),
    (upload_pack, FETCH),
    (external_transport, FETCH),
    (rewritten_url, FETCH),
    (git_proxy, FETCH),
    (alternate_refs, FETCH),
    (program_of_a_submodule, STATUS),
    (filter_of_a_submodule, STATUS),
    (update_of_a_submodule, ("submodule", "update", "--force")),
    (missing_objects, DIFF),
    (signature, COMMIT),
    (signature_of_another_format, COMMIT),
]


def run_everything(victim: Victim) -> None:
    """Everything for which samobot runs git, in the worktree and in the main repository."""
    for folder in (victim.worktree, victim.repo):
        tree_state(folder)
        checkout(folder)
        head(folder)
        branch_of(folder)
        base = base_of(folder)
        with contextlib.suppress(ConflictError):
            diff_summary(folder, base)
        diff_text(folder, base)
        commit_problem(folder)
        held = tracked_files.hold(folder, victim.root / "patch")
        if held is not None:
            tracked_files.restore(held)
    for name in ("old", "new"):
        try:
            prepare_worktree(victim.repo, victim.root / "worktrees", name)
        except UsageError:
            pass  # what cannot be had without the program is an error, not a reason to run it


@pytest.mark.slow
@pytest.mark.parametrize(("attack", "trigger"), HOSTILE, ids=[attack.__name__ for attack, _ in HOSTILE])
def test_git_runs_no_program_that_the_repository_names(
    victim: Victim, attack: Callable[[Victim], None], trigger: tuple[str, ...]
) -> None:
    attack(victim)
    (victim.root / "mark").unlink(missing_ok=True)  # setting it up may have set it off
    run_everything(victim)
    assert not victim.has_run()
    if attack is filter_of_another_repository:
        attack(victim)  # git has led the worktree back to its repository
    where = victim.repo if trigger in (FETCH, ADD) else victim.worktree
    subprocess.run(["git", *trigger], cwd=where, capture_output=True)
    assert victim.has_run()  # git as it is would have run it


@pytest.mark.slow
def test_program_named_after_the_configuration_was_read_does_not_run(
    victim: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim.attributes("first filter=x diff=x")
    config = victim.repo / ".git" / "config"
    before = config.read_bytes()
    read = Git.configuration

    def read_and_change(git: Git) -> list[Entry]:
        config.write_bytes(before)
        entries = read(git)
        for key in ("filter.x.clean", "filter.x.smudge", "diff.x.textconv", "core.sshCommand", "gpg.program"):
            victim.config(key, victim.evil)
        victim.config("filter.x.required", "true")
        victim.config("credential.helper", f"!{victim.evil}")
        victim.config("remote.origin.uploadpack", victim.evil)
        victim.config("commit.gpgSign", "true")
        return entries

    monkeypatch.setattr(Git, "configuration", read_and_change)
    run_everything(victim)
    assert not victim.has_run()
    assert "first" in Git(victim.worktree).run("status", "--porcelain")
    assert (victim.root / "worktrees" / "new" / "first").read_text() == "first"


def test_several_calls_look_at_the_configuration_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_repository(tmp_path / "repo")
    commands: list[str] = []
    read = Git._read

    def note(git: Git, arguments: tuple[str, ...], *rest: object) -> bytes:
        commands.append(arguments[0])
        return read(git, arguments, *rest)  # type: ignore[arg-type]

    environments: list[Path] = []

    def note_environment(environ: Mapping[str, str], *folders: Path) -> dict[str, str]:
        environments.append(folders[0])
        return own_environment(environ, *folders)

    monkeypatch.setattr(Git, "_read", note)
    monkeypatch.setattr("samobot.session.git_environment.own_environment", note_environment)
    tree_state(repo)
    assert commands == ["config", "status", "ls-files", "for-each-ref"]
    assert environments == [repo]
    commands.clear()
    assert base_of(repo) == head(repo)
    assert commands == ["config", "rev-parse", "merge-base", "config", "rev-parse"]
    commands.clear()
    made = prepare_worktree(repo, tmp_path / "worktrees", "greet").path
    assert (commands.count("config"), len(commands) > 12) == (
        3,
        True,
    )  # in MAIN_REPO, its top, and the worktree
    commands.clear()
    read_branch(repo, made)
    assert (commands.count("config"), len(commands) > 12) == (4, True)  # and what is checked out of the base
    commands.clear()
    git = Git(repo)
    assert git.run("rev-parse", "HEAD") == git.run("rev-parse", "main")
    assert commands == ["config", "rev-parse"] * 2


def test_branches_begin_at_origin_or_else_at_the_first_remote(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo")
    git(repo, "config", "remote.pushDefault", "a")
    found = [remote_name(Git(repo))]
    for name in ("z", "b.c", "origin"):
        git(repo, "remote", "add", name, "elsewhere")
        found.append(remote_name(Git(repo)))
    assert found == [None, "z", "b.c", "origin"]


def test_configuration_is_kept_but_for_programs(tmp_path: Path) -> None:
    entries = [
        Entry("core.repositoryformatversion", "0", trusted=False),
        Entry("core.abbrev", None, trusted=False),
        Entry('branch.a "b\\.c.description', ' two\nlines\t"quoted" \\ # ; ', trusted=False),
        Entry("branch.Upper.merge", "", trusted=False),
        Entry("user.name", "of the user", trusted=True),
        Entry("filter.x.clean", "program", trusted=False),
        Entry("include.path", "elsewhere", trusted=False),
        Entry("includeif.gitdir:/x.path", "elsewhere", trusted=False),
    ]
    (tmp_path / "config").write_text(harmless_text(entries))
    listing = git(tmp_path, "config", "--file", "config", "--list", "--show-scope", "-z", "--no-includes")
    assert [(each.key, each.value) for each in parse_listing(listing)] == [
        (each.key, each.value) for each in entries[:4]
    ]


@pytest.mark.slow
def test_git_takes_no_option_from_the_name_of_a_remote(victim: Victim) -> None:
    remote_named_like_an_option(victim)
    run_everything(victim)
    assert not victim.has_run()
    name = git(victim.repo, "remote").splitlines()[0]
    subprocess.run(["git", "ls-remote", name], cwd=victim.repo, capture_output=True)
    assert victim.has_run()


class Unauthorized(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def unauthorized() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Unauthorized) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("key", ["credential.helper", "credential.{url}.helper"])
def test_only_credential_helpers_of_the_user_are_asked(victim: Victim, unauthorized: str, key: str) -> None:
    victim.config("remote.origin.url", f"{unauthorized}/x.git")
    victim.config(key.format(url=unauthorized), f"!{victim.evil}")
    own = victim.root / "own"
    own.write_text(f"#!/bin/sh\ntouch {victim.root}/asked\n")
    own.chmod(0o755)
    git(victim.root, "config", "--global", f"credential.{unauthorized}.helper", f"!{own}")
    run_everything(victim)
    assert not victim.has_run()
    assert (victim.root / "asked").exists()
    subprocess.run(
        ["git", *FETCH], cwd=victim.repo, capture_output=True, env=os.environ | {"GIT_TERMINAL_PROMPT": "0"}
    )
    assert victim.has_run()


DIVERSIONS = [
    ("http.proxy", "{proxy}"),
    ("http.http://example.invalid/.proxy", "{proxy}"),
    ("remote.origin.proxy", "{proxy}"),
    ("http.sslVerify", "false"),
    ("http.cookieFile", "/dev/null"),
]


@pytest.mark.parametrize(("key", "value"), DIVERSIONS)
def test_no_remote_is_contacted_with_credentials_where_the_repository_could_divert_them(
    key: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    victim = Victim(tmp_path)
    make_repository(victim.repo)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        victim.config("remote.origin.url", f"{address}/x.git")
        victim.config("remote.origin.promisor", "true")
        victim.config("extensions.partialClone", "origin")
        victim.config(key, value.format(proxy=address))
        git_there = Git(victim.repo)
        with pytest.raises(GitError, match="could send your credentials elsewhere"):
            git_there.run("ls-remote", "origin", timeout=2)
        for command in ("cat-file", "log"):  # an object that a partial clone lacks
            assert git_there.attempt(command, "-p", "1" * 40, timeout=2) is None
        note = prepare_worktree(victim.repo, victim.root / "worktrees", "new", network_timeout=2).note
        assert key.lower() in note
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert key.lower() not in harmless_text(git_there.configuration())


def test_command_that_waits_for_a_remote_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.git"
        script = (
            "import sys; from pathlib import Path; from samobot.session.git import Git; "
            "Git(Path(sys.argv[1])).run('ls-remote', sys.argv[2])"
        )
        with subprocess.Popen([sys.executable, "-c", script, str(repository), address]) as worker:
            connection, _ = server.accept()
            worker.kill()
        with connection:
            connection.settimeout(30)
            while connection.recv(4096):
                pass


def test_what_only_tunes_a_transfer_is_kept(victim: Victim) -> None:
    victim.config("http.postBuffer", "1000")
    assert "postbuffer" in harmless_text(Git(victim.repo).configuration())
    assert Git(victim.repo).ok("ls-remote", "origin")


@pytest.fixture
def own_filter(victim: Victim) -> str:
    """A filter of the user's own configuration, as git-lfs is; what it makes of a file is in upper case."""
    program = victim.root / "own"
    program.write_text(f"#!/bin/sh\nenv > {victim.root}/environment\ntr a-z A-Z\n")
    program.chmod(0o755)
    git(victim.root, "config", "--global", "filter.lfs.smudge", str(program))
    git(victim.root, "config", "--global", "filter.lfs.clean", "cat")
    git(victim.root, "config", "--global", "filter.lfs.required", "true")
    return str(program)


@pytest.mark.parametrize("named_again", [False, True])
def test_filters_of_the_user_run_also_if_the_repository_names_others_for_them(
    victim: Victim, own_filter: str, named_again: bool
) -> None:
    victim.attributes("first filter=lfs")
    (victim.worktree / "first").write_text("contents")
    git(victim.worktree, "commit", "--quiet", "-am", "contents")
    git(victim.repo, "push", "--quiet", "origin", "old:main")
    if named_again:
        victim.config("filter.lfs.smudge", victim.evil)
    made = prepare_worktree(victim.repo, victim.root / "worktrees", "new")
    assert (made.path / "first").read_text() == "CONTENTS"
    assert not victim.has_run()


def test_git_gets_no_secret_of_the_environment(
    victim: Victim, own_filter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = ("TELEGRAM_BOT_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN",
               "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "MY_PASSWORD")  # fmt: skip
    for name in secrets:
        monkeypatch.setenv(name, "sesame")
    victim.attributes("first filter=lfs")
    monkeypatch.setenv("GIT_TRACE", str(victim.root / "trace"))
    prepare_worktree(victim.repo, victim.root / "worktrees", "new")
    environment = (victim.root / "environment").read_text()
    assert "sesame" not in environment
    assert f"HOME={os.environ['HOME']}\n" in environment
    assert not (victim.root / "trace").exists()


@pytest.mark.parametrize(
    ("place", "entry"),
    [
        (".venv/bin", "{worktree}/.venv/bin"),
        (".", "."),
        (".", ""),
        (".", "{worktree}"),
        ("tools", "{worktree}/../old/tools"),
        ("tools", "/{worktree}//tools"),
        ("tools", "{root}/link"),
        ("../../repo/.venv/bin", "{root}/repo/.venv/bin"),
    ],
)
def test_programs_of_the_repository_do_not_stand_in_for_git(
    victim: Victim, monkeypatch: pytest.MonkeyPatch, place: str, entry: str
) -> None:
    (victim.worktree / place).mkdir(parents=True, exist_ok=True)
    shutil.copy(victim.evil, victim.worktree / place / "git")
    (victim.root / "link").symlink_to(victim.worktree / "tools")
    (victim.worktree / "src").mkdir()
    first = entry.format(worktree=victim.worktree, root=victim.root)
    monkeypatch.setenv("PATH", f"{first}:{os.environ['PATH']}")
    monkeypatch.chdir(victim.worktree)
    for folder in (victim.worktree, victim.worktree / "src"):
        assert checkout(folder).branch == "old"
    assert not victim.has_run()


def test_a_configuration_that_is_too_large_is_refused(victim: Victim) -> None:
    config = victim.repo / ".git" / "config"
    with config.open("a") as file:
        file.write("[x]\n" + "\ty = zzzzzzzzzzzzzzzzzzzzzzzzzzzzz\n" * 200_000)
    with pytest.raises(GitError, match="configuration"):
        Git(victim.repo).run("status")


def test_a_configuration_with_thousands_of_programs_is_refused() -> None:
    entries = [Entry(f"filter.{number}.clean", "evil", trusted=False) for number in range(2001)]
    with pytest.raises(UsageError, match="2001 programs"):
        overrides(entries)


@for_each(
    "key",
    [
        *(
            "core.sshcommand",
            "core.editor",
            "core.askpass",
            "core.gitproxy",
            "sequence.editor",
            "diff.external",
        ),
        *("diff.a.b.textconv", "diff.x.command", "merge.x.driver", "mergetool.x.cmd", "difftool.x.path"),
        *(
            "filter.a\nb.process",
            "gpg.program",
            "alias.st",
        ),
        *(
            "gpg.ssh.program",
            "gpg.ssh.defaultkeycommand",
            "interactive.difffilter",
            "uploadpack.packobjectshook",
        ),
        *("gc.recentobjectshook", "trailer.x.cmd", "hook.mine.command", "init.templatedir"),
        *("lfs.customtransfer.x.path", "lfs.extension.x.clean", "lfs.https://h.standalonetransferagent"),
        *(
            "pager.log",
            "browser.x.path",
            "sendemail.tocmd",
            "new.thing-command",
            "imap.tunnel",
            "tar.x.command",
        ),
    ],
)
def test_a_key_that_names_a_program_is_overridden_unless_it_is_the_users(key: str) -> None:
    theirs, own = Entry(key, "evil", trusted=False), Entry(key, "own", trusted=True)
    assert untrusted_programs([theirs]) == [key]
    assert untrusted_programs([own]) == []
    found = [value for name, value in overrides([theirs]) if name == key]
    assert found
    assert "evil" not in found
    assert [value for name, value in overrides([own, theirs]) if name == key][-1] == "own"


@pytest.mark.parametrize(
    "key", ["user.name", "core.autocrlf", "remote.origin.url", "http.proxy", "branch.main.merge", "lfs.url"]
)
def test_a_key_that_names_no_program_is_left_alone(key: str) -> None:
    assert untrusted_programs([Entry(key, "x", trusted=False)]) == []


@pytest.mark.parametrize("name", ["uploadpack", "receivepack", "vcs"])
def test_a_remote_whose_program_the_repository_names_cannot_be_used(name: str) -> None:
    found = dict(overrides([Entry(f"remote.a.b.{name}", "evil", trusted=False)]))
    assert found["remote.a.b.vcs"].startswith("refused")


def test_credential_helpers_of_the_repository_are_cleared_and_those_of_the_user_kept_in_order() -> None:
    entries = [
        Entry("credential.helper", "one", trusted=True),
        Entry("credential.https://x.helper", "two", trusted=True),
        Entry("credential.https://x.helper", "evil", trusted=False),
    ]
    found = [item for item in overrides(entries) if item[0].startswith("credential.")]
    assert found == [
        ("credential.helper", ""),
        ("credential.helper", "one"),
        ("credential.https://x.helper", "two"),
    ]


def test_a_listing_is_parsed_with_odd_values_and_a_cut_one_refused() -> None:
    listing = "global\0a.b\nx\ny\0local\0filter.a=b.clean\nc\0worktree\0core.bare\0"
    assert parse_listing(listing) == [
        Entry("a.b", "x\ny", trusted=True),
        Entry("filter.a=b.clean", "c", trusted=False),
        Entry("core.bare", None, trusted=False),
    ]
    for cut in (listing[:-1], listing[:30], "local\0"):
        with pytest.raises(ValueError, match="incomplete"):
            parse_listing(cut)


def test_commit_is_shown_as_it_is_and_not_as_a_written_commit_graph_has_it(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo")
    good = git(repo, "rev-parse", "HEAD^{tree}")
    commit(repo, "evil")
    git(repo, "commit-graph", "write", "--reachable")
    graph = repo / ".git" / "objects" / "info" / "commit-graph"
    written = graph.read_bytes().replace(
        bytes.fromhex(git(repo, "rev-parse", "HEAD^{tree}")), bytes.fromhex(good)
    )
    graph.chmod(0o600)
    graph.write_bytes(written)
    assert git(repo, "log", "-1", "--format=", "--raw") == ""  # what the graph is for
    assert "evil" in Git(repo).run("log", "-1", "--format=", "--raw")
    assert "+evil" in Git(repo).run("diff", "HEAD~1", "HEAD")
