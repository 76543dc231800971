"""GitHub through `gh`. The fields are those of `gh pr list --json`, documented in `gh help formatting` and GitHub's
GraphQL schema (PullRequest, CheckRun, StatusContext), and of its REST API (pull request review comments)."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from typing import Any

from samobot.fleet.forge import (
    CheckView,
    CommentView,
    ForgeError,
    PullRequestState,
    PullRequestView,
    QueueView,
    WorkItem,
    reading,
)
from samobot.fleet.forge_tool import read_json, read_json_pages, run_tool
from samobot.fleet.github_answers import comment, line_comment, pull_request, queue, review, work_items

_FIELDS = (
    "number,url,title,state,isDraft,headRefOid,headRefName,baseRefName,isCrossRepository,"
    "mergeable,mergeStateStatus,reviewDecision,statusCheckRollup"
)
_NEWEST = 20
_CHECKS_IN_A_LIST = 100
"""Checks that `gh pr list` reads of each request at most; `gh pr view` reads all of one."""

_QUEUE = (
    "query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) "
    "{ pullRequest(number: $number) { id isMergeQueueEnabled } } }"
)
_ENQUEUE = (
    "mutation($id: ID!, $head: GitObjectID!) { enqueuePullRequest(input: "
    "{pullRequestId: $id, expectedHeadOid: $head}) { mergeQueueEntry { position } } }"
)
_REMOVALS = (
    "query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) "
    "{ pullRequest(number: $number) { isInMergeQueue timelineItems(last: 20, itemTypes: "
    "[REMOVED_FROM_MERGE_QUEUE_EVENT]) { nodes { ... on RemovedFromMergeQueueEvent "
    "{ id reason actor { login } } } } } } }"
)
_WITHOUT_QUEUES = re.compile(r"MergeQueue|MERGE_QUEUE|itemTypes")
"""What a server that is too old to have queues writes about: one of these it does not know."""

_FAILURE = "##[error]"
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
        with reading("gh", branch):
            own = [
                each for each in listing if not each["isCrossRepository"] and each["headRefName"] == branch
            ]
            found = [pull_request(self._with_all_checks(each)) for each in own]
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

    def mark_ready(self, request: PullRequestView) -> None:
        """Take a pull request out of its draft state; see `Forge.mark_ready`."""
        run_tool("gh", ["pr", "ready", str(request.number), "--repo", self._repository])

    def merge(self, number: int, head: str, *, squash: bool) -> None:
        """Merge a pull request; see `Forge.merge`.

        Where the base has a merge queue, `gh pr merge` would enable auto-merge: that could merge a later head, which
        the user has not seen. So the request is put into the queue, or refused.
        """
        queued = self._with_queue(number)
        if queued:
            fields = ["-f", f"query={_ENQUEUE}", "-f", f"id={queued}", "-f", f"head={head}"]
            run_tool("gh", ["api", "graphql", "--hostname", self._host, *fields])
            return
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
        with reading("gh", f"comments of #{number}"):
            found = [(each["createdAt"], comment(each, each["url"])) for each in whole["comments"]]
            found += [
                (each["submittedAt"] or "", review(each))
                for each in whole["reviews"]
                if each["state"] not in _SILENT_REVIEWS
                and (each["body"].strip() or each["state"] == "CHANGES_REQUESTED")
            ]
            found += [(each["created_at"], line_comment(each)) for page in pages for each in page]
        return tuple(comment for _, comment in sorted(found, key=lambda each: each[0]))

    def queue(self, number: int) -> QueueView:
        """Return what the merge queue has done with a pull request; see `Forge.queue`."""
        request = self._ask(_REMOVALS, number)
        with reading("gh", f"the merge queue of #{number}"):
            return QueueView() if request is None else queue(request)

    def labelled_issues(self, label: str) -> tuple[WorkItem, ...]:
        """Return the open issues with a label; see `Forge.labelled_issues`."""
        return work_items(
            "issue",
            read_json(
                "gh",
                ["issue", "list", "--repo", self._repository, "--label", _one_of_a_list(label), "--state", "open",
                 "--limit", "100", "--json", "number,title,body,author,url"],
            ),
        )  # fmt: skip

    def review_requests(self) -> tuple[WorkItem, ...]:
        """Return the pull requests that wait for the user's review; see `Forge.review_requests`."""
        return work_items(
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
        log = ""
        with contextlib.suppress(ForgeError):
            log = run_tool(
                "gh",
                ["run", "view", "--repo", self._repository, "--job", job[1], "--log-failed"],
                keep_end=True,
            )
        if log.strip():
            # `gh` puts the names of job and step before each line.
            return "\n".join(line.split("\t", 2)[-1] for line in log.split("\n"))
        # It has none until the whole run has ended, and of some runs never; the job itself has.
        whole = run_tool(
            "gh",
            ["api", "--hostname", self._host, f"repos/{self._path}/actions/jobs/{job[1]}/logs"],
            keep_end=True,
        )
        before, failure, after = whole.rpartition(_FAILURE)
        return before + failure + after.partition("\n")[0] if failure else whole

    def _with_all_checks(self, values: dict[str, Any]) -> dict[str, Any]:
        if values["state"] != "OPEN" or len(values["statusCheckRollup"] or ()) < _CHECKS_IN_A_LIST:
            return values
        number = str(values["number"])
        found = read_json("gh", ["pr", "view", number, "--repo", self._repository, "--json", _FIELDS])
        if not isinstance(found, dict):
            raise ForgeError(f"gh answered something unexpected about #{number}.")
        return found

    def _with_queue(self, number: int) -> str:
        """Return the id of a pull request whose base has a merge queue; empty if it has none."""
        request = self._ask(_QUEUE, number)
        with reading("gh", f"#{number}"):
            return str(request["id"]) if request is not None and request["isMergeQueueEnabled"] else ""

    def _ask(self, query: str, number: int) -> dict[str, Any] | None:
        """Ask for a pull request's merge queue; None if the server is too old to have any."""
        owner, _, name = self._path.partition("/")
        fields = ["-f", f"query={query}", "-f", f"owner={owner}", "-f", f"name={name}"]
        fields += ["-F", f"number={number}"]
        try:
            answer = read_json("gh", ["api", "graphql", "--hostname", self._host, *fields])
        except ForgeError as failure:
            if _WITHOUT_QUEUES.search(failure.message):
                return None
            raise
        with reading("gh", f"#{number}"):
            return dict(answer["data"]["repository"]["pullRequest"])


def _one_of_a_list(label: str) -> str:
    """Return a label as one entry of the comma-separated list that `gh --label` takes."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([label])
    return line.getvalue()
