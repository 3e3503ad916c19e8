"""What a customer sees of the ledger: lots, holds, balance, entries, and the statement in three parts (XC-13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.domain.ledger.expiry import post_due_expiries
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Account, Hold, Lot
from app.domain.ledger.suspension import REASON, suspended
from app.domain.values.wire import iso, iso_or_none, money_json


def hold_json(hold: Hold, *, customer_id: str | None, ticket_id: str | None) -> dict[str, Any]:
    """A hold as published; ids are the vendor's own. ``lots`` is the receipt, in order of spending.

    ``state``: ``open``, ``captured``, ``released`` or ``refunded`` (all that was captured came back).
    """
    captured = released = refunded = 0
    lots = []
    for line in hold.lines:  # once: each answer to a debit has one
        captured += line.captured
        released += line.released
        refunded += line.refunded
        lots.append(
            {
                "lot_id": line.lot_id,
                "credits": line.credits,
                "captured": line.captured,
                "released": line.released,
                "refunded": line.refunded,
            }
        )
    held = hold.credits - captured - released
    if held:
        state = "open"
    elif captured == 0:
        state = "released"
    else:
        state = "refunded" if refunded == captured else "captured"
    return {
        "hold_id": hold.hold_id,
        "customer_id": customer_id,
        "credit_type": hold.credit_type,
        "kind": hold.kind,
        "state": state,
        "credits": hold.credits,
        "held": held,
        "captured": captured,
        "released": released,
        "refunded": refunded,
        "ticket_id": ticket_id,
        "created_at": iso(hold.created_at),
        "expires_at": iso_or_none(hold.expires_at),
        "lots": lots,
    }


def lot_json(lot: Lot, disputed: int = 0) -> dict[str, Any]:
    """A lot as published; ``disputed``: what of ``held`` is under a payment dispute."""
    order_id, line_id, _ = lot.bought_by or (lot.order_id, lot.line_id, lot.unit_no)
    return {
        "lot_id": lot.lot_id,
        "source": lot.source,
        "credit_type": lot.credit_type,
        "granted": lot.granted,
        "available": lot.available,
        "held": lot.held,
        "disputed": disputed,
        "spent": lot.spent,
        "expired": lot.expired,
        "voided": lot.voided,
        "effective_at": iso(lot.effective_at),
        "expires_at": iso_or_none(lot.expires_at),
        "scope": lot.scope,
        "license_id": lot.license_id,
        "order_id": order_id,
        "line_id": line_id,
        "origin_lot_id": lot.origin_lot_id,
        "cost": money_json(lot.cost),
        "policy_version": lot.policy_version,
        "clause": lot.clause,
        "reading": lot.reading,
        "reason": lot.reason,
    }


def balance_json(ledger: Ledger, *, at: datetime, unit: str | None) -> dict[str, Any]:
    """The balance at the ledger's instant: totals, the lots that still hold something, and each credit type apart.

    Books what is due on the working copy, which is thrown away.
    """
    for credit_type in ledger.due_types():
        post_due_expiries(ledger, credit_type)
    by_type = {
        key: {"available": one.available, "held": one.held, "owed": one.owed}
        for key, one in sorted(ledger.accounts.items())
    }
    disputed = suspended(ledger)
    lots = sorted(
        (lot for lot in ledger.lots.values() if lot.available or lot.held),
        key=lambda lot: (lot.credit_type, lot.effective_at, lot.lot_id),
    )
    return {
        "unit": unit,
        "at": iso(at),
        "available": sum(one["available"] for one in by_type.values()),
        "held": sum(one["held"] for one in by_type.values()),
        "owed": sum(one["owed"] for one in by_type.values()),
        "disputed": sum(disputed.values()),
        "lots": [lot_json(lot, disputed.get(lot.lot_id, 0)) for lot in lots],
        "by_type": by_type,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry with its operation's header, as read from the journal."""

    operation_id: str
    kind: str
    credit_type: str
    effective_at: datetime
    recorded_at: datetime
    account_version: int
    line_no: int
    lot_id: str
    source: str
    target: str
    credits: int
    hold_id: str | None
    ticket_id: str | None
    order_id: str | None
    reason: str | None
    clause: str | None
    reading: bool

    @property
    def operation(self) -> tuple[str, int]:
        """Which operation it is of, also among those that are not stored and have no id of their own (`due_lines`)."""
        return self.credit_type, self.account_version


