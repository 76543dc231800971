"""The scripted agent: takes the place of the Claude CLI and plays a scenario.

Started through the launcher that `samobot.sandbox.agent.scenario.install` writes. It takes the real CLI's flags (2.1.197),
reads the prompt from stdin, works on the session folder (`SAMOCODE_SESSION`, else the first `--add-dir`), and leaves
what the real one leaves: files, commits, stream-json on stdout, an exit code. What it was given is noted down in
`<scenario>.runs.jsonl`.

Standard library only, imported late where it is rarely needed, and without `typing`, which takes a tenth of a start:
tests and benchmarks start this hundreds of times.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time

from samobot.sandbox.agent.shell import Interrupted, Shell
from samobot.sandbox.agent.step_runner import StepRunner
from samobot.sandbox.agent.transcript import Stream, last, new_uuid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

# How many values a flag takes: 0, 1, "?" (one if the next argument is no flag), "*" (all arguments up to the next flag).
_FLAGS: dict[str, int | str] = {
    **dict.fromkeys(
        ("--allow-dangerously-skip-permissions", "--ax-screen-reader", "--bare", "--brief", "--chrome"), 0
    ),
    **dict.fromkeys(
        ("--continue", "--dangerously-skip-permissions", "--disable-slash-commands", "--fork-session"), 0
    ),
    **dict.fromkeys(("--exclude-dynamic-system-prompt-sections", "--ide", "--include-hook-events"), 0),
    **dict.fromkeys(("--include-partial-messages", "--no-chrome", "--no-session-persistence", "--print"), 0),
    **dict.fromkeys(("--replay-user-messages", "--safe-mode", "--strict-mcp-config", "--verbose"), 0),
    **dict.fromkeys(("--agent", "--agents", "--append-system-prompt", "--append-system-prompt-file"), 1),
    **dict.fromkeys(("--debug-file", "--effort", "--fallback-model", "--input-format", "--json-schema"), 1),
    **dict.fromkeys(
        (
            "--effort",
            "--fallback-model",
            "--max-budget-usd",
            "--max-turns",
            "--model",
            "--name",
            "--output-format",
        ),
        1,
    ),
    **dict.fromkeys(("--permission-mode", "--plugin-dir", "--plugin-url", "--session-id", "--settings"), 1),
    **dict.fromkeys(("--setting-sources", "--system-prompt", "--system-prompt-file"), 1),
    **dict.fromkeys(("--debug", "--from-pr", "--prompt-suggestions", "--resume"), "?"),
    **dict.fromkeys(("--add-dir", "--allowedTools", "--allowed-tools", "--betas", "--disallowedTools"), "*"),
    **dict.fromkeys(("--disallowed-tools", "--file", "--mcp-config", "--tools"), "*"),
}
_SHORT = {"-p": "--print", "-c": "--continue", "-d": "--debug", "-n": "--name", "-r": "--resume"}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


def main() -> NoReturn:
    """Run as the CLI: the first argument is the scenario's file, the others are the CLI's."""
    # As the CLI: an interrupt before the first request exits silently with code 0.
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(0))
    try:
        code = _main(sys.argv[1], sys.argv[2:])
    except CliRefusal as refused:
        print(refused, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    os._exit(code)


class CliRefusal(Exception):
    """The CLI would not start: one line for stderr."""


def _main(scenario_file: str, argv: list[str]) -> int:
    scenario = _load(scenario_file)
    if argv in (["--version"], ["-v"]):
        print(scenario.get("version", "2.1.197 (Claude Code)"))
        return 0
    if argv[:2] == ["auth", "status"]:
        logged_in = scenario.get("logged_in", True)
        method = "claude.ai" if logged_in else "none"
        print(
            json.dumps({"loggedIn": logged_in, "authMethod": method, "apiProvider": "firstParty"}, indent=2)
        )
        return 0 if logged_in else 1
    options, words = parse(argv)
    appended = _check(options)
    given = "" if sys.stdin.isatty() else sys.stdin.buffer.read().decode("utf-8", "replace")
    prompt = "\n".join([*words, given]).strip()
    if not prompt:
        raise CliRefusal(
            "Error: Input must be provided either through stdin or as a prompt argument when using --print"
        )
    return ScenarioRun(
        scenario_file, scenario, argv=argv, options=options, prompt=prompt, appended=appended
    ).run()


def parse(argv: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Split a command line into flags with their values and positional arguments, as the CLI does.

    Raises:
        Refused: A flag is unknown or has no value.
    """
    options: dict[str, list[str]] = {flag: [] for flag in _FLAGS}
    words: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += rest
            break
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        flag, equals, value = word.partition("=")
        flag = _SHORT.get(flag, flag)
        if flag not in _FLAGS:
            raise CliRefusal(f"error: unknown option '{word}'")
        arity = _FLAGS[flag]
        if equals:
            options[flag].append(value)
        elif arity == 0:
            options[flag].append("")
        elif arity == 1:
            if not rest:
                raise CliRefusal(f"error: option '{flag} <value>' argument missing")
            options[flag].append(rest.pop(0))
        else:
            while rest and not rest[0].startswith("-"):
                options[flag].append(rest.pop(0))
                if arity == "?":
                    break
    return options, words


