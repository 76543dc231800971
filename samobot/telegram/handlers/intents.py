"""The intents of short messages: assent to a plan, stop, an amount of money, "done". Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from samobot.telegram.handlers import intent_phrases as phrases
from samobot.telegram.handlers.parsing import parse_money

_MOST_CHARACTERS = 2_000
"""Beyond that a text is a text: nothing short is looked for in it."""

_MONEY = re.compile(
    r"""(?P<lead>[^\d$€]*?)(?P<plus>\+\s*)?(?P<amount>[$€]?\s?\d{1,6}(?:[.,]\d{1,4})?)\s*
        (?:[$€]|usd|us\s+dollars?|dollars?|dollar|bucks?|доллар\w*)?(?P<tail>[^\d$€]*)""",
    re.VERBOSE,
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?|[^\w\s]", re.UNICODE)


class Assent(StrEnum):
    """How a reply to a plan reads.

    `MIXED` is assent together with something else: only the user can say which of the two it is.
    """

    CLEAR = "clear"
    MIXED = "mixed"
    REFUSAL = "refusal"
    NONE = "none"


class Intent(StrEnum):
    """What a short message to a session asks for."""

    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    STATUS = "status"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class BudgetAmount:
    """An amount of money that somebody named.

    Attributes:
        usd: US dollars.
        more: Whether it comes on top of what there is.
    """

    usd: float
    more: bool = False


def says_done(text: str) -> bool:
    """Whether a text confirms that something is done and nothing else: anything more may well be a question."""
    return text.strip().rstrip(".!").casefold() in phrases.DONE


def is_letter(text: str) -> bool:
    """Whether a text is one letter, as an option of a question is."""
    word = text.strip().strip("().:")
    return len(word) == 1 and word.isalpha()


def read_assent(text: str) -> Assent:
    """Read a reply to a plan.

    Clear assent consists of assent only, in any usual language, with polite fillers and emoji. Anything that begins
    with assent or contains a strong form of it (`lgtm`, 👍) and has more text is mixed.
    """
    tokens = _tokens(text)
    if not tokens:
        return Assent.NONE
    asks = "?" in text or "？" in text
    kinds = _cover(tokens)
    if kinds is not None and any(kinds):
        return Assent.MIXED if asks else Assent.CLEAR
    signs = phrases.YES_SIGNS & set(tokens)
    words = [token for token in tokens if token not in phrases.YES_SIGNS]
    if (
        words
        and all(word in phrases.NO or word in _FILLER_WORDS for word in words)
        and phrases.NO & set(words)
    ):
        return Assent.MIXED if signs else Assent.REFUSAL
    strong = bool(signs) or bool(_STRONG & set(tokens))
    if _prefix(tokens) and tokens[0] not in phrases.NEGATIONS:
        return Assent.MIXED
    if strong and not phrases.NEGATIONS & set(tokens[:3]):
        return Assent.MIXED
    return Assent.NONE


def read_intent(text: str) -> Intent | None:
    """Read a message to a session that consists of nothing but `stop`, `PAUSE!!`, `status?` and the like."""
    phrase = _phrase(text)
    return _INTENTS.get(phrase) or _INTENTS.get(_without_politeness(phrase))


def read_amount(text: str) -> BudgetAmount | None:
    """Read an amount of US dollars, also in a short sentence: `10`, `raise it to $5`, `5 more`; None for more."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold().rstrip(".!")
    if len(plain) > 80:
        return None
    found = _MONEY.fullmatch(plain)
    if found is None:
        return None
    usd = parse_money(found["amount"].replace("€", "").replace(" ", ""))
    lead, tail = _WORD.findall(found["lead"]), _WORD.findall(found["tail"])
    signs = frozenset(",.!:'’=")
    if usd is None or set(lead) - phrases.MONEY_LEAD - signs or set(tail) - phrases.MONEY_TAIL - signs:
        return None
    return BudgetAmount(usd, more=bool(found["plus"]) or bool(phrases.ADDS & {*lead, *tail}))


