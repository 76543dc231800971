"""A question's lines sorted into text, options and suggestion. Pure, and linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Sequence

from samobot.frozen import frozen
from samobot.look_alikes import plain_letters
from samobot.regex import regex
from samobot.session.blocks import Line
from samobot.session.option_layouts import OptionLine, frame_of, letter_of, with_letter_for_roman
from samobot.session.option_lines import (
    bulleted,
    find_options,
    firm_option,
    is_cyrillic,
    latin_letter,
    without_sign,
)
from samobot.session.option_phrases import OPTIONS_KEY, find_bullets, names_option, split_title
from samobot.session.question import Option

_SUGGESTION_NAMES = (
    r"(?:my |our |the |agent's )?(?:suggestions?|suggested(?: (?:answer|option|choice|default))?|recommendations?"
    r"|recommended(?: (?:answer|option|choice|default))?|vorschlag|empfehlung|recomendaci[óo]n|recommandation|sugerencia"
    r"|sugest[ãa]o|recomenda[çc][ãa]o|propuesta|proposta|proposition|raccomandazione|suggerimento|consiglio"
    r"|suggestie|voorstel|aanbeveling|advies|f[öo]rslag|forslag|rekommendation|anbefaling|ehdotus|suositus"
    r"|sugestia|rekomendacja|propozycja|n[áa]vrh|doporučen[íi]|odpor[úu]čanie|javaslat|aj[áa]nl[áa]s|recomandare|preporuka"
    r"|öneri|tavsiye|đề xuất|gợi ý|khuyến nghị|saran|rekomendasi|πρόταση|рекомендация|предложение|пропозиція|рекомендація"
    r"|الاقتراح|اقتراح|التوصية|توصية|پیشنهاد|המלצה|הצעה|सुझाव|अनुशंसा|คำแนะนำ|ข้อเสนอแนะ|ข้อเสนอ|建议|推荐|建議|推薦|提案|推奨|おすすめ|お勧め|추천|제안|권장)"
)
_BOLD_NAMES = (
    r"(?:default(?: answer)?|preferred(?: (?:answer|option))?|preference|proposal|proposed(?: answer)?|lean(?:ing)?"
    r"|(?:i|we) (?:recommend|suggest)|suggest|recommend|my (?:pick|choice|vote|preference))"
)
# The names are in there once: to compile them takes longer than to read a file.
_SUGGESTION = regex(
    rf"\s{{0,8}}(?:[-*+>]\s{{1,4}})?(?:[^\w\s*_#]{{1,3}}\s{{0,2}})?"
    rf"(?:(?P<bold>\*\*|__|\*|_)(?:[^\w\s*_#]{{1,3}}\s{{0,2}})?|(?P<heading>#{{1,6}}\s{{1,3}})\*{{0,2}}|)"
    rf"(?:{_SUGGESTION_NAMES}|(?(bold){_BOLD_NAMES}|(?!)))"
    rf"(?(bold)(?:\s?\([^()\n]{{0,40}}\))?"
    rf"\s{{0,4}}(?:[:：]\s?(?P=bold)|(?P=bold)\s{{0,4}}[:：]|(?P=bold)\s{{1,3}}[-–—]|:)"
    rf"|(?(heading)\*{{0,2}}\s{{0,3}}(?::|$)|\s{{0,4}}(?::|\s[-–—](?=\s))))",
    re.IGNORECASE,
)
_SENTENCE = regex(
    r"\s{0,8}(?:[-*+>]\s{1,4})?\W{0,4}(?:I|We)(?:['’]d| would| will)?\s(?:recommend|suggest|propose|prefer|lean towards|go with)\b",
    re.IGNORECASE,
)
_CIRCLED = frozenset(chr(code) for code in range(0x24B6, 0x24EA))
_SMALL = regex(r"[*_`(\[“\"]{0,3}(?P<key>[a-z])(?:[*_`).:,;\]”\"]|\s{0,3}[-–—(=]|\s{0,3}$)")
_LETTER = regex(
    r"(?:[Oo]ption\s{1,3})?[*_`(\[“\"]{0,3}(?P<key>[A-Z]|[0-9]{1,2}(?![0-9.,]))(?:[*_`).:,;\]”\"]|\s{0,3}[-–—(=]|\s{1,3}(?:because|since|as|for|due)\b|\s{0,3}$)"
)
_LATER_LETTER = regex(
    r"\b(?:option|choice|with|choose|pick|take|recommend|suggest|prefer|propose|is)\s{1,3}[*_`(]{0,3}(?P<key>[A-Z])[*_`]{0,2}(?![\w'’])",
)
_RECOMMENDED = regex(
    r"[(\[_*]{1,4}(?:recommended|suggested|preferred|my suggestion|my recommendation|default|empfohlen)\b[^)\]\n]{0,40}[)\]_*]"
    r"|(?:←|<-|<=|[-–—])\s{0,2}\*{0,2}(?:recommended|suggested|my recommendation)\b|[⭐★👈✅]",
    re.IGNORECASE,
)


@frozen
class Offer:
    """What a question's lines hold besides its text."""

    text: str
    options: tuple[Option, ...]
    suggestion: str | None
    reason: str


