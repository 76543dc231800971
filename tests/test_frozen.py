"""The project's frozen dataclass behaves as the standard one does."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, cast

import pytest
from pydantic import TypeAdapter

from samobot.frozen import frozen


@frozen
class Ours:
    """A class with every kind of field."""

    name: str
    numbers: list[int] = field(default_factory=list)
    secret: str = field(default="s", repr=False, compare=False)
    length: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", len(self.name))


@dataclass(frozen=True, slots=True)
class Standard:
    """The same, with the standard decorator."""

    name: str
    numbers: list[int] = field(default_factory=list)
    secret: str = field(default="s", repr=False, compare=False)
    length: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", len(self.name))


@frozen
class More(Ours):
    """A child with a field of its own."""

    more: tuple[int, ...] = (1,)


@frozen
class Empty:
    pass


@frozen
class OwnMethods:  # noqa: PLW1641  # the shared hash is what is tried
    """Defines what it does not want to get."""

    number: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnMethods)

    def __repr__(self) -> str:
        return "own"


@frozen
class Pair:
    """Only hashable fields."""

    left: int
    right: str = "r"


def test_it_constructs_compares_and_shows_as_the_standard_one_does() -> None:
    cases: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (("a",), {}),
        (("a", [1]), {}),
        ((), {"name": "abc", "secret": "x"}),
    ]
    for positional, named in cases:
        ours, standard = Ours(*positional, **named), Standard(*positional, **named)
        assert asdict(ours) == asdict(standard)
        assert repr(ours) == repr(standard).replace("Standard", "Ours")
        assert ours == Ours(*positional, **named)
        assert ours != cast("object", standard)
    assert Ours("a") == Ours("a", secret="other")
    assert Ours("a") != Ours("b")
    assert Ours("a").numbers is not Ours("a").numbers
    assert [each.name for each in fields(Ours)] == [each.name for each in fields(Standard)]
    assert Ours.__match_args__ == Standard.__match_args__


def test_it_refuses_wrong_arguments_as_the_standard_one_does() -> None:
    cases: list[tuple[Any, ...]] = [(), ("a", [], "s", 3)]
    for arguments in cases:
        with pytest.raises(TypeError) as standard:
            Standard(*arguments)
        with pytest.raises(TypeError) as ours:
            Ours(*arguments)
        assert str(ours.value) == str(standard.value).replace("Standard", "Ours")


def test_it_is_frozen_and_has_no_dict() -> None:
    value = Ours("a")
    with pytest.raises(FrozenInstanceError):
        value.name = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del value.name
    with pytest.raises(AttributeError):
        value.unknown = 1  # type: ignore[attr-defined]
    assert not hasattr(value, "__dict__")
    assert is_dataclass(value)


def test_it_hashes_what_it_compares() -> None:
    assert {Pair(1): "x"}[Pair(1, "r")] == "x"
    assert len({Pair(1), Pair(2), Pair(1)}) == 2
    assert hash(Empty()) == hash(Empty())
    assert Empty() == Empty()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ours("a"))


def test_it_is_copied_pickled_and_replaced() -> None:
    value = More("ab", [1], more=(2, 3))
    for other in (copy.deepcopy(value), pickle.loads(pickle.dumps(value)), replace(value)):
        assert other == value
        assert type(other) is More
    assert replace(value, name="abc").length == 3


def test_a_class_keeps_the_methods_that_it_defines() -> None:
    assert repr(OwnMethods(1)) == "own"
    assert OwnMethods(1) == OwnMethods(2)
    assert hash(OwnMethods(1)) == hash(OwnMethods(1))


def test_values_within_each_other_are_shown() -> None:
    inner: list[Any] = []
    value = Ours("a", numbers=inner)
    inner.append(value)
    assert repr(value) == "Ours(name='a', numbers=[...], length=1)"


def test_it_crosses_a_process_as_a_field_of_a_model() -> None:
    adapter = TypeAdapter(list[Pair])
    assert adapter.validate_json(adapter.dump_json([Pair(1), Pair(2, "x")])) == [Pair(1), Pair(2, "x")]


def test_first_values_may_be_made_by_two_threads() -> None:
    @frozen
    class New:
        number: int

    found = cast(Any, New).__init__  # by a thread that is then interrupted
    assert New(1).number == 1
    value = New.__new__(New)
    found(value, 2)
    assert value == New(2)
