"""`samobot allow`, `deny`: verdicts on calls that an agent asked for, on disk before they are confirmed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from samobot.config.settings_loader import load_settings
from samobot.errors import NotFoundError, UsageError
from samobot.session.asks import read_asks
from samobot.session.decisions import DecisionKind, load_key
from samobot.session.folder import SessionFolder
from samobot.session.permissions import VERDICT_TEXTS, decide, withdraw
from samobot.terminal.actor import find, person_at
from samobot.terminal.decision_commands import next_step
from samobot.terminal.options import config_option, name_argument
from samobot.text import one_line, printable

_SHORTEST = 4
"""Characters of an id that name an ask."""


@click.command("allow")
@name_argument()
@click.argument("ask", required=False, metavar="ID")
@click.option("--for-session", is_flag=True, help="Allow the same again without asking, in this session.")
@click.option(
    "--withdraw", metavar="N|all", help="End a permission for the session, as `samobot status` numbers it."
)
@config_option
def allow_command(
    name: str, ask: str | None, *, for_session: bool, withdraw: str | None, config: Path | None
) -> None:
    """Allow a call that a session's agent asks for; `samobot status NAME` shows it with its ID.

    \b
    Examples:
      samobot allow greet 3fa2c1
      samobot allow greet 3fa2c1 --for-session
      samobot allow greet --withdraw 1
    """
    if (ask is None) == (withdraw is None):
        raise UsageError(f"Give the ID of what is asked for, or --withdraw: samobot status {name}")
    if withdraw is not None:
        _end_rule(name, withdraw, config)
        return
    _decide(
        name, ask or "", DecisionKind.ALLOW_SESSION if for_session else DecisionKind.ALLOW_ONCE, "", config
    )


@click.command("deny")
@name_argument()
@click.argument("ask", metavar="ID")
@click.option("--say", default="", metavar="TEXT", help="What the agent reads with it, verbatim.")
@config_option
def deny_command(name: str, ask: str, say: str, config: Path | None) -> None:
    """Deny a call that a session's agent asks for; it continues without."""
    _decide(name, ask, DecisionKind.DENY, say, config)


def _decide(name: str, ask: str, kind: DecisionKind, text: str, config: Path | None) -> None:
    settings = load_settings()
    folder = find(name, config).folder
    person = person_at(folder)
    key = load_key(settings.samobot_state_dir)
    verdict = decide(folder, _named(folder, ask), kind, person, datetime.now(UTC), key, text=text)
    call = verdict.ask.call
    sign = "⛔" if kind is DecisionKind.DENY else "✅"
    click.echo(printable(f"{sign} {call.tool} {VERDICT_TEXTS[kind]}: {call.subject}"))
    if kind is DecisionKind.ALLOW_SESSION:
        click.echo(printable(f"From now on, without asking: {one_line(call.rule, 200)}"))
    click.echo(next_step(folder))


def _named(folder: SessionFolder, ask: str) -> str:
    """The id that its beginning names. Never just “the one that waits”: that may be another one by now.

    Raises:
        NotFoundError: It names none, or several.
    """
    book = read_asks(folder, None)
    found = [each.id for each in book.asks if each.id.startswith(ask)] if len(ask) >= _SHORTEST else []
    if len(found) != 1:
        waiting = ", ".join(each.id for each in book.waiting) or "nothing"
        raise NotFoundError(
            f"{folder.name} asks for nothing of the ID “{one_line(ask, 40)}”; it asks for: {waiting}."
        )
    return found[0]


def _end_rule(name: str, which: str, config: Path | None) -> None:
    settings = load_settings()
    folder = find(name, config).folder
    person = person_at(folder)
    key = load_key(settings.samobot_state_dir)
    rules = list(read_asks(folder, None).rules)
    if which != "all" and not (which.isdigit() and 1 <= int(which) <= len(rules)):
        raise UsageError(
            f"--withdraw takes “all” or a number up to {len(rules)}: samobot status {folder.name}"
        )
    rule = None if which == "all" else rules[int(which) - 1]
    for each in withdraw(folder, rule, person, datetime.now(UTC), key):
        click.echo(printable(f"↩️ Asked again from now on: {one_line(each, 200)}"))
