"""Generic signed ticket events (Standard Webhooks), for any helpdesk that can call an address.

Their form::

    {"type": "ticket.created" | "ticket.updated" | "ticket.response", "timestamp": ..., "data": {
        "ticket_id", "customer_id" | "customer_email", "subject", "created_at", "channel", "language", "product",
        "license_id", "facts", "category", "priority", "inputs", "agreed_up_to", "pay_with", "credit_type",
        "response": {"response_id", "author", "kind", "public", "automatic", "occurred_at"}}}

A priority is the policy's, or one that `priorities` of the source maps; the newest by ``timestamp`` counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.connectors import payload as p
from app.connectors import standard
from app.connectors.helpdesks import parts
from app.domain.feeds.adapter import Delivery, Parsed, UnreadableError
from app.domain.feeds.orders import stamp
from app.domain.feeds.tickets import PrioritySnapshot, ResponseSnapshot, TicketSnapshot, TicketUpdate

_TEXTS: Final = ("channel", "language", "product", "license_id", "category", "pay_with", "credit_type")


class Helpdesk(standard.Signed):
    """See the module."""

    kind = "helpdesk"
    about = ("ticket", "ticket_id")

    def read(self, delivery: Delivery) -> Parsed:
        """The ticket, a response, or both."""
        event = p.parsed(delivery.body)
        kind, data = str(event.get("type", "")), p.table(event.get("data"), "data")
        if not kind.startswith("ticket."):
            return Parsed(ignored="other_type")
        subject = "ticket/" + p.ident(data.get("ticket_id"), "data.ticket_id")
        ticket = None
        if data.get("subject") is not None:
            ticket = _ticket(event, data)
        elif kind == "ticket.created":
            raise UnreadableError("field_missing", "data.subject is missing.")
        response = data.get("response")
        if response is None and kind == "ticket.response":
            response = data
        responses = () if response is None else (_response(event, p.table(response, "data.response")),)
        priority = _priority(delivery.options, event, data)
        return Parsed(subject=subject, ticket=TicketUpdate(ticket=ticket, responses=responses, priority=priority))


def _priority(options: Mapping[str, Any], event: Mapping[str, Any], data: Mapping[str, Any]) -> PrioritySnapshot | None:
    if data.get("priority") is None:
        return None
    name = p.ident(data["priority"], "data.priority")
    mapped = options.get("priorities") or {name: name}
    times = (event.get("timestamp"), data.get("created_at"))
    return parts.priority({"priorities": mapped}, name, times=times)


def _ticket(event: Mapping[str, Any], data: Mapping[str, Any]) -> TicketSnapshot:
    stated: dict[str, Any] = {
        name: p.ident(data[name], f"data.{name}") for name in _TEXTS if data.get(name) is not None
    }
    if data.get("facts") is not None:
        stated["facts"] = p.attributes(data["facts"])
    if data.get("inputs") is not None:
        inputs = p.table(data["inputs"], "data.inputs")
        stated["inputs"] = {name: p.whole(value, f"data.inputs.{name}") for name, value in inputs.items()}
    if data.get("agreed_up_to") is not None:
        stated["agreed_up_to"] = p.whole(data["agreed_up_to"], "data.agreed_up_to")
    made_at = p.instant(data.get("created_at") or event.get("timestamp"), "data.created_at")
    dated = data.get("created_at") is not None or event.get("type") == "ticket.created"
    return TicketSnapshot(
        stamp=stamp(made_at),
        customer=p.customer(data.get("customer_id"), data.get("customer_email")),
        subject=p.text(data.get("subject"), 200) or "(no subject)",
        stated=stated,
        opened_at=made_at if dated else None,
    )


def _response(event: Mapping[str, Any], response: Mapping[str, Any]) -> ResponseSnapshot:
    author, kind = response.get("author", "vendor"), response.get("kind", "service")
    if author not in ("vendor", "customer") or kind not in ("service", "inquiry"):
        raise UnreadableError("field_wrong", "A response is by vendor or customer, and a service or an inquiry.")
    return ResponseSnapshot(
        response_id=p.ident(response.get("response_id"), "response_id"),
        author=author,
        kind=kind,
        public=response.get("public") is not False,
        automatic=response.get("automatic") is True,
        occurred_at=p.instant(response.get("occurred_at") or event.get("timestamp"), "occurred_at"),
    )
