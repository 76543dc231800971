"""A plan: its exact content, and its outline of phases and steps."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from samobot.frozen import frozen
from samobot.regex import regex
from samobot.session.answer_span import is_placeholder
from samobot.session.blocks import scan

PLAN_LIMIT = 1_000_000
"""Maximum bytes of a plan file."""


@frozen
class Plan:
    """The content of a plan file.

    Attributes:
        path: The file.
        sha256: Digest of its bytes, in hexadecimal: an approval is bound to it.
        text: Its text; bytes that are not UTF-8 are replaced.
    """

    path: Path
    sha256: str
    text: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


@frozen
class PlanPhase:
    """One part of a plan.

    Attributes:
        title: Its title.
        steps: Its steps.
        ticked: How many of them are ticked.
        risk: What the plan states after `Risk:`; empty if nothing.
        profile: What it states after `Profile:`, without a reason behind it; empty if nothing. May be no known name.
        is_open: Whether a step has an empty box.
    """

    title: str
    steps: tuple[str, ...]
    ticked: int = 0
    risk: str = ""
    profile: str = ""
    is_open: bool = False


@frozen
class Outline:
    """A plan in short: its title, and its phases with their steps."""

    title: str
    phases: tuple[PlanPhase, ...]

    @property
    def steps(self) -> int:
        """Number of all steps."""
        return sum(len(phase.steps) for phase in self.phases)


def new_plan(path: Path, content: bytes) -> Plan:
    """Return a plan with this content."""
    return Plan(path, hashlib.sha256(content).hexdigest(), content.decode("utf-8", "replace"))


def is_empty(text: str) -> bool:
    """Return whether a plan has nothing to approve: only white space, headings, rules, comments or placeholders."""
    body = html.unescape(_FRONT_MATTER.sub("", text.replace("\r\n", "\n"), count=1))
    body = _HEADING.sub("\n", _TAG.sub("", _COMMENT.sub("", body)).translate(_INVISIBLE))
    return not any(_says_something(line) for line in body.splitlines())


def _says_something(line: str) -> bool:
    if line.lstrip().startswith("#"):
        return False
    rest = _MARKER.sub("", line, count=1).strip(" \t-*_`~=|:\\")
    return bool(rest) and not (is_placeholder(rest) or _UNWRITTEN.fullmatch(rest))


_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad\u180e\u2800\0"))
_FRONT_MATTER = regex(
    r"\A\ufeff?(?:---\n(?=---|[\w-]+[ \t]*:)(?:.{0,20000}?\n)?---|\+\+\+\n.{0,20000}?\n\+\+\+)[ \t]*(?:\n|\Z)",
    re.DOTALL,
)
_TAG = regex(r"</?[a-zA-Z][^<>\n]{0,200}>|!?\[\]\([^()\n]{0,200}\)")
_MARKER = regex(r"[\s>]{0,20}(?:[-*+]|\d{1,3}[.)])?\s{0,8}(?:\[[ xX]?\])?")
_COMMENT = regex(
    r"<!--.*?(?:-->|\Z)|^[ ]{0,3}\[[^\]\n]{1,20}\]:[ ]#.*?$|^%%[^\n]*$", re.DOTALL | re.MULTILINE
)
_HEADING = regex(  # underlined
    r"(?:\A|(?<=\n))[^\n|>*+\d-][^\n]{0,60}(?<![.!?])\n[ ]{0,3}(?:=+|-{2,})[ \t]*(?:\n|\Z)"
)
_UNWRITTEN = regex(
    r"(?:to be (?:written|done|filled(?: in)?|added|continued|completed)|coming soon|work in progress|wip"
    r"|(?:the )?(?:\w+ )?plan(?: goes| comes)?(?: here)?|(?:status|date|author|session|created|version)\**:[^.]*)\W*",
    re.IGNORECASE,
)
_PHASE = regex(r"(?:phase|part|stage|milestone|step)\b[ \t]*\d+", re.IGNORECASE)
_BOLD_PHASE = regex(
    r" {0,3}(?:\*\*|__)(?P<title>(?:phase|stage|milestone)\b[ \t]*\d+[^*_\n]{0,200})(?:\*\*|__)[ \t]*:?[ \t]*",
    re.IGNORECASE,
)
_BELOW_HEADINGS = 7
_ALL_FENCED = regex(
    r"\s*(?P<fence>`{3,}|~{3,})[ \t]*(?:markdown|md)?[ \t]*\r?\n(?P<inner>.*)\n(?P=fence)\s*", re.DOTALL
)
_FENCED = regex(  # with sentences around it
    r"(?:\A|\n)(?P<fence>`{3,}|~{3,})[ \t]*(?:markdown|md)[ \t]*\r?\n(?P<inner>.*)\n(?P=fence)[ \t\r]*(?:\n|\Z)",
    re.DOTALL,
)
_CLOSED_COMMENT = regex(r"<!--(?:(?!<!--|-->|```|~~~).)*-->", re.DOTALL)
_UNDERLINED = regex(
    r"^(?P<title>[^\s|>*+#`~-][^\n]{0,200})\n {0,3}(?:(?P<sign>=)=*|-{2,})[ \t\r]*$", re.MULTILINE
)
_STEP = regex(
    r"(\s*)(?:(?:[-*+]|\d{1,3}[.)])[ \t]+(?:\[(?:[ xX✓✔~/>-]|)\]|[☐☑✅⬜])|\d{1,3}[.)])[ \t]+(\S.*)"
)
_TICKED = regex(r"\s*(?:[-*+]|\d{1,3}[.)])[ \t]+(?:\[[xX✓✔]\]|[☑✅])")
_ROW = regex(r" {0,3}\|(.*)\|[ \t]*")
_RULED_ROW = regex(r"[ |:-]*---[ |:-]*")
_RISK = regex(r"[ \t]{0,3}(?:[-*+][ \t]+)?\**Risk\**:\**[ \t]*(\S[^\n]*)", re.IGNORECASE)
_OPEN_STEP = regex(r"\s*(?:[-*+]|\d{1,3}[.)])[ \t]+(?:\[ ?\]|[☐⬜])[ \t]+\S")
_PROFILE = regex(
    r"[ \t]{0,3}(?P<bullet>[-*+][ \t]+)?[*_]{0,2}Profile[*_]{0,2}[ \t]{0,3}:[*_]{0,2}[ \t]{0,9}(?P<value>\S.*)",
    re.IGNORECASE,
)
# As after a risk, a reason may follow: “strong - it touches the login”.
_PROFILE_NAME = regex(
    r"([`*_]{0,2}\w{1,40}(?:[.-]\w{1,40}){0,9}[`*_]{0,2})[ \t]{0,9}(?:[-–—(,.;:·].{0,1000})?"
)
_BULLET = regex(r"( {0,3})[-*+][ \t]+(\S.*)")


_PLAN_PREFIX = regex(r"^plan\s*[:–—-]\s*", re.IGNORECASE)
_PHASE_PREFIX = regex(r"^(?:phase|part|stage|milestone|step)\s+\d+\s*[.:–—-]\s*", re.IGNORECASE)


@dataclass(slots=True)
class _Section:
    level: int
    title: str
    steps: list[str]
    bullets: list[str]
    rows: list[str] = field(default_factory=list)
    ticked: int = 0
    risk: str = ""
    profile: str = ""
    is_open: bool = False


def outline(text: str) -> Outline:
    """Parse a plan's title, phases and steps out of its Markdown. Linear in the text's length.

    A phase is a section with such a heading (`## Phase 1: Script`, also underlined or in bold), or, if there is none,
    any section that has steps. A plan may be in one code fence or quote as a whole. A step is an outermost check box or
    numbered line; a phase without any has its bullets, or the rows of its table. What is commented out does not count.
    """
    if "<!--" in text:
        text = _CLOSED_COMMENT.sub("", text)
    found = _outline(text)
    if found.phases and all(_PHASE.match(phase.title) for phase in found.phases):
        return found
    other = _outline(_in_usual_form(text))
    is_better = not found.phases or all(_PHASE.match(phase.title) for phase in other.phases)
    return other if other.phases and is_better else found


def _in_usual_form(text: str) -> str:
    """Return a plan without the fence or quote around all of it, and with headings in place of underlined lines."""
    if (fenced := _ALL_FENCED.fullmatch(text) or _FENCED.search(text)) is not None:
        text = fenced["inner"]
    lines = text.split("\n")
    if all(not line.strip() or line.startswith(">") for line in lines):
        text = "\n".join(line[1:].removeprefix(" ") for line in lines)
    return _UNDERLINED.sub(lambda found: f"{'#' if found['sign'] == '=' else '##'} {found['title']}", text)


def _outline(text: str) -> Outline:
    title, sections = _sections(text)
    if _PHASE.match(title) and any(each.level == 1 and _PHASE.match(each.title) for each in sections):
        title, sections[0].title = "", title  # it is the first of several
    named = [place for place, section in enumerate(sections) if _PHASE.match(section.title)]
    if named:
        level = min(sections[place].level for place in named)
        phases = [_under(sections, place) for place in named if sections[place].level == level]
    else:
        parts = [each for each in sections if each.steps] or [each for each in sections if each.rows]
        phases = [_plan_phase([replace(section, title=section.title or title)]) for section in parts]
    return Outline(title, tuple(phases))


def open_phase_profile(text: str) -> str:
    """Return the `Profile:` of the first phase with an unticked step; empty if it has none."""
    return next((phase.profile for phase in outline(text).phases if phase.is_open), "")


def spoken_title(title: str) -> str:
    """Return a plan's title for display, without a leading `Plan:`."""
    return _PLAN_PREFIX.sub("", title) or title


