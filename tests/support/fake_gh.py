"""A `gh` on a PATH of a test's own: a forge whose state is a file, over a bare repository.

It takes exactly the calls that samobot makes and refuses every other argument, as cobra does. What it prints has the
fields and values of gh 2.x (`gh pr list --json`).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.forge_script import ForgeScript

SCRIPT = """
PARENT = os.getppid()  # before anything is on disk that shows whoever waits for it that it may be killed
FIELDS = ("number,url,title,state,isDraft,headRefOid,headRefName,baseRefName,isCrossRepository,"
          "mergeable,mergeStateStatus,reviewDecision,statusCheckRollup").split(",")


def git(*arguments, **more):
    done = subprocess.run(["git", "--git-dir", BARE, "-c", "user.name=gh", "-c", "user.email=gh@x", *arguments],
                          capture_output=True, text=True, **more)
    return done.stdout.strip() if done.returncode == 0 else None


def fail(words, code=1):
    print(words, file=sys.stderr)
    sys.exit(code)


def options(arguments, flags=(), values=()):
    found, rest = {}, []
    arguments = list(arguments)
    while arguments:
        each = arguments.pop(0)
        if each in flags:
            found[each] = True
        elif each in values:
            found[each] = arguments.pop(0)
        elif each.startswith("-"):
            fail("unknown flag: " + each)
        else:
            rest.append(each)
    return found, rest


def refresh(pr):
    if pr["state"] == "OPEN":
        pr["headRefOid"] = git("rev-parse", "refs/heads/" + pr["headRefName"]) or pr["headRefOid"]
        pr["statusCheckRollup"] = forge["checks"].get(pr["headRefOid"], [])
    return pr


lock = open(str(STATE) + ".lock", "w")  # the bot runs it several times at once
fcntl.flock(lock, fcntl.LOCK_EX)
forge = json.loads(STATE.read_text())
forge["calls"].append(sys.argv[1:])
STATE.write_text(json.dumps(forge))
if os.path.exists(".git"):
    fail("run inside a repository")
if forge["hang"]:
    lock.close()
    time.sleep(600)
if not forge["logged_in"]:
    fail("To get started with GitHub CLI, please run:  gh auth login", 4)
command, arguments = sys.argv[1:3], sys.argv[3:]
if command == ["pr", "list"] and "--search" in arguments:
    found, rest = options(arguments, values=("--repo", "--search", "--state", "--limit", "--json"))
    assert not rest and found["--repo"] == REPO and found["--search"] == "review-requested:@me", sys.argv
    assert found["--state"] == "open" and found["--json"] == "number,title,body,author,url,headRefOid", sys.argv
    print(json.dumps(forge.get("reviews", [])))
elif command == ["pr", "list"]:
    found, rest = options(arguments, values=("--repo", "--head", "--state", "--limit", "--json"))
    assert not rest and found["--repo"] == REPO and found["--state"] == "all", sys.argv
    assert set(found["--json"].split(",")) == set(FIELDS), found["--json"]
    listed = [refresh(pr) for pr in forge["prs"] if pr["headRefName"] == found["--head"]]
    print(json.dumps([pr | {"statusCheckRollup": pr["statusCheckRollup"][:100]} for pr in listed]))
elif command == ["pr", "diff"]:
    found, rest = options(arguments, values=("--repo",))
    assert found["--repo"] == REPO and len(rest) == 1, sys.argv
    print("diff --git a/x b/x")
elif command == ["issue", "list"]:
    found, rest = options(arguments, values=("--repo", "--label", "--state", "--limit", "--json"))
    assert not rest and found["--repo"] == REPO and found["--state"] == "open" and found["--limit"] == "100", sys.argv
    assert found["--json"] == "number,title,body,author,url", sys.argv
    print(json.dumps([issue for issue in forge.get("issues", []) if found["--label"] in issue["labels"]]))
elif command == ["pr", "create"]:
    found, rest = options(arguments, ("--draft",), ("--repo", "--head", "--base", "--title", "--body-file"))
    assert not rest and found["--repo"] == REPO and found["--body-file"] == "-", sys.argv
    head = git("rev-parse", "refs/heads/" + found["--head"])
    if head is None:
        fail("pull request create failed: GraphQL: Head sha can't be blank (createPullRequest)")
    number = 12 + len(forge["prs"])
    forge["prs"].append(dict(
        number=number, url=f"https://github.com/ann/demo/pull/{number}", title=found["--title"], state="OPEN",
        isDraft="--draft" in found, headRefOid=head, headRefName=found["--head"], baseRefName=found["--base"],
        isCrossRepository=False, mergeable="MERGEABLE", mergeStateStatus="CLEAN", reviewDecision="",
        statusCheckRollup=[], body=sys.stdin.read(), comments=forge.get("comments", [])))
    STATE.write_text(json.dumps(forge))
    print(forge["prs"][-1]["url"])
