"""GitHub through `gh`. The fields are those of `gh pr list --json`, documented in `gh help formatting` and GitHub's
GraphQL schema (PullRequest, CheckRun, StatusContext), and of its REST API (pull request review comments)."""

from __future__ import annotations

import re
from typing import Any

from samobot.fleet.forge import (
    CheckState,
    CheckView,
    CommentView,
    ForgeError,
    PullRequestState,
    PullRequestView,
    WorkItem,
)
from samobot.fleet.forge_tool import read_json, read_json_pages, run_tool

_FIELDS = (
    "number,url,title,state,isDraft,headRefOid,headRefName,baseRefName,isCrossRepository,"
    "mergeable,mergeStateStatus,reviewDecision,statusCheckRollup"
)
_GREEN = frozenset({"SUCCESS", "NEUTRAL", "SKIPPED"})
_PENDING = frozenset({"", "PENDING", "EXPECTED"})
_READY = frozenset({"CLEAN", "HAS_HOOKS"})
_NEWEST = 20
_JOB = re.compile(r"https://[^/]+/[^/]+/[^/]+/actions/runs/\d+/job/(\d+)\b")
_SILENT_REVIEWS = frozenset({"PENDING", "DISMISSED"})


class GitHub:
    """One repository at GitHub or a GitHub Enterprise server.

    Args:
        host: `github.com`, or the server's name.
        path: `owner/name`.
    """

    def __init__(self, host: str, path: str) -> None:
        self._host, self._path = host, path
        self._repository = f"{host}/{path}"

    def find(self, branch: str) -> PullRequestView | None:
        """Return the newest pull request of a branch; see `Forge.find`."""
        listing = read_json(
            "gh",
            ["pr", "list", "--repo", self._repository, "--head", branch, "--state", "all",
             "--limit", str(_NEWEST), "--json", _FIELDS],
        )  # fmt: skip
        try:
            own = [
                each for each in listing if not each["isCrossRepository"] and each["headRefName"] == branch
            ]
            found = [_pull_request(each) for each in own]
        except (KeyError, TypeError, ValueError) as error:
            raise ForgeError(f"gh answered something unexpected about {branch}: {error!r}.") from error
        open_ones = [each for each in found if each.state is PullRequestState.OPEN]
        return max(open_ones or found, key=lambda each: each.number, default=None)

    def open(self, branch: str, base: str, title: str, body: str, *, draft: bool) -> None:
        """Open a pull request; see `Forge.open`."""
        flags = ["--draft"] if draft else []
        run_tool(
            "gh",
            ["pr", "create", "--repo", self._repository, "--head", branch, "--base", base,
             "--title", title, "--body-file", "-", *flags],
            text=body,
        )  # fmt: skip

    def merge(self, number: int, head: str, *, squash: bool) -> None:
        """Merge a pull request; see `Forge.merge`."""
        how = "--squash" if squash else "--merge"
        run_tool(
            "gh", ["pr", "merge", str(number), "--repo", self._repository, how, "--match-head-commit", head]
        )

    def comments(self, number: int) -> tuple[CommentView, ...]:
        """Return what was written about a pull request; see `Forge.comments`."""
        whole = read_json(
            "gh", ["pr", "view", str(number), "--repo", self._repository, "--json", "comments,reviews"]
        )
        pages = read_json_pages(
            "gh",
            ["api", "--hostname", self._host, "--paginate",
             f"repos/{self._path}/pulls/{number}/comments?per_page=100"],
        )  # fmt: skip
        try:
            found = [(each["createdAt"], _comment(each, each["url"])) for each in whole["comments"]]
            found += [
                (each["submittedAt"] or "", _review(each))
                for each in whole["reviews"]
                if each["state"] not in _SILENT_REVIEWS
                and (each["body"].strip() or each["state"] == "CHANGES_REQUESTED")
            ]
            found += [(each["created_at"], _line_comment(each)) for page in pages for each in page]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ForgeError(
                f"gh answered something unexpected about comments of #{number}: {error!r}."
            ) from error
        return tuple(comment for _, comment in sorted(found, key=lambda each: each[0]))

    def labelled_issues(self, label: str) -> tuple[WorkItem, ...]:
        """Return the open issues with a label; see `Forge.labelled_issues`."""
        return _items(
            "issue",
            read_json(
                "gh",
                ["issue", "list", "--repo", self._repository, "--label", label, "--state", "open",
                 "--limit", "100", "--json", "number,title,body,author,url"],
            ),
        )  # fmt: skip

    def review_requests(self) -> tuple[WorkItem, ...]:
        """Return the pull requests that wait for the user's review; see `Forge.review_requests`."""
        return _items(
            "review",
            read_json(
                "gh",
                ["pr", "list", "--repo", self._repository, "--search", "review-requested:@me", "--state", "open",
                 "--limit", "100", "--json", "number,title,body,author,url,headRefOid"],
            ),
        )  # fmt: skip

    def diff(self, number: int) -> str:
        """Return a pull request's changes; see `Forge.diff`."""
        return run_tool("gh", ["pr", "diff", str(number), "--repo", self._repository])

    def check_log(self, check: CheckView) -> str:
        """Return the log of a failed job of GitHub Actions; see `Forge.check_log`."""
        job = _JOB.match(check.url)
        if job is None:
            return ""
        return run_tool(
            "gh", ["run", "view", "--repo", self._repository, "--job", job[1], "--log-failed"], keep_end=True
        )


def _items(kind: str, listing: Any) -> tuple[WorkItem, ...]:
    try:
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
    except (KeyError, TypeError, ValueError) as error:
        raise ForgeError(f"gh answered something unexpected: {error!r}.") from error


def _comment(values: dict[str, Any], url: str = "") -> CommentView:
    return CommentView(id=str(values["id"]), author=_login(values["author"]), text=values["body"], url=url)


def _review(values: dict[str, Any]) -> CommentView:
    comment = _comment(values)
    if values["state"] != "CHANGES_REQUESTED":
        return comment
    return comment.model_copy(update={"text": f"Changes requested. {comment.text}".strip()})


def _line_comment(values: dict[str, Any]) -> CommentView:
    return CommentView(
        id=f"line-{values['id']}",
        author=_login(values["user"]),
        text=values["body"],
        path=values["path"],
        line=values.get("line") or values.get("original_line"),
        url=values["html_url"],
    )


def _login(author: dict[str, Any] | None) -> str:
    """The login of an author; GitHub shows a deleted account as `ghost`."""
    return str((author or {}).get("login") or "ghost")


def _pull_request(values: dict[str, Any]) -> PullRequestView:
    return PullRequestView(
        number=values["number"],
        url=values["url"],
        title=values["title"],
        state=PullRequestState(values["state"].lower()),
        draft=values["isDraft"],
        head=values["headRefOid"],
        base=values["baseRefName"],
        checks=tuple(_check(each) for each in values["statusCheckRollup"] or ()),
        obstacle=_obstacle(values),
    )


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
    if mergeable != "MERGEABLE" or values["mergeStateStatus"] not in _READY:
        return f"GitHub does not let {number} be merged now ({values['mergeStateStatus'].lower()})."
    return ""
