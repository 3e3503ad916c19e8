"""Choices that a customer still has to make: 30 days or 40 credits."""

from __future__ import annotations

from app.api.fields import Body, Name, PathId, QueryFlag
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.usecases.orders import choices
from app.views.license import Choice
from app.views.shapes import PageOf

OPERATIONS = Operations("Storefront")


class ChoiceBody(Body):
    """The option taken."""

    option: Name


@OPERATIONS.get(
    "listChoices",
    "/v1/customers/{customer_id}/choices",
    scope="customers:read",
    paging="short",
    refusals=(404,),
    account=True,
)
async def list_choices(call: Call, customer_id: PathId, all: QueryFlag = False) -> Answer[PageOf[Choice]]:
    """The open choices, oldest first; ``all=true``: those made or taken back too."""
    return await call.short_page(lambda tx: choices.list_choices(tx, customer_id, every=all))


@OPERATIONS.get("getChoice", "/v1/choices/{choice_id}", scope="customers:read", refusals=(404,))
async def get_choice(call: Call, choice_id: PathId) -> Choice:
    """A choice as it stands now, whether it is open, made or taken back."""
    return await call.read(lambda tx: choices.get_choice(tx, choice_id))


@OPERATIONS.post(
    "makeChoice",
    "/v1/customers/{customer_id}/choices/{choice_id}",
    scope="orders:write",
    key="keyed",
    refusals=(404, 409),
    by_customer=True,
)
async def make_choice(call: Call, customer_id: PathId, choice_id: PathId, body: ChoiceBody) -> Answer[Choice]:
    """Grants exactly one option, for good."""
    call.check_customer(body, "option")
    return await call.keyed(
        "choices.make", body, lambda tx: choices.make_choice(tx, customer_id, choice_id, option=body.option)
    )
