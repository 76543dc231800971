"""`make pictures` must go on working: the README's pictures are of the real chat."""

from __future__ import annotations

from pathlib import Path

from tests.browser.pictures import NAMES, take_pictures
from tests.support.browser import Window


async def test_the_readme_s_pictures_can_be_taken(window: Window, tmp_path: Path) -> None:
    await take_pictures(window, tmp_path, pace=0.6)
    taken = {path.name for path in tmp_path.iterdir()}
    assert taken == {f"{name}{end}.png" for name in NAMES for end in ("", "-dark")}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())
    assert window.trouble == []
