"""`samobot init` at a pseudo-terminal, against the strict Bot API server."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dotenv import dotenv_values

from samobot.config.project import load_project
from samobot.sandbox.botapi.chats import SandboxChat
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.user import UserClient
from tests.support.fake_programs import put_claude
from tests.support.forked_program import start_samobot
from tests.support.pty_program import PtyProgram
from tests.support.repository import make_repository

pytestmark = pytest.mark.slow

TOKEN = "42:abcdefghijklmnopqrstuvwxyz"
SAMOBOT = [sys.executable, "-m", "samobot"]


@dataclass
class Place:
    """A machine of one's own: home, Claude, a repository, and a Telegram with one person in it."""

    home: Path
    server: BotApiServer
    ann: UserClient
    chat: SandboxChat

    @property
    def env_file(self) -> Path:
        return self.home / ".config" / "samobot" / ".env"

    @property
    def repository(self) -> Path:
        return self.home / "code" / "greet"

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home / 'bin'}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "IS_SANDBOX": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "TELEGRAM_API_URL": self.server.url,
        }

    def at_terminal(self, *flags: str) -> PtyProgram:
        return PtyProgram([*SAMOBOT, "init", *flags], self.environment(), self.repository)

    async def script(self, *flags: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        program = await asyncio.to_thread(
            start_samobot, "init", "--yes", *flags,
            folder=self.repository, environment=self.environment(), stdin=subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.to_thread(program.communicate, stdin, 60)
        return subprocess.CompletedProcess(program.args, program.returncode, out, err)

    def written(self) -> list[str]:
        """What a set-up leaves in the home, besides locks."""
        paths = [self.env_file, self.repository / ".samocode", self.home / ".config" / "systemd"]
        return [str(path) for path in paths if path.exists()]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    home = tmp_path / "home"
    put_claude(home / "bin")
    make_repository(home / "code" / "greet")
    async with BotApiServer() as server:
        server.add_bot(TOKEN)
        ann = server.person("Ann")
        yield Place(home, server, ann, server.private_chat(ann))


def put_service_manager(place: Place) -> None:
    """Put a systemd there whose manager of the user answers."""
    systemctl = place.home / "bin" / "systemctl"
    systemctl.write_text("#!/bin/sh\nexit 0\n")
    systemctl.chmod(0o755)


async def pair(place: Place, program: PtyProgram) -> None:
    """Send the code that is shown, as a tap on the link does."""
    shown = await program.until("or send it yourself")
    code = re.search(r"\?start=(\w+)", shown)
    assert code is not None
    place.ann.say(f"/start {code[1]}", place.chat)


async def test_from_nothing_to_the_first_message(place: Place) -> None:
    async with place.at_terminal("--no-service") as program:
        await program.until("@BotFather")
        await program.until("Token: ")
        program.type(TOKEN)
        await program.until("@samo_test_bot")
        await pair(place, program)
        await program.until("1. ")
        await program.until("[1]")
        program.type("")
        await program.until("Write this")
        program.type("y")
        await program.until("First message sent")
        assert await program.end() == 0
    assert TOKEN not in program.shown
    assert " ▄▄▄▄▄ " in program.shown  # a corner of the QR code
    assert 'git config --global user.name "Your Name"' in program.shown

    values = dotenv_values(place.env_file)
    assert values["TELEGRAM_BOT_TOKEN"] == TOKEN
    assert values["TELEGRAM_CHAT_ID"] == str(place.ann.user.id)
    assert values["SAMOBOT_PROJECTS"] == str(place.repository)
    assert stat.S_IMODE(place.env_file.stat().st_mode) == 0o600
    assert load_project(place.repository).main_repo == place.repository
    bot = place.server.world.only_bot()
    assert [command["command"] for command in next(iter(bot.commands.values()))][:2] == ["run", "status"]
    assert "Claude Code" in bot.texts["description", ""]
    paired, set_up = place.chat.from_bot()
    assert "Paired" in paired.text
    assert "set up" in set_up.text
    exclude = place.repository / ".git" / "info" / "exclude"
    assert exclude.read_text().splitlines()[-1] == "/.samocode"
    # The code was acknowledged: the bot will not stumble over it.
    assert not place.server.world.only_bot().queue.waiting()


async def test_a_stranger_who_is_first_gets_nothing(place: Place) -> None:
    eve = place.server.person("Eve")
    theirs = place.server.private_chat(eve)
    eve.say("/start", theirs)
    eve.say("/start ABCDEFGHJK", theirs)
    async with place.at_terminal("--no-service") as program:
        await program.until("Token: ")
        program.type(TOKEN)
        await program.until("Somebody sent /start without the code: Eve.")
        await program.until("Somebody sent /start with a wrong code: Eve.")
        code = re.search(r"\?start=(\w+)", program.shown)
        assert code is not None
        place.ann.say(f"/start {code[1]}", place.chat)
        await program.until(f"Ann ({place.ann.user.id})")
        await program.leave()
    assert not [message for message in theirs.messages if message.text and "samobot" in message.text]


async def test_a_wrong_token_is_said_and_asked_for_again(place: Place) -> None:
    async with place.at_terminal("--no-service") as program:
        await program.until("Token: ")
        program.type("what is a token?")
        await program.until("does not look like a bot token")
        await program.until("Token: ")
        program.type("43:abcdefghijklmnopqrstuvwxyz")
        await program.until("does not know this token")
        await program.until("Token: ")
        program.type(TOKEN)
        await program.until("✅ @samo_test_bot")
        assert await program.leave() == 130
    assert place.written() == []


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ("43:abcdefghijklmnopqrstuvwxyz", "does not know this token"),
        ("what?", "does not look like a bot token"),
    ],
)
async def test_a_token_that_went_bad_is_asked_for_anew(place: Place, spoilt: str, words: str) -> None:
    await place.script("--token-file", "-", "--chat-id", str(place.ann.user.id), stdin=f"{TOKEN}\n")
    place.env_file.write_text(place.env_file.read_text().replace(TOKEN, spoilt))
    async with place.at_terminal("--no-service") as program:
        await program.until(words)
        await program.until("Token: ")
        program.type(TOKEN)
        await program.until("✅ @samo_test_bot")
        await program.until("Keep it")
        program.type("")
        await program.until("Which to add")
        program.type("none")
        await program.until("Write this")
        program.type("")
        assert await program.end() == 0
    assert dotenv_values(place.env_file)["TELEGRAM_BOT_TOKEN"] == TOKEN


