from __future__ import annotations

import html

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
    ChatMoved,
    ChatUnavailable,
    ErrorAction,
    Ignore,
    MessageGone,
    NotEditable,
    Rejected,
    RetryLater,
    Simplify,
    classify_error,
    cut,
    plain_text,
)
from samobot.telegram.store.outbox_rows import Form, Op, OutboxRow, Post, Priority
from tests.support.cases import for_each


def row(op: Op = Op.SEND, form: Form = Form.FULL) -> OutboxRow:
    return OutboxRow(1, 7, Priority.NEEDED, op, "k", 1, Post("<b>x</b>"), form=form)


@for_each(
    ("error", "op", "expected"),
    [
        (RetryAfter(17), Op.SEND, RetryLater(17.0)),
        (TimedOut(), Op.SEND, RetryLater()),
        (NetworkError("Bad Gateway"), Op.EDIT, RetryLater()),
        (TimeoutError(), Op.SEND, RetryLater()),
        (InvalidToken("Unauthorized"), Op.SEND, RetryLater()),
        (ChatMigrated(-100), Op.SEND, ChatMoved(-100)),
        (Forbidden("Forbidden: bot was blocked by the user"), Op.SEND, ChatUnavailable()),
        (BadRequest("Chat not found"), Op.SEND, ChatUnavailable()),
        (BadRequest("Message is not modified: specified new message content…"), Op.SHOW, Ignore()),
        (BadRequest("Message to edit not found"), Op.SHOW, MessageGone()),
        (BadRequest("Message can't be edited"), Op.EDIT, NotEditable()),
        (BadRequest("Message to delete not found"), Op.DELETE, Ignore()),
        (BadRequest("Reaction_invalid"), Op.REACT, Ignore()),
        (
            BadRequest("Can't parse entities: unclosed start tag at byte offset 3"),
            Op.SEND,
            Simplify(Form.PLAIN),
        ),
        (BadRequest("Message thread not found"), Op.SEND, Simplify(Form.NO_THREAD)),
        (BadRequest("Message is too long"), Op.SEND, Simplify(Form.DOCUMENT | Form.PLAIN)),
        (BadRequest("Message caption is too long"), Op.SEND, Simplify(Form.PLAIN)),
        (BadRequest("Button_data_invalid"), Op.SEND, Simplify(Form.NO_MARKUP)),
        (BadRequest("Something that did not exist when this was written"), Op.SEND, Simplify(Form.PLAIN)),
        (NetworkError("Request Entity Too Large"), Op.SEND, Rejected()),
    ],
)
def test_what_an_error_means(error: Exception, op: Op, expected: ErrorAction) -> None:
    assert isinstance(
        error, (BadRequest, NetworkError, RetryAfter, InvalidToken, ChatMigrated, Forbidden, TimeoutError)
    )
    assert classify_error(error, row(op)) == expected


@given(st.text(max_size=60))
def test_any_refusal_comes_to_an_end(text: str) -> None:
    form, tried = Form.FULL, 0
    while isinstance(verdict := classify_error(BadRequest(text), row(form=form)), Simplify):
        assert verdict.form != form
        form, tried = verdict.form, tried + 1
        assert tried <= 4


@given(st.text())
def test_plain_text_is_what_the_user_would_have_read(text: str) -> None:
    assert plain_text(f"<b>{html.escape(text)}</b> <a href='http://x'>l</a>") == f"{text} l"


@given(st.text(), st.integers(1, 50))
def test_a_cut_text_fits_and_is_whole_where_it_fits(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert len(short.encode("utf-16-le")) // 2 <= limit
    assert short == text if len(text.encode("utf-16-le")) // 2 <= limit else short.endswith("…")
