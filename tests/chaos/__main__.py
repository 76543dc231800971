"""The long chaos run: `make chaos`, or `make chaos SEED=7` to see one journey again.

python -m tests.chaos [--faults 300] [--seed N] [--per-journey 24] [--sessions 3] [--jobs 1] [--write]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import platform
import sys
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

from tests.chaos.journey import Course, Journey, travel

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- figures: written by make chaos -->", "<!-- end of figures -->"


def main() -> int:
    """Run, print, and keep the figures; 1 where anything was lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", type=int, default=300, help="how many faults must have hit something")
    parser.add_argument("--seed", type=int, help="only this journey")
    parser.add_argument("--first", type=int, default=1, help="the seed of the first journey")
    parser.add_argument("--per-journey", type=int, default=24, help="faults planned in each journey")
    parser.add_argument("--sessions", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="journeys at the same time")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/reliability.md")
    options = parser.parse_args()
    journeys = asyncio.run(_run(options))
    figures = _figures(journeys)
    print(figures)
    if options.write:
        _keep(figures)
    return 1 if any(journey.findings.wrong for journey in journeys) else 0


async def _run(options: argparse.Namespace) -> list[Journey]:
    seeds = iter([options.seed]) if options.seed is not None else itertools.count(options.first)
    ended: list[Journey] = []

    async def travel_on() -> None:
        for seed in seeds:
            if sum(journey.counts.total() for journey in ended) >= options.faults:
                return
            course = Course(seed, options.per_journey, options.sessions)
            with tempfile.TemporaryDirectory(prefix="samobot-chaos-") as folder:
                journey = await travel(course, Path(folder))
            ended.append(journey)
            _say(journey, alone=options.seed is not None)

    await asyncio.gather(*(travel_on() for _ in range(options.jobs)))
    return ended


def _say(journey: Journey, *, alone: bool) -> None:
    found = journey.findings
    print(
        f"seed {journey.course.seed}: {journey.counts.total()} faults, {journey.kills} kills of the bot, {found.gates} gates, "
        f"{found.lost} lost, {found.repeated} repeated, {found.pauses} pauses, {journey.seconds:.0f} s"
        + ("" if journey.disk else ", no disk to fill"),
        flush=True,
    )
    if found.wrong or alone:
        print(journey.report, flush=True)


def _figures(journeys: list[Journey]) -> str:
    """The table for the page."""
    counts: Counter[str] = Counter()
    for journey in journeys:
        counts += journey.counts
    findings = [journey.findings for journey in journeys]
    faults = ", ".join(f"{kind} {count}" for kind, count in counts.most_common())
    seeds = sorted(journey.course.seed for journey in journeys)
    rows = {
        "Journeys (seeds)": f"{len(journeys)} ({seeds[0]} to {seeds[-1]}), {journeys[0].course.sessions} sessions each",
        "Faults that hit": f"{counts.total()}: {faults}",
        "Gates (questions, plans, actions, blocks, ends)": str(sum(each.gates for each in findings)),
        "Gates that never reached the chat": str(sum(each.lost for each in findings)),
        "Updates from Telegram": str(sum(each.updates for each in findings)),
        "Pauses that held until they were lifted": str(sum(each.pauses for each in findings)),
        "Kills of the bot": str(sum(journey.kills for journey in journeys)),
        "Needed messages that came twice": str(sum(each.repeated for each in findings)),
        "Gates at which the owner was asked to say it again": str(
            sum(journey.asked_again for journey in journeys)
        ),
        "Broken promises": str(sum(len(each.wrong) for each in findings)),
        "Longest journey": f"{max(journey.seconds for journey in journeys):.0f} s",
        "Measured": f"{date.today():%Y-%m-%d}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def _keep(figures: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
