"""The schema: every operation of the table as a query or a mutation, typed, with the ways that lead between things.

Made once a process. This is the module that touches strawberry's machinery; ``types`` holds the shapes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Optional, Union, cast

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from strawberry import UNSET, Info
from strawberry.annotation import StrawberryAnnotation
from strawberry.federation import Schema as FederationSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import StrawberryArgument

from app.api.graphql import edges, identity, limits, operations, resolve, types
from app.api.graphql.documents import Documents
from app.api.graphql.errors import Names
from app.api.graphql.identity import IDENTITIES, Identity
from app.api.graphql.inputs import Inputs, safe
from app.api.graphql.members import (
    add_outcome,
    complete_refusal,
    facts_field,
    id_field,
    loaded_field,
    picked_first,
    plain_field,
    size_of,
    sizes_of,
)
from app.api.graphql.names import camel, field_name
from app.api.graphql.operations import Twin
from app.api.graphql.scalars import JSON, SCALARS
from app.api.graphql.selected import members_of_rows
from app.api.graphql.shaped import ABOUT, ABSENT, TABLES
from app.api.graphql.subgraph import NOT_SHARED, Subgraph, serve_subgraph
from app.api.graphql.views import REFUSAL, View, pick, picker
from app.api.headers import etag, tagged
from app.api.operations import registry
from app.api.sentences import sentence_of
from app.usecases.clocks import calendars
from app.usecases.customers import profiles
from app.usecases.policies import policies

Resolver = Callable[..., Awaitable[Any]]


@dataclass(slots=True)
class Door:
    """What the door needs of the schema."""

    schema: FederationSchema
    core: GraphQLSchema
    operations: Mapping[str, Twin]
    weights: limits.Weights
    documents: Documents

    def sdl(self) -> str:
        """Return the schema in SDL, as committed: with federation's directives defined, so that it stands alone."""
        found = f"{self.schema.as_str().rstrip()}\n\n{edges.DEFINITIONS}"
        return re.sub(r"[ \t]+\n", "\n", found)


# Annotations made of classes that are found at run time, which a type checker cannot read.
def _list_of(kind: Any) -> Any:
    return list.__class_getitem__(kind)


def _or_none(kind: Any) -> Any:
    return Optional.__getitem__(kind)


def _result(name: str, kind: Any, refusal: Any) -> Any:
    members = Union.__getitem__((kind, refusal))
    union: Any = strawberry.union(name, description="The answer, or why there is none.")
    return cast(Any, Annotated)[members, union]


def _described(name: str, about: str, **members: tuple[Any, str]) -> Any:
    """Return a type of members, each with its type and its sentence."""
    space: dict[str, Any] = {"__annotations__": {inner: kind for inner, (kind, _) in members.items()}}
    space |= {inner: strawberry.field(description=words) for inner, (_, words) in members.items()}
    return strawberry.type(type(name, (), space), description=about)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def field(
    name: str,
    kind: Any,
    answer: Resolver,
    arguments: list[StrawberryArgument],
    about: str | None,
    directives: list[object],
) -> Any:
    """A field with a resolver and with arguments that no signature holds."""

    async def bare(root: Any, info: Info) -> Any:
        raise NotImplementedError

    made = cast(
        Any,
        strawberry.field(resolver=bare, graphql_type=kind, name=camel(name), description=about, directives=directives),
    )
    made.arguments = arguments
    made.base_resolver.wrapped_func = answer
    return made


def argument(name: str, kind: Any, *, required: bool, about: str | None = None) -> StrawberryArgument:
    """One argument."""
    return StrawberryArgument(
        python_name=safe(name),
        graphql_name=camel(name),
        description=about or sentence_of(name),
        type_annotation=StrawberryAnnotation(kind if required else _or_none(kind)),
        **({} if required else {"default": UNSET}),
    )


_TAGS: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "Calendar": ("revision", lambda view: tagged(calendars.tag_of(view))),
    "Customer": ("metadata", lambda view: tagged(profiles.tag_of(view))),
    "Policy": ("versions", lambda view: tagged(policies.tag_of(view))),
    "WebhookEndpoint": ("version", lambda view: etag(view["version"])),
}
"""What has an ETag in REST: the member that it needs, and the tag."""


