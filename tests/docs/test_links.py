"""Links between the pages lead somewhere, and every page can be reached from the README."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.docs.pages import TOP, Page, pages, read_page
from tests.support.cases import for_each

PAGES = pages()


def _target(page: Page, link: str) -> Path:
    path = unquote(urlsplit(link).path)
    return (page.path.parent / path).resolve() if path else page.path


@for_each("page", PAGES)
def test_links_lead_to_files_and_headings_that_exist(page: Page) -> None:
    for link in page.links():
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https", link
            continue
        target = _target(page, link)
        assert target.exists(), f"{page.name}: {link}"
        if parts.fragment:
            assert parts.fragment in read_page(target).anchors(), f"{page.name}: {link}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    todo = [TOP / "README.md"]
    while todo:
        path = todo.pop()
        if path in reached or path.suffix != ".md" or not path.exists():
            continue
        reached.add(path)
        page = read_page(path)
        todo += [_target(page, link) for link in page.links() if not urlsplit(link).scheme]
    assert {page.path for page in PAGES} <= reached


def test_the_readme_is_short() -> None:
    assert len((TOP / "README.md").read_text(encoding="utf-8").splitlines()) < 250
