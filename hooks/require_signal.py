"""Stop hook: continue an iteration that would end without a valid `_signal.json`.

While sub-agents run in the background the turn may end: the CLI continues with their reports. A signal that was written
before the last of them had reported has to be confirmed once.

Stand-alone, standard library only, Python 3.9 or newer: samobot may not be importable beside the CLI. The iteration is
described by environment variables (`samobot.worker.prompt.hook_environment`); without `SAMOCODE_SIGNAL` the hook
does nothing. The worker parses the file again afterwards and decides.

Input and output are the CLI's: a JSON object on stdin; `{"decision": "block", "reason": …}` on stdout to continue.
"""

import difflib
import json
import os
import re
import sys

MOST_BLOCKS = 3
"""Limit of blocks per iteration: more turns only cost money."""

MOST_BYTES = 1_000_000
PHASES = ("investigation", "requirements", "planning", "implementation", "testing", "quality", "done")
KEYS = ("status", "phase", "summary", "reason", "needs", "for", "plan", "tests", "lacks")
ALIASES = {
    "phase": ("nextphase", "targetphase", "newphase", "tophase", "phasenext", "phasename"),
    "status": ("state", "signalstatus"),
    "summary": ("summery", "message", "description", "whatwasdone"),
    "reason": ("blockedreason", "blockreason", "waitingreason", "why", "cause"),
    "needs": ("need", "needed", "needsfromuser", "requires", "required", "whatisneeded"),
    "for": ("waitingfor", "waitfor", "waitsfor", "awaiting", "waitingon"),
    "plan": ("planfile", "planpath", "planname"),
    "tests": ("test", "testresults", "testcounts", "testresult"),
}
"""Near misses that the worker understands: as in `samobot.session.signal_terms`."""

LACKS = ("strength", "environment")
WAITS = ("qa_answers", "plan_approval", "human_action", "file_update")


def main() -> int:
    """Read the hook's input, check the signal, and print whether the iteration may end."""
    path = os.environ.get("SAMOCODE_SIGNAL", "")
    if not path:
        return 0
    try:
        event = json.load(sys.stdin)
    except (ValueError, OSError):
        event = {}
    if not isinstance(event, dict):
        event = {}
    statuses = os.environ.get("SAMOCODE_STATUSES", "").split()
    targets = os.environ.get("SAMOCODE_TARGETS", "").split()
    phase = os.environ.get("SAMOCODE_PHASE", "")
    marks = place_for_marks(path)
    counter, waited = os.path.join(marks, ".sent-back"), os.path.join(marks, ".sub-agents")
    if agents_run(event):
        note(waited)
        return 0
    wrong = problem(path, phase, statuses, targets)
    if wrong is None and is_older(path, waited):
        wrong = (
            "Sub-agents reported after the signal was written. Take what they found into account, then write the signal "
            "again, even if nothing changes."
        )
    forget(waited)
    if wrong is None or not may_block(event, counter):
        forget(counter)
        return 0
    json.dump({"decision": "block", "reason": reason(wrong, path, phase, statuses, targets)}, sys.stdout)
    return 0


def place_for_marks(path: str) -> str:
    """Return where the hook notes what it has to know the next time: in the fence, which makes `_logs` read-only, its own /tmp."""
    logs = os.path.join(os.path.dirname(path), "_logs")
    return logs if os.access(logs, os.W_OK) else os.environ.get("TMPDIR", logs)


def agents_run(event: "dict[str, object]") -> bool:
    """Return whether a sub-agent runs in the background; a command such as a server does not count."""
    tasks = event.get("background_tasks")
    return isinstance(tasks, list) and any(
        isinstance(task, dict)
        and "agent" in str(task.get("type", "")).lower()
        and task.get("status") in ("running", "pending")
        for task in tasks[:1000]
    )


def note(path: str) -> None:
    """Note that sub-agents run now."""
    try:
        with open(path, "w", encoding="utf-8"):
            os.utime(path)
    except OSError:
        return


def is_older(path: str, other: str) -> bool:
    """Return whether both files exist and the first was written before the second."""
    try:
        return os.stat(path).st_mtime_ns < os.stat(other).st_mtime_ns
    except OSError:
        return False


