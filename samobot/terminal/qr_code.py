"""A link as a QR code in the terminal, for a phone's camera."""

from __future__ import annotations

import io
import shutil
import sys

import click

_WHITE_ON_BLACK = "\x1b[38;5;231;48;5;16m"
_PLAIN = "\x1b[0m"


def show_qr_code(link: str) -> None:
    """Print a link as a QR code, unless the output is no terminal or the code would not fit into it."""
    if not sys.stdout.isatty():
        return
    lines = draw_qr_code(link)
    if len(lines[0]) <= shutil.get_terminal_size().columns:
        for line in lines:
            # A terminal's own colors may be dark on light: the camera would see a negative.
            click.echo(f"{_WHITE_ON_BLACK}{line}{_PLAIN}")


def draw_qr_code(link: str) -> list[str]:
    """Draw a QR code in half blocks, its blocks are the light modules; each line is two modules high."""
    import segno

    drawn = io.StringIO()
    segno.make_qr(link, error="l").terminal(drawn, compact=True)
    return drawn.getvalue().splitlines()
