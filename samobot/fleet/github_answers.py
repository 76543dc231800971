"""What `gh` answers about pull requests, checks, comments and issues, as samobot's values. Pure."""

from __future__ import annotations

import re
from typing import Any

from samobot.fleet.forge import (
    CheckState,
    CheckView,
    CommentView,
    PullRequestState,
    PullRequestView,
    QueueRemoval,
    QueueView,
    WorkItem,
    reading,
)

_GREEN = frozenset({"SUCCESS", "NEUTRAL", "SKIPPED"})
_PENDING = frozenset({"", "PENDING", "EXPECTED"})
_READY = frozenset({"CLEAN", "HAS_HOOKS"})
_MERGED_REASONS = frozenset({"merge", "merged", "already_merged"})
_RUN = re.compile(r"https://[^/]+/[^/]+/[^/]+/actions/runs/\d+/")


def work_items(kind: str, listing: Any) -> tuple[WorkItem, ...]:
    """Read `gh issue list`, or `gh pr list` of requests to review.

    Args:
        kind: `issue` or `review`; makes the items' ids.
        listing: The answer.

    Raises:
        ForgeError: The answer has other fields.
    """
    with reading("gh"):
        return tuple(
            WorkItem(
                id=f"{kind}-{each['number']}" + (f"-{each['headRefOid'][:9]}" if kind == "review" else ""),
                number=each["number"],
                title=each["title"],
                text=each["body"] or "",
                author=_login(each["author"]),
                url=each["url"],
            )
            for each in listing
        )


def comment(values: dict[str, Any], url: str = "") -> CommentView:
    """A comment on the whole request."""
    return CommentView(id=str(values["id"]), author=_login(values["author"]), text=values["body"], url=url)


def review(values: dict[str, Any]) -> CommentView:
    """A review's own text, without its comments on lines."""
    made = comment(values)
    if values["state"] != "CHANGES_REQUESTED":
        return made
    return made.model_copy(update={"text": f"Changes requested. {made.text}".strip()})


def line_comment(values: dict[str, Any]) -> CommentView:
    """A review comment of the REST API; its line is None once a later commit has changed it."""
    return CommentView(
        id=f"line-{values['id']}",
        author=_login(values["user"]),
        text=values["body"],
        path=values["path"],
        line=values.get("line") or values.get("original_line"),
        url=values["html_url"],
    )


def queue(values: dict[str, Any]) -> QueueView:
    """A pull request's removals from the merge queue; one because it is merged is none."""
    removals = (
        QueueRemoval(
            id=str(each["id"]),
            reason=str(each["reason"] or "").replace("_", " "),
            by=_login(each["actor"]) if each["actor"] else "",
        )
        for each in values["timelineItems"]["nodes"]
        if str(each["reason"]).lower() not in _MERGED_REASONS
    )
    return QueueView(waiting=bool(values["isInMergeQueue"]), removals=tuple(removals))


def _login(author: dict[str, Any] | None) -> str:
    """The login of an author; GitHub shows a deleted account as `ghost`."""
    return str((author or {}).get("login") or "ghost")


def pull_request(values: dict[str, Any]) -> PullRequestView:
    """A pull request; unknown fields are left alone.

    Raises:
        KeyError, TypeError, ValueError: The answer has other fields.
    """
    return PullRequestView(
        number=values["number"],
        url=values["url"],
        title=values["title"],
        state=PullRequestState(values["state"].lower()),
        draft=values["isDraft"],
        head=values["headRefOid"],
        base=values["baseRefName"],
        checks=tuple(_check(each) for each in _latest(values["statusCheckRollup"] or [])),
        obstacle=_obstacle(values),
    )


def _latest(rollup: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out jobs that the same run of a workflow has repeated since; GitHub keeps the earlier ones in its list.

    One that waits has no start yet, so whatever has not ended counts as the latest.
    """
    found: dict[object, dict[str, Any]] = {}
    for number, each in enumerate(rollup):
        run = _RUN.match(str(each.get("detailsUrl") or ""))
        key = (run[0], each.get("workflowName"), each.get("name")) if run is not None else number
        if key not in found or _order(each) >= _order(found[key]):
            found[key] = each
    return list(found.values())


def _order(values: dict[str, Any]) -> tuple[bool, str]:
    return values.get("status") != "COMPLETED", str(values.get("startedAt") or "")


def _check(values: dict[str, Any]) -> CheckView:
    """A check run, or a commit status; what is not known to be green is not green."""
    if values.get("__typename") == "StatusContext":
        name, result, url = values["context"], values["state"], values.get("targetUrl")
    else:
        name, url = values["name"], values.get("detailsUrl")
        result = values["conclusion"] if values["status"] == "COMPLETED" else ""
    result = str(result or "").upper()
    state = (
        CheckState.GREEN if result in _GREEN else CheckState.PENDING if result in _PENDING else CheckState.RED
    )
    return CheckView(name=str(name), state=state, url=str(url or ""))


def _obstacle(values: dict[str, Any]) -> str:
    number = f"#{values['number']}"
    review, mergeable = values["reviewDecision"] or "", values["mergeable"]
    if review == "CHANGES_REQUESTED":
        return f"A review of {number} asks for changes."
    if review not in ("", "APPROVED"):
        return f"{number} waits for a review."
    if mergeable == "CONFLICTING":
        return f"{number} conflicts with {values['baseRefName']}."
    if mergeable == "UNKNOWN":
        return f"GitHub is still finding out whether {number} can be merged; look again in a moment."
    if mergeable != "MERGEABLE" or values["mergeStateStatus"] not in _READY:
        return f"GitHub does not let {number} be merged now ({values['mergeStateStatus'].lower()})."
    return ""
