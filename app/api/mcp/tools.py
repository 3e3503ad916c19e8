"""The tools: each says in plain words what it is for, what it takes, and which operations it binds.

An argument goes where its operation takes it, and the operation checks it. So a tool can do nothing that a call of
REST with the same key could not do. Knows nothing of the protocol.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.api.operations.asking import Calls
from app.api.problems import FieldError, Problem

Arguments = Mapping[str, Any]
Ask = Callable[[Calls, Arguments], Awaitable[Any]]
JSON = dict[str, Any]
AGENTS: Final = "agents:write"
"""The scope that lets a tool write, beside what its operation asks for."""
CONFIRMATION: Final = "confirmation"


def text(about: str, **more: Any) -> JSON:
    """Declare an argument that is text."""
    return {"type": "string", "description": about, **more}


def whole(about: str, **more: Any) -> JSON:
    """Declare an argument that is a whole number."""
    return {"type": "integer", "description": about, **more}


def free(about: str) -> JSON:
    """Declare an argument whose names are the policy's."""
    return {"type": "object", "description": about, "additionalProperties": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """What a tool that writes does: one operation, with these arguments in its path and the others in its body."""

    operation: str
    path: tuple[str, ...]

    def parts(self, arguments: Arguments) -> tuple[dict[str, str], JSON]:
        """Return path and body."""
        path = {name: str(arguments[name]) for name in self.path}
        return path, {name: value for name, value in arguments.items() if name not in self.path}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool, as an agent reads it. It either asks or writes."""

    name: str
    title: str
    about: str
    takes: Mapping[str, JSON]
    needs: tuple[str, ...] = ()
    operations: tuple[str, ...]
    """What the caller must be let into."""
    ask: Ask | None = None
    write: Write | None = None
    vendors: bool = False
    """Whether it answers about all customers, which a customer's token never sees."""

    @property
    def schema(self) -> JSON:
        """Return the JSON Schema of its arguments."""
        takes = dict(self.takes)
        if self.write is not None:
            takes[CONFIRMATION] = text("Leave out for a rehearsal. Then the value that the rehearsal answered.")
        return {"type": "object", "properties": takes, "required": list(self.needs), "additionalProperties": False}

    def check(self, arguments: Arguments) -> None:
        """Refuse arguments that are missing, unknown, or of another kind. 422 ``invalid_input`` naming each."""
        known = self.schema["properties"]
        errors = [
            FieldError(f"/{name}", "required", "This argument is needed.", "arguments")
            for name in self.needs
            if arguments.get(name) in (None, "")
        ]
        for name, value in arguments.items():
            if name not in known:
                errors.append(FieldError(f"/{name}", "unknown_field", "The tool takes no such argument.", "arguments"))
            elif value is not None and not _KINDS[known[name]["type"]](value):
                message = f"A value of the type {known[name]['type']} is wanted."
                errors.append(FieldError(f"/{name}", "wrong_type", message, "arguments"))
        if errors:
            raise Problem("invalid_input", errors=errors[:50])


_KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
}


def _query(arguments: Arguments, *names: str) -> dict[str, str]:
    return {name: str(arguments[name]) for name in names if arguments.get(name) is not None}


async def _find_customer(calls: Calls, arguments: Arguments) -> Any:
    return await calls.ask("listCustomers", {"query": arguments["query"], "limit": str(arguments.get("limit", 10))})


async def _show_account(calls: Calls, arguments: Arguments) -> Any:
    account = await calls.ask("getCustomer", customer_id=arguments["customer_id"])
    path = {"customer_id": arguments["customer_id"], "action": "open_ticket"}
    return {"account": account, "may_open_a_ticket": await calls.ask("decideEntitlement", **path)}


async def _decide(calls: Calls, arguments: Arguments) -> Any:
    asked = _query(arguments, "license_id", "product", "released_at", "reason", "forum")
    path = {"customer_id": arguments["customer_id"], "action": arguments.get("action") or "open_ticket"}
    return await calls.ask("decideEntitlement", {**asked, "explain": "true"}, **path)


