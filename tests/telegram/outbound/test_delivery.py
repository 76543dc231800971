from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)

from samobot.telegram.outbound.delivery import (
    Closed,
    Fine,
    Frozen,
    Gone,
    Meaning,
    Moved,
    Reduce,
    Refused,
    Retry,
    cut,
    meaning,
    plain_text,
)
from samobot.telegram.store.outbox_rows import Form, Op, OutboxRow, Post, Priority


def row(op: Op = Op.SEND, form: Form = Form.FULL) -> OutboxRow:
    return OutboxRow(1, 7, Priority.NEEDED, op, "k", 1, Post("<b>x</b>"), form=form)


@pytest.mark.parametrize(
    ("error", "op", "expected"),
    [
        (RetryAfter(17), Op.SEND, Retry(17.0)),
        (TimedOut(), Op.SEND, Retry()),
        (NetworkError("Bad Gateway"), Op.EDIT, Retry()),
        (TimeoutError(), Op.SEND, Retry()),
        (InvalidToken("Unauthorized"), Op.SEND, Retry()),
        (ChatMigrated(-100), Op.SEND, Moved(-100)),
        (Forbidden("Forbidden: bot was blocked by the user"), Op.SEND, Closed()),
        (BadRequest("Chat not found"), Op.SEND, Closed()),
        (BadRequest("Message is not modified: specified new message content…"), Op.SHOW, Fine()),
        (BadRequest("Message to edit not found"), Op.SHOW, Gone()),
        (BadRequest("Message can't be edited"), Op.EDIT, Frozen()),
        (BadRequest("Message to delete not found"), Op.DELETE, Fine()),
        (BadRequest("Reaction_invalid"), Op.REACT, Fine()),
        (
            BadRequest("Can't parse entities: unclosed start tag at byte offset 3"),
            Op.SEND,
            Reduce(Form.PLAIN),
        ),
        (BadRequest("Message thread not found"), Op.SEND, Reduce(Form.NO_THREAD)),
        (BadRequest("Message is too long"), Op.SEND, Reduce(Form.DOCUMENT | Form.PLAIN)),
        (BadRequest("Message caption is too long"), Op.SEND, Reduce(Form.PLAIN)),
        (BadRequest("Button_data_invalid"), Op.SEND, Reduce(Form.NO_MARKUP)),
        (BadRequest("Something that did not exist when this was written"), Op.SEND, Reduce(Form.PLAIN)),
        (NetworkError("Request Entity Too Large"), Op.SEND, Refused()),
    ],
)
def test_what_an_error_means(error: Exception, op: Op, expected: Meaning) -> None:
    assert isinstance(
        error, (BadRequest, NetworkError, RetryAfter, InvalidToken, ChatMigrated, Forbidden, TimeoutError)
    )
    assert meaning(error, row(op)) == expected


@given(st.text(max_size=60))
def test_any_refusal_comes_to_an_end(text: str) -> None:
    form, tried = Form.FULL, 0
    while isinstance(verdict := meaning(BadRequest(text), row(form=form)), Reduce):
        assert verdict.form != form
        form, tried = verdict.form, tried + 1
        assert tried <= 4


@given(st.text())
def test_plain_text_is_what_the_person_would_have_read(text: str) -> None:
    assert plain_text(f"<b>{html.escape(text)}</b> <a href='http://x'>l</a>") == f"{text} l"


@given(st.text(), st.integers(1, 50))
def test_a_cut_text_fits_and_is_whole_where_it_fits(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert len(short.encode("utf-16-le")) // 2 <= limit
    assert short == text if len(text.encode("utf-16-le")) // 2 <= limit else short.endswith("…")
