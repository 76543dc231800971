"""The plugin in the real Claude CLI, against a scripted model: what is loaded, and what arrives."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from samobot.assets import plugin_dir, workflow_text
from samobot.claude.invocation import ClaudeOptions, build
from samobot.config.model_choice import DEFAULT_EFFORT
from samobot.phases import RULES, Phase, SignalStatus
from samobot.sandbox.agent.steps import WaitFor
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
from tests.support.plugin import agent_files, check_request, command_files, front_matter, skill_files
from tests.support.scripted import blocked, investigation, scripted_shop
from tests.support.waiting import until
from tests.support.workshop import Workshop

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


def _role(plugin: Path, phase: Phase) -> tuple[dict[str, str], str]:
    return front_matter(plugin / "agents" / f"{RULES[phase].agent}.md")


def _skill(plugin: Path, phase: Phase) -> str:
    """The name of the skill that the phase's role names."""
    return _role(plugin, phase)[1].partition("Skill: `samocode:")[2].partition("`")[0]


@dataclass(frozen=True)
class Asked:
    """An iteration of a phase that loads the skill of its role, and what the model was asked in it.

    Attributes:
        facts: What the iteration was given.
        requests: The requests, in order.
        ended: What the CLI left behind.
        plugin: Our plugin.
        home: The agent's HOME.
    """

    facts: IterationContext
    requests: Sequence[Request]
    ended: Ended
    plugin: Path
    home: Path

    @property
    def role(self) -> tuple[dict[str, str], str]:
        """The front matter and the text of the role."""
        return _role(self.plugin, self.facts.phase)


_ASKED = [
    *((phase, require_claude) for phase in Phase),
    # The other phases' requests of the newest version are looked at in `tests/e2e/test_plumbing.py`.
    *((phase, require_newest_claude) for phase in (Phase.IMPLEMENTATION, Phase.DONE)),
]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(each, marks=pytest.mark.xdist_group(f"asked_{number}"))
        for number, each in enumerate(_ASKED)
    ],
    ids=lambda each: f"{each[0]}-{'pinned' if each[1] is require_claude else 'newest'}",
)
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """One run of the CLI a phase: a second of the processor each."""
    phase, claude = request.param
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.claude = claude()
    facts = replace(
        desk.facts,
        phase=phase,
        visit_limit=RULES[phase].limit,
        task="Write a greeting script. " * 50,
        guidance=("Use argparse, not click.", "Keep it under 40 lines."),
        feedback="Too many phases.",
        answers=(AnsweredQuestion("Q1: Which greeting?", "B"),),
        reminder="There was no signal.",
    )
    with MessagesApi(
        {phase: [tool("Skill", skill=f"samocode:{_skill(desk.plugin, phase)}"), *_ending(phase)]}
    ) as api:
        ended = desk.iterate(api, facts)
    api.check()
    assert ended.code == 0
    return Asked(facts, api.requests, ended, desk.plugin, desk.home)


def test_role_workflow_context_and_user_text_arrive_and_stay_small(asked: Asked) -> None:
    facts, first, role = asked.facts, asked.requests[0], asked.role[1]
    for part in (role.strip(), workflow_text().strip(), iteration_context(facts, workflow_text()).strip()):
        assert part in first.system
    assert iteration_prompt(facts) in first.text
    assert first.system.index(role.strip()) < first.system.index("# One iteration")
    assert (first.phase, first.session, first.workdir) == (
        facts.phase,
        str(facts.session),
        str(facts.workdir),
    )
    check_request(first, facts.phase)
    # All that arrives as system text, what the CLI itself puts before it included.
    assert len(first.system) + len(iteration_prompt(facts)) - len(facts.task.strip()) < 9000


def test_an_agent_has_the_tools_that_its_file_names(asked: Asked) -> None:
    (init,) = asked.ended.of_type("system", "init")
    assert sorted(init["tools"]) == sorted(asked.role[0]["tools"].split(", "))


def test_every_skill_is_offered_to_an_agent_with_its_description(asked: Asked) -> None:
    offered = asked.requests[0].text
    for path in skill_files():
        assert f"samocode:{path.parent.name}: {front_matter(path)[0]['description']}" in offered
    for path in command_files():
        assert f"- samocode:{path.stem}:" not in offered


