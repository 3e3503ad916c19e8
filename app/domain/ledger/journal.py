"""The ledger's mechanics: moves between buckets, operations, savepoints.

What falls due stands in `expiry`, what is given back in `giving_back`, the verbs in `lots` and `ledger`.

Every move keeps both identities (a lot's and its account's) by construction, and each finished operation is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from app.domain.ledger.lot import Account, Bucket, Entry, Hold, HoldLine, Lot, Operation, OperationKind
from app.domain.ledger.recurring import RecurringGrant
from app.domain.ledger.rest import NotLoaded, Rest, SpendingKey
from app.domain.policy.credit_rules import CreditRules
from app.domain.values.ids import CustomerId, HoldId, Mint, OperationId, OrderId, TicketId

NEVER = datetime.max.replace(tzinfo=UTC)
_LOT_FIELDS = ("available", "held", "spent", "expired", "voided", "expires_at", "data")
_ACCOUNT_FIELDS = (
    "granted",
    "available",
    "held",
    "spent",
    "expired",
    "voided",
    "owed",
    "next_expiry",
    "version",
    "asked_at",
)
_RECURRING_FIELDS = ("terms", "spans", "granted", "emitted", "stopped_at", "known_at", "withdrawn", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerChanges:
    """What one customer's ledger wants written. ``holds_*`` come with all their lines."""

    customer_id: CustomerId
    accounts: tuple[Account, ...]
    lots_new: tuple[Lot, ...]
    lots_changed: tuple[Lot, ...]
    holds_new: tuple[Hold, ...]
    holds_changed: tuple[Hold, ...]
    operations: tuple[Operation, ...]
    lines_new: tuple[tuple[str, HoldLine], ...] = ()
    """Lines that were added to holds which are not new."""
    recurring: tuple[RecurringGrant, ...] = ()
    """Recurring grants that are new or changed."""

    def every_new_line(self) -> list[tuple[str, HoldLine]]:
        """Return the lines that are new, each with its hold's id."""
        return [*((hold.hold_id, line) for hold in self.holds_new for line in hold.lines), *self.lines_new]

    def __bool__(self) -> bool:
        return bool(self.operations or self.lots_changed or self.holds_changed or self.recurring)


@dataclass(frozen=True, slots=True)
class Savepoint:
    """A state to go back to; opaque."""

    accounts: dict[str, Account]
    lots: dict[str, Lot]
    holds: dict[str, Hold]
    marks: tuple[frozenset[str], ...]
    operations: int
    reclaimed: int
    recurring: dict[str, RecurringGrant] | None


class ConservationError(AssertionError):
    """An identity of the ledger does not hold: a defect in the rules, never a caller's fault."""


def spending_key(lot: Lot) -> SpendingKey:
    """The total order of spending (AVA-13): priority, expiry with never last, narrower scope, free before paid,
    effective date, id."""
    paid = lot.cost is not None and lot.cost.amount > 0
    return (
        lot.priority,
        lot.expires_at or NEVER,
        1 if lot.scope == "account" else 0,
        1 if paid else 0,
        lot.effective_at,
        lot.lot_id,
    )


def hold_key(hold: Hold) -> tuple[datetime, str]:
    """Holds in order of making."""
    return (hold.created_at, hold.hold_id)


