"""Starting and ending a demo: a throw-away folder with a sample repository, an agent, a Bot API server and the real bot.

Everything that the demo starts carries the demo's mark in its environment, so that leaving can end it all, whatever
state the bot and its workers are in; the folder goes last. A watchdog does that if the demo is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from samobot.errors import SamobotError
from samobot.frozen import frozen
from samobot.sandbox.agent.journeys import greeting
from samobot.sandbox.agent.scenario import install
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.demo.watchdog import MARK, Watchdog
from samobot.sandbox.demo.webchat import DemoNotice, WebChat

PACE = 0.45
"""Seconds after each step of the scripted agent, for people who watch: the whole way takes about a minute."""

_OWNER = 1001
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TERM", "VIRTUAL_ENV")
_BOT_SECONDS = 10.0

_README = """# Sample project

A small repository that the demo made for you. It is removed at the end.
"""
_PROJECT = """# What samobot needs to know about a project; paths are relative to this file.
MAIN_REPO=.
WORKTREES=../worktrees
SESSIONS=../sessions
"""

_SCRIPTED = DemoNotice(
    short_simulated="Telegram and the agent.",
    short_real="the bot, the loop, git.",
    simulated="Telegram (this page), and the agent: a script plays its part, with made-up costs.",
    real="The bot and its loop, the session's files, git: what it writes is run, tested and committed.",
    cost="Nothing: no account, no token, no model. All of it lies in a temporary folder and is removed at the end.",
)
_REAL = DemoNotice(
    short_simulated="Telegram.",
    short_real="the agent, the bot, the loop, git.",
    simulated="Telegram (this page).",
    real="The agent (your own Claude CLI), the bot and its loop, git. The repository is a throw-away sample.",
    cost="Claude's usage is your account's. /stop all ends it at any time.",
)


@frozen
class DemoOptions:
    """The options of a demo.

    Attributes:
        claude: The real CLI to use; None for the scripted agent.
        pace: Seconds after each step of the scripted agent.
        poll: Seconds between the bot's looks at its sessions.
        port: Of the page; 0 for a free one.
        guided: Whether the page suggests what to do.
    """

    claude: Path | None = None
    pace: float = PACE
    poll: float = 0.5
    port: int = 0
    guided: bool = True


class RunningDemo:
    """The demo for as long as it is entered (`async with`): its server, its page and its bot.

    Args:
        options: Its options.
        environ: The environment to derive the bot's from.

    Attributes:
        server: The Bot API server.
        person: The user of the page.
        page: The web chat.
        folder: Where everything is; removed at the end.
    """

    def __init__(self, options: DemoOptions, environ: Mapping[str, str]) -> None:
        self._options = options
        self._environ = environ
        self._token = f"{secrets.randbelow(10**9) + 10**9}:{secrets.token_urlsafe(24)}"
        self._bot: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self.server = BotApiServer(port=options.port)
        bot = self.server.add_bot(self._token, "samobot_demo_bot")
        bot.user.first_name = "samobot"
        self.person = self.server.person("You", _OWNER)
        about = _SCRIPTED if options.claude is None else _REAL
        self.page = WebChat(self.server, self.person, bot, about, guided=options.guided)
        self.folder = Path(tempfile.mkdtemp(prefix="samobot-demo-"))
        self._watchdog = Watchdog(self.folder, environ)

    async def __aenter__(self) -> RunningDemo:
        try:
            self._make_folders()
            try:
                await self.server.__aenter__()
            except OSError as error:
                raise SamobotError(
                    f"Port {self._options.port} cannot be used ({error.strerror}): name another with --port."
                ) from None
            self.server.private_chat(self.person)
            await self._start_bot()
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    @property
    def repository(self) -> Path:
        """The sample project."""
        return self.folder / "sample"

    @property
    def bot_log(self) -> Path:
        """What the bot prints."""
        return self.folder / "bot.log"

    # Setting up.

    def environment(self) -> dict[str, str]:
        """The bot's environment: nothing of the user's own configuration, and a HOME of its own.

        With the real CLI the user's HOME stays, because the login is there.
        """
        real = self._options.claude is not None
        kept = {
            name: value
            for name, value in self._environ.items()
            if name in _KEPT or (real and not name.startswith(("TELEGRAM_", "SAMOBOT_", "SAMOCODE_")))
        }
        own = {"HOME": str(self.folder / "home"), "GIT_CONFIG_NOSYSTEM": "1", "IS_SANDBOX": "1"}
        # Tests measure what the demo runs, too.
        coverage = {k: v for k, v in self._environ.items() if k.startswith("COVERAGE_")}
        return {
            **kept, **({} if real else own), **coverage,
            MARK: str(self.folder),
            "CLAUDE_PATH": str(self._options.claude or self.folder / "agent" / "claude"),
            "SAMOBOT_ENV_FILE": str(self.folder / "empty.env"),
            "SAMOBOT_POLL_SECONDS": str(self._options.poll),
            "SAMOBOT_PROJECTS": str(self.repository),
            "SAMOBOT_STATE_DIR": str(self.folder / "state"),
        }  # fmt: skip

    def _make_folders(self) -> None:
        """Make the folders, the repository and the agent."""
        for name in ("home", "state", "sessions", "worktrees", "sample"):
            (self.folder / name).mkdir(mode=0o700)
        (self.folder / "empty.env").touch(mode=0o600)
        (self.repository / "README.md").write_text(_README, encoding="utf-8")
        (self.repository / ".samocode").write_text(_PROJECT, encoding="utf-8")
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("config", "user.name", "samobot demo")
        self._git("config", "user.email", "demo@example.invalid")
        self._git("config", "commit.gpgsign", "false")
        self._git("add", "README.md", ".samocode")
        self._git("commit", "--quiet", "--message", "Begin")
        if self._options.claude is None:
            install(self.folder / "agent", greeting(self._options.pace))

    def _git(self, *arguments: str) -> None:
        try:
            subprocess.run(
                ["git", *arguments],
                cwd=self.repository,
                env=self.environment(),
                check=True,
                capture_output=True,
                text=True,
            )
        except FileNotFoundError:
            raise SamobotError("The demo needs git: install it and start again.") from None
        except subprocess.CalledProcessError as error:
            raise SamobotError(f"git {arguments[0]} failed: {str(error.stderr).strip()}") from None

    async def _start_bot(self) -> None:
        environment = self.environment() | {
            "TELEGRAM_API_URL": self.server.url,
            "TELEGRAM_BOT_TOKEN": self._token,
            "TELEGRAM_CHAT_ID": str(_OWNER),
        }
        with self.bot_log.open("wb") as log:
            self._bot = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "samobot", "bot",
                cwd=self.repository, env=environment,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                # Ctrl-C in the terminal is ours to handle, in our order.
                start_new_session=True,
            )  # fmt: skip
        self._watch = asyncio.create_task(self._watch_bot(self._bot))
        polled = asyncio.create_task(
            self.server.wait_until(
                lambda: self.server.calls.of("getUpdates"), 60, "the bot's first getUpdates"
            )
        )
        await asyncio.wait({polled, self._watch}, return_when=asyncio.FIRST_COMPLETED)
        if not polled.done():
            polled.cancel()
            raise SamobotError(f"The bot did not start: {self._last_output()}")
        await polled

    async def _watch_bot(self, bot: asyncio.subprocess.Process) -> None:
        code = await bot.wait()
        self.page.announce(
            f"The bot has ended (exit code {code}). Stop the demo in the terminal and start it again."
        )

    def _last_output(self) -> str:
        lines = self.bot_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing."

    # Clearing up.

    async def _leave(self) -> None:
        """End the bot and the workers, have what is left of them and the folder removed, and end the server."""
        try:
            await self._end_bot()
            await asyncio.to_thread(self._end_workers)
        finally:
            await asyncio.to_thread(self._watchdog.clear_up)
            await self.server.__aexit__(None, None, None)

    async def _end_bot(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._bot is None or self._bot.returncode is not None:
            return
        self._bot.terminate()
        try:
            async with asyncio.timeout(_BOT_SECONDS):
                await self._bot.wait()
        except TimeoutError:
            self._bot.kill()
            await self._bot.wait()

    def _end_workers(self) -> None:
        """Stop the runs as a user would: workers outlive the bot by design."""
        if not any((self.folder / "sessions").glob("*/_logs/run.lock")):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [sys.executable, "-m", "samobot", "stop", "--all"],
                cwd=self.repository,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=30,
                check=False,
            )
