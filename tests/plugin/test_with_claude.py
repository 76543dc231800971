"""The plugin in the real Claude CLI, against a scripted model: what is loaded, and what arrives."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from samobot.assets import plugin_dir, workflow_text
from samobot.claude.invocation import ClaudeOptions, build
from samobot.config.model_choice import DEFAULT_EFFORT
from samobot.phases import RULES, Phase, SignalStatus
from samobot.worker.prompt import (
    AnsweredQuestion,
    IterationContext,
    hook_environment,
    iteration_context,
    iteration_prompt,
)
from tests.docs.pages import TOP
from tests.support.claude_cli import (
    Ended,
    cli_environment,
    require_claude,
    require_newest_claude,
    run_claude,
    run_to_file,
)
from tests.support.fake_programs import put_program
from tests.support.messages_api import (
    OTHER,
    Answer,
    MessagesApi,
    Request,
    Step,
    bash,
    say,
    signal,
    tool,
    write,
)
from tests.support.plugin import agent_files, command_files, front_matter, skill_files
from tests.support.waiting import until

pytestmark = pytest.mark.real_cli


class Desk:
    """Folders for one iteration, and the iteration itself as the worker starts it."""

    def __init__(self, top: Path, plugin: Path | None = None) -> None:
        self.home = top / "home"
        self.claude: Path | None = None
        self.more: dict[str, str] = {}
        self.blocking = True
        self.plugin = plugin or plugin_dir()
        self.facts = IterationContext(
            phase=Phase.PLANNING,
            visit=1,
            visit_limit=10,
            number=4,
            session=top / "sessions" / "26-01-15-greet",
            workdir=top / "work trees" / "greet",
            task="Write a greeting script.",
            platform="Linux 6.1",
            branch="greet",
            git_status=" M greet.py",
            base="0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
            seconds=1800.0,
            budget_left=4.2,
        )
        (self.facts.session / "_logs").mkdir(parents=True)
        self.facts.workdir.mkdir(parents=True)

    def iterate(self, api: MessagesApi, facts: IterationContext) -> Ended:
        """Run one iteration."""
        context = self.facts.session / "_logs" / "context.md"
        context.write_text(iteration_context(facts, workflow_text()), encoding="utf-8")
        signal_file = facts.session / "_signal.json"
        invocation = build(
            ClaudeOptions(path=str(self.claude or require_claude()), effort=DEFAULT_EFFORT[facts.phase]),
            plugin=self.plugin,
            agent=RULES[facts.phase].agent,
            session_id=str(uuid.uuid4()),
            context_file=context,
            prompt=iteration_prompt(facts),
            cwd=facts.workdir,
            session_dir=facts.session,
            log=facts.session / "_logs" / "stream.jsonl",
            budget_left=None,
            signal_file=signal_file,
            environ=cli_environment(self.home, api.url) | self.more,
            python=sys.executable,
        )
        environment = {**invocation.env, **hook_environment(facts.phase, signal_file)}
        return run_to_file(
            invocation.argv, stdin=invocation.stdin, cwd=invocation.cwd, environment=environment
        )

    def ask(self, api: MessagesApi, prompt: str) -> Ended:
        """Run one prompt with the plugin, as a person does."""
        return run_claude(
            "--plugin-dir",
            str(self.plugin),
            prompt=prompt,
            cwd=self.facts.workdir,
            environment=cli_environment(self.home, api.url),
            claude=self.claude,
        )

    def signal(self) -> object:
        """What `_signal.json` holds."""
        return json.loads((self.facts.session / "_signal.json").read_text(encoding="utf-8"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _ending(phase: Phase) -> list[Step]:
    """A valid end of an iteration of the phase."""
    if SignalStatus.CONTINUE in RULES[phase].signals:
        return signal("continue", phase=phase, summary="Half of it.")
    return signal("done", summary="All of it.")


@pytest.mark.parametrize("phase", list(Phase))
def test_role_workflow_context_and_user_text_arrive_and_stay_small(desk: Desk, phase: Phase) -> None:
    task = "Write a greeting script. " * 50
    facts = replace(
        desk.facts,
        phase=phase,
        visit_limit=RULES[phase].limit,
        task=task,
        guidance=("Use argparse, not click.", "Keep it under 40 lines."),
        feedback="Too many phases.",
        answers=(AnsweredQuestion("Q1: Which greeting?", "B"),),
        reminder="There was no signal.",
    )
    with MessagesApi({phase: _ending(phase)}) as api:
        ended = desk.iterate(api, facts)
    api.check()
    assert ended.code == 0
    asked = api.requests[0]
    role = front_matter(desk.plugin / "agents" / f"{RULES[phase].agent}.md")[1].strip()
    for part in (role, workflow_text().strip(), iteration_context(facts, workflow_text()).strip()):
        assert part in asked.system
    assert iteration_prompt(facts) in asked.text
    assert asked.system.index(role) < asked.system.index("# One iteration")
    assert (asked.phase, asked.session, asked.workdir) == (phase, str(facts.session), str(facts.workdir))
    assert asked.body["output_config"]["effort"] == DEFAULT_EFFORT[phase]
    assert "opus" in asked.body["model"]
    tools = front_matter(desk.plugin / "agents" / f"{RULES[phase].agent}.md")[0]["tools"].split(", ")
    assert set(asked.tools) <= {"Agent" if name == "Task" else name for name in tools}
    # The CLI's own rules of git are contradicted by ours, which have to say so.
    assert "for commits, branches, questions and signals these rules go first" in asked.system
    assert not re.search(r"branch first|only when (?:asked|requested)|OVERRIDE", asked.system)
    # All that arrives as system text, what the CLI itself puts before it included.
    assert len(asked.system) + len(iteration_prompt(facts)) - len(task.strip()) < 9000


@pytest.mark.parametrize("phase", list(Phase))
def test_an_agent_has_the_tools_that_its_file_names(desk: Desk, phase: Phase) -> None:
    with MessagesApi({phase: _ending(phase)}) as api:
        ended = desk.iterate(api, replace(desk.facts, phase=phase))
    (init,) = ended.of_type("system", "init")
    named = front_matter(desk.plugin / "agents" / f"{RULES[phase].agent}.md")[0]["tools"].split(", ")
    assert sorted(init["tools"]) == sorted(named)


def test_the_cli_lists_every_agent_skill_and_command(desk: Desk) -> None:
    with MessagesApi({OTHER: [say("hello")]}) as api:
        (init,) = desk.ask(api, "hello").of_type("system", "init")
    assert {f"samocode:{path.stem}" for path in agent_files()} <= set(init["agents"])
    skills = {f"samocode:{path.parent.name}" for path in skill_files()}
    commands = {f"samocode:{path.stem}" for path in command_files()}
    assert skills | commands <= set(init["slash_commands"])


def test_every_skill_is_offered_to_an_agent_with_its_description(desk: Desk) -> None:
    with MessagesApi({"planning": _ending(Phase.PLANNING)}) as api:
        desk.iterate(api, desk.facts)
    offered = api.requests[0].text
    for path in skill_files():
        assert f"samocode:{path.parent.name}: {front_matter(path)[0]['description']}" in offered
    for path in command_files():
        assert f"- samocode:{path.stem}:" not in offered


PHASE_AGENTS = [plugin_dir() / "agents" / f"{rule.agent}.md" for rule in RULES.values()]


@pytest.mark.parametrize("path", PHASE_AGENTS, ids=lambda path: path.stem)
def test_the_skill_that_a_role_names_loads(desk: Desk, path: Path) -> None:
    phase = next(phase for phase, rule in RULES.items() if rule.agent == path.stem)
    name = front_matter(path)[1].partition("Skill: `samocode:")[2].partition("`")[0]
    with MessagesApi({phase: [tool("Skill", skill=f"samocode:{name}"), *_ending(phase)]}) as api:
        desk.iterate(api, replace(desk.facts, phase=phase))
    api.check()
    assert front_matter(plugin_dir() / "skills" / name / "SKILL.md")[1].strip() in api.requests[1].text


def test_a_command_expands_in_a_prompt_with_its_arguments(desk: Desk, any_claude: Path) -> None:
    desk.claude = any_claude
    with MessagesApi({OTHER: [say("Done.")]}) as api:
        desk.ask(api, "/samocode:dive How are greetings printed?")
    assert "do a `dive` on: How are greetings printed?" in api.requests[0].text


def test_every_command_on_every_page_expands_as_the_page_writes_it(desk: Desk, any_claude: Path) -> None:
    """All in one conversation, typed line by line: one process for each CLI."""
    desk.claude = any_claude
    pages = [TOP / "README.md", *(TOP / "docs").rglob("*.md")]
    typed = {found for page in pages for found in re.findall(r"`(/samocode:[^`]+)`", page.read_text("utf-8"))}
    assert {each.split()[0] for each in typed} == {f"/samocode:{path.stem}" for path in command_files()}
    lines = sorted(typed - {"/samocode:NAME", "/samocode:dive …"})
    said = [{"type": "user", "message": {"role": "user", "content": line}} for line in lines]
    with MessagesApi({OTHER: [say("Done.")] * len(lines)}) as api:
        ended = run_claude(
            "--plugin-dir", str(desk.plugin), "--input-format", "stream-json",
            prompt="".join(f"{json.dumps(each)}\n" for each in said),
            cwd=desk.facts.workdir, environment=cli_environment(desk.home, api.url), claude=desk.claude,
        )  # fmt: skip
    assert "Unknown command" not in json.dumps(ended.records)
    sent = api.requests[-1].text
    for line in lines:
        name, _, arguments = line.removeprefix("/samocode:").partition(" ")
        body = front_matter(plugin_dir() / "commands" / f"{name}.md")[1].strip()
        assert body.replace("$ARGUMENTS", arguments).split("\n")[0].strip() in sent, line


def test_a_skill_expands_in_a_prompt_with_its_arguments(desk: Desk) -> None:
    with MessagesApi({OTHER: [say("Done.")]}) as api:
        desk.ask(api, "/samocode:samocode-run greet")
    assert "Arguments: `greet`" in api.requests[0].text


def test_an_iteration_without_a_signal_is_sent_back_and_then_ends_well(desk: Desk) -> None:
    script: Sequence[Step] = [
        say("I am finished."),
        *signal("waiting", waiting_for="plan_approval", summary="A plan is there."),
    ]
    with MessagesApi({"planning": script}) as api:
        ended = desk.iterate(api, desk.facts)
    api.check()
    assert ended.code == 0
    assert ended.result["is_error"] is False
    assert "There is no signal file." in api.requests[1].text
    assert desk.signal() == {"status": "waiting", "for": "plan_approval", "summary": "A plan is there."}


def test_a_signal_that_the_phase_may_not_send_is_sent_back(desk: Desk) -> None:
    script = [*signal("done"), bash("rm '{session}/_signal.json'"), *_ending(Phase.PLANNING)]
    with MessagesApi({"planning": script}) as api:
        desk.iterate(api, desk.facts)
    api.check()
    assert "which this phase may not signal" in api.requests[2].text


def test_a_model_that_never_signals_ends_after_three_reminders(desk: Desk) -> None:
    with MessagesApi(lambda request: say("No.")) as api:
        ended = desk.iterate(api, desk.facts)
    assert ended.code == 0
    assert len(api.requests) == 4
    assert not (desk.facts.session / "_signal.json").exists()


def test_the_hook_works_from_a_folder_with_spaces_and_quotes(tmp_path: Path) -> None:
    plugin = tmp_path / "it's a $HOME plugin"
    plugin.mkdir()
    for name in ("agents", "hooks", "skills", ".claude-plugin"):
        shutil.copytree(plugin_dir() / name, plugin / name)
    desk = Desk(tmp_path / "a 'quoted' place", plugin)
    with MessagesApi({"planning": [say("Finished."), *_ending(Phase.PLANNING)]}) as api:
        desk.iterate(api, desk.facts)
    api.check()
    assert "There is no signal file." in api.requests[1].text


def test_sub_agents_are_not_sent_back(desk: Desk) -> None:
    script: Sequence[Step] = [
        tool(
            "Task",
            description="look",
            prompt="Look around.",
            subagent_type="general-purpose",
            run_in_background=False,
        ),
        *_ending(Phase.PLANNING),
    ]
    with MessagesApi({"planning": script, OTHER: [say("The sub-agent's report.")]}) as api:
        ended = desk.iterate(api, desk.facts)
    api.check()
    assert ended.code == 0
    assert "The sub-agent's report." in api.of_phase("planning")[1].text


def test_hook_does_nothing_without_an_iteration(desk: Desk) -> None:
    with MessagesApi({OTHER: [write(str(desk.facts.workdir / "note"), "x"), say("Done.")]}) as api:
        ended = desk.ask(api, "hello")
    api.check()
    assert ended.result["result"] == "Done."


def test_nothing_of_ours_is_left_in_home(desk: Desk) -> None:
    with MessagesApi({"planning": _ending(Phase.PLANNING)}) as api:
        desk.iterate(api, desk.facts)
    left = [path for path in (desk.home / ".claude").rglob("*") if "samocode" in path.name]
    assert [path.relative_to(desk.home).as_posix() for path in left] == [
        ".claude/plugins/data/samocode-inline"
    ]
    assert not list(left[0].iterdir())


@pytest.fixture(params=["pinned", "newest"])
def any_claude(request: pytest.FixtureRequest) -> Path:
    return require_claude() if request.param == "pinned" else require_newest_claude()


def test_a_later_iteration_of_a_phase_repeats_the_beginning_of_the_request(
    desk: Desk, any_claude: Path
) -> None:
    """What a request has in common with an earlier one, from its beginning, is read from the model's cache."""
    desk.claude = any_claude
    later = replace(
        desk.facts,
        number=5,
        visit=2,
        git_status="",
        guidance=("Use argparse.",),
        reminder="There was no signal.",
    )
    with MessagesApi({Phase.PLANNING: [*_ending(Phase.PLANNING), *_ending(Phase.PLANNING)]}) as api:
        for facts in (desk.facts, later):
            assert desk.iterate(api, facts).code == 0
    first, second = (next(each for each in api.requests if each.run == run) for run in _runs(api))
    assert second.body["tools"] == first.body["tools"]
    assert [block["text"] for block in second.body["system"] if "cache_control" in block] == [
        block["text"] for block in first.body["system"] if "cache_control" in block
    ]
    assert "Use argparse." in second.text


