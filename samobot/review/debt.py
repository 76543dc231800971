"""Review debt: confirmed findings of reviews that were left open. Pure.

Agents keep it in `_review_debt.md` of the session; what a quality note leaves open counts although nobody copied it there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from samobot.review.notes import ReviewFinding, findings_of
from samobot.session.blocks import scan
from samobot.text import one_line

DEBT_FILE = "_review_debt.md"

_BOX = re.compile(r" {0,3}[-*+][ \t]+\[([ xX])\][ \t]+(\S.*)")
_LEFT = re.compile(r"(?:left|open|deferred|postponed|not fixed|unfixed|later)\b", re.IGNORECASE)
_WIDTH = 300


def open_findings(debt: str, quality: Iterable[str]) -> tuple[str, ...]:
    """Return the open findings, each as one line.

    Args:
        debt: The text of `_review_debt.md`; empty if there is none.
        quality: The quality notes, the newest first.
    """
    found: list[str] = []
    listed: set[str] = set()
    for line in scan(debt):
        box = None if line.code else _BOX.fullmatch(line.text)
        if box is None:
            continue
        listed |= {_plain(field) for field in box[2].split(" · ")}
        if box[1] == " ":
            found.append(one_line(box[2].replace("`", ""), _WIDTH))
    known: set[str] = set()
    for note in quality:
        for finding in findings_of(note):
            # A place without a line, such as a whole file, may have several findings.
            place = {_plain(finding.place)} if ":" in finding.place else set()
            marks = (place | {_plain(finding.text)}) - {""}
            if not finding.severity or marks & known:
                continue
            known |= marks
            if _LEFT.match(finding.outcome) and not marks & listed:
                found.append(_line(finding))
    return tuple(found)


def _line(finding: ReviewFinding) -> str:
    parts = (finding.severity, finding.place, finding.text, finding.outcome)
    return one_line(" · ".join(part for part in parts if part).replace("`", ""), _WIDTH)


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "").casefold().split())
