"""Stop hook: send an iteration back that would end without a valid `_signal.json`.

Stand-alone, standard library only, any Python 3.9: it runs beside the CLI, where samobot may not be importable.
The iteration is described by environment variables that samobot sets (`samobot.worker.prompt.hook_environment`);
without `SAMOCODE_SIGNAL` it does nothing. What it cannot judge it lets pass: the worker reads the file again
afterwards, and its word is final.

Input and output are the CLI's: a JSON object on stdin; `{"decision": "block", "reason": …}` on stdout to continue.
"""

import json
import os
import sys

MOST_BLOCKS = 3
"""How often one iteration is sent back. A model that has not understood by then costs money for nothing."""

MOST_BYTES = 1_000_000
PHASES = ("investigation", "requirements", "planning", "implementation", "testing", "quality", "done")
WAITS = ("qa_answers", "plan_approval", "human_action", "file_update")


def main() -> int:
    """Read the hook's input, look at the signal, and say whether the iteration may end."""
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
    wrong = problem(path, phase, statuses, targets)
    counter = os.path.join(os.path.dirname(path), "_logs", ".sent-back")
    if wrong is None or not may_block(event, counter):
        forget(counter)
        return 0
    json.dump({"decision": "block", "reason": reason(wrong, path, phase, statuses, targets)}, sys.stdout)
    return 0


def problem(path: str, phase: str, statuses: list[str], targets: list[str]) -> "str | None":
    """Say in one sentence what is wrong with the signal, or None.

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
    for key in ("summary", "reason", "needs"):
        if not isinstance(said.get(key, ""), str):
            return f"`{key}` has to be a string."
    if status == "blocked" and not (said.get("reason") or said.get("needs")):
        return "`blocked` needs `reason` and `needs`: what is wrong, and what would help."
    return None


def once(pairs: "list[tuple[str, object]]") -> "dict[str, object]":
    """Make an object of its pairs, each key of which may be there only once.

    Raises:
        ValueError: One is there twice.
    """
    found: dict[str, object] = {}
    for key, value in pairs:
        if key.strip().lower() in found:
            raise ValueError(f"{json.dumps(key)} is there twice")
        found[key.strip().lower()] = value
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
    """Count this block; False once there were enough of them in this run of the CLI."""
    run = str(event.get("session_id", ""))
    count = 0
    if event.get("stop_hook_active"):
        try:
            with open(counter, encoding="utf-8") as file:
                known, _, number = file.read(200).partition(" ")
            count = int(number) if known == run else 0
        except (OSError, ValueError):
            # Sent back before, and no count to be had: once has to be enough.
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
    """Remove the count; another run begins at none."""
    try:
        os.unlink(counter)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
