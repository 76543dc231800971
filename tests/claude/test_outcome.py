"""What happened: judged from real lines, never from the exit code or from what an agent was reading."""

from __future__ import annotations

from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.claude.end import ProcessEnd, StoppedBy
from samobot.claude.outcome import Evidence, Outcome, OutcomeKind, Remedy, classify
from samobot.claude.records import (
    ApiRetry,
    Assistant,
    Denial,
    Init,
    ModelUse,
    PermissionRequest,
    RateLimit,
    Record,
    Result,
    Tokens,
    ToolResult,
)
from samobot.claude.stream import Tail
from samobot.session.tool_call import ToolCall
from tests.support.cases import for_each

FIXTURES = Path(__file__).with_name("fixtures")
NOW = datetime(2026, 7, 14, 10, 0, tzinfo=UTC)
WELL = ProcessEnd(0)
BADLY = ProcessEnd(1)
GOOD = Result("success", is_error=False, stop_reason="end_turn", text="Done.", cost_usd=0.5)


def judge(*records: Record, end: ProcessEnd = WELL) -> Outcome:
    evidence = Evidence()
    for record in records:
        evidence.add(record)
    return classify(evidence, end, NOW)


def failure(text: str, status: int | None = None, *, is_error: bool = True) -> Result:
    return Result("success", is_error, api_error_status=status, stop_reason="stop_sequence", text=text)


@pytest.mark.parametrize(
    ("fixture", "code", "kind", "text"),
    [
        ("completed", 0, "completed", "ended well"),
        ("limit_allowed", 0, "completed", "ended well"),
        ("max_turns", 1, "max_turns", "all the turns"),
        ("max_budget", 1, "max_budget", "all the money"),
        ("interrupted", 1, "interrupted", "from outside"),
        ("truncated", 0, "truncated", "cut off"),
        ("usage_limit", 1, "usage_limit", "You've hit your session limit"),
        ("auth_api_key", 1, "auth", "Invalid API key"),
        ("auth_oauth", 1, "auth", "Please run /login"),
        ("auth_not_logged_in", 1, "auth", "Please run /login"),
        ("credit_balance", 1, "account", "Credit balance is too low."),
        ("rate_limited", 1, "rate_limited", "429"),
        ("overloaded", 1, "overloaded", "Overloaded"),
        ("network", 1, "network", "ConnectionRefused"),
        ("prompt_too_long", 1, "prompt_too_long", "205000 tokens"),
    ],
)
def test_each_real_run_has_its_outcome(fixture: str, code: int, kind: str, text: str) -> None:
    with Tail(FIXTURES / f"{fixture}.jsonl") as tail:
        records = list(tail.finish())
    outcome = judge(*records, end=ProcessEnd(code))
    assert outcome.kind == kind
    assert text in outcome.text
    assert outcome.session_id
    # The same run with its result line lost must not become something else where the CLI had said what it was.
    if any(isinstance(record, Assistant) and record.error for record in records):
        without = [record for record in records if not isinstance(record, Result)]
        assert judge(*without, end=ProcessEnd(code)).kind in {kind, "overloaded", "failed"}


def test_run_that_lost_its_result_reports_its_minimal_usage_and_no_price() -> None:
    with Tail(FIXTURES / "completed.jsonl") as tail:
        records = list(tail.finish())
    outcome = judge(*(record for record in records if not isinstance(record, Result)))
    assert outcome.cost_usd is None
    heard, whole = astuple(outcome.tokens), astuple(judge(*records).tokens)
    assert heard == (
        500,
        5,
        250,
        100,
    )  # what a sub-agent says last is not in the log, nor how long an answer became
    assert all(least <= used for least, used in zip(heard, whole, strict=True))


def test_a_message_in_several_records_counts_once_also_between_those_of_a_sub_agent() -> None:
    def said(message: str, tokens: Tokens, sub_agent: str = "") -> Assistant:
        return Assistant("words", sub_agent=sub_agent, message=message, tokens=tokens)

    outcome = judge(
        said("m1", Tokens(100, 1)),
        said("s1", Tokens(20, 2), "toolu_1"),
        said("m1", Tokens(100, 7)),
        said("s1", Tokens(20, 2), "toolu_1"),
        said("m2", Tokens(10, 3)),
    )
    assert outcome.tokens == Tokens(130, 12)


