"""Recognizes the questions of a rewritten `_qa.md`: by fingerprint, label and similar text, or as a translation. Pure.

Whatever is recognized is restored as the user saw it, so a wrong match costs a question that is not asked, never an answer
to something the user has not read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from samobot.session.question import Option, Question

_MAX_COMPARISONS = 2_000
_COMPARED = 300
"""Characters of a question that are compared."""

_SAME_LABEL, _OTHER_LABEL, _SAME_OPTION = 0.55, 0.8, 0.6
"""Least similarity, 0 to 1, for two texts to be the same question or option."""

OPTION_ANSWER = re.compile(r"([A-Z])\) (\S.*)", re.DOTALL)
_NAME = re.compile(
    r"[0-9][0-9.]*|\b[A-Za-z]*[a-z][A-Z]\w*|\b[A-Z]{2,}\w*|[\w.-]*[/_.][\w./-]*\w|[A-Z]\w+(?<=[A-Za-z0-9])"
)
_SCRIPTS = (("cyrillic", "Ѐ", "ӿ"), ("greek", "Ͱ", "Ͽ"), ("hebrew", "֐", "׿"), ("arabic", "؀", "ۿ"), ("hindi", "ऀ", "ॿ"), ("thai", "฀", "๿"), ("kana", "぀", "ヿ"), ("han", "一", "鿿"), ("hangul", "가", "힯"))  # fmt: skip
_COMMON_WORDS = {
    "english": "the is are a an of to which what how should shall do does we it use for in be this that or and who when where why may can",
    "german": "der die das ist sind ein eine welche welcher welches was wie soll sollen wir es nutzen für im den dem oder und wer wann wo warum darf kann",
    "french": "le la les est sont un une de quel quelle quels quelles que quoi comment doit faut il pour dans ou et qui quand où pourquoi",
    "spanish": "el la los es son un una de qué cuál cómo debe debería para en se o y quién cuándo dónde por usar",
    "italian": "il lo la è sono un una di quale quali che cosa come deve per nel si o e chi quando dove perché usare",
    "portuguese": "o a os é são um uma de qual quais que como deve para no na se ou e quem quando onde por usar",
    "dutch": "de het is zijn een van welke wat hoe moet moeten we voor in of en wie wanneer waar waarom gebruiken",
    "polish": "jest są który która które co jak czy ma dla w lub i kto kiedy gdzie dlaczego użyć",
    "swedish": "är en ett av vilken vilket vilka vad hur ska vi det använda för i eller och vem när var varför",
}
_COMMON = {name: frozenset(listed.split()) for name, listed in _COMMON_WORDS.items()}
_CONTENT = 5
"""Letters of a word by which it is compared in another form: `database`, `databases`."""


def match_questions(old: Sequence[Question], new: Sequence[Question]) -> dict[int, int]:
    """Return for questions of a rewritten file which ones of the old file they are, both by index."""
    pairs: dict[int, int] = {}
    free: dict[str, list[Question]] = defaultdict(list)
    for question in old:
        free[question.identity].append(question)
    for question in new:
        if free[question.identity]:
            pairs[question.index] = free[question.identity].pop(0).index
    taken = set(pairs.values())
    left_old = [question for question in old if question.index not in taken]
    left_new = [question for question in new if question.index not in pairs]
    budget = _MAX_COMPARISONS
    for needs_label in (True, False):
        for question in left_new:
            best, found = 0.0, None
            for candidate in left_old if question.index not in pairs else ():
                same_label = candidate.label == question.label
                if (needs_label and not same_label) or budget <= 0:
                    continue
                budget -= 1
                least = (
                    _SAME_LABEL if same_label and not _rounds_differ(candidate, question) else _OTHER_LABEL
                )
                alike = similarity(candidate.text, question.text)
                if alike >= least and alike > best:
                    best, found = alike, candidate
            if found is not None:
                pairs[question.index] = found.index
                left_old.remove(found)
        if needs_label:
            _pair_reworded(pairs, left_old, left_new)
    return pairs


def is_compatible(asked: Question, question: Question, due: str) -> bool:
    """Return whether an answer still means the same: its option was not replaced by another one of that letter."""
    found = OPTION_ANSWER.match(due)
    if found is None:
        return True
    same = next((option for option in question.options if option.letter == found[1]), None)
    if same is None or similarity(same.text, found[2]) >= _SAME_OPTION:
        return True
    is_moved = any(similarity(option.text, found[2]) >= _SAME_OPTION for option in question.options)
    return is_moved or _is_translation(asked, question)


def is_translated_answer(asked: Question, question: Question, due: str) -> bool:
    """Return whether the answer of a translated question is the given one, by the letter of its option."""
    return (
        question.answer is not None and _is_translation(asked, question) and _names_same(question.answer, due)
    )


def similarity(one: str, other: str) -> float:
    """Return how alike two texts are, 0 to 1; 1 if all words of one are in the other."""
    first, second = _words(one), _words(other)
    if first == second or (first and second and (set(first) <= set(second) or set(second) <= set(first))):
        return 1.0
    import difflib  # rarely needed, and takes memory

    return difflib.SequenceMatcher(None, " ".join(first), " ".join(second), autojunk=False).ratio()


def _names_same(written: str, due: str) -> bool:
    """Return whether two answers name the option of the same letter."""
    meant = OPTION_ANSWER.match(due)
    return meant is not None and (written == meant[1] or written.startswith(f"{meant[1]}) "))


def _rounds_differ(one: Question, other: Question) -> bool:
    return bool(one.round and other.round and one.round != other.round)


def _pair_reworded(pairs: dict[int, int], left_old: list[Question], left_new: Sequence[Question]) -> None:
    by_label = {question.label: question for question in reversed(left_old)}
    for question in left_new:
        asked = by_label.get(question.label) if question.index not in pairs else None
        if asked is not None and (_is_reworded(asked, question) or _is_translation(asked, question)):
            pairs[question.index] = asked.index
            left_old.remove(by_label.pop(question.label))


def _is_reworded(asked: Question, question: Question) -> bool:
    """Return whether a question has the same options and is about the same thing, reworded."""
    if _rounds_differ(asked, question) or not _have_same_letters(asked, question):
        return False
    if any(
        similarity(one.text, other.text) < _SAME_OPTION
        for one, other in zip(asked.options, question.options, strict=True)
    ):
        return False
    first, second = (
        {word[:_CONTENT] for word in _words(each.text) if len(word) >= _CONTENT} for each in (asked, question)
    )
    return bool(first & second)


def _is_translation(asked: Question, question: Question) -> bool:
    """Return whether a question is that of its label in another language.

    Options stand under the same letters, and all but one have a name in common, or the copy has the answer that was given.
    """
    if _language(asked) == _language(question) or asked.label != question.label:
        return False
    if asked.answer is not None and question.answer is not None:
        is_kept = asked.answer.strip() == question.answer.strip() or _names_same(
            question.answer, asked.answer
        )
        if is_kept and len(asked.options) == len(question.options):
            return True
    if not _have_same_letters(asked, question):
        return False
    pairs = zip(asked.options, question.options, strict=True)
    alike = {one.letter for one, other in pairs if _has_name_in_common(one, other)}
    answered = OPTION_ANSWER.match(asked.answer or "")
    return len(alike) >= len(asked.options) - 1 and (answered is None or answered[1] in alike)


def _have_same_letters(asked: Question, question: Question) -> bool:
    letters = [option.letter for option in asked.options]
    return len(letters) > 1 and letters == [option.letter for option in question.options]


def _has_name_in_common(one: Option, other: Option) -> bool:
    """Return whether two options share a name that a translation leaves as it is: a product, a number, a path."""
    first, second = (set(_NAME.findall(each.text[:_COMPARED])) for each in (one, other))
    return bool(first & second)


def _language(question: Question) -> str:
    """Return the script of a question's text, or its language by common vocabulary; empty if neither is clear."""
    text = question.text[:_COMPARED]
    counts = {name: sum(first <= sign <= last for sign in text) for name, first, last in _SCRIPTS}
    script = max(counts, key=counts.__getitem__)
    if counts["kana"]:
        return "kana"
    if counts[script] * 3 > sum(sign.isalpha() for sign in text):
        return script
    written = _words(text)
    known = {name: sum(word in common for word in written) for name, common in _COMMON.items()}
    best = max(known.values())
    leading = [name for name, count in known.items() if count == best]
    return leading[0] if best and len(leading) == 1 else ""


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text[:_COMPARED].casefold())
