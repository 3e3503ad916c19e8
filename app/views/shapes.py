"""Say what the members of a published shape are.

A shape is a `TypedDict`. Each member is `Annotated[type, "sentence"]`. A type is one of the scalars below, plain `str`,
`int` or `bool`, another shape, a list, a map by name, or a closed set. ``| None`` means that the member may be null;
`NotRequired` means that it may be absent. `members` reads a shape for whoever publishes it.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, NotRequired, TypeVar, Union, get_args, get_origin

from typing_extensions import TypedDict, get_type_hints, is_typeddict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without members: its name in GraphQL, its type and format in JSON Schema, and an example."""

    graphql: str
    type: Literal["string", "integer", "boolean"]
    format: str | None = None
    example: str | int | bool = "text"


@dataclass(frozen=True, slots=True)
class Closed:
    """Metadata of a `Literal` or `StrEnum`, whose values the code closes: its published name and its meaning."""

    name: str
    about: str


@dataclass(frozen=True, slots=True)
class Inline:
    """Metadata of a map that GraphQL gives as JSON too: facts and inputs."""


TEXT = Scalar("String", "string")
INTEGER = Scalar("Int", "integer", example=1)
FLAG = Scalar("Boolean", "boolean", example=True)
_PLAIN = {str: TEXT, int: INTEGER, bool: FLAG}
_MAPS = (dict, Mapping)
_LISTS = (list, tuple, Sequence)

Id = Annotated[str, Scalar("ID", "string", example="T-1")]
"""An identifier, ours or the caller's."""
Instant = Annotated[str, Scalar("DateTime", "string", "date-time", "2025-01-06T17:00:00Z")]
"""RFC 3339 in UTC."""
Day = Annotated[str, Scalar("Date", "string", "date", "2025-01-06")]
"""YYYY-MM-DD."""
Amount = Annotated[str, Scalar("Amount", "string", example="34.50")]
"""An amount of money as a decimal string."""
Credits = Annotated[int, Scalar("Credits", "integer", example=4)]
"""A whole number of credits."""
Whole = Annotated[int, Scalar("Long", "integer", "int64", 3600)]
"""A whole number that may pass 2^31: seconds, versions, positions."""
Inputs = Annotated[dict[str, int], Inline()]
"""Numbers by name, as a caller states them."""


class PageOf(TypedDict, Generic[T]):
    """A page of a list."""

    data: Annotated[Sequence[T], "The rows of this page."]
    next_cursor: Annotated[str | None, "The `cursor` of the next page; null on the last."]


# --- reading a shape --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value without members."""

    scalar: Scalar


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values of a closed set."""

    name: str
    values: tuple[str, ...]
    about: str


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    item: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """A map whose names are data; ``inline``: GraphQL gives it as JSON too."""

    value: Kind
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """Another shape, or a page of it."""

    cls: Any

    @property
    def name(self) -> str:
        """Return the name under which it is published."""
        return name_of(self.cls)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several shapes."""

    options: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Maybe:
    """A value that may be null."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Free:
    """JSON of any shape: a document, facts, inputs. ``names``: an object, whose names are data."""

    names: bool = True


Kind = Leaf | Choice | Many | Table | Shape | OneOf | Maybe | Free


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a shape; ``required``: it is always there."""

    name: str
    kind: Kind
    required: bool
    about: str


def name_of(cls: Any) -> str:
    """Return the name under which a shape is published: ``TicketPage`` for a page of tickets."""
    if get_origin(cls) is PageOf:
        return f"{name_of(get_args(cls)[0])}Page"
    name: str = cls.__name__
    return name


def about_of(cls: Any) -> str:
    """Return what a shape is, from its docstring."""
    return " ".join((getattr(get_origin(cls) or cls, "__doc__", None) or "").replace("``", "`").split())


def is_shape(cls: Any) -> bool:
    """Whether it is a published shape, or a page of one."""
    return is_typeddict(cls) or is_typeddict(get_origin(cls))


@functools.cache
def members(cls: Any) -> tuple[Member, ...]:
    """Return the members of a shape, in order."""
    origin = get_origin(cls) or cls
    bound = dict(zip(getattr(origin, "__parameters__", ()), get_args(cls), strict=True))
    hints = get_type_hints(origin, include_extras=True)
    return tuple(_member(name, hint, bound) for name, hint in hints.items())


def _member(name: str, hint: Any, bound: Mapping[Any, Any]) -> Member:
    required = get_origin(hint) is not NotRequired
    if not required:
        hint = get_args(hint)[0]
    about = next((words for words in getattr(hint, "__metadata__", ()) if isinstance(words, str)), "")
    return Member(name, kind_of(hint, bound), required, about)


def kind_of(hint: Any, bound: Mapping[Any, Any] | None = None) -> Kind:
    """Return what a type is, ``bound`` holding the arguments of its type variables."""
    if bound and hint in bound:
        hint = bound[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(hint, bound)
    if origin in (Union, UnionType):
        options = tuple(kind_of(argument, bound) for argument in arguments if argument is not NoneType)
        inner = options[0] if len(options) == 1 else OneOf(options)
        return Maybe(inner) if len(options) < len(arguments) else inner
    if is_shape(hint):
        return Shape(hint)
    if hint in _PLAIN:
        return Leaf(_PLAIN[hint])
    if hint in (Any, object):
        return Free(names=False)
    if origin in _MAPS and arguments[1] in (Any, object):
        return Free()
    if origin in _LISTS:
        return Many(kind_of(arguments[0], bound))
    if origin in _MAPS:
        return Table(kind_of(arguments[1], bound))
    raise TypeError(f"not a published type: {hint}")


def _annotated(hint: Any, bound: Mapping[Any, Any] | None) -> Kind:
    bare = get_args(hint)[0]
    for about in hint.__metadata__:
        if isinstance(about, Scalar):
            return Leaf(about)
        if isinstance(about, Closed):
            return Choice(about.name, values_of(bare), about.about)
    kind = kind_of(bare, bound)
    inline = isinstance(kind, Table) and any(isinstance(about, Inline) for about in hint.__metadata__)
    return Table(kind.value, inline=True) if inline and isinstance(kind, Table) else kind


def values_of(hint: Any) -> tuple[str, ...]:
    """Return the values of a `Literal` or of an enumeration of texts."""
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return tuple(str(item.value) for item in hint)
    values: tuple[str, ...] = get_args(hint)
    return values
