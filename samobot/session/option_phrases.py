"""Options without lines of their own letters: several on one line, in the heading, plain bullets. Pure, and linear."""

from __future__ import annotations

import re
from collections.abc import Sequence

from samobot.regex import regex
from samobot.session.blocks import Line
from samobot.session.option_layouts import OptionLine, letter_of

OPTIONS_KEY = regex(
    r"\s{0,3}(?:#{1,6}\s{1,3})?\W{0,4}(?:options?|choices|possible answers|alternatives|optionen|alternativen|varianten|m[öo]glichkeiten|opciones|alternativas"
    r"|opções|opzioni|opties|opcje|mo[žż]nosti|alternativ|valg|vaihtoehdot|seçenekler|варианты|варіанти|опции|lựa chọn|các lựa chọn|pilihan"
    r"|الخيارات|خيارات|אפשרויות|विकल्प|ตัวเลือก|选项|選項|選択肢|옵션|선택지)\W{0,6}\s{0,4}(?P<value>.*)",
    re.IGNORECASE,
)
BULLET = regex(r"\s{0,3}[-*+]\s{1,4}(?=\S)")
_KEY = (
    r"(?P<bold>\*\*)?(?:\(?(?P<round>{key})\)|\[(?P<square>{key})\]"
    r"|(?:^|(?<=[|,;:]\s)|(?<=\s\s))(?P<plain>{capital})(?:[:.]|\s[=–—→](?=\s))|(?P<dotted>{capital})\.)"
    r"(?P<close>\*\*)?\s{{1,3}}(?=\S)"
)
_LETTERS = regex(r"(?:^|(?<=[\s,;|/:>]))" + _KEY.format(key="[A-Za-z]", capital="[A-Z]"))
_NUMBERS = regex(r"(?:^|(?<=[\s,;|/:>]))" + _KEY.format(key="[1-9]", capital="[1-9]"))
_BETWEEN = regex(r"(?:<br\s?/?>|\b(?:or|oder|or else|o|ou)|[\s,;|/*–—-])+$", re.IGNORECASE)
_AND = regex(r"\b(?:and|und|et|e|y)\s$|&\s$")
_LEAD = regex(r"\s{0,8}(?:[-*+]\s{1,4})?\**")
_LISTED = (" | ", " / ", ";", ",", "/")
_LAST = regex(r"(?:,\s{0,2}|\s)(?:or|and|oder|und|o|ou|или)\s", re.IGNORECASE)
_FRAME = " *_`[](){}"
_LONGEST_LINE = 5_000
_LONGEST_ITEM = 60
_FEWEST = 2
_MOST = 8
_ASKS = ("?", "？", "؟")
_CHOOSING = regex(
    r"\b(?:options?|choose|choices?|pick|either|one of|which|prefer|alternatives?|candidates?)\b",
    re.IGNORECASE,
)
_CONFIRMING = regex(
    r"\b(?:confirm|correct|agree|assum\w{0,6}|following|these|all|any of|everything|right|okay|ok)\b",
    re.IGNORECASE,
)
_NAME_END = regex(r"\*\*:?\s|\s[-–—(]|[:,;.(\n]")
_REASON = regex(r"\s{0,2}(?:$|[-–—(,;:.!]|(?:because|since|as|for|due)\b)")
_YES_NO = regex(
    r"[(\[]\s?(?P<yes>yes|y|ja|oui|sí|si|sim)\s?(?:/|\||\bor\b)\s?(?P<no>no|n|nein|non|não)\s?[)\]][\s?*_]{0,4}$",
    re.IGNORECASE,
)


