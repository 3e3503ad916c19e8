"""Ways: which things have ids, what loads them, what leads from one to another, and what a field costs."""

from __future__ import annotations

from typing import Final

import strawberry
from strawberry import UNSET
from strawberry.schema_directive import Location

NODES: Final = {
    "Customer": "customer_id",
    "Ticket": "ticket_id",
    "Order": "order_id",
    "Clock": "clock_id",
    "Policy": "name",
    "Calendar": "name",
    "License": "license_id",
    "Cover": "cover_id",
}
"""Types with a node id, and the key that names one."""
GETTERS: Final = {
    "Customer": "getCustomer",
    "Ticket": "getTicket",
    "Order": "getOrder",
    "Clock": "getClock",
    "Policy": "getPolicy",
    "Calendar": "getCalendar",
    "License": "getLicense",
    "Cover": "getCover",
}
"""The operation that loads one by its key: `node(id:)`, federation, and what a list's rows leave out."""
WHOLE: Final = {
    "Customer": "licenses",
    "Ticket": "assessments",
    "Order": "lots",
    "Clock": "judgements",
    "Policy": "clauses",
    "Calendar": "versions",
    "License": "active",
    "Cover": "state",
}
"""The key that tells a whole view from a row of a list."""
KEYS: Final = {"Customer": ["customerId"], "Ticket": ["ticketId"], "Entitlement": ["customerId action"]}
"""Keys by which a federated graph refers to our things."""

EDGES: Final[dict[tuple[str, str], tuple[str, dict[str, str]]]] = {
    ("Customer", "balance"): ("getBalance", {"customer_id": "customer_id"}),
    ("Customer", "statement"): ("getStatement", {"customer_id": "customer_id"}),
    ("Customer", "entries"): ("listEntries", {"customer_id": "customer_id"}),
    ("Customer", "entitlement"): ("decideEntitlement", {"customer_id": "customer_id"}),
    ("Customer", "choices"): ("listChoices", {"customer_id": "customer_id"}),
    ("Customer", "offers"): ("listOffers", {"customer_id": "customer_id"}),
    ("Customer", "tickets"): ("listTickets", {"customer_id": "customer_id"}),
    ("Order", "customer"): ("getCustomer", {"customer_id": "customer_id"}),
    ("Ticket", "customer"): ("getCustomer", {"customer_id": "customer_id"}),
    ("OpenTicket", "ticket"): ("getTicket", {"ticket_id": "ticket_id"}),
    ("Clock", "ticket"): ("getTicket", {"ticket_id": "ticket_id"}),
    ("Entry", "ticket"): ("getTicket", {"ticket_id": "ticket_id"}),
    ("Entry", "order"): ("getOrder", {"order_id": "order_id"}),
    ("Modification", "ticket"): ("getTicket", {"ticket_id": "ticket_id"}),
    ("Modification", "order"): ("getOrder", {"order_id": "order_id"}),
    ("ChargedTicket", "ticket"): ("getTicket", {"ticket_id": "ticket_id"}),
    ("License", "order"): ("getOrder", {"order_id": "order_id"}),
    ("Lot", "order"): ("getOrder", {"order_id": "order_id"}),
    ("Lot", "refund_quote"): ("quoteLotRefund", {"lot_id": "lot_id"}),
    ("Cover", "order"): ("getOrder", {"order_id": "order_id"}),
    ("Entitlement", "customer"): ("getCustomer", {"customer_id": "customer_id"}),
    ("Ticket", "parent"): ("getTicket", {"parent": "ticket_id"}),
    ("Calendar", "open"): ("isOpen", {"name": "name"}),
    ("Calendar", "elapsed"): ("elapsedTime", {"name": "name"}),
    ("Calendar", "due"): ("dueTime", {"name": "name"}),
    ("Calendar", "closures"): ("listClosures", {"name": "name"}),
}
"""Ways from one thing to another: (type, field) -> the operation, and its parameters taken from the view's keys."""
OPERATION_WEIGHT: Final = 5
MUTATION_WEIGHT: Final = 10


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION], name="cost", description="What a field costs; a request may cost 1,000."
)
class Cost:
    """The weight of a field, in the words of the IBM cost specification."""

    weight: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION], name="listSize", description="How long a list is taken to be."
)
class ListSize:
    """The length of a list, in the words of the IBM cost specification."""

    assumed_size: int | None = UNSET
    slicing_arguments: list[str] | None = UNSET
    sized_fields: list[str] | None = UNSET
    require_one_slicing_argument: bool | None = UNSET
