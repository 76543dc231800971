"""GitLab through `glab api`. Fields and states are those of GitLab's REST API, version 4 (merge requests, commit
statuses, discussions, job traces, issues), documented at docs.gitlab.com/api."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

from samobot.fleet.forge import (
    CheckState,
    CheckView,
    CommentView,
    ForgeError,
    PullRequestState,
    PullRequestView,
    QueueRemoval,
    QueueView,
    WorkItem,
    reading,
)
from samobot.fleet.forge_tool import read_json, read_json_pages, run_tool

_STATES = {
    "opened": PullRequestState.OPEN,
    "locked": PullRequestState.OPEN,  # while it is being merged
    "merged": PullRequestState.MERGED,
    "closed": PullRequestState.CLOSED,
}
_GREEN = frozenset({"success", "skipped"})
_PENDING = frozenset(
    {"created", "waiting_for_resource", "preparing", "pending", "running", "scheduled", "manual"}
)
_OBSTACLES = {
    "not_approved": "waits for a review.",
    "requested_changes": "has a review that asks for changes.",
    "conflict": "conflicts with its base branch.",
    "need_rebase": "has to be brought up to date first.",
    "discussions_not_resolved": "has discussions that are not resolved.",
}
_DRAFT = "draft_status"
_DRAFT_TITLE = re.compile(r"(?:\s*(?:draft:|\[draft\]|\(draft\)))+\s*", re.IGNORECASE)
_NEWEST = 20
_REMOVED = re.compile(
    r"(?:removed|aborted) this merge request from the merge train(?: because (?P<reason>.*))?", re.DOTALL
)
_JOB = re.compile(r"https?://[^/]+/.+/-/jobs/(\d+)\b")


class GitLab:
    """One project at a GitLab server.

    Args:
        host: `gitlab.com`, or the server's name.
        path: `group/name`, with as many groups as there are.
    """

    def __init__(self, host: str, path: str) -> None:
        self._host = host
        self._project = f"projects/{quote(path, safe='')}"

    def find(self, branch: str) -> PullRequestView | None:
        """Return the newest merge request of a branch; see `Forge.find`."""
        listing = self._get(
            "merge_requests", source_branch=branch, state="all", order_by="created_at", per_page=_NEWEST
        )
        with reading("glab", branch):
            own = [
                each
                for each in listing
                if each["source_project_id"] == each["project_id"] and each["source_branch"] == branch
            ]
            open_ones = [each for each in own if _STATES[each["state"]] is PullRequestState.OPEN]
            newest = max(open_ones or own, key=lambda each: int(each["iid"]), default=None)
            if newest is None:
                return None
            whole = self._get(f"merge_requests/{newest['iid']}")
            return _merge_request(whole, self._checks(whole))

    def open(self, branch: str, base: str, title: str, body: str, *, draft: bool) -> None:
        """Open a merge request; see `Forge.open`."""
        self._send(
            "POST",
            "merge_requests",
            source_branch=branch,
            target_branch=base,
            title=f"Draft: {title}" if draft else title,
            description=body,
        )

    def mark_ready(self, request: PullRequestView) -> None:
        """Take the draft's mark out of its title, which is what makes it one; see `Forge.mark_ready`."""
        title = _DRAFT_TITLE.sub("", request.title, count=1) if request.draft else request.title
        self._send("PUT", f"merge_requests/{request.number}", title=title or request.title)

    def merge(self, number: int, head: str, *, squash: bool) -> None:
        """Merge a merge request; GitLab compares its head with `sha`; see `Forge.merge`."""
        self._send("PUT", f"merge_requests/{number}/merge", sha=head, squash=squash)

    def comments(self, number: int) -> tuple[CommentView, ...]:
        """Return what was written about a merge request; see `Forge.comments`."""
        pages = read_json_pages(
            "glab", [*self._call(f"merge_requests/{number}/discussions", per_page=100), "--paginate"]
        )
        with reading("glab", f"comments of !{number}"):
            notes = [note for page in pages for discussion in page for note in discussion["notes"]]
            found = [(str(note["created_at"]), _comment(note)) for note in notes if not note["system"]]
        return tuple(comment for _, comment in sorted(found, key=lambda each: each[0]))

    def queue(self, number: int) -> QueueView:
        """Return what the merge train has done with a merge request, which GitLab only notes; see `Forge.queue`."""
        notes = self._get(f"merge_requests/{number}/notes", sort="desc", order_by="created_at", per_page=100)
        return _queue(notes, f"the merge train of !{number}")

    def check_log(self, check: CheckView) -> str:
        """Return the log of a failed job; see `Forge.check_log`."""
        job = _JOB.match(check.url)
        return "" if job is None else run_tool("glab", self._call(f"jobs/{job[1]}/trace"), keep_end=True)

    def labelled_issues(self, label: str) -> tuple[WorkItem, ...]:
        """Return the open issues with a label; see `Forge.labelled_issues`."""
        return _items("issue", self._get("issues", labels=label, state="opened", per_page=100))

    def review_requests(self) -> tuple[WorkItem, ...]:
        """Return the merge requests that wait for the user's review; see `Forge.review_requests`."""
        with reading("glab", "the user"):
            me = read_json("glab", ["api", "--hostname", self._host, "user"])["username"]
        listing = self._get("merge_requests", scope="all", state="opened", reviewer_username=me, per_page=100)
        return _items("review", listing)

    def diff(self, number: int) -> str:
        """Return a merge request's changes; see `Forge.diff`."""
        return run_tool("glab", self._call(f"merge_requests/{number}/raw_diffs"))

    def _checks(self, request: dict[str, Any]) -> tuple[CheckView, ...]:
        commit = quote(str(request["sha"]), safe="")
        pages = read_json_pages(
            "glab", [*self._call(f"repository/commits/{commit}/statuses", per_page=100), "--paginate"]
        )
        return tuple(_check(each) for page in pages for each in page)

    def _get(self, path: str, **query: object) -> Any:
        return read_json("glab", self._call(path, **query))

    def _send(self, method: str, path: str, **values: object) -> None:
        flags = ["--method", method, "--header", "Content-Type: application/json", "--input", "-"]
        try:
            run_tool("glab", [*self._call(path), *flags], text=json.dumps(values))
        except ForgeError as failure:
            if "cannot unmarshal" in failure.message:  # several reasons, as a list or by field
                raise ForgeError("GitLab refused it, for reasons that glab cannot show.") from failure
            raise

    def _call(self, path: str, **query: object) -> list[str]:
        text = f"?{urlencode(query)}" if query else ""
        return ["api", "--hostname", self._host, f"{self._project}/{path}{text}"]


