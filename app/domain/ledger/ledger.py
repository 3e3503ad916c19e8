"""The ledger: what may be done with one customer's credits, exact and with every trap of the field closed.

A `Ledger` is a working copy. Each verb validates completely before it changes anything, so that a refused call leaves
no trace. Before the first write in a credit type, expired credits are booked, effective at their own instant. Spending
goes in one total order (`journal.spending_key`). Capture follows the hold's order. Release and refund go in reverse and
to the same lots. All numbers are credits, all instants aware. `DomainError`s: ``insufficient_credits``,
``amount_out_of_range``, ``lot_not_found``, ``lot_expired``, ``hold_not_found``, ``hold_wrong_state``, ``hold_expired``,
``over_capture``, ``over_release``, ``over_refund``, ``expires_in_past``.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from app.domain.ledger.account_merge import bring_claims, pass_on
from app.domain.ledger.expiry import as_of_now, attempt, balance, refresh_expiry
from app.domain.ledger.giving_back import give_back, hand_back, reopen_for, repay_owed
from app.domain.ledger.journal import ConservationError, LedgerChanges, hold_lines, spending_key
from app.domain.ledger.lot import Entry, Hold, Lot
from app.domain.ledger.lots import DEFAULT_TYPE, LotLedger, checked_amount, insufficient
from app.domain.ledger.money_back import RefundQuote, refund_quote
from app.domain.ledger.overdraft import book, drawn, headroom
from app.domain.ledger.refunded_units import families, take_all
from app.domain.ledger.rest import NotLoaded
from app.domain.ledger.units import Door, TakeBackReason, VoidedGrant, due_back
from app.domain.policy.credit_rules import ExpiredReturn
from app.domain.values.errors import DomainError
from app.domain.values.ids import HoldId, LicenseId, TicketId

__all__ = ["ConservationError", "Ledger", "LedgerChanges", "RefundQuote", "VoidedGrant", "refund_quote", "spending_key"]


class Ledger(LotLedger):
    """One customer's credits under one policy at one instant. The constructor is `Journal`'s."""

    # --- reading ------------------------------------------------------------------------------------------------------

    def available(
        self, credit_type: str = DEFAULT_TYPE, *, license_id: str | None = None, category: str | None = None
    ) -> int:
        """Credits that a hold for a license and a category could take now.

        Lots of a license serve that one only, those kept for some categories these only.
        """
        return as_of_now(self, credit_type, lambda: self._spendable_credits(credit_type, license_id, category))

    def headroom(self, credit_type: str = DEFAULT_TYPE) -> int:
        """How many credits more may be overdrawn; below 0, how many must come before any can be spent."""
        return as_of_now(self, credit_type, lambda: headroom(self, credit_type))

    def held(self, credit_type: str = DEFAULT_TYPE) -> int:
        """Credits reserved by open holds."""
        return as_of_now(self, credit_type, lambda: self.account(credit_type).held)

    def balance(self, credit_type: str = DEFAULT_TYPE) -> dict[str, int]:
        """``{"available", "held"}`` of a credit type, all scopes together, exact at this instant."""

        return balance(self, credit_type)

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
        category: str | None = None,
        clause: str | None = None,
        reading: bool = False,
    ) -> Hold:
        """Reserves credits in order of spending; an explicit lot spends from nothing else (XC-14).

        ``category``: of the ticket, for lots that are kept for some categories. ``clause`` and ``reading``: of the
        price; without one, the clause of the policy's credits.
        """
        if expires_at is not None and expires_at <= self.at:
            raise DomainError("expires_in_past", expires_at=expires_at.isoformat(), at=self.at.isoformat())
        return self._take(
            credits, credit_type, "hold", ticket_id, license_id, expires_at, lot_id, category, clause, reading
        )

    def debit(
        self,
        credits: int,
        *,
        credit_type: str = DEFAULT_TYPE,
        ticket_id: TicketId | None = None,
        license_id: LicenseId | None = None,
        lot_id: str | None = None,
        category: str | None = None,
        clause: str | None = None,
        reading: bool = False,
        reason: str | None = None,
    ) -> Hold:
        """Holds and captures at once, as one operation; the hold's row is the receipt a refund needs."""
        return self._take(
            credits, credit_type, "debit", ticket_id, license_id, None, lot_id, category, clause, reading, reason
        )

    def capture(
        self,
        hold_id: str,
        credits: int | None = None,
        *,
        final: bool = True,
        clause: str | None = None,
        reading: bool = False,
    ) -> Hold:
        """Takes held credits for good, in the hold's order (all of them unless told). ``final`` releases the rest.

        ``clause`` and ``reading``: of the price; without one, the clause of the policy's credits. A rest that goes to
        an expired lot is an operation of its own. It cites the rule of such returns (ALL-4).

        Refused: ``hold_wrong_state`` when nothing is held, ``hold_expired`` (also when no sweep has seen it yet),
        ``over_capture``.
        """
        hold = self._hold(hold_id)
        with attempt(self, hold.credit_type):
            self._must_be_open(hold, "capture")
            credits_ = hold.open if credits is None else checked_amount(credits)
            if credits_ > hold.open:
                raise DomainError("over_capture", hold_id=hold_id, requested=credits_, held=hold.open)
            entries: list[Entry] = []
            left = credits_
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
                repay_owed(self, entries, hold.credit_type)
            self.record(
                "capture", hold.credit_type, entries, hold=hold, clause=clause or self._credits_clause, reading=reading
            )
            if apart:  # What comes back to an expired lot or a refunded unit is no part of what was captured.
                hand_back(self, hold, "held", back, at=self.at)
            refresh_expiry(self, hold.credit_type)
        return hold

    def release(
        self,
        hold_id: str,
        credits: int | None = None,
        *,
        expired: ExpiredReturn | None = None,
        reason: str | None = None,
        clause: str | None = None,
    ) -> Hold:
        """Gives held credits back unspent, in reverse and to the same lots (TERMS-22); all of them unless told."""
        hold = self._hold(hold_id)
        with attempt(self, hold.credit_type):
            self._must_be_open(hold, "release")
            credits_ = hold.open if credits is None else checked_amount(credits)
            if credits_ > hold.open:
                raise DomainError("over_release", hold_id=hold_id, requested=credits_, held=hold.open)
            self._return(hold, "held", credits_, expired, reason, clause)
        return hold

    def refund(
        self,
        hold_id: str,
        credits: int | None = None,
        *,
        expired: ExpiredReturn | None = None,
        reason: str | None = None,
        clause: str | None = None,
    ) -> Hold:
        """Gives captured credits back, in reverse and to the same lots (AVA-11, XC-11); all that is left unless told.

        Into a lot that has expired as ``expired`` says, else the policy's ``returned_to_expired`` (ALL-4). What comes
        back to an account that was merged into this one goes on to this one (decision 0028).
        """
        if hold_id not in self.holds and (owner := self.former_with(hold_id)) is not None:
            owner.command_id = self.command_id
            bring_claims(owner, self, hold_id, credits)
            returned = owner.refund(hold_id, credits, expired=expired, reason=reason, clause=clause)
            self.arrived += pass_on(owner, self)
            return returned
        hold = self._hold(hold_id)
        with attempt(self, hold.credit_type):
            if hold.captured == 0:
                raise DomainError("hold_wrong_state", hold_id=hold_id, state=_state(hold), action="refund")
            refundable = hold.captured - hold.refunded
            credits_ = refundable if credits is None else checked_amount(credits)
            if credits_ > refundable or refundable == 0:
                raise DomainError("over_refund", hold_id=hold_id, requested=credits_, refundable=refundable)
            self._return(hold, "spent", credits_, expired, reason, clause)
        return hold

    # --- taking away --------------------------------------------------------------------------------------------------

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

        Spent credits are reported, or ``owed`` where the policy allows it; then what is or becomes available repays
        them. Held credits stay held and are reported. Both are voided when they come back (`refunded_units`).
        """
        why = TakeBackReason(door=door, reason=reason, clause=clause, order_id=order_id, ref=ref)
        return take_all(self, self.granted_by(order_id, line_id, units), credits, why)

    def granted_by(self, order_id: str, line_id: str, units: Collection[int] | None = None) -> list[list[Lot]]:
        """What an order line granted, unit by unit: each lot with those in which its credits lie by now."""
        found = families(self.reachable(), order_id, line_id, withdrawn=units is not None)
        return [family for (unit_no, _), family in found.items() if units is None or unit_no in units]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _spendable_credits(self, credit_type: str, license_id: str | None, category: str | None) -> int:
        read = sum(lot.available for lot in self.lots.values() if self.usable(lot, credit_type, license_id, category))
        return read + self.left_out(credit_type)

    def _take(
        self,
        credits: int,
        credit_type: str,
        kind: Literal["hold", "debit"],
        ticket_id: TicketId | None,
        license_id: LicenseId | None,
        expires_at: datetime | None,
        lot_id: str | None,
        category: str | None,
        clause: str | None = None,
        reading: bool = False,
        reason: str | None = None,
    ) -> Hold:
        checked_amount(credits)
        if lot_id is not None:
            credit_type = self.lot(lot_id).credit_type
        with attempt(self, credit_type):
            parts = self._pick(credits, credit_type, license_id, category, lot_id)
            entries: list[Entry] = []
            if short := credits - sum(part for _, part in parts):
                parts.append((drawn(self, credit_type, short), short))
                self.overdrawn.append((parts[-1][0], ticket_id))
            hold_id = HoldId(self.mint("hld"))
            lines = hold_lines(hold_id, parts)
            for line, (lot, part) in zip(lines, parts, strict=True):
                if short and lot is parts[-1][0]:
                    book(self, entries, lot)
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
            refresh_expiry(self, credit_type)
        return hold

    @property
    def _credits_clause(self) -> str | None:
        """The clause by which credits pay, for uses without a price by a list."""
        return self.rules.clause if self.rules is not None else None

    def _returns_to_nothing(self, hold: Hold) -> bool:
        """Whether some of what a hold still reserves would go back to an expired lot or a refunded unit."""
        lots = [(self.lots[line.lot_id], line.open) for line in hold.lines if line.open]
        return any(
            due_back(lot, part) or (lot.expires_at is not None and lot.expires_at <= self.at) for lot, part in lots
        )

    def _pick(
        self, credits: int, credit_type: str, license_id: str | None, category: str | None, lot_id: str | None
    ) -> list[tuple[Lot, int]]:
        if lot_id is not None:
            lot = self.lot(lot_id)
            if lot.expires_at is not None and lot.expires_at <= self.at:
                raise DomainError("lot_expired", lot_id=lot_id, expires_at=lot.expires_at.isoformat())
            lots = [lot] if self.usable(lot, credit_type, license_id, category) else []
            available = sum(lot.available for lot in lots)
        else:
            available = self._spendable_credits(credit_type, license_id, category)
            lots = self.spendable(credit_type, license_id, category) if available >= credits else []
        if available < credits:
            room = 0 if lot_id is not None else headroom(self, credit_type)
            if credits - available > max(room, 0):
                raise insufficient(available, credits, credit_type, room)
            lots = self.spendable(credit_type, license_id, category) if available else []
        parts: list[tuple[Lot, int]] = []
        left = min(credits, available)
        for lot in lots:
            part = min(left, lot.available)
            parts.append((lot, part))
            left -= part
            if left == 0:
                break
        if left:
            raise NotLoaded
        return parts

    def _return(
        self,
        hold: Hold,
        source: Literal["held", "spent"],
        credits: int,
        expired: ExpiredReturn | None,
        reason: str | None,
        clause: str | None,
    ) -> None:
        reopen_for(self, hold, source, credits, expired, reason, clause)
        hand_back(self, hold, source, credits, at=self.at, expired=expired, reason=reason, clause=clause)
        refresh_expiry(self, hold.credit_type)

    def _give(self, entries: list[Entry], hold: Hold, credits: int) -> None:
        left = credits
        for line in reversed(hold.lines):
            part = min(left, line.open)
            if part:
                give_back(self, entries, hold, line, "held", part, at=self.at, expired=None, reason=None)
                left -= part

    def _hold(self, hold_id: str) -> Hold:
        found = self.find_hold(hold_id)
        if found is None and self.rest is not None:
            raise NotLoaded
        if found is None:
            raise DomainError("hold_not_found", hold_id=hold_id)
        return found

    def _must_be_open(self, hold: Hold, action: str) -> None:
        if hold.kind == "payment_dispute":
            raise DomainError("credits_disputed", hold_id=hold.hold_id, action=action)
        if hold.open == 0:
            if hold.expires_at is not None and hold.expires_at <= self.at and hold.closed_at == hold.expires_at:
                raise DomainError("hold_expired", hold_id=hold.hold_id, expires_at=hold.expires_at.isoformat())
            raise DomainError("hold_wrong_state", hold_id=hold.hold_id, state=_state(hold), action=action)


def _state(hold: Hold) -> str:
    if hold.open:
        return "open"
    if hold.captured == 0:
        return "released"
    return "refunded" if hold.refunded == hold.captured else "captured"