_RETURNS: Final = ("capture", "release", "refund")
"""Operations that may give credits back."""


@dataclass(slots=True)
class _Charge:
    hold_ids: dict[str, None] = field(default_factory=dict)
    ticket_id: str | None = None
    credit_type: str = "credit"
    first: datetime | None = None
    last: datetime | None = None
    held: int = 0
    captured: int = 0
    refunded: int = 0
    forfeited: int = 0
    clause: str | None = None
    disputed: bool = False


def entry_json(line: Line, *, ticket_names: Mapping[str, str]) -> dict[str, Any]:
    """An entry as published."""
    return {
        "entry_id": f"{line.operation_id}:{line.line_no}",
        "operation_id": line.operation_id,
        "kind": line.kind,
        "credit_type": line.credit_type,
        "credits": line.credits,
        "from": line.source,
        "to": line.target,
        "lot_id": line.lot_id,
        "hold_id": line.hold_id,
        "ticket_id": ticket_names.get(line.ticket_id or "", line.ticket_id),
        "order_id": line.order_id,
        "effective_at": iso(line.effective_at),
        "recorded_at": iso(line.recorded_at),
        "version": line.account_version,
        "reason": line.reason,
        "clause": line.clause,
        "reading": line.reading,
    }


def statement_json(
    lines: Iterable[Line],
    *,
    at: datetime,
    unit: str | None,
    lots: Mapping[str, Lot],
    ticket_names: Mapping[str, str],
    labels: Mapping[str, str] = {},
    accounts: Iterable[Account] | None = None,
    expiries: Mapping[str, tuple[str, bool]] = {},
) -> dict[str, Any]:
    """The account page in exactly three parts (XC-13): where credits came from (expiries and takings negative), tickets
    in progress with held credits, resolved tickets with credits taken for good.

    ``available`` = sum of modifications - in progress - resolved (net of returns), in every credit type and in all.
    ``lines``: entries effective and known by the wanted instants, in order, what has expired by then included.
    ``accounts`` (where the lines are only the latest): the totals; what is not shown stands in one row ``earlier``.
    ``expiries``: rule of a grant -> the clause by which its credits end and whether that is a reading.
    """
    modifications: list[dict[str, Any]] = []
    charges: dict[str, _Charge] = {}
    lines = list(lines)
    dead = _returned_dead(lines, lots)
    for line in lines:
        change = _outside(line)
        if change:
            modifications.append(
                _modification(line, change, lots, ticket_names, expiries, dead.get(line.operation))
            )
        if line.hold_id is not None:
            charge = charges.setdefault(line.ticket_id or line.hold_id, _Charge())
            _charge(charge, line, forfeited=dead.get(line.operation, line) is None)
    progress = [_charge_row(one, one.held, ticket_names) for one in charges.values() if one.held]
    resolved = [
        _charge_row(one, one.captured - one.refunded, ticket_names)
        for one in charges.values()
        if one.captured
    ]
    if accounts is not None:
        totals = list(accounts)
        held, spent = sum(one.held for one in totals), sum(one.spent for one in totals)
        put_in = sum(one.available for one in totals) + held + spent
        for part, whole in ((modifications, put_in), (progress, held), (resolved, spent)):
            rest = whole - sum(row["credits"] for row in part)
            if rest:
                part.insert(0, {"credits": rest, "kind": "earlier", "ticket_id": None, "at": None})
    total = sum(row["credits"] for row in modifications)
    used = sum(row["credits"] for row in progress) + sum(row["credits"] for row in resolved)
    return {
        "unit": unit,
        "at": iso(at),
        "available": total - used,
        "balance_modifications": modifications,
        "tickets_in_progress": progress,
        "resolved_tickets": resolved,
        "labels": dict(labels),
    }


def _outside(line: Line) -> int:
    """How an entry changes what was ever put in: grants and debts up, expiries and voids down, repayments down."""
    change = 0
    if line.source in ("world", "owed", "voided"):
        change += line.credits
    if line.target in ("expired", "voided", "owed"):
        change -= line.credits
    return change


