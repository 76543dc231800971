"""The intents of short messages: assent to a plan, stop, an amount of money, "done". Pure."""

from __future__ import annotations

import functools
import re
import unicodedata
from enum import StrEnum

from samobot.frozen import frozen
from samobot.regex import regex
from samobot.telegram.handlers import intent_phrases as phrases
from samobot.telegram.handlers.chat_request import parse_money
from samobot.telegram.handlers.phrase_table import (
    MOST_CHARACTERS,
    PhraseTable,
    begins_unspaced,
    split_phrases,
    tokens,
)
from samobot.text import nearest

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d{1,4})?|\d{1,6}(?:[.,]\d{1,4})?)"
_CURRENCY = (
    r"(?:us\$|[$€£]|us\s+dollars?|usd|dollars?|bucks?|euros?|eur|dollari?|dolares|dólares|dólar(?:es)?|dolar\w*|доллар\w*|бакс\w*"
    r"|美元|美金|ドル|달러)"
)
_MONEY = regex(
    rf"(?P<lead>(?:[^\d$€£.,]|[.,](?!\d))*?)(?P<plus>\+\s*)?(?:us\s?\$|usd|[$€£])?\s?(?P<amount>{_DIGITS})(?!\d)\s*"
    rf"(?:{_CURRENCY}(?!\w))?(?P<tail>[^\d$€£]*)"
)
_AT_MOST = regex(r"\b(?:no|not) more than\b|\bat most\b")
_WORD = regex(r"[^\W_]+(?:['’][^\W_]+)?|[^\w\s]", re.UNICODE)
_MOST_UNCLEAR = 8
_QUOTED = regex(r"""\s*(?:>|["“”„«‘`'].*["“”»’`'][\s.!]*$)""", re.DOTALL)
_BEYOND_PRAISE = regex(
    r"\b(?:(?:could|can|would)(?:n t|n| not| t)|cannot|cant|couldnt|never|nothing|no podria|konnte nicht)\b"
    r"(?: \w+){0,4} (?:better|more|happier|improved?|mejor|besser)\b"
    r"|^(?!.*\b(?:not|t)\b).*\bwhat (?:i|we) (?:\w+ )?(?:want|need|had|hoped|meant|asked|imagined|expected|was|were)(?:ed)?\b"
    r"|\b(?:nothing|anything|no need)(?: to)? (?:add|change|wrong|fix|improve)\b|\b(?:t|not) (?:have )?changed? (?:a |any)thing\b"
    r"|^(?:\w+ )?should (?:do|work|be (?:fine|ok|okay|good|great|alright))$|^what an? \w+(?: plan)?$"
    r"|^(?:besser geht s nicht|лучше не |meglio di cosi |better than expected)"
    r"|\b(?:(?:don|wouldn|doesn|do|would)(?: t| not)|dont|never) mind\b|\b(?:nothing|nichts|nada|rien) (?:against|dagegen|en contra)\b|не против"
    r"|\b(?:step|phase|task|test)s? (?:all )?(?:makes? sense|(?:looks?|sounds?|seems?) (?:right|good|great|fine|ok))\b"
)
"""Praise in terms that otherwise ask for a change: “couldn't be better”, “that is what I wanted”."""
_BUT = frozenset({"but", "still", "otherwise", "aber", "trotzdem", "pero", "mais", "ma", "mas", "но"})
_MOST_NEAR = 3
_MOST_PLEADING = 10
_RATING = regex(r"(?<![\w/])(?:(\d{1,3})\s?(?:/|out of)\s?\1|1\d\d\s?%|a\+)(?![\w/])", re.IGNORECASE)
_QUOTED_LINES = regex(r"(?m)^\s*>.*\n?")
_ONLY_NUMBER = regex(r"\W{0,4}\d{1,3}\W{0,4}")
_CLAUSE = regex(r"[,.;:!?\n–—]+|\s-+\s")
_SHOUTED = regex(r"(?<=!)[!1]+|(?<=[^\W\d_])1+(?=[!1\s]*$)|(?<=!)\s*(?:one|eleven)+\b", re.IGNORECASE)
_SPELLED_OUT = regex(r"(?<!\w)\w(?:[ .-]\w){2,}(?!\w)")
_OFTEN_MISSPELLED = {"stop": "stop", "pause": "pause", "cancel": "stop", "abort": "stop", "status": "status"}
_NO_FAULT = regex(
    r"\b(?:no|not any|zero|without|keine|sin|sem|aucune?|pas d|nessun\w?|senza|нет|без|zadnych|bez|geen|inga|ingen)"
    r"(?: \w+)? (?:objections?|concerns?|complaints?|issues?|remarks?|reservations?|einwande|bedenken|objecion\w*|objeco\w*"
    r"|reparos|obiezion\w|возражени\w|замечани\w|вопросов|zastrzezen|namitek|bezwaren|invandningar|innvendinger)\b"
    r"|(?:возражений|замечаний|вопросов|претензий) (?:\w+ )?нет\b"
)
_PRAISE = frozenset({"lgtm", "sgtm", "approve", "approved", "approving", "approval"})


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


