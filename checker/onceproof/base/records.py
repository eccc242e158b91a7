"""Dataclasses that cost next to nothing until they are used.

The standard decorator writes and compiles six methods for each class when its module is imported,
and looks up what every annotation means: with 200 record classes that was half of the start-up.
This one has the same effect for what we use of it. Comparing, hashing and showing need no written
code; what makes a record is written and compiled when the first one is made; and what
``dataclasses.fields`` and ``replace`` ask for is made when they ask. Most runs use a quarter of the
classes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from inspect import get_annotations
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, slots=False):
        """Like ``dataclasses.dataclass``; type checkers see that one."""

        def decorate(cls):
            return _record(cls, frozen, slots)

        return decorate if cls is None else decorate(cls)


__all__ = ["dataclass"]

_OWN = "__record_fields__"
Fields = dict[str, Any]
"""The ``dataclasses.Field`` of each field, by name; only its own attributes are set."""


def _record(cls: Any, frozen: bool, slots: bool) -> Any:
    """The class with its methods, and with slots if it is to have them."""
    own = {
        name: _field(cls.__dict__.get(name, dataclasses.MISSING)) for name in get_annotations(cls)
    }
    inherited = getattr(cls, _OWN, {})
    fields: Fields = {**inherited, **own}
    body = dict(cls.__dict__)
    for name, about in own.items():
        body.pop(name, None)
        if about.default is not dataclasses.MISSING and not slots:
            body[name] = about.default
    body |= {_OWN: fields, "__match_args__": tuple(fields), "__dataclass_fields__": _Described()}
    for name, method in _methods(fields, frozen).items():
        if cls.__dict__.get(name) is None:
            body[name] = method
    if slots:
        body |= {"__slots__": tuple(own), "__getstate__": _state, "__setstate__": _set_state}
        body.pop("__dict__", None)
        body.pop("__weakref__", None)
        made = type(cls)(cls.__name__, cls.__bases__, body)
        made.__qualname__ = cls.__qualname__
        return made
    for name, value in body.items():
        if cls.__dict__.get(name, dataclasses.MISSING) is not value:
            setattr(cls, name, value)
    for name, about in own.items():
        if about.default is dataclasses.MISSING and name in cls.__dict__:
            delattr(cls, name)
    return cls


def _field(given: Any) -> Any:
    """What is said about a field: ``field(…)``, a default value, or nothing."""
    found: Any = given if isinstance(given, dataclasses.Field) else dataclasses.field(default=given)
    assert found.init, "every field of a record is given when it is made, or has a default"
    return found


class _Described:
    """Stands for ``__dataclass_fields__`` until somebody asks for it; the standard library then
    describes a twin of the class.
    """

    def __get__(self, _: object, cls: Any) -> Fields:
        fields: Fields = getattr(cls, _OWN)
        annotations = {
            n: t
            for c in reversed(cls.__mro__)
            for n, t in get_annotations(c).items()
            if n in fields
        }
        body: dict[str, Any] = {
            "__module__": cls.__module__,
            "__doc__": "A twin.",
            "__annotations__": annotations,
        }
        for name, f in fields.items():
            default: Any = {"default": f.default, "default_factory": f.default_factory}
            body[name] = dataclasses.field(
                init=f.init, repr=f.repr, hash=f.hash, compare=f.compare, **default
            )
        twin: Any = dataclasses.dataclass(init=False, repr=False, eq=False, match_args=False)(
            type(cls.__name__, (), body)
        )
        described: Fields = twin.__dataclass_fields__
        owner = next(c for c in cls.__mro__ if _OWN in c.__dict__)
        owner.__dataclass_fields__ = described
        return described


def _methods(fields: Fields, frozen: bool) -> dict[str, Any]:
    """What the standard library would write."""
    shown = tuple(name for name, f in fields.items() if f.repr)
    compared = _values(tuple(name for name, f in fields.items() if f.compare))
    hashed = _values(
        tuple(name for name, f in fields.items() if (f.compare if f.hash is None else f.hash))
    )

    def __repr__(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"  # noqa: E501

    def __eq__(self: Any, other: Any) -> Any:
        return (
            compared(self) == compared(other)
            if other.__class__ is self.__class__
            else NotImplemented
        )

    def __hash__(self: Any) -> int:
        return hash(hashed(self))

    methods: dict[str, Any] = {"__init__": _first_init, "__repr__": __repr__, "__eq__": __eq__}
    if frozen:
        methods |= {"__hash__": __hash__, "__setattr__": _no_setting, "__delattr__": _no_deleting}
    else:
        methods["__hash__"] = None
    return methods


def _values(names: tuple[str, ...]) -> Callable[[Any], tuple[object, ...]]:
    """The values of these fields as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda _: ()
    single = attrgetter(names[0])
    return lambda self: (single(self),)


def _first_init(self: Any, *values: object, **named: object) -> None:
    """Stands for ``__init__``: has the real one written, and calls it."""
    cls = type(self)
    owner: Any = next(c for c in cls.__mro__ if c.__dict__.get("__init__") is _first_init)
    owner.__init__ = _init(owner)
    owner.__init__(self, *values, **named)


def _init(cls: Any) -> Any:
    """Write and compile what makes a record. Fields are set where they are stored, past the guard
    that keeps them.
    """
    fields: Fields = getattr(cls, _OWN)
    known: dict[str, Any] = {"_none": _NONE, "_set": object.__setattr__}
    head: list[str] = []
    body: list[str] = []
    for name, about in fields.items():
        slot: Any = getattr(cls, name, None)
        put = f"_put_{name}(self, " if type(slot) is _SLOT else f"_set(self, {name!r}, "
        known[f"_put_{name}"] = slot.__set__ if type(slot) is _SLOT else None
        value = name
        if about.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = about.default_factory
            value = f"_make_{name}() if {name} is _none else {name}"
            head.append(f"{name}=_none")
        elif about.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = about.default
            head.append(f"{name}=_default_{name}")
        else:
            head.append(name)
        body.append(f"    {put}{value})\n")
    if hasattr(cls, "__post_init__"):
        body.append("    self.__post_init__()\n")
    exec(f"def __init__(self, {', '.join(head)}):\n{''.join(body) or '    pass'}", known)
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    return made


class _Slotted:
    __slots__ = ("x",)


_SLOT = type(_Slotted.__dict__["x"])
_NONE = object()
"""No value was given."""


def _no_setting(self: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_deleting(self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _names(self: Any) -> Iterator[str]:
    return iter(getattr(type(self), _OWN))


def _state(self: Any) -> list[object]:
    """What is pickled: the values of the fields."""
    return [getattr(self, name) for name in _names(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for name, value in zip(_names(self), state, strict=True):
        object.__setattr__(self, name, value)
