"""What leads from one thing to another, what a list's rows leave out, and what a field costs."""

from __future__ import annotations

from typing import Final

from strawberry import UNSET
from strawberry.federation.schema_directives import Cost, ListSize

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
IN_ROWS: Final = frozenset({("Clock", "team")})
"""Members that the rows of lists have, too, wherever there is something to say: nothing is loaded for them."""
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
    ("Customer", "company"): ("getCustomer", {"company_id": "customer_id"}),
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
RENAMED: Final[dict[tuple[str, str], str]] = {
    ("Ticket", "status"): "assessmentStatus",
    ("Tenant", "policy"): "policyName",
    ("Delivery", "detail"): "reasonDetail",
    ("PolicyDifference", "id"): "subjectId",
    ("RehearsalError", "id"): "subjectId",
    ("Explanation", "id"): "subjectId",
    ("ExplainedGrant", "id"): "grantId",
    ("Refusal", "facts"): "refusalFacts",
    ("Refusal", "policy"): "decidingPolicy",
    ("Refusal", "scope"): "missingScope",
}
"""Members that have another name in GraphQL. A result and a `Refusal` are asked for together, so no name may have two
types in them. The name `id` is kept for an identity.
"""
STATEMENT_WEIGHT: Final = 3
"""A field that asks an operation with statements of its own."""
BATCHED_WEIGHT: Final = 1
"""A field whose operation is read together with those of other customers (`Operation.account`, `BATCHED`)."""
BATCHED: Final = frozenset({"getBalance"})
MUTATION_WEIGHT: Final = 10

USUAL: Final = 2
"""How long a list of things in a view is taken to be, unless `SIZES` says otherwise."""
SIZES: Final[dict[tuple[str, str], int]] = {
    ("Customer", "lots"): 4,
    ("Customer", "addons"): 1,
    ("Balance", "lots"): 4,
    ("Customer", "offers"): 10,
    ("Query", "offers"): 10,
    ("Decision", "reasons"): 1,
    ("Entitlement", "reasons"): 1,
    ("Ticket", "reasons"): 1,
    ("Ticket", "children"): 1,
    ("Ticket", "responses"): 4,
    ("Ticket", "accessRequests"): 1,
    ("Ticket", "pauses"): 1,
    ("Ticket", "disputes"): 1,
    ("Ticket", "causeCorrections"): 1,
    ("Clock", "breaches"): 1,
    ("Clock", "warnings"): 1,
    ("Clock", "pauses"): 1,
    ("Clock", "reminders"): 1,
    ("Judgement", "breaches"): 1,
    ("Refusal", "reasons"): 1,
    ("Statement", "balanceModifications"): 10,
    ("Statement", "ticketsInProgress"): 5,
    ("Statement", "resolvedTickets"): 10,
    ("Statement", "labels"): 5,
    ("Policy", "clauses"): 20,
    ("Policy", "categories"): 10,
    ("Policy", "facts"): 10,
    ("Policy", "reasons"): 20,
    ("Policy", "causes"): 6,
    ("Policy", "outcomes"): 6,
    ("Policy", "milestones"): 5,
    ("Policy", "channels"): 5,
    ("Policy", "offers"): 15,
    ("Policy", "labels"): 10,
    ("Calendar", "closures"): 10,
    ("Query", "closures"): 10,
    ("Due", "consumed"): 5,
    ("Query", "problems"): 200,
    ("Query", "policies"): 5,
    ("CalendarVersion", "exceptions"): 10,
    ("PolicySimulation", "differences"): 20,
    ("CreditBatch", "results"): 100,
}
"""How long the lists of a view are, as seen with the shipped policies."""
SHARED: Final = frozenset({"Money", "PageInfo", "Event"})
"""Types that another subgraph may have too, the same as ours."""


def cost(weight: int) -> Cost:
    """Return the directive that says what a field costs."""
    return Cost(weight=weight)


def list_size(length: int) -> ListSize:
    """Return the directive that says how long a list is taken to be."""
    return ListSize(
        assumed_size=length, slicing_arguments=UNSET, sized_fields=UNSET, require_one_slicing_argument=UNSET
    )


def paged(length: int, arguments: tuple[str, ...]) -> ListSize:
    """Return the directive of a connection: the arguments that set the length of its page."""
    return ListSize(
        assumed_size=length,
        slicing_arguments=list(arguments),
        sized_fields=["edges", "nodes"],
        require_one_slicing_argument=False,
    )


DEFINITIONS: Final = '''"""Where a directive comes from, and under which names."""
directive @link(
  url: String!, as: String, for: link__Purpose, import: [link__Import]
) repeatable on SCHEMA

"""What a link is for."""
enum link__Purpose {
  """What it names has to do with security."""
  SECURITY

  """What it names is needed to execute."""
  EXECUTION
}

"""A name that a link takes over."""
scalar link__Import

"""Fields by their names."""
scalar federation__FieldSet

"""By which fields another subgraph refers to a thing."""
directive @key(fields: federation__FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE

"""What a gateway does not show to its callers."""
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM
  | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION

"""What another subgraph may have too."""
directive @shareable repeatable on OBJECT | FIELD_DEFINITION

"""What a thing costs; without it an object costs 1 and a leaf nothing."""
directive @cost(
  weight: Int!
) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR

"""How long a list is: as its slicing arguments say, else as assumed."""
directive @listSize(
  assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true
) on FIELD_DEFINITION
'''
"""Federation's directives that the schema uses: whoever reads it without knowing federation needs them defined."""