def test_what_could_not_start_cost_nothing() -> None:
    outcome = judge(end=ProcessEnd(1, stderr="error: unknown option"))
    assert (outcome.kind, outcome.cost_usd) == (OutcomeKind.START_FAILED, 0.0)
    assert judge(end=ProcessEnd(-9)).cost_usd is None


def test_real_run_reports_its_cost_tokens_models_and_turns() -> None:
    with Tail(FIXTURES / "completed.jsonl") as tail:
        outcome = judge(*tail.finish())
    assert outcome.cost_usd == pytest.approx(0.0102)
    assert outcome.tokens == Tokens(input=600, output=252, cache_read=300, cache_write=120)
    assert [use.name for use in outcome.models] == ["claude-opus-4-8"]
    assert outcome.turns == 5
    assert outcome.result_text == "All done."


def test_real_usage_limit_reports_when_it_is_over() -> None:
    with Tail(FIXTURES / "usage_limit.jsonl") as tail:
        outcome = judge(*tail.finish(), end=BADLY)
    assert outcome.resets_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert outcome.limit_kind == "five_hour"
    assert outcome.kind.remedy is Remedy.PARK


def test_every_kind_has_a_remedy() -> None:
    assert {kind.remedy for kind in OutcomeKind} == set(Remedy)


def test_the_last_result_counts_with_the_cost_of_all() -> None:
    first = replace(GOOD, text="Waiting for the background agent.", cost_usd=0.2)
    last = replace(GOOD, text="Done.", cost_usd=0.7, models=(ModelUse("opus", 0.7, Tokens(1, 2, 3, 4)),))
    outcome = judge(Init("s", "", "", "", "", ()), first, Assistant("more"), last)
    assert (outcome.result_text, outcome.cost_usd, outcome.tokens) == ("Done.", 0.7, Tokens(1, 2, 3, 4))


def test_limit_phrases_in_what_the_agent_reads_or_writes_mean_nothing() -> None:
    said = Assistant("You've hit your limit · resets 5pm (UTC)")
    result = replace(GOOD, text="The page says: You've hit your limit · resets 5pm (UTC)")
    assert judge(said, ToolResult(True, 5), result).kind is OutcomeKind.COMPLETED
    assert judge(said, end=ProcessEnd(-9)).kind is OutcomeKind.CRASHED


def test_a_limit_that_calls_itself_a_success_is_a_limit() -> None:
    outcome = judge(replace(GOOD, text="5-hour limit reached ∙ resets 12pm"))
    assert outcome.kind is OutcomeKind.USAGE_LIMIT
    assert judge(replace(GOOD, text="Not logged in · Please run /login")).kind is OutcomeKind.AUTH


def test_only_a_refusal_is_a_limit() -> None:
    allowed = [RateLimit("allowed", "five_hour"), RateLimit("allowed_warning", "seven_day")]
    assert judge(*allowed, failure("API Error: 529", 529), end=BADLY).kind is OutcomeKind.OVERLOADED
    overage = RateLimit("rejected", "five_hour", overage=True)
    assert judge(overage, failure("Rejected", 429), end=BADLY).kind is OutcomeKind.RATE_LIMITED
    assert judge(RateLimit("rejected", "five_hour"), GOOD).kind is OutcomeKind.COMPLETED


def test_a_refusal_does_not_hide_another_trouble() -> None:
    refused = RateLimit("rejected", "five_hour")
    unreachable = failure("API Error: Unable to connect to API (ConnectionRefused)")
    assert judge(refused, unreachable, end=BADLY).kind is OutcomeKind.NETWORK
    assert (
        judge(refused, failure("API Error: Request rejected", 429), end=BADLY).kind is OutcomeKind.USAGE_LIMIT
    )
    assert judge(refused, end=ProcessEnd(-15)).kind is OutcomeKind.USAGE_LIMIT


