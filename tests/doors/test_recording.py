"""The contract's shapes of answers: no run may narrow what an earlier one saw."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.recording import kin, shape, widened

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
    kind = {dict: "object", list: "array", str: "string", int: "integer", bool: "boolean"}.get(type(value), "null")
    if kinds and kind not in kinds:
        return False
    if schema.get("format") == "date-time" and isinstance(value, str) and not value.endswith("Z"):
        return False
    if isinstance(value, dict):
        return all(one in value for one in schema.get("required", [])) and all(
            allows(schema.get("properties", {}).get(name, {}), inner) for name, inner in value.items()
        )
    return not isinstance(value, list) or all(allows(schema.get("items", {}), one) for one in value)


def test_one_view_has_one_shape_wherever_it_is_answered() -> None:
    """What one operation left null once is promised by none that answers the same members; pages stay apart."""
    hold = {"hold_id": "h", "customer_id": "c", "lots": []}
    answers = {
        "createHold": hold,
        "captureHold": {**hold, "customer_id": None, "lots": [{"lot_id": "l", "credits": 1, "clause": None}]},
        "listHolds": {"data": [hold], "has_more": False, "next": None},
        "listOthers": {"data": [{"other": 1}], "has_more": False, "next": "n"},
    }
    seen = {name: {"schema": shape([answer])} for name, answer in answers.items()}
    kin(seen)
    for name in ("createHold", "captureHold"):
        for other in ("createHold", "captureHold"):
            assert allows(seen[name]["schema"], answers[other])
    assert not allows(seen["createHold"]["schema"], {**hold, "hold_id": None})
    assert allows(seen["listOthers"]["schema"], answers["listOthers"])
    assert not allows(seen["listOthers"]["schema"], answers["listHolds"])