def read_offer(title: str, body: Sequence[Line]) -> Offer:
    """Sort the lines of a question into text, options and suggestion.

    Args:
        title: Text of the heading.
        body: The other lines, without the answer.
    """
    suggested_at = _suggestion_line(body)
    skipped = _value_lines(body, suggested_at)
    options = find_options(body, skipped)
    text, parts, suggestion = _sort(title, body, options, suggested_at)
    if not options and (named := _LETTER.match(suggestion)) is not None and named["key"].isalpha():
        bullets = bulleted(body, skipped)
        if len(bullets) > 1 and named["key"] in {bullet.letter for bullet in bullets}:
            options = bullets
            text, parts, suggestion = _sort(title, body, options, suggested_at)
    if not options:
        options = find_bullets(title, body, skipped, suggestion)
        text, parts, suggestion = _sort(title, body, options, suggested_at)
    if not options:
        short, parts = split_title(title)
        text = short + text[len(title) :]
    offered = tuple(Option(letter, text) for letter, text in parts)
    suggestion = with_letter_for_roman(suggestion, body, options)
    if is_cyrillic(body):
        suggestion = latin_letter(suggestion)
    letter, reason = _split_suggestion(suggestion, offered, is_numbered=_is_numbered(body, options))
    if letter is None and not reason:
        marked = [each.letter for each in offered if _RECOMMENDED.search(each.text[:2_000])]
        letter = marked[0] if len(marked) == 1 else None
    return Offer(text, offered, letter, reason)


def starts_offer(line: Line) -> bool:
    """Return whether a line is the first of options or of a suggestion."""
    return not line.code and (_SUGGESTION.match(line.text) is not None or firm_option(line.text) is not None)


def _suggestion_line(body: Sequence[Line]) -> int | None:
    for index, line in enumerate(body):
        if not line.code and _SUGGESTION.match(line.text):
            return index
    for index, line in enumerate(body):
        if not line.code and _SENTENCE.match(line.text) and _LATER_LETTER.search(line.text[:1_000]):
            return index
    return None


def _value_lines(body: Sequence[Line], at: int | None) -> frozenset[int]:
    """Return the lines of the suggestion that might look like an option."""
    if at is None:
        return frozenset()
    found = _SUGGESTION.match(body[at].text)
    if found is None or body[at].text[found.end() :].strip(" *_"):
        return frozenset((at,))
    following = next((index for index in range(at + 1, len(body)) if not body[index].blank), at)
    others = sum(
        1 for line in body[following + 1 :] if (seen := firm_option(line.text)) is not None and seen[0] == "A"
    )
    is_offer = (seen := firm_option(body[following].text)) is not None and seen[0] == "A" and not others
    return frozenset((at,)) if is_offer and not _any_firm(body[:at]) else frozenset((at, following))