def spoken_phase(title: str) -> str:
    """Return a phase's title for display, without a leading `Phase 2:`."""
    return _PHASE_PREFIX.sub("", title) or title


def _sections(text: str) -> tuple[str, list[_Section]]:
    title = ""
    sections = [_Section(1, "", [], [])]
    indent: int | None = None
    header = True
    for each in scan(text):
        if each.code:
            continue
        if each.level:
            indent = None
            if not title and each.level == 1:
                title = _plain(each.title)
            else:
                sections.append(_Section(each.level, _plain(each.title), [], []))
            continue
        line = each.text
        if bold := _BOLD_PHASE.fullmatch(line):
            indent = None
            sections.append(_Section(_BELOW_HEADINGS, _plain(bold["title"]), [], []))
            continue
        if row := _ROW.fullmatch(line):
            header = _add_row(sections[-1], row[1], header)
            continue
        header = True
        step = _STEP.fullmatch(line)
        sections[-1].is_open |= _OPEN_STEP.match(line) is not None
        if step:
            depth = len(step[1].expandtabs(4))
            indent = depth if indent is None else min(indent, depth)
            if depth == indent:
                sections[-1].steps.append(_plain(step[2]))
                sections[-1].ticked += _TICKED.match(line) is not None
        elif risk := _RISK.fullmatch(line):
            sections[-1].risk = sections[-1].risk or _plain(risk[1])
        elif profile := _profile(line):
            sections[-1].profile = sections[-1].profile or profile
        elif bullet := _BULLET.fullmatch(line):
            sections[-1].bullets.append(_plain(bullet[2]))
    return title, sections


