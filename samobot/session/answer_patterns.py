"""How people write the labels and letters of answers, in the languages that are known. Regular expressions only.

Each repetition is bounded, so that matching is linear in the text's length.
"""

from __future__ import annotations

import re

N = r"[0-9]{1,6}(?:\.[0-9]{1,3}){0,3}"
_NAME = (
    "(?:[Qq](?:uestion|UESTION)?|[Aa]nswer|ANSWER|[Ff]rage|[Aa]ntwort|[Pp]regunta|[Rr]espuesta|[Dd]omanda|[Rr]isposta"
    "|[Pp]ergunta|[Rr]éponse|[Вв][оo][пp][рp][оo][сc]|[ОоO][тt]вeт|问题|質問|질문)"
)
_Q = rf"{_NAME}\s{{0,2}}[#.-]?\s?(?P<q>{N})"
_ANY = rf"(?:[-•]\s{{1,3}})?(?:(?:for|to|on|für|para|для)\s{{1,3}})?(?:{_NAME}\s{{0,2}}[.-]?)?#?(?P<q>{N})"
_SEPARATOR = r"\s{0,4}(?::=|->|=>|→|[.:]\)|[:=.)/–—-]|\bis\b)?\s{0,4}"
LETTER = r"(?![Qq]\s?[0-9])(?:[Oo]ption\s{1,2})?[(\[*]{0,3}(?P<letter>[A-Za-z])[)\]*]{0,3}(?![A-Za-z'’])"
_AND = r"(?:\s{0,4}(?:[,;/&+|.]|\b(?:and|then|plus|und|dann|et|e|y|и)\b)){0,2}\s{0,6}"
PAIR = re.compile(rf"\(?{_ANY}\)?{_SEPARATOR}{LETTER}{_AND}")
REVERSED = re.compile(rf"{LETTER}\s{{1,4}}(?:for|to|on|für|para|для)\s{{1,4}}{_ANY}{_AND}")
GROUP = re.compile(
    rf"[Qq]?\s?{N}(?:(?:\s{{0,3}}(?:[,/&+]|\band\b|\bund\b|[-–])\s{{0,3}})[Qq]?\s?{N}){{1,20}}"
    rf"(?P<sep>\s{{0,3}}[:=]\s{{0,3}}|\s{{1,3}})(?P<value>\S.*)",
    re.DOTALL,
)
NUMBER = re.compile(N)
START = re.compile(
    rf"\s{{0,8}}(?:[-*•]\s{{1,3}})?\**\(?{_Q}\)?(?![\w])\**(?P<sep>\s{{0,3}}[,;]\s{{1,4}}|{_SEPARATOR})\**"
)
START_NUMBER = re.compile(
    rf"\s{{0,8}}(?:[-*•]\s{{1,3}})?(?P<q>{N})(?P<sep>\s{{0,3}}[:=.)](?![0-9/])\s{{0,4}})"
)
INNER = re.compile(
    rf"(?P<before>[\s,;|/&+(])\(?{_Q}\)?(?![\w])(?P<sep>\s{{0,3}}(?::=|->|=>|→|[:=])\s{{0,4}}|\s{{1,4}}(?:[-–—]\s{{1,3}})?|(?=\Z))"
)
INNER_NUMBER = re.compile(rf"(?P<before>[\s,;])(?P<q>{N})(?P<sep>\s{{0,2}}[:=](?![0-9/])\s{{0,4}})")
CONNECTOR = re.compile(r"(?:[\s,;|/&+(]|\b(?:and|und|et|y|и)\b)*\Z")
REFERS = re.compile(
    r"\b(?:see|as|in|like|from|for|to|of|with|than|per|cf|at|on|by|wie|siehe)\W{0,3}\Z", re.IGNORECASE
)
NUMBERED = re.compile(rf"(?:^|(?<=[\s,;/]))(?P<q>{N})\s?(?:[):.=–-]|[^\W\d_](?![^\W_'’]))")
LISTED = re.compile(rf"(?:^|(?<=[\n,;/]))\s{{0,3}}(?P<q>{N})\s(?=\w)")
NUMBERED_LINE = re.compile(
    rf"(?:^|(?<=[\n,;]))\W{{0,3}}(?:no|nr|number|nº|№)[.\s]{{0,2}}(?P<q>{N})\s?[:=)–-]", re.IGNORECASE
)
EVERY = re.compile(
    rf"(?:{LETTER}\s{{1,3}}(?:for|to|on|in|für)\s(?:all|every|each|everything|alle)(?:\s(?:of\s)?(?:them|questions?))?"
    r"|(?:all|everything|all of them|alle)\s{0,3}[:=-]?\s{1,3}[(\[]?(?P<after>[A-Za-z])[)\]]?)\W{0,3}",
    re.IGNORECASE,
)
REST = re.compile(
    rf"\b(?:rest|others?|remaining(?: ones)?|everything else|übrigen|los demás)\b\s{{0,3}}[:=-]?\s{{0,3}}(?:is |are |with )?{LETTER}(?:\W|$)",
    re.IGNORECASE,
)
POLITE_LETTER = re.compile(
    r"[\s\"'“”‘’`*]{0,3}(?P<letter>[A-Za-z])[\s\"'“”‘’`*]{0,3}(?:[,.!]?\s{0,2}(?:please|pls|thanks|thank you|thx|bitte|danke))?[\s.!,]{0,4}",
    re.IGNORECASE,
)
ENDS_WITH_LABEL = re.compile(rf"(?:^|\W)[Qq]\s?{N}\Z")
ONE_LETTER = re.compile(rf"\s*{LETTER}[.!,]?\s*\Z")
LETTERS = re.compile(rf"{LETTER}(?:{_AND}(?:[Oo]ption\s)?[A-Za-z](?![A-Za-z'’])){{1,20}}\W{{0,3}}")
