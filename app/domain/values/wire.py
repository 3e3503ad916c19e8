"""How values look on the wire: the one place that turns domain values into JSON. Views are JSON-able dicts."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from types import NoneType
from typing import Any, Final

from app.domain.values.decision import Decision, Reason, Remedy
from app.domain.values.money import Money


def iso(at: datetime) -> str:
    """RFC 3339 in UTC with ``Z``; no fraction when it is zero."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def iso_or_none(at: datetime | None) -> str | None:
    """`iso`, or None."""
    return None if at is None else iso(at)


def parse_iso(text: str) -> datetime:
    """An instant that `iso` wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)


def parse_iso_or_none(text: str | None) -> datetime | None:
    """`parse_iso`, or None."""
    return None if text is None else parse_iso(text)


def money_json(money: Money | None) -> dict[str, str] | None:
    """``{"amount": "34.50", "currency": "USD"}``."""
    return None if money is None else {"amount": money.text, "currency": money.currency}


def reason_json(reason: Reason) -> dict[str, Any]:
    """A reason as published; ``would_change`` only where there is one."""
    body: dict[str, Any] = {
        "code": reason.code,
        "clause": reason.clause,
        "message": str(reason.message),
        "facts": jsonable(reason.facts),
        "reading": reason.reading,
    }
    if reason.would_change is not None:
        body["would_change"] = str(reason.would_change)
    return body


def remedy_json(remedy: Remedy) -> dict[str, Any]:
    """A remedy as published; what it does not need is left out."""
    body: dict[str, Any] = {"kind": remedy.kind}
    if remedy.sku is not None:
        body["sku"] = remedy.sku
        body["price"] = money_json(remedy.price)
    if remedy.text is not None:
        body["text"] = str(remedy.text)
    if remedy.quantity != 1:
        body["quantity"] = remedy.quantity
    if remedy.helps_at is not None:
        body["helps_at"] = iso(remedy.helps_at)
    for name in ("credit_type", "cover_id"):
        if (value := getattr(remedy, name)) is not None:
            body[name] = value
    if remedy.attributes:
        body["attributes"] = dict(remedy.attributes)
    return body


def decision_json(decision: Decision, *, explain: bool = False) -> dict[str, Any]:
    """A decision as published (`spec: For every call`); ``explain`` adds every rule looked at."""
    body: dict[str, Any] = {
        "allowed": decision.allowed,
        "at": iso(decision.at),
        "policy": {"name": decision.policy, "version": decision.policy_version},
        "reasons": [reason_json(reason) for reason in decision.reasons],
        "remedies": [remedy_json(remedy) for remedy in decision.remedies],
    }
    if explain:
        body["trace"] = [{**reason_json(reason), "summary": _cited(reason)} for reason in decision.trace]
        body["summary"] = " ".join(_cited(reason) for reason in decision.reasons)
    return body


def _cited(reason: Reason) -> str:
    """A reason's sentence with its clause, for reading out."""
    clause = "" if reason.clause is None or f"({reason.clause})" in reason.message else f" ({reason.clause})"
    return f"{reason.message.rstrip('.')}{clause}."


_PLAIN: Final = frozenset((str, int, bool, NoneType))


def jsonable(value: Any) -> Any:
    """A value as JSON: instants by `iso`, decimals and fractions as strings, sets sorted, tuples as lists."""
    # Nearly all values are of these kinds, and a large body has tens of thousands: they take the shortest way.
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {str(key): item if type(item) in _PLAIN else jsonable(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [item if type(item) in _PLAIN else jsonable(item) for item in value]
    return _less_common(value)


def _less_common(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case datetime():
            return iso(value)
        case date():
            return value.isoformat()
        case Money():
            return money_json(value)
        case Decimal():
            return format(value, "f")
        case Fraction():
            return str(value)
        case Mapping():
            return {str(key): jsonable(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted(jsonable(item) for item in value)
        case list() | tuple():
            return [jsonable(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"not on the wire: {type(value).__name__}")


def payload_hash(payload: Any) -> str:
    """A stable hash of a JSON-able payload, for idempotency: key order and white space do not matter."""
    text = json.dumps(jsonable(payload), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def copied(value: Any) -> Any:
    """Return a copy of a JSON value that shares no dict and no list with it. It costs a fifth of `copy.deepcopy`."""
    if isinstance(value, dict):
        return {name: item if type(item) in _PLAIN else copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [item if type(item) in _PLAIN else copied(item) for item in value]
    return value
