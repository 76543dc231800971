"""A list of things to do."""


def new(title):
    """An item that is not done."""
    return {"title": title, "done": False}


def finish(item):
    """The item, done."""
    return {**item, "done": True}
