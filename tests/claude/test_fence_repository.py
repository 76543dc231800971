"""What other agents write in git's folder is read for the fence without waiting, and not beyond any measure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from samobot.claude.fence_repository import _branches_of_others
from tests.support.repository import git, make_repository

_RULES = """
import resource, sys
from pathlib import Path
from samobot.claude.fence_repository import _admin_folder, _packed_branches
from samobot.errors import UsageError
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
common, top = map(Path, sys.argv[1:])
print(_admin_folder(common, top).name)
try:
    print(_packed_branches(common))
except UsageError as error:
    print(error.message)
"""


def make_unreadable(path: Path, kind: str) -> None:
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "sparse":
            with path.open("wb") as file:
                file.truncate(100 * 2**30)
        case "nul":
            path.write_bytes(b"/\0/.git\n")
        case _:
            path.mkdir()


@pytest.mark.parametrize("kind", ["pipe", "sparse", "nul", "folder"])
def test_files_of_git_that_cannot_be_read_are_not_waited_for(tmp_path: Path, kind: str) -> None:
    common = make_repository(tmp_path / "repo") / ".git"
    top = tmp_path / "worktrees" / "own"
    git(tmp_path / "repo", "worktree", "add", "--quiet", "-b", "own", str(top))
    (common / "worktrees" / "another").mkdir()
    make_unreadable(common / "worktrees" / "another" / "gitdir", kind)
    make_unreadable(common / "packed-refs", kind)
    done = subprocess.run(
        [sys.executable, "-c", _RULES, str(common), str(top.resolve())],
        capture_output=True,
        text=True,
        timeout=60,
    )
    own, references = done.stdout.splitlines()
    assert (own, done.stderr) == ("own", "")
    # Without packed references that can be read, branches of others would be open.
    assert references == "{}" if kind == "nul" else str(common / "packed-refs") in references


def test_branches_of_others_are_found_whatever_bytes_their_names_have(tmp_path: Path) -> None:
    common = make_repository(tmp_path / "repo") / ".git"
    head = git(tmp_path / "repo", "rev-parse", "HEAD").strip()
    (common / "packed-refs").write_bytes(f"{head} refs/heads/gr".encode() + b"\xfc\xdfe\n")
    (common / "worktrees" / "other").mkdir(parents=True)
    (common / "worktrees" / "other" / "HEAD").write_bytes(b"ref: refs/heads/gr\xfc\xdfe\n")
    (common / "worktrees" / "another").mkdir()
    (common / "worktrees" / "another" / "HEAD").write_bytes(b"ref: refs/heads/a\0b\n")
    found = {path.name for path in _branches_of_others(common, common / "worktrees" / "own")}
    assert found == {"main", os.fsdecode(b"gr\xfc\xdfe")}
