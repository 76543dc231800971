"""How much of a phase's first request its next iteration repeats from the beginning: what the model's cache can hold."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Measure
from samobot.phases import RULES, Phase, SignalStatus
from tests.support.claude_cli import cli_environment, require_claude, require_newest_claude
from tests.support.messages_api import MessagesApi, Request, Script, Step, bash, say, signal
from tests.support.session_folder import make_session
from tests.support.workshop import make_workshop

_WORK = bash("echo x >> note && git add note && git commit -qm note && echo y >> README.md")
_REMINDERS = 3
"""How often the plugin's hook sends an agent without a signal back."""

_BILLING = "x-anthropic-billing-header"
"""A line of the CLI's own before everything else, other in each process, which is not part of the prompt."""


def repeated_requests(root: Path) -> list[Measure]:
    """The common beginning of the first requests of two iterations of a phase, in percent of the second one.

    With `PYTHONPATH` naming another checkout, the program from there is measured.
    """
    versions = (("oldest", require_claude()), ("newest", require_newest_claude()))
    return [
        _measure(root / version / phase, version, claude, phase)
        for version, claude in versions
        for phase in Phase
    ]


def _measure(root: Path, version: str, claude: Path, phase: Phase) -> Measure:
    with MessagesApi(_script(phase)) as api:
        environment = cli_environment(root / "home", api.url) | {
            "CLAUDE_PATH": str(claude),
            "SAMOCODE_RETRY_DELAY": "0",
        }
        shop = make_workshop(root, environment)
        shop.sessions.mkdir()
        begun = Phase.TESTING if phase is Phase.DONE else phase  # a session that is in `done` is over
        folder = make_session(shop.sessions, phase=begun)
        worktree = shop.worktrees / folder.path.name
        shop.git("worktree", "add", "-q", "-b", "greet", str(worktree))
        overview = folder.overview.read_text()
        folder.overview.write_text(overview.replace("Task: greet", f"Task: greet\nWorking Dir: {worktree}"))
        done = shop.run("greet")
        assert done.returncode == 11, done.stdout + done.stderr
    first, second = _first_requests(api.of_phase(phase))
    one, two = ("".join(map(_text, _parts(request))) for request in (first, second))
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False))
    common = sum(1 for _ in same)
    cached = _cached(second, common)
    return Measure(
        f"{phase}, {version} CLI",
        100 * common / len(two),
        "%",
        detail=f"{common:,} of {len(two):,} characters; {100 * cached / len(two):.0f} % up to a mark of the cache",
    )


def _script(phase: Phase) -> Script:
    """An iteration that works and stays in its phase, if it may, and another one."""
    rule = RULES[phase]
    stays = SignalStatus.CONTINUE in rule.signals and phase in rule.targets
    first = (
        signal("continue", phase=phase, summary="Half of it.") if stays else [say("No.")] * (1 + _REMINDERS)
    )
    script: dict[str, Sequence[Step]] = {
        phase: [_WORK, *first, *signal("blocked", reason="Enough", needs="Nothing")]
    }
    if phase is Phase.DONE:
        script[Phase.TESTING] = signal("continue", phase="done", summary="It works.")
    return script


def _first_requests(requests: list[Request]) -> list[Request]:
    """The first request of each run of the CLI."""
    firsts: dict[str, Request] = {}
    for request in requests:
        firsts.setdefault(request.run, request)
    return list(firsts.values())


def _parts(request: Request) -> Iterator[dict[str, Any]]:
    """A request in the order in which it is cached: tools, system text, messages."""
    yield from request.body["tools"]
    yield from (block for block in request.body["system"] if not block["text"].startswith(_BILLING))
    for message in request.messages:
        content = message["content"]
        yield {"role": message["role"]}
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else content


def _text(part: dict[str, Any]) -> str:
    return json.dumps({name: part[name] for name in part if name != "cache_control"}, ensure_ascii=False)


def _cached(request: Request, common: int) -> int:
    """How many of the common characters stand before a mark up to which a request is cached."""
    length = cached = 0
    for part in _parts(request):
        length += len(_text(part))
        if "cache_control" in part and length <= common:
            cached = length
    return cached
