"""Letters of other scripts that common fonts draw like Latin ones. Pure.

Source: Unicode Technical Standard 39 (confusables), as far as a keyboard or a hostile text has them.
"""

from __future__ import annotations

import unicodedata

_SCRIPTS = (
    ("АВЕЅІЈКМНОРСТУХԚԜаеѕіјһорсухԁԛԝқв", "ABESIJKMHOPCTYXQWaesijhopcyxdqwkb"),  # Cyrillic
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧανορυχι", "ABEZHIKMNOPTYXavopuxi"),  # Greek
    ("ⅠⅤⅩⅬⅭⅮⅯⅰⅴⅹⅼⅽⅾⅿıɑɡɩʏ", "IVXLCDMivxlcdmiagiY"),  # numerals and phonetic signs
    ("օսհոցզյՕՏԼ", "ouhngqjOSL"),  # Armenian
    ("ᎪᎬᏆᎻᏴᎥᎫᏦᏞᎷᏢᏒᏚᎢᏙᏤᏃ", "AEIHBiJKLMPRSTVVZ"),  # Cherokee
    ("ⲞⲢⲤⲔⲎⲘⲚⲦⲬⲨⲀⲂⲈⲟⲣⲥ", "OPCKHMNTXYABEopc"),  # Coptic
    ("ᗩᗷᑕᗪᗴᖴᕼᒍᒪᗰᑎᑭᖇᔕᑌ", "ABCDEFHJLMNPRSU"),  # Canadian syllabics
)
LIKE_LATIN = {
    letter: latin for foreign, like in _SCRIPTS for letter, latin in zip(foreign, like, strict=True)
}
"""Each such letter, and the Latin one that it looks like."""

_SIGNS = {"🅰": "A", "🅱": "B", "\ufe0f": " ", "\u20e3": " ", "‚": ","}


def plain_letters(text: str) -> str:
    """Return `text` with look-alike, full-width and circled letters and digits as ASCII, of the same length."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _plain(char) for char in text)


def _plain(char: str) -> str:
    known = LIKE_LATIN.get(char) or _SIGNS.get(char)
    if known is not None:
        return known
    if "🇦" <= char <= "🇿":  # half a flag
        return chr(ord("A") + ord(char) - ord("🇦"))
    digit = unicodedata.digit(char, None)  # also ❷, whose form NFKC keeps
    if digit is not None:
        return str(digit)
    normal = unicodedata.normalize("NFKC", char)
    return normal if len(normal) == 1 and normal.isascii() else char