elif command == ["pr", "merge"]:
    found, rest = options(arguments, ("--squash", "--merge"), ("--repo", "--match-head-commit"))
    assert found["--repo"] == REPO, sys.argv
    (pr,) = [refresh(pr) for pr in forge["prs"] if pr["number"] == int(rest[0])]
    if forge.get("late"):  # somebody pushes between the last look and the merge
        git("update-ref", "refs/heads/" + pr["headRefName"], forge["late"])
        refresh(pr)
    if forge["queue"]:  # `gh` enables auto-merge there, which later heads would profit from
        fail("GraphQL: Auto merge is not allowed for this repository (enablePullRequestAutoMerge)")
    if pr["headRefOid"] != found["--match-head-commit"]:
        fail("GraphQL: Head branch was modified. Review and try the merge again. (mergePullRequest)")
    forge["merges"].append(pr["headRefOid"])
    base = git("rev-parse", "refs/heads/" + pr["baseRefName"])
    parents = ["-p", base] + ([] if "--squash" in found else ["-p", pr["headRefOid"]])
    commit = git("commit-tree", *parents, "-m", pr["title"], pr["headRefOid"] + "^{tree}")
    git("update-ref", "refs/heads/" + pr["baseRefName"], commit, base)
    pr["state"] = "MERGED"
    STATE.write_text(json.dumps(forge))
    if forge.get("linger"):  # until whoever runs it is killed
        lock.close()
        time.sleep(2)
        while os.getppid() == PARENT:
            time.sleep(0.05)
elif command == ["pr", "ready"]:
    found, (number,) = options(arguments, values=("--repo",))
    assert found["--repo"] == REPO, sys.argv
    (pr,) = [pr for pr in forge["prs"] if pr["number"] == int(number)]
    pr["isDraft"] = False
    STATE.write_text(json.dumps(forge))
elif command == ["pr", "view"]:
    found, rest = options(arguments, values=("--repo", "--json"))
    assert found["--repo"] == REPO, sys.argv
    (pr,) = [refresh(pr) for pr in forge["prs"] if pr["number"] == int(rest[0])]
    if set(found["--json"].split(",")) == set(FIELDS):
        print(json.dumps(pr))
        sys.exit()
    assert found["--json"] == "comments,reviews", sys.argv
    (pr,) = [pr for pr in forge["prs"] if pr["number"] == int(rest[0])]
    print(json.dumps({"comments": pr.get("comments", []), "reviews": pr.get("reviews", [])}))
elif command == ["api", "graphql"]:
    host, owner, name = REPO.split("/")
    given = [arguments[at + 1].split("=", 1) for at, each in enumerate(arguments) if each in ("-f", "-F")]
    sent = dict(given)
    assert arguments[:2] == ["--hostname", host] and len(given) == len(sent) == (len(arguments) - 2) / 2, sys.argv
    query = sent.pop("query")
    if "enqueuePullRequest(input: {pullRequestId: $id, expectedHeadOid: $head})" in query:
        (pr,) = [refresh(pr) for pr in forge["prs"] if sent["id"] == "PR_" + str(pr["number"])]
        if forge.get("late"):
            git("update-ref", "refs/heads/" + pr["headRefName"], forge["late"])
            refresh(pr)
        if pr["headRefOid"] != sent["head"]:
            fail("gh: Head branch was modified. Review and try the merge again.")
        forge["merges"].append(pr["headRefOid"])
        STATE.write_text(json.dumps(forge))
        print(json.dumps({"data": {"enqueuePullRequest": {"mergeQueueEntry": {"position": 1}}}}))
    elif "itemTypes: [REMOVED_FROM_MERGE_QUEUE_EVENT]" in query:
        if forge["queue"] is None:
            fail("gh: Field 'isInMergeQueue' doesn't exist on type 'PullRequest'")
        removals = forge.get("removals", [])
        queue = {"isInMergeQueue": bool(forge["queue"] and forge["merges"] and not removals),
                  "timelineItems": {"nodes": removals}}
        print(json.dumps({"data": {"repository": {"pullRequest": queue}}}))
    else:
        assert "{ id isMergeQueueEnabled }" in query and sent["owner"] == owner and sent["name"] == name, sys.argv
        if forge["queue"] is None:
            fail("gh: Field 'isMergeQueueEnabled' doesn't exist on type 'PullRequest'")
        request = {"id": "PR_" + sent["number"], "isMergeQueueEnabled": forge["queue"]}
        print(json.dumps({"data": {"repository": {"pullRequest": request}}}))