async def _price(calls: Calls, arguments: Arguments) -> Any:
    policies = (await calls.ask("listPolicies"))["data"]
    name = str(policies[0]["name"])
    if not arguments.get("category"):
        policy = await calls.ask("getPolicy", name=name)
        return {name: policy[name] for name in ("name", "version", "unit", "categories", "inputs", "priorities")}
    body = {name: value for name, value in arguments.items() if value is not None}
    return await calls.act("priceTicket", body, name=name)


async def _show_ticket(calls: Calls, arguments: Arguments) -> Any:
    return await calls.ask("getTicket", _query(arguments, "as_of"), ticket_id=arguments["ticket_id"])


async def _explain(calls: Calls, arguments: Arguments) -> Any:
    return await calls.ask("explain", kind=arguments["kind"], id=arguments["id"])


async def _offers(calls: Calls, arguments: Arguments) -> Any:
    return await calls.ask("listOffers", {**_query(arguments, "customer_id", "currency"), "limit": "100"})


_CUSTOMER: Final = text("The vendor's id of the customer, as `find_customer` answers it.")
_TICKET: Final = text("The helpdesk's id of the ticket.")
_AGENT: Final = free("Who acts for the vendor: `id`, and `name` if you know it. It is kept beside what is done.")

TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="find_customer",
        title="Find a customer",
        about="Find customers by name, e-mail, company, or an id: of an order, a license, a domain or a ticket.",
        takes={"query": text("Words to look for."), "limit": whole("At most so many, 10 unless said.", minimum=1)},
        needs=("query",),
        operations=("listCustomers",),
        vendors=True,
        ask=_find_customer,
    ),
    Tool(
        name="show_account",
        title="Balance and cover",
        about="Show what a customer has: credits, support cover, licenses, open choices, open tickets."
        " Says also whether a ticket may be opened now, by which clause, and what would help where it may not.",
        takes={"customer_id": _CUSTOMER},
        needs=("customer_id",),
        operations=("getCustomer", "decideEntitlement"),
        ask=_show_account,
    ),
    Tool(
        name="decide_entitlement",
        title="What a customer may do",
        about="Decide whether a customer may do something, with every rule looked at, its clause, and remedies."
        " Actions are `open_ticket`, `download`, `user_area`, and what the policy adds.",
        takes={
            "customer_id": _CUSTOMER,
            "action": text("What is asked about; `open_ticket` unless said."),
            "license_id": text("The license that it is about."),
            "product": text("The product that it is about."),
            "released_at": text("When the wanted release came out, RFC 3339 with an offset."),
            "reason": text("Why a copy is wanted: `lost_copy`, `modified_copy`, `not_downloaded`, `never_used`."),
            "forum": text("The forum, where posting is asked about."),
        },
        needs=("customer_id",),
        operations=("decideEntitlement",),
        ask=_decide,
    ),
    Tool(
        name="price_request",
        title="What a request costs",
        about="Say what a request of a category would cost this customer, by which clause, and whether the customer"
        " must confirm it. Without `category` it lists the categories with their prices.",
        takes={
            "category": text("The category; leave it out to see which there are."),
            "customer_id": _CUSTOMER,
            "inputs": free("The numbers that the price needs, by name."),
            "license_id": text("The license that it is about."),
            "priority": text("The priority, where the policy has some."),
            "channel": text("The channel, where the price depends on it."),
            "product": text("The product, where the price depends on it."),
            "facts": free("What is known of the request, by name."),
        },
        operations=("listPolicies", "getPolicy", "priceTicket"),
        ask=_price,
    ),
    Tool(
        name="show_ticket",
        title="A ticket with its due times",
        about="Show a ticket: its state, quotes, charge, what may be done with it now, and when each promise is due.",
        takes={"ticket_id": _TICKET, "as_of": text("How it stood then, RFC 3339 with an offset.")},
        needs=("ticket_id",),
        operations=("getTicket",),
        ask=_show_ticket,
    ),
    Tool(
        name="explain",
        title="Explain a decision",
        about="Explain a stored decision, charge or due time, clause by clause, in sentences that can be read out.",
        takes={
            "kind": text(
                "What it is: ticket, charge, assessment, order, refund, license, lot, cover, choice, operation, hold"
                " or clock."
            ),
            "id": text("Its id; of an assessment `<ticket>:<number>`, of a refund `<order>:<refund>`."),
        },
        needs=("kind", "id"),
        operations=("explain",),
        ask=_explain,
    ),
    Tool(
        name="list_offers",
        title="What can be bought",
        about="List what can be bought, with the price for this customer and what each offer brings, by its clause.",
        takes={"customer_id": _CUSTOMER, "currency": text("Currency of the prices by ISO 4217; else the policy's.")},
        operations=("listOffers",),
        ask=_offers,
    ),
    Tool(
        name="open_ticket",
        title="Open a ticket",
        about="Open a ticket for a customer. The first call is a rehearsal: it shows the state, the price and the due"
        " times, and writes nothing. Show that to the person you act for, then call again with `confirmation`.",
        takes={
            "ticket_id": text("The helpdesk's id of the ticket. It makes the call idempotent."),
            "customer_id": _CUSTOMER,
            "subject": text("What it is about."),
            "channel": text("How it came: helpdesk, email, contact_form, forum or phone."),
            "language": text("Its language, such as `en`."),
            "license_id": text("The license that it is about."),
            "product": text("The product that it is about."),
            "category": text("The category, where it is known."),
            "inputs": free("The numbers that the price needs, by name."),
            "facts": free("What is known of the request, by name."),
            "agreed_up_to": whole("Credits that the customer agreed to beforehand.", minimum=0),
            "pay_with": text("`credits` or `cover`, where the customer chooses."),
            "credit_type": text("The type of credit to apply."),
            "priority": text("The priority, where the policy has some."),
            "acting_agent": _AGENT,
        },
        needs=("ticket_id", "customer_id"),
        operations=("putTicket",),
        write=Write(operation="putTicket", path=("ticket_id",)),
    ),
    Tool(
        name="answer_quote",
        title="Confirm or decline a quote",
        about="Pass on the customer's yes or no to a quote. The first call is a rehearsal: it shows what would be held"
        " or closed, and writes nothing. Call again with `confirmation` once the customer has said so.",
        takes={
            "ticket_id": _TICKET,
            "number": whole("The number of the assessment on the ticket.", minimum=1),
            "accept": {"type": "boolean", "description": "Whether the customer agrees."},
            "acting_agent": _AGENT,
        },
        needs=("ticket_id", "number", "accept"),
        operations=("confirmAssessment",),
        write=Write(operation="confirmAssessment", path=("ticket_id", "number")),
    ),
    Tool(
        name="resolve_ticket",
        title="Resolve a ticket",
        about="Resolve a ticket, which charges what is held or gives it back. The first call is a rehearsal: it shows"
        " the charge, and writes nothing. Call again with `confirmation` once the person you act for has agreed.",
        takes={
            "ticket_id": _TICKET,
            "cause": text(
                "What the problem turned out to be: software_bug, modified_code, settings, server, question or other."
            ),
            "outcome": text("How it ended, where the policy names outcomes."),
            "result": free("Facts that follow from the work, by name."),
            "acting_agent": _AGENT,
        },
        needs=("ticket_id",),
        operations=("resolveTicket",),
        write=Write(operation="resolveTicket", path=("ticket_id",)),
    ),
)
BY_NAME: Final[Mapping[str, Tool]] = {tool.name: tool for tool in TOOLS}
