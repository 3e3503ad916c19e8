"""Entitlements: what a customer may do, decided by the policy."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api.deps import AsOf, Caller, scoped
from app.api.problems import problems
from app.api.strict import Instant, PathId, QueryFlag, QueryId, QueryText, StrictRoute
from app.domain.entitlement import Query as Asked
from app.usecases import entitlements

router = APIRouter(route_class=StrictRoute, tags=["Helpdesk"])


@router.get(
    "/v1/customers/{customer_id}/entitlements/{action}",
    operation_id="decideEntitlement",
    responses=problems(404),
)
async def decide_entitlement(
    customer_id: PathId,
    action: PathId,
    caller: Annotated[Caller, scoped("customers:read")],
    point: AsOf,
    license_id: QueryId | None = None,
    product: QueryText | None = None,
    released_at: Annotated[Instant | None, Query(description="When the wanted release came out")] = None,
    reason: QueryText | None = None,
    forum: QueryText | None = None,
    explain: QueryFlag = False,
) -> Response:
    """A decision with its reasons and remedies. ``reason`` picks the clause that is cited, never the answer;
    ``explain`` adds every rule looked at. An unknown customer is decided as an empty account."""
    asked = Asked(license_id=license_id, product=product, released_at=released_at, reason=reason, forum=forum)
    return await caller.read(
        lambda tx: entitlements.decide(
            tx, customer_id, action, asked, explain=explain, as_of=point.as_of, known_at=point.known_at
        )
    )
