"""`@frozen`: a frozen dataclass with slots whose import costs next to nothing.

The standard decorator compiles six methods a class, 0.45 ms each time the program starts, and the bot and a worker
have about two hundred such classes. Here all classes share five of them, and `__init__` is compiled when the
first value is made. `fields`, `replace`, `asdict`, `match` and pickling work as with the standard one.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Hashable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, cast, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_T]) -> type[_T]:
    """Make a class a frozen dataclass with slots; methods that it defines are kept.

    `InitVar`s and fields that are made for keywords only are not supported.
    """
    if not cls.__doc__:
        cls.__doc__ = (
            cls.__name__
        )  # the standard decorator would derive one from the signature, which is slow
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    for name, method in _SHARED.items():
        if made.__dict__.get(name) is None:  # __hash__ is None if only __eq__ is defined
            setattr(made, name, method)
    if made.__dict__.get("__init__") is None:
        made.__init__ = _first_init(made)
    return cast(type[_T], made)


def _first_init(cls: Any) -> Callable[..., None]:
    """What builds a class's `__init__` at its first value. Two threads may both build it, which does no harm."""

    def initialize(self: object, *args: object, **kwargs: object) -> None:
        cls.__init__ = _compiled_init(cls)
        cls.__init__(self, *args, **kwargs)

    return initialize


def _compiled_init(cls: type[Any]) -> Callable[..., None]:
    parameters, body = ["self"], []
    # With the module's name, as profiles such as `benchmarks.trace` ask for it.
    names: dict[str, object] = {
        "__name__": cls.__module__,
        "_assign": object.__setattr__,
        "_missing": MISSING,
    }
    for each in fields(cls):
        name = value = each.name
        if each.default_factory is not MISSING:
            names[f"_make_{name}"] = each.default_factory
            parameter, value = f"{name}=_missing", f"_make_{name}() if {name} is _missing else {name}"
        elif each.default is not MISSING:
            names[f"_default_{name}"] = each.default
            parameter = f"{name}=_default_{name}"
        else:
            parameter = name
        if each.init:
            parameters.append(parameter)
        elif parameter == name:
            continue  # only __post_init__ gives it a value
        else:
            names[name] = MISSING
            value = value if each.default is MISSING else f"_default_{name}"
        body.append(f"_assign(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    source = f"def __init__({', '.join(parameters)}):\n  " + "\n  ".join(body or ["pass"])
    exec(source, names)  # noqa: S102  # names of fields, which are identifiers of this program
    built: Any = names["__init__"]
    built.__qualname__ = f"{cls.__qualname__}.__init__"
    built.__module__ = cls.__module__
    return built  # type: ignore[no-any-return]


@cache
def _compared(cls: Hashable) -> Callable[[object], tuple[object, ...]]:
    """What gives the fields that equality and the hash are about."""
    names = [each.name for each in fields(cls) if each.compare]  # type: ignore[arg-type]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = _compared(self.__class__)
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(_compared(self.__class__)(self))


@reprlib.recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_setting(self: object, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, each.name) for each in fields(self)]


def _restore(self: Any, state: list[object]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


_SHARED = {
    "__repr__": _repr,
    "__eq__": _equal,
    "__hash__": _hash,
    "__setattr__": _refuse_setting,
    "__delattr__": _refuse_deleting,
    "__getstate__": _state,
    "__setstate__": _restore,
}
