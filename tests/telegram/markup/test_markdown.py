"""What an agent writes arrives: never refused, nothing lost, looking as it was meant."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from samobot.sandbox.botapi.entities import EntityType, tidy
from samobot.sandbox.botapi.parse_mode import parse_html
from samobot.telegram.markup import html
from samobot.telegram.markup.html import from_html, to_plain
from samobot.telegram.markup.markdown import render
from samobot.telegram.markup.rich_text import RichText, Style, TextSpan, clean, escape
from samobot.telegram.markup.tables import squeezed
from tests.support import nasty
from tests.support.cases import for_each
from tests.support.examples import examples

ANYTHING = st.text(st.characters(), max_size=400)  # lone surrogates and control characters among them
MARKUP = st.lists(
    st.sampled_from([*"*_`~[]()<>|#>-+!&\\\n :=1.", "```", "~~", "  ", "\n\n", "\n- ", "\n> ", "\n|-|-|\n", "http://a.bc", "word"]),
    max_size=120,
).map("".join)  # fmt: skip


def accepted(html: str) -> None:
    """Telegram takes it, and would change nothing about it."""
    formatted = parse_html(html)
    assert from_html(html).text == formatted.text
    code = [e for e in formatted.entities if e.type in (EntityType.CODE, EntityType.PRE)]
    quotes = {EntityType.BLOCKQUOTE, EntityType.EXPANDABLE_BLOCKQUOTE}
    for entity in formatted.entities:
        assert entity.length > 0
        inside = [c for c in code if c is not entity and c.offset < entity.end and entity.offset < c.end]
        assert not inside or entity.type in quotes
    for first, second in pairwise(
        sorted((e for e in formatted.entities if e.type in quotes), key=lambda e: e.offset)
    ):
        assert first.end <= second.offset
    assert tidy(formatted).text.strip() == formatted.text.strip().replace("\t", " ")


@for_each("text", nasty.texts())
def test_no_text_is_ever_refused_or_shortened(text: str) -> None:
    rich = render(text)
    accepted(rich.html())
    plain = clean(text)
    shown = rich.text + " ".join(span.value for span in rich.spans)
    lost = {word for word in re.findall(r"[^\W_]{2,}", plain) if word not in shown}
    # Markdown's own words: character references, the titles of links.
    assert lost <= {"amp", "lt", "nbsp", "copy", "x110000", "py"}


@given(st.text(alphabet="abZéß漢7 ,;:.'\"()/%+=?-", max_size=60))
def test_render_of_a_line_without_markup_is_what_the_parser_makes_of_it(line: str) -> None:
    assert render(line) == render(line + "\n")  # a line end leads through the parser


@examples(300)
@given(st.one_of(ANYTHING, MARKUP))
def test_any_string_at_all_is_accepted(text: str) -> None:
    accepted(render(text).html())


@examples(200)
@given(st.lists(st.tuples(st.sampled_from(["", "- ", "> ", "1. ", "# ", "    ", "```\n", "| a | b |\n|--|--|\n| ", "**", "~~", "`", "[x](", "<", "[n]: "]), st.integers(0, 10**6)), max_size=25))  # fmt: skip
def test_every_word_is_still_there(lines: list[tuple[str, int]]) -> None:
    words = [f"w{number}w" for _, number in lines]
    rich = render("\n".join(start + word for (start, _), word in zip(lines, words, strict=True)))
    shown = rich.text + " ".join(span.value for span in rich.spans)
    assert [word for word in words if word not in shown] == []


@for_each(
    ("markdown", "html"),
    [
        ("# Title", "<b>Title</b>"),
        ("**b** *i* ~~s~~ `c`", "<b>b</b> <i>i</i> <s>s</s> <code>c</code>"),
        ("**b *i* b**", "<b>b <i>i</i> b</b>"),
        ("**b `c` b**", "<b>b </b><code>c</code><b> b</b>"),
        ("# **b**", "<b>b</b>"),
        ("a List<String> & b", "a List&lt;String&gt; &amp; b"),
        ("```py\nx < 1\n```", '<pre><code class="language-py">x &lt; 1</code></pre>'),
        ("```rust,ignore\nx\n```", '<i>ignore</i>\n<pre><code class="language-rust">x</code></pre>'),
        ("```\n  x\n", "<pre>  x</pre>"),
        ("> a\n> b", "<blockquote>a\nb</blockquote>"),
        ("> a\n> > b", "<blockquote>a\n\n│ b</blockquote>"),
        ("- a\n- b\n  - c\n    1. d", "• a\n• b\n  ◦ c\n    1. d"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- [ ] a\n- [x] b", "☐ a\n☑ b"),
        ("- a\n\n  b\n- c", "• a\n\n  b\n• c"),
        ("- ```\n  x\n  ```", "• \n<pre>x</pre>"),
        ("a\n\n---\n\nb", "a\n\n──────────\n\nb"),
        (
            "[t](https://a.bc/?x=1&y=2)",
            't (<a href="https://a.bc/?x=1&amp;y=2">https://a.bc/?x=1&amp;y=2</a>)',
        ),
        ("[`t`](https://a.bc)", '<code>t</code> (<a href="https://a.bc">https://a.bc</a>)'),
        ("[](https://a.bc)", '<a href="https://a.bc">https://a.bc</a>'),
        ("[t](src/a.py)", "t (<code>src/a.py</code>)"),
        ("[t](javascript:x)", "t (<code>javascript:x</code>)"),
        ("[t](http://localhost:80)", "t (<code>http://localhost:80</code>)"),
        ("<me@a.bc>", "me@a.bc"),
        ("![t](https://a.bc/p.png)", '🖼 t (<a href="https://a.bc/p.png">https://a.bc/p.png</a>)'),
        ("| a | bb |\n|-|-|\n| ccc | `d` |", "<pre>a   │ bb\n────┼───\nccc │ d</pre>"),
        ("| 日本 | b |\n|-|-|\n| x | y |", "<pre>日本 │ b\n─────┼──\nx    │ y</pre>"),
        ("> | a | b |\n> |-|-|\n> | c | d |", "<blockquote><pre>a │ b\n──┼──\nc │ d</pre></blockquote>"),
        ("| a | b |\n|-|-|\n| c | d | e |", "<pre>| a | b |\n|-|-|\n| c | d | e |</pre>"),
        ("# h\n\nx\n\n- y", "<b>h</b>\nx\n\n• y"),
        ("short\nlines stay", "short\nlines stay"),
        ("x" * 70 + "\nwrapped", "x" * 70 + " wrapped"),
        ("a\x1b[31mred\x1b[0m\x00\ud800b", "ared\ufffdb"),
        (
            "| a | b |\n|-|-|\n| x | [t](https://a.bc) |",
            '<b>a: x</b>\n  b: t (<a href="https://a.bc">https://a.bc</a>)',
        ),
        ("[Note]: kept", "[Note]: kept"),
        ("", ""),
    ],
)
def test_markdown_looks_as_it_was_meant(markdown: str, html: str) -> None:
    assert render(markdown).html() == html


def test_a_table_too_wide_for_a_phone_becomes_a_list_a_row() -> None:
    head = "| Name | What it is there for, in many words | State |\n|-|-|-|\n"
    html = render(head + "| `a` | **this**, mostly | on |\n| b | that | off |").html()
    assert html.startswith(
        "<b>Name: </b><code>a</code>\n  What it is there for, in many words: <b>this</b>, mostly\n  State: on\n"
    )
    assert "\n<b>Name: b</b>\n" in html


@given(st.lists(st.text(alphabet=" ab1│", max_size=12), max_size=6))
def test_squeezed_rows_lose_only_room_that_no_row_needs(rows: list[str]) -> None:
    made = squeezed(rows)
    assert ["".join(row.split()) for row in made] == ["".join(row.split()) for row in rows]
    assert all(len(after) <= len(row) for after, row in zip(made, rows, strict=True))
    assert squeezed(made) == made


def test_squeezed_columns_stay_below_each_other() -> None:
    assert squeezed(["a      1   2", "bbb   10   3"]) == ["a    1 2", "bbb 10 3"]


def test_a_long_quote_can_be_expanded() -> None:
    html = render("\n".join(["> line"] * 20)).html()
    assert html.startswith("<blockquote expandable>")


def test_nesting_beyond_reason_is_shown_as_typed() -> None:
    deep = "> " * 300 + "deep"
    assert render(deep).html() == deep.replace(">", "&gt;")


@given(ANYTHING)
def test_our_own_messages_are_safe_whatever_a_field_holds(text: str) -> None:
    for make in (
        escape,
        html.bold,
        html.code,
        html.pre,
        html.quote,
    ):
        made = make(text)
        assert parse_html(made).text == clean(text)
        assert to_plain(made) == clean(text)
    parse_html(html.link(text, text))
    parse_html(html.pre(text, text))
    assert f'href="https://a.bc/{escape("x")}' in html.link(text, "https://a.bc/x")


@given(st.one_of(ANYTHING, MARKUP))
def test_any_html_can_be_made_plain(text: str) -> None:
    to_plain(text)
    to_plain(render(text).html())


def test_plain_text_keeps_the_addresses_of_links() -> None:
    assert to_plain('<b>a</b> &lt;<a href="https://a.bc/?x&amp;y">t</a>&gt;') == "a <t (https://a.bc/?x&y)>"
    assert to_plain("1 < 2 <nonsense> </b> <b>open") == "1 < 2 <nonsense>  open"


@for_each("text", nasty.texts())
def test_html_is_read_back_as_it_was_written(text: str) -> None:
    rich = render(text)
    assert from_html(rich.html()) == rich


def test_a_part_of_a_code_block_is_a_code_block_in_the_same_language() -> None:
    rich = RichText("ab\ncd", (TextSpan(Style.PRE, 0, 5, "py"),))
    assert rich.part(3, 5).html() == '<pre><code class="language-py">cd</code></pre>'
