"""Frozen dataclasses with slots that cost next to nothing until they are used.

The standard decorator writes and compiles six methods for each class when its module is imported: with 200 record classes that was
half of the start-up. This one has the same effect, and leaves the compiling to the first use of a class. Most runs use a quarter of
them. Anything else than ``frozen=True, slots=True`` is left to the standard library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, slots=False):
        """Like ``dataclasses.dataclass``; type checkers see that one."""

        def decorate(cls):
            return _record(cls) if frozen and slots else dataclasses.dataclass(frozen=frozen, slots=slots)(cls)

        return decorate if cls is None else decorate(cls)


__all__ = ["dataclass"]

_WRITTEN: dict[str, dict[str, bool]] = {
    "__init__": {"init": True, "frozen": True, "repr": False, "eq": False},
    "__repr__": {"init": False, "repr": True, "eq": False},
    "__eq__": {"init": False, "repr": False, "eq": True},
    "__hash__": {"init": False, "repr": False, "eq": True, "unsafe_hash": True},
}
"""What the standard library writes and compiles for each class, and how to have it write that alone."""


def _record(cls: type) -> Any:
    """The class with slots, its fields known, and stand-ins for the methods that are not compiled yet."""
    own = {name for name in _WRITTEN if cls.__dict__.get(name) is not None}
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    made.__setattr__ = _no_setting
    made.__delattr__ = _no_deleting
    made.__getstate__ = _state
    made.__setstate__ = _set_state
    for name in _WRITTEN:
        if name not in own:
            setattr(made, name, _stand_in(made, name))
    return made


def _stand_in(cls: type, name: str) -> Callable[..., Any]:
    """A method that has the real one compiled, and calls it."""

    def method(self: object, *values: object, **named: object) -> object:
        _complete(cls, name)
        return getattr(cls, name)(self, *values, **named)

    method.__name__ = name
    return method


def _complete(cls: Any, name: str) -> None:
    """Let the standard library write a method for a twin of the class with the same fields, and take it."""
    fields = dataclasses.fields(cls)
    body: dict[str, Any] = {
        "__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": "A twin.",
        "__annotations__": {f.name: f.type for f in fields},
    }  # fmt: skip
    for f in fields:
        default: Any = {"default": f.default, "default_factory": f.default_factory}
        body[f.name] = dataclasses.field(init=f.init, repr=f.repr, hash=f.hash, compare=f.compare, kw_only=f.kw_only, **default)
    if hasattr(cls, "__post_init__"):
        body["__post_init__"] = cls.__post_init__
    twin: Any = dataclasses.dataclass(match_args=False, **_WRITTEN[name])(type(cls.__name__, (), body))
    setattr(cls, name, twin.__dict__[name])


def _no_setting(self: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_deleting(self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    """What is pickled: the values of the fields."""
    return [getattr(self, f.name) for f in dataclasses.fields(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for f, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, f.name, value)
