"""Which comments on a pull request the user has not read yet: a new one, or one with another text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from samobot.fleet.forge import CommentView

_EDITS = 5  # some bots edit their comment with every push
_MARK = 12


def comment_mark(comment: CommentView) -> str:
    """Name a comment with its text. Not with the time of its last change: that also changes when it is resolved."""
    text = hashlib.sha256(comment.text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{comment.id} {text[:_MARK]}"


def not_reported(
    reported: tuple[str, ...], comments: Sequence[CommentView], most: int
) -> tuple[tuple[CommentView, ...], tuple[str, ...]]:
    """Return the comments to report now, and the marks of all that are reported then.

    A comment is reported again with each other text, at most five times; a text that comes back is not.

    Args:
        reported: Marks of what was reported; of older versions only ids, whose comments count as read as they are.
        comments: All comments, the oldest first.
        most: How many to report at once.
    """
    texts: dict[str, set[str]] = {}
    for each in reported:
        name, _, text = each.partition(" ")
        texts.setdefault(name, set()).update({text} if text else ())
    fresh, marks = list[CommentView](), list(reported)
    for comment in comments:
        mark = comment_mark(comment)
        seen = texts.get(comment.id)
        if seen is not None and (mark.partition(" ")[2] in seen or len(seen) > _EDITS):
            continue
        if seen is None or seen:
            if len(fresh) == most:
                continue
            fresh.append(comment if seen is None else comment.model_copy(update={"edited": True}))
        marks.append(mark)
    return tuple(fresh), tuple(marks)
