"""The Stop hook as the CLI runs it: a process of its own, JSON in, JSON out."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.assets import plugin_dir
from samobot.phases import RULES, BlockCause, GateFacts, Phase, SignalStatus, decide
from samobot.session import signal_terms
from samobot.session.signal import Signal, parse_signal
from samobot.worker.prompt import hook_environment

SCRIPT = plugin_dir() / "hooks" / "require_signal.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("require_signal", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOK = _load()


def _command() -> str:
    hooks = json.loads((plugin_dir() / "hooks" / "hooks.json").read_text(encoding="utf-8"))
    assert set(hooks["hooks"]) == {"Stop", "PreToolUse"}
    command: str = hooks["hooks"]["Stop"][0]["hooks"][0]["command"]
    return command


class Session:
    """A session folder with a hook to run on it."""

    def __init__(self, folder: Path, phase: Phase) -> None:
        self.signal = folder / "_signal.json"
        self.counter = folder / "_logs" / ".sent-back"
        self.counter.parent.mkdir(parents=True)
        self.phase = phase

    def stop(
        self, *, active: bool, run: str = "run-1", stdin: str | None = None, tasks: object = ()
    ) -> dict[str, Any] | None:
        """Run the hook's command through a shell, as the CLI does; its verdict, or None to end."""
        event = {
            "hook_event_name": "Stop",
            "session_id": run,
            "stop_hook_active": active,
            "background_tasks": tasks,
        }
        done = subprocess.run(
            ["/bin/sh", "-c", _command()],
            input=json.dumps(event) if stdin is None else stdin,
            env={
                "PATH": os.environ["PATH"],
                "CLAUDE_PLUGIN_ROOT": str(plugin_dir()),
                "SAMOCODE_PYTHON": sys.executable,
                **hook_environment(self.phase, self.signal),
            },
            text=True,
            capture_output=True,
            check=True,
        )
        assert done.stderr == ""
        if not done.stdout:
            return None
        verdict: dict[str, Any] = json.loads(done.stdout)
        assert verdict["decision"] == "block"
        return verdict


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path / "a 'quoted' folder with spaces", Phase.PLANNING)


def test_an_iteration_without_a_signal_is_sent_back_and_shown_the_form(session: Session) -> None:
    verdict = session.stop(active=False)
    assert verdict is not None
    reason = verdict["reason"]
    assert "There is no signal file." in reason
    assert str(session.signal) in reason
    assert '"status": "waiting"' in reason
    assert "planning or implementation" in reason
    assert '"status": "done"' not in reason


def test_an_iteration_with_a_valid_signal_may_end(session: Session) -> None:
    session.signal.write_text('{"status": "waiting", "for": "plan_approval", "summary": "A plan is there."}')
    assert session.stop(active=False) is None


@pytest.mark.parametrize(
    ("phase", "text"),
    [
        (Phase.IMPLEMENTATION, '{"status": "continue", "next_phase": "testing"}'),
        (Phase.IMPLEMENTATION, '{"Status": "continue", "nextPhase": "testing", "Summary": "x"}'),
        (Phase.PLANNING, '{"status": "waiting", "waiting_for": "plan_approval", "plan_file": "x.md"}'),
        (Phase.TESTING, '{"status": "continue", "phase": "done", "tests": {"passed": 3, "failed": 0}}'),
    ],
)
def test_near_misses_that_the_worker_understands_may_end(tmp_path: Path, phase: Phase, text: str) -> None:
    session = Session(tmp_path / "session", phase)
    session.signal.write_text(text)
    assert session.stop(active=False) is None
    assert isinstance(parse_signal(text), Signal)


def test_the_hook_and_the_worker_understand_the_same_keys() -> None:
    assert HOOK.KEYS == signal_terms.KEYS
    assert HOOK.ALIASES == signal_terms.ALIASES
    for key in ("nextPhase", " Phase ", "statu", "notes", "sumary", "", "foo", "wait_for", "x" * 1000):
        assert HOOK.meant_key(key) == signal_terms.meant_key(key)


def test_the_count_is_gone_once_the_signal_is_there(session: Session) -> None:
    session.stop(active=False)
    assert session.counter.exists()
    session.signal.write_text('{"status": "continue", "phase": "planning", "summary": "Half of it."}')
    assert session.stop(active=True) is None
    assert not session.counter.exists()


REVIEWER = {"id": "a1", "type": "subagent", "status": "running", "agent_type": "general-purpose"}
SERVER = {"id": "b1", "type": "shell", "status": "running", "command": "npm start"}
GOOD = '{"status": "continue", "phase": "planning", "summary": "Half of it."}'


@pytest.mark.parametrize(
    ("tasks", "may_end"),
    [
        ([REVIEWER], True),
        ([SERVER, REVIEWER], True),
        ([REVIEWER | {"status": "pending"}], True),
        ([SERVER], False),
        ([REVIEWER | {"status": "completed"}], False),
        ([REVIEWER | {"status": "killed"}], False),
        ([], False),
        (None, False),
        ("nonsense", False),
        ([None, 3, {}], False),
    ],
)
def test_turn_may_end_without_a_signal_while_a_sub_agent_runs(
    session: Session, tasks: object, may_end: bool
) -> None:
    assert (session.stop(active=False, tasks=tasks) is None) is may_end
    assert session.stop(active=False) is not None, "once nothing runs, a signal is needed"


def test_signal_from_before_the_last_report_has_to_be_confirmed_once(session: Session) -> None:
    session.signal.write_text(GOOD)
    os.utime(session.signal, (1_000_000_000, 1_000_000_000))
    assert session.stop(active=False, tasks=[REVIEWER]) is None
    verdict = session.stop(active=False)
    assert verdict is not None
    assert "Sub-agents reported after the signal was written" in verdict["reason"]
    assert session.stop(active=True) is None, "one reminder is enough"


