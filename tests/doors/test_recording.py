"""The contract's shapes of answers: no run may narrow what an earlier one saw."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.recording import shape, widened

CASES: list[tuple[Any, Any]] = [
    ({"a": 1}, {"a": None}),
    ({"a": "x"}, {"b": "y"}),
    ({"at": "2025-01-01T00:00:00Z"}, {"at": "soon"}),
    ({"a": []}, {"a": [{"b": None}]}),
    ({"a": [{"b": 1}]}, {"a": [{"b": None, "c": {"d": 1}}]}),
    ({"price": {"amount": "1.00", "currency": "USD"}}, {"price": None}),
    ({"price": {"amount": "1.00", "currency": "USD"}}, {"price": {"other": 1}}),
    ({"a": None}, {"a": {"b": 1}}),
]


@pytest.mark.parametrize(("one", "other"), CASES)
def test_what_either_run_saw_is_allowed(one: Any, other: Any) -> None:
    """Also the other way round, and a second time changes nothing."""
    for first, second in ((one, other), (other, one)):
        both = widened(shape([first]), shape([second]))
        assert allows(both, first)
        assert allows(both, second)
        assert widened(both, shape([first])) == both


def allows(schema: dict[str, Any], value: Any) -> bool:
    """As much of JSON Schema as is recorded."""
    if "anyOf" in schema:
        return any(allows(one, value) for one in schema["anyOf"])
    if "$ref" in schema:
        return isinstance(value, dict) and {"amount", "currency"} <= set(value)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    kind = {dict: "object", list: "array", str: "string", int: "integer", bool: "boolean"}.get(
        type(value), "null"
    )
    if kinds and kind not in kinds:
        return False
    if schema.get("format") == "date-time" and isinstance(value, str) and not value.endswith("Z"):
        return False
    if isinstance(value, dict):
        return all(one in value for one in schema.get("required", [])) and all(
            allows(schema.get("properties", {}).get(name, {}), inner) for name, inner in value.items()
        )
    return not isinstance(value, list) or all(allows(schema.get("items", {}), one) for one in value)
