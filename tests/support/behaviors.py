"""What a model or a user's setting does to a run, and how that ends: on the oldest and the newest Claude CLI.

The table of `docs/reference/behaviors.md` is made from this; the tests that are named here run with both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PLUMBING = "tests/e2e/test_plumbing.py::test_behavior_ends_as_documented"
SENT_BACK = 8
"""How often the CLI obeys a Stop hook that never lets it end."""

_SETTINGS = "tests/e2e/test_user_settings.py::"
_PLUGIN = "tests/plugin/test_with_claude.py::"


@dataclass(frozen=True, slots=True)
class Behavior:
    """One row.

    Attributes:
        ends: The state that the run ends in, with both versions: its test asserts the same of them.
        code: Its exit code; None if the row is about less than a run.
        told: What the user reads, as it is in the test; empty if nothing.
        test: The test that shows it.
    """

    ends: str
    code: int | None
    told: str
    test: str = PLUMBING


BEHAVIORS: Mapping[str, Behavior] = {
    "waits for sub-agents in the background": Behavior(
        "continues after their reports", None, "", f"{_PLUGIN}test_reviewers_report_before_the_iteration_ends"
    ),
    "signals before they have reported": Behavior(
        "has to signal again", None, "", f"{_PLUGIN}test_reviewers_report_before_the_iteration_ends"
    ),
    "never signals": Behavior("blocked", 11, "Two iterations in a row ended without a signal"),
    "answers its own question": Behavior("waiting", 10, "was not given by a user"),
    "obeys a README that gives orders": Behavior("waiting", 10, "greet has a plan"),
    "testing and quality disagree": Behavior(
        "blocked", 11, "Testing has sent the work back to quality 3 times"
    ),
    "testing repairs what it finds": Behavior("blocked", 11, "although this phase only observes"),
    "a setting denies its tools": Behavior(
        "not started",
        2,
        "No iteration can work",
        f"{_SETTINGS}test_settings_that_deny_the_tools_stop_a_run_before_it_costs_anything",
    ),
    "a hook refuses the prompt": Behavior(
        "blocked",
        11,
        "A hook of Claude Code's settings refuses the iteration's prompt",
        f"{_SETTINGS}test_a_hook_that_refuses_the_prompt_is_named_and_not_tried_again",
    ),
    "the output style `Learning`": Behavior(
        "is not used",
        None,
        "",
        f"{_SETTINGS}test_an_output_style_does_not_reach_the_agent_and_a_disabled_bypass_with_the_tools_allowed_works",
    ),
    "a `Stop` hook that never lets the agent end": Behavior(
        f"as signalled, after {SENT_BACK} more requests",
        None,
        "take part in each iteration and can stop it",
        f"{_SETTINGS}test_an_output_style_does_not_reach_the_agent_and_a_disabled_bypass_with_the_tools_allowed_works",
    ),
    "a `SessionStart` hook that adds a text": Behavior(
        "as signalled, with the text in each iteration",
        None,
        "take part in each iteration and can stop it",
        f"{_SETTINGS}test_an_output_style_does_not_reach_the_agent_and_a_disabled_bypass_with_the_tools_allowed_works",
    ),
    "MCP servers, one of them broken": Behavior(
        "works with the others",
        None,
        "without the MCP server broken (failed)",
        f"{_SETTINGS}test_an_agent_has_the_mcp_servers_that_the_user_chose_and_the_absent_one_is_reported",
    ),
    "`/samocode:dive …` typed by hand": Behavior(
        "expands with its arguments",
        None,
        "",
        f"{_PLUGIN}test_a_command_and_a_skill_expand_in_a_prompt_with_their_arguments",
    ),
    "starts a Claude of its own": Behavior(
        "is refused",
        None,
        "",
        f"{_PLUGIN}test_a_later_iteration_of_a_phase_repeats_the_beginning_of_the_request_and_a_claude_inside_is_refused",
    ),
    "a session that a Claude without a user starts": Behavior(
        "continues after that Claude's end",
        None,
        "",
        f"{_PLUGIN}test_a_session_that_a_headless_claude_starts_as_the_skill_says_outlives_it",
    ),
}