def test_latest_record_of_each_limit_counts() -> None:
    lifted = [RateLimit("rejected", "five_hour"), RateLimit("allowed", "five_hour")]
    assert judge(*lifted, failure("Rejected", 429), end=BADLY).kind is OutcomeKind.RATE_LIMITED


def test_of_several_limits_the_last_to_be_over_counts() -> None:
    soon, late = datetime(2026, 7, 14, 12, tzinfo=UTC), datetime(2026, 7, 18, 12, tzinfo=UTC)
    outcome = judge(
        RateLimit("rejected", "seven_day", late),
        RateLimit("rejected", "five_hour", soon),
        failure("You've hit your limit", 429),
        end=BADLY,
    )
    assert (outcome.resets_at, outcome.limit_kind) == (late, "seven_day")


def test_limit_event_without_a_time_takes_it_from_the_text() -> None:
    outcome = judge(
        RateLimit("rejected", "five_hour"),
        failure("You've hit your limit · resets 5pm (UTC)", 429),
        end=BADLY,
    )
    assert outcome.resets_at == datetime(2026, 7, 14, 17, tzinfo=UTC)


JAKARTA = "You've hit your monthly spend limit · your session limit resets 2:40pm (Asia/Jakarta)"
SESSION = RateLimit("rejected", "five_hour", datetime(2026, 7, 15, 7, 40, tzinfo=UTC))


@pytest.mark.parametrize(
    ("records", "kind", "resets"),
    [
        ((SESSION, failure(JAKARTA, 429)), "usage_limit", SESSION.resets_at),
        ((SESSION, failure(JAKARTA)), "usage_limit", SESSION.resets_at),
        (
            (SESSION, failure("You've hit your org's monthly spend limit", 429)),
            "usage_limit",
            SESSION.resets_at,
        ),
        ((failure(JAKARTA, 429),), "usage_limit", SESSION.resets_at),
        (
            (failure("Spending cap reached resets 9pm (UTC)", 429),),
            "usage_limit",
            datetime(2026, 7, 14, 21, tzinfo=UTC),
        ),
        (
            (failure("Spending cap reached resets 9pm (UTC)", None),),
            "usage_limit",
            datetime(2026, 7, 14, 21, tzinfo=UTC),
        ),
        (
            (replace(GOOD, text="Spending cap reached resets 9pm (UTC)"),),
            "usage_limit",
            datetime(2026, 7, 14, 21, tzinfo=UTC),
        ),
        (
            (failure("Quota used up, resets in 90m", 429),),
            "usage_limit",
            datetime(2026, 7, 14, 11, 30, tzinfo=UTC),
        ),
        (
            (
                failure(
                    "You have reached your specified API usage limits. You will regain access on 2026-08-01 at 00:00 UTC.",
                    400,
                ),
            ),
            "usage_limit",
            datetime(2026, 8, 1, tzinfo=UTC),
        ),
        ((failure("Quota used up, resets in 90m", 500),), "overloaded", None),
        ((failure("Spending cap reached", 429),), "account", None),
        ((failure("You've hit your org's monthly spend limit", 429),), "account", None),
        ((SESSION, failure("Credit balance is too low", 400)), "account", None),
    ],
)
def test_spending_cap_with_a_known_reset_is_a_limit_that_ends(
    records: tuple[Record, ...], kind: str, resets: datetime | None
) -> None:
    outcome = judge(*records, end=BADLY)
    assert (outcome.kind, outcome.resets_at) == (kind, resets)
    if "spend" in outcome.text.lower() and kind == "usage_limit":
        assert "Raising the spending limit" in outcome.text