class Journal:
    """One customer's accounts, lots and holds, and the operations made on them so far (mutable)."""

    def __init__(
        self,
        *,
        customer_id: CustomerId,
        at: datetime,
        rules: CreditRules | None,
        accounts: dict[str, Account],
        lots: dict[str, Lot],
        holds: dict[str, Hold],
        mint: Mint,
        command_id: str | None = None,
    ) -> None:
        self.customer_id = customer_id
        self.at = at
        self.rules = rules
        self.accounts = accounts
        self.lots = lots
        self.holds = holds
        self.mint = mint
        self.command_id = command_id
        """The command that the next operations belong to; a batch sets it before each command."""
        self.rest: Rest | None = None
        """What of the account was not read; None: nothing."""
        self.recurring: dict[str, RecurringGrant] | None = {}
        """The recurring grants by id; None: they were not read."""
        self.coming: dict[str, tuple[Any, datetime | None]] = {}
        """When each recurring grant yields next, beside the state that it was reckoned of (`expiry`)."""
        self.operations: list[Operation] = []
        self.former: dict[str, Self] = {}
        """Ledgers of accounts that were merged into this one, where something of theirs may still come back."""
        self.others: dict[str, Self] = {}
        """Ledgers of customers to whom credits of this account were given, where a refund has to reach them."""
        self.arrived: list[Lot] = []
        """Lots made of what came back to them, whose ends are still to be put on the agenda."""
        self.reclaimed: list[tuple[Lot, int]] = []
        """Credits that came back to refunded units and were voided, of which nobody was told yet."""
        self.overdrawn: list[tuple[Lot, TicketId | None]] = []
        """Credits that were spent before they came, each with its ticket, of which nobody was told yet."""
        self._accounts_changed: set[str] = set()
        self._lots_new: set[str] = set()
        self._lots_changed: set[str] = set()
        self._holds_new: set[str] = set()
        self._holds_changed: set[str] = set()
        self._lines_new: list[tuple[str, HoldLine]] = []
        self._recurring_changed: set[str] = set()

    # --- reading ------------------------------------------------------------------------------------------------------

    def account(self, credit_type: str) -> Account:
        """The totals of one credit type; an empty account when nothing was ever granted."""
        found = self.accounts.get(credit_type)
        if found is None:
            found = self.accounts[credit_type] = Account(customer_id=self.customer_id, credit_type=credit_type)
        return found

    def usable(self, lot: Lot, credit_type: str, license_id: str | None, category: str | None = None) -> bool:
        """Whether a hold for a license and a category of tickets may spend from the lot at this instant."""
        return (
            lot.available > 0
            and lot.credit_type == credit_type
            and (lot.expires_at is None or self.at < lot.expires_at)
            and lot.serves(license_id, category)
        )

    def spendable(self, credit_type: str, license_id: str | None, category: str | None = None) -> list[Lot]:
        """The lots a hold may spend from, in order of spending; of a copy in part those that come first."""
        found = [lot for lot in self.lots.values() if self.usable(lot, credit_type, license_id, category)]
        if len(found) > 1:
            found.sort(key=spending_key)
        if self.rest is None:
            return found
        self.rest.needs_lots()
        if (last := self.rest.after.get(credit_type)) is not None:
            found = [lot for lot in found if spending_key(lot) <= last]
            if not found:
                raise NotLoaded
        return found

    def left_out(self, credit_type: str) -> int:
        """Credits of a type that can be spent and lie in lots that were not read."""
        if self.rest is None:
            return 0
        self.rest.needs_lots()
        return self.rest.available.get(credit_type, 0)

    def needs_all_lots(self, credit_type: str | None = None) -> None:
        """Say that a rule looks at every lot: of one type at the open ones, else at all. `NotLoaded` where some were
        not read."""
        if self.rest is None:
            return
        self.rest.needs_lots()
        if credit_type is None or credit_type in self.rest.after:
            raise NotLoaded

    def is_due(self, credit_type: str) -> bool:
        """Whether something of this credit type expired at or before this instant and is not booked."""
        account = self.accounts.get(credit_type)
        return account is not None and account.next_expiry is not None and account.next_expiry <= self.at

    def due_types(self) -> list[str]:
        """Credit types in which something is due."""
        return sorted(key for key in self.accounts if self.is_due(key))

    def reachable(self) -> list[Self]:
        """This ledger, those of accounts that were merged into it, and those that credits of it were given to."""
        mine = [self, *self.former.values()]
        for other in self.others.values():
            mine += [other, *other.former.values()]
        return mine

    def find_hold(self, hold_id: str) -> Hold | None:
        """The hold, also one that an account merged into this one keeps."""
        found = self.holds.get(hold_id)
        if found is None and (owner := self.former_with(hold_id)) is not None:
            found = owner.holds[hold_id]
        return found

    def take_arrived(self) -> list[Lot]:
        """What came back by way of merged accounts since it was last asked."""
        found, self.arrived = self.arrived, []
        return found

    def take_reclaimed(self) -> list[tuple[Lot, int]]:
        """What came back to refunded units and was voided since it was last asked."""
        found: list[tuple[Lot, int]] = []
        ledgers: list[Journal] = [self, *self.former.values()]
        for ledger in ledgers:
            found += ledger.reclaimed
            ledger.reclaimed = []
        return found

    def former_with(self, hold_id: str) -> Self | None:
        """The ledger of the merged account that keeps this hold."""
        return next((former for former in self.former.values() if hold_id in former.holds), None)

    # --- savepoints ---------------------------------------------------------------------------------------------------

    def savepoint(self) -> Savepoint:
        """The state as it is, to come back to with `rollback`."""
        return Savepoint(
            accounts={key: replace(account) for key, account in self.accounts.items()},
            lots={key: replace(lot, data=dict(lot.data)) for key, lot in self.lots.items()},
            holds={
                key: replace(hold, lines=[replace(line) for line in hold.lines]) for key, hold in self.holds.items()
            },
            marks=tuple(
                frozenset(mark)
                for mark in (
                    self._accounts_changed,
                    self._lots_new,
                    self._lots_changed,
                    self._holds_new,
                    self._holds_changed,
                    self._recurring_changed,
                )
            ),
            operations=len(self.operations),
            reclaimed=len(self.reclaimed),
            recurring=None if self.recurring is None else {key: replace(each) for key, each in self.recurring.items()},
        )

    def rollback(self, to: Savepoint) -> None:
        """Undoes everything since the savepoint; objects known before keep their identity."""
        _restore(self.accounts, to.accounts, _ACCOUNT_FIELDS)
        _restore(self.lots, to.lots, _LOT_FIELDS)
        for key in [key for key in self.holds if key not in to.holds]:
            del self.holds[key]
        for key, saved in to.holds.items():
            hold = self.holds[key]
            hold.closed_at = saved.closed_at
            for line, old in zip(hold.lines, saved.lines, strict=True):
                line.captured, line.released, line.refunded = old.captured, old.released, old.refunded
        if self.recurring is not None and to.recurring is not None:
            _restore(self.recurring, to.recurring, _RECURRING_FIELDS)
        (
            self._accounts_changed,
            self._lots_new,
            self._lots_changed,
            self._holds_new,
            self._holds_changed,
            self._recurring_changed,
        ) = (set(mark) for mark in to.marks)
        del self.operations[to.operations :]
        del self.reclaimed[to.reclaimed :]

    def changes(self) -> LedgerChanges:
        """What is to be written; empty (false) when nothing was done."""
        return LedgerChanges(
            customer_id=self.customer_id,
            accounts=tuple(self.accounts[key] for key in sorted(self._accounts_changed)),
            lots_new=tuple(self.lots[key] for key in self.lots if key in self._lots_new),
            lots_changed=tuple(
                self.lots[key] for key in self.lots if key in self._lots_changed and key not in self._lots_new
            ),
            holds_new=tuple(self.holds[key] for key in self.holds if key in self._holds_new),
            holds_changed=tuple(
                self.holds[key] for key in self.holds if key in self._holds_changed and key not in self._holds_new
            ),
            operations=tuple(self.operations),
            lines_new=tuple(self._lines_new),
            recurring=tuple((self.recurring or {})[key] for key in sorted(self._recurring_changed)),
        )

    # --- moving -------------------------------------------------------------------------------------------------------

    def move(self, entries: list[Entry], lot: Lot, source: Bucket, target: Bucket, credits: int) -> None:
        """One move inside one lot, with its account; `settle` says how a debt moves."""
        if credits <= 0:
            raise ConservationError(f"a move of {credits} credits")
        account = self.accounts[lot.credit_type]
        if source == "world":
            account.granted += credits  # the lot was made with its credits available
        elif source == "owed":
            account.owed += credits
        else:
            _add(lot, source, -credits)
            _add(account, source, -credits)
        if target == "owed":
            lot.voided += credits
            account.owed -= credits
        else:
            if source not in ("world", "owed"):
                _add(lot, target, credits)
            _add(account, target, credits)
        self._lots_changed.add(lot.lot_id)
        entries.append(
            Entry(lot_id=lot.lot_id, line_no=len(entries) + 1, source=source, target=target, credits=credits)
        )

    def record(
        self,
        kind: OperationKind,
        credit_type: str,
        entries: Sequence[Entry],
        *,
        effective_at: datetime | None = None,
        hold: Hold | None = None,
        ticket_id: TicketId | None = None,
        order_id: OrderId | None = None,
        reason: str | None = None,
        clause: str | None = None,
        reading: bool = False,
    ) -> Operation:
        """Finishes an operation: the next version of its account, all identities checked."""
        account = self.accounts[credit_type]
        account.version += 1
        self._accounts_changed.add(credit_type)
        if hold is not None:
            self._holds_changed.add(hold.hold_id)
            if hold.open == 0 and hold.closed_at is None:
                hold.closed_at = effective_at or self.at
        self._check(account, entries, hold)
        made = Operation(
            operation_id=OperationId(self.mint("opr")),
            customer_id=self.customer_id,
            credit_type=credit_type,
            kind=kind,
            effective_at=effective_at or self.at,
            account_version=account.version,
            entries=tuple(entries),
            hold_id=hold.hold_id if hold else None,
            ticket_id=hold.ticket_id if hold else ticket_id,
            order_id=order_id,
            reason=reason,
            clause=clause,
            reading=reading,
            command_id=self.command_id,
        )
        self.operations.append(made)
        return made

    def put_lot(self, lot: Lot) -> None:
        """Adds a new lot."""
        self.lots[lot.lot_id] = lot
        self._lots_new.add(lot.lot_id)

    def put_hold(self, hold: Hold) -> None:
        """Adds a new hold."""
        self.holds[hold.hold_id] = hold
        self._holds_new.add(hold.hold_id)

    def put_moved(self, hold: Hold, further: Sequence[HoldLine]) -> None:
        """Takes over a hold of another account, with lines that were added to it."""
        self.holds[hold.hold_id] = hold
        self._holds_changed.add(hold.hold_id)
        self._lines_new += [(hold.hold_id, line) for line in further]

    def touch_expiry(self, lot: Lot, expires_at: datetime | None) -> None:
        """Moves a lot's expiry; the earlier one stays known, for answers as of before (ALL-4).

        So does after which of the account's operations it was moved, since several things may be done at one instant.
        """
        history = list(lot.data.get("expiry_history", ()))
        history.append([self.at.isoformat(), lot.expires_at.isoformat() if lot.expires_at else None])
        account = self.accounts.get(lot.credit_type)
        after = [*lot.data.get("expiry_after", ()), 0 if account is None else account.version]
        lot.data = {**lot.data, "expiry_history": history, "expiry_after": after}
        lot.expires_at = expires_at
        self._lots_changed.add(lot.lot_id)

    def put_recurring(self, grant: RecurringGrant) -> None:
        """Adds a recurring grant, or says that it changed."""
        if self.recurring is None:
            raise NotLoaded
        self.recurring[grant.grant_id] = grant
        self._recurring_changed.add(grant.grant_id)

    def mark_account(self, credit_type: str) -> None:
        """Says that an account changed, other than by an operation."""
        self._accounts_changed.add(credit_type)

    def mark_lot(self, lot: Lot) -> None:
        """Says that a lot's other data changed."""
        self._lots_changed.add(lot.lot_id)

    # --- checking -----------------------------------------------------------------------------------------------------

    def _check(self, account: Account, entries: Sequence[Entry], hold: Hold | None) -> None:
        for lot_id in {entry.lot_id for entry in entries}:
            lot = self.lots[lot_id]
            parts = (lot.available, lot.held, lot.spent, lot.expired, lot.voided)
            if min(parts) < 0 or sum(parts) != lot.granted:
                raise ConservationError(f"lot {lot_id}: {parts} of {lot.granted}")
        parts = (account.available, account.held, account.spent, account.expired, account.voided)
        if min(parts) < 0 or account.owed < 0 or account.granted + account.owed != sum(parts):
            raise ConservationError(f"account {account.credit_type}: {parts} of {account.granted} and {account.owed}")
        if account.owed and account.available and (free := self._for_anything(account.credit_type)):
            raise ConservationError(f"account {account.credit_type} owes {account.owed} and has {free} for anything")
        for line in hold.lines if hold else ():
            if line.captured + line.released > line.credits or line.refunded > line.captured:
                raise ConservationError(f"hold line {line.line_no} gave more than it took")

    def _for_anything(self, credit_type: str) -> int:
        """Return the credits of a type that are kept for nothing."""
        mine = (lot for lot in self.lots.values() if lot.credit_type == credit_type and lot.scope == "account")
        return sum(lot.available for lot in mine)


def _add(row: Lot | Account, bucket: Bucket, credits: int) -> None:
    if bucket == "available":
        row.available += credits
    elif bucket == "held":
        row.held += credits
    elif bucket == "spent":
        row.spent += credits
    elif bucket == "expired":
        row.expired += credits
    elif bucket == "voided":
        row.voided += credits
    else:
        raise ConservationError(f"no bucket {bucket}")


def _restore(now: dict[str, Any], saved: dict[str, Any], fields: tuple[str, ...]) -> None:
    for key in [key for key in now if key not in saved]:
        del now[key]
    for key, old in saved.items():
        for name in fields:
            setattr(now[key], name, getattr(old, name))


def hold_lines(hold_id: HoldId, parts: Sequence[tuple[Lot, int]]) -> list[HoldLine]:
    """The lines of a new hold, numbered in order of spending."""
    return [HoldLine(lot_id=lot.lot_id, line_no=number, credits=n) for number, (lot, n) in enumerate(parts, 1)]
