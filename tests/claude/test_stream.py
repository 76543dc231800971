"""Following a log: every record once, whatever the pieces it comes in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.claude import stream
from samobot.claude.records import Init, Other, Record, Result, ToolResult
from samobot.claude.stream import Tail

FIXTURES = Path(__file__).with_name("fixtures")


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def whole(path: Path) -> list[Record]:
    with Tail(path) as tail:
        return list(tail.finish())


def test_a_log_that_does_not_exist_yet_has_nothing_to_say(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with Tail(log) as tail:
        assert list(tail.read()) == []
        append(log, line(type="a"))
        assert list(tail.read()) == [Other("a")]
        assert list(tail.read()) == []


def test_half_written_line_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with Tail(log) as tail:
        append(log, '{"type": "ü'.encode()[:-1])
        assert list(tail.read()) == []
        append(log, "ü".encode()[-1:] + b'"}')
        assert list(tail.read()) == []
        append(log, b"\r\n")
        assert list(tail.read()) == [Other("ü")]
        assert tail.garbage == 0


def test_a_last_line_without_its_newline_is_taken_at_the_end(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    append(log, line(type="a") + b'{"type": "b"}')
    with Tail(log) as tail:
        assert list(tail.read()) == [Other("a")]
        assert list(tail.finish()) == [Other("b")]
        assert list(tail.finish()) == []


def test_a_line_cut_off_by_a_crash_is_counted(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    append(log, line(type="a") + b'{"type": "resu')
    with Tail(log) as tail:
        assert list(tail.finish()) == [Other("a")]
        assert tail.garbage == 1


@given(st.data())
def test_pieces_of_any_size_give_the_same_records(data: st.DataObject) -> None:
    content = (FIXTURES / "completed.jsonl").read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=12)))
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        records: list[Record] = []
        with Tail(log) as tail:
            for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
                append(log, content[start:end])
                records += tail.read()
            records += tail.finish()
    assert records == whole(FIXTURES / "completed.jsonl")
    assert isinstance(records[0], Init)
    assert isinstance(records[-1], Result)


@given(st.lists(st.binary(max_size=60).map(lambda piece: piece.replace(b"\n", b" ")), max_size=10))
def test_garbage_never_hides_the_lines_around_it(pieces: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        append(log, b"\n".join([b'{"type": "first"}', *pieces, b'{"type": "last"}\n']))
        records = whole(log)
    assert records[0] == Other("first")
    assert records[-1] == Other("last")


def test_deep_nesting_and_monstrous_numbers_are_garbage(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    append(log, b"[" * 200_000 + b"\n" + b'{"n": ' + b"9" * 10_000 + b"}\n" + line(type="a"))
    with Tail(log) as tail:
        assert list(tail.finish()) == [Other("a")]
        assert tail.garbage == 2


def test_a_result_of_3_mb_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    append(log, b'{"type": "result", "result": "' + "é".encode() * 1_500_000 + b'", "num_turns": 7}\n')
    [record] = whole(log)
    assert isinstance(record, Result)
    assert record.num_turns == 7


def test_a_line_past_the_limit_is_skipped_and_counted_once(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    append(log, line(type="assistant", text="x" * (stream.LINE_LIMIT + stream.CHUNK * 3)) + line(type="a"))
    with Tail(log) as tail:
        assert list(tail.finish()) == [Other("a")]
        assert (tail.skipped, tail.garbage) == (1, 0)


def test_of_a_huge_tool_result_only_the_fact_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    huge = line(type="user", message={"content": "x" * (stream.LINE_LIMIT * 2)})
    append(log, huge + line(type="a"))
    with Tail(log) as tail:
        assert list(tail.finish()) == [ToolResult(error=False, size=len(huge) - 1), Other("a")]
        assert tail.skipped == 0


def test_a_reader_with_other_things_to_do_gets_its_turn(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    append(log, line(type="a", text="x" * 1000) * 2000)
    with Tail(log) as tail:
        batches = [list(tail.read(limit=1))]
        while tail.behind:
            batches.append(list(tail.read(limit=1)))
    assert len(batches) > 1
    assert sum(map(len, batches)) == 2000


def test_of_a_huge_log_only_the_end_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    os.truncate(log, 100 * 1024**3)
    with log.open("ab") as file:
        file.write(b"\n" + b"x\n" * 1000 + json.dumps({"type": "result"}).encode() + b"\n")
    with Tail(log) as tail:
        tail.skip_to_last(1024 * 1024)
        assert [type(record) for record in tail.finish()] == [Result]
        assert tail.garbage >= 1000


@pytest.mark.parametrize("copied", [True, False])
def test_a_hole_in_the_log_is_neither_read_nor_copied(tmp_path: Path, copied: bool) -> None:
    log, copy = tmp_path / "log", tmp_path / "copy"
    append(log, line(type="a"))
    with Tail(log, copy if copied else None) as tail:
        assert list(tail.read()) == [Other("a")]
        os.truncate(log, 100 * 1024**3)
        assert list(tail.read()) == []
        append(log, line(type="b"))
        assert list(tail.finish()) == [Other("b")]
    assert not copied or copy.stat().st_size < 1024 * 1024


@pytest.mark.parametrize("half", [b'{"half', b'{"type":"user",' + b"x" * 600_000])
def test_a_log_that_was_cut_is_read_from_its_new_beginning(tmp_path: Path, half: bytes) -> None:
    log = tmp_path / "log"
    append(log, line(type="a") + half)
    with Tail(log) as tail:
        assert list(tail.read()) == [Other("a")]
        os.truncate(log, 0)
        append(log, line(type="b"))
        assert list(tail.finish()) == [Other("b")]


def test_of_a_log_beyond_all_size_no_more_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LOG_LIMIT", 100)
    log, copy = tmp_path / "log", tmp_path / "copy"
    with Tail(log, copy) as tail:
        for _ in range(20):
            append(log, line(type="a"))
            assert list(tail.read()) == [Other("a")]
    assert copy.stat().st_size <= 100
