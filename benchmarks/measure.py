"""One measured quantity, and the table of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One line of the table: what was measured, its figures, and what was aimed at.

    Attributes:
        name: What was measured.
        value: The figure that counts.
        unit: Its unit.
        target: What it should not exceed; None if nothing was promised.
        detail: The other figures, as text.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    detail: str = ""

    @property
    def met(self) -> bool:
        """Whether it is within its target."""
        return self.target is None or self.value <= self.target


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """The values between which the median lies with at least 95 % confidence, whatever the distribution.

    Counted in from both ends: the binomial distribution gives by how many. Of fewer than six values all are between.
    """
    ordered, tail, cut = sorted(values), 0.0, 0
    while (tail := tail + math.comb(len(ordered), cut) / 2 ** len(ordered)) <= 0.025:
        cut += 1
    cut = max(cut - 1, 0)
    return ordered[cut], ordered[-1 - cut]


def spread(values: Sequence[float], unit: str = "ms") -> str:
    """The percentiles of one run, as text."""
    return (
        f"p50 {statistics.median(values):.1f}, p99 {percentile(values, 0.99):.1f}, "
        f"most {max(values):.1f} {unit}, n={len(values)}"
    )


def table(measures: Sequence[Measure]) -> str:
    """The measures as a Markdown table."""
    lines = ["| what | figure | aim | | spread |", "|---|---|---|---|---|"]
    for each in measures:
        aim = "" if each.target is None else f"≤ {each.target:g} {each.unit}"
        mark = "" if each.target is None else ("✓" if each.met else "✗")
        lines.append(f"| {each.name} | {each.value:.4g} {each.unit} | {aim} | {mark} | {each.detail} |")
    return "\n".join(lines)
