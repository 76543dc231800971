"""What a reader of a change would send back, and what must not be mistaken for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from samobot.review.readiness import readiness
from samobot.session.diff import FileChange, parse_numstat
from tests.support.cases import for_each


def diff(*added: str, path: str = "greet.py", note: str = "new file mode 100644\n", at: int = 1) -> str:
    lines = "".join(f"+{line}\n" for line in added)
    return f"diff --git a/{path} b/{path}\n{note}--- /dev/null\n+++ b/{path}\n@@ -0,0 +{at},{len(added)} @@\n{lines}"


TESTED = (FileChange("greet.py", 10, 0), FileChange("tests/test_greet.py", 5, 0))


def found(*added: str, path: str = "greet.py") -> tuple[str, ...]:
    return readiness(TESTED, diff("", *added, path=path), ["Add a greeting"])


@for_each(
    ("line", "remark"),
    [
        ("# TODO: umlauts", "Notes of work to do: greet.py:2."),
        ("x = 1  // FIXME", "Notes of work to do: greet.py:2."),
        ("<<<<<<< HEAD", "Marks of a merge conflict: greet.py:2."),
        (">>>>>>> main", "Marks of a merge conflict: greet.py:2."),
        ("    breakpoint()", "Debug output: greet.py:2."),
        ("import pdb; pdb.set_trace()", "Debug output: greet.py:2."),
        ("  console.log(user)", "Debug output: greet.py:2."),
        ("  debugger;", "Debug output: greet.py:2."),
        ('print("DEBUG", name)', "Debug output: greet.py:2."),
        ("print(f'here {x}')", "Debug output: greet.py:2."),
        ("    dbg!(x);", "Debug output: greet.py:2."),
        ("@pytest.mark.skip", "Tests switched off or run alone: greet.py:2."),
        ("  it.only('greets', () => {", "Tests switched off or run alone: greet.py:2."),
        ("\tt.Skip()", "Tests switched off or run alone: greet.py:2."),
    ],
)
def test_leftover_is_named_with_its_line(line: str, remark: str) -> None:
    assert found(line) == (remark,)


@for_each(
    "lines",
    [
        ["# if name:", "#     greet(name)"],
        ["// const a = 1;", "// greet(a);"],
        ["# import os", "# from os import path"],
    ],
)
def test_code_in_comments_is_named(lines: list[str]) -> None:
    assert found(*lines) == ("Commented-out code: greet.py:3.",)


@for_each(
    "lines",
    [
        ["# For each of these: see below", "# and then (only then) this one.", "# Returns early (see above)"],
        ["# if that fails:", "the_next()"],
        ["#!/bin/sh", "#include <stdio.h>", "#define X {"],
        ["print(name)", "logger.debug('x')", "mastodon = 1", "x <<<<<<< y", "'======='"],
        ["skip = True", "unit.skip()", "hackathon = 'xxx'"],
    ],
)
def test_prose_and_ordinary_code_are_no_leftovers(lines: list[str]) -> None:
    assert found(*lines) == ()


def test_pages_may_speak_of_these_but_hold_no_conflict() -> None:
    assert found("TODO", "breakpoint()", "// a();", "// b();", path="docs/x.md") == ()
    assert found("<<<<<<< HEAD", path="docs/x.md") == ("Marks of a merge conflict: docs/x.md:2.",)


def test_lines_are_those_of_the_new_file_and_removed_ones_do_not_count() -> None:
    text = (
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -10,3 +20,3 @@ def f():\n context\n-# TODO old\n+# TODO new\n"
        "@@ -50 +60,2 @@\n+one\n+# FIXME\n"
    )
    assert readiness(TESTED, text, []) == ("Notes of work to do: a.py:21, a.py:61.",)


def test_many_places_are_counted() -> None:
    assert found(*["# TODO"] * 5) == ("Notes of work to do: greet.py:2, greet.py:3, greet.py:4 and 2 more.",)


def test_hunk_of_white_space_is_named_and_a_real_change_is_not() -> None:
    head = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n"
    spaces = f"{head}@@ -7,2 +7,2 @@\n-if x :\n-    y\n+if x:\n+        y\n"
    assert readiness(TESTED, spaces, []) == ("Hunks that change white space only: a.py:7.",)
    assert readiness(TESTED, f"{head}@@ -7 +7 @@\n-a b\n+a c\n", []) == ()
    assert readiness(TESTED, f"{head}@@ -7,0 +7 @@\n+\n", []) == ()


def test_stray_and_binary_files_are_named_if_they_are_new() -> None:
    binary = "diff --git a/logo.png b/logo.png\nnew file mode 100644\nBinary files /dev/null and b/logo.png differ\n"
    stray = diff("x", path="greet.py.orig")
    assert readiness(TESTED, binary + stray, []) == (
        "Stray files: greet.py.orig.",
        "New binary files: logo.png.",
    )
    assert readiness(TESTED, binary.replace("logo.png", "tests/logo.png"), []) == ()
    assert readiness(TESTED, binary.replace("new file mode 100644\n", ""), []) == ()


@for_each(
    ("numbers", "remark"),
    [
        ("10\t0\tgreet.py", "10 lines of code added, and no test changed."),
        ("300\t0\tgreet.py", "300 lines of code added, and no test or documentation changed."),
        (
            "300\t0\tgreet.py\0001\t0\ttest_greet.py",
            "300 lines of code added, and no documentation changed.",
        ),
        ("300\t0\tgreet.py\0001\t0\tREADME.md\0001\t0\tsrc/Greet.test.ts", ""),
        ("10\t0\tgo/greet_test.go\00010\t0\tgo/greet.go", ""),
        ("10\t0\tGreetTest.java\00010\t0\tGreet.java", ""),
        ("0\t10\tgreet.py", ""),
        ("10\t0\tREADME.md\00010\t0\tconfig.toml\00010\t0\tLICENSE", ""),
        ("500\t301\ttests/test_greet.py", "801 changed lines in 1 file: hard to review in one piece."),
        ("9000\t0\tpoetry.lock\0001\t0\ttests/test_a.py", ""),
        ("-\t-\tlogo.png", ""),
    ],
)
def test_size_and_companions(numbers: str, remark: str) -> None:
    assert readiness(parse_numstat(numbers), "", []) == ((remark,) if remark else ())


@for_each(
    ("subject", "remark"),
    [
        ("WIP: greet", "Unfinished commits: “WIP: greet”."),
        ("fixup! Add a greeting", "Unfinished commits: “fixup! Add a greeting”."),
        ("update", "Commits whose subject does not say what changed: “update”."),
        ("Fix.", "Commits whose subject does not say what changed: “Fix.”."),
        ("x" * 73, f"Commit subjects of more than 72 characters: “{'x' * 71}…”."),
        ("Fix the greeting of empty names", ""),
        ("Wipe the cache", ""),
        ("x" * 72, ""),
    ],
)
def test_commit_subjects(subject: str, remark: str) -> None:
    assert readiness((), "", [subject]) == ((remark,) if remark else ())


def test_lines_made_to_be_slow_to_look_at_are_looked_at_once() -> None:
    assert found(*[f"#{' ' * 380}x"] * 900, "#" + " " * 390) == ()


def test_cut_diff_is_named() -> None:
    assert readiness(TESTED, diff("# TODO"), [], is_cut=True)[-1].startswith("The diff is longer")
    assert readiness(TESTED, diff("x"), [], is_cut=True) == (
        "The diff is longer than what was looked through here.",
    )


@given(st.text(), st.lists(st.text()))
def test_any_text_gives_bounded_single_lines(text: str, subjects: list[str]) -> None:
    for remark in readiness((), f"diff --git a/a b/a\n@@ -1 +1 @@\n+{text}", subjects):
        assert "\n" not in remark
        assert len(remark) < 1000
