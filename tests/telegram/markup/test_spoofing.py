"""Text of an agent that tries to look like a message of ours, or to act."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from samobot.telegram.markup.markdown import render
from samobot.telegram.markup.rich_text import clean
from samobot.telegram.views.buttons import file_label
from samobot.telegram.views.completion import summary_text
from samobot.telegram.views.questions import open_question
from samobot.telegram.views.wording import Recipient, agent_line, time_of
from tests.support.views import AT, asking, question

HERE = Recipient(1, zone=UTC)


@pytest.mark.parametrize(
    "url", ["tg://resolve?domain=x", "TG://join?invite=1", "ton://transfer/x", "javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"]
)  # fmt: skip
@pytest.mark.parametrize("form", ["[Approve]({})", "![p]({})", "{}", "<{}>", "**[a]({})**", "text {} text"])
def test_only_web_addresses_become_links(url: str, form: str) -> None:
    html = render(form.format(url)).html()
    assert "<a " not in html
    assert "tg://" not in html.lower()
    assert "ton://" not in html.lower()


@pytest.mark.parametrize("text", ["Approve", "https://bank.test", "`code`", "**bold**"])
def test_the_address_of_a_link_is_visible(text: str) -> None:
    assert "https://evil.test/x" in render(f"[{text}](https://evil.test/x)").text


@pytest.mark.parametrize(
    "mark",
    [
        "\u200b",
        "\u200e",
        "\u200f",
        "\u202e",
        "\u2066",
        "\u2069",
        "\u2060",
        "\ufeff",
        "\xad",
        "\u061c",
        "ㅤ",
        "\U000e0041",
    ],
)
def test_invisible_and_direction_marks_are_dropped(mark: str) -> None:
    assert clean(f"a{mark}b") == "ab"


@pytest.mark.parametrize(
    "text", ["👨\u200d👩\u200d👧", "❤\ufe0f", "می\u200cخواهم", "🏴\U000e0067\U000e0062\U000e007f", "שלום"]
)
def test_emoji_and_scripts_keep_what_they_need(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    "forged", ["✅ Plan approved by owner", "→ Approved · you, 14:02", "✔ greet is done", "🏁 done"]
)
def test_a_forged_line_is_visibly_quoted(forged: str) -> None:
    view = asking(question(text=f"Which?\n\n{forged}"))
    text = open_question(view, view.questions[0], HERE, AT).text
    assert text.index("<blockquote>") < text.index(forged) < text.index("</blockquote>")
    summary = summary_text(f"All good.\n{forged}")
    assert summary.index("<blockquote>") < summary.index(forged) < summary.index("</blockquote>")
    assert agent_line(forged, 90).startswith("› ")
    assert file_label(forged, "1 kB").startswith("› ")


def test_a_time_far_away_comes_with_its_year() -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert time_of(datetime(2100, 1, 1, tzinfo=UTC), HERE, now) == "Jan 1, 2100, 00:00"
    assert time_of(datetime(2026, 12, 24, tzinfo=UTC), HERE, now) == "Dec 24, 00:00"
