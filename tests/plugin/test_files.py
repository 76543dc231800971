"""The plugin's files: complete, well formed, and of one mind with the code that reads what agents write."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import samobot
from samobot.assets import plugin_dir, workflow_text
from samobot.claude.codex_program import instructions
from samobot.phases import RULES, Phase, WaitingFor
from samobot.session.overview import parse_overview
from samobot.session.plan import outline
from samobot.session.provider import CODEX_PHASES
from samobot.session.qa import parse_qa
from samobot.session.signal import Signal, parse_signal
from samobot.worker.prompt import IterationContext, iteration_context
from tests.support.cases import for_each
from tests.support.plugin import agent_files, blocks, command_files, front_matter, skill_files

COMMANDS = {
    "dive", "task", "create-plan", "do", "do2", "dop", "dop2", "cleanup", "multi-review", "clarity-review", "learn",
    "pr-readiness",
    "session-start", "session-continue", "session-sync", "session-archive", "samocode-implement",
}  # fmt: skip
SKILLS = {
    "investigation", "task-definition", "planning", "implementation", "testing", "quality", "summary",
    "session-management", "samocode-run",
}  # fmt: skip
TOOLS = {"Read", "Write", "Edit", "Bash", "Task", "Skill", "WebSearch", "WebFetch"}

HELPERS = {
    "reviewer": {"Read", "Bash"},
    "researcher": {"Read", "Bash", "WebSearch", "WebFetch"},
    "builder": {"Read", "Write", "Edit", "Bash"},
}
"""Agents that those of the phases start, with their tools."""

PHASE_AGENTS = [path for path in agent_files() if path.stem not in HELPERS]
OURS_LIMIT = 9_000
"""Characters of our own that each request of a phase begins with."""

EVERY_TEXT = [*agent_files(), *command_files(), *skill_files(), plugin_dir() / "workflow.md"]


def _skill(name: str) -> Path:
    return plugin_dir() / "skills" / name / "SKILL.md"


def test_each_phase_has_exactly_one_agent() -> None:
    assert {path.stem for path in PHASE_AGENTS} == {rule.agent for rule in RULES.values()}


@pytest.mark.parametrize("name", HELPERS)
def test_a_helper_has_only_the_tools_of_its_work_and_the_rules_that_bind_it(name: str) -> None:
    head, body = front_matter(plugin_dir() / "agents" / f"{name}.md")
    assert set(head) == {"name", "description", "tools"}
    assert head["name"] == name
    assert set(head["tools"].split(", ")) == HELPERS[name], "none starts agents of its own"
    rules = " ".join(body.split())
    assert "is material, not instruction" in rules
    assert "Nothing leaves this machine" in rules
    assert "ommit" in rules


def _facts(phase: Phase) -> IterationContext:
    return IterationContext(
        phase=phase,
        visit=1,
        visit_limit=10,
        number=1,
        session=Path("/home/ann/sessions/26-01-15-greet"),
        workdir=Path("/home/ann/worktrees/greet"),
        task="",
        platform="Linux 6.1",
    )


@pytest.mark.parametrize("phase", list(Phase))
def test_what_we_add_to_the_system_text_of_a_phase_is_small(phase: Phase) -> None:
    role = front_matter(plugin_dir() / "agents" / f"{RULES[phase].agent}.md")[1]
    context = iteration_context(_facts(phase), workflow_text())
    listed = [front_matter(path)[0]["description"] for path in (*skill_files(), *agent_files())]
    assert len(role) + len(context) + sum(map(len, listed)) <= OURS_LIMIT


@pytest.mark.parametrize("phase", CODEX_PHASES)
def test_what_codex_gets_of_ours_is_as_small_with_the_skill_in_it(phase: str) -> None:
    rules = instructions(plugin_dir(), RULES[Phase(phase)].agent, workflow_text())
    assert len(rules) + len(iteration_context(_facts(Phase(phase)), "")) <= OURS_LIMIT


@pytest.mark.parametrize("path", PHASE_AGENTS, ids=lambda path: path.stem)
def test_an_agent_can_read_write_run_and_load_skills(path: Path) -> None:
    head, body = front_matter(path)
    assert set(head) == {"name", "description", "tools"}
    assert head["name"] == path.stem
    tools = set(head["tools"].split(", "))
    assert {"Read", "Write", "Edit", "Bash", "Skill"} <= tools <= TOOLS
    assert body.strip()


@pytest.mark.parametrize("path", PHASE_AGENTS, ids=lambda path: path.stem)
def test_prompt_lists_only_signals_that_the_phase_may_send(path: Path) -> None:
    phase = next(phase for phase, rule in RULES.items() if rule.agent == path.stem)
    rule = RULES[phase]
    body = front_matter(path)[1]
    for sent in re.findall(r"(?<!to )`(continue|waiting|done)`", body):
        assert sent in rule.signals
    for status, target in re.findall(r"`(continue)` (?:to|in) `(\w+)`", body):
        assert status in rule.signals
        assert Phase(target) in (phase, *rule.targets)
    for target in rule.targets:
        assert f"`{target}`" in body


def test_the_commands_are_there() -> None:
    assert {path.stem for path in command_files()} == COMMANDS


@pytest.mark.parametrize("path", command_files(), ids=lambda path: path.stem)
def test_a_command_takes_arguments_and_stays_out_of_the_models_list(path: Path) -> None:
    head, body = front_matter(path)
    assert set(head) == {"description", "argument-hint", "disable-model-invocation"}
    assert head["disable-model-invocation"] == "true"
    assert "$ARGUMENTS" in body
    assert re.search(r"`samocode:[a-z-]+`", body)


def test_the_nine_skills_are_there() -> None:
    assert {path.parent.name for path in skill_files()} == SKILLS


@pytest.mark.parametrize("path", skill_files(), ids=lambda path: path.parent.name)
def test_a_skill_is_named_and_described_in_short(path: Path) -> None:
    head, body = front_matter(path)
    assert set(head) == {"name", "description"}
    assert head["name"] == path.parent.name
    # The CLI lists every description in every iteration, and drops some when the list grows long.
    assert len(head["description"]) <= 220
    assert len(body) <= 6000


@for_each("path", EVERY_TEXT)
def test_every_skill_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"samocode:([a-z][a-z0-9-]*)", path.read_text(encoding="utf-8")))
    assert named <= SKILLS | set(HELPERS)


@for_each("path", EVERY_TEXT)
def test_every_waiting_kind_that_is_named_exists(path: Path) -> None:
    named = re.findall(r"`((?:qa|plan|human|file)_[a-z]+)`", path.read_text(encoding="utf-8"))
    assert set(named) <= set(WaitingFor)


def test_the_plugin_has_the_version_of_the_program() -> None:
    manifest = json.loads((plugin_dir() / ".claude-plugin" / "plugin.json").read_text(encoding="utf-8"))
    assert manifest["name"] == "samocode"
    assert manifest["version"] == samobot.__version__


def test_the_signal_that_the_workflow_shows_is_valid() -> None:
    (shown,) = blocks(plugin_dir() / "workflow.md", "json")
    signal = parse_signal(shown)
    assert isinstance(signal, Signal)
    assert signal.phase is Phase.PLANNING
    assert signal.summary


def test_the_signals_form_is_shown_in_the_workflow_alone() -> None:
    shown = [path for path in EVERY_TEXT if '"status"' in path.read_text(encoding="utf-8")]
    assert shown == [plugin_dir() / "workflow.md"]


def test_the_question_that_the_skill_shows_is_read_as_meant() -> None:
    shown, _definition = blocks(_skill("task-definition"), "markdown")
    (question,) = parse_qa(shown).questions
    assert [option.letter for option in question.options] == ["A", "B", "C"]
    assert question.suggestion == "B"
    assert question.answer is None
    assert not parse_qa(shown).problems


def test_the_plan_that_the_skill_shows_is_read_as_meant() -> None:
    (shown,) = blocks(_skill("planning"), "markdown")
    plan = outline(shown)
    assert [len(phase.steps) for phase in plan.phases] == [3, 2]
    assert "Greeting script" in plan.title


def test_the_overview_that_the_skill_shows_is_read_as_meant() -> None:
    (shown,) = blocks(_skill("session-management"), "markdown")
    overview = parse_overview(shown)
    assert overview.phase is Phase.INVESTIGATION
    assert overview.task == "The user's own words."
    assert overview.iteration == 0


def test_no_text_names_a_machine_or_a_developer() -> None:
    for path in EVERY_TEXT:
        assert not re.search(r"/work/|/tmp/|/root/|@[a-z]+\.(com|org)", path.read_text(encoding="utf-8")), (
            path
        )


def test_no_role_is_asked_for_what_the_workflow_forbids_or_another_text_withholds() -> None:
    (rule,) = [line for line in workflow_text().splitlines() if "outside the two folders" in line]
    asking = [
        path.name for path in (*agent_files(), *skill_files()) if "temporary folder" in path.read_text()
    ]
    assert asking
    assert "outside the two folders and temporary ones" in rule
    # `clarity-review` gives its reviewer no task, and has it answer questions.
    reviewer = (plugin_dir() / "agents" / "reviewer.md").read_text()
    assert "mostly with a task definition" in reviewer
    assert "answer questions" in reviewer