def names_budget(text: str) -> bool:
    """Whether a text speaks of a budget at all: `raise the budget to 5`."""
    return re.search(r"(?i)\b(?:budget|бюджет)", text) is not None


def is_small_talk(text: str) -> bool:
    """Whether a text is only politeness: `thanks`, `ok, thank you`."""
    tokens = _tokens(text)
    # A long text has no tokens, and is no politeness.
    return _cover(tokens) is not None and (bool(tokens) or len(text) <= _MOST_CHARACTERS)


def is_greeting(text: str) -> bool:
    """Whether a text is a greeting or a call for help and nothing else."""
    phrase = _phrase(text)
    return phrase in _GREETING_SET or _without_politeness(phrase) in _GREETING_SET


def _tokens(text: str) -> list[str]:
    """A short text in its normal form, without case, punctuation, and variants of emoji."""
    if len(text) > _MOST_CHARACTERS:
        return []
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("+1", " lgtm ")
    plain = re.sub("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]", "", plain)
    plain = plain.replace("'", " ").replace("´", " ").replace("`", " ")
    return [
        token
        for token in _WORD.findall(plain)
        if token.isalnum()
        or unicodedata.category(token[0])[0] in "LMN"
        or unicodedata.category(token) in ("So", "Sm")
    ]


def _phrase(text: str) -> str:
    tokens = _tokens(text)
    return " ".join(tokens) if len(tokens) <= 8 else ""


def _without_politeness(phrase: str) -> str:
    words = [
        word
        for word in phrase.split()
        if word not in ("please", "pls", "plz", "bitte", "now", "just", "ok", "okay", "thanks")
    ]
    return " ".join(words)


def _phrases(text: str) -> frozenset[str]:
    return frozenset(" ".join(_tokens(part)) or part.strip() for part in text.split("|"))


def _cover(tokens: list[str]) -> list[bool] | None:
    """Cover the whole text with phrases of assent (True) and fillers (False); None where something is left over."""
    kinds: list[bool] = []
    at = 0
    while at < len(tokens):
        length, kind = _longest(tokens, at)
        if not length:
            return None
        kinds.append(kind)
        at += length
    return kinds


def _longest(tokens: list[str], at: int) -> tuple[int, bool]:
    for length in range(min(_LONGEST, len(tokens) - at), 0, -1):
        phrase = " ".join(tokens[at : at + length])
        if phrase in _YES_SET or (length == 1 and phrase in phrases.YES_SIGNS):
            return length, True
        if phrase in _FILLER_SET:
            return length, False
    # Scripts without spaces run phrases together.
    if not tokens[at].isascii() and any(tokens[at] == one + two for one in _UNSPACED for two in _UNSPACED):
        return 1, True
    return 0, False


def _prefix(tokens: list[str]) -> bool:
    """Whether a text begins with assent."""
    at = 0
    while at < len(tokens):
        length, kind = _longest(tokens, at)
        if not length:
            return False
        if kind:
            return True
        at += length
    return False


_YES_SET = _phrases(phrases.YES)
_FILLER_SET = _phrases(phrases.FILLERS) - _YES_SET
_FILLER_WORDS = frozenset(word for phrase in _FILLER_SET for word in phrase.split())
_UNSPACED = frozenset(word for word in _YES_SET | _FILLER_SET if word and ord(word[0]) > 0x2E7F)
_LONGEST = max(len(phrase.split()) for phrase in _YES_SET | _FILLER_SET)
_STRONG = frozenset(
    {
        "lgtm",
        "sgtm",
        "approve",
        "approved",
        "genehmigt",
        "aprobado",
        "approuvé",
        "approvato",
        "aprovado",
        "одобряю",
        "одобрено",
    }
)
_INTENTS = {
    phrase: intent
    for text, intent in (
        (phrases.RETRY, Intent.RETRY),
        (phrases.RESUME, Intent.RESUME),
        (phrases.STATUS, Intent.STATUS),
        (phrases.PAUSE, Intent.PAUSE),
        (phrases.STOP, Intent.STOP),
    )
    for phrase in _phrases(text)
    if phrase
}
_GREETING_SET = _phrases(phrases.GREETINGS)
