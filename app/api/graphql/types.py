"""The published shapes as GraphQL types. Their fields are the keys of the use cases' views, camelCased.

Nothing is computed here: the default resolver picks the key. What a view may lack is nullable; ids and counts are not.
``app.api.graphql.schema`` adds what leads from one thing to another (a customer's tickets) and the ids of nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import strawberry
from strawberry import ID

from app.api.graphql import told_types
from app.api.graphql.scalars import JSON, Date, DateTime, Long
from app.api.graphql.shaped import made
from app.api.graphql.shapes import SHAPES, shape
from app.views import (
    balance,
    clock,
    customer,
    decision,
    entitlement,
    errors,
    hold,
    lot,
    offer,
    order,
    policy,
    statement,
    ticket,
)
from app.views import license as licenses

__all__ = ["SHAPES", "Node", "PageInfo", "told_types"]


@strawberry.interface
class Node:
    """Anything with an id of its own, for `node(id:)`."""

    id: ID


# --- made from the published shapes --------------------------------------------------------------------------------

if TYPE_CHECKING:
    from app.views.clock import Clock
    from app.views.decision import Decision, Money, PolicyVersion, Reason, Remedy
    from app.views.license import Cover, License
    from app.views.lot import Lot
else:
    Money = made(decision.Money)
    PolicyVersion = made(decision.PolicyVersion)
    Reason = made(decision.Reason)
    Remedy = made(decision.Remedy)
    Decision = made(decision.Decision)
    Clock = made(clock.Clock, Node)
    Lot = made(lot.Lot)
    License = made(licenses.License, Node)
    Cover = made(licenses.Cover, Node)

_MADE = (
    made(clock.ClockJudgement), made(ticket.Ticket, Node), made(errors.Problem), made(order.Order, Node),
    made(order.OrderRefund), made(licenses.Choice), made(lot.Transfer), made(lot.RefundQuote), made(balance.Balance),
    made(statement.Statement), made(statement.Entry), made(hold.Hold, also=hold.Adjustment), made(hold.CreditBatch),
    made(policy.Policy, Node, also=policy.PublishedPolicy), made(policy.PolicyCheck), made(policy.PolicySimulation),
    made(policy.Price), made(offer.Offer), made(entitlement.Entitlement),
    made(customer.Customer, Node, also=customer.Erasure), made(customer.CustomerToken),
)  # fmt: skip


# --- answers of the policy --------------------------------------------------------------------------------------------


# --- what customers have ----------------------------------------------------------------------------------------------


# --- tickets ----------------------------------------------------------------------------------------------------------


# --- time -------------------------------------------------------------------------------------------------------------


@shape
class TenantTime:
    """The tenant's own time."""

    mode: str | None
    now: DateTime | None
    fired: int | None
    reached: bool | None
    set_aside: list[SetAside] | None


@shape
class SetAside:
    """Something that fell due and failed: it stops nothing else and is tried again at `retryAt`."""

    kind: str | None
    subject: str | None
    code: str | None
    failures: int | None
    retry_at: DateTime | None


@shape
class Calendar(Node):
    """Hours of operation: dated versions, closures."""

    name: str
    zone: str | None
    notice_days: int | None
    revision: int | None
    calendar_revision: int | None
    tzdb_version: str | None
    created_at: DateTime | None
    updated_at: DateTime | None
    versions: JSON | None


@shape
class CalendarVersion:
    """A dated version of a calendar."""

    calendar: str | None
    revision: int | None
    effective_from: Date | None
    weekly_hours: JSON | None
    exceptions: JSON | None
    closure_rules: JSON | None
    correction: bool | None
    whole_shifts: bool | None
    reason: str | None
    library_version: str | None
    announced_at: DateTime | None
    published_at: DateTime | None
    reopened_days: list[Closure] | None
    reopened_count: int | None
    preview: JSON | None


@shape
class Closure:
    """A closed or half day; ``hours`` are those that a half day stays open."""

    date: Date
    reasons: list[str]
    kind: str | None
    hours: list[list[str]] | None
    sources: list[str] | None


@shape
class FeedDraft:
    """What a feed of closed days says, to be reviewed and published as exceptions."""

    calendar: str
    published: bool
    exceptions: JSON
    repeating: JSON
    ignored: JSON
    next_step: str


@shape
class Opening:
    """Whether an instant is business time."""

    open: bool
    at: DateTime | None
    next_opening: DateTime | None
    next_close: DateTime | None
    calendar_revision: int | None
    tzdb_version: str | None


@shape
class Elapsed:
    """Business time between two instants."""

    business_seconds: Long
    from_: DateTime | None
    to: DateTime | None
    calendar_revision: int | None
    tzdb_version: str | None


@shape
class Due:
    """When a target falls due, and why."""

    due_at: DateTime | None
    from_: DateTime | None
    target: str | None
    business_date: Date | None
    business_seconds: Long | None
    consumed: JSON | None
    skipped: JSON | None
    more_consumed: int | None
    more_skipped: int | None
    calendar_revision: int | None
    tzdb_version: str | None


# --- policies, tenants, operations ------------------------------------------------------------------------------------


@shape
class Tenant:
    """One vendor using the service."""

    tenant_id: ID
    policy: JSON | None
    clock: TenantTime | None
    suspended: bool | None
    reason: str | None
    created_at: DateTime | None


@shape
class ApiKey:
    """A key; the key itself is shown once, when it is made."""

    key_id: ID
    key: str | None
    label: str | None
    kind: str | None
    scopes: list[str] | None
    live: bool | None
    options: JSON | None
    created_at: DateTime | None
    expires_at: DateTime | None
    revoked_at: DateTime | None
    last_used_at: DateTime | None
    replaces: ID | None


@shape
class Source:
    """A shop or a helpdesk that is listened to; the token is shown when it is made."""

    name: str
    kind: str | None
    products: JSON | None
    options: JSON | None
    secrets: int | None
    api: bool | None
    version: int | None
    created_at: DateTime | None
    updated_at: DateTime | None
    deleted_at: DateTime | None
    deliveries: JSON | None
    last_delivery_at: DateTime | None
    token: str | None
    path: str | None
    secret: str | None


@shape
class ReviewItem:
    """What a parked delivery asks a person: what is unclear, what the payload says, and what would settle it."""

    code: str
    unclear: str
    payload_says: JSON | None
    settled_by: list[str]


@shape
class Dismissal:
    """Why a person settled a parked delivery, and by which adjustment."""

    reason: str | None
    adjustment_id: ID | None
    by: str | None
    at: DateTime | None


@shape
class Delivery:
    """What a source delivered, and what became of it."""

    delivery_id: ID
    source: str | None
    event_id: str | None
    topic: str | None
    subject: str | None
    state: str | None
    reason: str | None
    detail: JSON | None
    attempts: int | None
    effects: JSON | None
    review: list[ReviewItem] | None
    dismissal: Dismissal | None
    received_at: DateTime | None
    finished_at: DateTime | None
    erased_at: DateTime | None
    body: str | None


@shape
class ProblemEntry:
    """A code that a refusal can have."""

    code: str
    type: str | None
    status: int
    title: str | None
    cause: str | None
    next_step: str | None


@shape
class Answer:
    """An answer as REST gives it."""

    data: JSON | None


@strawberry.type
class PageInfo:
    """Where a page of a list ends."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None
