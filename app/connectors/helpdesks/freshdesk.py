"""Freshdesk: the webhook of an automation rule. It is a mere call to look, so the ticket is asked of its API.

Freshdesk signs nothing: the rule sends the secret in the header `X-Retainer-Secret` or as the password of Basic
authentication. A rule has no place for the time of a reply, and Freshdesk delivers late by up to a day. So the delivery
names the ticket, ``{"ticket_id": "{{ticket.id}}"}``, and its times come from the ticket itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.connectors import payload as p
from app.connectors.helpdesks import parts
from app.connectors.standard import unbase64
from app.domain.feeds.adapter import Delivery, Identity, Parsed, UnreadableError
from app.domain.feeds.tickets import ResponseSnapshot

ASK: Final = "ticket"
CHANNELS: Final = {"1": "email", "2": "contact_form", "3": "phone", "7": "chat", "9": "contact_form", "10": "email"}
"""Freshdesk's numbers of where a ticket comes from."""
PRIORITIES: Final = {"1": "low", "2": "medium", "3": "high", "4": "urgent"}
"""Freshdesk's numbers of priorities, and how people call them."""


class Freshdesk:
    """See the module."""

    kind = "freshdesk"
    headers = ()

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """The secret itself, in a header of the rule's."""
        words = [headers.get("x-retainer-secret", "").encode("utf-8", "replace")]
        scheme, _, basic = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            words += (unbase64(basic.strip()) or b"").split(b":", 1)
        presented = [p.hmac_of("sha256", "compared", word) for word in words if word]
        return p.any_equal([p.hmac_of("sha256", "compared", secret.encode()) for secret in secrets], presented)

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """Each delivery counts by itself: two replies may be told by the same bytes."""
        return Identity(topic="ticket", subject=parts.subject_of(_number(p.quietly(body))), looks=True)

    def read(self, delivery: Delivery) -> Parsed:
        """The ticket as Freshdesk shows it, and its conversations."""
        data = p.parsed(delivery.body)
        if p.is_sample(data):
            return Parsed(ignored="sample")
        number = p.ident(_number(data), "ticket_id")
        if delivery.fetched is None:
            return Parsed(ask=f"{ASK}:{number}")
        answer = p.table(delivery.fetched, "answer")
        found = p.table(answer.get("ticket"), "ticket")
        if p.ident(found.get("id"), "ticket.id") != number:
            raise UnreadableError("field_wrong", "Freshdesk answered another ticket.")
        asker = p.table(found.get("requester"), "ticket.requester")
        holder = {**asker, "custom_fields": found.get("custom_fields")}
        ticket = parts.ticket(
            made_at=p.instant(found.get("created_at"), "ticket.created_at"),
            customer=parts.customer(
                delivery.options, holder, number=found.get("requester_id"), email=asker.get("email")
            ),
            subject=found.get("subject"),
            channel=CHANNELS.get(str(found.get("source")), "helpdesk"),
            category=parts.category(delivery.options, found.get("group_id"), found.get("type")),
        )
        responses = tuple(_written(row) for row in p.rows(answer.get("conversations"), "conversations"))
        number_there = found.get("priority")
        priority = parts.priority(
            delivery.options,
            PRIORITIES.get(str(number_there)),
            number_there,
            times=(found.get("updated_at"), found.get("created_at")),
        )
        return Parsed(subject="ticket/" + number, ticket=parts.update(ticket, responses, priority))


def _number(event: Mapping[str, Any]) -> Any:
    """The ticket's number: of the JSON that the page of instructions names, or of Freshdesk's own simple form."""
    simple = event.get("freshdesk_webhook")
    return simple.get("ticket_id") if isinstance(simple, dict) else event.get("ticket_id")


def _written(row: Mapping[str, Any]) -> ResponseSnapshot:
    return parts.response(
        response_id=p.ident(row.get("id"), "conversation.id"),
        by_vendor=row.get("incoming") is not True,
        public=row.get("private") is not True,
        occurred_at=p.instant(row.get("created_at"), "conversation.created_at"),
    )
