"""Pages of a site."""

import pathlib

ROOT = pathlib.Path("pages")


def read_page(name):
    """The text of a page; LookupError if there is none."""
    path = ROOT / name
    if not path.is_file():
        raise LookupError(name)
    return path.read_text()
