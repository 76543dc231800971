"""The marks of Markdown's blocks, taken off single lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.telegram.views.plain_lines import content, of_flattened, plain_line


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("- [ ] use **argparse**", "use argparse"),
        ("> > 1. `one`", "one"),
        ("## Phase 1", "Phase 1"),
        ("**Hello**, and *world*", "Hello, and world"),
        ("| a | **b** |", "a · b"),
        ("|---|:-:|", ""),
        ("```python", ""),
        ("---", ""),
        ("-5 degrees, a*b and x > y", "-5 degrees, a*b and x > y"),
        ("#12 is open", "#12 is open"),
    ],
)
def test_a_line_is_read_without_its_marks(line: str, read: str) -> None:
    assert plain_line(line, 90) == read


@pytest.mark.parametrize(
    ("flat", "read"),
    [
        ("Done: - parser - tests", "Done: · parser · tests"),
        ("- [x] parser - [ ] tests", "parser · tests"),
        ("## Done ### Next", "Done Next"),
        ("kept x > y and 3 - 2 - [link](a)", "kept x > y and 3 · 2 · [link](a)"),
        ("1. parser 2. tests", "1. parser 2. tests"),
        ("", ""),
    ],
)
def test_a_flattened_text_loses_the_marks_of_its_lost_lines(flat: str, read: str) -> None:
    assert of_flattened(flat) == read


@given(st.text(alphabet=st.sampled_from("->#*+1. []x|`~ab\n")))
def test_any_line_keeps_its_letters(text: str) -> None:
    assert sorted(c for c in of_flattened(text) if c == "a") == [c for c in text if c == "a"]
    assert "\n" not in content(text)