class _Builder:
    def __init__(self, found: Mapping[str, Twin]) -> None:
        self.operations = found
        self.inputs = Inputs()
        self.shapes: dict[str, Any] = {type_.__name__: type_ for type_ in types.SHAPES}
        self.asking: set[tuple[str, str]] = {limits.ENTITIES}
        self.connections: dict[str, Any] = {}
        self.payloads = {
            operations.result_of(twin) for twin in found.values() if twin.method != "GET" and not twin.asks
        }
        """Types that a mutation answers."""

    # fields -----------------------------------------------------------------------------------------------------------

    def arguments(self, operation: Twin, bound: Iterable[str]) -> list[StrawberryArgument]:
        """The arguments of a reading field, those left out that the view brings."""
        bound_names = set(bound)
        found = [
            argument(
                _named(operation, parameter.name),
                self.kind(operation, parameter),
                required=parameter.required,
                about=parameter.description,
            )
            for parameter in operations.parameters(operation.declared)
            if parameter.name not in bound_names and parameter.place != "header"
        ]
        if operation.paged:
            found.append(argument("first", int, required=False, about=f"Rows at most, up to {limits.MAX_PAGE}"))
            found.append(argument("after", str, required=False, about="The cursor to go on after"))
            found.append(argument("last", int, required=False, about=f"The last rows, up to {limits.MAX_PAGE}"))
            found.append(argument("before", str, required=False, about="The cursor to go back from"))
        return found

    def kind(self, operation: Twin, parameter: operations.Parameter) -> Any:
        """The type of a parameter."""
        return self.inputs.annotation(
            _capital(operation.name), parameter.name, parameter.schema, parameter.schema.get("$defs", {})
        )

    def reading(self, owner: str, name: str, operation: Twin, bound: Mapping[str, str]) -> Any:
        """A field that asks a reading operation, some of its parameters taken from the view's keys."""
        names = {
            safe(_named(operation, parameter.name)): parameter.name
            for parameter in operations.parameters(operation.declared)
        }
        listed = operation.listed and not operation.paged

        async def answer(root: Any, info: Info, **arguments: Any) -> Any:
            values = {names[key]: value for key, value in arguments.items() if key in names and value is not UNSET}
            for key, parameter in bound.items():
                if root.get(key) is None:
                    return None
                values[parameter] = root[key]
            calls = resolve.calls_of(info)
            if operation.paged:
                return await resolve.page(calls, operation, values, resolve.span(arguments), members_of_rows(info))
            ask = resolve.whole if operation.short else resolve.read
            found = await ask(calls, operation, values)
            return found["data"] if listed and found is not None else found

        self.asking.add((owner, camel(name)))
        return field(
            name,
            _or_none(self.answer(operation)),
            answer,
            self.arguments(operation, bound.values()),
            _about(operation),
            _directives(operation, owner, camel(name)),
        )

    def answer(self, operation: Twin) -> Any:
        """The type of a reading operation's answer."""
        name = operations.result_of(operation)
        if operation.paged:
            return self.connection(name)
        if name == operations.UNTYPED:
            return JSON if operation.declared.media is None else str
        return _list_of(self.shapes[name]) if operation.listed else self.shapes[name]

    def connection(self, name: str) -> Any:
        """The Relay connection over a type."""
        if name not in self.connections:
            kind = self.shapes[name]
            edge = _described(
                f"{name}Edge",
                "A row and its cursor.",
                cursor=(str, "The row's place in the list, for `after` and `before`."),
                node=(kind, "The row."),
            )
            self.connections[name] = _described(
                f"{name}Connection",
                "A page of a list.",
                edges=(_list_of(edge), "The rows of this page, each with its cursor."),
                nodes=(_list_of(kind), "The rows of this page."),
                page_info=(types.PageInfo, "Where the page begins and ends."),
            )
        return self.connections[name]

    def writing(self, operation: Twin, parent: str) -> Any:
        """A field with one input, and a result that may be a refusal: every mutation, and a few queries."""
        owner = _capital(operation.name)
        extra: dict[str, tuple[Any, bool, str | None]] = {}
        if operation.declared.key in ("keyed", "offered"):
            words = "Yours, one for each intent, kept for retries"
            extra["idempotency_key"] = (strawberry.ID, operation.keyed, words)
        for parameter in operations.parameters(operation.declared):
            extra[parameter.name] = (self.kind(operation, parameter), parameter.required, parameter.description)
        extra["validate_only"] = (bool, False, "The full answer, nothing written")
        schema: dict[str, Any] = {}
        if operation.body_fields:
            schema = operations.body_schema(operation.declared)
            renamed = {inner: name for name, inner in operation.body_fields.items()}
            properties = {renamed[property_]: about for property_, about in schema["properties"].items()}
            required = [renamed[item] for item in schema.get("required", ())]
            schema = {**schema, "properties": properties, "required": required}
        kind = self.inputs.object(f"{owner}Input", {"title": owner, **schema}, schema.get("$defs", {}), extra)
        needed = any(pair for _, pair, _ in extra.values()) or bool(schema.get("required"))
        result = operations.result_of(operation)
        bare = result == operations.UNTYPED

        async def answer(root: Any, info: Info, **arguments: Any) -> Any:
            asked = arguments.get("input")
            input_type = info._raw_info.schema.type_map.get(f"{owner}Input")
            names = Names("/input", input_type, operation.renamed)
            calls = resolve.calls_of(info)
            found = await resolve.write(calls, operation, None if asked is UNSET else asked, names)
            return {"data": found} if bare and not isinstance(found, View) else found

        self.asking.add((parent, operation.name))
        return field(
            operation.name,
            _or_none(_result(f"{owner}Result", self.shapes[result], self.shapes["Refusal"])),
            answer,
            [argument("input", kind, required=needed, about="What it takes.")],
            _about(operation),
            [edges.cost(edges.MUTATION_WEIGHT)],
        )

    # types ------------------------------------------------------------------------------------------------------------

    def dress(self) -> None:
        """Turns the shapes into types, with their ids and the ways between them."""
        for (owner, name), (operation_id, bound) in edges.EDGES.items():
            operation = self.operations.get(operation_id)
            if operation is not None:
                self.shapes[owner].__annotations__.pop(name, None)
                setattr(self.shapes[owner], name, self.reading(owner, name, operation, bound))
        if "getTicket" in self.operations:
            self.shapes["Ticket"].children = self._children(self.operations["getTicket"])
        event = self.shapes["Event"]
        event.data = facts_field(event.__annotations__.pop("data"), getattr(event, ABOUT)["data"])
        for cls in types.SHAPES:
            self._type(cls)

    def _children(self, operation: Twin) -> Any:
        async def answer(root: Any, info: Info) -> Any:
            calls = resolve.calls_of(info)
            found = [await resolve.read(calls, operation, {"ticket_id": child}) for child in root.get("children") or ()]
            return [item for item in found if item is not None]

        self.asking.add(("Ticket", "children"))
        kind = _or_none(_list_of(self.shapes["Ticket"]))
        return field(
            "children",
            kind,
            answer,
            [],
            "Tickets split off this one.",
            [edges.cost(edges.STATEMENT_WEIGHT), size_of("Ticket", "children")],
        )

    def _type(self, cls: Any) -> None:
        name = cls.__name__
        about: Mapping[str, str] = getattr(cls, ABOUT, {})
        known = IDENTITIES.get(name)
        if known is not None:
            cls.id = id_field(name)
            getter = self.operations.get(known.getter or "")
            if getter is not None and known.owned:
                self._owned(cls, getter, known)
            if getter is not None and name in edges.WHOLE:
                self._lazy(cls, getter, known)
        if name in _TAGS:
            cls.etag = self._tagged(name)
        if name in self.payloads:
            add_outcome(cls)
        if name == REFUSAL:
            complete_refusal(cls)
        for inner in cls.__annotations__:
            if not hasattr(cls, inner):
                called = edges.RENAMED.get((name, inner)) or (inner.rstrip("_") if inner.endswith("_") else None)
                setattr(cls, inner, plain_field(cls, inner, called, about.get(inner)))
        cls.is_type_of = staticmethod(lambda found, _info: getattr(found, "typename", name) == name)
        if name in edges.KEYS:
            strawberry.federation.type(cls, keys=edges.KEYS[name], name=name, description=cls.__doc__)
        elif name in edges.SHARED:
            strawberry.federation.type(cls, shareable=True, name=name, description=cls.__doc__)
        else:
            strawberry.type(cls, name=name, description=cls.__doc__)

    def _lazy(self, cls: Any, operation: Twin, known: Identity) -> None:
        """What the rows of lists leave out is loaded when it is asked for, once a thing."""
        for inner, annotation in list(cls.__annotations__.items()):
            in_rows = inner in known.keys or (cls.__name__, inner) in edges.IN_ROWS
            if not in_rows and not hasattr(cls, inner):
                del cls.__annotations__[inner]
                about = getattr(cls, ABOUT, {}).get(inner)
                whole = edges.WHOLE[cls.__name__]
                table = inner in getattr(cls, TABLES, ())
                called = edges.RENAMED.get((cls.__name__, inner), camel(inner))
                sizes = sizes_of(cls, inner)
                absent = ABSENT.get((cls.__name__, inner))
                made = loaded_field(
                    operation, known, inner, annotation, whole, about, sizes, table=table, called=called, absent=absent
                )
                setattr(cls, inner, made)

    def _tagged(self, name: str) -> Any:
        needs, tag = _TAGS[name]
        known = IDENTITIES[name]
        getter = self.operations[str(known.getter)]

        async def load(root: Any, info: Info) -> str:
            return tag(await resolve.rest_of(resolve.calls_of(info), getter, known, root))

        def answer(root: Any, info: Info) -> Any:
            return tag(root) if needs in root else load(root, info)

        words = "Its version as REST's ETag says it; what `ifMatch` takes, with its quotes or without."
        return cast(Any, strawberry.field(resolver=answer, graphql_type=str, description=words))

    def _owned(self, cls: Any, operation: Twin, known: Identity) -> None:
        """What stands in its customer's account says whose it is, wherever it was met."""
        inner = "customer_id"
        annotation, about = cls.__annotations__.pop(inner), getattr(cls, ABOUT, {}).get(inner)
        made = loaded_field(operation, known, inner, annotation, inner, about, [], table=False, called=camel(inner))
        setattr(cls, inner, made)

    # roots ------------------------------------------------------------------------------------------------------------

    def roots(self) -> tuple[type, type]:
        """Query and Mutation."""
        query: dict[str, Any] = {}
        mutation: dict[str, Any] = {}
        for operation in self.operations.values():
            if operation.method == "GET":
                name = field_name(operation.name)
                query[safe(name)] = self.reading("Query", name, operation, {})
            elif operation.asks:
                query[operation.name] = self.writing(operation, "Query")
            else:
                mutation[operation.name] = self.writing(operation, "Mutation")
        query["node"] = self._node()
        return (
            strawberry.type(type("Query", (), query), description="Everything that can be asked, in one snapshot."),
            strawberry.type(
                type("Mutation", (), mutation),
                description="Everything that can be done: each in a transaction of its own, one after another.",
            ),
        )

    def _node(self) -> Any:
        async def answer(root: Any, info: Info, **arguments: Any) -> Any:
            named = identity.node_of(str(arguments["id"]))
            getter = None if named is None else self.operations.get(identity.known_of(named.typename).getter or "")
            if named is None or getter is None:
                return None
            found = await resolve.found(resolve.calls_of(info), getter, named)
            return None if found is None else View(named.typename, found)

        self.asking.add(("Query", "node"))
        return field(
            "node",
            _or_none(types.Node),
            answer,
            [argument("id", strawberry.ID, required=True)],
            "Anything by its id.",
            [edges.cost(edges.STATEMENT_WEIGHT), *NOT_SHARED],
        )