def problem(path: str, phase: str, statuses: list[str], targets: list[str]) -> "str | None":
    """Return in one sentence what is wrong with the signal, or None.

    Args:
        path: Of the signal file.
        phase: The phase of the iteration; empty where it is not known, and nothing of it is checked then.
        statuses: What the phase may signal; empty: anything.
        targets: Phases it may hand over to.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return "There is no signal file."
    except OSError as error:
        return f"The signal file cannot be read: {error.strerror}."
    try:
        signal = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        return f"The signal file is not JSON: {error}."
    if not isinstance(signal, dict):
        return "The signal file has to hold one JSON object."
    unknown = [key for key in signal if key not in KEYS]
    if unknown:
        return f"{json.dumps(unknown[0][:80])} is not a key of a signal; the keys are {', '.join(KEYS)}."
    status = signal.get("status")
    if status not in (statuses or ["continue", "waiting", "blocked", "done"]):
        return f"`status` is {json.dumps(status)}, which this phase may not signal."
    said = {key: value for key, value in signal.items() if value is not None and value != ""}
    target = said.get("phase")
    allowed = [phase, *targets] if status == "continue" and phase else PHASES
    if target is not None and target not in allowed:
        return f"`phase` is {json.dumps(target)}; it may be {' or '.join(allowed)}."
    waits = said.get("for")
    if (waits is not None or status == "waiting") and waits not in WAITS:
        return f"`for` is {json.dumps(waits)}; it has to say what a person must do: {', '.join(WAITS)}."
    if said.get("lacks", LACKS[0]) not in LACKS:
        return f"`lacks` is {json.dumps(said['lacks'])}; it may be {' or '.join(LACKS)}, or be left out."
    for key in ("summary", "reason", "needs", "plan"):
        if not isinstance(said.get(key, ""), str):
            return f"`{key}` has to be a string."
    if "tests" in said and not counts(said["tests"]):
        return '`tests` has to be two numbers: {"passed": 12, "failed": 0}.'
    if status == "blocked" and not (said.get("reason") or said.get("needs")):
        return "`blocked` needs `reason` and `needs`: what is wrong, and what would help."
    return None


def counts(tests: object) -> bool:
    """Return whether `tests` is `{"passed": N, "failed": N}`."""
    if not isinstance(tests, dict) or set(tests) != {"passed", "failed"}:
        return False
    return all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in tests.values())


def meant_key(key: str) -> str:
    """Return the key that a written key stands for, as the worker does: `nextPhase` is `phase`."""
    name = key.strip().lower()
    plain = re.sub(r"[^a-z]", "", name[:80])
    for meant, aliases in ALIASES.items():
        if plain == meant or plain in aliases:
            return meant
    near = difflib.get_close_matches(plain, KEYS, n=1, cutoff=0.8) if len(plain) > 3 else []
    return near[0] if near else name


def once(pairs: "list[tuple[str, object]]") -> "dict[str, object]":
    """Make an object of its pairs, the keys as `meant_key` returns them.

    Raises:
        ValueError: A key occurs twice.
    """
    found: dict[str, object] = {}
    for key, value in pairs:
        name = meant_key(key)
        if name in found:
            raise ValueError(f"{json.dumps(name)} is there twice")
        found[name] = value
    return found


def reason(wrong: str, path: str, phase: str, statuses: list[str], targets: list[str]) -> str:
    """The message to the model: the fault, the exact form, and what this phase may send."""
    forms = {
        "continue": {"status": "continue", "phase": "PHASE", "summary": "what is now true"},
        "waiting": {"status": "waiting", "for": "FOR", "needs": "what to do", "summary": "what is now true"},
        "blocked": {
            "status": "blocked",
            "reason": "what is wrong",
            "needs": "what would help",
            "summary": "…",
        },
        "done": {"status": "done", "summary": "what exists now"},
    }
    lines = [wrong, f"Write {path} with one of these JSON objects, filled in truthfully, and then stop:"]
    lines += [
        json.dumps(forms[status], ensure_ascii=False) for status in statuses or forms if status in forms
    ]
    if phase:
        lines.append(
            "PHASE: " + " or ".join([phase, *targets]) + " (the current one while it has work left)."
        )
    if not statuses or "waiting" in statuses:
        lines.append("FOR: " + " or ".join(WAITS) + ".")
    lines.append("Do no other work now. If the piece of work is not finished, say so in the summary.")
    return "\n".join(lines)


def may_block(event: "dict[str, object]", counter: str) -> bool:
    """Count this block; False once the limit of this run of the CLI is reached."""
    run = str(event.get("session_id", ""))
    count = 0
    if event.get("stop_hook_active"):
        try:
            with open(counter, encoding="utf-8") as file:
                known, _, number = file.read(200).partition(" ")
            count = int(number) if known == run else 0
        except (OSError, ValueError):
            # Blocked before and the count cannot be read: once is enough.
            return False
    if count >= MOST_BLOCKS:
        return False
    try:
        with open(counter, "w", encoding="utf-8") as file:
            file.write(f"{run} {count + 1}")
    except OSError:
        return not event.get("stop_hook_active")
    return True


def forget(counter: str) -> None:
    """Remove the count."""
    try:
        os.unlink(counter)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
