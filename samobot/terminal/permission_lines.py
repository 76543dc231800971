"""Calls that wait for the user, and permissions for the session, as the terminal shows them."""

from __future__ import annotations

from collections.abc import Iterable

from samobot.session.asks import Ask, AskBook
from samobot.text import one_line


def describe_asks(name: str, asks: Iterable[Ask]) -> str:
    """Show calls in full, each with the commands that decide about it."""
    return "\n\n".join(_describe(name, ask) for ask in asks)


def describe_rules(name: str, book: AskBook) -> list[str]:
    """A line for each permission for the session, numbered, and how it is withdrawn."""
    lines = [
        f"   🔐 {number} allowed for this session, by {decision.who}: {one_line(rule, 200)}"
        for number, (rule, decision) in enumerate(book.rules.items(), start=1)
    ]
    return [*lines, f"      withdraw: samobot allow {name} --withdraw N"] if lines else []


def _describe(name: str, ask: Ask) -> str:
    parts = [
        f"🔐 {ask.call.tool}, in {ask.where}: it {' and '.join(ask.reasons)}",
        *(f"  {line}" for line in ask.call.text.splitlines()),
        *([f"  The agent's last words: {one_line(ask.said, 300)}"] if ask.said else []),
        f"  samobot allow {name} {ask.id}   (--for-session allows from now on: {one_line(ask.call.rule, 120)})",
        f'  samobot deny {name} {ask.id} --say "…"',
    ]
    return "\n".join(parts)
