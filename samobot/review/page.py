"""The review guide as one HTML page: no script, nothing loaded, readable on a phone in light and dark. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources

from samobot.frozen import frozen
from samobot.review.change_section import change_section
from samobot.review.facts import PlanPart, ReviewFacts
from samobot.review.markup import block, escaped, inline
from samobot.review.notes import (
    Claim,
    Guide,
    Pointer,
    ReviewFinding,
    findings_of,
    guide_of,
    items_of,
    without_guide,
)
from samobot.text import clip, human_duration, human_money, plural

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
"""
_MOST_ITEMS = 40
_TASK = 2_000
_LARGEST = 3


@frozen
class _Section:
    name: str
    title: str
    body: str


def review_page(facts: ReviewFacts) -> str:
    """Return the page."""
    guide = guide_of(note.text for note in (facts.summary, *facts.quality) if note is not None)
    pointers = guide.look_first[:_MOST_ITEMS]
    sections = [
        _Section("first", "Look at first", _look_first(pointers, facts)),
        _Section("open", "Not checked", _not_checked(guide, facts)),
        _Section("ready", "Before you land it", _ready(facts)),
        _Section("claims", "Claims, and how to check them", _claims(guide)),
        _Section("findings", "Findings of the review", _findings(facts)),
        _Section("plan", "Plan, and risk by phase", _plan(facts)),
        _Section("notes", "What the agents wrote", _notes(facts)),
        _Section("run", "How it went", _run(facts)),
        _Section("change", "The change, file by file", change_section(facts.change, pointers)),
    ]
    shown = [section for section in sections if section.body]
    links = "".join(f'<a href="#{each.name}">{escaped(each.title.split(",")[0])}</a>' for each in shown)
    body = "".join(
        f'<section id="{each.name}"><h2>{escaped(each.title)}</h2>\n{each.body}</section>\n' for each in shown
    )
    return (
        f"{_HEAD}<title>Review: {escaped(facts.name)}</title>\n<style>{_style()}</style>\n</head>\n<body>\n"
        f'<header>{_header(facts)}</header>\n<nav aria-label="Sections">{links}</nav>\n<main>\n{body}</main>\n</body>\n</html>\n'
    )


@lru_cache(maxsize=1)
def _style() -> str:
    return resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")


def _header(facts: ReviewFacts) -> str:
    lines = [f"<h1>{escaped(facts.name)}: review guide</h1>"]
    if facts.task:
        lines.append(f'<p class="soft">{escaped(clip(facts.task, _TASK))}</p>')
    change = facts.change
    if change is not None:
        where = f"Branch <code>{escaped(change.branch or 'none')}</code>"
        base = f" from <code>{escaped(change.base[:12])}</code>" if change.base else ""
        files = plural(len(change.files) + change.more, "file")
        lines.append(
            f"<p>{where}{base}: {plural(change.commits, 'commit')}, {files}, "
            f'<span class="good">+{change.added:,}</span> <span class="bad">−{change.removed:,}</span></p>'
        )
    if facts.tests is not None:
        failed = facts.tests.failed
        mark = f'<span class="bad">✗ {failed:,} failing</span>' if failed else '<span class="good">✓</span>'
        lines.append(f"<p>{mark} {plural(facts.tests.passed, 'test')} passed, as the agent counted them</p>")
    if facts.is_masked:
        lines.append('<p class="warn">🔒 Secrets were masked on this page.</p>')
    return "\n".join(lines)


def _look_first(pointers: Sequence[Pointer], facts: ReviewFacts) -> str:
    if pointers:
        changed = {file.path for file in facts.change.files} if facts.change is not None else set()
        return _cards(
            f"{_linked(each, number) if each.path in changed else _place(each.place)}<p>{inline(each.why)}</p>"
            for number, each in enumerate(pointers)
        )
    if facts.change is None or not facts.change.files:
        return ""
    largest = sorted(facts.change.files, key=lambda file: -(file.added or 0) - (file.removed or 0))[:_LARGEST]
    rows = (
        f"{_place(file.path)}<p>+{file.added:,} −{file.removed or 0:,}</p>"
        for file in largest
        if file.added is not None
    )
    return f'<p class="soft">The agent named nothing. The largest changes:</p>{_cards(rows)}'


def _not_checked(guide: Guide, facts: ReviewFacts) -> str:
    items = [inline(item) for item in guide.not_checked]
    if facts.test is not None:
        tested = items_of(facts.test.text, "not tested")
        items += [inline(item) for item in tested if item not in guide.not_checked]
    if facts.test is None:
        items.append("There is no testing note: nobody used the result.")
    if not facts.quality:
        items.append("There is no quality note: nobody reviewed the change.")
    if facts.tests is None:
        items.append("No agent reported a count of tests.")
    if facts.change is not None and facts.change.unfinished:
        items.append(f'<span class="bad">{escaped(facts.change.unfinished)}</span>')
    return _list(items)


