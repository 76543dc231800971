"""The whole way of a session: the real Claude CLI, Codex in implementation, scripted models and a git repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from samobot.assets import plugin_dir, workflow_text
from samobot.claude.codex_program import instructions
from samobot.phases import RULES, Phase
from tests.support.claude_cli import cli_environment, require_claude
from tests.support.codex_cli import codex_environment
from tests.support.messages_api import MessagesApi, Step, say, signal, tool, write
from tests.support.plugin import front_matter
from tests.support.responses_api import ResponsesApi
from tests.support.responses_api import run as codex_run
from tests.support.responses_api import say as codex_say
from tests.support.responses_api import signal as codex_signal
from tests.support.waiting import until
from tests.support.workshop import Workshop, make_workshop

pytestmark = [pytest.mark.real_cli, pytest.mark.xdist_group("real_cli_journey")]

QA = """### Q1: Which greeting should it print?
A) hello
B) good day
**Suggestion:** A - short
**Answer:** _waiting_

### Q2: Which language?
**Answer:** _waiting_
"""

PLAN = """# Greeting script

## Phase 1: Script
- [ ] write greet.py

## Phase 2: Tests
- [ ] run it
"""

FEEDBACK = 'Run it twice: once with `python3 -I`, once "as is" <please>\nand say which was faster'
COMMIT = """cd '{workdir}' && printf 'print("good day")\\n' > greet.py && git add greet.py && git commit -qm 'Add greet.py'"""


def journey() -> dict[str, list[Step]]:
    return {
        "investigation": [
            write("{session}/01-02-03:04-dive-greeting.md", "# Dive\nNothing there yet.\n"),
            *signal("continue", phase="requirements", summary="Looked around"),
        ],
        "requirements": [
            write("{session}/_qa.md", QA),
            *signal("waiting", waiting_for="qa_answers", summary="Asked two questions"),
            *signal("continue", phase="planning", summary="Folded the answers in"),
        ],
        "planning": [
            tool("Skill", skill="samocode:planning"),
            write("{session}/01-02-03:05-plan-greeting.md", PLAN),
            *signal("waiting", waiting_for="plan_approval", summary="Wrote a plan"),
            write("{session}/01-02-03:06-plan-greeting.md", PLAN.replace("run it", "run it twice")),
            *signal("waiting", waiting_for="plan_approval", summary="Changed the plan"),
        ],
        "testing": [
            say("It prints, I am finished."),  # and no signal: the Stop hook sends it back
            *signal("continue", phase="quality", summary="It prints"),
            *signal("continue", phase="done", summary="It still prints"),
        ],
        "quality": [*signal("continue", phase="testing", summary="Clean")],
        "done": [
            write("{session}/01-02-03:07-summary.md", "# Summary\nAdded greet.py.\n"),
            *signal("done", summary="Added greet.py"),
        ],
    }


IMPLEMENTATION = (
    codex_run(COMMIT),
    codex_signal("continue", phase="testing", summary="Wrote greet.py"),
    codex_say("Signalled."),
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Workshop, MessagesApi, ResponsesApi]]:
    with MessagesApi(journey()) as api, ResponsesApi(*IMPLEMENTATION) as codex:
        environment = cli_environment(tmp_path / "home", api.url) | {
            "CLAUDE_PATH": str(require_claude()),
            "SAMOBOT_PROVIDER_IMPLEMENTATION": "codex",
            "CODEX_PRICE": "1,0.1,10",
            **codex_environment(tmp_path / "home", codex.url),
        }
        yield make_workshop(tmp_path, environment, remote=True), api, codex


def test_one_command_at_a_time_takes_a_task_from_nothing_to_done(
    shop: tuple[Workshop, MessagesApi, ResponsesApi],
) -> None:
    work, api, codex = shop
    main_before = (work.git("rev-parse", "HEAD"), work.git("status", "--porcelain"))
    home_before = _listing(work.root / "home")

    asked = work.run("greet", "--task", "Add a greeting script")
    assert asked.returncode == 10, asked.stderr + asked.stdout
    assert "Which greeting" in asked.stdout
    status = work.status("greet")
    assert (status["state"], status["waiting_for"]) == ("waiting", "qa_answers")
    assert [question["answer"] for question in status["questions"]] == [None, None]

    answered = work.samobot("answer", "greet", "Q1=B", "Q2=English, please")
    assert answered.returncode == 0, answered.stderr
    assert work.samobot("tell", "greet", "Use no library, not even argparse").returncode == 0
    planned = work.run("greet")
    assert planned.returncode == 10, planned.stderr + planned.stdout
    assert "2 phases" in planned.stdout
    assert work.status("greet")["waiting_for"] == "plan_approval"

    rejected = work.samobot("reject", "greet", "--feedback", FEEDBACK)
    assert rejected.returncode == 0, rejected.stderr
    assert work.status("greet")["phase"] == "planning"
    again = work.run("greet")
    assert again.returncode == 10, again.stderr + again.stdout
    assert work.status("greet")["waiting_for"] == "plan_approval"

    approved = work.samobot("approve", "greet")
    assert approved.returncode == 0, approved.stderr
    assert work.status("greet")["phase"] == "implementation"
    done = work.run("greet")
    assert done.returncode == 0, done.stderr + done.stdout
    api.check()
    assert len(codex.requests) == len(IMPLEMENTATION)

    session = work.session("greet")
    assert work.status("greet")["state"] == "done"
    assert "greet.py" in work.git("show", "--stat", "greet")
    assert (work.git("rev-parse", "HEAD"), work.git("status", "--porcelain")) == main_before
    overview = (session / "_overview.md").read_text()
    for words in (
        "Looked around",
        "Asked two questions",
        "Wrote greet.py",
        "approved the plan",
        "Phase testing → done",
    ):
        assert words in overview
    ends = work.journal("greet", "iteration_end")
    assert [each["phase"] for each in ends] == [
        "investigation", "requirements", "requirements", "planning", "planning",
        "implementation", "testing", "quality", "testing", "done",
    ]  # fmt: skip
    assert all(each["outcome"] == "completed" and each["cost_usd"] > 0 for each in ends)
    assert work.status("greet")["cost_usd"] == pytest.approx(sum(each["cost_usd"] for each in ends))
    until(lambda: work.processes() == [])
    added = _listing(work.root / "home") - home_before
    assert not [name for name in added if "samocode" in name.lower() and "plugins/data" not in name]
    _everything_arrived(api, codex)


def _everything_arrived(api: MessagesApi, codex: ResponsesApi) -> None:
    """What each phase was told, by the requests that really came."""
    for phase, rule in RULES.items():
        role = front_matter(plugin_dir() / "agents" / f"{rule.agent}.md")[1].strip()
        systems = [request.system for request in api.of_phase(phase)]
        expected = [role, workflow_text().strip()]
        if phase is Phase.IMPLEMENTATION:
            assert systems == []
            expected = [instructions(plugin_dir(), rule.agent, workflow_text())]
            systems = [
                codex.texts("developer", number) + codex.texts("user", number)
                for number in range(len(codex.requests))
            ]
        assert systems
        for system in systems:
            assert all(part in system for part in expected)
            assert "Add a greeting script" in system
    said = api.of_phase("requirements")[3].text
    assert "B) good day" in said
    assert "English, please" in said
    assert "Use no library, not even argparse" in said
    assert "Use no library" not in api.of_phase("planning")[0].text  # it was given once
    planning = api.of_phase("planning")
    skill = (plugin_dir() / "skills" / "planning" / "SKILL.md").read_text().partition("\n---\n")[2]
    assert skill.strip()[:200] in planning[1].text
    assert FEEDBACK not in planning[0].text
    assert FEEDBACK in planning[4].text
    first, sent_back = api.of_phase("testing")[:2]
    assert first.run == sent_back.run
    assert "There is no signal file" in sent_back.text


def _listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")} if folder.exists() else set()