@frozen
class BudgetAmount:
    """An amount of money that somebody named.

    Attributes:
        usd: US dollars.
        more: Whether it comes on top of what there is.
    """

    usd: float
    more: bool = False


def reports_done(text: str) -> bool:
    """Whether a text confirms that something is done and nothing else: anything more may well be a question."""
    return not _asks(text) and any(_tables().done.cover(tokens(text)) or ())


def is_letter(text: str) -> bool:
    """Whether a text is one letter, as an option of a question is."""
    word = text.strip().strip("().:")
    return len(word) == 1 and word.isalpha()


def read_assent(text: str) -> Assent:
    """Read a reply to a plan.

    Clear assent consists of assent only, in any usual language, with polite fillers and emoji. Anything that begins
    with assent or contains a strong form of it (`lgtm`, 👍) and has more text is mixed.
    """
    own = _QUOTED_LINES.sub("", text)
    if own != text and own.strip():  # below what it quotes
        assent = read_assent(own)
        return Assent.MIXED if assent is Assent.CLEAR else assent
    words, tables = tokens(text), _tables()
    if not words:
        return Assent.NONE
    kinds = tables.assent.cover(words)
    if kinds is not None and any(kinds):
        doubtful = _asks(text) or " ".join(words) in tables.doubtful or _is_hedged(words)
        # “nothing” answers what to change; “approve nothing” is no approval.
        core = [word for word in words if word not in tables.filler_words]
        of_nothing = bool(phrases.NOTHING & {words[-1], *core[-1:]}) and not (
            words[0] in phrases.NOTHING or " ".join(words) in tables.yes
        )
        return Assent.MIXED if doubtful or of_nothing or _QUOTED.match(text) else Assent.CLEAR
    if " ".join(words) in tables.doubtful or _NO_FAULT.search(" ".join(words)):
        return Assent.MIXED
    signs = phrases.YES_SIGNS & set(words)
    plain = [word for word in words if word not in phrases.YES_SIGNS]
    refusing = tables.no | phrases.BAD | {"never", "not"}
    stressed = refusing | phrases.NO_STRESSED | tables.filler_words
    if refusing & set(plain) and stressed.issuperset(plain):
        return Assent.MIXED if signs else Assent.REFUSAL
    if words[0] in tables.no:  # “no, it's fine”
        return Assent.MIXED if any(tables.assent.cover(words[1:]) or ()) else Assent.NONE
    if _denies_only(words, tables):  # “not ok” names nothing to change
        return Assent.REFUSAL
    if any(tables.assent.prefix(words)) or begins_unspaced(words[0], tables.yes):
        return Assent.MIXED if words[0] not in tables.negations else Assent.NONE
    strong = bool(signs) or bool(tables.strong & set(words))
    return Assent.MIXED if strong and not tables.negations & set(words[:3]) else Assent.NONE


def _is_hedged(words: list[str]) -> bool:
    """Whether assent is asked for or doubted, without a question mark: `is this ok`, `fine i guess`."""
    asks = words[0] in phrases.ASKING and len(words) > 1 and words[1] in phrases.ASKED_ABOUT
    return asks or bool(phrases.HEDGES & set(words))


