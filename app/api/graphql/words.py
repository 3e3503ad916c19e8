"""Next steps in GraphQL's words: the catalogue speaks of paths, headers and members as REST has them."""

from __future__ import annotations

import functools
import re
from typing import Final

from app.api.graphql.names import camel, field_name
from app.api.operations import registry
from app.api.operations.table import Operation

_CALL: Final = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (\.\.\.)?(/[\w/{}-]+)(\?[\w=]+)?")
_MEMBER: Final = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")
_VALUES: Final = frozenset({"each_business_day"})
"""Words that look like members and are values."""
_HEADERS: Final = (
    (re.compile(r"an Idempotency-Key header|the header `?Idempotency-Key`?"), "`idempotencyKey`"),
    (re.compile(r"`?Idempotency-Key`?"), "`idempotencyKey`"),
    (re.compile(r"its ETag(?: as If-Match)?"), "its `etag` as `ifMatch`"),
    (re.compile(r"`If-Match`"), "`ifMatch`"),
    (re.compile(r"`If-None-Match: \*`"), '`ifNoneMatch: "*"`'),
    (re.compile(r"a cursor; pass `next_cursor` on"), "`after`; pass `endCursor` on"),
    (re.compile(r"`next_cursor`"), "`endCursor`"),
)


_FACTS: Final = re.compile(r"`facts(\.\w+)?`")


@functools.cache
def of(step: str) -> str:
    """Return a next step with fields for calls, arguments for headers, and members in camelCase."""
    for words, instead in _HEADERS:
        step = words.sub(instead, step)
    step = _CALL.sub(_field, step)
    return _MEMBER.sub(lambda found: found[0] if found[1] in _VALUES else f"`{camel(found[1])}`", step)


@functools.cache
def of_refusal(step: str) -> str:
    """Return the same for a `Refusal`, where the facts and the scope have other names."""
    return _FACTS.sub(r"`refusalFacts\1`", of(step)).replace("`scope`", "`missingScope`")


def _field(found: re.Match[str]) -> str:
    method, shortened, path = found[1], found[2], found[3]
    for operation in _operations():
        if operation.method == method and (operation.path.endswith(path) if shortened else _same(operation.path, path)):
            return f"Call `{_name(operation)}`" if found.start() == 0 else f"`{_name(operation)}`"
    return found[0]


def _same(path: str, other: str) -> bool:
    return re.sub(r"\{\w+\}", "{}", path) == re.sub(r"\{\w+\}", "{}", other)


def _name(operation: Operation) -> str:
    return field_name(operation.id) if operation.reads else operation.id


@functools.cache
def _operations() -> tuple[Operation, ...]:
    return tuple(operation for operation in registry.operations() if operation.no_twin is None)
