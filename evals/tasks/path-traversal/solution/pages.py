"""Pages of a site."""

import pathlib

ROOT = pathlib.Path("pages")


def read_page(name):
    """The text of a page; LookupError if there is none."""
    root = ROOT.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise LookupError(name)
    return path.read_text()
