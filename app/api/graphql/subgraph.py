"""The subgraph that a gateway composes: references by key, and the schema that it fetches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema, GraphQLUnionType, ObjectTypeDefinitionNode, parse
from strawberry import Info
from strawberry.federation import Schema as FederationSchema
from strawberry.federation.schema import FederationAny
from strawberry.federation.schema_directives import Inaccessible, Shareable

from app.api.graphql import edges, resolve
from app.api.graphql.calls import Calls
from app.api.graphql.errors import problem_of, raised
from app.api.graphql.identity import IDENTITIES
from app.api.graphql.names import snake
from app.api.graphql.views import View
from app.domain.values.errors import DomainError

NOT_SHARED: Final = (Shareable(), Inaccessible())
"""Of `node`: two subgraphs that each find their own things by an id cannot stand for one another. A gateway of several
therefore shows neither."""


class Subgraph(FederationSchema):
    """A federated schema whose references go through the same operations as everything else."""

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> list[FederationAny]:
        """What a router refers to; null for what is not there or not the caller's."""
        calls = resolve.calls_of(info)
        return [cast(FederationAny, _referred(calls, representation)) for representation in representations]


async def _referred(calls: Calls, representation: Any) -> Any:
    members = representation if isinstance(representation, dict) else {}
    name = members.get("__typename")
    if not isinstance(name, str) or name not in edges.KEYS:
        raise _misreferred(f"__typename must be one of {', '.join(edges.KEYS)}.")
    values = {}
    for part in edges.KEYS[name][0].split():
        if not isinstance(members.get(part), str):
            raise _misreferred(f"A representation of {name} needs {part}, which is text.")
        values[snake(part)] = members[part]
    operation = calls.operations.get("decideEntitlement" if name == "Entitlement" else str(IDENTITIES[name].getter))
    found = None if operation is None else await resolve.read(calls, operation, values)
    if found is None and name == "Customer" and calls.principal.customer_id is None:
        # Whom we have not seen is decided as an empty account: entitlement and offers answer.
        found = {**values, "licenses": [], "covers": [], "lots": [], "addons": [], "facts": {}, "open_tickets": []}
    return None if found is None else View(name, found)


def _misreferred(words: str) -> GraphQLError:
    return raised(problem_of(DomainError("invalid_input", field="representations", message=words)))


def _without_node(sdl: str) -> str:
    """Return a schema without `Query.node`."""
    query = next(
        definition
        for definition in parse(sdl).definitions
        if getattr(getattr(definition, "name", None), "value", "") == "Query"
    )
    node = next(field_ for field_ in cast(ObjectTypeDefinitionNode, query).fields or () if field_.name.value == "node")
    assert node.loc is not None  # noqa: S101 - it was parsed from a text
    return sdl[: node.loc.start].rstrip() + "\n" + sdl[node.loc.end :].lstrip("\n")


def serve_subgraph(core: GraphQLSchema, whole: Callable[[], str]) -> None:
    """Let a gateway fetch the schema without `node`, so that it can serve the `node` of another subgraph.

    ``whole``: gives the schema in SDL.
    """

    def subgraph(_root: Any, _info: Any) -> str:
        return _without_node(whole())

    service = cast(GraphQLObjectType, core.type_map["_Service"])
    service.description = "The schema, for a gateway."
    service.fields["sdl"].resolve = subgraph
    service.fields["sdl"].description = "The schema in SDL, without `node`."
    query = cast(GraphQLObjectType, core.query_type)
    query.fields["_service"].description = "The schema that a gateway composes."
    cast(GraphQLUnionType, core.type_map["_Entity"]).description = "What a gateway may refer to."
    core.type_map["_Any"].description = "The type and the key of a thing, as a gateway refers to it."
    query.fields["_entities"].args["representations"].description = "The things, each by its type and its key."
    query.fields["_entities"].description = "Things that a gateway refers to, in the order of their representations."
