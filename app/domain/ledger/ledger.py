"""The ledger: what may be done with one customer's credits, exact and with every trap of the field closed.

A `Ledger` is a working copy. Each verb validates completely before it changes anything, so that a refused call
leaves no trace; before the first write in a credit type what has expired is booked, effective at its own instant.
Spending goes in one total order (`journal.spending_key`); capture follows the hold's order, release and refund go in
reverse and to the same lots. All numbers are credits, all instants aware. `DomainError`s: ``insufficient_credits``,
``amount_out_of_range``, ``lot_not_found``, ``lot_expired``, ``hold_not_found``, ``hold_wrong_state``, ``hold_expired``,
``over_capture``, ``over_release``, ``over_refund``, ``expires_in_past``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Final, Literal, TypeVar

from app.domain.ledger.account_merge import pass_on, purchase_of
from app.domain.ledger.journal import (
    ConservationError,
    Journal,
    LedgerChanges,
    hold_key,
    hold_lines,
    spending_key,
)
from app.domain.ledger.lot import Entry, Hold, Lot, LotSource
from app.domain.ledger.money_back import RefundQuote, refund_quote
from app.domain.ledger.refunded_units import (
    Door,
    Taken,
    VoidedGrant,
    due_back,
    families,
    give,
    take_all,
    unit_of,
)
from app.domain.policy.policy import CreditRules, ExpiredReturn
from app.domain.values.errors import DomainError
from app.domain.values.ids import HoldId, LicenseId, LineId, LotId, OrderId, TicketId
from app.domain.values.money import MAX_CREDITS, MAX_WIRE_INT, Money
from app.domain.values.term import add_term

__all__ = [
    "ConservationError",
    "Ledger",
    "LedgerChanges",
    "RefundQuote",
    "VoidedGrant",
    "falls_low",
    "refund_quote",
    "spending_key",
]

T = TypeVar("T")
DEFAULT_TYPE: Final = "credit"


def falls_low(rules: CreditRules | None, *, before: int, after: int) -> bool:
    """Whether a balance crossed the policy's ``low_at`` downwards."""
    return rules is not None and rules.low_at is not None and after <= rules.low_at < before


