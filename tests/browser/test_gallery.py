"""Every kind of message fits a phone's screen: nothing is cut, nothing is raw markup, nothing is long-winded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.gallery import show_all
from tests.support.browser import Window

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.timeout(600)
async def test_every_kind_of_message_fits_a_phone(window: Window, tmp_path: Path) -> None:
    pictures, scratch = tmp_path / "pictures", tmp_path / "scratch"
    pictures.mkdir()
    scratch.mkdir()
    assert await show_all(window, pictures, scratch) == []
    assert len(list(pictures.glob("*.png"))) >= 30
    assert window.trouble == []
