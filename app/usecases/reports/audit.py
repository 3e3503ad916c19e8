"""The audit: every broken invariant of the ledger, by questions to the tables and by recomputation from the entries.

A tenant is looked at range by range, some customers at a time with those whose rows theirs are compared with. So no
statement grows with the tenant, and whoever is told where a stretch ended can go on from there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final, cast

from app.db.engine import Tx
from app.db.ledger import audit as ledger_audit
from app.db.ledger import strays
from app.db.ledger.invariants import CHECKED
from app.domain.values.wire import iso
from app.views.audit import BrokenInvariant, LedgerAudit

SECONDS: Final = 8.0
"""For which one call of the API looks; a larger tenant takes several, by `next_cursor`."""
STRAYS_SECONDS: Final = 5.0
"""For which one snapshot of `verify-ledger` looks for rows that hang on nothing."""


@dataclass(slots=True)
class Stretch:
    """What was found among some customers. ``reached`` is the place of the last row looked at: a customer, or a row
    that no customer leads to. It is None at the end of the range or of the tenant.
    """

    customers: int = 0
    found: list[dict[str, Any]] = field(default_factory=list)
    reached: str | None = None


async def look(
    tx: Tx, after: str = "", upto: str | None = None, *, seconds: float | None = None, most: int | None = None
) -> Stretch:
    """Asks every question about the customers after one, and replays their entries.

    Ends after so many seconds, or once so many rows were found, at the end of a range; else with the customer ``upto``.
    Behind the last customer come the rows that hang on nothing (`strays`), to the end of the tenant.
    """
    stop = None if seconds is None else time.monotonic() + seconds
    stretch, reported = Stretch(), set[tuple[str, ...]]()

    def is_over(found: list[dict[str, Any]], place: str) -> bool:
        for row in found:
            key = (row["invariant"], row["subject"], row["expected"], row["found"])
            if key not in reported:
                reported.add(key)
                stretch.found.append(row)
        late = stop is not None and time.monotonic() > stop
        full = most is not None and len(stretch.found) > most
        if late or full:
            stretch.reached = place
        return late or full

    if not strays.is_place(after):
        since = await ledger_audit.prepared(tx)
        while batch := await ledger_audit.customers_after(tx, after, upto):
            after = batch[-1]
            stretch.customers += len(batch)
            if is_over(await ledger_audit.broken(tx, batch, since) + await ledger_audit.recompute(tx, batch), after):
                return stretch
        if upto is not None:
            return stretch
        after = strays.FIRST
    place: str | None = after
    stop = stop or time.monotonic() + STRAYS_SECONDS
    while place is not None:
        found, place = await strays.step(tx, place)
        if place is None:
            is_over(found, "")
            stretch.reached = None
        elif is_over(found, place):
            break
    return stretch


async def places(tx: Tx, after: str, *, number: int, customers: int) -> list[str]:
    """Where so many stretches of so many customers each end, as far as the tenant goes."""
    found: list[str] = []
    if strays.is_place(after):
        return found
    while len(found) < number and (place := await ledger_audit.place_after(tx, after, customers)) is not None:
        found.append(place)
        after = place
    return found


async def audit(tx: Tx, *, after: str = "", skipped: int = 0, limit: int = 100) -> tuple[LedgerAudit, list[Any] | None]:
    """``{"data": [...]}``: what breaks an invariant (invariant, subject, expected, found), and where the next call goes
    on: None at the end. No row in any of the parts is the promise.

    ``skipped``: so many rows of the stretch after ``after`` were shown already.
    """
    stretch = await look(tx, after, seconds=SECONDS, most=skipped + limit)
    shown = stretch.found[skipped : skipped + limit]
    following: list[Any] | None = None
    if len(stretch.found) > skipped + limit:
        following = [skipped + limit, after]
    elif stretch.reached is not None:
        following = [0, stretch.reached]
    answer: LedgerAudit = {
        "data": cast(list[BrokenInvariant], shown),
        "at": iso(tx.at),
        "checked": sorted(CHECKED),
        "next_cursor": None,
    }
    return answer, following


async def recompute(tx: Tx) -> tuple[int, list[dict[str, Any]]]:
    """Asks every question and replays every customer's entries: how many customers, and every difference.

    `GET /v1/audit` and `retainer verify-ledger` both do the same, stretch by stretch.
    """
    stretch = await look(tx)
    customers, found = stretch.customers, stretch.found
    while stretch.reached is not None:
        stretch = await look(tx, stretch.reached)
        found += stretch.found
    return customers, found
