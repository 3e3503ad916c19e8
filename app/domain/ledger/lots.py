"""Lots granted, corrected, voided and moved between customers; holding and spending stand in `ledger`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from app.domain.ledger.expiry import attempt, post_due_expiries, refresh_expiry
from app.domain.ledger.giving_back import repay_owed
from app.domain.ledger.journal import Journal, spending_key
from app.domain.ledger.lot import Entry, Lot, LotSource, Scope
from app.domain.ledger.units import categories_of, ends_of, give, unit_of
from app.domain.values.errors import DomainError
from app.domain.values.ids import LicenseId, LineId, LotId, OrderId
from app.domain.values.money import MAX_CREDITS, MAX_WIRE_INT, Money

DEFAULT_TYPE: Final = "credit"
ADJUSTMENT: Final = "adjustment"


class LotLedger(Journal):
    """One customer's lots. The constructor is `Journal`'s."""

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
        scope: Scope = "account",
        license_id: LicenseId | None = None,
        cost: Money | None = None,
        policy_version: int = 1,
        origin_lot_id: LotId | None = None,
        clause: str | None = None,
        reading: bool = False,
        reason: str | None = None,
        categories: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Lot:
        """Grants credits as a lot; what is ``owed`` is repaid from it first. A lot born dead (a late order) is booked
        expired at once, both lines shown. ``effective_at`` is never after now."""
        account = self.account(credit_type)
        checked_amount(credits)
        if account.granted + credits > MAX_WIRE_INT:
            raise DomainError("amount_out_of_range", credits=credits, most=MAX_WIRE_INT - account.granted)
        effective_at = min(effective_at or self.at, self.at)
        with attempt(self, credit_type):
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
                    scope="category" if categories and scope == "account" else scope,
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
                    data={
                        **({"categories": list(categories)} if categories else {}),
                        **({"metadata": dict(metadata)} if metadata else {}),
                    },
                ),
                # A lot keeps its rule when it changes hands; that is a transfer all the same, whatever made it once.
                "transfer" if source == "transfer" else "adjust" if rule == ADJUSTMENT else "grant",
            )
            if expires_at is not None and expires_at <= self.at:
                post_due_expiries(self, credit_type)
        return lot

    def adjust(
        self,
        credits: int,
        *,
        reason: str,
        expires_at: datetime | None = None,
        credit_type: str = DEFAULT_TYPE,
        clause: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Lot | None:
        """Corrects a balance by hand: +n grants a lot, -n voids what is available in order of spending.

        Refused: zero, an ``expires_at`` that has passed (``expires_in_past``), more than there is.
        """
        checked_amount(abs(credits))
        if credits > 0:
            if expires_at is not None and expires_at <= self.at:
                raise DomainError("expires_in_past", expires_at=expires_at.isoformat(), at=self.at.isoformat())
            return self.grant(
                credits,
                source="goodwill",
                rule=ADJUSTMENT,
                credit_type=credit_type,
                expires_at=expires_at,
                reason=reason,
                clause=clause,
                metadata=metadata,
            )
        with attempt(self, credit_type):
            account = self.account(credit_type)
            if account.available < -credits:
                raise insufficient(account.available, -credits, credit_type)
            self.needs_all_lots(credit_type)
            entries: list[Entry] = []
            left = -credits
            for lot in sorted(
                (lot for lot in self.lots.values() if lot.credit_type == credit_type and lot.available),
                key=spending_key,
            ):
                if left == 0:
                    break
                part = min(left, lot.available)
                self.move(entries, lot, "available", "voided", part)
                left -= part
            self.record("adjust", credit_type, entries, reason=reason, clause=clause)
            refresh_expiry(self, credit_type)
        return None

    def void(
        self,
        lot_id: str,
        credits: int | None = None,
        *,
        reason: str,
        clause: str | None = None,
        kind: Literal["void", "transfer"] = "void",
    ) -> int:
        """Takes back what is available of a lot (at most ``credits``): never what is held or spent. Credits voided."""
        lot = self.lot(lot_id)
        if credits is not None:
            checked_amount(credits)
        with attempt(self, lot.credit_type):
            part = lot.available if credits is None else min(credits, lot.available)
            if part:
                entries: list[Entry] = []
                self.move(entries, lot, "available", "voided", part)
                self.record(kind, lot.credit_type, entries, order_id=lot.order_id, reason=reason, clause=clause)
                refresh_expiry(self, lot.credit_type)
        return part

    def withdraw(self, lot_id: str) -> None:
        """The lot no longer stands for its unit: its order was corrected, or it is of the wrong class."""
        lot = self.lot(lot_id)
        lot.data = {**lot.data, "withdrawn": True}
        self.mark_lot(lot)

    def transfer_out(
        self, lot_id: str, credits: int | None = None, *, to_customer_id: str, reason: str, clause: str | None = None
    ) -> int:
        """The giving half of a transfer (only where the policy allows it, TERMS-21): what is available of a lot."""
        lot = self.lot(lot_id)
        if lot.expires_at is not None and lot.expires_at <= self.at:
            raise DomainError("lot_expired", lot_id=lot_id, expires_at=lot.expires_at.isoformat())
        credits_ = lot.available if credits is None else checked_amount(credits)
        if credits_ > lot.available or credits_ == 0:
            raise insufficient(lot.available, max(credits_, 1), lot.credit_type)
        moved = self.void(lot_id, credits_, reason=reason, clause=clause, kind="transfer")
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
            categories=origin.categories,
            license_id=origin.license_id if as_bought else None,
            cost=origin.price_of(credits) if as_bought else None,
            policy_version=origin.policy_version,
            origin_lot_id=origin.lot_id,
            clause=origin.clause if as_bought else clause,
            reading=as_bought and origin.reading,
            reason=reason,
            metadata=origin.metadata if as_bought else None,
        )
        ends = ends_of(origin, as_bought=as_bought)
        lot.data = {**lot.data, **(origin.purchase() if as_bought else {}), **unit_of(origin), **ends}
        return lot

    def received(self, origin: Lot, credits: int, *, reason: str) -> Lot:
        """Adds the lot of credits that move here with their hold, as they were bought; the caller books the moves."""
        self.account(origin.credit_type)
        lot = Lot(
            lot_id=LotId(self.mint("lot")),
            customer_id=self.customer_id,
            credit_type=origin.credit_type,
            source="transfer",
            rule=origin.rule,
            granted=credits,
            available=credits,
            effective_at=self.at,
            expires_at=origin.expires_at,
            priority=origin.priority,
            scope=origin.scope,
            license_id=origin.license_id,
            cost=origin.price_of(credits),
            policy_version=origin.policy_version,
            origin_lot_id=origin.lot_id,
            clause=origin.clause,
            reading=origin.reading,
            reason=reason,
            data={
                **origin.purchase(),
                **unit_of(origin),
                **categories_of(origin),
                **ends_of(origin),
                **({"metadata": origin.metadata} if origin.metadata else {}),
            },
        )
        self.put_lot(lot)
        return lot

    def _new_lot(self, lot: Lot, kind: Literal["grant", "adjust", "transfer"]) -> Lot:
        entries: list[Entry] = []
        self.put_lot(lot)
        self.move(entries, lot, "world", "available", lot.granted)
        dead = lot.expires_at is not None and lot.expires_at <= self.at
        if not dead:
            repay_owed(self, entries, lot.credit_type)
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
        refresh_expiry(self, lot.credit_type)
        self.account(lot.credit_type).asked_at = None
        return lot

    def lot(self, lot_id: str) -> Lot:
        """The lot, or ``lot_not_found``."""
        found = self.lots.get(lot_id)
        if found is None:
            self.needs_all_lots()
            raise DomainError("lot_not_found", lot_id=lot_id)
        return found


def checked_amount(credits: int) -> int:
    """Return a number of credits that a verb may be given, or refuse it."""
    if type(credits) is not int or not 1 <= credits <= MAX_CREDITS:
        raise DomainError("amount_out_of_range", credits=credits, least=1, most=MAX_CREDITS)
    return credits


def insufficient(available: int, required: int, credit_type: str, headroom: int = 0) -> DomainError:
    """Return the refusal of more than there is; ``headroom``: what may be overdrawn, less what is owed."""
    return DomainError(
        "insufficient_credits",
        available=available,
        required=required,
        missing=required - available - headroom,
        credit_type=credit_type,
    )