def _any_firm(lines: Sequence[Line]) -> bool:
    return any(firm_option(line.text) is not None for line in lines if not line.code)


def _sort(
    title: str, body: Sequence[Line], options: Sequence[OptionLine], suggested_at: int | None
) -> tuple[str, list[tuple[str, str]], str]:
    """Give each line to the text, an option or the suggestion."""
    text = [title]
    parts: list[tuple[str, list[str]]] = []
    suggestion: list[str] = []
    at: dict[int, list[OptionLine]] = {}
    for option in options:
        at.setdefault(option.at, []).append(option)
    last = options[-1].at if options else -1
    frame = frame_of(body, options)
    spaced = False
    into = text
    after_blank = False
    for index, line in enumerate(body):
        if index == suggested_at:
            found = _SUGGESTION.match(line.text)
            into = suggestion
            into.append(line.text[found.end() :].strip().lstrip("*_ ") if found else line.text.strip())
            after_blank = False
            continue
        if index in at:
            for option in at[index]:
                into = [option.text]
                parts.append((option.letter, into))
            after_blank = False
            continue
        if index in frame or (index < last and not line.code and _is_options_key(line)):
            into, after_blank = text, False
            continue
        if after_blank and not line.blank and not line.text.startswith((" ", "\t")):
            is_description = parts and into is parts[-1][1] and not line.level
            if is_description and index < last:
                spaced = True
            elif not (is_description and spaced and len(into) <= 2) and not (
                into is suggestion and not any(into)
            ):
                if into is not text:
                    text.append("")
                into = text
        into.append(line.text)
        after_blank = line.blank and not line.code
    return (
        "\n".join(text).strip(),
        [(letter, "\n".join(words).strip()) for letter, words in parts],
        _unwrapped("\n".join(suggestion).strip()),
    )


def _is_options_key(line: Line) -> bool:
    found = OPTIONS_KEY.fullmatch(line.text[:500])
    return found is not None and not found["value"].strip()


def _unwrapped(value: str) -> str:
    """Return a suggestion without the end of the emphasis that its name began."""
    return value[:-1].rstrip() if value.endswith(("*", "_")) and value.count(value[-1]) == 1 else value


def _split_suggestion(value: str, options: Sequence[Option], *, is_numbered: bool) -> tuple[str | None, str]:
    """Split a suggestion into the letter of an option and the reason; without a letter it is all reason."""
    letters = {option.letter for option in options}
    plain = _with_plain_letter(value)
    found = _LETTER.match(plain) or _SMALL.match(plain)
    if found is not None:
        key = found["key"].upper()
        letter = key if key.isalpha() else letter_of(int(key)) if is_numbered else None
        if letter in letters:
            return letter, value[found.end("key") :].lstrip('*_`).:,;]=-–—”" \t')
    named = [
        (len(words), option.letter)
        for option in options
        if len(words := _plain(option.text)) >= 3 and _begins_with(_plain(value), words)
    ]
    if named:
        return max(named)[1], value
    leads = [option.letter for option in options if names_option(value, option.text)]
    if len(leads) == 1:
        return leads[0], value
    later = {seen["key"] for seen in _LATER_LETTER.finditer(value[:1_000])} & letters
    return (later.pop(), value) if len(later) == 1 else (None, value)


def _with_plain_letter(value: str) -> str:
    """Return a suggestion that begins with a look-alike, `ⓑ` or `Ⓑ` with the letter in place of that."""
    first = plain_letters(value[:1])
    return (first.upper() if value[:1] in _CIRCLED else first) + value[1:]


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[*_`]", "", text.split("\n", 1)[0][:300]).casefold().split())


def _begins_with(text: str, words: str) -> bool:
    return text.startswith(words) and not text[len(words) : len(words) + 1].isalnum()


def _is_numbered(body: Sequence[Line], options: Sequence[OptionLine]) -> bool:
    if not options:
        return False
    return re.match(r"\W{0,12}(?:[Oo]ption\s)?[0-9]", without_sign(body[options[0].at].text)) is not None
