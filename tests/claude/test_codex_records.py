"""Lines of `codex exec --json`, recorded from Codex CLI 0.171.0, and what they are judged as."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given

from samobot.claude.activity import activity
from samobot.claude.codex_records import TYPES
from samobot.claude.end import ProcessEnd, StoppedBy
from samobot.claude.outcome import Evidence, Outcome, classify
from samobot.claude.record_parser import parse
from samobot.claude.records import ApiRetry, Assistant, Init, Record, Result, Tokens, ToolResult, ToolUse
from samobot.claude.stream import Tail
from tests.claude.test_record_parser import JSON

COMPLETED = Path(__file__).with_name("fixtures") / "codex_completed.jsonl"
NOW = datetime(2026, 11, 28, 18, 0, tzinfo=UTC)
STARTED = {"type": "thread.started", "thread_id": "01a2"}
CUT = "stream disconnected before completion: "


def judge(*records: Record, end: ProcessEnd) -> Outcome:
    evidence = Evidence()
    for record in records:
        evidence.add(record)
    return classify(evidence, end, NOW, "Codex")


def failed(message: str) -> Outcome:
    return judge(
        parse(STARTED),
        parse({"type": "error", "message": message}),
        parse({"type": "turn.failed", "error": {"message": message}}),
        end=ProcessEnd(1),
    )


def test_completed_turn_becomes_the_records_of_a_good_iteration() -> None:
    with Tail(COMPLETED) as tail:
        records = list(tail.finish())
    assert records[0] == Init("01a22383-7242-7612-8e96-6dc7066231ec", "", "", "", "", ())
    tools = [record.tools for record in records if isinstance(record, Assistant) and record.tools]
    assert tools == [
        (ToolUse("Edit", "/work/demo/greet.sh", "item_2"),),
        (ToolUse("Bash", "sh greet.sh; ls 'not there'", "item_3"),),
    ]
    results = [record for record in records if isinstance(record, ToolResult)]
    assert [(each.error, each.ids) for each in results] == [(False, ("item_2",)), (True, ("item_3",))]
    (retry,) = [record for record in records if isinstance(record, ApiRetry)]
    assert (retry.attempt, retry.max_retries) == (1, 2)
    outcome = judge(*records, end=ProcessEnd(0))
    assert (outcome.kind, outcome.text, outcome.result_text) == (
        "completed",
        "The iteration ended well.",
        "All done.",
    )
    assert outcome.tokens == Tokens(input=2400, output=150, cache_read=600)
    assert outcome.cost_usd is None


def test_activity_of_codex_is_shown_as_that_of_claude() -> None:
    with Tail(COMPLETED) as tail:
        shown = [activity(record, Path("/work/demo"), Path("/s")) for record in tail.finish()]
    words = [each.words for each in shown if each is not None]
    assert "Editing greet.sh" in words
    assert "Running: sh greet.sh; ls 'not there'" in words


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("unexpected status 401 Unauthorized: Incorrect API key provided: fake., url: http://x/v1", "auth"),
        ("unexpected status 403 Forbidden: forbidden country, url: http://x/v1", "auth"),
        (
            "unexpected status 403 Forbidden: Country, region, or territory not supported, url: http://x/v1",
            "invalid_request",
        ),
        ("Missing environment variable: `LOOP_KEY`.", "auth"),
        ("exceeded retry limit, last status: 429 Too Many Requests", "rate_limited"),
        ("rate limit exceeded: Rate limit reached for gpt-5. Please slow down.", "rate_limited"),
        ("Quota exceeded. Check your plan and billing details.", "account"),
        ("We’re currently experiencing high demand, which may cause temporary errors.", "overloaded"),
        ("Selected model is at capacity. Please try a different model.", "overloaded"),
        (
            "To use Codex with your ChatGPT plan, upgrade to Plus: https://chatgpt.com/explore/plus.",
            "account",
        ),
        (CUT + "An error occurred while processing your request.", "overloaded"),
        ("The model gpt-5.5 does not exist", "invalid_request"),
        ("Codex ran out of room in the model's context window. Start a new thread.", "prompt_too_long"),
        (CUT + "stream closed before response.completed", "network"),
        (CUT + "Incomplete response returned, reason: content_filter", "refused"),
        ("Incomplete response returned, reason: max_output_tokens", "truncated"),
        ("Something new", "failed"),
    ],
)
def test_message_of_a_failed_turn_is_classified(message: str, kind: str) -> None:
    outcome = failed(message)
    assert outcome.kind == kind
    assert "Claude" not in outcome.text


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (
            '{"message": "Invalid value: \'foo\'."}',
            "invalid_request",
            "The Codex API refuses the request: Invalid value: 'foo'.",
        ),
        (
            '{"message": "The \'gpt-9\' model is not supported when using Codex with a ChatGPT account."}',
            "invalid_request",
            "The account cannot use this model: The 'gpt-9' model is not supported when using Codex with a ChatGPT account.",
        ),
        ("7", "invalid_request", 'The Codex API refuses the request: {"error": 7}.'),
    ],
)
def test_body_that_codex_prints_is_read_for_its_message(error: str, kind: str, text: str) -> None:
    outcome = failed(f'{{"error": {error}}}')
    assert (outcome.kind, outcome.text) == (kind, text)


@pytest.mark.parametrize(
    ("again", "resets_at"),
    [
        (
            "Upgrade to Pro (https://chatgpt.com/explore/pro) or try again at Nov 30th, 2026 12:53 AM.",
            (30, 0, 53),
        ),
        ("Try again at 7:54 PM.", (28, 19, 54)),
    ],
)
def test_usage_limit_is_read_with_its_reset(again: str, resets_at: tuple[int, int, int]) -> None:
    outcome = failed(f"You’ve hit your usage limit. {again}")
    assert outcome.kind == "usage_limit"
    assert outcome.text.startswith("Codex's usage limit is reached: You’ve hit your usage limit.")
    assert outcome.resets_at is not None
    local = outcome.resets_at.astimezone()
    assert (local.day, local.hour, local.minute) == resets_at


def test_stop_by_a_signal_is_no_failure_of_codex() -> None:
    outcome = judge(parse(STARTED), end=ProcessEnd(1, StoppedBy.PERSON))
    assert outcome.kind == "interrupted"
    assert judge(parse(STARTED), end=ProcessEnd(-9)).text == "Codex was killed by SIGKILL."


@given(JSON)
def test_no_line_of_codex_raises(value: object) -> None:
    for kind in TYPES:
        for line in (
            {"type": kind, "item": value},
            {"type": kind, "error": value, "usage": value, "message": value},
        ):
            assert not isinstance(parse(line), Result) or kind.startswith("turn.")
