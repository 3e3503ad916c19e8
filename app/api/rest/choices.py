"""Choices that a customer still has to make: 30 days or 40 credits."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from app.api.deps import Caller, KeyedCall, scoped
from app.api.paging import ShortPaging
from app.api.problems import problems
from app.api.strict import Body, Name, PathId, QueryFlag, StrictRoute
from app.usecases import choices

router = APIRouter(route_class=StrictRoute, tags=["Storefront"])


class ChoiceBody(Body):
    """The option taken."""

    option: Name


@router.get("/v1/customers/{customer_id}/choices", operation_id="listChoices", responses=problems(404))
async def list_choices(
    customer_id: PathId,
    caller: Annotated[Caller, scoped("customers:read")],
    page: ShortPaging,
    all: QueryFlag = False,
) -> Response:
    """The open choices, oldest first; ``all=true``: those made or taken back too."""
    return await caller.short_page(page, lambda tx: choices.list_choices(tx, customer_id, every=all))


@router.post(
    "/v1/customers/{customer_id}/choices/{choice_id}", operation_id="makeChoice", responses=problems(404, 409)
)
async def make_choice(
    customer_id: PathId,
    choice_id: PathId,
    body: ChoiceBody,
    caller: Annotated[Caller, scoped("orders:write")],
    call: KeyedCall,
) -> Response:
    """Grants exactly one option, for good."""
    return await call.keyed(
        "choices.make",
        {"customer_id": customer_id, "choice_id": choice_id},
        body,
        lambda tx: choices.make_choice(tx, customer_id, choice_id, option=body.option),
    )
