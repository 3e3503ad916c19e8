"""The published shapes as GraphQL types. Their fields are the keys of the use cases' views, camelCased.

Nothing is computed here: the default resolver picks the key. What a view may lack is nullable.
``app.api.graphql.schema`` adds what leads from one thing to another (a customer's tickets) and the ids of nodes.
"""

from __future__ import annotations

import strawberry
from strawberry import ID

from app.api.graphql.scalars import JSON
from app.api.graphql.shaped import made
from app.api.graphql.shapes import SHAPES, shape
from app.views import (
    audit,
    balance,
    calendar,
    clock,
    customer,
    entitlement,
    errors,
    event,
    explanation,
    hold,
    key,
    lot,
    offer,
    order,
    policy,
    policy_version,
    price,
    report,
    simulation,
    source,
    statement,
    tenant,
    ticket,
    webhook,
)
from app.views import license as licenses

__all__ = ["SHAPES", "Node", "PageInfo"]


@strawberry.interface(description="Anything with an id of its own, for `node(id:)`.")
class Node:
    """Anything with an id of its own, for `node(id:)`."""

    id: ID = strawberry.field(description="The id for `node(id:)`.")


# --- made from the published shapes --------------------------------------------------------------------------------

_MADE = (
    made(calendar.CalendarVersion, Node),
    made(source.Delivery, Node),
    made(source.Source, Node),
    made(webhook.WebhookDelivery, Node),
    made(webhook.WebhookEndpoint, Node),
    made(key.ApiKey, Node),
    made(key.SignInLink),
    made(key.OperatorSignInLink),
    made(event.ProblemEntry, Node),
    made(lot.Lot, Node),
    made(licenses.Cover, Node),
    made(licenses.Choice, Node),
    made(statement.Entry, Node),
    made(clock.Clock, Node),
    made(licenses.License, Node),
    made(clock.ClockJudgement),
    made(ticket.Ticket, Node),
    made(errors.Problem),
    made(order.Order, Node),
    made(order.OrderRefund),
    made(order.ListedOrder),
    made(lot.Transfer),
    made(lot.RefundQuote),
    made(balance.Balance),
    made(statement.Statement),
    made(hold.Hold, also=hold.Adjustment),
    made(hold.CreditBatch),
    made(customer.Customer, Node),
    made(customer.Erasure),
    made(customer.CustomerToken),
    made(audit.AuditEntry),
    made(audit.LedgerAudit),
    made(tenant.Tenant),
    made(tenant.TenantMove),
    made(webhook.WebhookReplay),
    made(calendar.Calendar, Node),
    made(calendar.Closure),
    made(calendar.FeedDraft),
    made(calendar.Opening),
    made(calendar.Elapsed),
    made(calendar.Due),
    made(entitlement.Entitlement),
    made(offer.Offer),
    made(policy.Policy, Node, also=policy.PublishedPolicy),
    made(policy.PolicyCheck),
    made(policy_version.PolicySource),
    made(policy_version.PolicyComparison),
    made(simulation.PolicySimulation),
    made(price.Price),
    made(event.Event, Node),
    made(explanation.Explanation),
    made(customer.CustomerExport),
    made(report.Report),
)


@shape
class Answer:
    """An answer as REST gives it."""

    data: JSON | None


@strawberry.federation.type(shareable=True, description="Where a page of a list begins and ends.")
class PageInfo:
    """Where a page of a list begins and ends."""

    has_next_page: bool = strawberry.field(description="Whether rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows come before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor to go back from; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor to go on after; null on an empty page.")
