"""Pushing a session's branch with the user's own credentials: exactly the commit that was shown, never by force."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from samobot.errors import ConflictError
from samobot.frozen import frozen
from samobot.session.branch_state import BranchState
from samobot.session.git import Git, GitError
from samobot.session.git_config import diversion, diverting_keys, overrides
from samobot.session.repository import GitRepository, remote_name

_LOOK_S = 30.0
_PUSH_S = 300.0

# Keys of a repository's own configuration that lead a push elsewhere, beside those that any connection is refused for.
_DIVERTS = re.compile(r"url\..*|remote\..*\.(mirror|vcs|receivepack)", re.DOTALL)

# Besides what every git command gets, for the other side of a push within this machine.
_RECEIVE = (("receive.denyCurrentBranch", "refuse"), ("receive.autogc", "false"))


@frozen
class PushTarget:
    """Where a branch would be pushed to.

    Attributes:
        remote: The remote's name.
        address: Its address, for display: without credentials.
        head: The commit that the branch has there; None if it does not exist there.
        problem: Why it cannot be pushed now, as a sentence; empty if it can.
        configured: The address as the repository's configuration has it, without credentials: git may rewrite it.
    """

    remote: str
    address: str
    head: str | None = None
    problem: str = ""
    configured: str = ""


def read_target(state: BranchState) -> PushTarget | None:
    """Ask the remote about a branch; None if there is no remote. Takes up to half a minute."""
    git = state.repository.git.for_several()
    try:
        remote = remote_name(git)
        if remote is None:
            return None
        address = _address(git, remote)
        configured = without_credentials(_configured(git, remote) or address)
    except GitError as failure:
        return PushTarget("", "", problem=f"git cannot read the remote: {failure.message}")
    shown = without_credentials(address)
    diverting = _diverting_keys(git)
    if diverting:
        return PushTarget(
            remote,
            shown,
            problem=diversion(diverting[0]),
        )
    try:
        listing = git.run("ls-remote", remote, f"refs/heads/{state.name}", timeout=_LOOK_S)
    except GitError as failure:
        return PushTarget(
            remote, shown, problem=f"{remote} cannot be reached: {_clean(failure.message, address)}"
        )
    head = next(
        (line.split("\t")[0] for line in listing.splitlines() if line.endswith(f"\trefs/heads/{state.name}")),
        None,
    )
    return PushTarget(remote, shown, head, _problem(git, state, remote, head), configured)


def remote_address(repository: GitRepository) -> str:
    """Return the address of a repository's remote, as configured and without credentials; empty if there is none.

    Raises:
        ConflictError: It has several.
    """
    git = repository.git.for_several()
    try:
        remote = remote_name(git)
        if remote is None:
            return ""
        return without_credentials(_configured(git, remote) or _address(git, remote))
    except GitError:
        return ""


def push(state: BranchState, target: PushTarget) -> None:
    """Push the branch's commit; no other commits are overwritten.

    Raises:
        ConflictError: The remote refuses, or cannot be reached.
    """
    git = state.repository.git.for_several()
    try:
        refspec = f"{state.head}:refs/heads/{state.name}"
        git.run("push", *receive_options(git, target.remote), target.remote, refspec, timeout=_PUSH_S)
    except GitError as failure:
        # With --porcelain git prints why a branch was refused, and not as an error.
        refused = re.search(r"^!\t\S+\t(.*)$", failure.output, re.MULTILINE)
        reason = refused[1] if refused else _clean(failure.message, target.address)
        raise ConflictError(f"{target.remote} did not take {state.name}: {reason}") from failure


def receive_options(git: Git, remote: str) -> list[str]:
    """Return the options of a push to a remote, by which one on this machine runs none of its hooks.

    Raises:
        ConflictError: The remote has several addresses.
        GitError: Its configuration cannot be read.
    """
    local = _local_path(_address(git, remote), git.folder)
    return [f"--receive-pack={_receive_pack(local)}"] if local is not None else []


def without_credentials(address: str) -> str:
    """Return a remote's address without a user's name and password."""
    parts = urlsplit(address) if "://" in address else None
    if parts is None or "@" not in parts.netloc or parts.scheme == "ssh":
        return address
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _problem(git: Git, state: BranchState, remote: str, head: str | None) -> str:
    if state.uncommitted:
        files = "1 file is" if state.uncommitted == 1 else f"{state.uncommitted} files are"
        return f"{files} not committed and would not be pushed."
    if head == state.head:
        return f"{remote} has {state.name} already, as it is here."
    if state.base is not None and not state.ahead:
        return f"{state.name} has nothing that {state.base.name} does not have."
    if head is not None and not git.ok("merge-base", "--is-ancestor", head, state.head):
        return f"{state.name} has commits on {remote} that are not here; nothing is overwritten."
    return ""


def _address(git: Git, remote: str) -> str:
    """Return the one address that a remote is pushed to.

    Raises:
        ConflictError: It has several.
    """
    found = git.run("remote", "get-url", "--push", "--all", remote).strip().split("\n")
    if len(found) > 1:
        raise ConflictError(f"{remote} has {len(found)} addresses to push to; give it one.")
    return found[0]


def _configured(git: Git, remote: str) -> str:
    for key in (f"remote.{remote}.pushurl", f"remote.{remote}.url"):
        found = (git.attempt("config", "--get", key) or "").strip()
        if found:
            return found
    return ""


def _diverting_keys(git: Git) -> list[str]:
    entries = git.configuration()
    own = (entry.key for entry in entries if not entry.trusted and _DIVERTS.fullmatch(entry.key))
    return [*diverting_keys(entries), *own]


def _local_path(address: str, folder: Path) -> Path | None:
    """Return the folder that an address on this machine means, as seen from a folder."""
    if address.startswith("file://"):
        return Path(urlsplit(address).path)
    # As git decides it: a colon before the first slash makes it a host.
    return None if "://" in address or ":" in address.partition("/")[0] else folder / address


def _receive_pack(path: Path) -> str:
    """Return the other side of a push on this machine: it runs as the user, so nothing of that repository is run."""
    settings = [*overrides(Git(path).configuration()), *_RECEIVE]
    variables = [f"GIT_CONFIG_COUNT={len(settings)}"]
    for number, (key, value) in enumerate(settings):
        variables += [f"GIT_CONFIG_KEY_{number}={key}", f"GIT_CONFIG_VALUE_{number}={value}"]
    return f"env {shlex.join(variables)} git receive-pack"


def _clean(message: str, address: str) -> str:
    """Remove credentials that an address in an error message may hold."""
    hidden = without_credentials(address)
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", message.replace(address, hidden))
