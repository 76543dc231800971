"""HTML for our own messages: made of texts that may hold anything, read back to be cut or sent plain."""

from __future__ import annotations

import html
import re

from samobot.telegram.markup.rich_text import Builder, RichText, Style, TextSpan, clean, escape


def bold(text: object) -> str:
    """Bold HTML of any text."""
    return f"<b>{escape(text)}</b>"


def code(text: object) -> str:
    """Inline code of any text; a tap copies it."""
    return f"<code>{escape(text)}</code>"


_COMMAND = re.compile(
    r"(?<![\w/])(?:(?<=“)/[A-Za-z]\w{0,31}(?:\s[^”\n]{0,200})?(?=”)|/(?:help|sessions) (?:all|archived)\b|/land [a-z0-9][\w.-]{0,63}(?= ))"
)


def with_commands_as_code(text: str) -> str:
    """HTML of a text in which a command that is quoted, or has an argument, is code.

    Telegram makes each `/word` a link that sends it without its argument.
    """
    pieces, at = [], 0
    for found in _COMMAND.finditer(text):
        pieces += [escape(text[at : found.start()]), code(found[0])]
        at = found.end()
    return "".join([*pieces, escape(text[at:])])


def pre(text: object, language: str = "") -> str:
    """A code block of any text."""
    shown = clean(str(text))
    return RichText(shown, (TextSpan(Style.PRE, 0, len(shown), safe_language(language)),)).html()


def quote(text: object) -> str:
    """A quote of any text."""
    return f"<blockquote>{escape(text)}</blockquote>"


def link(text: object, url: str) -> str:
    """A link, or the text with the address in brackets if Telegram would not take the address."""
    if not safe_url(url):
        return f"{escape(text)} ({code(url)})"
    return f'<a href="{escape(url)}">{escape(text)}</a>'


_URL = re.compile(
    r"https?://[^\s/?#@\\]*[^\s/?#@\\.]\.[^\s/?#@\\.][^\s/?#@\\]*(?:[/?#]\S*)?\Z", re.IGNORECASE
)


def safe_url(url: str) -> bool:
    """Whether Telegram takes an address for a link: `http` or `https` with a dot in the host."""
    return len(url) <= 1024 and _URL.match(url) is not None


def safe_language(info: str) -> str:
    """The language of a code block as Telegram takes it, or nothing."""
    found = re.match(r"[A-Za-z0-9_+#.-]{1,32}(?![^\s,;:{(])", info.strip())
    return found[0].lower() if found else ""


_TOKEN = re.compile(r"<(/?)(b|i|u|s|code|pre|a|blockquote)((?:\s[^<>]*)?)>")
_ATTRIBUTE = re.compile(r'(?:href="([^"]*)"|class="language-([^"]*)"|(expandable))')
_STYLES = {style.value: style for style in Style}


def from_html(source: str) -> RichText:
    """Read HTML that the functions here have made; anything else in it is text.

    The way back from messages that were put together as HTML, to cut them (`split`) or to send them plain.
    """
    builder = Builder()
    tags: list[tuple[str, bool]] = []
    at = 0
    language = ""
    for token in _TOKEN.finditer(source):
        _add(builder, tags, html.unescape(source[at : token.start()]), language)
        at = token.end()
        closing, tag, rest = token.groups()
        attribute = _ATTRIBUTE.search(rest)
        if closing:
            if not tags or tags[-1][0] != tag:
                continue
            if tags.pop()[1]:
                builder.close()
            continue
        if tag in ("pre", "code"):
            tags.append((tag, False))
            language = html.unescape(attribute[2] or "") if attribute else ""
            continue
        value = html.unescape(attribute[1] or "") if attribute else ""
        expandable = tag == "blockquote" and attribute is not None and bool(attribute[3])
        builder.open(Style.EXPANDABLE if expandable else _STYLES[tag], value)
        tags.append((tag, True))
    _add(builder, tags, html.unescape(source[at:]), language)
    return builder.made()


def _add(builder: Builder, tags: list[tuple[str, bool]], text: str, language: str) -> None:
    if not text:
        return
    if ("pre", False) in tags:
        builder.verbatim(Style.PRE, text, language)
    elif ("code", False) in tags:
        builder.verbatim(Style.CODE, text)
    else:
        builder.text(text)


def to_plain(source: str) -> str:
    """The text of HTML that Telegram refused, with the addresses of links: the form that is never refused."""
    rich = from_html(source)
    pieces = []
    at = 0
    for span in sorted((span for span in rich.spans if span.style is Style.LINK), key=lambda span: span.end):
        shown = rich.text[span.start : span.end]
        pieces.append(rich.text[at : span.end] + ("" if span.value == shown else f" ({span.value})"))
        at = span.end
    return clean("".join([*pieces, rich.text[at:]]))
