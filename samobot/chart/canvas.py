"""A sheet of pixels to draw on: the only module that imports matplotlib, and so is imported late.

Nothing of pyplot's global state is used. Texts are taken as they are: no `$…$` mathematics, no TeX, and no
character that the font lacks.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.text import Text

_DPI = 100
_FAMILY = "DejaVu Sans"  # comes with matplotlib, so that a picture is the same everywhere


class Canvas:
    """Draws in pixels, from the upper left corner.

    Args:
        width: Pixels.
        height: Pixels.
        paper: Color of the sheet, as `#rrggbb`.
    """

    def __init__(self, width: int, height: int, paper: str) -> None:
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=paper)
        self._canvas: Any = FigureCanvasAgg(self._figure)  # its methods are not typed
        self._height = height
        self._layer = 0

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float,
        color: str,
        align: Literal["left", "center", "right"] = "left",
        bold: bool = False,
    ) -> None:
        """Write a line whose letters have their middle at height `y`.

        Args:
            x: The position of its start, middle or end, depending on `align`.
            y: The middle of its height.
            words: What to write.
            size: Height of the letters in pixels.
            color: As `#rrggbb`.
            align: What `x` means.
            bold: Whether the letters are bold.
        """
        text = self._text(x, y, words, size, bold)
        text.set(color=color, horizontalalignment=align, verticalalignment="center_baseline")
        self._add(text)

    def width_of(self, words: str, *, size: float, bold: bool = False) -> float:
        """How many pixels wide a line would be."""
        text = self._text(0, 0, words, size, bold)
        text.set_figure(self._figure)
        return float(text.get_window_extent().width)

    def box(
        self, left: float, top: float, right: float, bottom: float, color: str, *, strength: float = 1.0
    ) -> None:
        """Fill a rectangle; a `strength` below 1 lets the paper through."""
        self._add(
            Rectangle(
                (left, self._height - bottom), right - left, bottom - top, color=color, alpha=strength, lw=0
            )
        )

    def hatched(self, left: float, top: float, right: float, bottom: float, color: str, pattern: str) -> None:
        """Hatch a rectangle, in one of matplotlib's patterns."""
        self.box(left, top, right, bottom, color, strength=0.14)
        self._add(
            Rectangle(
                (left, self._height - bottom),
                right - left,
                bottom - top,
                facecolor="none",
                edgecolor=color,
                hatch=pattern,
                linewidth=1.5,
            )
        )

    def area(self, points: Sequence[tuple[float, float]], color: str, *, strength: float) -> None:
        """Fill the inside of a line that closes itself."""
        corners = [(x, self._height - y) for x, y in points]
        self._add(Polygon(corners, closed=True, color=color, alpha=strength, lw=0))

    def line(
        self, points: Sequence[tuple[float, float]], color: str, *, thick: float, dotted: bool = False
    ) -> None:
        """Draw a line, `thick` pixels wide."""
        self._add(
            Line2D(
                [x for x, _ in points],
                [self._height - y for _, y in points],
                color=color,
                linewidth=thick * 72 / _DPI,
                linestyle=(0, (1, 2)) if dotted else "-",
                solid_joinstyle="round",
                solid_capstyle="round",
            )
        )

    def drawable(self, words: str) -> str:
        """Leave out what the font cannot show, as emoji; a letter becomes a question mark."""
        font = get_font(findfont(FontProperties(family=_FAMILY)))
        shown = (char if font.get_char_index(ord(char)) else "?" if char.isalnum() else " " for char in words)
        return " ".join("".join(shown).split())

    def png(self) -> bytes:
        """The picture as a PNG file, the same bytes for the same drawing."""
        file = io.BytesIO()
        # Not by savefig, which reads the user's matplotlibrc; and without the library's version inside.
        self._canvas.print_png(file, metadata={"Software": None})
        return file.getvalue()

    def _text(self, x: float, y: float, words: str, size: float, bold: bool) -> Text:
        font = FontProperties(family=_FAMILY, size=size * 72 / _DPI, weight="bold" if bold else "normal")
        return Text(x, self._height - y, words, fontproperties=font, usetex=False, parse_math=False)

    def _add(self, artist: Any) -> None:
        # What is drawn later lies above, whatever it is.
        self._layer += 1
        artist.set(zorder=self._layer, clip_on=False)
        self._figure.add_artist(artist)
        artist.set_transform(None)
