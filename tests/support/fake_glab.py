"""A `glab` on a PATH of a test's own: a GitLab project whose state is a file, over a bare repository.

It takes exactly the calls that samobot makes and refuses every other argument, as cobra does. What it prints has the
fields and values of GitLab's REST API, version 4, which `glab api` passes on as they are.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.fake_gh import FakeForge
from tests.support.forge_script import ForgeScript

SCRIPT = """
from urllib.parse import parse_qs, urlsplit


def git(*arguments):
    done = subprocess.run(["git", "--git-dir", BARE, "-c", "user.name=glab", "-c", "user.email=glab@x", *arguments],
                          capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def fail(code, words):
    print(json.dumps({"message": f"{code} {words}"}))
    print(f"glab: {code} {words} (HTTP {code})", file=sys.stderr)
    sys.exit(0 if forge["old"] else 1)  # as glab 1.33 and 1.53


def refresh(mr):
    if mr["state"] == "opened":
        mr["sha"] = git("rev-parse", "refs/heads/" + mr["source_branch"]) or mr["sha"]
    return mr


lock = open(str(STATE) + ".lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
forge = json.loads(STATE.read_text())
forge["calls"].append(sys.argv[1:])
STATE.write_text(json.dumps(forge))
if os.path.exists(".git"):
    fail(0, "run inside a repository")
if forge["hang"]:
    lock.close()
    time.sleep(600)
arguments, flags, rest = sys.argv[1:], {}, []
if arguments.pop(0) != "api":
    fail(0, "unknown command")
while arguments:
    each = arguments.pop(0)
    if each == "--paginate":
        flags[each] = True
    elif each in ("--hostname", "--method", "--header", "--input"):
        flags[each] = arguments.pop(0)
    elif each.startswith("-"):
        print("Unknown flag: " + each, file=sys.stderr)
        sys.exit(1)
    else:
        rest.append(each)
(endpoint,) = rest
assert flags.pop("--hostname") == "gitlab.com", sys.argv
if not forge["logged_in"]:
    fail(401, "Unauthorized")
if endpoint == "user":
    print(json.dumps({"id": 7, "username": "ann"}))
    sys.exit()
address = urlsplit(endpoint)
query = {key: value[0] for key, value in parse_qs(address.query).items()}
method, pages = flags.pop("--method", "GET"), flags.pop("--paginate", False)
sent = json.loads(sys.stdin.read()) if flags.pop("--input", None) == "-" else None
assert flags == ({"--header": "Content-Type: application/json"} if sent is not None else {}), sys.argv
assert address.path.startswith(f"projects/{PROJECT}/"), address.path
match method, address.path.removeprefix(f"projects/{PROJECT}/").split("/"):
    case "GET", ["merge_requests"] if "source_branch" in query:
        assert query == {"source_branch": query["source_branch"], "state": "all", "order_by": "created_at",
                          "per_page": "20"}, query
        print(json.dumps([refresh(mr) for mr in forge["mrs"] if mr["source_branch"] == query["source_branch"]]))
    case "GET", ["merge_requests"]:
        assert query == {"scope": "all", "state": "opened", "reviewer_username": "ann", "per_page": "100"}, query
        print(json.dumps(forge["reviews"]))
    case "GET", ["issues"]:
        assert set(query) == {"labels", "state", "per_page"} and query["state"] == "opened", query
        print(json.dumps([each for each in forge["issues"] if query["labels"] in each["labels"]]))
    case "POST", ["merge_requests"]:
        assert set(sent) == {"source_branch", "target_branch", "title", "description"}, sent
        if any(mr["source_branch"] == sent["source_branch"] and mr["state"] == "opened" for mr in forge["mrs"]):
            # The message is a list here, which `glab` cannot read.
            print("json: cannot unmarshal array into Go struct field .Message of type string", file=sys.stderr)
            sys.exit(1)
        head = git("rev-parse", "refs/heads/" + sent["source_branch"])
        if head is None:
            fail(400, "source_branch does not exist")
        number = 12 + len(forge["mrs"])
        title = sent.pop("title")
        forge["mrs"].append(sent | dict(
            id=9000 + number, iid=number, project_id=5, source_project_id=5, target_project_id=5, state="opened",
            title=title, draft=title.startswith("Draft: "), sha=head, detailed_merge_status="mergeable",
            web_url=f"https://gitlab.com/group/sub/demo/-/merge_requests/{number}", author={"username": "ann"}))
        STATE.write_text(json.dumps(forge))
        print(json.dumps(forge["mrs"][-1]))
    case "GET", ["merge_requests", number]:
        (mr,) = [refresh(mr) for mr in forge["mrs"] if mr["iid"] == int(number)]
        print(json.dumps(mr))
    case "PUT", ["merge_requests", number]:
        assert set(sent) == {"title"}, sent
        (mr,) = [mr for mr in forge["mrs"] if mr["iid"] == int(number)]
        mr.update(title=sent["title"], draft=sent["title"].startswith("Draft: "))
        STATE.write_text(json.dumps(forge))
        print(json.dumps(mr))
    case "PUT", ["merge_requests", number, "merge"]:
        assert set(sent) == {"sha", "squash"}, sent
        (mr,) = [refresh(mr) for mr in forge["mrs"] if mr["iid"] == int(number)]
        if forge.get("late"):  # somebody pushes between the last look and the merge
            git("update-ref", "refs/heads/" + mr["source_branch"], forge["late"])
            refresh(mr)
        if mr["sha"] != sent["sha"]:
            fail(409, "SHA does not match HEAD of source branch: " + mr["sha"])
        if mr["detailed_merge_status"] != "mergeable" or mr["draft"]:
            fail(405, "405 Method Not Allowed")
        forge["merges"].append(mr["sha"])
        base = git("rev-parse", "refs/heads/" + mr["target_branch"])
        parents = ["-p", base] + ([] if sent["squash"] else ["-p", mr["sha"]])
        commit = git("commit-tree", *parents, "-m", mr["title"], mr["sha"] + "^{tree}")
        git("update-ref", "refs/heads/" + mr["target_branch"], commit, base)
        mr["state"] = "merged"
        STATE.write_text(json.dumps(forge))
        print(json.dumps(mr))
    case "GET", ["repository", "commits", commit, "statuses"]:
        assert pages and query == {"per_page": "100"}, sys.argv
        for each in forge["checks"].get(commit) or [None]:  # each on a page of its own
            print(json.dumps([each] if each else []), end="")
    case "GET", ["merge_requests", number, "discussions"]:
        assert pages and query == {"per_page": "100"}, sys.argv
        for page in forge["discussions"] or [[]]:
            print(json.dumps(page), end="")
    case "GET", ["merge_requests", number, "notes"]:
        assert query == {"sort": "desc", "order_by": "created_at", "per_page": "100"}, query
        print(json.dumps([note for page in forge["discussions"] for each in page for note in each["notes"]][::-1]))
    case "GET", ["merge_requests", number, "raw_diffs"]:
        print("diff --git a/x b/x")
    case "GET", ["jobs", job, "trace"]:
        if job not in forge["logs"]:
            fail(404, "Not Found")
        print(forge["logs"][job])
    case _:
        fail(404, "Not Found")
"""

SUCCESS = {
    "id": 1, "name": "test", "status": "success", "allow_failure": False,
    "target_url": "https://gitlab.com/group/sub/demo/-/jobs/1",
}  # fmt: skip
FAILED = {
    **SUCCESS,
    "name": "lint",
    "status": "failed",
    "target_url": "https://gitlab.com/group/sub/demo/-/jobs/2",
}


def put_glab(root: Path, bare: Path, path: str = "group/sub/demo") -> FakeForge:
    """Make a `glab` for one project at gitlab.com."""
    folder = root / "forge-bin"
    folder.mkdir()
    state = root / "forge.json"
    empty = {"mrs": [], "checks": {}, "calls": [], "merges": [], "issues": [], "reviews": [], "discussions": [],
             "logs": {}, "logged_in": True, "hang": False, "old": False}  # fmt: skip
    state.write_text(json.dumps(empty))
    project = path.replace("/", "%2F")
    settings = {"STATE": f"Path({str(state)!r})", "BARE": repr(str(bare)), "PROJECT": repr(project)}
    script = ForgeScript(SCRIPT, settings, folder / "glab")
    script.install()
    return FakeForge(state, script, requests="mrs")
