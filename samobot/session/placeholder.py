"""What stands in the place of an answer that has not been given yet: `_waiting_`, `TBD`, `[ ]`, `…`. Pure."""

from __future__ import annotations

import re

_MAX_CHARACTERS = 400
_STATUS = (
    r"(?:(?:still |currently )?(?:waiting|awaiting|pending|unanswered|outstanding|undecided|ausstehend|offen)\b[^\n]{0,80}"
    r"|tbd|tba|tbc|todo|to do|n/?a|none yet|nothing yet|no answer(?: yet)?|not (?:yet )?(?:answered|decided|given)(?: yet)?"
    r"|to be (?:answered|decided|determined|filled|provided|confirmed)[^\n]{0,60})"
)
_FOREIGN = (
    r"(?:wartet|warten|wartend|esperando|pendiente|en attente|in attesa|aguardando|pendente|ожидает(?:ся)?|ожидание|жд[её]м|"
    r"oczekuje|wachten|väntar|bekliyor|等待|等待中|待回答|待ち|回答待ち|未回答|대기|대기중)"
)
_BARE = re.compile(
    r"(?:waiting|awaiting(?: (?:an |your |user )?(?:answer|response|reply|input))?|pending|unanswered|tbd|tba|tbc|todo"
    r"|n/a|none yet|no answer yet|not yet answered|not answered(?: yet)?"
    r"|to be (?:answered|decided|determined|filled in|confirmed))",
    re.IGNORECASE,
)
_MARKED = re.compile(
    rf"(?:{_STATUS}|{_FOREIGN}|open|none|empty|blank|answer|response"
    r"|(?:(?:please |your |the |user(?:'s)? |write |type |add |put |enter |fill |insert |choose |pick |select )"
    r"[^\n]{0,80}))",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"(?:[A-Za-z](?:\s?[/|,]\s?[A-Za-z]){1,25})")
_COMMENT = re.compile(r"^<!--[^>\n]{0,200}-->\s{0,3}(?=\S)")
_NOTED = re.compile(r"(?P<mark>_[^_\n]{1,60}_)\s{1,3}\([^()\n]{1,60}\)")
_BOXED_CHOICE = re.compile(r"(?:(?:☐|□|⬜|\[\s?\])\ufe0f?\s{0,3}[A-Za-z](?:\s{1,4}|$)){2,26}")
_BOXES = re.compile(r"(?:[-*+]\s{1,3})?\[\s?\](?:\s.{0,200})?")
_PAIRS = {"_": "_", "*": "*", "`": "`", "(": ")", "[": "]", "<": ">", "{": "}", "«": "»", "“": "”", '"': '"'}
_SIGNS = frozenset(" \t_-–—.…?*~⏳⌛🕐❓✏️\u200b")


def is_placeholder(text: str) -> bool:
    """Return whether a text stands for an answer that has not been given yet."""
    text = text.strip()
    if len(text) > _MAX_CHARACTERS:
        return False
    if "\n" in text:
        return all(is_placeholder(line) for line in text.split("\n") if line.strip())
    if text.startswith("<!--") and text.endswith("-->") and text.count("<!--") == 1:
        return True
    text = _COMMENT.sub("", text, count=1).replace("\\_", "_")
    if (noted := _NOTED.fullmatch(text)) is not None and is_placeholder(noted["mark"]):
        return True
    if all(char in _SIGNS for char in text) or _BOXES.fullmatch(text) or _BOXED_CHOICE.fullmatch(text):
        return True
    inner, marked = _inside(text.strip("⏳⌛🕐❓✏️🟡⚪🔴– —\t"))
    if not inner:
        return True
    plain = inner.rstrip(" .…!:")
    if _BARE.fullmatch(plain):
        return True
    return marked and (_MARKED.fullmatch(plain) or _CHOICE.fullmatch(plain)) is not None


def _inside(text: str) -> tuple[str, bool]:
    """Return the text without the emphasis and brackets around it, and whether there were any."""
    marked = False
    for _ in range(6):
        trimmed = text.strip().rstrip(".…") if text.rstrip(".…")[-1:] in _PAIRS.values() else text.strip()
        if len(trimmed) < 2 or _PAIRS.get(trimmed[0]) != trimmed[-1]:
            break
        text, marked = trimmed[1:-1], marked or trimmed[0] not in '"“«'
    return text.strip(), marked
