"""Plain selections: where every field stands in a view at hand, the answer is picked without the executor's layers.

The executor completes each value with a path, an info and several tests. That costs a list of twenty tickets more than
reading them. A plain selection has members of the view alone: no arguments, nothing to load, no union.

- A plan is made once a document for each selection and type. Where a directive may leave fields out by a variable, it
  is made once a request.
- A plan never reports an error. A null that may not be, a member to be loaded, a value that its type refuses: all
  that is left to the executor. It does the whole selection again in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.incremental.incremental_executor import IncrementalExecutor

from app.api.graphql.members import NOT_AT_HAND

Pick = Callable[[Any], Any]
Complete = Callable[[Any], Any]
Plan = Callable[[Any], Any]
_TYPENAME: Final = "__typename"


class NotPlain(Exception):  # noqa: N818 - no error: the executor goes on from here
    """The executor has to complete this value itself."""


class PlainFirst(IncrementalExecutor):
    """The executor, which asks the plan of a selection first.

    ``plans``: those that earlier executions of the same document have made; None where each makes its own.
    """

    def __init__(self, *arguments: Any, plans: dict[Any, Any] | None = None, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._plans: dict[Any, tuple[Any, Plan | None]] = {} if plans is None else plans

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Return the object by the plan of its selection, or as the executor completes it."""
        plan = self._plan(return_type, field_details_list)
        if plan is not None:
            try:
                return plan(result)
            except Exception:  # noqa: BLE001, S110 - the executor comes to the same, and says it at its place
                pass
        return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)

    def _plan(self, kind: GraphQLObjectType, selected: Any) -> Plan | None:
        """Return the plan of a selection, or None where it is not plain."""
        key = (kind, *(id(details.node) for details in selected))
        known = self._plans.get(key)
        if known is None:
            # The nodes are kept beside the plan, so that their identities name nothing else meanwhile.
            known = self._plans[key] = (selected, self._planned(kind, selected))
        return known[1]

    def _planned(self, kind: GraphQLObjectType, selected: Any) -> Plan | None:
        grouped, deferred, *_ = self.collect_subfields(kind, selected)
        if deferred:
            return None
        steps: list[tuple[str, Pick, Complete]] = []
        for name, details in grouped.items():
            node = details[0].node
            if node.name.value == _TYPENAME:
                steps.append((name, _named(kind.name), _as_it_is))
                continue
            field = kind.fields.get(node.name.value)
            pick = None if field is None else pick_of(field)
            if field is None or pick is None or field.args or node.arguments:
                return None
            complete = self._completed(field.type, details)
            if complete is None:
                return None
            steps.append((name, pick, complete))
        is_type_of: Any = kind.is_type_of

        def plan(view: Any) -> Any:
            if is_type_of is not None and is_type_of(view, None) is not True:
                raise NotPlain
            return {name: complete(pick(view)) for name, pick, complete in steps}

        return plan

    def _completed(self, kind: GraphQLOutputType, details: Any) -> Complete | None:
        """Return what completes a value of a type, or None where only the executor can."""
        if is_non_null_type(kind):
            inner = self._completed(kind.of_type, details)
            return None if inner is None else _required(inner)
        if is_list_type(kind):
            inner = self._completed(kind.of_type, details)
            return None if inner is None else _each(inner)
        if is_leaf_type(kind):
            return _leaf(kind.coerce_output_value)
        return self._object(kind, details) if is_object_type(kind) else None

    def _object(self, kind: GraphQLObjectType, details: Any) -> Complete | None:
        plan = self._plan(kind, details)
        return None if plan is None else _or_null(plan)


def pick_of(field: GraphQLField) -> Pick | None:
    """Return what picks a field's value out of a view, where it only picks (`views.picker`, `members.loaded_field`)."""
    at_hand: Pick | None = getattr(field.resolve, "at_hand", None)
    return at_hand


def _named(name: str) -> Pick:
    return lambda _: name


def _as_it_is(value: Any) -> Any:
    return value


def _required(complete: Complete) -> Complete:
    def completed(value: Any) -> Any:
        found = complete(value)
        if found is None:
            raise NotPlain
        return found

    return completed


def _or_null(plan: Plan) -> Complete:
    def completed(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise NotPlain
        return plan(value)

    return completed


def _each(complete: Complete) -> Complete:
    def completed(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise NotPlain
        items: Sequence[Any] = value
        return [complete(item) for item in items]

    return completed


def _leaf(coerce: Callable[[Any], Any]) -> Complete:
    def completed(value: Any) -> Any:
        if value is None:
            return None
        if value is NOT_AT_HAND or isinstance(value, Exception) or hasattr(value, "__await__"):
            raise NotPlain
        found = coerce(value)
        if found is None or found is Undefined:
            raise NotPlain
        return found

    return completed
