"""Text of an agent that tries to look like a message of ours, or to act."""

from __future__ import annotations

import unicodedata

import pytest

from samobot.telegram.markup.disguise import plain_undisguised, undisguised
from samobot.telegram.markup.html import to_plain
from samobot.telegram.markup.markdown import render
from samobot.telegram.markup.rich_text import clean
from tests.support.cases import for_each


@for_each(
    "url", ["tg://resolve?domain=x", "TG://join?invite=1", "ton://transfer/x", "javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"]
)  # fmt: skip
@for_each("form", ["[Approve]({})", "![p]({})", "{}", "<{}>", "**[a]({})**", "text {} text"])
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
    ("text", "shown"),
    [
        ("gіthub.com", "g‹і›thub.com"),
        ("Αpprove", "‹Α›pprove"),
        ("pаypаl", "p‹а›yp‹а›l"),
        ("Plan 𝗮𝗽𝗽𝗿𝗼𝘃𝗲𝗱", "Plan approved"),
        ("Ａｐｐｒｏｖｅ", "Approve"),
        ("see /approve now", "see ∕approve now"),
        ("/stop@samo_bot", "∕stop@samo_bot"),
        ("tap /𝐬𝐭𝐨𝐩 or /ｓｔｏｐ", "tap ∕stop or ∕stop"),
        ("𝐭𝐠://resolve?domain=x", "tg: //resolve?domain=x"),
        ("ask @evil_bot or ＠evil_bot", "ask ﹫evil_bot or ﹫evil_bot"),
        ("me@evil.test, icon@2x.png, @me, @types/node", "me@evil.test, icon@2x.png, @me, ﹫types/node"),
        ("Ꭺpprove ᗩpprove Ⲣlan օpen", "‹Ꭺ›pprove ‹ᗩ›pprove ‹Ⲣ›lan ‹օ›pen"),
        ("Հայերեն ᏣᎳᎩ ⲀⲂⲄ", "Հայերեն ᏣᎳᎩ ⲀⲂⲄ"),
        ("a\u2003\u2003\u2003b", "a b"),
        ("Привет, мир", "Привет, мир"),
        ("URLы и αβγ", "URLы и αβγ"),
        ("αx + νy", "αx + νy"),
        ("μs, Δt, 5 Ω", "μs, Δt, 5 Ω"),
        ("/usr/bin and/or 1/2 https://a.bc/x", "/usr/bin and/or 1/2 https://a.bc/x"),
    ],
)
def test_look_alikes_are_marked_and_commands_are_inert(text: str, shown: str) -> None:
    assert plain_undisguised(text) == shown


def test_no_link_is_made_of_pieces() -> None:
    html = undisguised(render("**t**g://resolve?domain=x &#116;*on*://y")).html()
    assert to_plain(html) == "tg: //resolve?domain=x ton: //y"


def test_code_keeps_its_decorators() -> None:
    html = undisguised(render("`@dataclass` and @dataclass\n```\n@pytest.fixture\n```")).html()
    assert "<code>@dataclass</code> and ﹫dataclass" in html
    assert "@pytest.fixture" in html


def test_styles_stay_where_they_were() -> None:
    html = undisguised(render("**pаy** /stop *x*")).html()
    assert html == "<b>p‹а›y</b> ∕stop <i>x</i>"


def test_towers_of_accents_are_cut() -> None:
    assert clean("a" + "\u0336" * 40 + "b") == "a" + "\u0336" * 3 + "b"


def test_a_text_is_cleaned_alike_wherever_what_has_to_go_stands() -> None:
    """One search decides whether there is anything to do: it must know all that the replacements know."""
    odd = [
        chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Mn")
    ]
    odd += [
        *"\u115f\u1160\u3164\uffa0",
        *map(chr, range(0xFFF0, 0x10000)),
        *map(chr, range(0xE0000, 0xE0080)),
    ]
    different = [char for char in odd if clean(f"a{char * 5}b") != clean(f"\0a{char * 5}b")]
    assert different == []
