"""Entitlements: what a customer may do, decided by the policy."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from app.api.fields import Instant, PathId, QueryFlag, QueryId, QueryText
from app.api.operations.arguments import AsOf
from app.api.operations.call import Call
from app.api.operations.table import Operations
from app.domain.tickets.entitlement import Query as Asked
from app.usecases.policies import entitlements
from app.views.entitlement import Entitlement

OPERATIONS = Operations("Helpdesk")


@OPERATIONS.get(
    "decideEntitlement",
    "/v1/customers/{customer_id}/entitlements/{action}",
    scope="customers:read",
    refusals=(404,),
    account=True,
)
async def decide_entitlement(
    call: Call,
    customer_id: PathId,
    action: PathId,
    point: AsOf,
    license_id: QueryId | None = None,
    product: QueryText | None = None,
    released_at: Annotated[Instant | None, Query(description="When the wanted release came out")] = None,
    reason: QueryText | None = None,
    forum: QueryText | None = None,
    explain: QueryFlag = False,
) -> Entitlement:
    """A decision with its reasons and remedies. ``reason`` picks the clause that is cited, never the answer;
    ``explain`` adds every rule looked at. An unknown customer is decided as an empty account."""
    asked = Asked(license_id=license_id, product=product, released_at=released_at, reason=reason, forum=forum)
    return await call.read(
        lambda tx: entitlements.decide(
            tx, customer_id, action, asked, explain=explain, as_of=point.as_of, known_at=point.known_at
        ),
        shared=point.is_now,
    )
