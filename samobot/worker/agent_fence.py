"""The fence of one session's iterations: whether there is one, and how a call of the CLI is put inside."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import field
from pathlib import Path

import samobot
from samobot.assets import plugin_dir
from samobot.claude.fence import fence
from samobot.claude.fence_places import FencePlaces
from samobot.claude.fence_probe import env_resets_signals, fence_problem, find_bwrap, network_problem
from samobot.claude.fence_repository import restore_repository
from samobot.claude.fence_rules import codex_login, fence_rules
from samobot.claude.inner_network import InnerNetwork
from samobot.claude.invocation import Invocation
from samobot.claude.model_hosts import reachable_hosts
from samobot.claude.preflight import is_wrapper
from samobot.config.destination import Destination
from samobot.config.modes import FenceMode, FenceNet
from samobot.config.project import Project
from samobot.errors import StorageError, UsageError
from samobot.frozen import frozen
from samobot.session.files import make_folder, read_bytes, write_atomic
from samobot.session.folder_tree import remove_tree
from samobot.session.git import GitError
from samobot.session.provider import Provider
from samobot.session.repository import GitRepository, find_repository
from samobot.session.vault import folder_key

_REMEDY = "Set SAMOBOT_STATE_DIR to a folder of your own."


@frozen
class AgentFence:
    """How the agents of a project are kept to what is theirs.

    Attributes:
        mode: What the user wants.
        project: The project.
        state_dir: samobot's state folder.
        secrets: Further files and folders of samobot's own: the configuration and `.env`.
        others: Session folders of other projects.
        allowed: What the user lets agents reach besides.
        program: Path of the CLI.
        environ: The worker's environment, its PATH without places that agents write.
        network: What agents can connect to.
        hosts: What they can connect to besides the model, if not everything.
    """

    mode: FenceMode
    project: Project
    state_dir: Path
    secrets: tuple[Path, ...]
    others: tuple[Path, ...]
    allowed: tuple[Path, ...]
    program: str
    environ: Mapping[str, str]
    network: FenceNet = FenceNet.OPEN
    hosts: tuple[Destination, ...] = ()
    _found: list[GitRepository] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def holds(self) -> bool:
        """Whether agents run inside the fence.

        Raises:
            UsageError: There has to be one, and the system does not allow it.
        """
        if self.network is not FenceNet.OPEN:
            problem = network_problem(self.network, self.mode, self.environ)
            if problem is not None:
                raise UsageError(problem)
            return True
        match self.mode:
            case FenceMode.OFF:
                return False
            case FenceMode.ON:
                problem = fence_problem(self.environ)
                if problem is not None:
                    raise UsageError(f"SAMOBOT_FENCE=on, but there can be no fence: {problem}")
                return True
            case FenceMode.AUTO:
                return not is_wrapper(self.program) and fence_problem(self.environ) is None

    def reachable(self, provider: Provider) -> tuple[Destination, ...] | None:
        """The hosts that the agents of a program can connect to; None for whatever this machine can."""
        return reachable_hosts(self.network, self.hosts, self.environ, provider)

    def new_absence(self) -> str | None:
        """Why this system allows no fence, when the user has not read this reason yet; None if nothing is to be said."""
        if self.mode is not FenceMode.AUTO or self.network is not FenceNet.OPEN or is_wrapper(self.program):
            return None
        reason = fence_problem(self.environ)
        noted = self.state_dir / "unfenced"
        with contextlib.suppress(StorageError):
            if reason is None or read_bytes(noted) == reason.encode():
                return None
            write_atomic(noted, reason, mode=0o600)
        return reason

    @asynccontextmanager
    async def around(
        self, invocation: Invocation, session: Path, refused: Counter[str]
    ) -> AsyncIterator[Invocation]:
        """Put a call inside the fence while this context lasts; leave it as it is if there is none.

        Args:
            invocation: The call.
            session: The session's folder.
            refused: Receives the hosts that the agent was refused.

        Raises:
            UsageError: The working directory is not the project's, or its repository is damaged.
            StorageError: A folder that the fence needs cannot be made.
        """
        if not self.holds:
            yield invocation
            return
        bwrap = find_bwrap(self.environ)
        assert bwrap is not None, "the fence was tried with it"
        try:
            places = self._places(invocation, session, self._private_folder("homes", session))
        except GitError as error:
            raise UsageError(f"The fence cannot be made: {error.message}") from error
        try:
            try:
                rules = fence_rules(places, invocation.env)
            except OSError as error:
                raise StorageError(
                    f"The fence cannot be made: {error.filename}: {error.strerror}."
                ) from error
            env_resets = env_resets_signals(self.environ.get("PATH"))
            reachable = self.reachable(invocation.provider)
            async with contextlib.AsyncExitStack() as stack:
                if invocation.provider is Provider.CODEX:
                    await stack.enter_async_context(codex_login(places, invocation.env).kept())
                if reachable is None:
                    yield fence(invocation, rules, bwrap, env_resets=env_resets)
                    return
                # With an HTTP library that only a limited network needs.
                from samobot.claude.egress import Egress

                network = InnerNetwork(Egress(reachable, refused), reachable)
                channel = await stack.enter_async_context(network.channel())
                yield fence(invocation, rules, bwrap, env_resets=env_resets, network=network, channel=channel)
        finally:
            restore_repository(places)
            remove_tree(places.scratch)

    def _places(self, invocation: Invocation, session: Path, scratch: Path) -> FencePlaces:
        repository = self._found[0] if self._found else find_repository(self.project.main_repo)
        if repository is not None and not self._found:
            self._found.append(
                repository
            )  # agents could change the way there, and it takes several processes
        return FencePlaces(
            home=Path(invocation.env["HOME"]),
            main_repo=self.project.main_repo,
            repository=(repository.git.folder, repository.common) if repository is not None else None,
            work_dir=invocation.cwd,
            worktrees=self.project.worktrees,
            session=session,
            scratch=scratch,
            caches=self._private_folder("caches", self.project.main_repo, keep=True),
            secrets=(self.state_dir, *self.secrets),
            others=self.others,
            program=self.program if invocation.provider is Provider.CLAUDE else invocation.argv[0],
            packages=(plugin_dir(), Path(samobot.__file__).parent),
            allowed=self.allowed,
            provider=invocation.provider,
        )

    def _private_folder(self, kind: str, owner: Path, *, keep: bool = False) -> Path:
        """A folder in the state folder for one session or project; emptied unless it is to be kept.

        Raises:
            StorageError: It cannot be made.
        """
        folder = self.state_dir / "fence" / kind / folder_key(owner)
        if not keep:
            remove_tree(folder)
        for path in (self.state_dir, folder.parent.parent, folder.parent, folder):
            make_folder(path, 0o700, remedy=_REMEDY)
        return folder.resolve()  # rules name it as what is there, where no link is followed