def _named(operation: Twin, name: str) -> str:
    return operations.RENAMED.get(name, name) if operation.paged else name


def _directives(operation: Twin, owner: str, name: str) -> list[object]:
    batched = operation.declared.account or operation.name in edges.BATCHED
    found: list[object] = [edges.cost(edges.BATCHED_WEIGHT if batched else edges.STATEMENT_WEIGHT)]
    if operation.paged:
        found.append(edges.paged(limits.DEFAULT_PAGE, limits.SLICING))
    elif operation.listed:
        found.append(size_of(owner, name))
    return found


def _about(operation: Twin) -> str:
    words = operation.declared.about.replace("``", "`")
    needs = f"Scope: {' or '.join(operation.scopes)}." if operation.scopes else ""
    return " ".join(name for name in (words, needs) if name)


def _shorten(core: GraphQLSchema) -> None:
    """Let the executor take plain fields from the view at once, without strawberry's layers around each value."""
    for kind in core.type_map.values():
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        for field in kind.fields.values():
            made: Any = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            if made is not None and made.is_basic_field:
                field.resolve = picker(made.python_name, ABSENT.get((kind.name, made.python_name)))
            elif made is not None and made.base_resolver is not None:
                picked_first(field, made.base_resolver.wrapped_func)


_made: Door | None = None


def build() -> Door:
    """The schema over the table of operations; made once a process, since classes become types once."""
    global _made
    if _made is not None:
        return _made
    found = operations.twins(registry.operations())
    builder = _Builder(found)
    query, mutation = builder.roots()
    builder.dress()
    schema = Subgraph(
        query=query,
        mutation=mutation,
        types=[builder.shapes[name] for name in IDENTITIES],
        config=StrawberryConfig(default_resolver=pick, scalar_map=SCALARS),
    )
    core = schema._schema
    _shorten(core)
    serve_subgraph(core, lambda: build().sdl())
    _made = Door(schema, core, found, limits.Weights(core, builder.asking), Documents(core))
    return _made