@for_each(
    ("text", "status", "kind", "first", "later"),
    [
        # Something in the conversation: a fresh process does not carry it.
        (
            "messages.4.content.1.image: image dimensions exceed max allowed size: 8000 pixels",
            400,
            "invalid_request",
            True,
            True,
        ),
        (
            "At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels",
            400,
            "invalid_request",
            True,
            True,
        ),
        ("image exceeds 5 MB maximum: 6082188 bytes > 5242880 bytes", 400, "invalid_request", True, True),
        ("Could not process image", 400, "invalid_request", True, True),
        ("A maximum of 100 PDF pages may be provided.", 400, "invalid_request", True, True),
        (
            "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1",
            400,
            "invalid_request",
            True,
            True,
        ),
        (
            "unexpected `tool_use_id` found in `tool_result` blocks: toolu_1",
            400,
            "invalid_request",
            True,
            True,
        ),
        (
            "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified",
            400,
            "invalid_request",
            True,
            True,
        ),
        ("messages: text content blocks must be non-empty", 400, "invalid_request", True, True),
        (
            "The request body is not valid JSON: no low surrogate in string",
            400,
            "invalid_request",
            True,
            True,
        ),
        # What nobody described: it may be the conversation only if an earlier request was answered.
        ("Something odd about the request", 400, "invalid_request", False, True),
        ("API Error: 401 OAuth token has expired", 401, "auth", False, True),
        ("Failed to authenticate", None, "auth", False, True),
        # Nothing but a person changes these.
        (
            "There's an issue with the selected model (opus-9). It may not exist or you may not have access",
            None,
            "invalid_request",
            False,
            False,
        ),
        (
            "Claude Opus is not available with the Claude Pro plan. Run /logout and /login",
            None,
            "invalid_request",
            False,
            False,
        ),
        (
            "The model claude-opus-9 is not available on your subscription",
            403,
            "invalid_request",
            False,
            False,
        ),
        ("API Error: 404 model: gpt-9", 404, "invalid_request", False, False),
        ("model claude-1 has been retired", 400, "invalid_request", False, False),
        ("invalid model name", 400, "invalid_request", False, False),
        ("Credit balance is too low", 400, "account", False, False),
        ("Your organization has been disabled", 403, "account", False, False),
    ],
)
def test_restart_may_help_where_the_refusal_may_come_from_the_conversation(
    text: str, status: int | None, kind: str, first: bool, later: bool
) -> None:
    outcome = judge(failure(text, status), end=BADLY)
    assert (outcome.kind, outcome.restart_may_help, outcome.kind.remedy) == (kind, first, Remedy.ASK)
    again = judge(Assistant("At work"), failure(text, status), end=BADLY)
    assert (again.kind, again.restart_may_help) == (kind, later)
    refused = Assistant(text, error="invalid_request")
    assert judge(refused, failure(text, status), end=BADLY).restart_may_help is first


JSON_ERROR = 'API Error: 400 {{"type":"error","error":{{"type":"invalid_request_error","message":"{}"}},"request_id":"req_1"}}'
FRESH = (
    "messages.9.content.0: all messages must have non-empty content except for the optional final one",
    "messages: final assistant content cannot end with trailing whitespace",
    'messages: roles must alternate between "user" and "assistant"',
    "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`",
    "messages.5.content.2.thinking.signature: Field required",
    "messages.7.content: Input should be a valid list",
    "Invalid signature in thinking block",
    "`tool_use` ids must be unique",
    "due to tool use concurrency issues. Run /rewind to recover the conversation.",
    "The PDF specified is password protected.",
    "Output blocked by content filtering policy",
    "Could not process PDF",
    "PDF too large (max 100 pages, 32MB). Double press esc to go back and try again",
    "Image was too large. Double press esc to go back and try again with a smaller image.",
    "too many images and documents: 102 + 0 > 100",
    "Unable to download the file. Please verify the URL and try again.",
)
SHORTER = (
    "prompt is too long: 210000 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000",
    "Input is too long for requested model.",
    "Context low · Run /compact to compact & continue",
)
NEVER = (
    "The provided model identifier is invalid.",
    "This model does not support the effort parameter.",
    "The long context beta is not yet available for this subscription.",
    "max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens",
    "thinking.budget_tokens: Input should be greater than or equal to 1024",
    "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
    "tools.12.custom.input_schema: JSON schema is invalid",
    "web_search_20250305 is not enabled for this organization",
    "Your API key does not have permission to use the specified resource.",
    "tools: Tool names must be unique.",
    "Number of requested tools exceeds maximum 128",
    "`temperature` is deprecated for this model.",
    "system.2.cache_control.ephemeral.ttl: Extra inputs are not permitted",
    "invalid beta flag",
    "Invocation of model ID with on-demand throughput isn’t supported.",
    "You don't have access to the model with the specified model ID.",
    "User is not authorized to perform: bedrock:InvokeModelWithResponseStream",
    "Extra usage is required for 1M context",
    "Your organization has disabled Claude subscription access for Claude Code",
    "insufficient_quota",
)
LATER = ("upstream connect error or disconnect/reset before headers", "Overloaded", "Gateway Timeout")


