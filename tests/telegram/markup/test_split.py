"""Long texts arrive in messages that Telegram takes, cut where a reader would."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.sandbox.botapi.entities import EntityType, tidy
from samobot.sandbox.botapi.parse_mode import parse_html
from samobot.telegram.markup import split as split_module
from samobot.telegram.markup.html import bold, code, from_html, quote
from samobot.telegram.markup.markdown import render
from samobot.telegram.markup.rich_text import RichText, Style, TextSpan, clean, escape, utf16_units, visible
from samobot.telegram.markup.split import (
    MESSAGE_ENTITIES,
    PHONE_LINE,
    beginning,
    file_name,
    shorten,
    split,
    split_html,
)
from tests.support import nasty
from tests.support.cases import for_each
from tests.support.examples import examples

rendered = functools.cache(render)
"""The same text is cut at several limits."""


def squeezed(text: str) -> str:
    return "".join(text.split())


def fits(messages: tuple[str, ...], limit: int) -> str:
    """Telegram would take every message; returns all their text."""
    texts = []
    for message in messages:
        formatted = parse_html(message)
        assert utf16_units(formatted.text) <= limit
        assert len(formatted.entities) <= MESSAGE_ENTITIES
        assert visible(tidy(formatted).text)
        texts.append(formatted.text)
    return "".join(texts)


@for_each("limit", [64, 1024, 4096])
@for_each("text", nasty.texts())
def test_messages_fit_and_lose_nothing(text: str, limit: int) -> None:
    rich = rendered(text)
    limit = max(limit, rich.units // 50)  # not the same cut a thousand times
    seen = fits(split(rich, limit), limit)
    if visible(rich.text):
        assert squeezed(seen) == squeezed(rich.text)


@examples(200)
@given(st.text(st.characters(codec="utf-8"), max_size=300), st.integers(16, 80))
def test_no_character_is_lost_at_any_limit(text: str, limit: int) -> None:
    rich = RichText(clean(text))
    seen = squeezed(fits(split(rich, limit), limit))
    wanted = squeezed(rich.text)
    # A stretch with nothing to see makes no message of its own.
    assert seen == wanted or [c for c in wanted if visible(c)] == [c for c in seen if visible(c)]


def test_a_short_text_is_one_message_and_nothing_visible_is_none() -> None:
    assert split(render("**hi**")) == ("<b>hi</b>",)
    assert split(render(" \n\u200b\n")) == ()


def test_text_is_cut_between_paragraphs_before_lines_before_sentences_before_white_space() -> None:
    assert split(render("aaaa bbbb\n\ncccc. dddd\neeee ffff"), 24) == ("aaaa bbbb", "cccc. dddd\neeee ffff")
    assert split(render("aaaa. bbbb\ncccc. dddd eeee"), 20) == ("aaaa. bbbb", "cccc. dddd eeee")
    assert split(render("aaaa bbb. cccc dddd eeee"), 18) == ("aaaa bbb.", "cccc dddd eeee")
    assert split(render("aaaaaaa bbbbbbb ccccccc"), 18) == ("aaaaaaa bbbbbbb", "ccccccc")


def test_a_code_block_that_fits_is_kept_whole() -> None:
    text = "words " * 10 + "\n\n```py\n" + "line\n" * 8 + "```\n\nend"
    first, second = split(render(text), 100)
    assert "<pre>" not in first
    assert second.startswith('<pre><code class="language-py">line\n')
    assert second.endswith("line</code></pre>\n\nend")


def test_code_block_too_long_continues_in_the_same_language_at_a_line() -> None:
    code = "".join(f"    line {i}\n" for i in range(400))
    parts = split(render(f"```py\n{code}```"), 1000)
    assert len(parts) > 4
    for part in parts:
        assert part.startswith('<pre><code class="language-py">    line ')
        assert part.endswith("</code></pre>")
    texts = [parse_html(part).text for part in parts]
    assert "\n".join(texts) == code.rstrip("\n")


def test_links_and_inline_code_are_not_torn() -> None:
    text = "word " * 10 + "[link](https://a.bc/d/e/f) `a code of words` " + "word " * 10
    for limit in range(52, 80):
        for part in split(render(text), limit):
            assert part.count("https://a.bc") in (0, 2)
            assert part.count("<a href=") == part.count("/d/e/f</a>")
            assert ("a code" in part) == ("of words" in part)


@pytest.mark.parametrize(
    "sign", ["👩‍👩‍👧‍👦", "👍🏽", "🇱🇹", "e\u0301", "😀", "🏴\U000e0067\U000e0062\U000e007f"]
)
def test_no_sign_is_torn(sign: str) -> None:
    text = sign * 40
    for limit in range(30, 50):
        parts = split(RichText(text), limit)
        assert "".join(parts) == text
        assert all(part.startswith(sign[0]) and len(part) % len(sign) == 0 for part in parts)


def test_more_than_a_hundred_entities_take_more_messages() -> None:
    parts = split(render(" ".join(f"**b{i}** x" for i in range(250))))
    assert len(parts) == 3
    assert sum(len(parse_html(part).entities) for part in parts) == 250


_PIECES = st.sampled_from(
    [
        "a",
        "<x>",
        "& ",
        '"q"',
        "日本",
        "\n",
        "  ",
        "🙂",
        "tg://x",
        "https://a.bc/?y=1&z=2",
        "\u200b",
        "\u200c",
        "\x1b[0m",
    ]
)
_TEXTS = st.lists(_PIECES, max_size=4).map("".join)
_SHOWN = st.one_of(
    _TEXTS.map(escape),
    _TEXTS.map(bold),
    _TEXTS.map(code),
    _TEXTS,
    _TEXTS.map(quote),
    _TEXTS.map(lambda text: f"<blockquote expandable>{escape(text)}</blockquote>"),
    st.builds(quote, st.integers(0, 700).map("x\ny".__mul__)),
    st.builds(lambda inner: f"<blockquote>{bold(inner)}{escape(inner)}</blockquote>", _TEXTS),
)


@examples(300)
@given(st.lists(_SHOWN, max_size=5).map("".join), st.sampled_from([30, 1024, 4096]))
def test_html_is_left_as_it_is_only_where_reading_it_would_change_nothing(html: str, limit: int) -> None:
    assert split_html(html, limit) == split(from_html(html), limit)


def test_a_question_of_many_lines_with_short_quotes_need_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split_module, "from_html", None)
    html = (
        "❓ <b>greet</b> asks"
        + "\n\n<blockquote><b>A</b> one\n<b>B</b> two\n<b>C</b> three</blockquote>\n\nSo" * 5
    )
    assert split_html(html) == (html,)


def test_html_put_together_from_pieces_can_be_cut() -> None:
    parts = split_html("<b>" + "bold &amp; " * 30 + '</b><a href="https://a.bc">link</a>', 100)
    assert len(parts) > 2
    assert all(part.startswith("<b>") for part in parts)
    assert '<a href="https://a.bc">link</a>' in parts[-1]


@for_each("text", nasty.texts())
@for_each("limit", [20, 200])
def test_shortened_text_fits_and_reports_that_it_was_cut(text: str, limit: int) -> None:
    rich = rendered(text)
    short = shorten(rich, limit)
    parse_html(short.html())
    assert short.units <= limit
    cut = squeezed(short.text) != squeezed(rich.text)
    assert not cut or short.text.endswith("…") or not visible(rich.text)


def test_file_names_are_safe() -> None:
    assert file_name("../../etc/passwd\x00") == "etc-passwd.md"
    assert file_name("") == "text.md"
    assert file_name("План: привет!") == "план-привет.md"
    assert file_name(".hidden") == "hidden.md"
    assert len(file_name("x" * 500)) == 63


def test_spans_over_several_messages_are_opened_again() -> None:
    rich = RichText("word " * 40, (TextSpan(Style.QUOTE, 0, 199), TextSpan(Style.BOLD, 0, 199)))
    parts = split(rich, 60)
    assert len(parts) > 3
    for part in parts:
        kinds = [entity.type for entity in parse_html(part).entities]
        assert kinds == [EntityType.BOLD, EntityType.BLOCKQUOTE]


def test_long_lines_take_several_lines_of_the_screen() -> None:
    assert beginning(RichText("x" * 1000), 3) == 3 * PHONE_LINE
    assert beginning(RichText("a\n" * 10), 3) == len("a\na\na\n")
    assert beginning(RichText("x" * (PHONE_LINE + 1) + "\nb\nc"), 3) == PHONE_LINE + 4


def test_an_emoji_counts_as_telegram_counts_it() -> None:
    assert beginning(RichText("😀"), 1) == 2


@given(st.text(alphabet="a\n😀"), st.integers(1, 12))
def test_it_is_a_beginning_and_never_more_than_the_screen_holds(text: str, most: int) -> None:
    units = beginning(RichText(text), most)
    assert 0 <= units <= utf16_units(text)
    if len(text) <= PHONE_LINE and "\n" not in text:
        assert units == utf16_units(text)