def _check(options: dict[str, list[str]]) -> str:
    """Refuse what the CLI refuses; return the text to append to the system prompt."""
    if not options["--print"]:
        raise CliRefusal("Error: the scripted agent has no interactive mode; use -p.")
    if last(options["--output-format"]) != "stream-json":
        raise CliRefusal("Error: the scripted agent speaks only --output-format stream-json.")
    if not options["--verbose"]:
        raise CliRefusal("Error: When using --print, --output-format=stream-json requires --verbose")
    session_id = last(options["--session-id"])
    if session_id is not None and not _UUID.match(session_id):
        raise CliRefusal("Error: Invalid session ID. Must be a valid UUID.")
    settings = last(options["--settings"])
    if settings is not None and not settings.lstrip().startswith("{") and not os.path.isfile(settings):
        raise CliRefusal(f"Error: Settings file not found: {settings}")
    appended = list(options["--append-system-prompt"])
    for path in options["--append-system-prompt-file"]:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                appended.append(file.read())
        except OSError:
            raise CliRefusal(f"Error: Append system prompt file not found: {path}") from None
    return "\n\n".join(appended)


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            scenario = json.load(file)
    except (OSError, ValueError) as error:
        raise CliRefusal(f"The scenario {path} cannot be read: {error}") from None
    if not isinstance(scenario, dict):
        raise CliRefusal(f"The scenario {path} is not a JSON object")
    return scenario


class ScenarioRun:
    """One run: which iteration it is, its steps, its end."""

    def __init__(
        self,
        file: str,
        scenario: dict[str, Any],
        *,
        argv: list[str],
        options: dict[str, list[str]],
        prompt: str,
        appended: str,
    ) -> None:
        self._file = file
        self._scenario = scenario
        self._argv = argv
        self._options = options
        self._prompt = prompt
        self._appended = appended
        folder = os.environ.get("SAMOCODE_SESSION") or (options["--add-dir"] or [""])[0]
        self._session = os.path.abspath(folder) if folder else ""
        self._name = re.sub(r"^\d\d-\d\d-\d\d-", "", os.path.basename(self._session))
        self._agent = last(options["--agent"])
        self._phase = re.sub(r"-agent$", "", (self._agent or "").rpartition(":")[2])
        self._session_id = last(options["--session-id"]) or last(options["--resume"]) or new_uuid()

    def run(self) -> int:
        """Play this run's iteration and return the exit code."""
        iterations = self._iterations()
        n, iteration = self._count()
        self._note(
            event="start", argv=self._argv, agent=self._agent, appended=self._appended, prompt=self._prompt,
            cwd=os.getcwd(), env={k: v for k, v in os.environ.items() if k.startswith("SAMO")},
            env_names=sorted(os.environ), n=n,
        )  # fmt: skip
        stream = Stream(self._session_id)
        stream.usd = float(self._scenario.get("cost_usd", 0.1))
        if n > len(iterations) and self._scenario.get("on_exhausted") == "fail":
            steps = [
                {"do": "fail", "kind": "execution", "text": f"The scenario has no {self._phase} run {n}"}
            ]
        else:
            steps = iterations[min(n, len(iterations)) - 1]
        shell = Shell(self._note)
        moves = StepRunner(
            stream,
            shell,
            session=self._session,
            facts={
                "phase": self._phase, "run": str(n), "iteration": str(iteration), "session_name": self._name,
                "stamp": time.strftime("%m-%d-%H:%M"),
                "prompt": self._prompt, "context": self._appended,
            },
        )  # fmt: skip
        signal.signal(signal.SIGINT, shell.interrupt)
        code = self._play(stream, shell, moves, steps)
        self._note(event="end", exit_code=code)
        return code

    def _play(self, stream: Stream, shell: Shell, moves: StepRunner, steps: list[dict[str, Any]]) -> int:
        pace = float(self._scenario.get("pace", 0))
        try:
            if not steps or (steps[0].get("do"), steps[0].get("at")) != ("hang", "start"):
                stream.init(os.getcwd(), self._options)
            for step in steps:
                code = moves.play(step)
                if code is not None:
                    return code
                if pace:
                    time.sleep(pace)
            if not stream.finished and not moves.no_result:
                stream.result()
        except Interrupted:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough
            shell.end()
            if not stream.started or stream.finished:
                return 0
            stream.result(
                "error_during_execution",
                is_error=True,
                errors=("Error: Request was aborted.",),
                stop_reason=None,
                terminal="aborted_tools",
            )
            return 1
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return 0

    def _iterations(self) -> list[list[dict[str, Any]]]:
        of_session = self._scenario.get("sessions", {}).get(self._name, {})
        of_all = self._scenario.get("phases", {})
        for table in (of_session, of_all):
            for key in (self._phase, "*"):
                if table.get(key):
                    iterations: list[list[dict[str, Any]]] = table[key]
                    return iterations
        known = ", ".join(f"{phase}-agent" for phase in {**of_all, **of_session}) or "none"
        raise CliRefusal(f"--agent '{self._agent}' not found. Available agents: {known}")

    def _count(self) -> tuple[int, int]:
        """Count this run: its number in its phase and in its session. Runs of several sessions may race."""
        import fcntl

        state = f"{self._file}.state"
        os.makedirs(state, exist_ok=True)
        if self._options["--session-id"]:
            try:
                os.close(os.open(f"{state}/{self._session_id}", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                raise CliRefusal(f"Error: Session ID {self._session_id} is already in use.") from None
        with open(f"{state}/counts.json", "a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            counts = json.loads(file.read() or "{}")
            of_session = counts.setdefault(self._session, {})
            of_session[self._phase] = of_session.get(self._phase, 0) + 1
            file.truncate(0)
            file.write(json.dumps(counts))
            file.flush()
            return of_session[self._phase], sum(of_session.values())

    def _note(self, **fields: Any) -> None:
        """Note something down about this run: one write, so that runs side by side do not mix."""
        record = {
            "at": time.time(),
            "pid": os.getpid(),
            "session": self._session,
            "phase": self._phase,
            **fields,
        }
        line = json.dumps(record).encode("ascii") + b"\n"
        fd = os.open(f"{self._file}.runs.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(fd, line)
        os.close(fd)