async def test_what_a_set_up_leaves_behind_is_private_to_the_doctor(place: Place) -> None:
    async with place.at_terminal("--no-service") as program:
        await program.until("Token: ")
        program.type(TOKEN)
        await pair(place, program)
        await program.until("Which to add")
        await program.leave()
    state = place.home / ".local" / "state" / "samobot"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (state, state / "locks")] == [0o700, 0o700]


@pytest.mark.parametrize("step", ["Token: ", "Waiting for it", "Which to add", "Write this"])
async def test_ctrl_c_at_any_step_leaves_nothing_behind(place: Place, step: str) -> None:
    async with place.at_terminal("--no-service") as program:
        for now in ("Token: ", "Waiting for it", "Which to add", "Write this"):
            if now == "Waiting for it" and step != now:
                await pair(place, program)
            await program.until(now)
            if now == step:
                break
            if now != "Waiting for it":
                program.type(TOKEN if now == "Token: " else "")
        assert await program.leave() == 130
    assert "Nothing was written" in program.shown
    assert place.written() == []


async def test_ctrl_c_after_writing_reports_what_is_saved(place: Place) -> None:
    put_service_manager(place)
    async with place.at_terminal("--chat-id", str(place.ann.user.id)) as program:
        await program.until("Token: ")
        program.type(TOKEN)
        await program.until("Which to add")
        program.type("none")
        await program.until("Write this")
        program.type("")
        await program.until("Start the bot now")
        assert await program.leave() == 130
    assert "Your choices are saved" in program.shown
    assert dotenv_values(place.env_file)["TELEGRAM_BOT_TOKEN"] == TOKEN


async def test_nothing_continues_without_claude(place: Place) -> None:
    (place.home / "bin" / "claude").unlink()
    async with place.at_terminal() as program:
        await program.until("There is no Claude CLI")
        await program.until("Try again")
        program.type("n")
        assert await program.end() == 130
    ended = await place.script("--token-file", "-", stdin=TOKEN)
    assert ended.returncode == 2
    assert "There is no Claude CLI" in ended.stderr
    assert place.written() == []


async def test_a_claude_that_is_not_logged_in_can_be_logged_in_meanwhile(place: Place) -> None:
    put_claude(place.home / "bin", logged_in=False)
    async with place.at_terminal() as program:
        await program.until("not logged in")
        await program.until("Try again")
        put_claude(place.home / "bin")
        program.type("")
        await program.until("2.1.197")
        await program.leave()


async def test_what_is_no_repository_is_said_and_asked_for_again(place: Place) -> None:
    async with place.at_terminal("--no-service", "--chat-id", str(place.ann.user.id)) as program:
        await program.until("Token: ")
        program.type(TOKEN)
        await program.until("Which to add")
        program.type("~/code")
        await program.until("is not a git repository")
        await program.until("Which to add")
        program.type("7")
        await program.until("no number 7")
        await program.leave()
    assert place.written() == []


async def test_a_script_sets_up_without_a_question(place: Place) -> None:
    flags = ("--token-file", "-", "--chat-id", str(place.ann.user.id), "--project", str(place.repository))
    (place.home / ".gitconfig").write_text("[user]\nname = Ann\nemail = ann@example.org\n")
    ended = await place.script(*flags, stdin=f"{TOKEN}\n")
    assert ended.returncode == 0, ended.stderr
    assert "user.name" not in ended.stdout
    assert TOKEN not in ended.stdout + ended.stderr
    assert dotenv_values(place.env_file)["SAMOBOT_PROJECTS"] == str(place.repository)
    assert (place.repository / ".samocode").is_file()


