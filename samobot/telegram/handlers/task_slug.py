"""Session names derived from tasks: `add-dark-mode-settings`. Pure."""

from __future__ import annotations

import re
import unicodedata

_SLUG_WORDS, _SLUG_CHARACTERS = 4, 32
_STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "to",
        "of",
        "in",
        "on",
        "for",
        "and",
        "or",
        "with",
        "so",
        "that",
        "this",
        "it",
        "its",
        "is",
        "are",
        "be",
        "my",
        "our",
        "your",
        "me",
        "i",
        "we",
        "you",
        "please",
        "can",
        "could",
        "would",
        "should",
        "want",
        "need",
        "like",
        "lets",
        "let",
        "us",
        "just",
        "some",
        "there",
        "when",
        "where",
        "then",
        "from",
        "by",
        "at",
        "as",
        "into",
        "have",
        "has",
        "do",
        "does",
        "will",
        "der",
        "die",
        "das",
        "ein",
        "eine",
        "und",
        "zu",
        "im",
        "in",
        "mit",
        "fuer",
        "bitte",
        "el",
        "la",
        "los",
        "las",
        "un",
        "una",
        "de",
        "del",
        "por",
        "para",
        "le",
        "les",
        "des",
        "du",
        "et",
        "pour",
    ]
)
_LATIN = str.maketrans(
    {
        **dict(
            zip(
                "абвгдезийклмнопрстуфхъыьэіїєґ",
                [*"abvgdeziyklmnoprstufh", "", "y", "", "e", "i", "yi", "ye", "g"],
                strict=True,
            )
        ),
        "ё": "e",
        "ж": "zh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "sch",
        "ю": "yu",
        "я": "ya",
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "ø": "o",
        "å": "a",
        "æ": "ae",
        "ł": "l",
        "ı": "i",
        "’": "",
    }
)
"""Letters that have a usual Latin form; names of sessions are branches and folders."""


def task_slug(task: str) -> str:
    """Derive a session's name from its task: the first words that are no stop words, `add-dark-mode-settings`."""
    plain = (
        unicodedata.normalize("NFKD", task.casefold().translate(_LATIN)).encode("ascii", "ignore").decode()
    )
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    telling = [word for word in words if word not in _STOP_WORDS] or words
    slug = ""
    for word in telling[:_SLUG_WORDS]:
        longer = f"{slug}-{word}" if slug else word[:_SLUG_CHARACTERS]
        if len(longer) > _SLUG_CHARACTERS:
            break
        slug = longer
    return slug or "task"