def test_signal_from_after_the_last_report_may_end(session: Session) -> None:
    assert session.stop(active=False, tasks=[REVIEWER]) is None
    session.signal.write_text(GOOD)
    assert session.stop(active=False) is None


def test_an_iteration_is_sent_back_three_times_at_most(session: Session) -> None:
    verdicts = [session.stop(active=count > 0) for count in range(4)]
    assert [verdict is not None for verdict in verdicts] == [True, True, True, False]


def test_another_run_is_counted_from_the_beginning(session: Session) -> None:
    for count in range(3):
        session.stop(active=count > 0)
    assert session.stop(active=False, run="run-2") is not None
    assert session.stop(active=True, run="run-2") is not None


def test_without_a_place_to_count_it_is_sent_back_once(session: Session) -> None:
    session.counter.parent.rmdir()
    assert session.stop(active=False) is not None
    assert session.stop(active=True) is None


def test_outside_an_iteration_the_hook_does_not_even_start_python(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", _command()],
        input="{}",
        env={"PATH": "", "CLAUDE_PLUGIN_ROOT": str(tmp_path), "SAMOCODE_PYTHON": "/nowhere/python"},
        text=True,
        capture_output=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("stdin", ["", "not json", "[]", "null", '{"session_id": 7}'])
def test_input_that_cannot_be_read_still_sends_back(session: Session, stdin: str) -> None:
    assert session.stop(active=False, stdin=stdin) is not None


@pytest.mark.parametrize(
    ("phase", "text", "wrong"),
    [
        (Phase.PLANNING, "", "not JSON"),
        (Phase.PLANNING, '{"status": "continue"', "not JSON"),
        (Phase.PLANNING, "\xff", "not JSON"),
        (Phase.PLANNING, "[" * 100_000, "not JSON"),
        (Phase.PLANNING, '["continue"]', "one JSON object"),
        (Phase.PLANNING, "{}", "`status` is null"),
        (Phase.PLANNING, '{"status": "done"}', '`status` is "done"'),
        (Phase.PLANNING, '{"status": ["continue"]}', "`status` is"),
        (Phase.PLANNING, '{"status": "continue", "phase": "testing"}', '`phase` is "testing"'),
        (Phase.PLANNING, '{"status": "continue", "phase": {}}', "`phase` is {}"),
        (Phase.PLANNING, '{"status": "waiting"}', "`for` is null"),
        (Phase.IMPLEMENTATION, '{"status": "waiting", "for": "luck"}', '`for` is "luck"'),
        (Phase.TESTING, '{"status": "waiting", "for": "qa_answers"}', '`status` is "waiting"'),
        (Phase.TESTING, '{"status": "blocked"}', "`reason`"),
        (Phase.DONE, '{"status": "continue", "phase": "quality"}', '`status` is "continue"'),
        (Phase.PLANNING, '{"status": "continue", "verdict": "fine"}', '"verdict" is not a key of a signal'),
        (Phase.TESTING, '{"status": "continue", "files_changed": ["a"]}', '"files_changed" is not a key'),
        (Phase.TESTING, '{"status": "continue", "next": "more"}', "the keys are status, phase, summary"),
        (Phase.TESTING, '{"status": "continue", "next_phase": "planning"}', '`phase` is "planning"'),
        (Phase.TESTING, '{"status": "continue", "phase": "testing", "next_phase": "done"}', "twice"),
        (Phase.TESTING, '{"status": "continue", "tests": "all green"}', "`tests` has to be two numbers"),
        (Phase.TESTING, '{"status": "continue", "tests": {"passed": -1, "failed": 0}}', "`tests` has to be"),
    ],
)
def test_a_signal_that_cannot_be_used_is_named(tmp_path: Path, phase: Phase, text: str, wrong: str) -> None:
    session = Session(tmp_path / "session", phase)
    session.signal.write_bytes(text.encode("latin-1"))
    verdict = session.stop(active=False)
    assert verdict is not None
    assert wrong in verdict["reason"]


def test_a_signal_that_is_a_folder_is_no_traceback(session: Session) -> None:
    session.signal.mkdir()
    verdict = session.stop(active=False)
    assert verdict is not None
    assert "cannot be read" in verdict["reason"]


_words = st.one_of(
    st.none(),
    st.sampled_from(
        [*SignalStatus, *Phase, "qa_answers", "plan_approval", "human_action", "file_update", "", "x"]
    ),
    st.integers(),
    st.lists(st.text(max_size=3), max_size=2),
)
_signals = st.fixed_dictionaries(
    {"status": st.one_of(st.sampled_from(list(SignalStatus)), _words)},
    optional=dict.fromkeys(("phase", "summary", "reason", "needs", "for"), _words),
)


@given(phase=st.sampled_from(list(Phase)), fields=_signals)
def test_what_the_hook_lets_pass_the_worker_can_use(
    tmp_path_factory: pytest.TempPathFactory, phase: Phase, fields: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "hypothesis-signal.json"
    text = json.dumps(fields)
    path.write_text(text)
    rule = RULES[phase]
    if HOOK.problem(str(path), phase.value, list(rule.signals), list(rule.targets)) is not None:
        return
    found = parse_signal(text)
    assert isinstance(found, Signal), found
    facts = GateFacts(questions=1, plan="plan.md", plan_approved=True)
    decision = decide(phase, found.status, found.phase, facts, waiting_for=found.waiting_for)
    assert decision.cause not in {BlockCause.ILLEGAL_MOVE, BlockCause.ILLEGAL_SIGNAL}


def test_the_hook_needs_nothing_but_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT)],
        input="{}",
        env={},
        text=True,
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
