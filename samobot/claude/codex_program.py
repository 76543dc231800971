"""The call of one iteration of the Codex CLI, and the checks that it can be made.

Measured on Codex CLI 0.171.0: `codex exec --json` reads the prompt on stdin; `developer_instructions` precede AGENTS.md;
its `workspace-write` sandbox keeps `.git` read-only, so that nothing could be committed; a project's own `.codex` folder
counts only if the user trusted it in Codex itself. It reads no plugin, so the role comes with the call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from samobot.claude.agent_program import IterationOrder
from samobot.claude.invocation import ITERATION_VARIABLE, Invocation, child_environment
from samobot.claude.mcp import ALL, NONE
from samobot.claude.outcome import Outcome
from samobot.claude.reaper import SESSION_VARIABLE
from samobot.claude.records import Tokens
from samobot.config.modes import PermissionMode
from samobot.config.settings import Settings
from samobot.config.token_price import TokenPrice
from samobot.errors import UsageError
from samobot.frozen import frozen
from samobot.session.provider import Provider
from samobot.session.search_path import find_program, own_environment
from samobot.system.commands import run_command

OLDEST = (0, 171, 0)
"""The oldest version that is accepted: the one that all of this was measured on."""

LACKS = (
    "reads no message while it works: guidance reaches the next iteration",
    "does not ask before single calls",
    "has no sub-agents: one agent does their part",
    "is not kept by hooks from ending without a signal: such an iteration is repeated with a reminder",
)
"""What it cannot do that Claude can, whatever is configured."""

_UNPRICED = "reports tokens but no price: its costs are in no budget"
_PRICED = "reports no cost: that is computed from its tokens with CODEX_PRICE, once an iteration has ended"

NO_CODEX_PRICE = (
    "Codex reports tokens but no cost, so no budget would bind it. Set CODEX_PRICE to US dollars for a million input, "
    "cached and output tokens (such as 1.25,0.125,10), or to “none” to let it work outside the budgets; or let Claude do "
    "this phase (provider: claude). Then retry."
)
"""Why Codex is not started in a session with a budget."""

_SECONDS = 30.0
_INSTALL = "Install it (npm install -g @openai/codex), or set CODEX_PATH to where it is."

# Set by a Codex for what it starts; a worker started from one must not pass them on. And Claude's logins.
_WITHHELD = (
    "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "CODEX_SESSION_ID", "CODEX_THREAD_ID",
)  # fmt: skip

_HEADER = re.compile(r"---\n.*?\n---\n", re.DOTALL)
_SKILL = re.compile(r"^Skill: `samocode:([\w-]+)`\.\n\n", re.MULTILINE)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")

_SECTION = re.compile(r"^## (.+)\n(?:(?!## ).*\n?)*", re.MULTILINE)
_NOT_FOR_CODEX = frozenset({"do2", "dop", "dop2", "Reviewers", "clarity-review", "Sub-agents"})
"""Sections about sub-agents, and about a command that no phase uses."""

_ADAPTED = """\
# Codex

You run in Codex. It has no Skill tool (the skill stands above), no sub-agents or reviewers (do their part yourself, one by
one), and no reminder of the signal (write it before your last message). Start no other agent program."""

_SKILL_ADAPTED = {
    "implementation": """\
