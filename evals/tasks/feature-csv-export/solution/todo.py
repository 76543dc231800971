"""A list of things to do."""

import csv
import io


def new(title):
    """An item that is not done."""
    return {"title": title, "done": False}


def finish(item):
    """The item, done."""
    return {**item, "done": True}


def to_csv(items):
    """The items as CSV (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["title", "done"])
    writer.writerows([item["title"], "yes" if item["done"] else "no"] for item in items)
    return text.getvalue()
