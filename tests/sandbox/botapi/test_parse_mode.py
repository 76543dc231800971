"""HTML as Telegram reads it: what is accepted, and the words of the refusals."""

from __future__ import annotations

import html

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samobot.sandbox.botapi.entities import Entity, EntityType, Formatted, tidy, utf16_length, with_found
from samobot.sandbox.botapi.failure import ApiFailure
from samobot.sandbox.botapi.parse_mode import parse_html, to_html

B, CODE, PRE = EntityType.BOLD, EntityType.CODE, EntityType.PRE


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("<x>", 'Unsupported start tag "x" at byte offset 0'),
        ("é🚀<br/>", 'Unsupported start tag "br/" at byte offset 6'),
        ("List<String>", 'Unsupported start tag "string" at byte offset 4'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<", "Unclosed start tag at byte offset 0"),
        ('<a href="x', 'Unclosed start tag "a" at byte offset 0'),
        ("<a href=", 'Unclosed start tag "a" at byte offset 0'),
        (
            "<a href>x</a>",
            'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0',
        ),
        ("<a =x>", 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<a href=http://x>y</a>", "Unexpected end of name token at byte offset 8"),
        ("</b>", "Unexpected end tag at byte offset 0"),
        ("<b></b", "Unclosed end tag at byte offset 3"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<tg-emoji>x</tg-emoji>", 'Tag "tg-emoji" must have attribute "emoji-id" at byte offset 0'),
    ],
)
def test_refusals_have_the_text_of_telegram(source: str, complaint: str) -> None:
    with pytest.raises(ApiFailure) as caught:
        parse_html(source)
    assert caught.value.message == f"Bad Request: can't parse entities: {complaint}"


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("a &lt; b &amp;&quot;&gt;", 'a < b &">', []),
        ("&nbsp; &copy; & &; &#; &#0;", "&nbsp; &copy; & &; &#; &#0;", []),
        ("&#65;&#x1F680;&lt", "A🚀<", []),
        ("🚀<b>x</b>", "🚀x", [Entity(B, 2, 1)]),
        ("<STRONG>x</strong >", "x", [Entity(B, 0, 1)]),
        ("<b></b>x", "x", []),
        ("<b>x</>", "x", [Entity(B, 0, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [Entity(EntityType.SPOILER, 0, 1)]),
        ("<blockquote expandable>x</blockquote>", "x", [Entity(EntityType.EXPANDABLE_BLOCKQUOTE, 0, 1)]),
        ("<blockquote>x</blockquote>", "x", [Entity(EntityType.BLOCKQUOTE, 0, 1)]),
        ('<code class="language-py">x</code>', "x", [Entity(CODE, 0, 1)]),
        ('<pre><code class="language-py">x</code></pre>', "x", [Entity(PRE, 0, 1, language="py")]),
        ("<pre><code>x</code></pre>", "x", [Entity(CODE, 0, 1), Entity(PRE, 0, 1)]),
        (
            '<a href="https://e.org/?a=1&amp;b">x</a>',
            "x",
            [Entity(EntityType.TEXT_LINK, 0, 1, url="https://e.org/?a=1&b")],
        ),
        ("<a>e.org</a>", "e.org", [Entity(EntityType.TEXT_LINK, 0, 5, url="http://e.org/")]),
        ('<a href="http://localhost">x</a>', "x", []),
        ('<a href="src/x y">x</a>', "x", []),
        ('<a href="tg://user?id=7">x</a>', "x", [Entity(EntityType.TEXT_MENTION, 0, 1, user_id=7)]),
        (
            '<tg-emoji emoji-id="5">👍</tg-emoji>',
            "👍",
            [Entity(EntityType.CUSTOM_EMOJI, 0, 2, custom_emoji_id="5")],
        ),
    ],
)
def test_what_telegram_takes_means_what_it_means_there(
    source: str, text: str, entities: list[Entity]
) -> None:
    assert parse_html(source) == Formatted(text, tuple(entities))


@given(st.text())
def test_escaped_text_always_passes_and_comes_back(text: str) -> None:
    assert parse_html(html.escape(text)).text == text.replace("\N{APOSTROPHE}", "'")


@given(st.text(alphabet="<>/&;\"'= ab\0x#1é🚀\n"))
def test_no_input_breaks_the_parser(source: str) -> None:
    try:
        formatted = tidy(parse_html(source))
    except ApiFailure:
        return
    size = utf16_length(formatted.text)
    assert all(0 <= entity.offset < entity.end <= size for entity in formatted.entities)


_TAGS = ["b", "i", "u", "s", "tg-spoiler", "code", "pre", "blockquote"]
_TREES = st.recursive(
    st.text(alphabet="ab <&🚀\r\n", min_size=1).map(html.escape),
    lambda inner: st.builds(lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>", st.sampled_from(_TAGS), st.lists(inner)),
    max_leaves=8,
)  # fmt: skip


@given(_TREES)
@example("<b><b>&lt;</b><code>&lt;</code></b>")
def test_shown_html_reads_back_as_the_same_message(source: str) -> None:
    formatted = tidy(parse_html(source))
    assert tidy(parse_html(to_html(formatted))) == formatted


def test_a_text_is_trimmed_and_cleaned_and_its_entities_move_along() -> None:
    assert tidy(Formatted("  a\r\n\tb\x07 \n")) == Formatted("a\n b")
    assert tidy(Formatted("\r\n x ", (Entity(B, 3, 2),))) == Formatted("x", (Entity(B, 0, 1),))
    assert tidy(Formatted(" \n ")) == Formatted("")
    assert tidy(parse_html("<b> </b>x")) == Formatted(" x", (Entity(B, 0, 1),))


def test_code_is_freed_from_other_formatting_and_quotes_do_not_nest() -> None:
    assert tidy(parse_html("<b>a<code>b</code>c</b>")).entities == (
        Entity(B, 0, 1),
        Entity(CODE, 1, 1),
        Entity(B, 2, 1),
    )
    nested = "<blockquote>a<blockquote>b</blockquote></blockquote>"
    assert tidy(parse_html(nested)).entities == (Entity(EntityType.BLOCKQUOTE, 0, 2),)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/run demo", ["bot_command:/run"]),
        ("/run@samo_bot x", ["bot_command:/run@samo_bot"]),
        ("see /stop.", ["bot_command:/stop"]),
        ("/usr/bin a/b 1/2", []),
        ("mail a.b@example.org @ann https://e.org/a_(b), #tag #1", ["email:a.b@example.org", "url:https://e.org/a_(b", "hashtag:#tag"]),
        ("hi @anna!", ["mention:@anna"]),
        ("🚀 /go", ["bot_command:/go"]),
    ],
)  # fmt: skip
def test_commands_links_and_names_are_found_in_plain_text(text: str, found: list[str]) -> None:
    formatted = with_found(Formatted(text))
    units = text.encode("utf-16-le")
    assert [
        f"{entity.type}:{units[2 * entity.offset : 2 * entity.end].decode('utf-16-le')}"
        for entity in formatted.entities
    ] == found


def test_nothing_is_found_inside_code() -> None:
    assert [entity.type for entity in with_found(parse_html("<code>/run</code> /stop")).entities] == [
        CODE,
        EntityType.BOT_COMMAND,
    ]
