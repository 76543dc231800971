"""A machine in a folder: a home with secrets, a repository with a worktree, sessions; and commands run inside the fence."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samobot.claude.fence import fence
from samobot.claude.fence_places import FencePlaces
from samobot.claude.fence_probe import env_resets_signals, find_bwrap
from samobot.claude.fence_rules import fence_rules
from samobot.claude.invocation import Invocation
from samobot.claude.spawn import wrapped
from samobot.session.repository import find_repository
from tests.support.repository import remove_sample_hooks

SECRET = "the-secret-of-this-machine"

_FILES = {
    "home/.ssh/id_ed25519": SECRET,
    "home/.aws/credentials": SECRET,
    "home/.netrc": SECRET,
    "home/.git-credentials": SECRET,
    "home/.gnupg/private-keys-v1.d/key": SECRET,
    "home/.mozilla/firefox/profile/logins.json": SECRET,
    "home/.config/google-chrome/Default/Cookies": SECRET,
    "home/.config/gh/hosts.yml": SECRET,
    "home/.config/samobot/.env": f"TELEGRAM_BOT_TOKEN={SECRET}",
    "home/.bashrc": "# shell",
    "home/.gitconfig": "[user]\n\tname = Test\n\temail = test@example.invalid\n",
    "home/.local/bin/tool": "#!/bin/sh\n",
    "home/.claude/settings.json": "{}",
    "home/.claude/CLAUDE.md": "Be kind.",
    "home/.claude/projects/-other/talk.jsonl": SECRET,
    "home/.claude/.credentials.json": '{"login": 1}',
    "home/.claude.json": '{"mcpServers": {}}',
    "state/decision.key": SECRET,
    "state/samobot.db": SECRET,
    "other/sessions/26-01-01-x/_overview.md": SECRET,
    "demo/.samocode": "MAIN_REPO=.\n",
    "demo/.env": "the project's own",
    "sessions/26-01-01-greet/_overview.md": "# Session: greet\n",
    "sessions/26-01-01-greet/_decisions.jsonl": "{}\n",
    "sessions/26-01-01-greet/_guidance.md": "- [ ] owner: go\n",
    "sessions/26-01-01-greet/_logs/journal.jsonl": "{}\n",
    "sessions/26-01-01-greet/_logs/control.json": "{}\n",
}

_MAY_CHANGE = (
    "demo/.git/objects/",
    "demo/.git/refs/",
    "demo/.git/logs/",
    "demo/.git/worktrees/greet/",
    "worktrees/greet/",
    "sessions/26-01-01-greet/",
    "state/fence/",
    "home/.claude/.credentials.json",
    "home/.claude/projects/",
)
_MUST_STAY = (
    "demo/.git/refs/heads/main",
    "demo/.git/worktrees/greet/commondir",
    "demo/.git/worktrees/greet/gitdir",
    "demo/.git/worktrees/greet/samobot-setup-done",
    "worktrees/greet/.git",
    "sessions/26-01-01-greet/_decisions.jsonl",
    "sessions/26-01-01-greet/_guidance.md",
    "sessions/26-01-01-greet/_logs/",
    "home/.claude/projects/-other/",
)


@dataclass(frozen=True, slots=True)
class FencedWorld:
    """Everything below one folder.

    Attributes:
        root: The folder.
    """

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def repo(self) -> Path:
        return self.root / "demo"

    @property
    def worktree(self) -> Path:
        return self.root / "worktrees" / "greet"

    @property
    def session(self) -> Path:
        return self.root / "sessions" / "26-01-01-greet"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of programs in this world."""
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home}/.local/bin:{os.environ['PATH']}",
            "GIT_CONFIG_NOSYSTEM": "1",
            "R": str(self.root),
            "W": str(self.worktree),
            "S": str(self.session),
            "M": str(self.repo),
        }

    def places(self, **changes: object) -> FencePlaces:
        """The places of an iteration here."""
        scratch, caches = self.state / "fence" / "scratch", self.state / "fence" / "caches"
        shutil.rmtree(scratch, ignore_errors=True)
        for folder in (scratch, caches):
            folder.mkdir(parents=True, exist_ok=True)
        repository = find_repository(Path(str(changes.get("main_repo", self.repo))))
        values: dict[str, object] = {
            "home": self.home,
            "main_repo": self.repo,
            "repository": (repository.git.folder, repository.common) if repository is not None else None,
            "work_dir": self.worktree,
            "worktrees": self.root / "worktrees",
            "session": self.session,
            "scratch": scratch,
            "caches": caches,
            "secrets": (self.state, self.home / ".config" / "samobot"),
            "others": (self.root / "other" / "sessions",),
            "program": "/bin/sh",
            **changes,
        }
        return FencePlaces(**values)  # type: ignore[arg-type]

    def invocation(
        self,
        command: str,
        *,
        fenced: bool,
        environ: Mapping[str, str] | None = None,
        env_resets: bool = True,
        given: Callable[[dict[str, str]], dict[str, str]] = dict,
        **changes: Any,
    ) -> Invocation:
        """A shell command in the place of the CLI; `given` makes its environment out of the user's."""
        places = self.places(**changes)
        plain = Invocation(
            argv=("/bin/sh", "-c", command),
            cwd=places.work_dir,
            env=given(self.environ | dict(environ or {})),
            stdin=b"",
            log=self.session / "_logs" / "001.jsonl",
            session_id="s",
        )
        if not fenced:
            return plain
        bwrap = find_bwrap(os.environ)
        assert bwrap is not None
        rules = fence_rules(places, plain.env)
        return fence(plain, rules, bwrap, env_resets=env_resets and env_resets_signals(plain.env["PATH"]))

    def run(
        self,
        command: str,
        *,
        fenced: bool = True,
        environ: Mapping[str, str] | None = None,
        **changes: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the worktree, inside the fence as the CLI is run."""
        call = self.invocation(command, fenced=fenced, environ=environ, **changes)
        return subprocess.run(
            wrapped(call) if fenced else call.argv,
            cwd=call.cwd,
            env=dict(call.env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
            start_new_session=True,
        )

    def protected(self) -> dict[str, str]:
        """A digest of each file that no agent may change."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            free = name.startswith(_MAY_CHANGE) and not name.startswith(_MUST_STAY)
            if not free and (path.is_symlink() or path.is_file()):
                content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
                found[name] = f"{path.lstat().st_mode:o} {hashlib.sha256(content).hexdigest()}"
        return found


def make_world(root: Path) -> FencedWorld:
    """Make the world in an empty folder."""
    world = FencedWorld(root)
    for name, content in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "home/.local/bin/tool").chmod(0o755)

    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", *arguments], cwd=world.repo, env=world.environ, check=True, capture_output=True
        )

    git("init", "--quiet", "--initial-branch=main")
    remove_sample_hooks(world.repo / ".git")
    (world.repo / "README.md").write_text("# demo\n")
    git("add", "README.md")
    git("commit", "--quiet", "-m", "Begin")
    git("worktree", "add", "--quiet", "-b", "greet", str(world.worktree))
    (world.repo / ".git/worktrees/greet/samobot-setup-done").touch()
    return world
