"""Where the answer of a question is: its mark `**Answer:**` in all usual forms, and the text after it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from samobot.frozen import frozen
from samobot.regex import regex
from samobot.session.blocks import Line, quote_length, unquote

_MAX_CHARACTERS = 400
_STATUS = (
    r"(?:(?:still |currently )?(?:waiting|awaiting|pending|unanswered|outstanding|undecided|ausstehend|offen)\b[^\n]{0,80}"
    r"|tbd|tba|tbc|todo|to do|n/?a|none yet|nothing yet|no answer(?: yet)?|not (?:yet )?(?:answered|decided|given)(?: yet)?"
    r"|to be (?:answered|decided|determined|filled|provided|confirmed)[^\n]{0,60})"
)
_FOREIGN = (
    r"(?:wartet|warten|wartend|esperando|pendiente|en attente|in attesa|aguardando|pendente|ожидает(?:ся)?|ожидание|жд[её]м|"
    r"oczekuje|oczekiwanie|czeka|wachten|wacht(?: op antwoord)?|väntar|venter|avventer|odottaa|bekliyor|bekleniyor|menunggu"
    r"|en espera|a la espera|por responder|a compl[ée]ter|da rispondere|em espera|等待|等待中|待回答|待ち|回答待ち|未回答|대기|대기중)"
)
_BARE = regex(
    r"(?:waiting|null|nil|(?:waiting|pending) (?:for|on) you|awaiting(?: (?:an |your |user )?(?:answer|response|reply|input))?|pending|unanswered|tbd|tba|tbc|todo"
    r"|n/a|n\.a|none yet|no (?:answer|response|reply) yet|no (?:response|reply)|not yet answered|not answered(?: yet)?"
    r"|(?:waiting (?:for|on)|awaiting|pending) (?:(?:the|your|an?) )?(?:user|owner|human)?(?:'s)? ?"
    r"(?:answer|response|reply|input|decision|confirmation)?"
    r"|to be (?:answered|decided|determined|filled in|confirmed)(?: by (?:you|the user|user|the owner|owner))?"
    r"|ausstehend|noch (?:offen|nicht beantwortet)|pendiente(?: de respuesta)?|sin respuesta|en attente(?: de réponse)?"
    r"|in attesa(?: di risposta)?|nog niet beantwoord|не отвечено|нет ответа|ожидает ответа|ещ[её] не отвечено"
    r"|待定|待確認|待确认|待回复|待回答|待答复|未回答|未定|検討中|回答待ち|미정|답변 대기)",
    re.IGNORECASE,
)
_MARKED = regex(
    rf"(?:{_STATUS}|{_FOREIGN}|default:? [^\n]{{0,60}}|open|none|empty|blank|answer|response"
    r"|(?:(?:leave |please |your |the |user(?:'s)? |write |type |add |put |enter |fill |insert |choose |pick |select )"
    r"[^\n]{0,80}))",
    re.IGNORECASE,
)
_ITALIC = regex(r"_[^\s_\n]{1,20}(?: [^\s_\n]{1,20}){0,3}_")
"""A short text in italics; in a script other than plain ASCII it is taken for a placeholder: no answer is written so."""
_CHOICE = regex(r"(?:[A-Za-z](?:\s?[/|,]\s?[A-Za-z]){1,25})")
_COMMENT = regex(r"^<!--[^>\n]{0,200}-->\s{0,3}(?=\S)")
_TAGS = regex(r"(?:</?[a-zA-Z][^<>\n]{0,80}>\s{0,9}){1,9}")
_NOTED = regex(r"(?P<mark>_[^_\n]{1,60}_)\s{1,3}\([^()\n]{1,60}\)")
_BOXED_CHOICE = regex(r"(?:(?:☐|□|⬜|\[\s?\])\ufe0f?\s{0,3}[A-Za-z](?:\s{1,4}|$)){2,26}")
_BOXES = regex(r"(?:[-*+]\s{1,3})?\[\s?\](?:\s.{0,200})?")
_PAIRS = {
    "_": "_",
    "*": "*",
    "`": "`",
    "~": "~",
    "(": ")",
    "[": "]",
    "<": ">",
    "{": "}",
    "«": "»",
    "“": "”",
    '"': '"',
}
_SIGNS = frozenset(" \t_-–—.…?*~⏳⌛🕐❓✏️\u200b")


def is_placeholder(text: str) -> bool:
    """Return whether a text stands for an answer that has not been given yet."""
    text = text.strip()
    if len(text) > _MAX_CHARACTERS:
        return False
    if "\n" in text:
        return all(is_placeholder(line) for line in text.split("\n") if line.strip())
    if _TAGS.fullmatch(text) and text.startswith("</"):
        return True
    if text.startswith("<!--") and text.endswith("-->") and text.count("<!--") == 1:
        return True
    text = _COMMENT.sub("", text, count=1).replace("\\_", "_")
    if (noted := _NOTED.fullmatch(text)) is not None and is_placeholder(noted["mark"]):
        return True
    if _SIGNS.issuperset(text) or _BOXES.fullmatch(text) or _BOXED_CHOICE.fullmatch(text):
        return True
    if _ITALIC.fullmatch(text) is not None and not text.isascii():
        return True
    inner, marked = _inside(text.strip("⏳⌛🕐❓✏️🟡⚪🔴– —\t"))
    if not inner:
        return True
    plain = inner.rstrip(" .…!:?？")
    if _BARE.fullmatch(plain):
        return True
    return marked and (_MARKED.fullmatch(plain) or _CHOICE.fullmatch(plain)) is not None


def _inside(text: str) -> tuple[str, bool]:
    """Return the text without the emphasis and brackets around it, and whether there were any."""
    marked = False
    for _ in range(6):
        trimmed = text.strip().rstrip(".…") if text.rstrip(".…")[-1:] in _PAIRS.values() else text.strip()
        if len(trimmed) < 2 or _PAIRS.get(trimmed[0]) != trimmed[-1]:
            break
        text, marked = trimmed[1:-1], marked or trimmed[0] not in '"“«'
    return text.strip(), marked


_NAMES = (
    r"(?:(?:your|user|user's|users|my|owner|owner's|human|final|the|q[0-9]{1,4})\s)?answers?(?:\s(?:to\s|for\s)?q?[0-9]{1,4})?"
    r"|(?:deine |ihre |eure )?antwort|(?:votre |ta )?r[ée]ponse|(?:tu |su )?respuesta|(?:sua |tua )?resposta|(?:la tua )?risposta"
    r"|(?:jouw |je |uw )?antwoord|(?:ditt |dit )?svar|vastaus|odpowied[źz]|odpov[ěe][ďd]|odgovor|v[áa]lasz|r[ăa]spuns|cevap|yan[ıi]t"
    r"|(?:câu )?trả lời|jawaban|απάντηση|(?:ваш |твой )?ответ|(?:ваша )?відповідь|отговор|одговор|الجواب|الإجابة|إجابة|جواب|پاسخ|תשובה"
    r"|उत्तर|जवाब|คำตอบ|[你您]?的?(?:答案|回答|答复|答覆|回复|回覆)|あなたの回答|解答|답변|대답|답"
)
_BOLD_NAMES = r"(?:(?:your|user|user's)\s)?(?:response|reply|decision|choice|selection)|ans"
# The names are in there once: to compile them takes longer than to read a file.
_ANSWER = regex(
    rf"[ \t]{{0,8}}(?:[-*+][ \t]{{1,8}})?(?:[^\w\s*_>#`\[(]{{1,3}}[ \t]{{1,2}})?"
    rf"(?:(?P<bold>(?P<two>\*\*)|__|\*|_)(?P<sign>[^\w\s*_>#`\[(]{{1,3}}[ \t]{{1,2}})?)?"
    rf"(?:{_NAMES}|(?(bold)(?P<ours>{_BOLD_NAMES})|(?!)))(?P<note>[ \t]?\([^()\n]{{0,60}}\))?[ \t]{{0,8}}"
    rf"(?(bold)(?:[:：](?P=bold)|(?P=bold)[ \t]{{0,8}}[:：]|(?P=bold)(?<=\*\*|__)(?:[ \t]{{1,3}}[-–—])?(?=[ \t]|$)"
    rf"|(?(sign)(?!)|(?(ours)(?!)|(?(note)(?!)|(?(two)[:：](?!\*\*)|(?!))))))|[:：])",
    re.IGNORECASE,
)
_ANSWER_HEADING = regex(
    rf" {{0,3}}#{{1,6}}[ \t]{{1,4}}(?:[^\w\s*_#]{{1,3}}[ \t])?\*{{0,2}}(?:{_NAMES}|{_BOLD_NAMES})\*{{0,2}}"
    r"(?P<colon>[ \t]{0,4}:\*{0,2})?",
    re.IGNORECASE,
)
ANSWER_SIGN = regex(r"[:：]|\*\*|__")
"""What is in every line with the mark of an answer that is no heading: looked for first, as that is cheap."""

_SHORT_ANSWER = regex(r"\s{0,3}(?:[-*+]\s{1,3})?(?P<bold>\*\*)?A[0-9]{0,6}(?(bold)(?::\*\*|\*\*:)|:)")
_SHORT_B = regex(r"\s{0,3}(?:[-*+]\s{1,3})?(?:\*\*)?B(?::\*\*|\*\*:|:)")


@frozen
class AnswerSpan:
    """Where an answer is.

    Attributes:
        start: Offset after the mark `**Answer:**`, or of the answer's first line below a heading.
        stop: Offset after the answer's last line.
        end: Line end of that line.
        answer: The answer, or None.
        below: The first line of other text below it in the same question, or None.
        is_below: Whether the answer has to stand on lines of its own, below a heading.
    """

    start: int
    stop: int
    end: str
    answer: str | None
    below: Line | None
    is_below: bool = False


def answer_opening(line: Line) -> str | None:
    """Return what stands before an answer: `**Answer:**`; None for a line without such a mark."""
    found = _ANSWER_HEADING.match(line.text) if line.level else _ANSWER.match(line.text)
    if found is None:
        return None
    if line.level and not found["colon"] and line.text[found.end() :].strip(" \t#*"):
        return None
    return found[0]


def is_empty_mark(line: Line) -> bool:
    """Return whether a line is the mark of an answer that can only stand below it."""
    if line.code:
        return False
    opening = answer_opening(line)
    short = _SHORT_ANSWER.match(line.text) if opening is None else None
    mark = opening if opening is not None else short[0] if short is not None else None
    return mark is not None and not line.text[len(mark) :].strip()


def answer_line(lines: Sequence[Line]) -> int | None:
    """Return the index of the line with the mark of a question's answer: the first bold one, else the first plain one."""
    plain = short = None
    has_b = False
    for index, line in enumerate(lines):
        if line.code or index == 0 or not (line.level or ANSWER_SIGN.search(line.text)):
            continue
        opening = answer_opening(line)
        if opening is not None:
            if line.level or "**" in opening or "__" in opening:
                return index
            plain = index if plain is None else plain
        elif _SHORT_ANSWER.match(line.text):
            short = index
        elif _SHORT_B.match(line.text):
            has_b = True
    return plain if plain is not None else None if has_b else short


