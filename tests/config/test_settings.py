"""Configuration: where it comes from, and what is said when it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.config.environment import BOT_SECRETS, Whereabouts, find_whereabouts
from samobot.config.model_choice import PROFILES, Effort, Profile
from samobot.config.settings import TELEGRAM_ROOT, Settings
from samobot.config.settings_loader import load_settings
from samobot.errors import UsageError
from samobot.phases import Phase


def env_file(tmp_path: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    file = tmp_path / "my.env"
    file.write_text(text)
    file.chmod(mode)
    return {"SAMOBOT_ENV_FILE": str(file)}


def test_the_defaults_are_those_of_the_design(tmp_path: Path) -> None:
    settings = load_settings({"SAMOBOT_ENV_FILE": str(_empty(tmp_path))})
    assert (settings.claude_path, settings.claude_model) == ("claude", "opus")
    assert (settings.claude_max_turns, settings.claude_timeout) == (300, 1800)
    assert settings.claude_permission_mode == "bypassPermissions"
    assert (settings.samocode_max_retries, settings.samocode_retry_delay) == (3, 5)
    assert settings.telegram_api_url == TELEGRAM_ROOT
    assert (settings.samobot_poll_seconds, settings.samobot_max_parallel) == (2, 3)
    assert settings.samobot_budget_usd is None
    assert settings.allowed_users == frozenset()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    environ = env_file(tmp_path, "CLAUDE_MODEL=sonnet\nCLAUDE_TIMEOUT=60\n")
    settings = load_settings(environ | {"CLAUDE_MODEL": "haiku"})
    assert (settings.claude_model, settings.claude_timeout) == ("haiku", 60)


def test_an_empty_value_means_the_default(tmp_path: Path) -> None:
    environ = env_file(tmp_path, "CLAUDE_MODEL=\nTELEGRAM_CHAT_ID=\n")
    assert load_settings(environ).claude_model == "opus"


def test_more_flags_are_split_as_a_shell_splits(tmp_path: Path) -> None:
    environ = env_file(tmp_path, "") | {"CLAUDE_ARGS": "--disallowedTools 'Bash(git push *)'"}
    assert load_settings(environ).claude_args == ("--disallowedTools", "Bash(git push *)")


def test_the_owner_of_a_private_chat_is_allowed_and_a_group_is_nobody(tmp_path: Path) -> None:
    base = env_file(tmp_path, "")
    assert load_settings(base | {"TELEGRAM_CHAT_ID": "7"}).allowed_users == {7}
    assert load_settings(base | {"TELEGRAM_CHAT_ID": "-100"}).allowed_users == set()
    both = base | {"TELEGRAM_CHAT_ID": "7", "TELEGRAM_ALLOWED_USERS": "8, 9"}
    assert load_settings(both).allowed_users == {7, 8, 9}


def test_token_that_others_may_read_is_refused_with_the_command_that_fixes_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="chmod 600"):
        load_settings(env_file(tmp_path, "TELEGRAM_BOT_TOKEN=1:secret\n", 0o644))
    assert load_settings(env_file(tmp_path, "CLAUDE_MODEL=x\n", 0o644)).claude_model == "x"


@pytest.mark.parametrize(
    "line",
    [
        "CLAUDE_TIMEOUT=soon",
        "CLAUDE_MAX_TURNS=0",
        "TELEGRAM_ALLOWED_USERS=@ann",
        "TELEGRAM_API_URL=localhost",
        "SAMOBOT_BUDGET_USD=-1",
        *(
            f"{name}={value}"
            for name in (
                "SAMOBOT_BUDGET_USD",
                "SAMOBOT_DAILY_BUDGET_USD",
                "CLAUDE_TIMEOUT",
                "SAMOCODE_RETRY_DELAY",
                "SAMOBOT_POLL_SECONDS",
                "SAMOBOT_AFTER_RESET_SECONDS",
            )
            for value in ("nan", "inf", "-Infinity", "1e999")
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_file(tmp_path: Path, line: str) -> None:
    name = line.partition("=")[0]
    with pytest.raises(UsageError) as error:
        load_settings(env_file(tmp_path, line + "\n"))
    assert name in error.value.message
    assert "my.env" in error.value.message
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('CLAUDE_MODEL="opus\n', "line 1 (CLAUDE_MODEL)"),
        ("# mine\n\n\nexport CLAUDE_MODEL='opus\n", "line 4 (CLAUDE_MODEL)"),
        ('A=1\r\n\r\nB="x" y\r\nC=2\r\n', "line 3 (B)"),
        ("CLAUDE_TIMEOUT=60\n<<<<<<< HEAD\n", "line 2"),
        ('TELEGRAM_BOT_TOKEN="1:very-secret\n', "line 1 (TELEGRAM_BOT_TOKEN)"),
        ('A="x\nB="y"\n', "line 1 (A)"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_never_left_out(
    tmp_path: Path, text: str, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UsageError) as error:
        load_settings(env_file(tmp_path, text))
    assert f"my.env, {where}, cannot be read" in error.value.message
    assert "very-secret" not in error.value.message
    assert "\n" not in error.value.message
    assert [record for record in caplog.records if record.name != "asyncio"] == []


def test_what_stops_everything_finds_its_way_with_what_can_be_read(tmp_path: Path) -> None:
    text = f'SAMOBOT_STATE_DIR={tmp_path}/state\nCLAUDE_MODEL="opus\nSAMOBOT_PROJECTS=/a:~/b\nTELEGRAM_BOT_TOKEN=1:x\n'
    found = find_whereabouts(env_file(tmp_path, text, 0o644))
    assert (found.state_dir, found.projects) == (tmp_path / "state", (Path("/a"), Path("~/b").expanduser()))
    assert len(found.problems) == 1
    assert "line 2" in found.problems[0]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"SAMOBOT_STATE_DIR=~nobody-of-this-name/x\n"])
def test_emergency_stop_uses_the_default_place_if_nothing_else_can_be_read(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "my.env"
    if content is not None:
        file.write_bytes(content)
    found = find_whereabouts({"SAMOBOT_ENV_FILE": str(file), "XDG_STATE_HOME": str(tmp_path)})
    assert (found.state_dir, found.projects) == (tmp_path / "samobot", ())
    assert len(found.problems) == 1


def test_settings_and_what_stops_everything_mean_the_same_places(tmp_path: Path) -> None:
    for text in (
        "",
        "SAMOBOT_STATE_DIR=~/state\nSAMOBOT_PROJECTS=/a: b :~/c\n",
        "SAMOBOT_STATE_DIR=relative\n",
    ):
        for more in ({}, {"XDG_STATE_HOME": str(tmp_path)}, {"SAMOBOT_STATE_DIR": "/elsewhere"}):
            environ = env_file(tmp_path, text) | more
            settings = load_settings(environ)
            assert find_whereabouts(environ) == Whereabouts(
                settings.samobot_state_dir, settings.samobot_projects
            )


def test_a_state_folder_in_nobodys_home_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SAMOBOT_STATE_DIR"):
        load_settings(env_file(tmp_path, "SAMOBOT_STATE_DIR=~nobody-of-this-name/x\n"))


@pytest.mark.parametrize("mode", ["foo", "plan", "acceptedits"])
def test_a_permission_mode_that_the_agent_cannot_work_in_is_refused_with_those_it_can(
    tmp_path: Path, mode: str
) -> None:
    with pytest.raises(UsageError) as error:
        load_settings(env_file(tmp_path, f"CLAUDE_PERMISSION_MODE={mode}\n"))
    assert "CLAUDE_PERMISSION_MODE" in error.value.message
    assert "acceptEdits, auto, bypassPermissions, default, dontAsk." in error.value.message
    assert ("nothing can be done with it" in error.value.message) == (mode == "plan")


@pytest.mark.parametrize("mode", ["acceptEdits", "auto", "bypassPermissions", "default", "dontAsk"])
def test_a_permission_mode_of_the_cli_is_taken_as_it_is(tmp_path: Path, mode: str) -> None:
    assert (
        load_settings(env_file(tmp_path, f"CLAUDE_PERMISSION_MODE={mode}\n")).claude_permission_mode == mode
    )


def test_every_secret_setting_is_known_as_one() -> None:
    hidden = [name.upper() for name, field in Settings.model_fields.items() if not field.repr]
    assert sorted(hidden) == sorted(BOT_SECRETS)


def test_the_token_is_in_no_error_and_no_repr(tmp_path: Path) -> None:
    settings = load_settings(env_file(tmp_path, "TELEGRAM_BOT_TOKEN=123:very-secret\n"))
    assert settings.require_token() == "123:very-secret"
    assert "very-secret" not in repr(settings)


def test_a_projects_own_env_file_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("CLAUDE_PATH=/evil/claude\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings({"XDG_CONFIG_HOME": str(tmp_path / "none")}).claude_path == "claude"


def test_a_named_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SAMOBOT_ENV_FILE"):
        load_settings({"SAMOBOT_ENV_FILE": str(tmp_path / "gone")})


def test_state_goes_to_the_xdg_folder(tmp_path: Path) -> None:
    environ = env_file(tmp_path, "") | {"XDG_STATE_HOME": str(tmp_path)}
    assert load_settings(environ).samobot_state_dir == tmp_path / "samobot"


def _empty(tmp_path: Path) -> Path:
    file = tmp_path / "empty.env"
    file.touch()
    return file


def test_settings_choose_model_and_effort_by_phase() -> None:
    settings = load_settings(
        {"CLAUDE_MODEL": "sonnet", "CLAUDE_MODEL_PLANNING": "opus", "CLAUDE_EFFORT_DONE": "max"}
    )
    assert (settings.model(Phase.PLANNING), settings.model(Phase.TESTING)) == ("opus", "sonnet")
    assert (settings.effort(Phase.DONE), settings.effort(Phase.PLANNING)) == (Effort.MAX, Effort.HIGH)


def test_settings_name_the_variable_of_an_unknown_effort() -> None:
    with pytest.raises(UsageError, match="CLAUDE_EFFORT_QUALITY in the environment cannot be used: 'huge'"):
        load_settings({"CLAUDE_EFFORT_QUALITY": "huge"})


def test_profile_of_a_phase_gives_way_to_its_own_model_and_effort() -> None:
    settings = load_settings(
        {
            "CLAUDE_MODEL": "haiku",
            "CLAUDE_PROFILE_PLANNING": "max",
            "CLAUDE_PROFILE_TESTING": "light",
            "CLAUDE_MODEL_TESTING": "opus-x",
            "CLAUDE_PROFILE_QUALITY": "strong",
            "CLAUDE_EFFORT_QUALITY": "low",
        }
    )
    chosen = {phase: (settings.model(phase), settings.effort(phase)) for phase in Phase}
    assert chosen[Phase.PLANNING] == ("opus", Effort.MAX)
    assert chosen[Phase.TESTING] == ("opus-x", Effort.MEDIUM)
    assert chosen[Phase.QUALITY] == ("opus", Effort.LOW)
    assert chosen[Phase.DONE] == ("haiku", Effort.LOW)


@pytest.mark.parametrize("profile", Profile)
def test_profile_of_a_run_goes_before_all_that_is_configured(profile: Profile) -> None:
    environ = {
        "CLAUDE_MODEL_TESTING": "x",
        "CLAUDE_EFFORT_QUALITY": "low",
        "CLAUDE_PROFILE_PLANNING": "light",
    }
    settings = load_settings(environ).for_run(profile=profile)
    assert {(settings.model(phase), settings.effort(phase)) for phase in Phase} == {PROFILES[profile]}


def test_model_of_a_run_goes_before_every_profile() -> None:
    settings = load_settings({"CLAUDE_PROFILE_PLANNING": "light", "CLAUDE_MODEL_DONE": "x"})
    assert {settings.for_run(model="mine").model(phase) for phase in Phase} == {"mine"}
    assert settings.for_run(model="mine").effort(Phase.PLANNING) is Effort.MEDIUM
    both = settings.for_run(model="mine", profile=Profile.MAX)
    assert {(both.model(phase), both.effort(phase)) for phase in Phase} == {("mine", Effort.MAX)}


def test_settings_name_the_variable_of_an_unknown_profile() -> None:
    with pytest.raises(UsageError, match="CLAUDE_PROFILE_DONE in the environment cannot be used: 'huge'"):
        load_settings({"CLAUDE_PROFILE_DONE": "huge"})


@pytest.mark.parametrize(
    ("ask", "mode", "expected"),
    [
        ("off", "bypassPermissions", "bypassPermissions"),
        ("off", "acceptEdits", "acceptEdits"),
        ("risky", "bypassPermissions", "default"),
        ("risky", "acceptEdits", "default"),
        ("edits", "acceptEdits", "default"),
        ("rules", "acceptEdits", "acceptEdits"),
        ("rules", "bypassPermissions", "default"),
    ],
)
def test_cli_runs_in_a_mode_in_which_it_asks_if_that_is_wanted(ask: str, mode: str, expected: str) -> None:
    settings = Settings.model_validate({"samobot_ask": ask, "claude_permission_mode": mode})
    assert (settings.cli_permission_mode, settings.asks) == (expected, ask != "off")