def find_inline(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    """Read `A) x  B) y` on one line."""
    return _first_line(body, skipped, _LETTERS)


def find_inline_numbers(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    """Read `(1) x (2) y` on one line."""
    return _first_line(body, skipped, _NUMBERS)


def find_listed(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    """Read `Options: x / y / z` on one line."""
    for index, line in enumerate(body):
        key = None if line.code or index in skipped else OPTIONS_KEY.fullmatch(line.text[:500])
        if key is None or ":" not in line.text[: key.start("value")]:
            continue
        value = key["value"].strip().rstrip(".")
        sign = next((each for each in _LISTED if each in value), None)
        if sign is None and _LAST.search(value) is None:
            continue
        items = [
            item for part in (value.split(sign) if sign else [value]) for item in _LAST.split(f" {part}")
        ]
        found = [item.strip(_FRAME) for item in items if item.strip(_FRAME)]
        if _FEWEST <= len(found) <= _MOST and max(map(len, found)) <= _LONGEST_ITEM:
            return [OptionLine(index, letter_of(at) or "", item) for at, item in enumerate(found, 1)]
    return []


def find_bullets(
    title: str, body: Sequence[Line], skipped: frozenset[int], suggestion: str
) -> list[OptionLine]:
    """Return the bullets without letters that are what a question offers.

    These are the last ones, right below the question or a sentence about a choice, or those that the suggestion names.
    """
    stop = min(skipped, default=len(body))
    while stop > 0 and body[stop - 1].blank:
        stop -= 1
    start = stop
    while (
        start > 0
        and not body[start - 1].code
        and (body[start - 1].blank or BULLET.match(body[start - 1].text) or body[start - 1].text[:1] in " \t")
    ):
        start -= 1
    above = next((line.text for line in reversed(body[:start]) if not line.blank), title).rstrip(" *_`")
    found: list[OptionLine] = []
    for index in range(start, stop):
        seen = BULLET.match(body[index].text)
        letter = letter_of(len(found) + 1)
        if seen is not None and letter is not None:
            found.append(OptionLine(index, letter, body[index].text[seen.end() :].strip()))
    if not _FEWEST <= len(found) <= _MOST or any(each.text.rstrip(" *_`)").endswith(_ASKS) for each in found):
        return []
    if any(names_option(suggestion, each.text) for each in found):
        return found
    is_choice = _CHOOSING.search(above) is not None if above.endswith((":", "：")) else above.endswith(_ASKS)
    is_all = _CONFIRMING.search(above) is not None and _CHOOSING.search(above) is None
    return found if is_choice and not is_all else []


def split_title(title: str) -> tuple[str, list[tuple[str, str]]]:
    """Return a heading without the options at its end, and those: `Which? (A) x (B) y`, `Mock it? (y/n)`."""
    if (found := _YES_NO.search(title)) is not None:
        answers = (
            ("Yes", "No")
            if found["no"].lower() in ("no", "n") and found["yes"][0] in "yY"
            else (found["yes"], found["no"])
        )
        return title, [(each[0].upper(), each.capitalize()) for each in answers]
    for pattern in (_LETTERS, _NUMBERS):
        options = _split(title, pattern)
        if options:
            start = options[0][0]
            above = title[:start].rstrip(" *_-–—:")
            is_end = above.endswith(_ASKS) or title[:start].rstrip().endswith((":", "-", "–", "—"))
            return above if is_end else title, [(letter, text) for _, letter, text in options]
    return title, []


def names_option(suggestion: str, option: str) -> bool:
    """Return whether a suggestion is an option's name, perhaps with a reason: what is bold, or before its first sign."""
    lead = _plain(_NAME_END.split(option.lstrip("*_`"), maxsplit=1)[0])
    said = _plain(suggestion)
    return len(lead) >= 2 and said.startswith(lead) and _REASON.match(said[len(lead) :]) is not None


def _first_line(body: Sequence[Line], skipped: frozenset[int], pattern: re.Pattern[str]) -> list[OptionLine]:
    for index, line in enumerate(body):
        if not line.code and index not in skipped and (found := _split(line.text, pattern)):
            return [OptionLine(index, letter, text) for _, letter, text in found]
    return []


def _split(line: str, pattern: re.Pattern[str]) -> list[tuple[int, str, str]]:
    """Return place, letter and text of the options on a line, if their keys are in order and written alike."""
    if len(line) > _LONGEST_LINE:
        return []
    keys: list[re.Match[str]] = []
    for seen in pattern.finditer(line):
        due = str(len(keys) + 1) if pattern is _NUMBERS else letter_of(len(keys) + 1)
        key = _key_of(seen)
        is_alike = not keys or key.isupper() == _key_of(keys[0]).isupper()
        if key.upper() == due and is_alike:
            keys.append(seen)
    if len(keys) < _FEWEST:
        return []
    stops = [*(key.start() for key in keys[1:]), len(line)]
    if any(key["dotted"] for key in keys) and (
        # “A. Miller and B. Smith” are people.
        not _begins(line, keys[0].start()) or _AND.search(line, keys[-1].start() - 4, keys[-1].start())
    ):
        return []
    found = []
    for number, (mark, stop) in enumerate(zip(keys, stops, strict=True), 1):
        text = re.sub(r"(?:<br\s?/?>|\\)$", "", line[mark.end() : stop].strip()).lstrip(" ,;|/*-–—")
        found.append((mark.start(), letter_of(number) or "", _BETWEEN.sub("", text)))
    return found


def _begins(line: str, start: int) -> bool:
    lead = _LEAD.match(line)
    key = OPTIONS_KEY.match(line[:start])
    return (lead is not None and lead.end() >= start) or (key is not None and not key["value"].strip())


def _key_of(found: re.Match[str]) -> str:
    return next(found[name] for name in ("round", "square", "plain", "dotted") if found[name])


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[*_`]", "", text[:300]).casefold().split())
