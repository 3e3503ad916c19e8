"""What the lines of an import say: customers, licenses, lots, covers and tickets from CSV or JSON Lines.

A row's natural key is its kind with its ``import_id`` (a customer's is ``customer_id``). So the same file can be
brought in again. What is there is passed over, and what differs is a bad line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from app.domain.account.profile import EMAIL, SYSTEM
from app.domain.values.money import MAX_CREDITS, MAX_WIRE_INT

_ID: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,180}\Z")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\Z")
_FIELDS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "customer": (
        frozenset({"customer_id"}),
        frozenset({"name", "email", "emails", "company", "company_id", "external_ids", "metadata"}),
    ),
    "license": (
        frozenset({"customer_id", "import_id", "sku", "placed_at"}),
        frozenset({"registered_domain", "ended_at"}),
    ),
    "lot": (
        frozenset({"customer_id", "import_id", "credits", "granted_at"}),
        frozenset({"credit_type", "expires_at", "cost_amount", "cost_currency", "license"}),
    ),
    "cover": (
        frozenset({"customer_id", "import_id", "starts_at"}),
        frozenset({"ends_at", "levels", "actions", "license"}),
    ),
    "ticket": (
        frozenset({"customer_id", "ticket_id", "opened_at"}),
        frozenset({"subject", "channel", "language", "license", "product", "category", "opened_by"}),
    ),
}
"""Kind -> (needed fields, further ones). ``license`` names a license by its ``import_id``."""
INSTANTS: Final = frozenset({"placed_at", "granted_at", "expires_at", "starts_at", "ends_at", "ended_at", "opened_at"})
CUSTOMER: Final = "customer"
TICKET: Final = "ticket"
IDS: Final = frozenset({"customer_id", "import_id", "license", "ticket_id", "company_id"})
COLUMNS: Final = frozenset({"kind"}).union(*(needed | further for needed, further in _FIELDS.values()))
"""Every column that some kind has."""
KINDS: Final = tuple(_FIELDS)
"""In the order in which a customer's rows are brought in."""


class BadLineError(Exception):
    """A line that cannot be brought in; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line as understood. ``number``: of the line in its file."""

    number: int
    kind: str
    customer_id: str
    import_id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a line: ``new``, ``there`` already, or ``bad`` with the reason."""

    number: int
    state: str
    message: str = ""


def understood(number: int, record: Mapping[str, Any], kind: str | None = None) -> Row:
    """A line's row. Raises `BadLineError`."""
    fields = {name: value for name, value in record.items() if value not in (None, "")}
    chosen = str(fields.pop("kind", kind or ""))
    if chosen not in _FIELDS:
        raise BadLineError(f"kind is {chosen or 'missing'}; it is one of {', '.join(_FIELDS)}")
    needed, further = _FIELDS[chosen]
    if missing := sorted(needed - fields.keys()):
        raise BadLineError(f"{', '.join(missing)} missing")
    if unknown := sorted(fields.keys() - needed - further):
        raise BadLineError(f"a {chosen} has no {', '.join(unknown)}")
    values = {name: _value(name, value) for name, value in fields.items()}
    starts, ends = (
        values.get("starts_at") or values.get("granted_at"),
        values.get("ends_at") or values.get("expires_at"),
    )
    if starts is not None and ends is not None and ends < starts:
        raise BadLineError("it ends before it starts")
    if ("cost_amount" in values) != ("cost_currency" in values):
        raise BadLineError("cost_amount and cost_currency come together")
    return Row(
        number=number,
        kind=chosen,
        customer_id=values["customer_id"],
        values=values,
        import_id=values.get("import_id", values.get("ticket_id", values["customer_id"])),
    )


def _value(name: str, value: Any) -> Any:
    if name in INSTANTS:
        return _instant(name, value)
    if name == "credits":
        if not re.fullmatch(r"[1-9]\d{0,12}", str(value), re.ASCII) or int(str(value)) > MAX_CREDITS:
            raise BadLineError("credits is no whole number of 1 or more")
        return int(str(value))
    if name == "levels":
        parts = value if isinstance(value, list) else str(value).split()
        if not all(re.fullmatch(r"\d{1,3}", str(part), re.ASCII) for part in parts):
            raise BadLineError("levels is a list of numbers")
        return tuple(int(str(part)) for part in parts)
    if name == "actions":
        return tuple(_text(name, part) for part in (value if isinstance(value, list) else str(value).split()))
    if name in _OF_PEOPLE:
        return _OF_PEOPLE[name](name, value)
    if name == "cost_amount":
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal(-1)
        if not (amount.is_finite() and 0 <= amount < Decimal(10) ** 12):
            raise BadLineError("cost_amount is no amount")
        return amount
    if name == "cost_currency" and not re.fullmatch("[A-Z]{3}", str(value)):
        raise BadLineError("cost_currency is no ISO 4217 code")
    return _text(name, value)


def _email(name: str, value: Any) -> str:
    text = _text(name, value)
    if not re.match(EMAIL, text):
        raise BadLineError(f"{name} is no e-mail address")
    return text


def _emails(name: str, value: Any) -> list[str]:
    return [_email(name, part) for part in (value if isinstance(value, list) else str(value).split())]


def _external_ids(name: str, value: Any) -> dict[str, str]:
    """``{"woo": "17"}``, or in a column ``woo=17 zammad=5``."""
    pairs = value.items() if isinstance(value, Mapping) else [part.partition("=")[::2] for part in str(value).split()]
    found = {str(system): _text(name, external_id) for system, external_id in pairs}
    if not all(len(system) <= 60 and re.match(SYSTEM, system) for system in found):
        raise BadLineError(f"{name} is written as in: woo=17 zammad=5")
    return found


def _metadata(name: str, value: Any) -> dict[str, Any]:
    try:
        found = value if isinstance(value, Mapping) else json.loads(str(value))
    except ValueError:
        found = None
    if not isinstance(found, Mapping) or len(found) > 100:
        raise BadLineError(f"{name} is no object of at most 100 members")
    if not all(item is None or isinstance(item, bool) or _short(item) for item in found.values()):
        raise BadLineError(f"{name} holds texts of up to 2000 characters, whole numbers and booleans")
    return {_text(name, key): item for key, item in found.items()}


def _short(item: object) -> bool:
    """Whether it is a plain value that can be kept."""
    if isinstance(item, int):
        return abs(item) <= MAX_WIRE_INT
    return isinstance(item, str) and len(item) <= 2000 and not re.search("[\x00\ud800-\udfff]", item)


_OF_PEOPLE: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "email": _email,
    "emails": _emails,
    "external_ids": _external_ids,
    "metadata": _metadata,
}


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or not _ID.match(str(value)):
        raise BadLineError(f"{name} is no text of 1 to 180 plain characters")
    return str(value)


def _instant(name: str, value: Any) -> datetime:
    if isinstance(value, str) and _INSTANT.match(value):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
        if found is not None and 1990 <= found.year <= 2200:
            return found
    raise BadLineError(f"{name} is no instant such as 2025-01-31T09:00:00Z")
