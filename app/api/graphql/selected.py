"""What a document asks of the rows of a list, so that what nobody asks for need not be worked out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from strawberry import Info

_ROWS = ("nodes", "node")


def members_of_rows(info: Info) -> list[str]:
    """Return the members that a connection's rows are asked for, by their names in GraphQL, sorted.

    A member that a directive may leave out counts as asked for.
    """
    raw = info._raw_info
    found: set[str] = set()
    for field in _fields((node.selection_set for node in raw.field_nodes), raw.fragments):
        inside = [field] if field.name.value != "edges" else [*_fields([field.selection_set], raw.fragments)]
        rows = (inner.selection_set for inner in inside if inner.name.value in _ROWS)
        found.update(member.name.value for member in _fields(rows, raw.fragments))
    return sorted(found)


def _fields(
    selected: Iterable[SelectionSetNode | None], fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    """Yield the fields of these selections, those of fragments among them. Validation has refused circles."""
    for selection in selected:
        for node in () if selection is None else selection.selections:
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from _fields([node.selection_set], fragments)
            elif isinstance(node, FragmentSpreadNode):
                yield from _fields([fragments[node.name.value].selection_set], fragments)