def _runs(api: MessagesApi) -> list[str]:
    """The CLI's sessions, in their order."""
    return list(dict.fromkeys(request.run for request in api.requests))


FOUND = "Data loss in greet.py"


class Review:
    """A model in the quality phase: starts a reviewer, ends its turn while that works, and signals what it found.

    Args:
        desk: Where it works.
        early: Whether it signals before the reviewer has reported, as an impatient model does.
    """

    def __init__(self, desk: Desk, *, early: bool) -> None:
        self._desk = desk
        self._early = early
        self._started = False
        self._signalled: list[str] = []

    def __call__(self, request: Request) -> Answer:
        if request.phase == OTHER:
            return self._report()
        if not self._started:
            self._started = True
            return tool("Agent", description="Review", prompt="Review it.", subagent_type="general-purpose")
        summary = FOUND if FOUND in request.text else "Nothing found so far"
        if summary not in self._signalled and (FOUND in request.text or self._early):
            self._signalled.append(summary)
            fields = {"status": "continue", "phase": "quality", "summary": summary}
            return bash(f"echo '{json.dumps(fields)}' > '{{session}}/_signal.json'")
        return say("Waiting for the reviewer." if not self._signalled else "Signalled.")

    def _report(self) -> Answer:
        if not self._desk.blocking:
            # The Stop hook notes that it let the turn end: only then the reviewer reports.
            until((self._desk.facts.session / "_logs" / ".sub-agents").exists)
        return say(FOUND)


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("background", [False, True])
def test_reviewers_report_before_the_iteration_ends(
    desk: Desk, any_claude: Path, background: bool, early: bool
) -> None:
    desk.claude = any_claude
    if background:
        desk.more = {"CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": ""}
    desk.blocking = (
        not background or any_claude == require_claude()
    )  # the pinned version has no other default
    with MessagesApi(Review(desk, early=early)) as api:
        ended = desk.iterate(api, replace(desk.facts, phase=Phase.QUALITY))
    assert ended.code == 0
    assert desk.signal() == {"status": "continue", "phase": "quality", "summary": FOUND}
    assert "There is no signal file" not in api.requests[-1].text


def test_a_claude_inside_an_iteration_is_refused(desk: Desk, any_claude: Path, tmp_path: Path) -> None:
    desk.claude = any_claude
    ran = tmp_path / "ran"
    put_program(tmp_path / "bin", "claude", f"touch '{ran}'")
    desk.more = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    steps: list[Step] = [bash("claude -p 'Do my work'"), bash("claude --version"), *_ending(Phase.QUALITY)]
    with MessagesApi({"quality": steps}) as api:
        desk.iterate(api, replace(desk.facts, phase=Phase.QUALITY))
        assert "No CLI of an agent inside an iteration" in api.requests[1].text
    api.check()
    assert ran.exists(), "asking it for its version is allowed"
    assert "touch" not in api.requests[1].text