`do2` is: design it twice, for the least change and for a year from now; choose by correctness, risks and size; note why
(Flow Log); then `do`. `dop` is `do`, `dop2` is `do2`.""",
    "quality": "Look at the diff from each side afresh, without the notes and the plan's reasons.",
}


@frozen
class CodexProgram:
    """The Codex CLI.

    Attributes:
        path: A name looked for on PATH, or a path.
        plugin: Folder of the samocode plugin, of which it gets the texts.
        free: Whether the user wants no call to be asked about or refused: else each call of Codex is refused.
        price: What its tokens cost; None if that is unknown.
    """

    path: str
    plugin: Path
    free: bool = True
    price: TokenPrice | None = None

    @classmethod
    def configured(cls, settings: Settings, plugin: Path) -> CodexProgram:
        """Make the program as the settings have it.

        Args:
            settings: The settings.
            plugin: Folder of the plug-in with the skills.
        """
        free = settings.cli_permission_mode is PermissionMode.BYPASS_PERMISSIONS
        price = settings.codex_price if isinstance(settings.codex_price, TokenPrice) else None
        return cls(settings.codex_path, plugin, free, price)

    @property
    def provider(self) -> Provider:
        """Codex."""
        return Provider.CODEX

    @property
    def lacks(self) -> tuple[str, ...]:
        """What it cannot do that Claude can."""
        return (*LACKS, _UNPRICED if self.price is None else _PRICED)

    def with_cost(self, outcome: Outcome) -> Outcome:
        """Return an outcome with the cost of the tokens that Codex reported, as far as both are known."""
        tokens = outcome.tokens
        if self.price is None or outcome.cost_usd is not None or tokens == Tokens():
            return outcome
        cost = self.price.cost(
            read=tokens.input + tokens.cache_write, cached=tokens.cache_read, written=tokens.output
        )
        return replace(outcome, cost_usd=cost)

    def call(self, order: IterationOrder) -> Invocation:
        """Build the call of an iteration.

        Raises:
            UsageError: There is no Codex, the user wants to be asked, or MCP servers cannot be denied to it.
        """
        self.require_free()
        env = child_environment(order.environ, _WITHHELD)
        argv = (
            find_codex(self.path, env),
            "exec",
            "--json",
            "--dangerously-bypass-approvals-and-sandbox",
            "--skip-git-repo-check",
            *(("--model", order.model) if order.model else ()),
            *(("--config", f"model_reasoning_effort={_toml(order.effort)}") if order.effort else ()),
            "--config",
            'project_doc_fallback_filenames=["CLAUDE.md"]',
            *_denied(order.mcp, env),
            "--config",
            f"developer_instructions={_toml(instructions(self.plugin, order.agent, order.contract))}",
            "-",
        )
        marks = {SESSION_VARIABLE: str(order.session_dir), ITERATION_VARIABLE: order.session_id}
        stdin = f"{order.facts.strip()}\n\n{order.prompt}\n".encode("utf-8", "replace")
        return Invocation(
            argv, order.cwd, env | marks, stdin, order.log, order.session_id, provider=Provider.CODEX
        )

    def check(self, environ: Mapping[str, str], *, login: bool) -> str:
        """Check that Codex can run, before anything is changed; returns its version.

        Args:
            environ: The environment it would get.
            login: Whether to check the login as well; a model provider of the user's own has a login of its own.

        Raises:
            UsageError: It cannot work; the message explains why and what to do.
        """
        self.require_free()
        env = child_environment(own_environment(environ), _WITHHELD)
        found = find_codex(self.path, env)
        version = re.search(r"\b(\d+)\.(\d+)\.(\d+)\b", _ask(found, env, "--version"))
        if version is None:
            raise UsageError(f"{found} does not seem to be a working Codex CLI. {_INSTALL}")
        if tuple(map(int, version.groups())) < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise UsageError(f"Codex at {found} is version {version[0]}, older than {oldest}: update it.")
        own = env.get("CODEX_API_KEY") or "model_provider" in _config(env)
        if login and not own and "Not logged in" in _ask(found, env, "login", "status"):
            raise UsageError(f"Codex is not logged in: run `{found} login`, or set CODEX_API_KEY.")
        return version[0]

    def require_free(self) -> None:
        """Refuse to work where the user wants to be asked.

        Raises:
            UsageError: With the remedy.
        """
        if not self.free:
            raise UsageError(
                "Codex neither asks before single calls nor keeps to a permission mode: set SAMOBOT_ASK=off and "
                "CLAUDE_PERMISSION_MODE=bypassPermissions, or use Claude (SAMOBOT_PROVIDER=claude)."
            )


def instructions(plugin: Path, agent: str, contract: str) -> str:
    """What a phase's agent is: its role, its skill, what is different in Codex, and the contract.

    Sections about what Codex does not have are left out.

    Args:
        plugin: Folder of the plugin.
        agent: Name of the agent.
        contract: What each iteration has to keep to.
    """
    role = _body(plugin / "agents" / f"{agent}.md")
    skill = _SKILL.search(role)
    assert skill is not None, f"{agent} names its skill"
    name = skill[1]
    role = role.replace(skill[0], "")
    parts = (role, _body(plugin / "skills" / name / "SKILL.md"), _ADAPTED, _SKILL_ADAPTED[name], contract)
    return "\n\n".join(_SECTION.sub(_if_for_codex, part).strip() for part in parts)


def _if_for_codex(section: re.Match[str]) -> str:
    return "" if section[1] in _NOT_FOR_CODEX else section[0]


def _body(file: Path) -> str:
    return _HEADER.sub("", file.read_text(encoding="utf-8"), count=1).strip()


def _toml(text: str) -> str:
    """A text as a TOML string; JSON's differs only by the character DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _denied(choice: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Options that turn off the user's MCP servers that are not chosen, and what plugins and connectors would add."""
    if choice == ALL:
        return
    for feature in ("apps", "plugins"):
        yield from ("--config", f"features.{feature}=false")
    chosen = set() if choice == NONE else {part.strip() for part in choice.split(",")}
    servers = _config(environ).get("mcp_servers")
    for name in servers if isinstance(servers, dict) else ():
        if name in chosen:
            continue
        if _PLAIN_NAME.fullmatch(name) is None:
            raise UsageError(
                f"SAMOBOT_MCP={choice} cannot keep Codex from its MCP server “{name}”: rename it in "
                f"{config_file(environ)} with letters, digits, - and _ only, or set SAMOBOT_MCP=all."
            )
        yield from ("--config", f"mcp_servers.{name}.enabled=false")


def codex_home(environ: Mapping[str, str]) -> Path:
    """The folder of Codex's settings, login and records."""
    named = environ.get("CODEX_HOME")
    return Path(named) if named else Path(environ.get("HOME") or Path.home()) / ".codex"


