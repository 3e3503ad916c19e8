"""Credits that something took, to be given back: which claims are lifted, and which lots get credits again.

A merge moves what is held into lots of the heir, and the claims on it with it. So what a lot itself has no longer is
looked for in the other lots of its unit that the same account has by now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Lot
from app.domain.ledger.units import claimed, take_claim, voided_here


@dataclass(slots=True)
class _Undone:
    """One lot that credits were taken of, first among the lots of its unit, and how much is still to come back."""

    kin: list[tuple[Ledger, Lot]]
    voided: int
    claims: int


def undo_claims(owner: Ledger, by_lot: Mapping[str, Sequence[int]]) -> list[tuple[Ledger, Lot, int]]:
    """Lift claims. Return the credits to reinstate by lot: those that were voided then, or that came back since.

    ``by_lot``: voided and claimed credits by lot. Each lot has its own back as far as it can, before another one helps.
    """
    rows = _rows(owner, by_lot)
    for first in (True, False):
        for row in rows:
            for ledger, lot in row.kin[:1] if first else row.kin[1:]:
                if (part := min(row.claims, claimed(lot))) > 0:
                    take_claim(lot, part)
                    ledger.mark_lot(lot)
                    row.claims -= part
    back: dict[str, tuple[Ledger, Lot, int]] = {}
    for first in (True, False):
        for row in rows:
            for ledger, lot in row.kin[:1] if first else row.kin[1:]:
                so_far = back[lot.lot_id][2] if lot.lot_id in back else 0
                if (part := min(row.voided + row.claims, voided_here(lot) - so_far)) > 0:
                    back[lot.lot_id] = ledger, lot, so_far + part
                    row.voided -= part
    return list(back.values())


def _rows(owner: Ledger, by_lot: Mapping[str, Sequence[int]]) -> list[_Undone]:
    rows = []
    for account in (owner, *owner.others.values()):
        lots = [(ledger, lot) for ledger in (account, *account.former.values()) for lot in ledger.lots.values()]
        for ledger, lot in lots:
            if lot.lot_id in by_lot and not lot.withdrawn:
                unit = [pair for pair in lots if pair[1].root == lot.root and not pair[1].withdrawn]
                kin = sorted((pair for pair in unit if pair[1] is not lot), key=lambda pair: pair[1].lot_id)
                voided, claims = by_lot[lot.lot_id][:2]
                rows.append(_Undone([(ledger, lot), *kin], voided, claims))
    return sorted(rows, key=lambda row: row.kin[0][1].lot_id)
