"""How a customer's things look on the wire: licenses, lots, covers, choices, add-ons, orders. JSON-able dicts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.domain.account.account import Book
from app.domain.account.customer import Addon, Choice, Cover, License, Order
from app.domain.cover import cover as covers
from app.domain.ledger.lot import Lot
from app.domain.ledger.suspension import suspended
from app.domain.values.term import Term
from app.domain.values.wire import iso, iso_or_none, money_json

GRANTED = ("licenses", "lots", "covers", "choices", "addons")
_PASSING = frozenset({"available", "held", "disputed", "expired", "state", "active", "remaining_seconds"})


def license_view(one: License, at: datetime) -> dict[str, Any]:
    """A license as published."""
    return {
        "license_id": one.license_id,
        "sku": one.sku,
        "edition": one.edition,
        "order_id": one.order_id,
        "line_id": one.line_id,
        "unit_no": one.unit_no,
        "ordinal": one.ordinal,
        "first_order": one.first_order,
        "placed_at": iso(one.placed_at),
        "active": one.active(at),
        "registered_domain": one.registered_domain,
        "registered_at": iso_or_none(one.registered_at),
        "ended_at": iso_or_none(one.ended_at),
        "ended_reason": one.ended_reason,
    }


def lot_view(one: Lot, at: datetime, disputed: int = 0) -> dict[str, Any]:
    """A lot as published; ``available`` is what can be spent at ``at``, ``disputed`` what of ``held`` is under a
    payment dispute."""
    dead = one.expires_at is not None and one.expires_at <= at
    order_id, line_id, unit_no = one.bought_by or (one.order_id, one.line_id, one.unit_no)
    return {
        "lot_id": one.lot_id,
        "source": one.source,
        "credit_type": one.credit_type,
        "granted": one.granted,
        "available": 0 if dead else one.available,
        "held": one.held,
        "disputed": disputed,
        "expires_at": iso_or_none(one.expires_at),
        "expired": dead,
        "scope": one.scope,
        "order_id": order_id,
        "line_id": line_id,
        "unit_no": unit_no,
        "license_id": one.license_id,
        "cost": money_json(one.cost),
        "rule": one.rule,
        "clause": one.clause,
        "reading": one.reading,
    }


def cover_view(one: Cover, at: datetime) -> dict[str, Any]:
    """A cover as published; ``state`` is computed: pending, scheduled, running, suspended, ended, voided."""
    term = covers.term_of(one)
    return {
        "cover_id": one.cover_id,
        "state": covers.state_of(one, at),
        "starts_at": iso_or_none(one.starts_at),
        "ends_at": iso_or_none(covers.shown_end(one)),
        "remaining_seconds": covers.remaining(one, at),
        "term": one.term,
        "term_text": None if term is None else term.text,
        "start": one.start,
        "scope": one.scope,
        "levels": list(one.levels),
        "actions": list(one.actions),
        "free": one.free,
        "license_id": one.license_id,
        "order_id": one.order_id,
        "line_id": one.line_id,
        "granted_at": iso(one.granted_at),
        "suspended_at": iso_or_none(one.suspended_at),
        "suspensions": one.suspensions,
        "suspended_seconds": one.suspended_seconds,
        "voided_at": iso_or_none(one.voided_at),
        "rule": one.rule,
        "clause": one.clause,
        "reading": one.reading,
    }


def choice_view(one: Choice) -> dict[str, Any]:
    """A choice as published: the names of its options, and what each would bring."""
    return {
        "choice_id": one.choice_id,
        "options": option_names(one),
        "details": {name: _option(one.options[name]) for name in option_names(one)},
        "open": one.open,
        "option": one.option,
        "made_at": iso_or_none(one.made_at),
        "voided_at": iso_or_none(one.voided_at),
        "opened_at": iso(one.opened_at),
        "license_id": one.license_id,
        "order_id": one.order_id,
        "line_id": one.line_id,
        "unit_no": one.unit_no,
        "rule": one.rule,
        "clause": one.clause,
        "reading": one.reading,
    }


def option_names(one: Choice) -> list[str]:
    """The options in the policy's order (the database keeps no order of keys)."""
    return sorted(one.options, key=lambda name: (one.options[name].get("position", 0), name))


def _option(data: dict[str, Any]) -> dict[str, Any]:
    if data.get("kind") == "cover":
        term = data.get("term")
        return {
            "kind": "cover",
            "term": term,
            "term_text": Term(**term).text if term else None,
            "start": data.get("start"),
        }
    return {"kind": "credits", "credits": data.get("credits"), "credit_type": data.get("credit_type")}


def addon_view(one: Addon) -> dict[str, Any]:
    """An add-on as published."""
    return {
        "addon": one.addon,
        "order_id": one.order_id,
        "line_id": one.line_id,
        "placed_at": iso(one.placed_at),
        "voided_at": iso_or_none(one.voided_at),
    }


def granted_by(book: Book, order_id: str) -> dict[str, list[dict[str, Any]]]:
    """What an order has granted, as it stands now, in order of line and unit."""
    at = book.at
    disputed = suspended(book.ledger)
    return {
        "licenses": [
            license_view(one, at)
            for one in sorted(book.licenses.values(), key=lambda one: (one.line_id, one.unit_no))
            if one.order_id == order_id
        ],
        "lots": [
            lot_view(one, at, disputed.get(one.lot_id, 0))
            for one in sorted(
                book.ledger.lots.values(), key=lambda one: (one.line_id or "", one.unit_no, one.lot_id)
            )
            if one.order_id == order_id or (one.bought_by is not None and one.bought_by[0] == order_id)
        ],
        "covers": [
            cover_view(one, at)
            for one in sorted(
                book.covers.values(),
                key=lambda one: (one.line_id or "", one.starts_at or one.granted_at, one.cover_id),
            )
            if one.order_id == order_id
        ],
        "choices": [
            choice_view(one)
            for one in sorted(
                book.choices.values(), key=lambda one: (one.line_id, one.unit_no, one.choice_id)
            )
            if one.order_id == order_id
        ],
        "addons": [
            addon_view(one)
            for one in sorted(book.addons, key=lambda one: one.line_id)
            if one.order_id == order_id
        ],
    }


def order_view(
    order: Order, granted: dict[str, Any], *, customer_id: str | None, policy: str
) -> dict[str, Any]:
    """An order as published: what it granted and why, what it did not and why. ``customer_id`` is the vendor's."""
    stored = order.answer
    return {
        "order_id": order.order_id,
        "customer_id": customer_id,
        "placed_at": iso(order.placed_at),
        "currency": order.currency,
        **{name: granted.get(name, []) for name in GRANTED},
        "not_granted": stored.get("not_granted", []),
        "notices": stored.get("notices", []),
        "decisions": stored.get("decisions", []),
        "lines": stored.get("lines", []),
        "policy": {"name": policy, "version": order.policy_version},
    }


def lasting(granted: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """What was granted without what changes by itself: states, and credits spent since."""
    return {name: [{key: value for key, value in row.items() if key not in _PASSING} for row in granted.get(name, [])]
            for name in GRANTED}  # fmt: skip


def balance_by_type(book: Book) -> dict[str, dict[str, int]]:
    """``{credit_type: {"available", "held"}}`` for every type of the policy and every type on the account."""
    rules = book.policy.credits
    names = [one.credit_type for one in rules.types] if rules else []
    names += sorted(name for name in book.ledger.accounts if name not in names)
    return {name: book.ledger.balance(name) for name in names}
