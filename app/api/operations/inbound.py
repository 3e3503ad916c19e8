"""Where shops and helpdesks deliver: a secret address for each source, no bearer; the signature is on the raw
bytes."""

from __future__ import annotations

import functools
from typing import Final

from app.api.deps import wall_clock
from app.api.operations.call import Answer, Call
from app.api.operations.table import OPEN, Operations
from app.api.strict import INBOUND_LIMIT
from app.views.source import DeliveryReceipt

OPERATIONS = Operations("Sources")
_DELIVERY: Final = {
    "description": "As the shop or helpdesk writes it, signed the way of its kind.",
    "required": True,
    "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}


@OPERATIONS.post(
    "receiveDelivery",
    "/in/{token}",
    access=OPEN,
    refusals=(401, 404, 413),
    limit=INBOUND_LIMIT,
    raw=_DELIVERY,
    no_twin="Takes a shop's or a helpdesk's delivery as it is, signed, not JSON of ours.",
)
async def receive(call: Call, token: str) -> Answer[DeliveryReceipt]:
    """Stores a delivery and answers 200; what it brings about happens after. Only a wrong signature (401) and a body
    above 1 MiB (413) are refused. A shop must never give up for a reason that is not its own.
    """
    inbox, database = call.rooms.inbox, call.database
    tenant_id, view = await inbox.receive(database, token[:200], call.raw.headers, call.raw.body, wall_clock())
    return Answer(view, after=None if view.get("ping") else functools.partial(inbox.act_soon, database, tenant_id))
