"""HTML of our own messages."""

from __future__ import annotations

import pytest

from samobot.telegram.markup.html import to_plain, with_commands_as_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nothing is running. /sessions lists all.", "Nothing is running. /sessions lists all."),
        (
            "No archived one. /sessions archived lists all.",
            "No archived one. <code>/sessions archived</code> lists all.",
        ),
        ("That is gone. /help all lists all.", "That is gone. <code>/help all</code> lists all."),
        ("“x” is no step; /land greet shows them.", "“x” is no step; <code>/land greet</code> shows them."),
        ("There is no session “/panik”.", "There is no session “<code>/panik</code>”."),
        ("“/run x & y” was not used.", "“<code>/run x &amp; y</code>” was not used."),
        ("/tmp/help all is <full>.", "/tmp/help all is &lt;full&gt;."),
        ("greet is done; /land", "greet is done; /land"),
    ],
)
def test_commands_that_do_not_work_with_a_tap_are_code(text: str, expected: str) -> None:
    assert with_commands_as_code(text) == expected
    assert to_plain(expected) == text