@pytest.mark.parametrize("shape", ["{}", "API Error: 400 {}", JSON_ERROR])
@pytest.mark.parametrize("answered", [False, True])
def test_what_a_fresh_process_may_cure_gets_one_and_nothing_else(shape: str, answered: bool) -> None:
    said = [Assistant("At work")] if answered else []
    status = 400 if shape == "{}" else None
    for text in FRESH:
        found = judge(*said, failure(shape.format(text), status), end=BADLY)
        assert (found.kind, found.restart_may_help) == (OutcomeKind.INVALID_REQUEST, True), text
    for text in SHORTER:
        found = judge(*said, failure(shape.format(text), status), end=BADLY)
        assert (found.kind, found.kind.remedy) == (OutcomeKind.PROMPT_TOO_LONG, Remedy.RETRY), text
    for text in NEVER:
        found = judge(*said, failure(shape.format(text), status), end=BADLY)
        assert (found.kind.remedy, found.restart_may_help) == (Remedy.ASK, False), text
    for text in LATER:
        found = judge(*said, failure(f"API Error: 503 {text}"), end=BADLY)
        assert found.kind.remedy is Remedy.BACK_OFF, text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("API Error: 401 Invalid authentication credentials", "auth"),
        ("API Error: 402 Payment required", "account"),
        ("API Error: 408 Request Timeout", "network"),
        ("API Error: 409 Conflict", "overloaded"),
        ("API Error: 413 Request exceeds the maximum size", "prompt_too_long"),
        ("API Error: 418 Something odd", "invalid_request"),
        ("API Error: 429 Number of request tokens has exceeded your per-minute rate limit", "rate_limited"),
        ("API Error: 429 Try again at 3pm (UTC)", "usage_limit"),
        ("API Error (502 Bad Gateway)", "overloaded"),
        ("API Error: 301 Moved", "failed"),
    ],
)
def test_status_is_taken_from_the_message_where_the_record_lacks_it(text: str, kind: str) -> None:
    assert judge(failure(text), end=BADLY).kind == kind


@pytest.mark.parametrize(
    ("text", "status", "kind"),
    [
        ("API Error: 500 Internal server error", 500, "overloaded"),
        ("API Error: 404 model: gpt-9", 404, "invalid_request"),
        ("There's an issue with the selected model (opus-9). It may not exist", None, "invalid_request"),
        ("API Error: 413 Request too large", 413, "prompt_too_long"),
        ("API Error: 403 OAuth token does not meet scope requirement", 403, "auth"),
        ("API Error: 403 Claude is not available in your country", 403, "invalid_request"),
        ("Your organization has been disabled", 403, "account"),
        ("Your usage allocation has been disabled by your admin", 429, "account"),
        ("You've hit your org's monthly usage limit", 429, "account"),
        ("API Error: 429 Extra usage is required for long context requests.", 429, "account"),
        ("You exceeded your current quota, please check your plan and billing details", 429, "account"),
        ("API Error: Connection error.", None, "network"),
        ("API Error: Request timed out.", None, "network"),
        ("API Error: Claude's response exceeded the 32000 output token maximum", None, "truncated"),
        ("Claude Code is unable to respond to this request, under our Usage Policy", None, "refused"),
        ("prompt is too long: 205000 tokens > 200000 maximum", 400, "prompt_too_long"),
        ("API Error: 418 I'm a teapot", 418, "invalid_request"),
        ("API Error: 301 Moved", 301, "failed"),
        ("Something nobody has seen", None, "failed"),
        ("", None, "failed"),
    ],
)
def test_reported_failure_is_recognized_by_status_then_text(text: str, status: int | None, kind: str) -> None:
    outcome = judge(failure(text, status), end=BADLY)
    assert outcome.kind == kind
    assert text in outcome.text