class Ledger(Journal):
    """One customer's credits under one policy at one instant. The constructor is `Journal`'s."""

    # --- reading ------------------------------------------------------------------------------------------------------

    def available(self, credit_type: str = DEFAULT_TYPE, *, license_id: str | None = None) -> int:
        """Credits that a hold for ``license_id`` could take now; lots of a license serve that license only."""
        return self._as_of_now(credit_type, lambda: self._spendable_credits(credit_type, license_id))

    def held(self, credit_type: str = DEFAULT_TYPE) -> int:
        """Credits reserved by open holds."""
        return self._as_of_now(credit_type, lambda: self.account(credit_type).held)

    def balance(self, credit_type: str = DEFAULT_TYPE) -> dict[str, int]:
        """``{"available", "held"}`` of a credit type, all scopes together, exact at this instant."""

        def read() -> dict[str, int]:
            account = self.account(credit_type)
            return {"available": account.available, "held": account.held}

        return self._as_of_now(credit_type, read)

    def charge_of(self, ticket_id: str) -> dict[str, int]:
        """What a ticket costs so far, over all its holds: ``held``, ``captured``, ``refunded``, ``net`` (captured less
        refunded)."""
        mine = self._holds_of(ticket_id)
        captured = sum(hold.captured for hold in mine)
        refunded = sum(hold.refunded for hold in mine)
        return {
            "held": sum(hold.open for hold in mine),
            "captured": captured,
            "refunded": refunded,
            "net": captured - refunded,
        }

    # --- granting -----------------------------------------------------------------------------------------------------

    def grant(
        self,
        credits: int,
        *,
        source: LotSource,
        rule: str,
        credit_type: str = DEFAULT_TYPE,
        expires_at: datetime | None = None,
        effective_at: datetime | None = None,
        order_id: OrderId | None = None,
        line_id: LineId | None = None,
        unit_no: int = 0,
        priority: int = 0,
        scope: Literal["account", "license"] = "account",
        license_id: LicenseId | None = None,
        cost: Money | None = None,
        policy_version: int = 1,
        origin_lot_id: LotId | None = None,
        clause: str | None = None,
        reading: bool = False,
        reason: str | None = None,
    ) -> Lot:
        """Grants credits as a lot; what is ``owed`` is repaid from it first. A lot born dead (a late order) is booked
        expired at once, both lines shown. ``effective_at`` is never after now."""
        account = self.account(credit_type)
        _amount(credits)
        if account.granted + credits > MAX_WIRE_INT:
            raise DomainError("amount_out_of_range", credits=credits, most=MAX_WIRE_INT - account.granted)
        effective_at = min(effective_at or self.at, self.at)
        with self._attempt(credit_type):
            lot = self._new_lot(
                Lot(
                    lot_id=LotId(self.mint("lot")),
                    customer_id=self.customer_id,
                    credit_type=credit_type,
                    source=source,
                    rule=rule,
                    granted=credits,
                    available=credits,
                    effective_at=effective_at,
                    expires_at=expires_at,
                    priority=priority,
                    scope=scope,
                    license_id=license_id,
                    order_id=order_id,
                    line_id=line_id,
                    unit_no=unit_no,
                    cost=cost,
                    policy_version=policy_version,
                    origin_lot_id=origin_lot_id,
                    clause=clause,
                    reading=reading,
                    reason=reason,
                ),
                # A lot keeps its rule when it changes hands; that is a transfer all the same, whatever made it once.
                "transfer" if source == "transfer" else "adjust" if rule == ADJUSTMENT else "grant",
            )
            if expires_at is not None and expires_at <= self.at:
                self.book_due(credit_type)
        return lot

    def adjust(
        self,
        credits: int,
        *,
        reason: str,
        expires_at: datetime | None = None,
        credit_type: str = DEFAULT_TYPE,
        clause: str | None = None,
    ) -> Lot | None:
        """Corrects a balance by hand: +n grants a lot, -n voids what is available in order of spending.

        Refused: zero, an ``expires_at`` that has passed (``expires_in_past``), more than there is.
        """
        _amount(abs(credits))
        if credits > 0:
            if expires_at is not None and expires_at <= self.at:
                raise DomainError(
                    "expires_in_past", expires_at=expires_at.isoformat(), at=self.at.isoformat()
                )
            return self.grant(
                credits,
                source="goodwill",
                rule=ADJUSTMENT,
                credit_type=credit_type,
                expires_at=expires_at,
                reason=reason,
                clause=clause,
            )
        with self._attempt(credit_type):
            account = self.account(credit_type)
            if account.available < -credits:
                raise _insufficient(account.available, -credits, credit_type)
            entries: list[Entry] = []
            left = -credits
            for lot in sorted(
                (one for one in self.lots.values() if one.credit_type == credit_type and one.available),
                key=spending_key,
            ):
                if left == 0:
                    break
                part = min(left, lot.available)
                self.move(entries, lot, "available", "voided", part)
                left -= part
            self.record("adjust", credit_type, entries, reason=reason, clause=clause)
            self.refresh_expiry(credit_type)
        return None

    # --- holding and spending -----------------------------------------------------------------------------------------

    def hold(
        self,
        credits: int,
        *,
        credit_type: str = DEFAULT_TYPE,
        ticket_id: TicketId | None = None,
        license_id: LicenseId | None = None,
        expires_at: datetime | None = None,
        lot_id: str | None = None,
        clause: str | None = None,
        reading: bool = False,
    ) -> Hold:
        """Reserves credits in order of spending; an explicit lot spends from nothing else (XC-14).

        ``clause`` and ``reading``: of the price; without one, the clause of the policy's credits.
        """
        if expires_at is not None and expires_at <= self.at:
            raise DomainError("expires_in_past", expires_at=expires_at.isoformat(), at=self.at.isoformat())
        return self._take(
            credits, credit_type, "hold", ticket_id, license_id, expires_at, lot_id, clause, reading
        )

    def debit(
        self,
        credits: int,
        *,
        credit_type: str = DEFAULT_TYPE,
        ticket_id: TicketId | None = None,
        license_id: LicenseId | None = None,
        lot_id: str | None = None,
        clause: str | None = None,
        reading: bool = False,
        reason: str | None = None,
    ) -> Hold:
        """Holds and captures at once, as one operation; the hold's row is the receipt a refund needs."""
        return self._take(
            credits, credit_type, "debit", ticket_id, license_id, None, lot_id, clause, reading, reason
        )

    def capture(self, hold_id: str, credits: int | None = None, *, final: bool = True,
                clause: str | None = None, reading: bool = False) -> Hold:  # fmt: skip
        """Takes held credits for good, in the hold's order (all of them unless told). ``final`` releases the rest.

        ``clause`` and ``reading``: of the price; without one, the clause of the policy's credits. A rest that goes to
        an expired lot is an operation of its own, which cites the rule of such returns (ALL-4).

        Refused: ``hold_wrong_state`` when nothing is held, ``hold_expired`` (also when no sweep has seen it yet),
        ``over_capture``.
        """
        hold = self._hold(hold_id)
        with self._attempt(hold.credit_type):
            self._must_be_open(hold, "capture")
            wanted = hold.open if credits is None else _amount(credits)
            if wanted > hold.open:
                raise DomainError("over_capture", hold_id=hold_id, requested=wanted, held=hold.open)
            entries: list[Entry] = []
            left = wanted
            for line in hold.lines:
                part = min(left, line.open)
                if part:
                    line.captured += part
                    self.move(entries, self.lots[line.lot_id], "held", "spent", part)
                    left -= part
            back = hold.open if final else 0
            apart = back > 0 and self._returns_to_nothing(hold)
            if back and not apart:
                self._give(entries, hold, back)
                self.settle(entries, hold.credit_type)
            self.record("capture", hold.credit_type, entries, hold=hold, clause=clause or self._credits_clause,
                        reading=reading)  # fmt: skip
            if apart:  # What comes back to an expired lot or a refunded unit is no part of what was captured.
                self.hand_back(hold, "held", back, at=self.at)
            self.refresh_expiry(hold.credit_type)
        return hold

    def release(self, hold_id: str, credits: int | None = None, *, expired: ExpiredReturn | None = None,
                reason: str | None = None, clause: str | None = None) -> Hold:  # fmt: skip
        """Gives held credits back unspent, in reverse and to the same lots (TERMS-22); all of them unless told."""
        hold = self._hold(hold_id)
        with self._attempt(hold.credit_type):
            self._must_be_open(hold, "release")
            wanted = hold.open if credits is None else _amount(credits)
            if wanted > hold.open:
                raise DomainError("over_release", hold_id=hold_id, requested=wanted, held=hold.open)
            self._return(hold, "held", wanted, expired, reason, clause)
        return hold

    def refund(self, hold_id: str, credits: int | None = None, *, expired: ExpiredReturn | None = None,
               reason: str | None = None, clause: str | None = None) -> Hold:  # fmt: skip
        """Gives captured credits back, in reverse and to the same lots (AVA-11, XC-11); all that is left unless told.

        Into a lot that has expired as ``expired`` says, else the policy's ``returned_to_expired`` (ALL-4). What comes
        back to an account that was merged into this one goes on to this one (decision 0028).
        """
        if hold_id not in self.holds and (owner := self._former_with(hold_id)) is not None:
            owner.command_id = self.command_id
            returned = owner.refund(hold_id, credits, expired=expired, reason=reason, clause=clause)
            self.arrived += pass_on(owner, self)
            return returned
        hold = self._hold(hold_id)
        with self._attempt(hold.credit_type):
            if hold.captured == 0:
                raise DomainError("hold_wrong_state", hold_id=hold_id, state=_state(hold), action="refund")
            refundable = hold.captured - hold.refunded
            wanted = refundable if credits is None else _amount(credits)
            if wanted > refundable or refundable == 0:
                raise DomainError("over_refund", hold_id=hold_id, requested=wanted, refundable=refundable)
            self._return(hold, "spent", wanted, expired, reason, clause)
        return hold

    # --- tickets ------------------------------------------------------------------------------------------------------

    def hold_for(
        self,
        ticket_id: TicketId,
        credits: int,
        *,
        credit_type: str = DEFAULT_TYPE,
        license_id: LicenseId | None = None,
        lot_id: str | None = None,
    ) -> Hold:
        """Reserves a ticket's price."""
        return self.hold(
            credits, credit_type=credit_type, ticket_id=ticket_id, license_id=license_id, lot_id=lot_id
        )

    def hold_more_for(self, ticket_id: TicketId, credits: int, *, credit_type: str | None = None,
                      license_id: LicenseId | None = None, clause: str | None = None,
                      reading: bool = False) -> Hold:  # fmt: skip
        """Hold the difference when a price goes up, so that no capture exceeds its hold (decision 0025)."""
        mine = self._holds_of(ticket_id)
        kind = credit_type or (mine[-1].credit_type if mine else DEFAULT_TYPE)
        return self.hold(credits, credit_type=kind, ticket_id=ticket_id, license_id=license_id,
                         clause=clause, reading=reading)  # fmt: skip

    def capture_for(self, ticket_id: str, *, clause: str | None = None, reading: bool = False) -> int:
        """Captures whatever is still held for a ticket, oldest hold first, by the clause of its price. Credits
        captured."""
        return self._each(
            ticket_id,
            None,
            "open",
            lambda hold, n: self.capture(hold.hold_id, n, clause=clause, reading=reading),
        )

    def release_for(self, ticket_id: str, credits: int | None = None, *, expired: ExpiredReturn | None = None,
                    reason: str | None = None, clause: str | None = None) -> int:  # fmt: skip
        """Gives back what is held for a ticket, newest hold first; all of it unless told. Credits released."""
        return self._each(
            ticket_id,
            credits,
            "open",
            lambda hold, n: self.release(hold.hold_id, n, expired=expired, reason=reason, clause=clause),
            newest_first=True,
        )

    def refund_for(self, ticket_id: str, credits: int | None = None, *, expired: ExpiredReturn | None = None,
                   reason: str | None = None, clause: str | None = None) -> int:  # fmt: skip
        """Gives back what a ticket was charged, newest hold first; all that is left unless told. Credits returned."""
        return self._each(
            ticket_id,
            credits,
            "spent",
            lambda hold, n: self.refund(hold.hold_id, n, expired=expired, reason=reason, clause=clause),
            newest_first=True,
        )

    def expire_holds(self, ticket_ids: Collection[str]) -> tuple[str, ...]:
        """For ``until_accepted`` (TERMS-18): what these unaccepted tickets hold of expired lots is void, effective at
        the lot's expiry. The tickets touched."""
        touched: list[str] = []
        types = sorted({one.credit_type for one in self.holds.values() if one.ticket_id in ticket_ids})
        for credit_type in types:
            with self._attempt(credit_type):
                for lot in sorted(self.lots.values(), key=spending_key):
                    if lot.credit_type != credit_type or lot.expires_at is None or self.at < lot.expires_at:
                        continue
                    mine = [one for one in self.holds.values() if one.ticket_id in ticket_ids and one.open]
                    touched += [
                        one.ticket_id for one in self.void_held(lot, lot.expires_at, mine) if one.ticket_id
                    ]
                self.refresh_expiry(credit_type)
        return tuple(dict.fromkeys(touched))

    def due_holds(self) -> tuple[Hold, ...]:
        """Open holds some of whose held credits come from a lot that has expired."""
        return tuple(
            hold
            for hold in sorted(self.holds.values(), key=hold_key)
            if any(
                line.open and (ends := self.lots[line.lot_id].expires_at) is not None and ends <= self.at
                for line in hold.lines
            )
        )

    # --- taking away --------------------------------------------------------------------------------------------------

    def void(self, lot_id: str, credits: int | None = None, *, reason: str, clause: str | None = None,
             kind: Literal["void", "transfer"] = "void") -> int:  # fmt: skip
        """Takes back what is available of a lot (at most ``credits``): never what is held or spent. Credits voided."""
        lot = self._lot(lot_id)
        if credits is not None:
            _amount(credits)
        with self._attempt(lot.credit_type):
            part = lot.available if credits is None else min(credits, lot.available)
            if part:
                entries: list[Entry] = []
                self.move(entries, lot, "available", "voided", part)
                self.record(
                    kind, lot.credit_type, entries, order_id=lot.order_id, reason=reason, clause=clause
                )
                self.refresh_expiry(lot.credit_type)
        return part

    def void_grant(
        self,
        *,
        order_id: str,
        line_id: str,
        units: Collection[int] | None = None,
        credits: int | None = None,
        reason: str,
        clause: str | None = None,
        door: Door = "order",
        ref: str | None = None,
    ) -> VoidedGrant:
        """Takes back what an order line granted (AVA-14): of the given units (else all), at most ``credits`` a lot.

        What is spent is reported, or ``owed`` where the policy allows it (then repaid by what is or becomes available);
        what is held stays held and is reported. Both are voided when they come back (`refunded_units`).
        """
        why = Taken(door=door, reason=reason, clause=clause, order_id=order_id, ref=ref)
        return take_all(self, self.granted_by(order_id, line_id, units), credits, why)

    def granted_by(
        self, order_id: str, line_id: str, units: Collection[int] | None = None
    ) -> list[list[Lot]]:
        """What an order line granted, unit by unit: each lot with those in which its credits lie by now."""
        found = families(self.reachable(), order_id, line_id, withdrawn=units is not None)
        return [family for (unit_no, _), family in found.items() if units is None or unit_no in units]

    def reachable(self) -> list[Ledger]:
        """This ledger, those of accounts that were merged into it, and those that credits of it were given to."""
        mine = [self, *self.former.values()]
        for other in self.others.values():
            mine += [other, *other.former.values()]
        return mine

    def withdraw(self, lot_id: str) -> None:
        """The lot no longer stands for its unit: its order was corrected, or it is of the wrong class."""
        lot = self._lot(lot_id)
        lot.data = {**lot.data, "withdrawn": True}
        self.mark_lot(lot)

    def transfer_out(
        self,
        lot_id: str,
        credits: int | None = None,
        *,
        to_customer_id: str,
        reason: str,
        clause: str | None = None,
    ) -> int:
        """The giving half of a transfer (only where the policy allows it, TERMS-21): what is available of a lot."""
        lot = self._lot(lot_id)
        if lot.expires_at is not None and lot.expires_at <= self.at:
            raise DomainError("lot_expired", lot_id=lot_id, expires_at=lot.expires_at.isoformat())
        wanted = lot.available if credits is None else _amount(credits)
        if wanted > lot.available or wanted == 0:
            raise _insufficient(lot.available, max(wanted, 1), lot.credit_type)
        moved = self.void(lot_id, wanted, reason=reason, clause=clause, kind="transfer")
        give(lot, to_customer_id, moved)
        return moved

    def transfer_in(
        self, origin: Lot, credits: int, *, reason: str, clause: str | None = None, as_bought: bool = False
    ) -> Lot:
        """The taking half: a lot with the origin's expiry and priority, open to the whole account and without a price.

        ``as_bought``, where the owner is the same person (a merge): with its license, price, clause and purchase too.
        """
        lot = self.grant(
            credits,
            source="transfer",
            rule=origin.rule,
            credit_type=origin.credit_type,
            expires_at=origin.expires_at,
            priority=origin.priority,
            scope=origin.scope if as_bought else "account",
            license_id=origin.license_id if as_bought else None,
            cost=origin.price_of(credits) if as_bought else None,
            policy_version=origin.policy_version,
            origin_lot_id=origin.lot_id,
            clause=origin.clause if as_bought else clause,
            reading=as_bought and origin.reading,
            reason=reason,
        )
        lot.data = {**(purchase_of(origin) if as_bought else {}), **unit_of(origin)}
        return lot

    # --- inside -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _attempt(self, credit_type: str) -> Iterator[None]:
        """Books what is due first; a refusal takes that back too, so that it leaves no trace."""
        self.account(credit_type)
        if not self.is_due(credit_type):
            yield
            return
        before = self.savepoint()
        self.book_due(credit_type)
        try:
            yield
        except DomainError:
            self.rollback(before)
            raise

    def _as_of_now(self, credit_type: str, read: Callable[[], T]) -> T:
        if not self.is_due(credit_type):
            return read()
        before = self.savepoint()
        self.book_due(credit_type)
        answer = read()
        self.rollback(before)
        return answer

    def _spendable_credits(self, credit_type: str, license_id: str | None) -> int:
        return sum(lot.available for lot in self.lots.values() if self.usable(lot, credit_type, license_id))

    def _new_lot(self, lot: Lot, kind: Literal["grant", "adjust", "transfer"]) -> Lot:
        entries: list[Entry] = []
        self.put_lot(lot)
        self.move(entries, lot, "world", "available", lot.granted)
        dead = lot.expires_at is not None and lot.expires_at <= self.at
        if not dead:
            self.settle(entries, lot.credit_type)
        elif self.account(lot.credit_type).owed:
            self.move(entries, lot, "available", "expired", lot.available)
        self.record(
            kind,
            lot.credit_type,
            entries,
            effective_at=lot.effective_at,
            order_id=lot.order_id,
            reason=lot.reason,
            clause=lot.clause,
            reading=lot.reading,
        )
        self.refresh_expiry(lot.credit_type)
        return lot

    def _take(
        self,
        credits: int,
        credit_type: str,
        kind: Literal["hold", "debit"],
        ticket_id: TicketId | None,
        license_id: LicenseId | None,
        expires_at: datetime | None,
        lot_id: str | None,
        clause: str | None = None,
        reading: bool = False,
        reason: str | None = None,
    ) -> Hold:
        _amount(credits)
        if lot_id is not None:
            credit_type = self._lot(lot_id).credit_type
        with self._attempt(credit_type):
            taken = self._pick(credits, credit_type, license_id, lot_id)
            entries: list[Entry] = []
            hold_id = HoldId(self.mint("hld"))
            lines = hold_lines(hold_id, taken)
            for line, (lot, part) in zip(lines, taken, strict=True):
                self.move(entries, lot, "available", "held" if kind == "hold" else "spent", part)
                if kind == "debit":
                    line.captured = part
            hold = Hold(
                hold_id=hold_id,
                customer_id=self.customer_id,
                credit_type=credit_type,
                credits=credits,
                created_at=self.at,
                lines=lines,
                ticket_id=ticket_id,
                expires_at=expires_at,
                kind=kind,
            )
            self.put_hold(hold)
            self.record(
                kind,
                credit_type,
                entries,
                hold=hold,
                reason=reason,
                clause=clause or self._credits_clause,
                reading=reading,
            )
            self.refresh_expiry(credit_type)
        return hold

    @property
    def _credits_clause(self) -> str | None:
        """The clause by which credits pay, for uses without a price by a list."""
        return self.rules.clause if self.rules is not None else None

    def _returns_to_nothing(self, hold: Hold) -> bool:
        """Whether some of what a hold still reserves would go back to an expired lot or a refunded unit."""
        lots = [(self.lots[line.lot_id], line.open) for line in hold.lines if line.open]
        return any(
            due_back(lot, part) or (lot.expires_at is not None and lot.expires_at <= self.at)
            for lot, part in lots
        )

    def _pick(self, credits: int, credit_type: str, license_id: str | None,
              lot_id: str | None) -> list[tuple[Lot, int]]:  # fmt: skip
        lots = self.spendable(credit_type, license_id)
        if lot_id is not None:
            lot = self._lot(lot_id)
            if lot.expires_at is not None and lot.expires_at <= self.at:
                raise DomainError("lot_expired", lot_id=lot_id, expires_at=lot.expires_at.isoformat())
            lots = [one for one in lots if one.lot_id == lot_id]
        available = sum(lot.available for lot in lots)
        if available < credits:
            raise _insufficient(available, credits, credit_type)
        taken: list[tuple[Lot, int]] = []
        left = credits
        for lot in lots:
            part = min(left, lot.available)
            taken.append((lot, part))
            left -= part
            if left == 0:
                break
        return taken

    def _return(self, hold: Hold, source: Literal["held", "spent"], credits: int, expired: ExpiredReturn | None,
                reason: str | None, clause: str | None) -> None:  # fmt: skip
        self._reopen_for(hold, source, credits, expired, reason, clause)
        self.hand_back(hold, source, credits, at=self.at, expired=expired, reason=reason, clause=clause)
        self.refresh_expiry(hold.credit_type)

    def _give(self, entries: list[Entry], hold: Hold, credits: int) -> None:
        left = credits
        for line in reversed(hold.lines):
            part = min(left, line.open)
            if part:
                self.give_back(entries, hold, line, "held", part, at=self.at, expired=None, reason=None)
                left -= part

    def _reopen_for(self, hold: Hold, source: Literal["held", "spent"], credits: int, expired: ExpiredReturn | None,
                    reason: str | None, clause: str | None) -> None:  # fmt: skip
        """Extends the dead lots these credits go back to, where the rule is ``reopen``: an operation of its own."""
        rule = expired or (self.rules.returned_to_expired if self.rules else None)
        if rule is None or rule.rule != "reopen" or rule.grace is None:
            return
        left = credits
        for line in reversed(hold.lines):
            part = min(left, line.open if source == "held" else line.kept)
            lot = self.lots[line.lot_id]
            if part > due_back(lot, part) and lot.expires_at is not None and lot.expires_at <= self.at:
                self.touch_expiry(lot, add_term(self.at, rule.grace))
                self.record("reopen", lot.credit_type, (), hold=hold, reason=reason, clause=clause or rule.clause,
                            reading=rule.reading)  # fmt: skip
            left -= part

    def _each(self, ticket_id: str, credits: int | None, what: Literal["open", "spent"],
              act: Callable[[Hold, int], Hold], *, newest_first: bool = False) -> int:  # fmt: skip
        with ExitStack() as attempts:
            for credit_type in sorted({hold.credit_type for hold in self._holds_of(ticket_id)}):
                attempts.enter_context(self._attempt(credit_type))
            return self._each_hold(ticket_id, credits, what, act, newest_first)

    def _each_hold(self, ticket_id: str, credits: int | None, what: Literal["open", "spent"],
                   act: Callable[[Hold, int], Hold], newest_first: bool) -> int:  # fmt: skip
        mine = [hold for hold in self._holds_of(ticket_id) if self._left(hold, what)]
        total = sum(self._left(hold, what) for hold in mine)
        wanted = total if credits is None else _amount(credits)
        if wanted > total:
            if what == "open":
                raise DomainError("over_release", ticket_id=ticket_id, requested=wanted, held=total)
            raise DomainError("over_refund", ticket_id=ticket_id, requested=wanted, refundable=total)
        left = wanted
        for hold in reversed(mine) if newest_first else mine:
            part = min(left, self._left(hold, what))
            if part:
                act(hold, part)
                left -= part
        return wanted - left

    @staticmethod
    def _left(hold: Hold, what: Literal["open", "spent"]) -> int:
        return hold.open if what == "open" else hold.captured - hold.refunded

    def _holds_of(self, ticket_id: str) -> list[Hold]:
        holds = [one for ledger in (self, *self.former.values()) for one in ledger.holds.values()]
        return sorted((one for one in holds if one.ticket_id == ticket_id), key=hold_key)

    def find_hold(self, hold_id: str) -> Hold | None:
        """The hold, also one that an account merged into this one keeps."""
        found = self.holds.get(hold_id)
        if found is None and (owner := self._former_with(hold_id)) is not None:
            found = owner.holds[hold_id]
        return found

    def take_arrived(self) -> list[Lot]:
        """What came back by way of merged accounts since it was last asked."""
        found, self.arrived = self.arrived, []
        return found

    def take_reclaimed(self) -> list[tuple[Lot, int]]:
        """What came back to refunded units and was voided since it was last asked."""
        found = []
        for ledger in (self, *self.former.values()):
            found += ledger.reclaimed
            ledger.reclaimed = []
        return found

    def _former_with(self, hold_id: str) -> Ledger | None:
        return next((one for one in self.former.values() if hold_id in one.holds), None)

    def _hold(self, hold_id: str) -> Hold:
        found = self.find_hold(hold_id)
        if found is None:
            raise DomainError("hold_not_found", hold_id=hold_id)
        return found

    def _lot(self, lot_id: str) -> Lot:
        found = self.lots.get(lot_id)
        if found is None:
            raise DomainError("lot_not_found", lot_id=lot_id)
        return found

    def _must_be_open(self, hold: Hold, action: str) -> None:
        if hold.kind == "payment_dispute":
            raise DomainError("credits_disputed", hold_id=hold.hold_id, action=action)
        if hold.open == 0:
            if (
                hold.expires_at is not None
                and hold.expires_at <= self.at
                and hold.closed_at == hold.expires_at
            ):
                raise DomainError(
                    "hold_expired", hold_id=hold.hold_id, expires_at=hold.expires_at.isoformat()
                )
            raise DomainError("hold_wrong_state", hold_id=hold.hold_id, state=_state(hold), action=action)


ADJUSTMENT: Final = "adjustment"


def _state(hold: Hold) -> str:
    if hold.open:
        return "open"
    if hold.captured == 0:
        return "released"
    return "refunded" if hold.refunded == hold.captured else "captured"


def _amount(credits: int) -> int:
    if type(credits) is not int or not 1 <= credits <= MAX_CREDITS:
        raise DomainError("amount_out_of_range", credits=credits, least=1, most=MAX_CREDITS)
    return credits


def _insufficient(available: int, required: int, credit_type: str) -> DomainError:
    return DomainError(
        "insufficient_credits",
        available=available,
        required=required,
        missing=required - available,
        credit_type=credit_type,
    )