def _modification(
    line: Line,
    change: int,
    lots: Mapping[str, Lot],
    ticket_names: Mapping[str, str],
    expiries: Mapping[str, tuple[str, bool]],
    instead: Lot | None,
) -> dict[str, Any]:
    lot = lots.get(line.lot_id)
    kind = {"expired": "expired", "voided": "voided", "owed": "repaid"}.get(line.target, "granted")
    kind = "reinstated" if line.source == "voided" else kind
    clause, reading = line.clause or (lot.clause if lot else None), line.reading or bool(lot and lot.reading)
    if line.kind == "expire" and lot and line.clause in (None, lot.clause) and lot.rule in expiries:
        clause, reading = expiries[lot.rule]
    if instead is not None and kind in ("expired", "granted"):
        clause, reading = instead.clause, instead.reading
    return {
        "credits": change,
        "kind": kind,
        "operation": line.kind,
        "source": lot.source if lot else None,
        "credit_type": line.credit_type,
        "lot_id": line.lot_id,
        "order_id": line.order_id or (lot.order_id if lot else None),
        "ticket_id": ticket_names.get(line.ticket_id or "", line.ticket_id),
        "expires_at": iso_or_none(lot.expires_at) if lot else None,
        "at": iso(line.effective_at),
        "reason": line.reason,
        "clause": clause,
        "reading": reading,
    }


def _returned_dead(lines: Iterable[Line], lots: Mapping[str, Lot]) -> dict[tuple[str, int], Lot | None]:
    """Of what gave credits back to a lot that had expired: the lot made in its place, whose clause says why (ALL-4);
    None where they were forfeited, which the operation's own clause says."""
    found: dict[tuple[str, int], Lot | None] = {}
    for line in lines:
        if line.kind not in _RETURNS:
            continue
        if line.source == "world":
            found[line.operation] = lots.get(line.lot_id)
        elif line.target == "expired":
            found.setdefault(line.operation, None)
    return found


def _charge(charge: _Charge, line: Line, *, forfeited: bool) -> None:
    charge.ticket_id = line.ticket_id
    charge.disputed = line.ticket_id is None and line.reason == REASON
    charge.credit_type = line.credit_type
    charge.hold_ids[line.hold_id or ""] = None
    charge.first = charge.first or line.effective_at
    charge.last = line.effective_at
    if not forfeited:  # else the clause is that of the forfeiture, which is no charge's
        charge.clause = line.clause or charge.clause
    if line.target == "held":
        charge.held += line.credits
    if line.source == "held":
        charge.held -= line.credits
    if line.target == "spent":
        charge.captured += line.credits
    if line.source == "spent":
        charge.refunded += line.credits
    if (line.kind in _RETURNS and line.target == "expired") or line.target == "voided":
        charge.forfeited += line.credits
    elif line.kind in _RETURNS and line.source == "world":  # a lot made instead of the one that had ended
        charge.forfeited -= line.credits


def _charge_row(charge: _Charge, credits: int, ticket_names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "credits": credits,
        "ticket_id": ticket_names.get(charge.ticket_id or "", charge.ticket_id),
        "hold_ids": list(charge.hold_ids),
        "credit_type": charge.credit_type,
        "held": charge.held,
        "captured": charge.captured,
        "refunded": charge.refunded,
        "forfeited": charge.forfeited,
        "disputed": charge.disputed,
        "since": iso_or_none(charge.first),
        "at": iso_or_none(charge.last),
        "clause": charge.clause,
    }


def due_lines(ledger: Ledger, recorded_at: datetime) -> Sequence[Line]:
    """The entries of what fell due by the ledger's instant and is not booked: on the working copy, never stored."""
    before = len(ledger.operations)
    for credit_type in ledger.due_types():
        post_due_expiries(ledger, credit_type)
    return [
        Line(
            operation_id="due",
            kind=one.kind,
            credit_type=one.credit_type,
            effective_at=one.effective_at,
            recorded_at=recorded_at,
            account_version=one.account_version,
            line_no=entry.line_no,
            lot_id=entry.lot_id,
            source=entry.source,
            target=entry.target,
            credits=entry.credits,
            hold_id=one.hold_id,
            ticket_id=one.ticket_id,
            order_id=one.order_id,
            reason=one.reason,
            clause=one.clause,
            reading=one.reading,
        )
        for one in ledger.operations[before:]
        for entry in one.entries
    ]
