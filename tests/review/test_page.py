"""The review guide: what it shows, and that agents' texts can neither run, load nor hide anything on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.fleet.review_reader import read_change
from samobot.review.diff_view import LINES_OF_FILE, files_of
from samobot.review.facts import AgentNote, Change, PlanPart, ReviewFacts
from samobot.review.markup import block
from samobot.review.page import review_page
from samobot.session.diff import FileChange
from samobot.session.signal import SuiteResult
from samobot.telegram.outbound.secret_filter import SecretFilter
from tests.support.repository import git, make_repository

SUMMARY = """# Greeting

It greets.

## Review guide

### Look first
- `greet.py:12` · the name is parsed here;
  all else depends on it

### Not checked
- Windows line ends: no machine here

### Claims
- An empty name exits with 2 · `python greet.py ''` · exit 2
- It is fast

## Left open
- nothing
"""
QUALITY = """# Quality: round 1

## Findings
- wrong · `greet.py:12` · empty name prints a traceback · a second reviewer ran it · fixed
- poor · `greet.py:30` · parses twice · left: goes away
- something in its own form

Verdict: changed
"""
TEST = """# Test

## Points
| point | seen |
|---|---|
| Must 1 | exit 0 |

## Not tested
- Umlauts in file names
"""
DIFF = """ greet.py | 2 +-

diff --git a/README.md b/README.md
--- a/README.md
+++ b/README.md
@@ -1 +1,2 @@
 # Greet
+an example
diff --git a/greet.py b/greet.py
new file mode 100644
--- /dev/null
+++ b/greet.py
@@ -0,0 +1,2 @@
+import sys
--- a line that begins with a dash
+++ a line that begins with a plus
"""


def facts(**more: object) -> ReviewFacts:
    change = Change(
        branch="greet",
        base="0123456789abcdef",
        commits=4,
        files=(FileChange("README.md", 1, 0), FileChange("greet.py", 2, 1)),
        more=0,
        added=3,
        removed=1,
        uncommitted=1,
        unfinished="1 file is not committed",
        diff=DIFF,
        is_cut=False,
    )
    known = ReviewFacts(
        name="greet",
        task="Add a greeting",
        change=change,
        plan="Greeting",
        parts=(
            PlanPart(title="Script", risk="low - nothing calls it", steps=3, ticked=3),
            PlanPart(title="Data", risk="high: overwrites files", steps=2, ticked=1),
            PlanPart(title="Docs", risk="", steps=1, ticked=0),
        ),
        summary=AgentNote(name="01-15-14:05-summary-greet.md", text=SUMMARY),
        test=AgentNote(name="01-15-14:04-test-greet.md", text=TEST),
        quality=(AgentNote(name="01-15-14:03-quality-greet.md", text=QUALITY),),
        tests=SuiteResult(14, 0),
        iterations={"planning": 2},
        cost_usd=4.31,
        remarks=("An answer was reverted.",),
    )
    return known.model_copy(update=more)


class Page(HTMLParser):
    """A page's words by section, its elements with their attributes, and whether each is closed."""

    VOID = frozenset({"meta"})

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.sections: dict[str, str] = {}
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self._section = "header"
        self.feed(source)
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "section":
            self._section = dict(attrs)["id"] or ""
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.sections[self._section] = self.sections.get(self._section, "") + data + " "


def page_of(known: ReviewFacts) -> Page:
    return Page(review_page(known))


def test_the_page_shows_what_to_look_at_what_was_not_checked_and_the_claims() -> None:
    page = page_of(facts())
    found = page.sections
    assert "greet.py:12" in found["first"]
    assert "all else depends on it" in found["first"]
    for words in ("Windows line ends", "Umlauts in file names", "1 file is not committed"):
        assert words in found["open"]
    assert "python greet.py ''" in found["claims"]
    assert "exit 2" in found["claims"]
    assert "Without a command." in found["claims"].split("It is fast")[1]
    assert "a second reviewer ran it" in found["findings"]
    assert "→ fixed" in found["findings"]
    assert "How it was confirmed is not noted." in found["findings"].split("parses twice")[1]
    assert "something in its own form" in found["findings"]
    assert "An answer was reverted." in found["run"]
    assert page.unbalanced == []


