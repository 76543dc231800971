"""The bot's life: how it starts, what it tells systemd, with which code it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.config.settings import Settings
from samobot.errors import BusyError, NotFoundError, UsageError
from samobot.fleet.desired_runs import DesiredRuns
from samobot.fleet.file_watch import watch
from samobot.fleet.forge import WorkSource
from samobot.fleet.supervisor import Supervisor
from samobot.fleet.triggers import Trigger, Triggers
from samobot.sandbox.botapi.faults import FaultKind
from samobot.sandbox.botapi.server import BotApiServer
from samobot.system.platform.current import platform
from samobot.system.sd_notify import ALIVE, READY, STOPPING, ServiceNotifier
from samobot.telegram import periodic_jobs
from samobot.telegram.app import BotApp
from samobot.telegram.inbound.token_lock import TokenLock, lock_folder
from samobot.telegram.inbound.webhook import ForgeWebhook
from samobot.telegram.outbound.bot_client import TokenRejectedError
from samobot.telegram.store.bot_store import Store

pytestmark = pytest.mark.slow

TOKEN = "42:token-for-tests"
WAIT = 60.0


def settings_of(root: Path, server: BotApiServer, **more: object) -> Settings:
    values = {
        "telegram_bot_token": TOKEN, "telegram_api_url": server.url, "samobot_state_dir": root / "state",
        "samobot_poll_seconds": 0.1,
    }  # fmt: skip
    return Settings.model_validate({**values, **more})


def environment(root: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "XDG_STATE_HOME": str(root / "xdg")}


@pytest.fixture
def notified(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(WAIT)
        yield str(tmp_path / "notify"), line


async def end(task: asyncio.Task[None]) -> None:
    os.kill(os.getpid(), 15)
    await asyncio.wait_for(task, WAIT)


async def introduced(state: Path) -> None:
    """Wait until the bot has noted that its menu is set."""
    store = Store(state)
    async with asyncio.timeout(WAIT):
        while store.accounts.profile("42") is None:
            await asyncio.sleep(0.01)
    store.close()


async def test_it_introduces_itself_once_and_ends_on_a_signal(tmp_path: Path) -> None:
    async with BotApiServer() as server:
        bot = server.add_bot(TOKEN, "samo_bot")
        settings = settings_of(tmp_path, server)
        first = asyncio.create_task(BotApp(settings, environment(tmp_path)).run())
        await introduced(settings.samobot_state_dir)
        await end(first)
        before = server.calls.count
        second = asyncio.create_task(BotApp(settings, environment(tmp_path)).run())
        await server.wait_until(lambda: server.calls.of("getUpdates", after=before), WAIT)
        await end(second)
        assert len(server.calls.of("setMyCommands")) == 1
        assert "run" in [command["command"] for command in next(iter(bot.commands.values()))]
        assert server.calls.rejected() == []


async def test_a_rejected_token_ends_it_with_a_clear_sentence(tmp_path: Path) -> None:
    async with BotApiServer() as server:
        server.add_bot("43:another-token-for-tests")
        with pytest.raises(TokenRejectedError, match="BotFather") as caught:
            await BotApp(settings_of(tmp_path, server), environment(tmp_path)).run()
        assert caught.value.exit_code == 78
        assert TOKEN not in str(caught.value)


async def test_without_a_token_it_shows_where_to_put_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="TELEGRAM_BOT_TOKEN"):
        await BotApp(Settings(samobot_state_dir=tmp_path), environment(tmp_path)).run()


def test_filter_knows_the_bots_secrets_that_were_removed_from_the_environment(tmp_path: Path) -> None:
    settings = Settings(
        samobot_state_dir=tmp_path,
        samobot_transcribe_key="speech-9f8e7d6c5b4a",
        samobot_webhook_secret="hook-1a2b3c4d5e6f",
    )
    secrets = BotApp(settings, environment(tmp_path))._secret_filter()
    assert secrets.mask("speech-9f8e7d6c5b4a hook-1a2b3c4d5e6f") == (
        "[SAMOBOT_TRANSCRIBE_KEY masked] [SAMOBOT_WEBHOOK_SECRET masked]"
    )


async def test_webhooks_need_a_secret(tmp_path: Path) -> None:
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        settings = settings_of(tmp_path, server).model_copy(update={"samobot_webhook_port": 9})
        with pytest.raises(UsageError, match="SAMOBOT_WEBHOOK_SECRET of at least 16"):
            await BotApp(settings, environment(tmp_path)).run()


async def test_webhooks_are_received_where_it_was_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[str, int]] = []
    serving = asyncio.Event()

    async def run(self: ForgeWebhook, host: str, port: int) -> None:
        served.append((host, port))
        monkeypatch.setattr(self, "take_hint", lambda: True)
        serving.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ForgeWebhook, "run", run)
    monkeypatch.setattr(periodic_jobs, "_HINT_SECONDS", 0.05)
    later = datetime.now(UTC)
    triggers = Triggers(tmp_path / "state", lambda: later)
    triggers.add(
        Trigger(
            number=0,
            project="gone",
            source=WorkSource.REVIEW,
            who="ann",
            via="terminal",
            next_at=later.timestamp() + 100,
        )
    )
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        changes = {"samobot_webhook_port": 9, "samobot_webhook_secret": "a-secret-for-tests"}
        settings = settings_of(tmp_path, server).model_copy(update=changes)
        bot = asyncio.create_task(BotApp(settings, environment(tmp_path)).run())
        async with asyncio.timeout(WAIT):
            await serving.wait()
            # A hint makes it due; its project is not configured, so it stays so.
            while triggers.get(1).next_at:
                await asyncio.sleep(0.01)
        await introduced(settings.samobot_state_dir)
        await end(bot)
    assert served == [("127.0.0.1", 9)]


async def test_a_second_bot_with_the_token_is_refused(tmp_path: Path) -> None:
    lock = TokenLock(TOKEN, lock_folder(environment(tmp_path)))
    async with BotApiServer() as server:
        with pytest.raises(BusyError, match=str(os.getpid())):
            await BotApp(settings_of(tmp_path, server), environment(tmp_path)).run()
        assert len(server.calls) == 0
    lock.release()


async def test_telegram_out_of_reach_at_the_start_is_waited_for(tmp_path: Path) -> None:
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        server.fault(FaultKind.BAD_GATEWAY, "getMe", count=1)
        task = asyncio.create_task(BotApp(settings_of(tmp_path, server), environment(tmp_path)).run())
        await server.wait_until(lambda: server.calls.of("getUpdates"), WAIT)
        await end(task)


async def test_what_was_half_handled_is_handled_without_telegram(tmp_path: Path) -> None:
    async with BotApiServer() as server:
        settings = settings_of(tmp_path, server, telegram_chat_id=11)
        store = Store(settings.samobot_state_dir)
        store.accounts.set_username("42", "samo_bot")
        ann = {"id": 11, "is_bot": False, "first_name": "Ann"}
        message = {
            "message_id": 7,
            "date": int(time.time()),
            "chat": {"id": 11, "type": "private"},
            "from": ann,
        }
        store.updates.record([{"update_id": 5, "message": message | {"text": "/projects@samo_bot"}}])
        store.updates.begin(5)
        server.add_bot(TOKEN, "samo_bot")
        server.fault(FaultKind.BAD_GATEWAY, "*", count=None)
        task = asyncio.create_task(BotApp(settings, environment(tmp_path)).run())
        async with asyncio.timeout(WAIT):
            while not any("message7" in row.key for row in store.outbox.waiting(11)):
                await asyncio.sleep(0.01)
        assert server.calls.of("getUpdates") == []
        await end(task)
        store.close()


async def test_it_can_be_ended_while_telegram_is_out_of_reach(tmp_path: Path) -> None:
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        server.fault(FaultKind.BAD_GATEWAY, "*", count=None)
        task = asyncio.create_task(BotApp(settings_of(tmp_path, server), environment(tmp_path)).run())
        await server.wait_until(lambda: server.calls.of("getMe"), WAIT)
        await end(task)


async def test_a_start_that_fails_while_the_bot_ends_is_logged_and_leaves_no_loose_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, loose_ends: list[str]
) -> None:
    begun, waited_for = asyncio.Event(), asyncio.Event()
    settle = Supervisor.wait_for_starts

    async def start(*_: object) -> int:
        begun.set()
        await waited_for.wait()
        raise NotFoundError("There is no Claude on this machine.")

    async def note_and_settle(keeper: Supervisor) -> None:
        waited_for.set()
        await settle(keeper)

    monkeypatch.setattr("samobot.fleet.worker_processes.WorkerProcesses.start", start)
    monkeypatch.setattr(Supervisor, "wait_for_starts", note_and_settle)
    (tmp_path / ".samocode").write_text("MAIN_REPO=.\nWORKTREES=worktrees\nSESSIONS=sessions\n")
    session = tmp_path / "sessions" / "26-01-31-demo"
    session.mkdir(parents=True)
    (session / "_overview.md").write_text("# Session: demo\n\n## Status\nPhase: testing\nBlocked: no\n")
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        settings = settings_of(tmp_path, server, samobot_projects=(tmp_path / ".samocode",))
        DesiredRuns(settings.samobot_state_dir, time.time).want(f"{tmp_path.name}:26-01-31-demo", {})
        task = asyncio.create_task(BotApp(settings, environment(tmp_path)).run())
        await asyncio.wait_for(begun.wait(), WAIT)
        await end(task)
    gc.collect()
    assert loose_ends == []
    assert "no Claude on this machine" in caplog.text


async def test_without_allowed_users_the_log_shows_how_to_pair(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        task = asyncio.create_task(BotApp(settings_of(tmp_path, server), environment(tmp_path)).run())
        await server.wait_until(lambda: server.calls.of("getUpdates"), WAIT)
        await end(task)
    assert "samobot bot --pair" in caplog.text


async def test_a_project_that_cannot_be_used_is_in_the_log_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / ".samocode").write_text(
            "MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions\n"
        )
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        settings = settings_of(
            tmp_path, server, samobot_projects=f"{tmp_path / 'a'}:{tmp_path / 'b'}:{tmp_path / 'c'}"
        )
        running = asyncio.create_task(BotApp(settings, environment(tmp_path)).run())
        await introduced(settings.samobot_state_dir)
        await end(running)
    assert f"project b: {tmp_path / 'b' / '.samocode'} has the same SESSIONS as" in caplog.text
    assert "project c: There is no" in caplog.text
    assert "project a:" not in caplog.text


async def test_what_somebody_allowed_sent_and_cannot_be_read_is_said_to_them_alone(tmp_path: Path) -> None:
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        ann, eve = server.person("Ann", 11), server.person("Eve", 66)
        chats = [server.private_chat(person) for person in (ann, eve)]
        settings = settings_of(tmp_path, server, telegram_chat_id=11)
        task = asyncio.create_task(BotApp(settings, environment(tmp_path)).run())
        for number, person in ((900_000_001, eve), (900_000_002, ann)):
            broken = {"message_id": "x", "from": {"id": person.id}, "chat": 5, "date": "never"}
            server.inject({"update_id": number, "message": broken})
        await chats[0].wait_for(lambda message: "say it again" in message.text, WAIT)
        await end(task)
        assert chats[1].from_bot() == []


async def test_systemd_hears_of_the_start_of_life_and_of_the_end(
    tmp_path: Path, notified: tuple[str, socket.socket]
) -> None:
    address, line = notified
    told = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": str(os.getpid())}
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        app = BotApp(settings_of(tmp_path, server), environment(tmp_path) | told)
        task = asyncio.create_task(app.run())
        assert await asyncio.to_thread(line.recv, 100) == READY.encode()
        assert await asyncio.to_thread(line.recv, 100) == ALIVE.encode()
        await end(task)
    heard = [line.recv(100).decode()]
    while heard[-1] != STOPPING:
        heard.append(line.recv(100).decode())
    assert set(heard) <= {ALIVE, STOPPING}


def test_service_manager_that_does_not_ask_gets_nothing(tmp_path: Path) -> None:
    for environ in ({}, {"NOTIFY_SOCKET": "relative"}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}):
        ServiceNotifier(environ).notify(READY)
    assert ServiceNotifier({}).watchdog is None
    assert ServiceNotifier({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog is None
    assert ServiceNotifier({"WATCHDOG_USEC": "nonsense"}).watchdog is None
    assert ServiceNotifier({"WATCHDOG_USEC": "30000000"}).watchdog == 15.0


def test_the_abstract_socket_is_reached_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0samobot-test-{os.getpid()}")
        line.settimeout(WAIT)
        ServiceNotifier({"NOTIFY_SOCKET": f"@samobot-test-{os.getpid()}"}).notify(READY)
        assert line.recv(100) == READY.encode()


@pytest.mark.skipif(not platform().has_file_events, reason="there changes of files are seen at the next poll")
async def test_a_change_of_a_session_is_hinted_and_the_agents_stream_is_not(tmp_path: Path) -> None:
    logs = tmp_path / "sessions" / "26-01-31-demo" / "_logs"
    logs.mkdir(parents=True)
    config = tmp_path / ".samocode"
    config.write_text("MAIN_REPO=.\nWORKTREES=worktrees\nSESSIONS=sessions\n")
    hinted = asyncio.Event()
    task = asyncio.create_task(watch([config], hinted.set))
    try:
        # Watching begins in a thread at some time: writing again and again finds it.
        for number in range(200):
            (logs / "01-31-1200-001-testing.jsonl").write_text(f"{number}")
            if number == 0:
                continue
            (logs.parent / "_signal.json").write_text(f"{number}")
            try:
                await asyncio.wait_for(hinted.wait(), 0.1)
                break
            except TimeoutError:
                continue
        assert hinted.is_set()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_two_stores_share_one_pairing(tmp_path: Path) -> None:
    ours, theirs = Store(tmp_path), Store(tmp_path)
    code = theirs.pairing.new_code()
    assert ours.pairing.redeem(code.shown.lower())
    assert not theirs.pairing.redeem(code.code)
    ours.close()
    theirs.close()