def _denies_only(words: list[str], tables: _Tables) -> bool:
    """Whether a text is assent with a negation before it, and nothing else."""
    at = next((at for at, word in enumerate(words) if word in tables.negations), None)
    if at is None or any(tables.assent.prefix(words[:at]) or ()):
        return False
    after = words[at + 1 :]
    after = after[1:] if after[:1] == ["t"] else after
    said = tables.assent.cover(after)
    return said is not None and any(said) and not tables.negations & set(after)


def is_unclear(text: str) -> bool:
    """Whether a short text may be assent that no table has: nothing in it asks for a change."""
    text = _RATING.sub("", text)
    words = tokens(text)
    if not words or _ONLY_NUMBER.fullmatch(text):
        return True
    if len(words) > _MOST_UNCLEAR or re.search(r"[\d/`_\\<>=()]|\w\.\w", text):
        return False
    tables = _tables()
    if _BEYOND_PRAISE.search(" ".join(words)):
        return True
    for at in range(1, len(words)):
        is_open = words[at - 1] in _BUT or not tables.negations & set(words[:at])
        if is_open and any(tables.assent.cover(words[at:]) or ()):
            return True  # “you should go ahead”, “should be ok?”, “not perfect, but fine”
    if all(word in phrases.WEAK or word in tables.filler_words or word in tables.yes for word in words):
        return True  # “I want this”, “how nice”
    return not (tables.negations | tables.requests) & set(words) and not begins_unspaced(
        words[0], tables.negations
    )


def is_question(text: str) -> bool:
    """Whether a text ends with a question: it asks for no change yet, and approves nothing."""
    return re.sub(r"[^\w?？؟⁇]+\Z", "", text).endswith(("?", "？", "؟", "⁇"))


def read_intent(text: str) -> Intent | None:
    """Read a message to a session that consists of nothing but `stop`, `PAUSE!!`, `status?` and the like."""
    found = {intent for intent in _tables().intents.cover(_request_tokens(text)) or () if intent is not None}
    for intent in Intent:
        if intent in found and found <= _SAME_OR_WEAKER[intent]:
            return None if intent is Intent.STATUS and reports_done(text) else intent
    return None


def near_intent(text: str) -> Intent | None:
    """Read what a short text may ask for although it is more than that, or misspelled: `sotp`, `stop demo!`, `⛔`."""
    words, table = _request_tokens(text), _tables().intents
    while words and words[-1] in _tables().polite:
        words.pop()
    clauses = [clause for clause in _CLAUSE.split(text[:MOST_CHARACTERS]) if clause.strip()]
    if len(clauses) > 1 and Intent.STOP in (read_intent(clauses[0]), read_intent(clauses[-1])):
        return Intent.STOP  # “stop, that is the wrong branch”
    if (
        not words
        or {"don", "dont", "never", "not"} & set(words)
        or any(word.endswith("ing") for word in words)
    ):
        return None  # “stop using tabs” is for the agent
    if len(words) > _MOST_NEAR:
        is_plea = (
            len(words) <= _MOST_PLEADING and not is_question(text) and words[0] not in phrases.OF_ANOTHER
        )
        at_edge = Intent.STOP in (table.get(words[0]), table.get(words[-1]))
        return Intent.STOP if is_plea and at_edge and phrases.PLEAS & {words[1], words[-2]} else None
    unknown = [word for word in words if word not in table]
    if len(unknown) == 1:
        meant = nearest(unknown[0], _OFTEN_MISSPELLED, cutoff=0.75)
        if meant is not None:
            return Intent(_OFTEN_MISSPELLED[meant])
    if set(words) <= phrases.STOP_SIGNS:
        return Intent.STOP
    edges = {table.get(words[0]), table.get(words[-1])} - {None}
    return Intent.STOP if Intent.STOP in edges else None


def _request_tokens(text: str) -> list[str]:
    """The tokens of a text as people shout and decorate it: `STOP!!1`, `s t o p`, `stop 🙏`."""
    plain = _SPELLED_OUT.sub(lambda found: re.sub(r"\W", "", found[0]), _SHOUTED.sub("", text))
    words, table = tokens(plain), _tables().intents
    known = [word for word in words if word in table or unicodedata.category(word[0]) != "So"]
    return known or words


