"""Which orders stand alone: what they bring rests on nothing that another order brought, but the licenses held.

Such an order is granted with a look at those alone that brought licenses. Decision 0007 wants the same ledger for any
order of arrival. These orders neither move another's grants nor are moved by them. Where any version of the policy
sells periods that queue, every order may move another's: those bought under an old version wait still.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from app.domain.account.customer import OrderLine
from app.domain.orders.lines import sold
from app.domain.policy.offers import ChoiceGrant, CoverGrant, CreditGrant, NotGranted, Offer
from app.domain.policy.policy import Policy

Alone = Literal["always", "as_last", "never"]
"""``as_last``: while no other order was placed at that instant or later, but for those that brought licenses."""


def stands_alone(lines: Iterable[OrderLine], policies: Iterable[Policy]) -> Alone:
    """Return when an order of these lines stands alone, whichever of these policies judges each line.

    Ask `sells_queues` of every version first: under one that does, no order stands alone.
    """
    known = list(policies)
    found = {_line(line, policy) for line in lines for policy in known}
    return "never" if "never" in found else "as_last" if "as_last" in found else "always"


def sells_queues(policy: Policy) -> bool:
    """Whether a policy sells periods that wait for one another, or end with one another."""
    return any(_queues(grant) for offer in policy.offers for grant in _covers(offer))


def _line(line: OrderLine, policy: Policy) -> Alone:
    offered = sold(policy, line.sku)
    if isinstance(offered, NotGranted):
        return "always"
    if "upgrades" in line.attributes:
        return "never"
    if _credits_alone(offered[0]):
        return "always"
    # A refund that was told before may take a period that is told only now.
    return "never" if offered[0].kind != "license" and any(_covers(offered[0])) else "as_last"


def _credits_alone(offer: Offer) -> bool:
    """Whether an offer brings no license, cover or choice: nothing that another order's lines look at."""
    return offer.kind != "license" and all(isinstance(grant, CreditGrant) for grant in offer.grants)


def _covers(offer: Offer) -> Iterable[CoverGrant]:
    for grant in offer.grants:
        for option in grant.options.values() if isinstance(grant, ChoiceGrant) else (grant,):
            if isinstance(option, CoverGrant):
                yield option


def _queues(grant: CoverGrant) -> bool:
    """Whether a period waits for those bought before it, and others for it, or ends with one of them or ends it."""
    waits = grant.start in ("after_current", "when_uncovered")
    return waits or grant.ends == "with_running" or grant.replaces is not None
