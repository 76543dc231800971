"""What a summary clearly says about tests and quality; of what could be meant otherwise nothing is made.

Agents write freely: “Fixed 3 failing tests” is no failure, and “quality is not clean” is not clean. So a number
counts only in a sentence without doubt, denial or past, and only where the rest of the summary agrees with it.
Pure.
"""

from __future__ import annotations

import re

_ALL_GREEN = r"(?:they\s+|and\s+)?all\s+(?:of\s+them\s+|are\s+)?(?:pass|passes|passed|passing|green)\b"
_SENTENCE = re.compile(rf"(?<=[.!?;])\s+(?!{_ALL_GREEN})|\n+", re.IGNORECASE)
_NUMBER = r"(?<![\w.,#:/$%-])(\d{1,3}(?:,\d{3})+|\d{1,6})"
_OF = r"(?:\s+(?:of|out\s+of)\s+(?:the\s+|all\s+)?(\d{1,6}))?"
_KIND = r"(?:\s+(?:(?:unit|new|integration|end-to-end|regression|of|the|other|more|existing|old)\s+){0,3}tests?\b)"

_PASSED = re.compile(
    rf"{_NUMBER}{_OF}(?:{_KIND}(?:\s+[a-z]+){{0,4}}?|(?P<bare>))\s+(?:pass|passes|passed|passing|green)\b"
    rf"|{_NUMBER}{_KIND}\s*[.,;:(–—-]?\s*{_ALL_GREEN}",
    re.IGNORECASE,
)
_FAILED = re.compile(
    rf"{_NUMBER}{_OF}(?:{_KIND}|(?P<bare>))(?:\s+(?:still|have|has|are|is))*\s+(?:fail|fails|failed|failing|failures?)\b"
    r"(?!\s+tests?)",
    re.IGNORECASE,
)
_BEFORE_BARE = re.compile(r"(?:^|[^\w\s]|\b(?:all|and|with|are|is|tests?))\s*$", re.IGNORECASE)
"""What may stand before “12 passed”; in “step 12 passed” it is no count."""

_ALL = re.compile(r"\ball\b(?:\s+(?:of\s+)?(?:the|its|my|our))?\s+$", re.IGNORECASE)
_MENDED = re.compile(
    r"\b(?:fix(?:ed|es)?|repair(?:ed|s)?|resolved|solved|mended|corrected)\s+(?:the\s+|all\s+|both\s+)?"
    r"(?:\d{1,6}\s+|one\s+|two\s+|three\s+)?(?:previously\s+)?failing\s+tests?\b(?!\s+(?:of|out)\b)",
    re.IGNORECASE,
)
_NONE_FAILED = re.compile(
    r"\b(?:0|no|none|zero|nothing|without)\s+(?:tests?\s+|of\s+(?:them|the\s+tests)\s+|test\s+)?(?:fail\w*)\b",
    re.IGNORECASE,
)
_FAILURE = re.compile(r"\bfail(?:s|ed|ing|ures?)?\b", re.IGNORECASE)
_DOUBT = re.compile(
    r"\b(?:not|never|cannot|should|would|could|might|may|must|will|shall|if|once|until|unless|when|while|before"
    r"|after|previous(?:ly)?|earlier|initial(?:ly)?|first|originally|formerly|used\s+to|no\s+longer|expect\w*"
    r"|except|but|though|although|however|apart|besides|almost|nearly|about|most|only|hope\w*|supposed|todo|goal)\b"
    r"|n['’]t\b|\?",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:fix\w*|repair\w*|resolv\w*|solv\w*|mend\w*|correct\w*|was|were|had|been|now|then)\b", re.IGNORECASE
)
_CLEAN = re.compile(
    r"\bquality\b[^.\n]{0,40}\b(?:clean|passed|no (?:open )?(?:issues|findings))\b"
    r"|\bno (?:open )?quality (?:issues|findings)\b",
    re.IGNORECASE,
)
_SPOILED = re.compile(
    r"\b(?:unclean|failed|[1-9]\d*\s+(?:\w+\s+)?(?:issues?|findings?|warnings?|errors?))\b", re.IGNORECASE
)


def claims(text: str) -> list[str]:
    """Say what a summary clearly claims: `✓ 12 tests`, `✗ 2 tests failing`, `10 of 12 tests pass`, `✓ quality clean`.

    Args:
        text: The summary as plain text, without Markdown.
    """
    sentences = [sentence for sentence in _SENTENCE.split(text) if sentence.strip()]
    found = [_tests(sentences), _quality(sentences)]
    return [claim for claim in found if claim]


def _tests(sentences: list[str]) -> str:
    failed: set[int] = set()
    passed: set[tuple[int, int | None]] = set()
    failing_places: set[int] = set()
    passing_places: set[int] = set()
    past = everything = False
    for place, whole in enumerate(sentences):
        sentence = _NONE_FAILED.sub("", _MENDED.sub("", whole))
        doubtful = _DOUBT.search(sentence) is not None
        past = past or _PAST.search(sentence) is not None
        failures = _counted(_FAILED, sentence)
        if failures:
            failing_places.add(place)
            failed |= {_number(one[1]) for one in failures}
        if _FAILURE.search(sentence) and (doubtful or len(failures) != 1):
            return ""
        for one in _counted(_PASSED, sentence):
            if doubtful:
                return ""
            passing_places.add(place)
            everything = everything or _ALL.search(sentence[: one.start()]) is not None
            passed.add((_number(one[1] or one[4]), _number(one[2]) if one[2] else None))
    if failed:
        clear = len(failed) == 1 and not past and not everything and passing_places <= failing_places
        return _failing(failed.pop()) if clear else ""
    if len(passed) != 1:
        return ""
    count, whole_count = passed.pop()
    if whole_count is not None and count < whole_count:
        return f"{count:,} of {whole_count:,} tests pass"
    return f"✓ {_tests_words(count)}" if count else ""


def _counted(pattern: re.Pattern[str], sentence: str) -> list[re.Match[str]]:
    return [
        one
        for one in pattern.finditer(sentence)
        if one["bare"] is None or _BEFORE_BARE.search(sentence[: one.start()])
    ]


def _quality(sentences: list[str]) -> str:
    said = [sentence for sentence in sentences if "quality" in sentence.casefold()]
    clean = [sentence for sentence in said if _CLEAN.search(sentence)]
    clear = clean and not any(_DOUBT.search(each) or _SPOILED.search(each) for each in said)
    return "✓ quality clean" if clear else ""


def _failing(count: int) -> str:
    return f"✗ {_tests_words(count)} failing" if count else ""


def _tests_words(count: int) -> str:
    return f"{count:,} test{'' if count == 1 else 's'}"


def _number(digits: str) -> int:
    return int(digits.replace(",", ""))
