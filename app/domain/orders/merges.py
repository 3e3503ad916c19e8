"""Which periods of an account were bought apart from one another, before two accounts became one (decision 0034).

What each account had bought keeps its own queue. So each period is marked at a merge with the side on which it was,
and so is each order, for its licenses. What is bought afterwards has no mark of that merge, and waits for both sides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from app.domain.account.customer import Cover, License, Order
from app.domain.values.wire import iso, parse_iso

MARKS: Final = "merges"
"""Where a cover's data and an order's answer keep their marks: merge, instant, side."""

_SINCE: Final = "merged_at"
Sides = Mapping[str, str]
"""The side of each merge on which something was. A merge goes by our id of the customer that was merged."""
NOWHERE: Final[Sides] = {}


def mark(source: str, side: str, at: datetime) -> list[dict[str, str]]:
    """Return what is added to the marks of all that was on one side. ``source``: the customer that was merged."""
    return [{"merge": source, "at": iso(at), "side": side}]


def stamp(at: datetime) -> dict[str, str]:
    """Return what a customer that is merged keeps of it: since when it is another one's."""
    return {_SINCE: iso(at)}


def asked_of(as_of: datetime | None, known_at: datetime | None) -> datetime | None:
    """Return the instant by which a merge counts in an answer: it was done, and known; None where all do."""
    return min((at for at in (as_of, known_at) if at is not None), default=None)


def is_later(data: Mapping[str, Any], then: datetime) -> bool:
    """Whether a customer was merged after an instant, so that it was itself then. ``data``: what it keeps."""
    return _SINCE in data and parse_iso(data[_SINCE]) > then


def owner_then(marks: Sequence[Mapping[str, str]], then: datetime, now: str) -> str:
    """Return our id of the customer whose something was at an instant, who is another one's by ``now``."""
    later = [row for row in marks if parse_iso(row["at"]) > then]
    return min(later, key=lambda row: parse_iso(row["at"]))["side"] if later else now


def sides_of(cover: Cover) -> Sides:
    """Return on which side of each merge a period was bought."""
    return _sides(cover.data)


def apart(first: Sides, second: Sides) -> bool:
    """Whether two things were bought on two sides of one merge, so that neither waits for the other."""
    return any(second.get(merge, side) != side for merge, side in first.items())


@dataclass(frozen=True, slots=True)
class Merges:
    """The merges that the orders and covers of an account went through, oldest first, and the sides of its licenses.

    ``fixed``: a merge was made before sides were marked. Then what was bought stays where it is.
    """

    at: Mapping[str, datetime] = field(default_factory=dict)
    orders: Mapping[str, Sides] = field(default_factory=dict)
    fixed: bool = False

    @classmethod
    def of(cls, orders: Iterable[Order]) -> Merges:
        """Return the merges of all orders of an account."""
        marked = [order for order in orders if MARKS in order.answer or order.answer.get("merged")]
        at = {row["merge"]: parse_iso(row["at"]) for order in marked for row in order.answer.get(MARKS, ())}
        return cls(
            dict(sorted(at.items(), key=lambda item: (item[1], item[0]))),
            {str(order.order_id): _sides(order.answer) for order in marked},
            any(_is_unmarked(order.answer) for order in marked),
        )

    def of_order(self, order_id: str) -> Sides:
        """Return on which side of each merge an order was."""
        return self.orders.get(order_id, NOWHERE)

    def after(self, order_id: str, at: datetime, known: Collection[str]) -> Sides:
        """Return the sides of an order in those merges that came after something of it at an instant.

        ``known``: the merges that came before it. Of one instant, time alone does not tell.
        """
        sides = self.of_order(order_id)
        return {merge: side for merge, side in sides.items() if self.at[merge] >= at and merge not in known}

    def without(self, later: Sides) -> Merges:
        """Return the merges that there were before these."""
        return replace(self, at={merge: at for merge, at in self.at.items() if merge not in later})

    def of_license(self, license_: License) -> Sides:
        """Return on which side of each merge a license was bought."""
        return self.orders.get(str(license_.order_id), NOWHERE)

    def licenses_beside(self, sides: Sides, licenses: Iterable[License]) -> list[License]:
        """Return the licenses that were not bought apart from something."""
        return [license_ for license_ in licenses if not apart(sides, self.of_license(license_))]


NEVER: Final = Merges()


def _sides(data: Mapping[str, Any]) -> Sides:
    rows = data.get(MARKS, ())
    return {row["merge"]: row["side"] for row in rows} if rows else NOWHERE


def _is_unmarked(answer: Mapping[str, Any]) -> bool:
    """Whether an order moved with a merge before sides were marked, whatever merges came after that."""
    marked = {row["merge"] for row in answer.get(MARKS, ()) if row["side"] == row["merge"]}
    return bool(answer.get("merged")) and not marked >= {*answer.get("owners", ()), *(() if marked else (None,))}
