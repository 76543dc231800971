"""Guidance that reaches the agent while it works, through the real CLI: once, at its next step or in the next iteration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.session.folder import SessionFolder
from samobot.session.turn import load_turn
from tests.e2e.real import outcomes, real_shop
from tests.support.claude_cli import require_claude, require_newest_claude
from tests.support.messages_api import Answer, MessagesApi, Request, bash, signal
from tests.support.waiting import until
from tests.support.workshop import Workshop

pytestmark = pytest.mark.real_cli


def busy_until(file: Path) -> Answer:
    """A tool that runs until the test makes a file."""
    return bash(f"until [ -e '{file}' ]; do python3 -c 'import time; time.sleep(0.05)'; done; echo over")


def deliveries(shop: Workshop) -> list[tuple[str, bool]]:
    """What the running iteration was sent, and whether it has taken that up."""
    shop.vault("greet")
    turn = load_turn(SessionFolder(shop.session("greet")))
    return [] if turn is None else [(each.item.text, each.taken_up) for each in turn.deliveries]


def holding(requests: list[Request], words: str) -> list[int]:
    """The requests whose newest messages hold these words; earlier ones are repeated in each request."""
    found = []
    for number, request in enumerate(requests):
        known = (
            len(requests[number - 1].messages) if number and requests[number - 1].run == request.run else 0
        )
        if words in str(request.messages[known:]):
            found.append(number)
    return found


@pytest.mark.parametrize(
    ("fence", "claude"),
    [("off", require_claude), ("on", require_newest_claude)],
    ids=["unfenced-oldest", "fenced-newest"],
    indirect=["fence"],
)
def test_words_reach_the_running_turn_interrupt_it_or_wait_for_the_next_iteration(
    tmp_path: Path, fence: str, claude: Callable[[], Path]
) -> None:
    step, never, late = tmp_path / "step", tmp_path / "never", tmp_path / "late"
    continuing = signal("continue", phase="investigation", summary="Half.", end="Half.")
    ending = signal("blocked", reason="Enough", needs="Nothing")
    script = {"investigation": [busy_until(step), busy_until(never), busy_until(late), *continuing, *ending]}
    with MessagesApi(script) as api:
        shop = real_shop(tmp_path, api, fence=fence)
        shop.environment["CLAUDE_PATH"] = str(claude())
        shop.environment["SAMOBOT_FENCE_ALLOW"] = str(tmp_path)
        run = shop.start("run", "--session", "greet")
        api.wait_for_requests(1)
        told = shop.quickly("tell", "greet", "first", "words")
        assert told.stdout == "✍️ Saved. The agent gets it at its next step.\n", told.stderr
        until(lambda: deliveries(shop) == [("first words", False)])
        step.touch()
        api.wait_for_requests(2)
        until(lambda: deliveries(shop) == [("first words", True)])
        told = shop.quickly("tell", "greet", "--now", "stop that")
        assert told.stdout == "⚡ Saved. The agent is interrupted with it.\n", told.stderr
        api.wait_for_requests(3)
        late.touch()
        out, err = run.communicate(timeout=240)
        assert run.returncode == 11, out + err
        api.check()
        assert [holding(api.requests, words) for words in ("first words", "stop that")] == [[1], [2]]
        assert outcomes(shop) == ["completed", "completed"]
        ticked = (shop.session("greet") / "_guidance.md").read_text().splitlines()
        assert [line[:5] for line in ticked] == ["- [x]", "- [x]"]
        until(lambda: shop.processes() == [])
