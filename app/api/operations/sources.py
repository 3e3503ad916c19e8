"""Sources: which shops and helpdesks are listened to, what they delivered, and replaying what was parked."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from app.api.addresses import page_address
from app.api.fields import TEXT, Body, ExternalId, Flag, Name, PathId, Scalar, ShortText
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.usecases import inbound
from app.usecases.inbound import sources
from app.views.shapes import PageOf
from app.views.source import Delivery, DeliveryState, PlanChange, Source, SourceKind

OPERATIONS = Operations("Sources")

SourceName = Annotated[str, Path(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Secret = Annotated[str, StringConstraints(strict=True, min_length=8, max_length=500)]


class Mapped(Body):
    """What a shop's product is here."""

    sku: ExternalId = Field(examples=["license-pro"])
    attributes: dict[ShortText, Scalar] = Field(default_factory=dict, max_length=50)
    plan_change: PlanChange = "park"
    """What a line brings that bills a change of plan in mid-period: a person decides, nothing, or what is mapped."""

    def stored(self) -> dict[str, Any]:
        """As kept and shown: `plan_change` only where it was set."""
        return {
            "sku": self.sku,
            "attributes": self.attributes,
            **self.model_dump(include={"plan_change"}, exclude_defaults=True),
        }


class Options(Body):
    """How deliveries are read.

    ``ids``: ``own`` where the sender's ids are ours already. ``unmapped``: what becomes of products that nobody has
    mapped. ``guests`` is ``joined`` where the shop gives a buyer without an account a new id each time. The buyer is
    then known by a hash of the e-mail address or telephone number. ``test_orders``: a real tenant takes play money too.
    ``sandbox``: all that comes is of the shop's test environment, where its deliveries do not say so.
    ``subscriptions``: payments of subscriptions and invoices are read although no product of them is mapped.
    ``categories``: helpdesk group -> category; ``priorities``: priority there -> priority, whatever the case of its
    name; ``customer_field``: where the helpdesk keeps our customer id.
    """

    ids: Literal["prefixed", "own"] = "prefixed"
    unmapped: Literal["park", "ignore"] = "park"
    guests: Literal["by_id", "joined"] = "by_id"
    test_orders: Flag = False
    sandbox: Flag = False
    subscriptions: Flag = False
    customer_field: Name | None = None
    categories: dict[ShortText, Name] = Field(default_factory=dict, max_length=100)
    priorities: dict[ShortText, Name] = Field(default_factory=dict, max_length=100)

    @field_validator("priorities")
    @classmethod
    def _distinct(cls, priorities: dict[str, str]) -> dict[str, str]:
        names = [name.casefold() for name in priorities]
        if twice := next((name for name in priorities if names.count(name.casefold()) > 1), None):
            raise PydanticCustomError(
                "named_twice", "`{name}` stands there twice: its case does not count.", {"name": twice}
            )
        return priorities


class Api(Body):
    """How the shop itself is asked, for reconciliation and for what its deliveries leave out. Never shown
    again."""

    base_url: Annotated[str, StringConstraints(strict=True, max_length=500, pattern=r"^https?://[^\s]+$")] | None = None
    key: Secret
    secret: Secret | None = None


class SourceBody(Body):
    """A source. A secret that is absent stays as it is; two count at once while one replaces the other."""

    kind: SourceKind
    secret: Secret | None = None
    secrets: Annotated[list[Secret], Field(min_length=1, max_length=2)] | None = None
    products: dict[ExternalId, Mapped | None] = Field(default_factory=dict, max_length=5000)
    options: Options = Field(default_factory=Options)
    api: Api | None = None
    new_token: Flag = False

    def signing_secrets(self) -> list[str] | None:
        """The secrets, however they were given."""
        if self.secret is not None:
            return [self.secret, *(self.secrets or [])][:2]
        return self.secrets


class DismissalBody(Body):
    """Why a parked delivery is settled; ``adjustment_id``: the correction by hand that settled it."""

    reason: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=500, pattern=TEXT)] = Field(
        examples=["Half a pack was refunded; 50 points were taken back by hand."]
    )
    adjustment_id: ExternalId | None = Field(default=None, examples=["opr_01JAE7ZB3N8GK6R7Q5W4X2V1T0"])


