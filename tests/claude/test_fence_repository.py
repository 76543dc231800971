"""What other agents write in git's folder is read for the fence without waiting, and not beyond any measure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import git, make_repository

_RULES = """
import resource, sys
from pathlib import Path
from samobot.claude.fence_repository import _admin_folder, _packed_branches
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
common, top = map(Path, sys.argv[1:])
print(_admin_folder(common, top).name, _packed_branches(common))
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
def test_files_of_git_that_cannot_be_read_keep_no_session_from_starting(tmp_path: Path, kind: str) -> None:
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
    assert (done.stdout, done.stderr) == ("own {}\n", "")
