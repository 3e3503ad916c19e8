"""How much a document may ask for: tokens, depth, aliases, breadth, fields, and cost, in time linear in the document.

Every fragment is measured once for each type it is read at, so that nesting fragments buys nothing. The weights are the
schema's ``@cost`` and ``@listSize`` directives, which are federation's own. Whoever reads the schema can count what a
document costs, and a router does.

The rule: a field costs its weight and what is asked below it, times the length of its list. An object weighs 1 and a
leaf 0, unless ``@cost`` says otherwise. ``_entities``, at which federation allows no directive, costs 1 for each
representation and what is asked below it.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    introspection_types,
    is_composite_type,
)
from graphql.language.ast import NullValueNode
from graphql.type import SchemaMetaFieldDef, TypeMetaFieldDef
from strawberry.federation.schema_directives import Cost, ListSize
from strawberry.schema.schema_converter import GraphQLCoreConverter

MAX_CHARACTERS: Final = 20_000
MAX_TOKENS: Final = 1000
MAX_NESTING: Final = 60
MAX_DEPTH: Final = 8
MAX_ALIASES: Final = 15
MAX_BREADTH: Final = 100
MAX_FIELDS: Final = 2000
MAX_INTROSPECTION_DEPTH: Final = 20
MAX_INTROSPECTION_LISTS: Final = 3
MAX_LIST: Final = 5000
MAX_VALUES: Final = 30_000
MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 20
NAMED_MAX: Final = 8
"""How many fields a refusal names with what they cost."""
SLICING: Final = ("first", "last")
"""Arguments that set the length of a page; a field asks by one of them."""
_CEILING: Final = 10**9
_NOTED: Final = 300
"""How many fields are looked at to name the dearest."""

_LISTS: Final = frozenset({"fields", "interfaces", "possibleTypes", "inputFields"})


@dataclass(frozen=True, slots=True)
class Part:
    """What a field of a document costs, with all that is asked below it."""

    path: str
    cost: int


class LimitError(Exception):
    """A document asks for more than is allowed; names the limit, and for a cost the fields that cost most."""

    def __init__(self, limit: str, most: int, found: int | None, parts: Sequence[Part] = ()) -> None:
        super().__init__(limit)
        self.limit = limit
        self.most = most
        self.found = found
        self.parts = tuple(parts)


@dataclass(frozen=True, slots=True)
class Weight:
    """What a field costs. ``sized``: the fields below whose length the slicing arguments of this field set."""

    weight: int
    list_size: int = 1
    slicing: tuple[str, ...] = ()
    sized: frozenset[str] = frozenset()
    counts: str | None = None
    """The list argument whose length is the list's."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A selection set: what it costs and how far it goes, fragments expanded."""

    cost: int = 0
    depth: int = 0
    fields: int = 0
    aliases: int = 0
    lists: int = 0
    introspection_depth: int = 0
    asks: int = 0
    """Fields that ask an operation."""
    uses: frozenset[str] = frozenset()
    """Kinds of introspection in it: ``introspection``."""


ENTITIES: Final = ("Query", "_entities")
_ENTITIES_WEIGHT: Final = Weight(1, counts="representations")
"""Of the field at which no directive may stand."""


class Weights:
    """The weight of every field of a schema, read off its directives once."""

    def __init__(self, schema: GraphQLSchema, asking: Collection[tuple[str, str]] = ()) -> None:
        self.schema = schema
        self.asking = frozenset(asking)
        """Fields that ask an operation."""
        self._known: dict[tuple[str, str], Weight] = {ENTITIES: _ENTITIES_WEIGHT}

    def of(self, type_name: str, field_name: str, field: GraphQLField) -> Weight:
        """Return what the directives say; without them 1 for an object and 0 for a leaf."""
        key = (type_name, field_name)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _declared(field)
        return found


def _declared(field: GraphQLField) -> Weight:
    made = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    directives = getattr(made, "directives", ())
    cost = next((directive.weight for directive in directives if isinstance(directive, Cost)), None)
    size = next((directive for directive in directives if isinstance(directive, ListSize)), None)
    weight = (1 if is_composite_type(get_named_type(field.type)) else 0) if cost is None else cost
    if size is None:
        return Weight(weight)
    if size.sized_fields:
        return Weight(weight, 1, tuple(size.slicing_arguments or ()), frozenset(size.sized_fields))
    return Weight(weight, size.assumed_size or 1)


@dataclass(frozen=True, slots=True)
class _Step:
    """A field of a document, read at its type."""

    weight: int
    size: int
    inside: GraphQLNamedType | None
    sized: tuple[frozenset[str], int] | None
    """The lists below whose length this field has said."""