def test_the_sentence_has_the_api_s_own_message_without_its_json() -> None:
    text = JSON_ERROR.format('messages: \\"roles\\" must\\nalternate')
    assert judge(failure(text, 400), end=BADLY).text == (
        'The Claude API refuses something in the conversation: API Error: 400 messages: "roles" must alternate.'
    )


def test_a_full_context_and_a_refusal_are_seen_in_their_reasons() -> None:
    assert judge(replace(GOOD, terminal_reason="blocking_limit")).kind is OutcomeKind.PROMPT_TOO_LONG
    assert judge(replace(GOOD, stop_reason="refusal")).kind is OutcomeKind.REFUSED
    assert judge(replace(GOOD, stop_reason="max_tokens")).kind is OutcomeKind.TRUNCATED


HOOK_REFUSAL = "UserPromptSubmit operation blocked by hook:\n[./check.sh]: not today\n\n\nOriginal prompt: Carry out iteration 4."


def test_a_hook_that_refuses_the_prompt_is_the_reason_and_only_the_user_can_change_it() -> None:
    outcome = judge(Result("success", is_error=False, stop_reason=None, text=HOOK_REFUSAL))
    assert (outcome.kind, outcome.kind.remedy) == (OutcomeKind.START_FAILED, Remedy.ASK)
    assert "refuses the iteration's prompt: [./check.sh]: not today." in outcome.text
    assert "Carry out" not in outcome.text
    text = "Operation stopped by hook: closed on Sundays"
    outcome = judge(Result("success", is_error=False, stop_reason=None, text=text))
    assert outcome.kind is OutcomeKind.START_FAILED
    assert outcome.text.endswith("refuses the iteration's prompt: closed on Sundays.")


def test_what_a_model_says_about_a_hook_is_no_refusal() -> None:
    said = Assistant(text=HOOK_REFUSAL)
    cut = Result("success", is_error=False, stop_reason=None, text=HOOK_REFUSAL)
    assert judge(said, cut).kind is OutcomeKind.TRUNCATED


def test_an_older_cli_without_a_stop_reason_is_believed() -> None:
    assert judge(replace(GOOD, stop_reason="")).kind is OutcomeKind.COMPLETED


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (ProcessEnd(0), "no_result"),
        (ProcessEnd(1), "crashed"),
        (ProcessEnd(-11), "crashed"),
        (ProcessEnd(-2, StoppedBy.PERSON), "interrupted"),
        (ProcessEnd(-9, StoppedBy.FIRST_EVENT), "hung_start"),
        (ProcessEnd(-9, StoppedBy.SILENCE), "hung_silent"),
        (ProcessEnd(-9, StoppedBy.TIMEOUT, duration_s=1800), "timeout"),
        (ProcessEnd(None, start_error="claude: No such file or directory"), "start_failed"),
        (ProcessEnd(1, stderr="--agent 'x' not found. Available agents: y\n"), "start_failed"),
    ],
)
def test_a_process_without_a_result_is_judged_by_its_end(end: ProcessEnd, kind: str) -> None:
    assert judge(end=end).kind == kind


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 s"),
        (1.1, "1 s"),
        (61.0, "61 s"),
        (119.0, "119 s"),
        (300.4, "5 min"),
        (5400.0, "1 h 30 min"),
    ],
)
def test_timeout_reports_how_long_the_iteration_had_really_taken(seconds: float, said: str) -> None:
    outcome = judge(end=ProcessEnd(-9, StoppedBy.TIMEOUT, duration_s=seconds))
    assert outcome.text == f"The iteration was ended because it had taken {said}."


