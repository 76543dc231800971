"""What short messages mean: assent, stop words, "done". Pure."""

from __future__ import annotations

_DONE = frozenset({"done", "ok", "okay", "yes"})


def says_done(text: str) -> bool:
    """Whether somebody says with nothing else that it is done: anything more may well be a question."""
    return text.strip().rstrip(".!").casefold() in _DONE