def test_risk_of_each_phase_is_shown_with_its_reason_and_its_ticks() -> None:
    plan = review_page(facts()).partition('id="plan"')[2].partition("</section>")[0]
    assert '<span class="mark good">low risk</span> nothing calls it' in plan
    assert '<span class="mark bad">high risk</span> overwrites files' in plan
    assert "The plan names no risk." in plan
    assert "1 of 2 steps ticked" in plan


NAMES = (
    b"\xd0\xbf\xd1\x80\xd0\xb8.py", b"a\ttab", b"a\nline", b'say "hi"', b"back\\slash", b"--option", b"-", b"two words",
    b"latin-\xe9", b"bell\a", b"'quoted'", b"a b", "\N{BOX DRAWINGS LIGHT HORIZONTAL}.py".encode(),
)  # fmt: skip


def test_names_that_git_quotes_are_shown_as_they_are_with_their_counts(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "demo")
    for name in (*NAMES, *(b"empty " + name for name in NAMES)):
        (Path(os.fsdecode(os.fsencode(repo) + b"/" + name))).write_text(
            "" if name.startswith(b"empty") else "1\n"
        )
    git(repo, "add", "--all")
    change = read_change(repo)
    assert change is not None
    shown = {file.path for file in files_of(change.diff)}
    assert {file.path for file in change.files} == shown
    assert {name.decode("utf-8", "replace") for name in NAMES} <= shown


