"""Whatever happens at a forge: nothing is merged that the user was not shown green, and nothing is pushed that was not
approved, each exactly as it was. The events are late checks, a head pushed by somebody else, a merge queue that merges later or
removes, a moved base,
a conflict, a lost login, a tool that hangs, another address or branch at the remote, and whatever order they come in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from samobot.errors import ConflictError
from samobot.fleet import landing
from samobot.fleet.forge import (
    CheckState,
    CheckView,
    CommentView,
    ForgeError,
    PullRequestState,
    PullRequestView,
    QueueView,
    WorkItem,
)
from samobot.fleet.landing_look import LandingLook
from samobot.fleet.landing_models import LandingStep, LandingView
from samobot.session.branch_state import BaseBranch, BranchState
from samobot.session.git import Git
from samobot.session.push import PushTarget
from samobot.session.repository import GitRepository
from tests.support.examples import examples
from tests.support.landing_room import KEY, NOW, OVERVIEW
from tests.support.session_folder import ANNA, make_session

OK = CheckView(name="test", state=CheckState.GREEN)
HEADS = ("a" * 40, "b" * 40)


@dataclass
class History:
    """A forge whose state a history changes, and what was merged there.

    Attributes:
        request: The pull request as it is.
        fails: What its tool says instead of answering; empty if it answers.
        there: The commit that the branch has at the remote.
        address: The remote's address.
        has_queue: Whether it only takes requests and merges later.
        queued: The commit that its queue would merge; None if there is none.
        race: A head that somebody pushes in the instant before the merge.
        merges: The commits that it has merged.
        pushes: The commits that were pushed, with where to and what was there.
    """

    request: PullRequestView
    fails: str = ""
    there: str | None = HEADS[0]
    address: str = "x"
    has_queue: bool = False
    queued: str | None = None
    race: str | None = None
    merges: list[str] = field(default_factory=list)
    pushes: list[tuple[str, str, str | None]] = field(default_factory=list)

    def find(self, branch: str) -> PullRequestView | None:
        if self.fails:
            raise ForgeError(self.fails)
        return self.request

    def open(self, branch: str, base: str, title: str, body: str, *, draft: bool) -> None:
        raise AssertionError("nobody asked for that")

    def mark_ready(self, request: PullRequestView) -> None:
        raise AssertionError("nobody asked for that")

    def merge(self, number: int, head: str, *, squash: bool) -> None:
        if self.fails:
            raise ForgeError(self.fails)
        if self.race is not None:
            self.request = self.request.model_copy(update={"head": self.race})
        if self.request.head != head:
            raise ForgeError("Head branch was modified.")
        if self.has_queue:
            self.queued = head
        else:
            self._merge(head)

    def move_queue(self) -> None:
        """Merge what is queued, unless its head or its state have changed: then it is removed."""
        if self.queued == self.request.head and self.request.state is PullRequestState.OPEN:
            self._merge(self.queued)
        self.queued = None

    def _merge(self, head: str) -> None:
        self.merges.append(head)
        self.request = self.request.model_copy(update={"state": PullRequestState.MERGED})

    def comments(self, number: int) -> tuple[CommentView, ...]:
        return ()

    def queue(self, number: int) -> QueueView:
        return QueueView(waiting=self.queued is not None)

    def check_log(self, check: CheckView) -> str:
        return ""

    def labelled_issues(self, label: str) -> tuple[WorkItem, ...]:
        return ()

    def review_requests(self) -> tuple[WorkItem, ...]:
        return ()

    def diff(self, number: int) -> str:
        return ""


CHECKS = st.lists(st.sampled_from([*CheckState]), max_size=3).map(
    lambda states: tuple(CheckView(name=f"check {n}", state=state) for n, state in enumerate(states))
)
LOOK = st.tuples(st.just("look"), st.none())
PRESS = st.tuples(
    st.just("press"), st.sampled_from([LandingStep.MERGE_PR, LandingStep.SQUASH_PR, LandingStep.PUSH])
)
CHANGES = st.tuples(st.just("checks"), CHECKS)
EVENTS = st.one_of(
    CHANGES,
    st.tuples(st.just("head"), st.sampled_from(HEADS)),
    st.tuples(st.just("local"), st.sampled_from(HEADS)),
    st.tuples(st.just("draft"), st.booleans()),
    st.tuples(st.just("obstacle"), st.sampled_from(["", "It waits for a review."])),
    st.tuples(st.just("state"), st.sampled_from([*PullRequestState])),
    st.tuples(
        st.just("fails"),
        st.sampled_from(["", "gh: To get started, run: gh auth login", "gh did not answer within 60 s."]),
    ),
    st.tuples(st.just("base"), st.sampled_from(["main", "next"])),
    st.tuples(st.just("base_moved"), st.sampled_from(["c" * 40, "e" * 40])),
    st.tuples(st.just("conflict"), st.booleans()),
    st.tuples(st.just("there"), st.sampled_from([None, *HEADS, "f" * 40])),
    st.tuples(st.just("address"), st.sampled_from(["x", "y"])),
    st.tuples(st.just("has_queue"), st.booleans()),
    st.tuples(st.just("queue moves"), st.none()),
    st.tuples(st.just("queue removes"), st.none()),
    st.tuples(st.just("race"), st.sampled_from([None, *HEADS])),
    LOOK,
    PRESS,
)
STRETCH = st.tuples(CHANGES, st.lists(EVENTS, max_size=3), LOOK, st.lists(EVENTS, max_size=2), PRESS).map(
    lambda parts: [parts[0], *parts[1], parts[2], *parts[3], parts[4]]
)
"""Something changes, the user looks, perhaps more changes, and the user presses."""


def green(view: LandingView) -> bool:
    """Whether a user who looks at this sees a request that is green and ready at the commit that is here."""
    request = view.pull_request
    return (
        request is not None and request.state is PullRequestState.OPEN and request.head == view.head
        and bool(request.checks) and all(check.state is CheckState.GREEN for check in request.checks)
        and not request.draft and not request.obstacle
    )  # fmt: skip


@pytest.mark.slow
@example([("there", None), ("look", None), ("press", LandingStep.PUSH)])
@example([("there", None), ("look", None), ("there", HEADS[1]), ("press", LandingStep.PUSH)])
# It does merge what is green, and a push in the last instant is refused by the forge.
@example([("checks", (OK,)), ("look", None), ("press", LandingStep.MERGE_PR)])
@example(
    [
        ("has_queue", True),
        ("checks", (OK,)),
        ("look", None),
        ("press", LandingStep.MERGE_PR),
        ("queue moves", None),
    ]
)
@example([("checks", (OK,)), ("look", None), ("race", HEADS[1]), ("press", LandingStep.MERGE_PR)])
@given(
    st.lists(STRETCH, min_size=1, max_size=4).map(
        lambda stretches: [each for part in stretches for each in part]
    )
)
@examples(250, HealthCheck.function_scoped_fixture)
def test_no_history_merges_what_was_not_shown_green_or_pushes_what_was_not_approved(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, object]]
) -> None:
    folder = make_session(tmp_path_factory.mktemp("history"), phase="done", signal={"status": "done"})
    folder.overview.write_text(OVERVIEW.format(worktree="/nowhere"))
    repository = GitRepository(Git(Path("/nowhere")), Path("/nowhere"), "")
    base = BaseBranch("main", "c" * 40, "d" * 40)
    state = BranchState(
        repository, "greet", HEADS[0], Path("/nowhere"), base, 1, 0, ("x",), (), 0, (), None, ()
    )
    opening = {
        "number": 12,
        "url": "",
        "title": "t",
        "state": "open",
        "draft": False,
        "head": HEADS[0],
        "base": "main",
    }
    forge = History(PullRequestView.model_validate(opening))

    def look(*_: object) -> LandingLook:
        found, problem = None, ""
        try:
            found = forge.find("greet")
        except ForgeError as error:
            problem = error.message
        # As `read_target` finds it: somebody else's commit there is never overwritten.
        problem_there = "" if forge.there in (None, *HEADS) else "origin has commits that are not here."
        target = PushTarget("origin", forge.address, forge.there, problem_there)
        queue = forge.queue(12) if found is not None else QueueView()
        return LandingLook(
            folder, state, "t", "", target, forge, "github.com/ann/demo", found, queue, problem
        )

    def push(pushed: BranchState, target: PushTarget) -> None:
        forge.pushes.append((pushed.head, target.address, target.head))
        forge.there = pushed.head

    shown: LandingView | None = None
    shown_there: tuple[str, str | None] = ("", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landing, "look_at", look)
        patch.setattr(landing, "push", push)
        for kind, value in events:
            match kind:
                case "look":
                    shown, shown_there = look().view(), (forge.address, forge.there)
                case "press" if shown is not None:
                    step, queued = LandingStep(str(value)), forge.queued
                    offer, before, pushed = shown.offer(step), len(forge.merges), len(forge.pushes)
                    if offer is None:
                        continue
                    try:
                        landing.land(
                            None, folder, step, ANNA, expected=offer.identity, now=lambda: NOW, key=KEY  # type: ignore[arg-type]
                        )  # fmt: skip
                    except ConflictError:
                        pass
                    for merged in (
                        *forge.merges[before:],
                        *([forge.queued] if forge.queued != queued else []),
                    ):
                        assert green(shown)
                        assert merged == shown.head
                        assert step is not LandingStep.PUSH
                    for commit, address, there in forge.pushes[pushed:]:
                        assert step is LandingStep.PUSH
                        assert (commit, address, there) == (shown.head, *shown_there)
                case "local":
                    state = replace(state, head=str(value))
                case "base_moved":
                    state = replace(state, base=replace(base, head=str(value)))
                case "conflict":
                    state = replace(state, conflicts=("x.py",) if value else ())
                    obstacle = "It conflicts with main." if value else ""
                    forge.request = forge.request.model_copy(update={"obstacle": obstacle})
                case "queue moves":
                    forge.move_queue()
                case "queue removes":
                    forge.queued = None
                case "fails" | "has_queue" | "race" | "there" | "address":
                    setattr(forge, kind, value)
                case _:
                    forge.request = forge.request.model_copy(update={kind: value})
    if events == [("checks", (OK,)), ("look", None), ("press", LandingStep.MERGE_PR)]:
        assert forge.merges == [HEADS[0]]
    if events[-1] == ("queue moves", None) and events[0] == ("has_queue", True) and len(events) == 5:
        assert forge.merges == [HEADS[0]]
    if events == [("there", None), ("look", None), ("press", LandingStep.PUSH)]:
        assert forge.pushes == [(HEADS[0], "x", None)]
    assert len(forge.merges) + len(forge.pushes) <= sum(kind == "press" for kind, _ in events)
