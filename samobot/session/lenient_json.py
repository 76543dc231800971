"""One JSON object from the text of a file that a model wrote, with the slips that have one meaning repaired. Pure.

Accepted besides JSON: text and a Markdown fence around the object, an object in a list or under one key, comments,
extra commas, single or typographic quotation marks, keys without any, Python's `True` and `None`, backslashes that escape
nothing, line breaks inside strings, and UTF-16.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from samobot.regex import regex

Pairs = Iterable[tuple[str, object]]

_TOKEN = regex(
    r'"(?:[^"\\]|\\.)*(?:"|\Z)'
    r"|'(?:[^'\\\n]|\\.)*(?:'|$)"
    r"|“[^”\n]*(?:”|$)"
    r"|//[^\n]*|#[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)"
    r"|(?<![\w.$-])[A-Za-z_$][\w$-]*"
    r"|,(?=\s*[}\]])",
    re.DOTALL | re.MULTILINE,
)
_DROPPED = ("//", "/*", "#", ",")
_CONSTANTS = {"true": "true", "false": "false", "none": "null", "null": "null", "undefined": "null"}
_BAD_ESCAPE = regex(r'\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})|\\\\|\\"')
_SINGLE = regex(r"\\'|\\.|\"", re.DOTALL)
_ESCAPED = regex(r'\{\s*\\"')
_NEXT_OBJECT = regex(r"\{\s*[\"'“\w]+\s*:")
_ABOVE = regex(r"(?:[\ufeff\0\s]|//[^\n]*|#[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)*")
_OPENINGS = ("{", "[", '"')
_WIDE = ("\udcff\udcfe", "\udcfe\udcff")


def decode_object(text: str, collect: Callable[[Pairs], dict[str, object]]) -> tuple[object, str, int | None]:
    """Return the first JSON value of a text.

    Args:
        text: As `read_text` returns it.
        collect: Makes an object of its pairs.

    Returns:
        The value; the text that it was read from, for counting lines; the offset of a second object in it, if any.

    Raises:
        json.JSONDecodeError: It is not JSON, also when repaired.
        ValueError: A number is too long.
        RecursionError: Lists are too deep.
    """
    text = _narrow(text)
    start = _start(text)
    try:
        value, stop = _decode(text, start, collect)
    except json.JSONDecodeError as first:
        if not text.startswith(_OPENINGS, start):
            raise
        text = text[:start] + _repaired(text[start:])
        try:
            value, stop = _decode(text, start, collect)
        except json.JSONDecodeError:
            raise first from None
    second = _NEXT_OBJECT.search(text, stop)
    return value, text, second.start() if second else None


def _narrow(text: str) -> str:
    """Return the text of a file in UTF-16, which Windows programs write, as it was meant."""
    if not text.startswith(_WIDE) and "\0" not in text[:2]:
        return text
    content = text.encode("utf-8", "surrogateescape")
    name = "utf-16" if text.startswith(_WIDE) else "utf-16-be" if text[0] == "\0" else "utf-16-le"
    try:
        return content.decode(name)
    except UnicodeDecodeError:
        return text


def _start(text: str) -> int:
    """Return where the JSON starts: below comments, and below text or a fence above an object."""
    above = _ABOVE.match(text)
    start = above.end() if above is not None else 0
    if text.startswith(_OPENINGS, start):
        return start
    found = text.find("{", start)
    return found if found >= 0 else start


def _decode(text: str, start: int, collect: Callable[[Pairs], dict[str, object]]) -> tuple[object, int]:
    # strict=False: a line break inside a string is a common slip and has one meaning.
    return json.JSONDecoder(strict=False, object_pairs_hook=collect).raw_decode(text, start)


def _repaired(text: str) -> str:
    if _ESCAPED.match(text):
        text = text.replace('\\"', '"')
    # Twice: a comma may be extra only once the comment after it is dropped.
    return _TOKEN.sub(_repair, _TOKEN.sub(_repair, text))


def _repair(found: re.Match[str]) -> str:
    token = found[0]
    if token.startswith(_DROPPED):
        return "\n" * token.count("\n")
    if token[0] == '"':
        return _BAD_ESCAPE.sub(_escape, token)
    if token[0] == "'":
        inner = _SINGLE.sub(lambda each: {"\\'": "'", '"': '\\"'}.get(each[0], each[0]), token[1:-1])
        return f'"{_BAD_ESCAPE.sub(_escape, inner)}"' if token.endswith("'") else token
    if token[0] == "“":
        return json.dumps(token[1:-1], ensure_ascii=False) if token.endswith("”") else token
    is_key = found.string[found.end() : found.end() + 20].lstrip(" \t").startswith(":")
    return json.dumps(token) if is_key else _CONSTANTS.get(token.casefold(), json.dumps(token))


def _escape(found: re.Match[str]) -> str:
    return found[0] if len(found[0]) == 2 else "\\\\"