def test_the_skill_that_a_role_names_loads(asked: Asked) -> None:
    skill = _skill(asked.plugin, asked.facts.phase)
    text = front_matter(asked.plugin / "skills" / skill / "SKILL.md")[1].strip()
    assert text in asked.requests[1].text


def test_nothing_of_ours_is_left_in_home(asked: Asked) -> None:
    left = [path for path in (asked.home / ".claude").rglob("*") if "samocode" in path.name]
    assert [path.relative_to(asked.home).as_posix() for path in left] == [
        ".claude/plugins/data/samocode-inline"
    ]
    assert not list(left[0].iterdir())


@dataclass(frozen=True)
class Typed:
    """One conversation by hand, with our plugin: one start of each CLI for all that is asserted about it.

    Attributes:
        lines: What was typed from the pages, in order; two more lines and a request for a file stand around them.
        sent: The conversation as the model got it in the last request.
        ended: What the CLI left behind.
        note: The file that the model wrote.
        shop: The project in which the model started the session `greet`, whose agent waits for the file `go`.
    """

    lines: Sequence[str]
    sent: str
    ended: Ended
    note: Path
    shop: Workshop

    @property
    def go(self) -> Path:
        """Lets that agent end."""
        return self.shop.root / "go"


def _on_pages() -> set[str]:
    pages = [TOP / "README.md", *(TOP / "docs").rglob("*.md")]
    return {found for page in pages for found in re.findall(r"`(/samocode:[^`]+)`", page.read_text("utf-8"))}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(each, marks=pytest.mark.xdist_group(f"typed_{each}")) for each in ("pinned", "newest")
    ],
)
def typed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    claude = require_claude() if request.param == "pinned" else require_newest_claude()
    desk = Desk(tmp_path_factory.mktemp("typed"))
    lines = sorted(_on_pages() - {"/samocode:NAME", "/samocode:dive …"})
    more = [
        "/samocode:dive How are greetings printed?",
        "Leave a note.",
        "/samocode:samocode-run greet",
    ]
    said = [{"type": "user", "message": {"role": "user", "content": line}} for line in (*lines, *more)]
    note = desk.facts.workdir / "note"
    folder = desk.home.parent / "shop"
    shop = scripted_shop(folder, investigation([WaitFor(path=str(folder / "go")), blocked()]))
    shop.environment["SAMOBOT_FENCE"] = "off"

    def start(request: Request) -> Answer:
        (call,) = re.findall(r"^ *samobot (run .+)$", request.text, re.MULTILINE)
        call = call.partition(" [")[0].replace("FILE", str(shop.config)).replace("NAME", "greet")
        return bash(f"{sys.executable} -m samobot {call} --task Greet")

    answers: list[Step] = [
        *[say("Done.")] * (len(said) - 2),
        write(str(note), "x"),
        say("It is noted."),
        start,
        say("It runs."),
    ]
    with MessagesApi({OTHER: answers}) as api:
        ended = run_claude(
            "--plugin-dir", str(desk.plugin), "--input-format", "stream-json",
            prompt="".join(f"{json.dumps(each)}\n" for each in said),
            cwd=desk.facts.workdir, environment=shop.environment | cli_environment(desk.home, api.url), claude=claude,
        )  # fmt: skip
    api.check()
    made = Typed(lines, api.requests[-1].text, ended, note, shop)
    yield made
    made.go.touch()
    until(lambda: shop.processes() == [])


def test_the_cli_lists_every_agent_skill_and_command(typed: Typed) -> None:
    init = typed.ended.of_type("system", "init")[0]
    assert {f"samocode:{path.stem}" for path in agent_files()} <= set(init["agents"])
    skills = {f"samocode:{path.parent.name}" for path in skill_files()}
    commands = {f"samocode:{path.stem}" for path in command_files()}
    assert skills | commands <= set(init["slash_commands"])


def test_a_command_and_a_skill_expand_in_a_prompt_with_their_arguments(typed: Typed) -> None:
    assert "do a `dive` on: How are greetings printed?" in typed.sent
    assert "Arguments: `greet`" in typed.sent


def test_every_command_on_every_page_expands_as_the_page_writes_it(typed: Typed) -> None:
    assert {each.split()[0] for each in _on_pages()} == {f"/samocode:{path.stem}" for path in command_files()}
    assert "Unknown command" not in json.dumps(typed.ended.records)
    for line in typed.lines:
        name, _, arguments = line.removeprefix("/samocode:").partition(" ")
        body = front_matter(plugin_dir() / "commands" / f"{name}.md")[1].strip()
        assert body.replace("$ARGUMENTS", arguments).split("\n")[0].strip() in typed.sent, line


