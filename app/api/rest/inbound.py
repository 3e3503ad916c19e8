"""Where shops and helpdesks deliver: a secret address for each source, no bearer; the signature is on the raw
bytes."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask

from app.api.deps import house, wall_clock
from app.api.problems import problems
from app.api.reply import Reply
from app.api.strict import StrictRoute, inbound

router = APIRouter(route_class=StrictRoute, tags=["Sources"])
_DELIVERY: Final = {
    "description": "As the shop or helpdesk writes it, signed the way of its kind.",
    "required": True,
    "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}


@router.post("/in/{token}", operation_id="receiveDelivery", responses=problems(401, 404, 413),
             openapi_extra={"requestBody": _DELIVERY})  # fmt: skip
@inbound
async def receive(token: str, request: Request) -> Response:
    """Stores a delivery and answers 200; what it brings about happens after. Only a wrong signature is
    refused (401), and what is larger than 1 MiB (413): a shop must never give up for a reason that is not its
    own."""
    rooms = house(request)
    inbox = rooms.inbox
    headers = {name.lower(): value for name, value in request.headers.items()}
    tenant_id, answer = await inbox.receive(
        rooms.database, token[:200], headers, await request.body(), wall_clock()
    )
    acting = None if answer.get("ping") else BackgroundTask(inbox.act_soon, rooms.database, tenant_id)
    reply = Reply(answer)
    reply.background = acting
    return reply
