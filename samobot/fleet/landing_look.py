"""What a finished session's branch looks like right now, here, at the remote and at the forge; and what can be done.

An offer's identity covers exactly what the user is shown of its step: commits, addresses, checks, texts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from samobot.config.project import Project
from samobot.fleet.documents import newest_summary
from samobot.fleet.forge import Forge, ForgeError, PullRequestState, PullRequestView, QueueView, split_address
from samobot.fleet.forges import forge_at
from samobot.fleet.landing_models import OPENS, LandingOffer, LandingStep, LandingView
from samobot.fleet.review_reader import read_debt
from samobot.frozen import frozen
from samobot.session.branch_state import BranchState, read_branch, work_dir_of
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.merge import merge_problem
from samobot.session.overview import parse_overview
from samobot.session.push import PushTarget, read_target
from samobot.text import clip, one_line, without_surrogates

LOCAL = frozenset({LandingStep.MERGE, LandingStep.SQUASH, LandingStep.DISCARD})
"""Steps that need neither the remote nor the forge."""

_MERGES_THERE = frozenset({LandingStep.MERGE_PR, LandingStep.SQUASH_PR})
_AT_FORGE = OPENS | _MERGES_THERE | {LandingStep.READY_PR, LandingStep.CLEAN_UP}
_TITLE = 72
_DEBT = "## Left open by the review"
_BODY = 50_000  # GitHub takes 65,536 characters


@frozen
class LandingLook:
    """What was read of a session's branch.

    Attributes:
        folder: The session.
        state: The branch.
        title: Title of a squashed commit or a pull request: the task's first line.
        body: Text of a pull request: the newest summary, and `debt`.
        target: Where it would be pushed to; None if there is no remote, or it was not asked for.
        forge: The forge of that remote; None if it is not known.
        forge_name: The forge's repository, for display.
        pull_request: The branch's newest pull request.
        queue: What the merge queue has done with it; read for the steps that merge it.
        forge_problem: Why the forge could not be asked; empty if it was.
        debt: The findings that the reviews left open.
    """

    folder: SessionFolder
    state: BranchState
    title: str
    body: str
    target: PushTarget | None = None
    forge: Forge | None = None
    forge_name: str = ""
    pull_request: PullRequestView | None = None
    queue: QueueView = QueueView()
    forge_problem: str = ""
    debt: tuple[str, ...] = ()

    def offer(self, step: LandingStep) -> LandingOffer | None:
        """Return a step as it could be decided now; None if it is not possible here at all."""
        if step in (LandingStep.MERGE, LandingStep.SQUASH):
            base = self.state.base
            shown: dict[str, object] = {"tree": self.state.tree}
            shown |= {"base": base.name, "base_head": base.head} if base else {}
            if step is LandingStep.SQUASH:
                shown["title"] = self.title
            refusal = merge_problem(self.state)
        elif step is LandingStep.PUSH:
            if self.target is None:
                return None
            shown = {"address": self.target.address, "there": self.target.head}
            refusal = self.target.problem
        elif step is LandingStep.DISCARD:
            shown = {"left": self.state.left, "uncommitted": self.state.uncommitted}
            refusal = ""
        elif step is LandingStep.CLEAN_UP:
            shown = {"there": self.target.head if self.target else None}
            refusal = self._clean_up_problem()
        elif self.forge is None:
            return None
        elif step in OPENS:
            base = self.state.base
            shown = {
                "forge": self.forge_name,
                "title": self.title,
                "body": self.body,
                "base": base and base.name,
            }
            refusal = self._open_problem()
        elif step is LandingStep.READY_PR:
            request = self.pull_request
            if request is None or not request.draft or request.state is not PullRequestState.OPEN:
                return None
            shown = {"forge": self.forge_name, "number": request.number, "title": request.title}
            here = request.head == self.state.head
            refusal = (
                "" if here else f"#{request.number} is at {request.head[:9]}, which is not what is here."
            )
        else:
            request = self.pull_request
            if request is None:
                return None
            shown = {"forge": self.forge_name, "pull_request": request.model_dump(mode="json")}
            shown |= {"removals": [each.id for each in self.queue.removals]}
            waiting = f"#{request.number} waits in the merge queue." if self.queue.waiting else ""
            refusal = self.forge_problem or waiting or request.merge_problem(self.state.head)
        return self._offer(step, shown, refusal)

    def view(self) -> LandingView:
        """Return the same for the user."""
        state, base = self.state, self.state.base
        offers = (self.offer(step) for step in LandingStep)
        return LandingView(
            branch=without_surrogates(state.name),
            head=state.head,
            base=without_surrogates(base.name) if base else "",
            base_head=base.head if base else "",
            ahead=state.ahead,
            behind=state.behind,
            subjects=tuple(map(without_surrogates, state.subjects)),
            files=len(state.files),
            added=sum(each.added or 0 for each in state.files),
            removed=sum(each.removed or 0 for each in state.files),
            uncommitted=state.uncommitted,
            left=tuple(map(without_surrogates, state.left)),
            submodules=tuple(map(without_surrogates, state.submodules)),
            remote=without_surrogates(self.target.address) if self.target else "",
            forge=self.forge_name,
            pull_request=self.pull_request,
            title=self.title,
            body=self.body,
            debt=self.debt,
            offers=tuple(each for each in offers if each is not None),
        )

    def _clean_up_problem(self) -> str:
        state, request = self.state, self.pull_request
        merged = (
            request is not None and request.state is PullRequestState.MERGED and request.head == state.head
        )
        if state.uncommitted:
            return "There are files that are not committed."
        if not merged and not state.is_merged:
            return f"{state.name} is not merged."
        if self.target is not None and self.target.head not in (None, state.head):
            return f"{state.name} has commits at {self.target.remote} that are not here."
        return ""

    def _open_problem(self) -> str:
        request, base = self.pull_request, self.state.base
        if self.forge_problem:
            return self.forge_problem
        if request is not None and request.state is PullRequestState.OPEN:
            return f"#{request.number} is open already."
        if self.target is None or self.target.head != self.state.head:
            return "The branch has to be pushed first, as it is here."
        if base is None or not self.state.ahead:
            return "There is nothing to merge."
        return ""

    def _offer(self, step: LandingStep, shown: dict[str, object], refusal: str) -> LandingOffer:
        shown |= {"step": step, "session": self.folder.path.name}
        shown |= {"branch": self.state.name, "head": self.state.head}
        canonical = json.dumps(shown, sort_keys=True).encode("utf-8", "surrogateescape")
        return LandingOffer(
            step=step, identity=hashlib.sha256(canonical).hexdigest(), refusal=without_surrogates(refusal)
        )


def look_at(project: Project, folder: SessionFolder, steps: frozenset[LandingStep]) -> LandingLook:
    """Read a session's branch, as far as some steps need it: the remote and the forge take up to half a minute each.

    Raises:
        NotFoundError: It has no branch of its own.
        ConflictError: The branch cannot be read.
        SamobotError: The repository is damaged, or the disk refuses.
    """
    state = read_branch(project.main_repo, work_dir_of(folder, project.main_repo))
    task = without_surrogates(parse_overview(read_text(folder.overview) or "").task or "").strip()
    title = one_line(task.split("\n")[0], _TITLE) or folder.name
    debt = read_debt(folder)
    body = clip(without_surrogates(newest_summary(folder)).strip(), _BODY)
    if debt:
        body = "\n".join([body, "", _DEBT, "", *(f"- {each}" for each in debt)]).strip()
    target = read_target(state) if steps - LOCAL else None
    look = LandingLook(folder, state, title, body, target, debt=debt)
    if target is None or not steps & _AT_FORGE:
        return look
    return _with_forge(look, target, with_queue=bool(steps & _MERGES_THERE))


def _with_forge(look: LandingLook, target: PushTarget, *, with_queue: bool) -> LandingLook:
    found = split_address(target.configured) or split_address(target.address)
    forge = None if found is None else forge_at(*found)
    if found is None or forge is None:
        return look
    request, queue, problem = None, QueueView(), ""
    try:
        request = forge.find(look.state.name)
        if with_queue and request is not None and request.state is PullRequestState.OPEN:
            queue = forge.queue(request.number)
    except ForgeError as failure:
        problem = failure.message
    name = "/".join(found)
    return replace(
        look,
        forge=forge,
        forge_name=name,
        pull_request=request,
        queue=queue,
        forge_problem=problem,
    )
