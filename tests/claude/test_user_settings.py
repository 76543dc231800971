"""What in the user's Claude Code settings breaks an unattended run is found before the first iteration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from samobot.claude.invocation import ClaudeOptions
from samobot.claude.user_settings import SettingsProblem, check_user_settings, settings_problems
from samobot.errors import UsageError

NO_BYPASS = {"permissions": {"disableBypassPermissionsMode": "disable"}}
HOOK = [{"hooks": [{"type": "command", "command": "echo secret-of-mine"}]}]


def find(
    tmp_path: Path,
    settings: object,
    options: ClaudeOptions | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[SettingsProblem, ...]:
    folder = tmp_path / ".claude"
    folder.mkdir(exist_ok=True)
    (folder / "settings.json").write_text(settings if isinstance(settings, str) else json.dumps(settings))
    return settings_problems(
        options or ClaudeOptions(), {"HOME": str(tmp_path), **(environ or {})}, managed=tmp_path / "managed"
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (NO_BYPASS, ("disableBypassPermissionsMode", "Bash, Edit, Write")),
        (
            {"permissions": {"disableBypassPermissionsMode": "disable", "allow": ["Bash(*)", "Write"]}},
            ("disableBypassPermissionsMode", "so Edit would"),
        ),
        # Measured: neither allows anything in settings.
        (
            {
                "permissions": {
                    "disableBypassPermissionsMode": "disable",
                    "allow": ["Bash(:*)", "Bash()", "Edit", "Write"],
                }
            },
            ("disableBypassPermissionsMode", "so Bash would"),
        ),
        ({"permissions": {"ask": ["Bash"]}}, ("permissions.ask", '"Bash"')),
        ({"permissions": {"ask": ["Bash(*)", "WebFetch"]}}, ("permissions.ask", '"Bash(*)"')),
        ({"permissions": {"deny": ["Write", "Edit"]}}, ("permissions.deny", '"Write", "Edit"')),
        ({"permissions": {"deny": ["*"]}}, ("permissions.deny", '"*"')),
        (
            {"permissions": {"ask": ["Bash(**)", "Read(//**)"]}},
            ("permissions.ask", '"Bash(**)", "Read(//**)"'),
        ),
        ({"permissions": {"deny": ["Edit(**)", "Read(**)", "Edit(//etc/**)"]}}, ('"Edit(**)", "Read(**)",',)),
    ],
)
def test_settings_that_leave_an_iteration_without_its_tools_are_fatal(
    tmp_path: Path, settings: object, words: tuple[str, ...]
) -> None:
    (problem,) = find(tmp_path, settings)
    assert problem.fatal
    for each in (*words, str(tmp_path / ".claude" / "settings.json")):
        assert each in problem.text
    assert problem.remedy


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"disableAllHooks": True, "hooks": {"Stop": HOOK}},
            "take part in each iteration and can stop it: Stop",
        ),
        ({"hooks": {"Stop": HOOK, "UserPromptSubmit": HOOK}}, "UserPromptSubmit, Stop"),
        (
            {"permissions": {"deny": ["Agent(samocode:reviewer)", "Agent(Plan)"]}},
            'holds "Agent(samocode:reviewer)": agents',
        ),
        ({"permissions": {"ask": ["Skill", "Task"]}}, 'holds "Skill", "Task": agents work without'),
        ({"sandbox": {"enabled": True}}, "has sandbox.enabled: it is not used"),
        ({"hooks": {"SessionStart": HOOK, "PostToolUse": HOOK}}, "SessionStart"),
    ],
)
def test_what_only_hinders_is_a_warning_that_names_no_command(
    tmp_path: Path, settings: object, words: str
) -> None:
    (problem,) = find(tmp_path, settings)
    assert not problem.fatal
    assert words in problem.text
    assert "secret-of-mine" not in f"{problem.text}{problem.remedy}"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"permissions": {"ask": ["Bash(git push *)"], "deny": ["Read(.env)", "WebFetch"], "allow": ["Bash"]}},
        # Measured: they refuse nothing, or nothing of an iteration's.
        {"permissions": {"deny": ["Write(**)", "Bash(:*)", "Edit(/**)", "Edit(/tmp/**)"]}},
        {"permissions": {"disableBypassPermissionsMode": "disable", "allow": ["Bash", "Edit", "Write"]}},
        {"outputStyle": "Learning", "model": "opus", "permissions": {"defaultMode": "plan"}},
        {"hooks": {"PostToolUse": HOOK, "Notification": HOOK, "Stop": []}},
        {"permissions": {"ask": "Bash", "deny": [5, None]}, "hooks": []},
        {"disableAllHooks": True},
        "not JSON",
        "[]",
        "[" * 100_000,
    ],
)
def test_harmless_and_unreadable_settings_are_no_problem(tmp_path: Path, settings: object) -> None:
    assert find(tmp_path, settings) == ()


def test_another_mode_is_not_hurt_by_a_disabled_bypass(tmp_path: Path) -> None:
    assert find(tmp_path, NO_BYPASS, ClaudeOptions(permission_mode="acceptEdits")) == ()


@pytest.mark.parametrize("args", [("--setting-sources", "project"), ("--setting-sources=",)])
def test_a_user_who_chose_the_sources_is_believed(tmp_path: Path, args: tuple[str, ...]) -> None:
    assert find(tmp_path, NO_BYPASS, ClaudeOptions(args=args)) == ()


def test_the_configuration_folder_and_the_administrators_files_are_read(tmp_path: Path) -> None:
    elsewhere, more = tmp_path / "elsewhere", tmp_path / "managed" / "managed-settings.d"
    elsewhere.mkdir()
    more.mkdir(parents=True)
    (elsewhere / "settings.json").write_text(json.dumps({"hooks": {"Stop": HOOK}}))
    (more.parent / "managed-settings.json").write_text(json.dumps(NO_BYPASS))
    (more / "10.json").write_text(json.dumps({"permissions": {"deny": ["Bash"]}}))
    found = find(tmp_path, NO_BYPASS, environ={"CLAUDE_CONFIG_DIR": str(elsewhere)})
    assert [each.fatal for each in found] == [True, True, False]
    assert "managed-settings.json" in found[0].text
    assert "10.json" in found[1].text
    assert str(elsewhere / "settings.json") in found[2].text


@pytest.mark.parametrize(
    ("settings", "words", "fatal"),
    [
        ({"disableAllHooks": True}, "has disableAllHooks:", False),
        ({"allowManagedHooksOnly": True}, "has allowManagedHooksOnly:", False),
        ({"env": {"CLAUDE_CODE_SIMPLE": "1"}}, "has env.CLAUDE_CODE_SIMPLE,", True),
        ({"disableSideloadFlags": True}, "has disableSideloadFlags,", True),
    ],
)
def test_what_only_the_administrator_can_turn_off_is_found(
    tmp_path: Path, settings: object, words: str, fatal: bool
) -> None:
    """Measured on both versions; samobot's settings go before the user's."""
    (tmp_path / "managed").mkdir()
    (tmp_path / "managed" / "managed-settings.json").write_text(json.dumps(settings))
    (problem,) = find(tmp_path, settings)
    assert problem.fatal is fatal
    assert f"managed-settings.json {words}" in problem.text


def test_settings_of_a_trusted_project_count(tmp_path: Path) -> None:
    folder = tmp_path / "demo" / ".claude"
    folder.mkdir(parents=True)
    (folder / "settings.local.json").write_text(json.dumps({"permissions": {"deny": ["Bash"]}}))
    environ = {"HOME": str(tmp_path)}
    check_user_settings(ClaudeOptions(), environ)
    with pytest.raises(UsageError, match=r"demo/\.claude/settings\.local\.json"):
        check_user_settings(ClaudeOptions(), environ, tmp_path / "demo")


def test_tools_that_another_file_allows_are_not_denied(tmp_path: Path) -> None:
    folder = tmp_path / "demo" / ".claude"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps(NO_BYPASS))
    (tmp_path / ".claude").mkdir()
    allowed = {"permissions": {"allow": ["Bash", "Edit", "Write"]}}
    (tmp_path / ".claude" / "settings.json").write_text(json.dumps(allowed))
    check_user_settings(ClaudeOptions(), {"HOME": str(tmp_path)}, tmp_path / "demo")


@pytest.mark.parametrize(
    ("file", "content", "enabled"),
    [
        ("hooks/hooks.json", {"hooks": {"PreToolUse": HOOK, "SessionEnd": HOOK}}, True),
        ("hooks/hooks.json", {"hooks": {"PreToolUse": HOOK}}, False),
        (".claude-plugin/plugin.json", {"hooks": {"PreToolUse": HOOK}}, True),
        (".claude-plugin/plugin.json", {"hooks": {"hooks": {"PreToolUse": HOOK}}}, True),
        (".claude-plugin/plugin.json", {"hooks": [5, "./more.json"]}, True),
    ],
)
def test_hooks_of_enabled_plugins_are_named(
    tmp_path: Path, file: str, content: object, enabled: bool
) -> None:
    plugins, installed = tmp_path / ".claude" / "plugins", tmp_path / "cache" / "guard" / "1.0.0"
    plugins.mkdir(parents=True)
    (installed / file).parent.mkdir(parents=True)
    (installed / file).write_text(json.dumps(content))
    (installed / "more.json").write_text(json.dumps({"hooks": {"PreToolUse": HOOK}}))
    record = {"scope": "user", "installPath": str(installed), "version": "1.0.0"}
    listed = {
        "version": 2,
        "plugins": {
            "guard@shop": [record],
            "samocode@samobot": [record],
            "gone@shop": [{}, 5],
            "odd@shop": None,
        },
    }
    (plugins / "installed_plugins.json").write_text(json.dumps(listed))
    others = dict.fromkeys(("samocode@samobot", "gone@shop", "odd@shop"), True)
    settings = {"enabledPlugins": {"guard@shop": enabled, **others}}
    found = find(tmp_path, settings)
    assert [(each.text, each.fatal) for each in found] == [
        ("hooks of the plugin guard@shop take part in each iteration and can stop it: PreToolUse", False)
    ] * enabled
    assert all("claude plugin disable guard@shop" in each.remedy for each in found)


@pytest.mark.parametrize("settings", [NO_BYPASS, {"permissions": {"ask": ["Bash"]}}])
def test_a_run_is_refused_with_the_remedy(tmp_path: Path, settings: dict[str, Any]) -> None:
    environ = {"HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": str(tmp_path)}
    check_user_settings(ClaudeOptions(), environ)
    (tmp_path / "settings.json").write_text(json.dumps({"hooks": {"Stop": HOOK}}))
    check_user_settings(ClaudeOptions(), environ)
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(UsageError, match=r"No iteration can work: .*settings\.json.*\. (Remove|Add)"):
        check_user_settings(ClaudeOptions(), environ)


@pytest.mark.parametrize("whole", ["Bash", "Bash(*)", "Bash(**)", "Bash( * )", "Bash(:*)"])
def test_whole_tool_that_is_allowed_is_reported_if_the_agent_is_to_ask(tmp_path: Path, whole: str) -> None:
    settings = {"permissions": {"allow": [whole, "Edit(src/*)"], "ask": ["Write"]}}
    (problem,) = find(tmp_path, settings, ClaudeOptions(asks=True))
    assert not problem.fatal
    assert '"Bash": such calls are never asked about' in problem.text
