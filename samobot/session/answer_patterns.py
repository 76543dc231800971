"""How people write the labels and letters of answers, in the languages that are known. Regular expressions only.

Each repetition is bounded, so that matching is linear in the text's length.
"""

from __future__ import annotations

import re

from samobot.regex import regex

N = r"[0-9]{1,6}(?:\.[0-9]{1,3}){0,3}"
NAME = (
    "(?:[Qq](?:uestion|UESTION)?|[Aa]nswer|ANSWER|[Ff]rage|[Aa]ntwort|[Pp]regunta|[Rr]espuesta|[Dd]omanda|[Rr]isposta"
    r"|[Pp]ergunta|[Rr]éponse|[Aa]ns\.?|[ВвBb][оo][пp][рp][оo][сc]|[ОоO][тt]вeт|问题|質問|질문)"
)
Q = rf"{NAME}\s{{0,2}}[#.-]?\s?(?P<q>{N})"
ANY = rf"(?:[-•]\s{{1,3}})?(?:(?:for|to|on|für|para|для)\s{{1,3}})?(?:{NAME}\s{{0,2}}[.-]?)?#?(?P<q>{N})"
SEPARATOR = r"\s{0,4}(?::=|->|=>|→|\.{2,4}|[.:]\)|[:=.)/–—-]|\bis\b)?\s{0,4}"
LETTER = r"(?![Qq]\s?[0-9])(?:[Oo]ption\s{1,2})?[(\[*]{0,3}(?P<letter>[A-Za-z])[)\]*]{0,3}(?![A-Za-z'’])"
AND = r"(?:\s{0,4}(?:[,;/&+|.]|\b(?:and|then|plus|und|dann|et|e|y|и)\b)){0,2}\s{0,6}"
PAIR = regex(rf"\(?{ANY}\)?{SEPARATOR}{LETTER}{AND}")
REVERSED = regex(rf"{LETTER}\s{{1,4}}(?:for|to|on|für|para|для)\s{{1,4}}{ANY}{AND}")
GROUP = regex(
    rf"[Qq]?\s?{N}(?:(?:\s{{0,3}}(?:[,/&+]|\band\b|\bund\b|[-–])\s{{0,3}})[Qq]?\s?{N}){{1,20}}"
    rf"(?P<sep>\s{{0,3}}[:=]\s{{0,3}}|\s{{1,3}})(?P<value>\S.*)",
    re.DOTALL,
)
NUMBER = regex(N)
START = regex(
    rf"\s{{0,8}}(?:[-*•]\s{{1,3}})?\**\(?{Q}\)?(?![\w])\**(?P<sep>\s{{0,3}}[,;]\s{{1,4}}|{SEPARATOR})\**"
)
START_NUMBER = regex(rf"\s{{0,8}}(?:[-*•]\s{{1,3}})?(?P<q>{N})(?P<sep>\s{{0,3}}[:=.)](?![0-9/])\s{{0,4}})")
INNER = regex(
    rf"(?P<before>[\s,;|/&+(])\(?{Q}\)?(?![\w])(?P<sep>\s{{0,3}}(?::=|->|=>|→|[:=])\s{{0,4}}|\s{{1,4}}(?:[-–—]\s{{1,3}})?|(?=\Z))"
)
INNER_NUMBER = regex(rf"(?P<before>[\s,;])(?P<q>{N})(?P<sep>\s{{0,2}}[:=](?![0-9/])\s{{0,4}})")
CONNECTOR = regex(r"(?:[\s,;|/&+(]|\b(?:and|und|et|y|и)\b)*\Z")
REFERS = regex(
    r"\b(?:see|as|in|like|from|for|to|of|with|than|per|cf|at|on|by|wie|siehe)\W{0,3}\Z", re.IGNORECASE
)
NUMBERED = regex(rf"(?:^|(?<=[\s,;/]))(?P<q>{N})\s?(?:[):.=–—-]|[^\W\d_](?![^\W_'’]))")
LISTED = regex(rf"(?:^|(?<=[\n,;/]))\s{{0,3}}(?P<q>{N})\s(?=\w)")
NUMBERED_LINE = regex(
    rf"(?:^|(?<=[\n,;]))\W{{0,3}}(?:no|nr|number|nº|№)[.\s]{{0,2}}(?P<q>{N})\s?[:=)–-]", re.IGNORECASE
)
EVERY = regex(
    rf"(?:{LETTER}\s{{1,3}}(?:for|to|on|in|für)\s(?:all|every|each|everything|alle)(?:\s(?:of\s)?(?:them|questions?))?"
    r"|(?:all|everything|all of them|both|same for (?:all|both|each|every one|everything)|alle|beide|todas?|tous|toutes|все|оба|全部|都)\s{0,3}[:=-]?\s{1,3}[(\[]?(?P<after>[A-Za-z])[)\]]?)\W{0,3}",
    re.IGNORECASE,
)
REST = regex(
    rf"\b(?:rest|others?|remaining(?: ones)?|everything else|all else|übrigen|los demás)\b\s{{0,3}}[:=,-]?\s{{0,3}}"
    rf"(?:is |are |with )?(?:{LETTER}(?:\W|$)|(?:as |your |the )?(?:suggest|default|propos|recommend|up to you|you (?:choose|decide|suggest|propos|recommend|like)))",
    re.IGNORECASE,
)
VERDICT = r"(?:option\s)?(?:[a-h]|yes|no|ja|nein|sí|si|oui|non|sim|não|да|нет)(?![\w'’])"
ORDINAL = "(?:first|second|third|fourth|fifth|one|two|three|four|five|erste|zweite|dritte|primera|segunda)"
TO = r"(?:for|to|on|für|para|для)\s(?:the\s)?(?:question\s|q\s?)?"
NUMBERS_ONE = regex(
    rf"(?<![\w.])(?:[^\W\d_]{{1,10}}\.?\s?)?[(\[#]?(?P<q>{N})(?:[\])}}.:)、。?=–—-]|题|번){{0,4}}\s{{0,3}}{VERDICT}"
    rf"|{VERDICT}\s{TO}(?P<to>{N})(?!\w)|(?:^|[\n,;])\s{{0,8}}[^\W\d_]{{1,10}}\.?\s?(?P<named>{N})\s?[:=)]",
    re.IGNORECASE,
)
SPELLS_ONE = regex(rf"\b(?P<q>{ORDINAL})\W{{1,3}}{VERDICT}|{VERDICT}\s{TO}(?P<to>{ORDINAL})\b", re.IGNORECASE)
NEXT_SPELLED = regex(
    rf"\b{ORDINAL}\W{{1,3}}{VERDICT}|{VERDICT}\s{TO}{ORDINAL}\b|^\W{{0,4}}(?:and\s|as\s)?for\s(?:the\s)?(?:{ORDINAL}|other)\b",
    re.IGNORECASE,
)
"""What a line has that answers a question by its place."""
COURTESY = regex(
    r"\W{0,8}(?:please|pls|plz|thanks|thank you|thx|bitte|danke|por favor)\W{0,8}", re.IGNORECASE
)
POLITE_LETTER = regex(
    r"[\s\"'“”‘’`*]{0,3}(?P<letter>[A-Za-z])[\s\"'“”‘’`*]{0,3}(?:[,.!]?\s{0,2}(?:please|pls|thanks|thank you|thx|bitte|danke))?[\s.!,]{0,4}",
    re.IGNORECASE,
)
NEXT_LETTER = regex(
    r"\W{0,4}(?:(?:and|then|next|also|und|dann|y|luego|et|puis)\s){0,2}(?:option\s)?(?P<letter>[A-Za-z])"
    r"(?:\s(?:please|pls|thanks|bitte|danke))?\W{0,4}",
    re.IGNORECASE,
)
"""A line with an option and nothing else."""
ENDS_WITH_LABEL = regex(rf"(?:^|\W)[Qq]\s?{N}\Z")
ONE_LETTER = regex(rf"\s*{LETTER}[.!,]?\s*\Z")
LETTERS = regex(rf"{LETTER}(?:{AND}(?:[Oo]ption\s)?[A-Za-z](?![A-Za-z'’])){{1,20}}\W{{0,3}}")
BULLET = regex(r"^[ \t]{0,8}[-*•][ \t]{1,4}", re.MULTILINE)
ARROWS = str.maketrans({"👉": "→", "➡": "→", "➜": "→", "⇒": "→", "▶": "→", "\ufe0f": " "})
CYRILLIC = {"Б": "B", "Г": "D", "Д": "E"}
"""Letters of options by their places, of those that do not look like a Latin one."""
YES_OR_NO = regex(r"yes|yep|no|nope|y|n|ja|nein|sí|si|oui|non|sim|não|да|нет|maybe", re.IGNORECASE)
NUMBERS_ONLY = regex(r"[1-9][0-9]?(?:[\s,;/|]{1,4}[1-9][0-9]?){1,20}\W{0,3}")
"""Numbers of options, one for each question perhaps."""
EXCEPT = regex(
    r"\b(?:suggest|recommend|default|propos)\w{0,6}\b.{0,20}\b(?:except|but|apart from|besides|only)\b.{0,12}[0-9]",
    re.IGNORECASE,
)
SPREAD = regex(
    rf"\b(?:{ORDINAL}|last|others?|rest|except|both|everything|erster?|zweiter?|anderen|primero|segundo|первый|второй|остальн\w+)\b"
    r"|第[一二三四五1-9]|[0-9]",
    re.IGNORECASE,
)
ALL = {
    *("all", "all suggestions", "suggestions", "accept all", "take all", "all suggested", "as suggested"),
    *("all as suggested", "all suggested options", "all recommended", "all recommendations", "all defaults"),
    *(
        "take the suggestions",
        "take suggestions",
        "the suggestions",
        "all your suggestions",
        "defaults",
        "the defaults",
    ),
    *(
        "use defaults",
        "use the defaults",
        "go with the defaults",
        "go with your suggestions for all",
        "as proposed",
    ),
    *(
        "alle vorschläge",
        "deine vorschläge",
        "wie vorgeschlagen",
        "все предложения",
        "как предложено",
        "как предлагаешь",
    ),
    *(
        "todas las sugerencias",
        "tus sugerencias",
        "toutes les suggestions",
        "tes suggestions",
        "tutti i suggerimenti",
    ),
    *("都按建议", "按建议", "按你的建议", "全部按建议", "提案どおり", "提案通り", "제안대로"),
    *("as you suggest", "as you suggested", "as recommended", "as you recommend", "your suggestions"),
    *("your recommendations", "take all suggestions", "take your suggestions", "go with your suggestions"),
    *(
        "go with the suggestions",
        "go with your recommendations",
        "use your suggestions",
        "use the suggestions",
    ),
}
"""What accepts every suggestion, as the whole text."""
