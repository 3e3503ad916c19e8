"""The fields of a type: plain members, lists with their size, the id, and what is loaded with the whole."""

from __future__ import annotations

from typing import Any, Final, cast, get_args, get_origin

import strawberry
from graphql import GraphQLField
from strawberry import Info
from strawberry.federation.schema_directives import ListSize

from app.api.graphql import edges, identity, resolve
from app.api.graphql.errors import problem_of, raised
from app.api.graphql.identity import Identity
from app.api.graphql.names import camel
from app.api.graphql.operations import Twin
from app.api.graphql.shaped import LISTS, TABLES, entries
from app.api.graphql.views import pick
from app.domain.values.errors import DomainError
from app.views.event_data import noun_of


def size_of(owner: str, name: str) -> ListSize:
    """Return the directive that says how long a list is."""
    return edges.list_size(edges.SIZES.get((owner, name), edges.USUAL))


def sizes_of(cls: Any, inner: str) -> list[object]:
    """Return the directive of a member that is a list of things; none for others."""
    return [size_of(cls.__name__, camel(inner))] if inner in getattr(cls, LISTS, ()) else []


def plain_field(cls: Any, inner: str, called: str | None, about: str | None) -> Any:
    """Return the field of a member that stands in the view."""
    sizes = sizes_of(cls, inner)
    if inner not in getattr(cls, TABLES, ()):
        return strawberry.field(name=called, description=about, directives=sizes)

    def answer(root: Any) -> Any:
        return entries(pick(root, inner))

    answer.at_hand = answer  # type: ignore[attr-defined]  # for `picked_first`
    kind = cls.__annotations__[inner]
    return cast(
        Any,
        strawberry.field(
            resolver=answer, graphql_type=kind, name=called or camel(inner), description=about, directives=sizes
        ),
    )


def facts_field(kind: Any, about: str) -> Any:
    """Return the field of an event's facts, which stand under their noun."""

    def answer(root: Any) -> Any:
        return {noun_of(root["type"]): root["data"]}

    return cast(Any, strawberry.field(resolver=answer, graphql_type=kind, description=about))


def id_field(name: str) -> Any:
    """Return the field `id` of a thing, in the state that it is shown in."""

    def answer(root: Any) -> strawberry.ID:
        return strawberry.ID(identity.node_id(name, root))

    answer.at_hand = answer  # type: ignore[attr-defined]  # for `picked_first`
    words = "The id for `node(id:)`, of this thing in this state."
    return strawberry.field(resolver=answer, description=words)


def complete_refusal(cls: Any) -> None:
    """Give a refusal the request that it is about."""

    def request_id(root: Any, info: Info) -> str:
        return resolve.calls_of(info).request_id

    def instance(root: Any, info: Info) -> str:
        return f"urn:retainer:request:{resolve.calls_of(info).request_id}"

    words = "The request, as logs and the header `X-Request-Id` name it."
    cls.request_id = strawberry.field(resolver=request_id, description=words)
    cls.instance = strawberry.field(resolver=instance, description="The request that it is about, as a URN.")
    cls.__annotations__.pop("instance")


def add_outcome(cls: Any) -> None:
    """Give a mutation's answer what REST says in its status and headers. Of a thing that is read, both are false."""
    members = {
        "created": "Whether this very call made it: REST's 201.",
        "replayed": "Whether this is the first call's answer again.",
    }
    for name, about in members.items():
        if name not in cls.__annotations__ and not hasattr(cls, name):
            setattr(cls, name, _state_of(name, about))


def _state_of(name: str, about: str) -> Any:
    def answer(root: Any) -> bool:
        return bool(getattr(identity.state_of(root), name))

    return strawberry.field(resolver=answer, description=about)


NOT_AT_HAND: Final = object()


def picked_first(field: GraphQLField, resolver: Any) -> None:
    """Let the executor take at once from a view what it has: a member, its id, or one of `loaded_field`."""
    at_hand, later = getattr(resolver, "at_hand", None), field.resolve
    if at_hand is None or later is None:
        return

    def resolve_first(source: Any, info: Any) -> Any:
        found = at_hand(source)
        return later(source, info) if found is NOT_AT_HAND else found

    resolve_first.at_hand = at_hand  # type: ignore[attr-defined]  # for `app.api.graphql.plain`
    field.resolve = resolve_first


def loaded_field(
    operation: Twin,
    known: Identity,
    inner: str,
    annotation: Any,
    whole: str,
    about: str | None,
    directives: list[object],
    *,
    table: bool,
    called: str,
    absent: Any = None,
) -> Any:
    """Return the field of a member that rows leave out: it is loaded with the whole."""

    def shown(found: Any) -> Any:
        if found is None:
            return absent
        return entries(found) if table else found

    async def load(root: Any, info: Info) -> Any:
        found = await resolve.rest_of(resolve.calls_of(info), operation, known, root)
        if found is None:
            # A rehearsal tells of what is not there yet: it has no rows, and nothing else of it can be said.
            if get_origin(annotation) is list:
                return []
            if type(None) in get_args(annotation):
                return None
            noun = operation.name.removeprefix("get").lower()
            raise raised(problem_of(DomainError(f"{noun}_not_found")))
        return shown(found.get(inner))

    def at_hand(root: Any) -> Any:
        return shown(root.get(inner)) if inner in root or whole in root else NOT_AT_HAND

    def answer(root: Any, info: Info) -> Any:
        found = at_hand(root)
        return load(root, info) if found is NOT_AT_HAND else found

    answer.at_hand = at_hand  # type: ignore[attr-defined]  # for `picked_first`
    return cast(
        Any,
        strawberry.field(
            resolver=answer, graphql_type=annotation, name=called, description=about, directives=directives
        ),
    )
