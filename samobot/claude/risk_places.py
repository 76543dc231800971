"""Where a call of a tool may write without being risky, and which files are secrets. Pure: nothing is looked up."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

from samobot.frozen import frozen
from samobot.regex import regex

_SCRATCH = ("/tmp", "/var/tmp", "/dev")  # noqa: S108

_SECRET = regex(
    r"(?:^|/)(?:"
    r"\.ssh|\.aws|\.azure|\.gnupg|\.kube|\.password-store|\.docker/config\.json|\.config/(?:gcloud|gh|glab-cli|samobot|op)"
    r"|\.netrc|\.npmrc|\.pypirc|\.pgpass|\.my\.cnf|\.git-credentials|\.claude/\.credentials\.json|\.vault-token"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)|[^/]*\.(?:pem|p12|pfx|keystore|jks|kdbx)"
    r"|\.env(?:\.(?!example$|sample$|template$|dist$|test$)[^/]*)?"
    r")(?:$|/)"
    r"|^/etc/(?:shadow|gshadow|sudoers)|^/proc/[^/]+/(?:environ|mem)$"
)

_RUNS_LATER = regex(
    r"(?:^|/)(?:\.git/(?:config|hooks|info)|\.claude/settings[^/]*\.json|\.claude/(?:hooks|agents|commands|skills)|\.mcp\.json"
    r"|\.envrc|\.husky|\.vscode/tasks\.json|\.github/workflows|\.gitlab-ci\.yml|\.samocode"
    r"|\.bashrc|\.bash_profile|\.profile|\.zshrc|\.zprofile|\.gitconfig)(?:$|/)"
)


_BRACES = regex(r"[{},]")
_GLOB = regex(r"[*?]|\[[^]]*\]")
_SECRET_NAMES = (
    ".aws", ".env", ".git-credentials", ".gnupg", ".netrc", ".npmrc", ".pgpass", ".pypirc", ".ssh", "id_ecdsa", "id_ed25519",
    "id_rsa",
)  # fmt: skip
"""What a pattern is held against."""
_LITERAL = 3
"""Characters that a pattern has to name itself: `*` would match anything."""


@frozen
class RiskPlaces:
    """The folders of one iteration; all absolute.

    Attributes:
        work_dir: Where the agent works.
        session: The session's folder.
        scratch: Further folders in which files come and go, such as `TMPDIR`.
        kept: Names of the session's files that only samobot writes.
    """

    work_dir: Path
    session: Path
    scratch: tuple[Path, ...] = ()
    kept: tuple[str, ...] = ("_decisions.jsonl", "_guidance.md", "_logs")

    def absolute(self, path: str, base: str | None = None) -> str | None:
        """A path as the agent means it.

        Args:
            path: The path; one in the home begins with `~`.
            base: Where a relative one begins; None is the working directory.

        Returns:
            None if it is not known where it leads.
        """
        if not path or "\0" in path:
            return None
        if path.startswith("~"):
            return path
        return os.path.normpath(os.path.join(base or os.fspath(self.work_dir), path))

    def is_own(self, path: str) -> bool:
        """Whether an absolute path is in the project, the session or a scratch folder."""
        own = (os.fspath(self.work_dir), os.fspath(self.session), *_SCRATCH, *map(os.fspath, self.scratch))
        return any(_is_in(path, folder) for folder in own)

    def is_of_session(self, path: str) -> bool:
        """Whether a path is one of the session's files that the agent writes, or in a scratch folder."""
        session = os.fspath(self.session)
        if _is_in(path, session):
            return not any(_is_in(path, f"{session}/{name}") for name in self.kept)
        scratch = (*_SCRATCH, *map(os.fspath, self.scratch))
        inside_work = _is_in(path, os.fspath(self.work_dir))
        return not inside_work and any(_is_in(path, folder) for folder in scratch)

    def is_kept(self, path: str) -> bool:
        """Whether a path is a file of the session that only samobot writes."""
        return any(_is_in(path, f"{self.session}/{name}") for name in self.kept)


def is_secret(path: str) -> bool:
    """Whether a path, or what the shell makes of it, looks like a key, a password or a login."""
    if "{" in path:
        path = "/".join(_BRACES.split(path))
    return _SECRET.search(path) is not None or any(map(_matches_secret, path.split("/")))


def _matches_secret(pattern: str) -> bool:
    literal = _GLOB.sub("", pattern)
    if literal == pattern or len(literal) < _LITERAL:
        return False
    return any(
        fnmatchcase(name, pattern) and (name[0] == pattern[0] or name[0] != ".") for name in _SECRET_NAMES
    )


def runs_later(path: str) -> bool:
    """Whether other programs run what is written there: hooks, settings, pipelines."""
    return _RUNS_LATER.search(path) is not None


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
