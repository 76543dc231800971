"""The texts of landing: commit messages, and the sentence for what a step has done."""

from __future__ import annotations

from samobot.fleet.landing_look import LandingLook
from samobot.fleet.landing_models import LandingStep
from samobot.session.merge import MergeMethod


def merge_message(look: LandingLook, method: MergeMethod) -> str:
    """Message of the commit that a local merge makes."""
    if method is MergeMethod.MERGE:
        return f"Merge branch '{look.state.name}'"
    return "\n".join([look.title, "", *(f"* {subject}" for subject in look.state.subjects)])


def sentence(look: LandingLook, step: LandingStep, commit: str) -> str:
    """What a step does to a commit, as the sentence that is recorded and reported."""
    state, base, request = look.state, look.state.base, look.pull_request
    into = base.name if base else "the base"
    match step:
        case LandingStep.PUSH:
            remote = look.target.remote if look.target else "the remote"
            return f"{state.name} is pushed to {remote}, at {commit[:9]}."
        case LandingStep.OPEN_PR | LandingStep.OPEN_DRAFT:
            kind = "draft pull request" if step is LandingStep.OPEN_DRAFT else "pull request"
            return f"A {kind} of {state.name} into {into} is open at {look.forge_name}."
        case LandingStep.READY_PR:
            assert request is not None
            return f"#{request.number} is ready for review: {request.url}"
        case LandingStep.MERGE_PR | LandingStep.SQUASH_PR:
            assert request is not None
            return f"#{request.number} is merged into {request.base}, at {commit[:9]}: {request.url}"
        case LandingStep.CLEAN_UP:
            there = look.target is not None and look.target.head is not None
            also = f", here and at {look.target.remote}" if look.target is not None and there else ""
            return f"{state.name} is merged; its branch and worktree are removed{also}."
        case LandingStep.DISCARD:
            return f"{state.name} is discarded, with its worktree. “git branch {state.name} {commit[:12]}” restores its commits."
        case LandingStep.MERGE | LandingStep.SQUASH:
            commits = "1 commit" if state.ahead == 1 else f"{state.ahead} commits"
            how = " as one" if step is LandingStep.SQUASH and state.ahead > 1 else ""
            return f"{commits} of {state.name} merged into {into}{how}, now at {commit[:9]}."