def _ready(facts: ReviewFacts) -> str:
    debt = [f'<span class="mark warn">open</span> {inline(finding)}' for finding in facts.debt]
    return _list([*debt, *map(escaped, facts.change.objections if facts.change is not None else ())])


def _claims(guide: Guide) -> str:
    return _cards(_claim(claim) for claim in guide.claims)


def _claim(claim: Claim) -> str:
    command = (
        f"<pre><code>{escaped(claim.command)}</code></pre>"
        if claim.command
        else '<p class="warn small">Without a command.</p>'
    )
    seen = f'<p class="soft small">Seen: {inline(claim.seen)}</p>' if claim.seen else ""
    return f"<p>{inline(claim.text)}</p>{command}{seen}"


def _findings(facts: ReviewFacts) -> str:
    rounds = []
    for note in reversed(facts.quality):
        found = findings_of(note.text)
        body = (
            _cards(_finding(finding) for finding in found) if found else "<p>No findings in their form.</p>"
        )
        rounds.append(f'<p class="small soft">{escaped(note.name)}</p>{body}')
    return "\n".join(rounds)


def _finding(finding: ReviewFinding) -> str:
    mark = {"wrong": '<span class="mark bad">wrong</span> ', "poor": '<span class="mark warn">poor</span> '}
    place = f"{_place(finding.place)} " if finding.place else ""
    confirmed = (
        f'<p class="soft small">Confirmed: {inline(finding.confirmed)}</p>'
        if finding.confirmed
        else '<p class="warn small">How it was confirmed is not noted.</p>'
        if finding.severity
        else ""
    )
    outcome = f"<p>→ {inline(finding.outcome)}</p>" if finding.outcome else ""
    return f"{mark.get(finding.severity, '')}{place}<p>{inline(finding.text)}</p>{confirmed}{outcome}"


def _plan(facts: ReviewFacts) -> str:
    if not facts.parts:
        return ""
    approval = f'<p class="soft small">{escaped(facts.approval)}</p>' if facts.approval else ""
    return f"<p>{escaped(facts.plan)}</p>{approval}{_cards(map(_part, facts.parts))}"


def _part(part: PlanPart) -> str:
    first, _, reason = part.risk.partition(" ")
    level = first.strip(".,:;-–—")
    kind = {"low": "good", "medium": "warn", "high": "bad"}.get(level.casefold())
    risk = (
        f'<p><span class="mark {kind}">{escaped(level)} risk</span> {inline(reason.lstrip("-–—:; "))}</p>'
        if kind
        else f"<p>{inline(part.risk)}</p>"
        if part.risk
        else '<p class="warn small">The plan names no risk.</p>'
    )
    return f'<p class="title">{escaped(part.title)}</p>{risk}<p class="soft small">{part.ticked} of {plural(part.steps, "step")} ticked</p>'


def _notes(facts: ReviewFacts) -> str:
    named = (("Summary", facts.summary), ("Testing", facts.test), *(("Quality", n) for n in facts.quality))
    return "\n".join(
        f"<details><summary>{kind} · {escaped(note.name)}</summary><div>{block(without_guide(note.text))}</div></details>"
        for kind, note in named
        if note is not None
    )


def _run(facts: ReviewFacts) -> str:
    items = []
    if facts.iterations:
        phases = ", ".join(f"{escaped(phase)} {count:,}" for phase, count in facts.iterations.items())
        items.append(f"Iterations: {phases}")
    if facts.duration_s >= 1:
        waited = (
            f", of which {human_duration(facts.waited_s)} waiting for you" if facts.waited_s >= 60 else ""
        )
        items.append(f"Time: {human_duration(facts.duration_s)}{waited}")
    if facts.cost_usd:
        items.append(f"Cost: {escaped(human_money(facts.cost_usd, unpriced=facts.unpriced))}")
    items += [f'<span class="warn">{escaped(remark)}</span>' for remark in facts.remarks]
    return _list(items)


def _linked(pointer: Pointer, number: int) -> str:
    return f'<a href="#file-{number}">{_place(pointer.place)}</a>'


def _place(place: str) -> str:
    return f"<code>{escaped(place)}</code>" if place else ""


def _list(items: Sequence[str]) -> str:
    return _elements("<ul>", items[:_MOST_ITEMS]) + _left_out(len(items)) if items else ""


def _cards(items: Iterable[str]) -> str:
    found = list(items)
    return _elements('<ul class="cards">', found[:_MOST_ITEMS]) + _left_out(len(found)) if found else ""


def _elements(opening: str, items: Iterable[str]) -> str:
    return f"{opening}{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _left_out(count: int) -> str:
    left = count - _MOST_ITEMS
    return f'<p class="soft small">… and {left:,} more, see the notes below.</p>' if left > 0 else ""
