"""The ledger as a customer sees it: entries, and the statement in three parts (XC-13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final, Literal, NotRequired, TypeVar

from typing_extensions import TypedDict

from app.domain.ledger import lot as ledger
from app.domain.ledger.line import Line, StatementPage
from app.domain.ledger.lot import Account, Lot
from app.domain.ledger.suspension import REASON
from app.domain.values.paging import Stretch
from app.domain.values.wire import iso, iso_or_none
from app.views.lot import LotSource
from app.views.shapes import Closed, Credits, Id, Instant, Whole

R = TypeVar("R")
Bucket = Annotated[ledger.Bucket, Closed("Bucket", "Where credits lie.")]
OperationKind = Annotated[ledger.OperationKind, Closed("OperationKind", "What moved credits.")]
_Kind = Literal["granted", "expired", "voided", "repaid", "reinstated", "earlier"]
_From = TypedDict("_From", {"from": Annotated[Bucket, "Where the credits lay."]})


class Entry(_From):
    """One immutable line of the ledger."""

    entry_id: Annotated[Id, "Our id of the entry."]
    operation_id: Annotated[Id, "The operation that it is of."]
    kind: Annotated[OperationKind, "What moved the credits."]
    credit_type: Annotated[str, "The type of the credits; the policy names the types."]
    credits: Annotated[Credits, "Credits that moved."]
    to: Annotated[Bucket, "Where the credits went."]
    lot_id: Annotated[Id, "The lot."]
    hold_id: Annotated[Id | None, "The hold."]
    ticket_id: Annotated[Id | None, "The ticket."]
    order_id: Annotated[Id | None, "The order."]
    effective_at: Annotated[Instant, "When they moved."]
    recorded_at: Annotated[Instant, "When that was recorded."]
    version: Annotated[Whole, "The version of the account that it made."]
    reason: Annotated[str | None, "Why."]
    clause: Annotated[str | None, "The clause of the policy."]
    reading: Annotated[bool, "Whether it is our reading."]
    customer_id: NotRequired[Annotated[Id | None, "The customer, where an entry is asked for; null once erased."]]


class Modification(TypedDict):
    """A row of the account page: credits that came, or went without a charge."""

    credits: Annotated[Credits, "Credits, negative where they went."]
    kind: Annotated[Annotated[_Kind, Closed("ModificationKind", "How a balance changed.")], "How it changed."]
    operation: NotRequired[Annotated[OperationKind, "What moved the credits."]]
    source: NotRequired[Annotated[LotSource | None, "Where the lot came from."]]
    credit_type: NotRequired[Annotated[str, "The type of the credits."]]
    lot_id: NotRequired[Annotated[Id, "The lot."]]
    order_id: NotRequired[Annotated[Id | None, "The order."]]
    ticket_id: Annotated[Id | None, "The ticket."]
    expires_at: NotRequired[Annotated[Instant | None, "When the lot expires."]]
    at: Annotated[Instant | None, "When; null for a row that stands for all that is earlier."]
    reason: NotRequired[Annotated[str | None, "Why."]]
    clause: NotRequired[Annotated[str | None, "The clause of the policy."]]
    reading: NotRequired[Annotated[bool, "Whether it is our reading."]]


class ChargedTicket(TypedDict):
    """A row of the account page: a ticket, or a hold without one, and its charge."""

    credits: Annotated[Credits, "Credits held for it, or what it has cost."]
    kind: NotRequired[
        Annotated[
            Annotated[Literal["earlier"], Closed("ChargeKind", "What a row stands for.")],
            "`earlier`: the row stands for all that is earlier.",
        ]
    ]
    ticket_id: Annotated[Id | None, "The ticket; null for a hold without one."]
    customer_id: NotRequired[
        Annotated[Id | None, "Who asked: the customer, or one of the company's people; null once erased."]
    ]
    hold_ids: NotRequired[Annotated[list[Id], "The holds."]]
    credit_type: NotRequired[Annotated[str, "The type of the credits."]]
    held: NotRequired[Annotated[Credits, "Credits that are set aside."]]
    captured: NotRequired[Annotated[Credits, "Credits that were taken for good."]]
    refunded: NotRequired[Annotated[Credits, "Credits of these that were given back."]]
    forfeited: NotRequired[Annotated[Credits, "Credits that were given back and gone at once."]]
    disputed: NotRequired[Annotated[bool, "Whether a disputed payment set them aside."]]
    since: NotRequired[Annotated[Instant | None, "When the first credits were set aside."]]
    at: Annotated[Instant | None, "When the last credits moved; null for a row of all that is earlier."]
    clause: NotRequired[Annotated[str | None, "The clause of the charge."]]


class StatementRows(TypedDict):
    """How many rows each part of the account page has in all."""

    balance_modifications: Annotated[Whole, "Rows of `balance_modifications`."]
    tickets_in_progress: Annotated[Whole, "Rows of `tickets_in_progress`."]
    resolved_tickets: Annotated[Whole, "Rows of `resolved_tickets`."]


class StatementTotals(TypedDict):
    """The credits of each part of the account page, over all its rows."""

    balance_modifications: Annotated[Credits, "Credits that came, less those that went without a charge."]
    tickets_in_progress: Annotated[Credits, "Credits that are set aside."]
    resolved_tickets: Annotated[Credits, "Credits that were taken, less those that were given back."]
    rows: Annotated[StatementRows, "How many rows each part has."]


class Statement(TypedDict):
    """The account page in three parts, the first 100 rows of each.

    `totals` are over all rows: modifications - in progress - resolved = available.
    """

    customer_id: Annotated[Id, "The customer."]
    unit: Annotated[str | None, "The vendor's word for credits."]
    at: Annotated[Instant, "The instant of the statement."]
    available: Annotated[Credits, "Credits that can be spent."]
    balance_modifications: Annotated[Sequence[Modification], "Credits that came, or went without a charge."]
    tickets_in_progress: Annotated[Sequence[ChargedTicket], "Tickets for which credits are set aside."]
    resolved_tickets: Annotated[Sequence[ChargedTicket], "Tickets for which credits were taken."]
    labels: Annotated[Mapping[str, str], "The vendor's headings, by name."]
    held: Annotated[Credits, "Credits that are set aside."]
    totals: Annotated[StatementTotals, "The credits of each part over all its rows."]
    next_cursor: Annotated[str | None, "The `cursor` of the further rows; null where there are none."]


STATEMENT_LISTS: Final = ("balance_modifications", "tickets_in_progress", "resolved_tickets")
"""Members of a statement that are given in pages."""
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


def entry_view(line: Line, *, ticket_names: Mapping[str, str]) -> Entry:
    """Return an entry as published."""
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


def statement_view(
    lines: Iterable[Line],
    *,
    customer_id: str,
    held: int,
    at: datetime,
    unit: str | None,
    lots: Mapping[str, Lot],
    ticket_names: Mapping[str, str],
    askers: Mapping[str, str | None],
    labels: Mapping[str, str] = {},
    accounts: Iterable[Account] | None = None,
    expiries: Mapping[str, tuple[str, bool]] = {},
    page: StatementPage | None = None,
) -> Statement:
    """The account page in exactly three parts (XC-13).

    - Where credits came from; expiries and takings are negative.
    - Tickets in progress with held credits.
    - Resolved tickets with credits taken for good.

    ``available`` = sum of modifications - in progress - resolved (net of returns), in every credit type and in all.
    ``lines``: entries effective and known by the wanted instants, in order, what has expired by then included.
    ``accounts`` (where the lines are only the latest): the totals; what is not shown stands in one row ``earlier``.
    ``page`` (where the lines are those of one page): what of them is shown, with ``accounts`` for the totals.
    ``askers``: our ids of tickets -> who asked.
    ``expiries``: rule of a grant -> the clause by which its credits end and whether that is a reading.
    """
    modifications: list[Modification] = []
    charges: dict[str, _Charge] = {}
    lines = list(lines)
    dead = _returned_dead(lines, lots)
    for line in lines:
        change = _outside(line)
        if change and (page is None or (line.operation_id, line.line_no) in page.entries):
            modifications.append(_modification(line, change, lots, ticket_names, expiries, dead.get(line.operation)))
        if line.hold_id is not None:
            charge = charges.setdefault(line.ticket_id or line.hold_id, _Charge())
            _charge(charge, line, forfeited=dead.get(line.operation, line) is None)
    held_for = [key for key, charge in charges.items() if charge.held] if page is None else page.held
    captured_for = [key for key, charge in charges.items() if charge.captured] if page is None else page.captured

    def rows(keys: Iterable[str], credits: Callable[[_Charge], int]) -> list[ChargedTicket]:
        found = [charges[key] for key in keys]
        return [
            _charge_row(charge, credits(charge), ticket_names, askers.get(charge.ticket_id or "", customer_id))
            for charge in found
        ]

    progress = rows(held_for, lambda charge: charge.held)
    resolved = rows(captured_for, lambda charge: charge.captured - charge.refunded)
    if accounts is None:
        set_aside, used = sum(row["credits"] for row in progress), sum(row["credits"] for row in resolved)
        put_in = sum(row["credits"] for row in modifications)
    else:
        totals = list(accounts)
        set_aside, used = sum(total.held for total in totals), sum(total.spent for total in totals)
        put_in = sum(total.available for total in totals) + set_aside + used
        if page is None:
            _add_earlier(modifications, progress, resolved, (put_in, set_aside, used))
    shown = _parts(modifications, progress, resolved, page)
    return {
        "customer_id": customer_id,
        "unit": unit,
        "at": iso(at),
        "available": put_in - set_aside - used,
        "balance_modifications": shown[0],
        "tickets_in_progress": shown[1],
        "resolved_tickets": shown[2],
        "labels": dict(labels),
        "held": held,
        "totals": {
            "balance_modifications": put_in,
            "tickets_in_progress": set_aside,
            "resolved_tickets": used,
            "rows": {
                "balance_modifications": len(shown[0]),
                "tickets_in_progress": len(shown[1]),
                "resolved_tickets": len(shown[2]),
            },
        },
        "next_cursor": None,
    }


def _add_earlier(
    modifications: list[Modification],
    progress: list[ChargedTicket],
    resolved: list[ChargedTicket],
    totals: tuple[int, int, int],
) -> None:
    """Add a row to each part that stands for what is not among its rows."""
    if rest := totals[0] - sum(row["credits"] for row in modifications):
        modifications.insert(0, {"credits": rest, "kind": "earlier", "ticket_id": None, "at": None})
    for part, whole in ((progress, totals[1]), (resolved, totals[2])):
        if rest := whole - sum(row["credits"] for row in part):
            part.insert(0, {"credits": rest, "kind": "earlier", "ticket_id": None, "at": None})


def _parts(
    modifications: Sequence[Modification],
    progress: Sequence[ChargedTicket],
    resolved: Sequence[ChargedTicket],
    page: StatementPage | None,
) -> tuple[Sequence[Modification], Sequence[ChargedTicket], Sequence[ChargedTicket]]:
    """Return the three parts; those of a page stand for the whole."""
    if page is None:
        return modifications, progress, resolved
    return (
        _part(modifications, page.start, page.modifications),
        _part(progress, page.start, page.progress),
        _part(resolved, page.start, page.resolved),
    )


def _part(rows: Sequence[R], start: int, total: int) -> Sequence[R]:
    return rows if len(rows) == total else Stretch(rows, start=start, total=total)


def _outside(line: Line) -> int:
    """How an entry changes what was ever put in: grants and debts up, expiries and voids down, repayments down."""
    change = 0
    if line.source in ("world", "owed", "voided"):
        change += line.credits
    if line.target in ("expired", "voided", "owed"):
        change -= line.credits
    return change


_KINDS: Final[Mapping[str, _Kind]] = {"expired": "expired", "voided": "voided", "owed": "repaid"}


def _modification(
    line: Line,
    change: int,
    lots: Mapping[str, Lot],
    ticket_names: Mapping[str, str],
    expiries: Mapping[str, tuple[str, bool]],
    instead: Lot | None,
) -> Modification:
    lot = lots.get(line.lot_id)
    kind = "reinstated" if line.source == "voided" else _KINDS.get(line.target, "granted")
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
    """What gave credits back to a lot that had expired names the lot made in its place. That lot's clause says why
    (ALL-4). None where they were forfeited: the operation's own clause says so.
    """
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
    voided = line.target == "voided" and line.source != "owed" and line.kind != "transfer"  # owed: it was overdrawn
    if voided or (line.kind in _RETURNS and line.target == "expired"):
        charge.forfeited += line.credits
    elif line.kind in _RETURNS and line.source == "world":  # a lot made instead of the one that had ended
        charge.forfeited -= line.credits


def _charge_row(
    charge: _Charge, credits: int, ticket_names: Mapping[str, str], customer_id: str | None
) -> ChargedTicket:
    return {
        "credits": credits,
        "ticket_id": ticket_names.get(charge.ticket_id or "", charge.ticket_id),
        "customer_id": customer_id,
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