def find_answer(lines: Sequence[Line], at: int) -> AnswerSpan:
    """Find the answer after and below its mark.

    Args:
        lines: The lines of the question.
        at: Index of the line with the mark, see `answer_line`.
    """
    line = lines[at]
    rest = lines[at + 1 :]
    opening = answer_opening(line)
    if opening is None:
        short = _SHORT_ANSWER.match(line.text)
        opening = short[0] if short else ""
    value = line.text[len(opening) :].strip()
    if opening.count("**") == 1:  # “**Answer: _waiting_**”
        value = value.removesuffix("**").rstrip()
    start = line.start + len(opening)
    first = next((index for index, other in enumerate(rest) if not other.blank), None)
    is_below = line.level > 0 and not value and not opening.rstrip("* \t").endswith(":")
    if is_below:
        start = line.stop if first is None else rest[first].start

    def span(answer: str | None, count: int) -> AnswerSpan:
        last = rest[count - 1] if count else line
        below = next((other for other in rest[count:] if not other.blank), None)
        return AnswerSpan(start, last.stop, last.end, answer, below, is_below)

    if value:
        if is_placeholder(value):
            return span(None, 0)
        return span("\n".join([value, *(other.text for other in rest)]).strip(), len(rest))
    above = first if is_below and first is not None else 0
    if quoted := quote_length(rest[above:]):
        crlf = (rest[above - 1] if above else line).end == "\r\n"
        answer = unquote(rest[above : above + quoted], crlf=crlf)
        return span(answer if answer.strip() else None, above + quoted)
    if first is None:
        return AnswerSpan(start, line.stop, line.end, None, None, is_below)
    words = "\n".join(other.text for other in rest).strip()
    if is_placeholder(words):
        return span(None, max(index for index, other in enumerate(rest) if not other.blank) + 1)
    if is_placeholder(rest[first].text):
        return span(None, first + 1)
    return span(words, len(rest))
