"""Refusals and faults in GraphQL, by the same codes as REST's problems: the one mapping table.

Expected refusals are data (`Refusal`, a member of every mutation's result). Faults, and who may not call, are top-level
errors with ``extensions.code``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import GraphQLError, get_named_type

from app.api.graphql import words
from app.api.graphql.names import camel
from app.api.graphql.views import REFUSAL, View
from app.api.problems import FieldError, Problem, body_of, body_of_error
from app.domain.values.errors import DomainError
from app.usecases.commands import Busy, Unavailable

_log = logging.getLogger("retainer")

TOP_LEVEL: Final = frozenset({401, 403, 421, 429, 500, 501, 503})
"""The statuses of problems that are faults or concern the caller; every other refusal is data."""
ABSENT: Final = 404
"""In a query, what is not there is null."""
TOO_MANY: Final = 429


def problem_of(error: Exception) -> dict[str, Any]:
    """The members of the problem that REST would answer; `internal_error`, logged, for what nobody expected."""
    if isinstance(error, Problem):
        return body_of(error.code, error.detail, errors=error.errors, **error.extra)
    if isinstance(error, DomainError):
        return body_of_error(error)
    if isinstance(error, Unavailable):
        _log.warning("unavailable", extra={"cause": error.cause})
        return body_of(
            "outcome_unknown" if error.outcome_unknown else "busy" if isinstance(error, Busy) else "unavailable"
        )
    _log.error("fault", exc_info=error)
    return body_of("internal_error")


@dataclass(frozen=True, slots=True)
class Names:
    """How the members that an operation takes are called in GraphQL: for pointers."""

    under: str = ""
    """Where they stand: `/input` of a field with one input."""
    kind: Any = None
    """The type of the input; what stands below JSON keeps its own names."""
    renamed: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(place, member of REST) -> argument, where that is not the same name in camelCase."""

    def pointed(self, error: Mapping[str, Any]) -> dict[str, Any]:
        """Return a wrong field with the pointer that a GraphQL caller knows."""
        pointer = str(error.get("pointer", ""))
        if not pointer.startswith("/"):
            return {**error, "pointer": self.under + pointer}
        first, *rest = pointer[1:].split("/")
        name = self.renamed.get((str(error.get("in")), first)) or camel(first)
        parts, kind = [name], self._below(self.kind, name)
        for part in rest:
            called = camel(part) if self.kind is None or hasattr(kind, "fields") else part
            parts.append(called)
            kind = kind if part.isdigit() else self._below(kind, called)
        return {**error, "pointer": "/".join([self.under, *parts])}

    def inside(self, member: str, index: int) -> Names:
        """Return the names of one item of a list among the members."""
        return Names(f"{self.under}/{member}/{index}", self._below(self.kind, member))

    @staticmethod
    def _below(kind: Any, name: str) -> Any:
        found = getattr(kind, "fields", {}).get(name)
        return None if found is None else get_named_type(found.type)


ARGUMENTS: Final = Names()


def refusal(body: Mapping[str, Any], *, names: Names = ARGUMENTS) -> View:
    """A refusal as data; pointers lead to the arguments by their GraphQL names."""
    found = dict(body)
    if "next_step" in found:
        found["next_step"] = words.of_refusal(str(found["next_step"]))
    found["errors"] = [names.pointed(error) for error in body.get("errors", ())]
    return View(REFUSAL, found)


def raised(body: Mapping[str, Any], *, names: Names = ARGUMENTS) -> GraphQLError:
    """A problem as a top-level error."""
    return GraphQLError(str(body["detail"]), extensions=extensions_of(body, names=names))


def extensions_of(body: Mapping[str, Any], *, names: Names = ARGUMENTS) -> dict[str, Any]:
    """A problem's members as ``extensions``."""
    found = {camel(name): value for name, value in body.items() if name not in ("detail", "type")}
    if "nextStep" in found:
        found["nextStep"] = words.of(str(found["nextStep"]))
    if "errors" in found:
        found["errors"] = [names.pointed(error) for error in found["errors"]]
    return {"code": body["code"], **found}


def request_error(
    code: str, detail: str | None = None, *, errors: Iterable[FieldError] = (), **extra: Any
) -> dict[str, Any]:
    """A request that was not executed: ``{"errors": [...]}`` without ``data``."""
    body = body_of(code, detail, **extra)
    extensions = extensions_of(body)
    if found := [error.json() for error in errors]:
        extensions["errors"] = found
    return {"errors": [{"message": body["detail"], "extensions": extensions}]}


def formatted(error: GraphQLError) -> dict[str, Any]:
    """An error as it leaves: what nobody expected is logged and says no more than that."""
    original = error.original_error
    if original is None or isinstance(original, GraphQLError):
        found = dict(error.formatted)
        if not (error.extensions or {}).get("code"):
            found["extensions"] = extensions_of(body_of("graphql_invalid", error.message))
        return found
    body = problem_of(original)
    found = {"message": body["detail"], "extensions": extensions_of(body)}
    if error.locations:
        found["locations"] = [location.formatted for location in error.locations]
    if error.path:
        found["path"] = error.path
    return found