def test_moved_files_and_modes_are_named(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "demo")
    (repo / "old.py").write_text("".join(f"line {number}\n" for number in range(20)))
    (repo / "run.sh").write_text("true\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "Begin")
    (repo / "old.py").rename(repo / "new.py")
    with open(repo / "new.py", "a") as file:
        file.write("one more\n")
    (repo / "run.sh").chmod(0o755)
    (repo / "to").symlink_to("new.py")
    git(repo, "add", "--all")
    change = read_change(repo)
    assert change is not None
    shown = Page(review_page(facts(change=change))).sections["change"]
    for words in ("new.py renamed from old.py +1 −0", "run.sh now executable +0 −0", "to new link +1 −0"):
        assert words in " ".join(shown.split())


def test_escape_that_git_does_not_write_is_no_error() -> None:
    (file,) = files_of('diff --git "a/\\9\\" "a/\\9\\"\n')
    assert file.path == "9\\"


def test_files_to_look_at_first_are_first_and_open() -> None:
    page = page_of(facts())
    details = [attributes for tag, attributes in page.elements if tag == "details"]
    assert [("open" in each, each.get("id")) for each in details[-2:]] == [(True, "file-0"), (False, None)]
    assert ("a", {"href": "#file-0"}) in page.elements
    shown = page.sections["change"]
    assert shown.index("greet.py") < shown.index("README.md")
    # A changed line that looks like a header of the diff is still a changed line.
    assert "--- a line that begins with a dash" in shown
    assert "+++ a line that begins with a plus" in shown


def test_what_agents_left_out_is_named() -> None:
    found = page_of(facts(summary=None, test=None, quality=(), tests=None, parts=())).sections
    assert "The agent named nothing. The largest changes:" in found["first"]
    for words in ("no testing note", "no quality note", "No agent reported a count"):
        assert words in found["open"]
    assert not {"claims", "findings", "plan"} & set(found)
    bare = page_of(ReviewFacts(name="greet"))
    assert "first" not in bare.sections
    assert "change" not in bare.sections
    assert bare.unbalanced == []


NASTY = (
    "<script>alert(1)</script>",
    "<img src=http://evil.example/x onerror=alert(1)>",
    "![picture](http://evil.example/x.png)",
    "[link](javascript:alert(1)) <http://evil.example> http://evil.example",
    "</code></pre></section></main><style>*{display:none}</style>",
    '"><a href="http://evil.example">',
    "\u202egnp.exe\u2066 zero\u200bwidth \x1b[2J \x00",
    "&lt;b&gt; &#60;script&#62; <!-- -->",
    "```html\n<iframe src=x>\n```",
    "| a |\n|---|\n| <b>x</b> |",
)


def everywhere(text: str) -> ReviewFacts:
    """Facts with a text in every place that an agent writes."""
    line = " ".join(text.split("\n"))
    note = (
        f"# {text}\n\n{text}\n\n## Review guide\n### Look first\n- {line} · {line}\n### Not checked\n- {line}\n"
        f"### Claims\n- {line} · `{line}` · {line}\n\n## Findings\n- wrong · {line} · {line} · {line} · {line}\n- {line}\n"
    )
    known = facts()
    assert known.change is not None
    diff = f"diff --git a/{line} b/{line}\n+++ b/{line}\n@@ -1 +1 @@ {line}\n+{line}\n"
    change = known.change.model_copy(
        update={
            "branch": line,
            "diff": diff,
            "files": (FileChange(line, 1, 1),),
            "unfinished": line,
        }
    )
    part = PlanPart(title=line, risk=f"high {line}", steps=1, ticked=0)
    written = AgentNote(name=line, text=note)
    return known.model_copy(
        update={
            "name": line,
            "task": text,
            "change": change,
            "plan": line,
            "approval": line,
            "parts": (part, part.model_copy(update={"risk": line})),
            "summary": written,
            "test": written,
            "quality": (written,),
            "iterations": {line: 1},
            "remarks": (line,),
        }
    )


def dangers(page: Page) -> Iterator[str]:
    for tag, attributes in page.elements:
        if tag in {"script", "img", "iframe", "object", "embed", "link", "form", "svg", "base", "b"}:
            yield tag
        for name, value in attributes.items():
            if name in {"src", "srcdoc", "action", "style"} or name.startswith("on"):
                yield f"{tag} {name}"
            if name == "href" and not (value or "").startswith("#"):
                yield f"{tag} {value}"


@pytest.mark.parametrize("text", NASTY)
def test_nothing_of_an_agents_text_runs_loads_or_hides(text: str) -> None:
    source = review_page(everywhere(text))
    page = Page(source)
    assert list(dangers(page)) == []
    assert page.unbalanced == []
    assert sum(tag == "style" for tag, _ in page.elements) == 1
    assert "default-src 'none'" in source
    for hidden in "\u202e\u2066\u200b\x1b\x00":
        assert hidden not in source


@given(st.text(max_size=60))
def test_every_text_makes_a_whole_page(text: str) -> None:
    page = page_of(everywhere(text))
    assert list(dangers(page)) == []
    assert page.unbalanced == []


def test_a_page_about_much_is_bounded_and_says_what_it_leaves_out() -> None:
    known = facts()
    assert known.change is not None
    body = "".join(f"+line {number}\n" for number in range(100_000))
    change = known.change.model_copy(
        update={"diff": f"diff --git a/big b/big\n+++ b/big\n@@ -0,0 +1 @@\n{body}", "is_cut": True}
    )
    items = "".join(f"- item {number}\n" for number in range(2_000))
    text = f"## Review guide\n### Not checked\n{items}"
    source = review_page(facts(change=change, summary=AgentNote(name="s.md", text=text)))
    assert len(source) < 300_000
    assert "more lines: see the diff itself" in source
    assert "The diff is longer than this page shows" in source
    assert "more, see the notes below" in source
    (file,) = files_of(change.diff)
    assert len(file.lines) == LINES_OF_FILE
    assert file.hidden == 100_001 - LINES_OF_FILE


@pytest.mark.timeout(120)  # tells linear from quadratic work
def test_a_note_of_one_endless_line_is_looked_at_once() -> None:
    text = "x" * 2_000_000 + "\n" + "a|" * 100
    assert block(text) == f"<pre>{text}</pre>"


def test_note_of_an_endless_table_is_shown_as_it_is() -> None:
    note = "|a" * 2_000 + "|\n" + "|-" * 2_000 + "|\n" + "|\n" * 10_000
    assert len(review_page(facts(summary=AgentNote(name="s.md", text=note)))) < 100_000
    small = AgentNote(name="s.md", text="| a |\n|---|\n| b |")
    assert "<td>b</td>" in review_page(facts(summary=small))


def test_secrets_are_masked_before_markup_could_hide_them() -> None:
    password = 'p&ss<word>"quoted"'
    key = "-----BEGIN PRIVATE KEY-----\n+MIIabc\n+def\n+-----END PRIVATE KEY-----"
    known = facts()
    assert known.change is not None
    change = known.change.model_copy(update={"diff": f"{DIFF}+{password}\n+{key}\n+after\n"})
    secrets = SecretFilter({"DB_PASSWORD": password})
    found = facts(change=change, task=f"use {password}").masked(secrets.mask_json)
    source = review_page(found)
    assert "MIIabc" not in source
    assert "p&amp;ss" not in source
    assert password not in source
    assert "after" in source
    assert "Secrets were masked on this page" in source
    assert not facts().masked(secrets.mask_json).is_masked
