"""Zammad: the webhook of a trigger or scheduler, ``{"ticket", "article"}``.

Signed with HMAC-SHA1. The payload is built anew when a delivery is tried again, and its headers are not
signed, so deliveries are told apart by their bytes. An agent's public article is a response of the vendor's. What a
ticket points to comes as an object or by its name alone, so both are read. A priority is called ``2 normal`` and alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.connectors import payload as p
from app.connectors.helpdesks import parts
from app.domain.feeds.adapter import Delivery, Identity, Parsed
from app.domain.feeds.orders import stamp
from app.domain.feeds.tickets import ResponseSnapshot, TicketSnapshot, TicketUpdate

CHANNELS = {"email": "email", "web": "contact_form", "phone": "phone", "note": "helpdesk", "form": "contact_form"}


class Zammad:
    """See the module."""

    kind = "zammad"
    headers = ("x-zammad-trigger", "x-zammad-delivery")

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """``X-Hub-Signature: sha1=<hex>``."""
        signature = headers.get("x-hub-signature", "").removeprefix("sha1=").lower()
        if not re.fullmatch("[0-9a-f]{40}", signature):
            return False
        return p.any_equal([p.hmac_of("sha1", secret, body) for secret in secrets], [bytes.fromhex(signature)])

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """No id is signed."""
        ticket = p.quietly(body).get("ticket")
        number = ticket.get("id") if isinstance(ticket, dict) else None
        known = isinstance(number, int | str) and not isinstance(number, bool)
        return Identity(
            topic=p.text(headers.get("x-zammad-trigger"), 100) or None,
            subject=f"ticket/{p.text(number, 150)}" if known else None,
        )

    def read(self, delivery: Delivery) -> Parsed:
        """The ticket, and what was written."""
        data = p.parsed(delivery.body)
        if p.is_sample(data):
            return Parsed(ignored="sample")
        ticket, article = p.table(data.get("ticket"), "ticket"), p.table(data.get("article"), "article")
        subject = "ticket/" + p.ident(ticket.get("id"), "ticket.id")
        options = delivery.options
        asker = p.table(ticket.get("customer"), "ticket.customer")
        own = asker.get(str(options.get("customer_field", ""))) if options.get("customer_field") else None
        customer = (
            f"own:{p.ident(own, 'customer')}"
            if own
            else p.customer(asker.get("id") or ticket.get("customer_id"), asker.get("email"))
        )
        stated: dict[str, Any] = {"channel": CHANNELS.get(str(_name(ticket.get("create_article_type"))), "helpdesk")}
        category = p.table(options.get("categories"), "categories").get(str(_group(ticket)))
        if category:
            stated["category"] = category
        snapshot = TicketSnapshot(
            stamp=stamp(p.instant(ticket.get("created_at"), "ticket.created_at")),
            customer=customer,
            subject=p.text(ticket.get("title"), 200) or "(no subject)",
            stated=stated,
            opened_at=p.instant(ticket.get("created_at"), "ticket.created_at"),
        )
        responses: tuple[ResponseSnapshot, ...] = ()
        if article.get("id") is not None and str(_name(article.get("sender"))) == "Agent":
            responses = (
                ResponseSnapshot(
                    response_id=p.ident(article["id"], "article.id"),
                    author="vendor",
                    kind="service",
                    public=not article.get("internal"),
                    occurred_at=p.instant(article.get("created_at"), "article.created_at"),
                ),
            )
        priority = parts.priority(
            options,
            _name(ticket.get("priority")),
            ticket.get("priority_id"),
            times=(ticket.get("updated_at"), ticket.get("created_at")),
        )
        return Parsed(subject=subject, ticket=TicketUpdate(ticket=snapshot, responses=responses, priority=priority))


def _group(ticket: Mapping[str, Any]) -> Any:
    return _name(ticket.get("group"))


def _name(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else value
