"""A pattern that is compiled at its first use is otherwise one of `re`'s."""

from __future__ import annotations

import copy
import gc
import importlib
import pickle
import pkgutil
import re

import samobot
from samobot.regex import regex


def test_methods_and_attributes_are_those_of_the_pattern() -> None:
    pattern = regex(r"(?P<letter>[a-c])\d", re.IGNORECASE)
    assert pattern.pattern == r"(?P<letter>[a-c])\d"
    assert pattern.flags & re.IGNORECASE
    assert pattern.groupindex == {"letter": 1}
    for _ in range(2):  # the first use compiles
        assert pattern.sub(r"<\g<letter>>", "A1 d2") == "<A> d2"
        found = pattern.search("x B2")
        assert found is not None
        assert found["letter"] == "B"
        assert found.span() == (2, 4)
        assert pattern.fullmatch("b") is None
        for same in (copy.deepcopy(pattern), pickle.loads(pickle.dumps(pattern))):
            assert same.fullmatch("b3")


def test_each_pattern_of_the_program_compiles() -> None:
    for module in pkgutil.walk_packages(samobot.__path__, "samobot."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.unfreeze()  # what was imported for the collection of the tests is not listed otherwise
    patterns = [each for each in gc.get_objects() if type(each) is type(regex(""))]
    assert len(patterns) > 100
    for each in patterns:
        assert re.compile(each.pattern, each.flags)
