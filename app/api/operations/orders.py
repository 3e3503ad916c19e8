"""Orders of the storefront, and their refunds. Natural keys: the order id, the refund id."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.fields import Body, Currency, ExternalId, Facts, Instant, LongText, PathId, Price, price_in
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.usecases.orders import orders
from app.usecases.orders.refunds import RefundLine, RefundOrder
from app.views.order import Order, OrderRefund

OPERATIONS = Operations("Storefront")

Units = Annotated[int, Field(strict=True, ge=1, le=orders.MAX_UNITS)]


class LineBody(Body):
    """A line. Absent: ``unit_price`` the offer's price, ``list_price`` no discount."""

    line_id: ExternalId = Field(examples=["1"])
    sku: ExternalId = Field(examples=["license-standard"])
    quantity: Units = 1
    unit_price: Price | None = None
    list_price: Price | None = None
    attributes: Facts = Field(default_factory=dict)

    def command(self, currency: str, index: int) -> orders.LineCommand:
        """The line as the use case takes it."""
        return orders.LineCommand(
            line_id=self.line_id,
            sku=self.sku,
            quantity=self.quantity,
            unit_price=price_in(self.unit_price, currency, f"/lines/{index}/unit_price"),
            list_price=price_in(self.list_price, currency, f"/lines/{index}/list_price"),
            attributes=dict(self.attributes),
        )


class OrderBody(Body):
    """An order as it was placed."""

    customer_id: ExternalId
    placed_at: Instant
    currency: Currency = "USD"
    lines: Annotated[list[LineBody], Field(min_length=1, max_length=orders.MAX_UNITS)]
    metadata: Facts = Field(default_factory=dict)

    def command(self, order_id: str) -> orders.PutOrder:
        """The order as the use case takes it."""
        lines = tuple(line.command(self.currency, index) for index, line in enumerate(self.lines))
        return orders.PutOrder(
            order_id=order_id,
            customer_id=self.customer_id,
            placed_at=self.placed_at,
            currency=self.currency,
            lines=lines,
            metadata={name: value for name, value in self.metadata.items() if value is not None},
        )


class RefundLineBody(Body):
    """So many units of a line; absent, all that is left of it."""

    line_id: ExternalId
    quantity: Units | None = None


class RefundBody(Body):
    """A refund; without lines the whole order."""

    refund_id: ExternalId
    lines: Annotated[list[RefundLineBody], Field(max_length=orders.MAX_UNITS)] = Field(default_factory=list)
    reason: LongText | None = None

    def command(self, order_id: str) -> RefundOrder:
        """The refund as the use case takes it."""
        lines = tuple(RefundLine(line_id=line.line_id, quantity=line.quantity) for line in self.lines)
        return RefundOrder(order_id=order_id, refund_id=self.refund_id, lines=lines, reason=self.reason)


@OPERATIONS.put("putOrder", "/v1/orders/{order_id}", scope="orders:write", key="natural", status=201, refusals=(409,))
async def put_order(call: Call, order_id: PathId, body: OrderBody) -> Answer[Order]:
    """Records an order: the licenses, lots, covers and open choices it granted, what it did not grant and why, and
    notices. 201 the first time, 200 with the same body again, 409 ``order_conflict`` with other content."""
    command = body.command(order_id)
    return await call.natural(lambda tx: orders.put_order(tx, command), customer_id=command.customer_id, shared=True)


@OPERATIONS.get("getOrder", "/v1/orders/{order_id}", scope="orders:read", refusals=(404,))
async def get_order(call: Call, order_id: PathId) -> Order:
    """What an order granted and why, as it stands now, and its refunds."""
    return await call.read(lambda tx: orders.get_order(tx, order_id))


@OPERATIONS.post(
    "refundOrder", "/v1/orders/{order_id}/refunds", scope="orders:write", key="natural", status=201, refusals=(404, 409)
)
async def refund_order(call: Call, order_id: PathId, body: RefundBody) -> Answer[OrderRefund]:
    """Takes back what is unspent of the refunded units and reports what was spent. 201 the first time, 200 again."""
    command = body.command(order_id)
    return await call.natural(lambda tx: orders.refund_order(tx, command))


@OPERATIONS.post("replayOrder", "/v1/orders/{order_id}/replay", scope="orders:write", refusals=(404,))
async def replay_order(call: Call, order_id: PathId) -> Order:
    """Judges lines with an unknown sku anew by the policy in force now; safe any number of times."""
    return await call.write(lambda tx: orders.replay_order(tx, order_id))