elif command[0] == "api" and arguments[-1].endswith("/logs"):
    found, (path,) = options(sys.argv[2:], (), ("--hostname",))
    job = path.removeprefix(f"repos/{REPO.partition('/')[2]}/actions/jobs/").removesuffix("/logs")
    if job not in forge.get("job_logs", {}):
        fail("gh: Not Found (HTTP 404)")
    print(forge["job_logs"][job])
elif command[0] == "api":
    found, (path,) = options(sys.argv[2:], ("--paginate",), ("--hostname",))
    host, _, name = REPO.partition("/")
    number = path.removeprefix(f"repos/{name}/pulls/").removesuffix("/comments?per_page=100")
    assert found["--hostname"] == host and found["--paginate"], sys.argv
    (pr,) = [pr for pr in forge["prs"] if pr["number"] == int(number)]
    for page in pr.get("line_comments", []) or [[]]:
        print(json.dumps(page), end="")
elif command == ["run", "view"]:
    found, rest = options(arguments, ("--log-failed",), ("--repo", "--job"))
    assert not rest and found["--repo"] == REPO and found["--log-failed"], sys.argv
    log = forge.get("logs", {}).get(found["--job"])
    if log is None:
        fail("run 1 is still in progress; logs will be available when it is complete")
    print(log)
else:
    fail("unknown command " + " ".join(command))
"""

GREEN = {"__typename": "CheckRun", "name": "test", "status": "COMPLETED", "conclusion": "SUCCESS", "detailsUrl": "",
         "workflowName": "ci"}  # fmt: skip
RED = {**GREEN, "name": "lint", "conclusion": "FAILURE"}
RUNNING = {**GREEN, "name": "slow", "status": "IN_PROGRESS", "conclusion": ""}
STATUS = {"__typename": "StatusContext", "context": "deploy", "state": "SUCCESS", "targetUrl": ""}


@dataclass
class FakeForge:
    """What the fake `gh` keeps.

    Attributes:
        state: Its file.
        script: What the tool does.
        requests: Under which name it keeps the pull requests.
    """

    state: Path
    script: ForgeScript
    requests: str = "prs"

    @property
    def folder(self) -> Path:
        """The folder to put on the PATH."""
        return self.script.program.parent

    def read(self) -> dict[str, Any]:
        """Everything it keeps."""
        with self._locked():
            return self._read()

    def change(self, **values: Any) -> None:
        """Change the forge: `logged_in`, `hang`, `queue`, `late`, `linger`, `logs`, `job_logs`, `removals`, and the `comments` of the next request."""
        with self._locked():
            self.state.write_text(json.dumps(self._read() | values))

    def change_request(self, **values: Any) -> None:
        """Change its newest pull request."""
        with self._locked():
            found = self._read()
            found[self.requests][-1] |= values
            self.state.write_text(json.dumps(found))

    def report(self, commit: str, *checks: dict[str, Any], comments: tuple[Any, ...] = ()) -> None:
        """Report checks of a commit, and comments on the newest pull request, all at once."""
        with self._locked():
            found = self._read()
            found["checks"][commit] = list(checks)
            if comments:
                found["prs"][-1]["comments"] = list(comments)
            self.state.write_text(json.dumps(found))

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.state.read_text())
        return found

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep the tool from running meanwhile."""
        with open(f"{self.state}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def put_gh(root: Path, bare: Path, repository: str = "github.com/ann/demo") -> FakeForge:
    """Make a `gh` for one repository."""
    folder = root / "forge-bin"
    folder.mkdir()
    state = root / "forge.json"
    state.write_text(
        json.dumps(
            {
                "prs": [],
                "checks": {},
                "calls": [],
                "merges": [],
                "logged_in": True,
                "hang": False,
                "queue": False,
            }
        )
    )
    settings = {"STATE": f"Path({str(state)!r})", "BARE": repr(str(bare)), "REPO": repr(repository)}
    script = ForgeScript(SCRIPT, settings, folder / "gh")
    script.install()
    return FakeForge(state, script)
