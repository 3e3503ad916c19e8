"""Read what an operation is given, whichever door it came through: path, query and body become checked values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Query
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant
from fastapi.exceptions import RequestValidationError

from app.api import paging as pages
from app.api.fields import Instant
from app.api.problems import FieldError, Problem
from app.api.strict import PATH_VALUE, field_errors, wrong_id

PAGE: Final = ("limit", "cursor")


@dataclass(frozen=True, slots=True)
class AsOfPoint:
    """The instants asked about: how it stood at ``as_of``, by what was known at ``known_at``; None is now."""

    as_of: datetime | None
    known_at: datetime | None

    @property
    def is_now(self) -> bool:
        """Return whether the present is asked about, by all that is known."""
        return self.as_of is None and self.known_at is None


def _as_of(
    as_of: Annotated[Instant | None, Query(description="How it stood then")] = None,
    known_at: Annotated[Instant | None, Query(description="By what was recorded by then")] = None,
) -> AsOfPoint:
    return AsOfPoint(as_of, known_at)


AsOf = Annotated[AsOfPoint, Depends(_as_of)]
"""Declares ``as_of`` and ``known_at``."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the path or the query: how it is called outside and inside, and how it is read."""

    name: str
    alias: str
    place: str
    field: Any
    required: bool
    many: bool
    default: Any

    def read(self, values: Mapping[str, Any], errors: list[Any]) -> Any:
        """Return the checked value; what is wrong is added to ``errors``."""
        value = values.get(self.alias)
        if value is None:
            if not self.required:
                return self.default
            errors.append(_missing((self.place, self.alias)))
            return None
        found, wrong = self.field.validate(value, loc=(self.place, self.alias))
        errors.extend(wrong)
        return found

    @property
    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        schema: dict[str, Any] = self.field._type_adapter.json_schema()
        return schema

    @property
    def description(self) -> str | None:
        """Return what is published of it."""
        words: str | None = self.field.field_info.description
        return words


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters of the query that become one argument, such as the instants asked about."""

    name: str
    make: Callable[..., Any]
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Values:
    """What was read: the arguments of the function, and the part of a list that is wanted."""

    values: dict[str, Any]
    limit: int | None
    cursor: str | None
    narrowed: tuple[tuple[str, str], ...] = ()
    """What a list is narrowed and sorted by, as it was understood: the same whichever way it is spelt."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """All that an operation takes."""

    signature: inspect.Signature
    path: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    groups: tuple[Group, ...]
    page: tuple[Parameter, ...]
    body: Any
    asked: tuple[Parameter, ...]
    """Every parameter of the query but those of paging."""

    @classmethod
    def of(cls, path: str, signature: inspect.Signature, paging: str | None) -> Arguments:
        """Read them off the parameters of a function."""

        def stub() -> None: ...

        stub.__signature__ = signature  # type: ignore[attr-defined]
        dependant = get_dependant(path=path, call=stub)
        page = {None: None, "pages": pages._page, "short": pages._short_page}[paging]
        query = _parameters(dependant.query_params, "query")
        groups = tuple(_group(inner) for inner in dependant.dependencies)
        return cls(
            signature,
            _parameters(dependant.path_params, "path"),
            query,
            groups,
            () if page is None else _parameters(get_dependant(path="", call=page).query_params, "query"),
            dependant.body_params[0] if dependant.body_params else None,
            (*query, *(parameter for group in groups for parameter in group.parameters)),
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every parameter that a caller gives but those of paging."""
        return (*self.path, *self.asked)

    def read(self, path: Mapping[str, Any], query: Mapping[str, Any], body: Any) -> Values:
        """Return the arguments. Raise 422 ``invalid_input`` naming every field that is wrong."""
        errors: list[Any] = []
        values: dict[str, Any] = {}
        limit, cursor = (parameter.read(query, errors) for parameter in self.page) if self.page else (None, None)
        asked: dict[str, Any] = {}
        for group in self.groups:
            parts = {inner.name: inner.read(query, errors) for inner in group.parameters}
            asked |= parts
            values[group.name] = group.make(**parts)
        for parameter in self.path:
            values[parameter.name] = parameter.read(path, errors)
        for parameter in self.query:
            values[parameter.name] = asked[parameter.name] = parameter.read(query, errors)
        if self.body is not None:
            values[self.body.name], wrong = self.body.validate(body, loc=("body",))
            errors.extend(wrong)
        if errors:
            found = RequestValidationError(errors, body=body)
            raise Problem("invalid_input", errors=field_errors(found))
        narrowed = () if limit is None else tuple(sorted(_plain(asked)))
        return Values(values, limit, cursor, narrowed)


def _plain(asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return what was said, by name; what was left out means nothing, and a default the same as when it is said."""
    for name, value in asked.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            if each is not None:
                yield name, each.isoformat() if isinstance(each, datetime) else str(each)


def check_path(path: Mapping[str, Any]) -> None:
    """Refuse ids that are not 1 to 200 characters without control characters."""
    wrong = [wrong_id(name, str(value)) for name, value in path.items() if not PATH_VALUE.match(str(value))]
    if wrong:
        raise Problem("invalid_input", errors=wrong)


def check_query(query: Mapping[str, Any]) -> None:
    """Refuse values of parameters with a NUL character, which Postgres does not store nor compare."""
    wrong = [
        FieldError(f"/{name}", "bad_character", "A NUL character or bytes that are not UTF-8.", "query")
        for name, value in query.items()
        if any("\x00" in str(text) for text in (value if isinstance(value, list) else [value]))
    ]
    if wrong:
        raise Problem("invalid_input", errors=wrong)


def _parameters(fields: Sequence[Any], place: str) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(
            field.name,
            field.alias,
            place,
            field,
            bool(field.field_info.is_required()),
            "list" in str(field.field_info.annotation).lower(),
            None if field.field_info.is_required() else field.default,
        )
        for field in fields
    )


def _group(dependant: Dependant) -> Group:
    assert dependant.call is not None  # noqa: S101 - a dependency has one
    return Group(str(dependant.name), dependant.call, _parameters(dependant.query_params, "query"))


def _missing(place: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "missing", "loc": place, "msg": "Field required", "input": None}
