"""A link in the terminal, as a phone's camera reads it."""

from __future__ import annotations

import segno

from samobot.terminal.qr_code import draw_qr_code

LINK = "https://t.me/samo_test_bot?start=ABCDEFGHJK"
_HALVES = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}  # dark is 1


def test_qr_code_has_the_modules_of_the_link_with_its_quiet_zone() -> None:
    lines = draw_qr_code(LINK)
    rows: list[list[int]] = []
    for line in lines:
        pairs = [_HALVES[char] for char in line]
        rows += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
    expected = [list(row) for row in segno.make_qr(LINK, error="l").matrix_iter(border=4)]
    assert [[int(module) for module in row] for row in expected] == rows[: len(expected)]


def test_qr_code_of_the_longest_link_fits_a_usual_terminal() -> None:
    lines = draw_qr_code(f"https://t.me/{'b' * 32}?start=ABCDEFGHJK")
    assert max(map(len, lines)) <= 60
    assert len(lines) <= 24