def _add_row(section: _Section, row: str, header: bool) -> bool:
    """Add a row of a table to a section; return whether its header is still to come to its end."""
    if header:
        return not _RULED_ROW.fullmatch(row)
    cells = [cell for cell in map(_plain, row.replace("\\|", "¦").split("|")) if cell]
    if cells:
        section.rows.append(" · ".join(cells))
    return False


def _under(sections: list[_Section], place: int) -> PlanPhase:
    """Add the steps of deeper sections to the phase above them."""
    # By its number: a slice, or a search for the beginning, would make many phases cost their square.
    end = place + 1
    while end < len(sections) and sections[end].level > sections[place].level:
        end += 1
    return _plan_phase(sections[place:end])


def _plan_phase(parts: Sequence[_Section]) -> PlanPhase:
    """Return a section and what stands under it as a phase; without steps, its bullets are its steps."""
    steps = tuple(step for part in parts for step in part.steps)
    bullets = tuple(bullet for part in parts for bullet in part.bullets)
    rows = (row for part in parts for row in part.rows)
    return PlanPhase(
        title=parts[0].title,
        steps=steps or bullets or tuple(rows),
        ticked=sum(part.ticked for part in parts),
        risk=next((part.risk for part in parts if part.risk), ""),
        profile=next((part.profile for part in parts if part.profile), ""),
        is_open=any(part.is_open for part in parts),
    )


def _profile(line: str) -> str:
    """Return what a line states as profile; empty if it does not, such as a bullet that speaks of a user's profile."""
    found = _PROFILE.fullmatch(line)
    if found is None:
        return ""
    name = _PROFILE_NAME.fullmatch(found["value"])
    if name is None:
        return "" if found["bullet"] else _plain(found["value"])
    return _plain(name[1]).strip("*_")


def _plain(text: str) -> str:
    return re.sub(r"\*\*|__|`", "", text).strip()