@OPERATIONS.put(
    "putSource", "/v1/sources/{name}", scope="webhooks:write", key="natural", status=201, refusals=(409, 422)
)
async def put_source(call: Call, name: SourceName, body: SourceBody) -> Answer[Source]:
    """Listens to a shop or helpdesk. The answer to the first call holds the address that deliveries go to,
    once."""
    cipher = call.rooms.cipher
    products: dict[str, Any] = {
        key: None if product is None else product.stored() for key, product in body.products.items()
    }
    answer = await call.natural(
        lambda tx: sources.put(
            tx,
            cipher,
            name,
            kind=body.kind,
            signing_secrets=body.signing_secrets(),
            products=products,
            new_token=body.new_token,
            options=body.options.model_dump(exclude_defaults=True),
            api=None if body.api is None else body.api.model_dump(exclude_none=True),
            allow_private=call.rooms.settings.allow_private_webhooks,
        )
    )
    if "path" not in answer.view:
        return answer
    whole = page_address(call.rooms.settings, answer.view["path"])
    return replace(answer, view={**answer.view, "url": whole})


@OPERATIONS.get("listSources", "/v1/sources", scope=("orders:read", "webhooks:write"), paging="pages")
async def list_sources(call: Call) -> Answer[PageOf[Source]]:
    """Sources with how many deliveries are in which state. Secrets are never shown."""
    cipher = call.rooms.cipher
    return await call.pages(lambda tx, part: sources.listed(tx, cipher, part))


@OPERATIONS.delete("deleteSource", "/v1/sources/{name}", scope="webhooks:write", refusals=(404,))
async def delete_source(call: Call, name: SourceName) -> Source:
    """Stops listening: its address opens nothing any more."""
    return await call.write(lambda tx: sources.remove(tx, name))


@OPERATIONS.get(
    "listSourceDeliveries",
    "/v1/sources/{name}/deliveries",
    scope=("orders:read", "webhooks:write"),
    paging="pages",
    refusals=(404,),
)
async def list_deliveries(
    call: Call, name: SourceName, state: Annotated[DeliveryState | None, Query()] = None
) -> Answer[PageOf[Delivery]]:
    """What came, newest first: ``received``, ``done``, ``parked``, ``ignored`` or ``dismissed``, with the reason. What
    is parked says in ``review`` what is unclear, what the payload says, and what would settle it."""
    return await call.pages(lambda tx, part: inbound.deliveries(tx, name, part, state=state))


@OPERATIONS.get(
    "getSourceDelivery",
    "/v1/sources/{name}/deliveries/{delivery_id}",
    scope=("orders:read", "webhooks:write"),
    refusals=(404,),
)
async def get_delivery(call: Call, name: SourceName, delivery_id: PathId) -> Delivery:
    """One delivery with its body as it came."""
    return await call.read(lambda tx: inbound.delivery(tx, name, delivery_id))


@OPERATIONS.post(
    "replaySourceDelivery",
    "/v1/sources/{name}/deliveries/{delivery_id}/replay",
    scope="orders:write",
    refusals=(404, 409),
)
async def replay_delivery(call: Call, name: SourceName, delivery_id: PathId) -> Delivery:
    """Acts on a delivery once more, now. What was done already is not done twice, so no Idempotency-Key is
    needed."""
    return await call.write(lambda tx: call.rooms.inbox.replay(tx, name, delivery_id))


@OPERATIONS.post(
    "dismissSourceDelivery",
    "/v1/sources/{name}/deliveries/{delivery_id}/dismissal",
    scope="orders:write",
    refusals=(404, 409, 422),
)
async def dismiss_delivery(call: Call, name: SourceName, delivery_id: PathId, body: DismissalBody) -> Delivery:
    """Settles a parked delivery by hand: dismissed with a reason, or linked to the adjustment that settled it. The same
    again changes nothing, so no Idempotency-Key is needed."""
    return await call.write(
        lambda tx: call.rooms.inbox.dismiss(tx, name, delivery_id, reason=body.reason, adjustment_id=body.adjustment_id)
    )