def test_a_crash_after_work_is_not_a_failed_start() -> None:
    outcome = judge(Assistant("Working"), end=ProcessEnd(134, stderr="panic: out of memory\nabort\n"))
    assert outcome.kind is OutcomeKind.CRASHED
    assert outcome.text == "Claude ended with exit code 134 and without a result: abort."
    assert outcome.result_text == "Working"
    assert outcome.cost_usd is None


@pytest.mark.parametrize(
    ("stopped_by", "kind"), [("person", "interrupted"), ("silence", "hung_silent"), ("timeout", "timeout")]
)
def test_what_a_stop_makes_the_cli_report_is_the_stop(stopped_by: StoppedBy, kind: str) -> None:
    aborted = Result("error_during_execution", is_error=True, terminal_reason="aborted_tools", cost_usd=0.3)
    outcome = judge(aborted, end=ProcessEnd(1, StoppedBy(stopped_by)))
    assert (outcome.kind, outcome.cost_usd) == (kind, 0.3)


@pytest.mark.parametrize("stopped_by", list(StoppedBy))
def test_a_good_result_stays_good_however_the_process_ended(stopped_by: StoppedBy) -> None:
    outcome = judge(GOOD, end=ProcessEnd(-9, stopped_by))
    assert outcome.kind is OutcomeKind.COMPLETED
    assert bool(outcome.note) == (stopped_by is StoppedBy.EXIT)


def test_hang_while_a_request_is_repeated_reports_it() -> None:
    retry = ApiRetry(4, 10, 30.0, 529, "overloaded")
    assert "attempt 4" in judge(retry, end=ProcessEnd(-9, StoppedBy.TIMEOUT)).text
    assert "attempt" not in judge(retry, Assistant("on"), end=ProcessEnd(-9, StoppedBy.TIMEOUT)).text


def test_denied_tools_are_noted_beside_a_success() -> None:
    outcome = judge(replace(GOOD, denials=(Denial("Bash", "git push"), Denial("Bash", "git push -f"))))
    assert outcome.kind is OutcomeKind.COMPLETED
    assert outcome.note == "Denied because a permission was missing: Bash (2 times)."
    assert outcome.hindrance.startswith(f"{outcome.note} Look for `ask`, `deny`")
    asked = judge(PermissionRequest("r", ToolCall("Bash", {})), replace(GOOD, denials=(Denial("Bash", "x"),)))
    assert asked.note == asked.hindrance == "", "the user knows what they denied"


@pytest.mark.parametrize("reason", ["hook_stopped", "stop_hook_prevented", "tool_deferred"])
def test_hook_that_stops_the_agent_is_noted_beside_a_success(reason: str) -> None:
    outcome = judge(replace(GOOD, terminal_reason=reason))
    assert outcome.kind is OutcomeKind.COMPLETED
    assert outcome.note == "A hook of Claude Code's settings stopped the agent."
    assert "SAMOBOT_ITERATION" in outcome.hindrance


def test_a_sub_agents_failure_is_not_the_runs() -> None:
    sub = Assistant("Overloaded", sub_agent="7", error="server_error")
    assert judge(sub, end=ProcessEnd(0)).kind is OutcomeKind.NO_RESULT
    assert judge(replace(sub, sub_agent=""), end=ProcessEnd(0)).kind is OutcomeKind.OVERLOADED


def test_evidence_stays_small_however_much_is_said() -> None:
    evidence = Evidence()
    for number in range(10_000):
        evidence.add(RateLimit("rejected", f"kind {number}"))
    assert len(evidence.limits) < 100


def test_a_long_message_is_clipped_to_a_sentence() -> None:
    assert len(judge(failure("boom " * 1000), end=BADLY).text) < 400


def test_what_could_not_be_ended_is_said() -> None:
    assert judge(GOOD, end=ProcessEnd(0, survivors=(7, 9))).note == "Could not be ended: process 7, 9."


def test_a_signal_without_a_name_has_its_number() -> None:
    assert judge(end=ProcessEnd(-63)).text == "Claude was killed by signal 63."