def test_hook_does_nothing_without_an_iteration(typed: Typed) -> None:
    assert typed.note.read_text() == "x"
    assert "It is noted." in [record["result"] for record in typed.ended.of_type("result")]
    assert typed.ended.result["result"] == "It runs."


def test_a_session_that_a_headless_claude_starts_as_the_skill_says_outlives_it(typed: Typed) -> None:
    """Its agent ends only after that Claude, which ends what it started itself."""
    until(lambda: typed.shop.status("greet")["state"] == "running")
    typed.go.touch()
    until(lambda: typed.shop.status("greet")["state"] == "blocked")


def test_what_ends_without_a_valid_signal_is_sent_back_and_a_sub_agent_is_not(tmp_path: Path) -> None:
    """From a folder with spaces and quotes, in which the hook's command has to work as well."""
    plugin = tmp_path / "it's a $HOME plugin"
    plugin.mkdir()
    for name in ("agents", "hooks", "skills", ".claude-plugin"):
        shutil.copytree(plugin_dir() / name, plugin / name)
    desk = Desk(tmp_path / "a 'quoted' place", plugin)
    look = tool(
        "Task",
        description="look",
        prompt="Look around.",
        subagent_type="general-purpose",
        run_in_background=False,
    )
    script: Sequence[Step] = [
        look,
        say("I am finished."),
        *signal("done"),
        bash("rm '{session}/_signal.json'"),
        *signal("waiting", waiting_for="plan_approval", summary="A plan is there."),
    ]
    with MessagesApi({"planning": script, OTHER: [say("The sub-agent's report.")]}) as api:
        ended = desk.iterate(api, desk.facts)
    api.check()
    assert ended.code == 0
    assert ended.result["is_error"] is False
    own = api.of_phase("planning")
    assert "The sub-agent's report." in own[1].text
    assert "There is no signal file." not in own[1].text
    assert "There is no signal file." in own[2].text
    assert "which this phase may not signal" not in own[3].text
    assert "which this phase may not signal" in own[4].text
    assert desk.signal() == {"status": "waiting", "for": "plan_approval", "summary": "A plan is there."}


@pytest.fixture(params=["pinned", "newest"])
def any_claude(request: pytest.FixtureRequest) -> Path:
    return require_claude() if request.param == "pinned" else require_newest_claude()


def test_a_later_iteration_of_a_phase_repeats_the_beginning_of_the_request_and_a_claude_inside_is_refused(
    desk: Desk, any_claude: Path, tmp_path: Path
) -> None:
    """What a request has in common with an earlier one, from its beginning, is read from the model's cache."""
    desk.claude = any_claude
    ran = tmp_path / "ran"
    put_program(tmp_path / "bin", "claude", f"touch '{ran}'")
    desk.more = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    later = replace(
        desk.facts,
        number=5,
        visit=2,
        git_status="",
        guidance=("Use argparse.",),
        reminder="There was no signal.",
    )
    nested: list[Step] = [bash("claude -p 'Do my work'"), bash("claude --version")]
    ending = _ending(Phase.PLANNING)
    with MessagesApi({Phase.PLANNING: [*ending, *nested, *ending]}) as api:
        for facts in (desk.facts, later):
            assert desk.iterate(api, facts).code == 0
    api.check()
    first, second = ([each for each in api.requests if each.run == run] for run in _runs(api))
    assert second[0].body["tools"] == first[0].body["tools"]
    assert _cached(second[0]) == _cached(first[0])
    assert _cached(first[0])
    assert "Use argparse." in second[0].text
    assert "No CLI of an agent inside an iteration" in second[1].text
    assert ran.exists(), "asking it for its version is allowed"
    assert "touch" not in second[1].text


def _cached(request: Request) -> list[str]:
    return [block["text"] for block in request.body["system"] if "cache_control" in block]


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


@pytest.mark.parametrize(
    ("any_claude", "background", "early"),
    [
        ("pinned", False, False),
        ("pinned", True, True),  # this version always waits for its sub-agents
        *(("newest", background, early) for background in (False, True) for early in (False, True)),
    ],
    indirect=["any_claude"],
)
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