def _merge_request(values: dict[str, Any], checks: tuple[CheckView, ...]) -> PullRequestView:
    status = values["detailed_merge_status"]
    ready = status in ("mergeable", _DRAFT)  # a draft has a field of its own
    reason = _OBSTACLES.get(status, f"cannot be merged now ({_plain_words(status)}).")
    return PullRequestView(
        number=values["iid"],
        url=values["web_url"],
        title=values["title"],
        state=_STATES[values["state"]],
        draft=values["draft"],
        head=values["sha"],
        base=values["target_branch"],
        checks=checks,
        obstacle="" if ready else f"!{values['iid']} {reason}",
    )


def _plain_words(status: object) -> str:
    return str(status).replace("_", " ")


def _check(values: dict[str, Any]) -> CheckView:
    """A job or an external status; what is not known to be green is not green, unless it is allowed to fail."""
    status = values["status"]
    if status in _GREEN or (status in ("failed", "canceled", "manual") and values["allow_failure"]):
        state = CheckState.GREEN
    else:
        state = CheckState.PENDING if status in _PENDING else CheckState.RED
    return CheckView(name=str(values["name"]), state=state, url=str(values["target_url"] or ""))


def _comment(note: dict[str, Any]) -> CommentView:
    position = note.get("position") or {}
    return CommentView(
        id=f"note-{note['id']}",
        author=_login(note["author"]),
        text=note["body"],
        path=position.get("new_path") or position.get("old_path") or "",
        line=position.get("new_line") or position.get("old_line"),
    )


def _queue(notes: Any, about: str) -> QueueView:
    waiting, removals = False, []
    with reading("glab", about):
        for note in sorted(notes, key=lambda each: int(each["id"])):
            removed = _REMOVED.match(note["body"]) if note["system"] else None
            if removed is not None:
                reason, by = removed["reason"] or "", _login(note["author"])
                removals.append(QueueRemoval(id=f"note-{note['id']}", reason=reason, by=by))
            if note["system"] and "merge train" in note["body"]:
                waiting = removed is None
    return QueueView(waiting=waiting, removals=tuple(removals))


def _items(kind: str, listing: Any) -> tuple[WorkItem, ...]:
    with reading("glab"):
        return tuple(
            WorkItem(
                id=f"{kind}-{each['iid']}" + (f"-{each['sha'][:9]}" if kind == "review" else ""),
                number=each["iid"],
                title=each["title"],
                text=each["description"] or "",
                author=_login(each["author"]),
                url=each["web_url"],
            )
            for each in listing
        )


def _login(author: dict[str, Any] | None) -> str:
    return str((author or {}).get("username") or "ghost")