def read_amount(text: str) -> BudgetAmount | None:
    """Read an amount of US dollars, also in a short sentence: `10`, `raise it to $5`, `5 more`; None for more."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold().rstrip(".!").replace("\ufe0f", "")
    plain = "".join(str(unicodedata.digit(char, char)) for char in plain)
    if len(plain) > 80:
        return None
    found = _MONEY.fullmatch(_AT_MOST.sub("", plain))
    if found is None:
        return None
    amount = found["amount"]
    usd = parse_money(re.sub(r",(?=\d{3}(?!\d))", "", amount))
    lead, tail = _WORD.findall(found["lead"]), _WORD.findall(found["tail"])
    signs = frozenset(",.!:'’=")
    more = bool(found["plus"]) or bool(phrases.ADDS & {*lead, *tail}) or plain.startswith("увеличь на")
    if usd is None or set(lead) - phrases.MONEY_LEAD - signs or set(tail) - phrases.MONEY_TAIL - signs:
        return None
    if more and phrases.LOWERS & set(lead):
        return None
    return BudgetAmount(usd, more=more)


def names_budget(text: str) -> bool:
    """Whether a text speaks of a budget at all: `raise the budget to 5`."""
    return re.search(r"(?i)\b(?:budget|бюджет)", text) is not None


def is_small_talk(text: str) -> bool:
    """Whether a text is only politeness: `thanks`, `ok, thank you`."""
    words = tokens(text)
    # A long text has no tokens, and is no politeness.
    return _tables().assent.cover(words) is not None and (bool(words) or len(text) <= MOST_CHARACTERS)


def is_greeting(text: str) -> bool:
    """Whether a text is a greeting or a call for help and nothing else."""
    return any(_tables().greetings.cover(tokens(text)) or ())


def _asks(text: str) -> bool:
    return any(sign in text for sign in "?？؟⁇")


_SAME_OR_WEAKER = {
    Intent.STOP: {Intent.STOP, Intent.PAUSE},
    Intent.PAUSE: {Intent.PAUSE},
    Intent.RETRY: {Intent.RETRY, Intent.RESUME},
    Intent.RESUME: {Intent.RESUME},
    Intent.STATUS: {Intent.STATUS},
}


class _Tables:
    """The phrases as tables."""

    def __init__(self) -> None:
        self.yes = split_phrases(phrases.YES) | split_phrases("|".join(phrases.YES_SIGNS))
        fillers = split_phrases(phrases.FILLERS)
        self.no = split_phrases("|".join(phrases.NO))
        self.negations = split_phrases("|".join(phrases.NEGATIONS))
        self.requests = split_phrases(phrases.REQUESTS)
        self.filler_words = frozenset(word for phrase in fillers - self.yes for word in phrase.split())
        self.doubtful = split_phrases(phrases.DOUBTFUL)
        polite = split_phrases(phrases.INTENT_FILLERS)
        self.polite = frozenset(phrase for phrase in polite if " " not in phrase)
        self.assent = PhraseTable([(True, self.yes), (False, fillers)])
        self.done = PhraseTable([(True, split_phrases(phrases.DONE)), (False, polite)])
        self.greetings = PhraseTable([(True, split_phrases(phrases.GREETINGS)), (False, polite)])
        self.intents: PhraseTable[Intent | None] = PhraseTable(
            [
                (Intent.RETRY, split_phrases(phrases.RETRY)),
                (Intent.RESUME, split_phrases(phrases.RESUME)),
                (Intent.STATUS, split_phrases(phrases.STATUS)),
                (Intent.PAUSE, split_phrases(phrases.PAUSE)),
                (Intent.STOP, split_phrases(phrases.STOP)),
                (None, polite),
            ]
        )
        self.strong = _PRAISE | split_phrases(
            "genehmigt|aprobado|approuvé|approvato|aprovado|одобряю|одобрено|einverstanden|confirmed|perfect|excellent|wonderful"
            "|fantastic|awesome|brilliant|love|happy|satisfied|perfekt|perfecto|parfait|perfetto|отлично|согласен|согласна|утверждаю|нравится"
        )


@functools.cache
def _tables() -> _Tables:
    # Made for the first text that is read: they take most of a megabyte.
    return _Tables()
