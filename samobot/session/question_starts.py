"""Which lines of `_qa.md` start a question. Pure, and linear in the text's length.

A question starts with a heading `### Q1: …`. Other forms that models write are accepted as well: bold or plain lines
`**Q1: …**`, `Q1: …`, numbered headings and lists, headings that end in `?`, and text above an answer line. The weaker
the form, the more evidence is required, so that text within a question starts no new one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from samobot.regex import regex
from samobot.session.blocks import Line

_TAG = r"(?:\s{0,2}[\[(][^\])\n]{0,60}[\])])?"
QUESTION_NAMES = (
    r"Q(?:uestion)?|Frage|Pregunta|Domanda|Pergunta|Вопрос|Питання|Въпрос|Питање|Pytanie|Ot[áa]zka|K[ée]rd[ée]s|Întrebare|Pitanje"
    r"|Vraag|Fr[åa]ga|Sp[øo]rsm[åa]l|Kysymys|Soru|Pertanyaan|Soalan|Ερώτηση|Câu hỏi|प्रश्न|सवाल|سؤال|السؤال|پرسش|שאלה|คำถาม"
    r"|问题|問題|提问|質問|問い|질문|문제"
)
LABEL = regex(
    r"(?:[^\w\s#.]{1,3}\s{0,2}){0,3}(?:\[[^\]\n]{0,30}\]\s{0,2})?(?:\*{0,2}|_{1,2})"
    rf"(?:{QUESTION_NAMES})\s{{0,3}}[#.-]?\s?"
    r"(?P<number>[0-9]{1,6})(?P<part>(?:\.[0-9]{1,3}){0,3}(?:[a-z](?![a-z]))?)"
    r"(?:\s?(?:/|of|von|из|de)\s?[0-9]{1,4})?[*_`\]]{0,3}"
    rf"{_TAG}\*{{0,2}}~{{0,2}}\s{{0,3}}(?:[:：.)|–—-]\*{{0,2}}(?P<title>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_NUMBERED = regex(r"\W{0,4}(?P<number>[0-9]{1,4})[.):]\*{0,2}\s{1,3}(?P<title>\S.*)", re.DOTALL)
_WORD_NUMBER = regex(
    r"\W{0,4}(?P<word>[^\W\d_]{1,20})\s?[#-]?(?P<number>[0-9]{1,4})(?P<part>(?:\.[0-9]{1,3}){0,3})"
    rf"{_TAG}\*{{0,2}}\s?[:.)–—-]\*{{0,2}}\s{{0,3}}(?P<title>.*)",
    re.DOTALL,
)
_NO_QUESTION = frozenset(
    (
        "option",
        "choice",
        "variant",
        "alternative",
        "round",
        "phase",
        "part",
        "step",
        "section",
        "note",
        "answer",
        "a",
    )
)
_LIST_MARK = regex(r"\s{0,3}(?:[-*+]\s{1,3}|[0-9]{1,3}[.)]\s{1,3})?(?=\*\*|__)")
_PLAIN_LABEL = regex(
    rf"\s{{0,3}}(?:[-*+]\s{{1,3}})?(?:\[[ xX]\]\s{{1,3}})?(?=(?:{QUESTION_NAMES})\s?#?[0-9])", re.IGNORECASE
)
_NO_NUMBER = regex(
    r"\s{0,3}(?:[-*+]\s{1,3})?(?P<bold>\*\*|__)?(?:Question|Frage|Pregunta|Domanda|Pergunta|Вопрос|问题|問題|質問|질문)"
    r"\s?(?:[:：](?(bold)(?P=bold))|(?(bold)(?P=bold)[:：]|[:：]))\s{0,3}(?P<title>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_TAGS = regex(r"(?:\s{0,3}</?[a-zA-Z][^<>\n]{0,80}>){1,8}\s{0,3}")
_LAST_TAGS = regex(r"(?:\s{0,3}</[a-zA-Z][^<>\n]{0,20}>){1,8}\s{0,3}$")
_KEYCAP = regex(r"(\s{0,3})([1-9])\ufe0f?\u20e3\s{0,3}(?=\S)")
UNDERLINE = regex(r" {0,3}(?:={2,200}|-{2,200}|~{3,200}|\^{3,200}) {0,8}")
"""The line below a heading in the form of Setext or reStructuredText."""

_DONE_MARK = regex(
    r"\s{0,3}(?:[✅✔☑✓]\ufe0f?|\[x\]|\((?:answered|done|resolved)\)|\[(?:answered|done|resolved)\])\s{0,3}$",
    re.IGNORECASE,
)
_MAX_DONE_MARKS = 4
_LONGEST_LINE = 10_000
_LISTED = regex(r"\s{0,8}(?:[-*+|>] |[0-9]{1,4}[.)] )")
BREAK = regex(r" {0,3}(?:-[ \t]{0,3}){3,40}|(?:\*[ \t]{0,3}){3,40}|_{3,80}")
_OPTION_LIKE = regex(r"\s{0,4}(?:[-*+]\s{1,3})?[*(\[]{0,3}[A-Ba-b1-2][).:\]]")


class StartStrength(IntEnum):
    """How clearly a line starts a question."""

    LABELLED_HEADING = 4
    LABELLED_LINE = 3
    HEADING = 2
    NUMBERED_LINE = 1


class QuestionStart(NamedTuple):
    """A line that may start a question; `at` is its index."""

    at: int
    strength: StartStrength
    number: int | None
    part: str
    title: str


def find_starts(lines: Sequence[Line], marks: Sequence[bool]) -> list[QuestionStart]:
    """Return all lines that may start a question.

    Args:
        lines: The file.
        marks: For each line, whether it is the mark of an answer.
    """
    found = []
    for index, line in enumerate(lines):
        if line.code or marks[index] or line.blank:
            continue
        if line.level:
            start = _heading_start(index, line)
        else:
            start = _line_start(index, _without_tags(line))
            if start is None and index + 1 < len(lines) and UNDERLINE.fullmatch(lines[index + 1].text[:300]):
                start = _underlined_start(index, line)
        if start is not None:
            found.append(start)
    return found


def choose_starts(
    lines: Sequence[Line], marks: Sequence[bool], starts: list[QuestionStart], borders: frozenset[int]
) -> list[QuestionStart]:
    """Return the starts that are questions, strongest forms first."""
    strong = [each for each in starts if each.strength is StartStrength.LABELLED_HEADING]
    labelled = [each for each in starts if each.strength is StartStrength.LABELLED_LINE]
    headings = [each for each in starts if each.strength is StartStrength.HEADING]
    chosen = _without_groups(lines, marks, strong)
    chosen = _with_more(lines, marks, chosen, labelled, needs_mark=bool(strong))
    chosen = _with_more(lines, marks, chosen, headings, needs_mark=bool(chosen))
    if not chosen:
        numbered = [each for each in starts if each.strength is StartStrength.NUMBERED_LINE]
        has_marks = any(marks)
        chosen = [
            each
            for each, stop in zip(numbered, [*(one.at for one in numbered), len(lines)][1:], strict=True)
            if any(marks[each.at : stop]) or (not has_marks and _ends_asking(each.title))
        ]
    if not chosen and any(marks):
        chosen = _above_marks(lines, marks, borders)
    return chosen


def _heading_start(index: int, line: Line) -> QuestionStart | None:
    title = line.title
    if label := LABEL.fullmatch(title):
        return _start(index, StartStrength.LABELLED_HEADING, label)
    word = _WORD_NUMBER.fullmatch(title)
    if word is not None and word["word"].casefold() not in _NO_QUESTION:
        return _start(index, StartStrength.HEADING, word)
    if word is None and (numbered := _NUMBERED.fullmatch(title)):
        return _start(index, StartStrength.HEADING, numbered)
    if word is None and _ends_asking(title):
        return QuestionStart(index, StartStrength.HEADING, None, "", _cleaned(title))
    return None


def _underlined_start(index: int, line: Line) -> QuestionStart | None:
    if not _ends_asking(line.text) or _LISTED.match(line.text):
        return None
    return QuestionStart(index, StartStrength.HEADING, None, "", _cleaned(line.text))


def _without_tags(line: Line) -> Line:
    """Return a line without the HTML around its text, and with `1.` for a keycap."""
    text = line.text
    if text.lstrip(" ").startswith("<") and len(text) <= _LONGEST_LINE:
        text = _TAGS.sub("", text)
    elif "\u20e3" in text[:10]:
        text = _KEYCAP.sub(r"\1\2. ", text, count=1)
    return line if text is line.text else line._replace(text=text)


def _line_start(index: int, line: Line) -> QuestionStart | None:
    text = line.text
    if len(text) > _LONGEST_LINE:
        return None
    if (mark := _LIST_MARK.match(text)) is not None:
        body = text[mark.end() :]
        bold, body = body[:2], body[2:].replace(body[:2], "", 1)
        if label := LABEL.fullmatch(body):
            return _start(index, StartStrength.LABELLED_LINE, label)
        if (numbered := _NUMBERED.fullmatch(body)) or (word := _WORD_NUMBER.fullmatch(body)) is None:
            if numbered:
                return _start(index, StartStrength.NUMBERED_LINE, numbered)
            if _ends_asking(body) and text.count(bold) >= 2:
                return QuestionStart(index, StartStrength.NUMBERED_LINE, None, "", _cleaned(body))
            return None
        if word["word"].casefold() in _NO_QUESTION:
            return None
        return _start(index, StartStrength.NUMBERED_LINE, word)
    if (mark := _PLAIN_LABEL.match(text)) is not None:
        label = LABEL.fullmatch(text[mark.end() :])
        if label is not None and label["title"]:
            return _start(index, StartStrength.LABELLED_LINE, label)
        return None
    if (asked := _NO_NUMBER.fullmatch(text)) is not None:
        return QuestionStart(index, StartStrength.LABELLED_LINE, None, "", _cleaned(asked["title"]))
    if (numbered := _NUMBERED.fullmatch(text)) is not None and not text.startswith(("    ", "\t")):
        return _start(index, StartStrength.NUMBERED_LINE, numbered)
    return None


def _start(index: int, strength: StartStrength, found: re.Match[str]) -> QuestionStart:
    groups = found.groupdict()
    title = _cleaned(groups.get("title") or "")
    return QuestionStart(index, strength, int(found["number"]), groups.get("part") or "", title)


def _cleaned(title: str) -> str:
    """Return a title without the marks of an answered question around it."""
    title = _LAST_TAGS.sub("", title.strip()) if title.rstrip().endswith(">") else title.strip()
    for _ in range(_MAX_DONE_MARKS):
        title = title[:-40] + _DONE_MARK.sub("", title[-40:])
    for mark in ("~~", "**", "__", "*"):
        if title.count(mark) == 1 and title.endswith(mark):
            title = title.removesuffix(mark)
    return title.strip()


def _ends_asking(title: str) -> bool:
    return _cleaned(title).rstrip("*_ `)").endswith(("?", "？", "؟"))


def _without_groups(
    lines: Sequence[Line], marks: Sequence[bool], strong: list[QuestionStart]
) -> list[QuestionStart]:
    """Leave out a heading `Q1` that only groups `Q1.1`, `Q1.2`."""
    kept = []
    for each, following in zip(strong, [*strong, None][1:], strict=True):
        groups = (
            following is not None
            and not each.part
            and following.part != ""
            and following.number == each.number
            and not any(marks[each.at : following.at])
            and lines[following.at].level > lines[each.at].level
        )
        if not groups:
            kept.append(each)
    return kept


def _with_more(
    lines: Sequence[Line],
    marks: Sequence[bool],
    chosen: list[QuestionStart],
    weaker: list[QuestionStart],
    *,
    needs_mark: bool,
) -> list[QuestionStart]:
    """Add weaker starts that are outside of the chosen questions, or below the answer of one."""
    if not weaker:
        return chosen
    ordered = sorted([*chosen, *weaker], key=lambda each: each.at)
    stops = [*(each.at for each in ordered), len(lines)][1:]
    own = set(chosen)
    kept: list[QuestionStart] = []
    is_answered = True
    for each, stop in zip(ordered, stops, strict=True):
        has_mark = any(marks[each.at : stop])
        if each not in own:
            previous = kept[-1] if kept else None
            same = previous is not None and previous.strength is each.strength
            level, above = lines[each.at].level, lines[previous.at].level if previous else 0
            outside = is_answered or same or (0 < level <= above)
            asked = has_mark or (
                not needs_mark
                and (each.strength is StartStrength.LABELLED_LINE or _is_asked(lines, each, stop))
            )
            if (
                not outside
                or not asked
                or (same and previous is not None and not has_mark and _is_repeated(lines, previous, each))
            ):
                is_answered = is_answered or has_mark
                continue
        kept.append(each)
        is_answered = has_mark
    return kept


def _is_repeated(lines: Sequence[Line], previous: QuestionStart, start: QuestionStart) -> bool:
    """Return whether a start only repeats the question above it, or is a heading within it."""
    if start.number is None and previous.number is None:
        return lines[start.at].level > lines[previous.at].level
    return start.number == previous.number


def _is_asked(lines: Sequence[Line], start: QuestionStart, stop: int) -> bool:
    if _ends_asking(start.title):
        return True
    return sum(1 for line in lines[start.at + 1 : stop] if _OPTION_LIKE.match(line.text)) >= 2


def _above_marks(
    lines: Sequence[Line], marks: Sequence[bool], borders: frozenset[int]
) -> list[QuestionStart]:
    """Take the text above each answer line for its question."""
    found = []
    begin: int | None = None
    for index, line in enumerate(lines):
        if marks[index]:
            if begin is not None:
                found.append(
                    QuestionStart(
                        begin,
                        StartStrength.NUMBERED_LINE,
                        None,
                        "",
                        lines[begin].title or lines[begin].text.strip(),
                    )
                )
            begin = None
        elif (
            begin is None and not line.blank and not line.text.startswith(">") and line.number not in borders
        ):
            if not 1 <= line.level <= 2 and not BREAK.fullmatch(line.text):
                begin = index
        elif begin is not None and 1 <= line.level <= 2:
            begin = None
    return found
