"""The end of an upgrade that a line brings, where it ends with a lower plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, Order, OrderLine
from app.domain.cover import cover as covers
from app.domain.cover import upgrades
from app.domain.orders.queues import found_by
from app.domain.policy.offers import CoverGrant
from app.domain.policy.policy import Policy


def lower_end(
    account: CustomerAccount, order: Order, line: OrderLine, policy: Policy, grant: CoverGrant, mine: Sequence[Cover]
) -> datetime | None:
    """Return when an upgrade that a line brings ends, if it ends with a lower plan. ``mine``: the covers it has."""
    return upgrades.ends_with(policy, grant, found_by(order, line, mine, account.covers.values()), order.placed_at)


def end_with_lower(
    account: CustomerAccount, order: Order, line: OrderLine, policy: Policy, grant: CoverGrant, mine: Sequence[Cover]
) -> None:
    """Move the end of an upgrade, because an order of the lower plan that was placed earlier has arrived."""
    others = found_by(order, line, mine, account.covers.values()) if mine else []
    lower = upgrades.beneath(policy, grant, others, order.placed_at)
    if not lower or lower[-1].ends_at is None or not upgrades.as_bought(policy, lower):
        return
    for cover in mine:
        # One that has ended, though no lower plan ends with it, was taken back and stays so.
        over = cover.ends_at is not None and cover.ends_at <= account.at
        follows = not over or any(cover.ends_at == other.ends_at for other in lower)
        own = cover.term is not None
        stands = cover.state == "running" and (upgrades.as_bought(policy, [cover]) if own else follows)
        if stands and cover.ends_at != lower[-1].ends_at:
            cover.term = None
            covers.move(
                account, cover, starts_at=order.placed_at, ends_at=lower[-1].ends_at, occurred_at=order.placed_at
            )