class _Meter:
    def __init__(self, weights: Weights, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self.weights = weights
        self.schema = weights.schema
        self.variables = variables
        self.fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self.memo: dict[tuple[int, str, tuple[frozenset[str], int] | None], Measure] = {}
        self.open: set[int] = set()
        self.defaults: dict[str, Any] = {}
        self.asked_variables = False
        """Whether a variable's value had a say, so that the measure holds for these values alone."""

    def selections(
        self, node: SelectionSetNode, parent: GraphQLNamedType | None, sized: tuple[frozenset[str], int] | None
    ) -> Measure:
        """The measure of a selection set, read at a type; known ones are not measured again."""
        key = (id(node), parent.name if parent is not None else "", sized)
        found = self.memo.get(key)
        if found is not None:
            return found
        if id(node) in self.open:
            return Measure()  # a cycle of fragments, which validation names
        if len(node.selections) > MAX_BREADTH:
            raise LimitError("breadth", MAX_BREADTH, len(node.selections))
        self.open.add(id(node))
        cost = depth = fields = aliases = lists = introspection = asks = 0
        uses: frozenset[str] = frozenset()
        for selection in node.selections:
            part = self._selection(selection, parent, sized)
            cost = min(_CEILING, cost + part.cost)
            fields = min(_CEILING, fields + part.fields)
            aliases = min(_CEILING, aliases + part.aliases)
            asks = min(_CEILING, asks + part.asks)
            depth = max(depth, part.depth)
            lists = max(lists, part.lists)
            introspection = max(introspection, part.introspection_depth)
            uses |= part.uses
        self.open.discard(id(node))
        measured = Measure(cost, depth, fields, aliases, lists, introspection, asks, uses)
        self.memo[key] = measured
        return measured

    def _selection(
        self, node: Any, parent: GraphQLNamedType | None, sized: tuple[frozenset[str], int] | None
    ) -> Measure:
        if isinstance(node, FieldNode):
            return self._field(node, parent, sized)
        fragment = self.fragments.get(node.name.value) if isinstance(node, FragmentSpreadNode) else node
        if fragment is None:
            return Measure()
        condition = fragment.type_condition
        inside = self.schema.get_type(condition.name.value) if condition is not None else parent
        return self.selections(fragment.selection_set, inside, sized)

    def _field(
        self, node: FieldNode, parent: GraphQLNamedType | None, sized: tuple[frozenset[str], int] | None
    ) -> Measure:
        name = node.name.value
        parent_name = parent.name if parent is not None else ""
        introspecting = name in ("__schema", "__type") or parent_name in introspection_types
        step = self._step(node, parent, sized)
        inner = Measure()
        if node.selection_set is not None:
            inner = self.selections(node.selection_set, step.inside, step.sized)
        aliased = 1 if node.alias is not None else 0
        lists = inner.lists + (1 if introspecting and name in _LISTS else 0)
        uses = inner.uses
        if name in ("__schema", "__type") or (name == "sdl" and parent_name == "_Service"):
            uses |= {"introspection"}
        return Measure(
            cost=min(_CEILING, step.size * (step.weight + inner.cost)),
            depth=0 if introspecting else inner.depth + 1,
            fields=min(_CEILING, inner.fields + 1),
            aliases=min(_CEILING, inner.aliases + aliased),
            lists=lists,
            introspection_depth=inner.introspection_depth + 1 if introspecting else inner.introspection_depth,
            asks=min(_CEILING, inner.asks + ((parent_name, name) in self.weights.asking)),
            uses=uses,
        )

    def _step(
        self, node: FieldNode, parent: GraphQLNamedType | None, sized: tuple[frozenset[str], int] | None
    ) -> _Step:
        name = node.name.value
        field = self._definition(parent, name)
        parent_name = parent.name if parent is not None else ""
        introspecting = name in ("__schema", "__type") or parent_name in introspection_types
        weight = Weight(0) if field is None or introspecting else self.weights.of(parent_name, name, field)
        size = sized[1] if sized is not None and name in sized[0] else weight.list_size
        if weight.counts is not None:
            size = self._count(node, weight.counts)
        below = (weight.sized, self._slice(node, weight.slicing)) if weight.slicing else None
        return _Step(weight.weight, size, get_named_type(field.type) if field is not None else None, below)

    def dearest(self, node: SelectionSetNode, root: GraphQLNamedType | None) -> list[Part]:
        """Return the fields that cost most, each with all below it, the dearest first."""
        waiting: list[tuple[int, int, str, SelectionSetNode | None, _Step, int]] = []
        found: list[Part] = []
        self._spread(node, root, None, "", 1, waiting)
        while waiting and len(found) < NAMED_MAX:
            cost, _, path, inner, step, times = heapq.heappop(waiting)
            found.append(Part(path, -cost))
            if inner is not None:
                self._spread(inner, step.inside, step.sized, f"{path}.", times * step.size, waiting)
        return found

    def _spread(
        self,
        node: SelectionSetNode,
        parent: GraphQLNamedType | None,
        sized: tuple[frozenset[str], int] | None,
        prefix: str,
        times: int,
        waiting: list[tuple[int, int, str, SelectionSetNode | None, _Step, int]],
    ) -> None:
        """Note the fields of a selection set, those in its fragments as well, with what each costs in all."""
        fragments: list[tuple[Any, GraphQLNamedType | None]] = [(selection, parent) for selection in node.selections]
        while fragments and len(waiting) < _NOTED:
            item, inside = fragments.pop()
            if isinstance(item, FieldNode):
                step, cost = self._step(item, inside, sized), self._field(item, inside, sized).cost
                called = item.alias.value if item.alias is not None else item.name.value
                if cost:
                    rank = (-min(_CEILING, times * cost), len(waiting), f"{prefix}{called}")
                    heapq.heappush(waiting, (*rank, item.selection_set, step, times))
                continue
            fragment = self.fragments.get(item.name.value) if isinstance(item, FragmentSpreadNode) else item
            if fragment is not None:
                condition = fragment.type_condition
                below = self.schema.get_type(condition.name.value) if condition is not None else inside
                fragments += [(inner, below) for inner in fragment.selection_set.selections]

    def _definition(self, parent: GraphQLNamedType | None, name: str) -> Any:
        if name == "__schema":
            return SchemaMetaFieldDef
        if name == "__type":
            return TypeMetaFieldDef
        if isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
            return parent.fields.get(name)
        return None

    def _count(self, node: FieldNode, argument: str) -> int:
        for argument_ in node.arguments or ():
            if argument_.name.value != argument:
                continue
            if isinstance(argument_.value, ListValueNode):
                return len(argument_.value.values)
            if isinstance(argument_.value, VariableNode):
                self.asked_variables = True
                value = self.variables.get(argument_.value.name.value)
                return len(value) if isinstance(value, list) else 1
        return 1

    def _slice(self, node: FieldNode, slicing: tuple[str, ...]) -> int:
        """The longest page that any of the arguments asks for; who asks by two of them is refused later."""
        sizes = [self._length(argument.value) for argument in node.arguments or () if argument.name.value in slicing]
        return max((number for number in sizes if number is not None), default=DEFAULT_PAGE)

    def _length(self, node: ValueNode) -> int | None:
        value: Any = DEFAULT_PAGE
        if isinstance(node, IntValueNode):
            value = int(node.value[:12])
        elif isinstance(node, VariableNode):
            self.asked_variables = True
            value = self.variables.get(node.name.value, self.defaults.get(node.name.value))
        elif isinstance(node, NullValueNode):
            value = None
        if value is None:
            return None
        # What is no number or too large a page is refused later, by the argument's own type and bounds.
        return min(value, MAX_PAGE) if isinstance(value, int) and value >= 0 else DEFAULT_PAGE


def measure(
    weights: Weights,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    known: dict[int, Measure] | None = None,
    *,
    cost_max: int = 2000,
) -> Measure:
    """Measure an operation and hold it to the limits. Raise `LimitError` naming the first that it goes over.

    ``known``: measures of the same document's operations that were found to be within the limits, whatever the
    variables; a new one is put there.
    """
    if known is not None and (before := known.get(id(operation))) is not None and before.cost <= cost_max:
        return before
    meter = _Meter(weights, document, variables)
    for definition in operation.variable_definitions or ():
        if isinstance(definition.default_value, IntValueNode):
            meter.defaults[definition.variable.name.value] = int(definition.default_value.value[:12])
    root = {
        OperationType.QUERY: weights.schema.query_type,
        OperationType.MUTATION: weights.schema.mutation_type,
        OperationType.SUBSCRIPTION: weights.schema.subscription_type,
    }[operation.operation]
    found = meter.selections(operation.selection_set, root, None)
    # A fragment may be written out and never used at the root's path; its own breadth counts all the same.
    for fragment in meter.fragments.values():
        if len(fragment.selection_set.selections) > MAX_BREADTH:
            raise LimitError("breadth", MAX_BREADTH, len(fragment.selection_set.selections))
    for limit, most, value in (
        ("depth", MAX_DEPTH, found.depth),
        ("aliases", MAX_ALIASES, found.aliases),
        ("fields", MAX_FIELDS, found.fields),
        ("cost", cost_max, found.cost),
        ("introspection_depth", MAX_INTROSPECTION_DEPTH, found.introspection_depth),
        ("introspection_lists", MAX_INTROSPECTION_LISTS, found.lists),
    ):
        if value > most:
            parts = meter.dearest(operation.selection_set, root) if limit == "cost" else ()
            raise LimitError(limit, most, min(value, _CEILING), parts)
    if known is not None and not meter.asked_variables:
        known[id(operation)] = found
    return found


def check_values(variables: Mapping[str, Any]) -> None:
    """Holds the variables to their limits: the length of a list, and values in all."""
    stack: list[Any] = list(variables.values())
    count = len(stack)
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            if len(value) > MAX_LIST:
                raise LimitError("list", MAX_LIST, len(value))
            stack.extend(value)
            count += len(value)
        elif isinstance(value, dict):
            stack.extend(value.values())
            count += len(value)
        if count > MAX_VALUES:
            raise LimitError("values", MAX_VALUES, count)


__all__ = ["InlineFragmentNode", "LimitError", "Measure", "Part", "Weight", "Weights", "check_values", "measure"]