def config_file(environ: Mapping[str, str]) -> Path:
    """The user's settings of Codex."""
    return codex_home(environ) / "config.toml"


def _config(environ: Mapping[str, str]) -> Mapping[str, object]:
    # Here, for a worker without Codex, as most are, is to start without it.
    import tomllib

    try:
        return tomllib.loads(config_file(environ).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # one that Codex cannot read either ends the iteration with its own message


def base_url(environ: Mapping[str, str]) -> str | None:
    """The address of the model provider that the user's settings choose; None for OpenAI's own."""
    config = _config(environ)
    providers = config.get("model_providers")
    chosen = providers.get(config.get("model_provider")) if isinstance(providers, dict) else None
    url = chosen.get("base_url") if isinstance(chosen, dict) else None
    return url if isinstance(url, str) else None


def find_codex(path: str, environ: Mapping[str, str]) -> str:
    """Resolve `CODEX_PATH` to an absolute path.

    Raises:
        UsageError: There is no such program.
    """
    found = find_program(path, environ)
    if found is None:
        raise UsageError(f"There is no Codex CLI named “{path}” outside of the projects' folders. {_INSTALL}")
    return found


def _ask(path: str, env: Mapping[str, str], *args: str) -> str:
    try:
        done = run_command([path, *args], seconds=_SECONDS, environ=env)
    except TimeoutError:
        return ""
    except OSError as error:
        raise UsageError(f"{path} cannot be started: {error.strerror}. {_INSTALL}") from error
    return done.out + done.err