async def test_ignored_env_file_is_offered_for_new_worktrees(place: Place) -> None:
    (place.repository / ".gitignore").write_text(".env\n")
    (place.repository / ".env").write_text("x")
    flags = ("--token-file", "-", "--chat-id", str(place.ann.user.id), "--project", str(place.repository))
    script = await place.script(*flags, stdin=f"{TOKEN}\n")
    assert "new worktrees lack .env" in script.stdout
    assert not (place.repository / ".worktreeinclude").exists()
    async with place.at_terminal("--no-service", "--no-message") as program:
        for question in ("@samo_test_bot. Keep it", "(1001). Keep it"):
            await program.until(question)
            program.type("")
        await program.until("or none")
        program.type("")
        await program.until("git ignores .env")
        program.type("y")
        assert await program.end() == 0
    assert (place.repository / ".worktreeinclude").read_text() == "/.env\n"


async def test_running_again_changes_only_what_is_asked(place: Place) -> None:
    flags = ("--token-file", "-", "--chat-id", str(place.ann.user.id), "--project", str(place.repository))
    place.env_file.parent.mkdir(parents=True)
    place.env_file.write_text("# mine\nCLAUDE_MODEL=sonnet\nSOMETHING='of # mine'\n")
    await place.script(*flags, stdin=f"{TOKEN}\n")
    before = place.env_file.read_text()
    assert before.startswith("# mine\nCLAUDE_MODEL=sonnet\nSOMETHING='of # mine'\n")
    (place.repository / ".samocode").write_text("MAIN_REPO=.\nWORKTREES=../w\nSESSIONS=../s\n# by hand\n")
    calls = len(place.server.calls.of("setMyCommands"))

    again = await place.script("--no-message")
    assert again.returncode == 0, again.stderr
    assert "set up like that already" in again.stdout
    assert place.env_file.read_text() == before
    assert "# by hand" in (place.repository / ".samocode").read_text()
    assert len(place.server.calls.of("setMyCommands")) == calls

    other = make_repository(place.home / "code" / "other")
    added = await place.script("--no-message", "--project", str(other))
    assert added.returncode == 0, added.stderr
    assert dotenv_values(place.env_file)["SAMOBOT_PROJECTS"] == f"{place.repository}:{other}"
    assert place.env_file.read_text().replace(f":{other}", "") == before


async def test_the_first_message_comes_once_and_again_only_with_a_change(place: Place) -> None:
    flags = ("--token-file", "-", "--chat-id", str(place.ann.user.id))
    first = await place.script(*flags, stdin=f"{TOKEN}\n")
    assert "First message sent" in first.stdout
    again = await place.script()
    assert again.returncode == 0, again.stderr
    assert "First message" not in again.stdout
    assert len(place.server.calls.of("sendMessage")) == 1
    changed = await place.script("--project", str(place.repository))
    assert "First message sent" in changed.stdout


@pytest.mark.parametrize("there", [True, False])
async def test_a_service_is_offered_only_where_it_can_be_had(place: Place, there: bool) -> None:
    chat = str(place.ann.user.id)
    flags = ("--token-file", "-", "--chat-id", chat, "--project", str(place.repository))
    await place.script(*flags, stdin=f"{TOKEN}\n")
    if there:
        put_service_manager(place)
    async with place.at_terminal() as program:
        for asked in ("Keep it", "Keep it", "or none"):
            await program.until(asked)
            program.type("")
        await program.until("set up like that already")
        if there:
            await program.until("Start the bot now and at every boot")
            program.type("n")
        else:
            await program.until("It cannot be a service here.")
        assert await program.end() == 0
    assert ("at every boot" in program.shown) is there
    assert "samobot bot" in program.shown


@pytest.mark.parametrize(
    ("flags", "stdin", "words"),
    [
        ((), "", "no bot token yet"),
        (("--token-file", "-"), "43:abcdefghijklmnop", "does not know this token"),
        (("--token-file", "/nowhere"), "", "cannot be read"),
        (("--token-file", "-"), TOKEN, "whose bot this is"),
        (("--token-file", "-", "--chat-id", "999"), TOKEN, "cannot be reached"),
    ],
)
async def test_a_script_that_lacks_something_changes_nothing(
    place: Place, flags: tuple[str, ...], stdin: str, words: str
) -> None:
    ended = await place.script(*flags, stdin=stdin)
    assert ended.returncode != 0
    assert words in ended.stderr
    assert stdin not in ended.stderr or not stdin
    assert place.written() == []


async def test_a_folder_that_is_no_repository_ends_a_script(place: Place) -> None:
    ended = await place.script(
        "--token-file", "-", "--chat-id", str(place.ann.user.id), "--project", str(place.home), stdin=TOKEN
    )
    assert ended.returncode == 2
    assert "is not a git repository" in ended.stderr
    assert place.written() == []


async def test_without_a_terminal_it_does_not_wait_for_answers(place: Place) -> None:
    ended = await asyncio.to_thread(
        subprocess.run,
        [*SAMOBOT, "init"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=place.environment() | {"PATH": os.defpath},
    )
    assert ended.returncode == 2
    assert "--yes" in ended.stderr
