"""FreeScout: webhooks of its module *API & Webhooks*, each with the whole conversation.

Signed with base64 of HMAC-SHA1 over the body. A published reply of an agent is a response of the vendor's; a note is
internal. The conversation comes with its threads, so what an earlier delivery lost is read in the next. FreeScout has
no priorities: a custom field that is called *Priority* is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.connectors import payload as p
from app.connectors.helpdesks import parts
from app.connectors.standard import unbase64
from app.domain.feeds.adapter import Delivery, Identity, Parsed
from app.domain.feeds.tickets import ResponseSnapshot

CHANNELS: Final = {"email": "email", "phone": "phone", "chat": "chat"}
WRITTEN: Final = frozenset({"customer", "message", "note"})


class FreeScout:
    """See the module."""

    kind = "freescout"
    headers = ("x-freescout-event",)

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """``X-FreeScout-Signature``."""
        signature = unbase64(headers.get("x-freescout-signature", ""))
        if signature is None:
            return False
        return p.any_equal([p.hmac_of("sha1", secret, body) for secret in secrets], [signature])

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """No id is signed. The event's name comes in a header, which is not signed either."""
        topic = p.text(headers.get("x-freescout-event"), 100) or None
        number = None if (topic or "").startswith("customer.") else p.quietly(body).get("id")
        return Identity(topic=topic, subject=parts.subject_of(number))

    def read(self, delivery: Delivery) -> Parsed:
        """The conversation, and what was written in it."""
        data = p.parsed(delivery.body)
        if str(delivery.topic or "").startswith("customer.") or "mailboxId" not in data:
            return Parsed(ignored="other_type")
        if data.get("state") not in (None, "published"):
            return Parsed(ignored="not_published")
        number = p.ident(data.get("id"), "id")
        asker = p.table(data.get("customer"), "customer")
        ticket = parts.ticket(
            made_at=p.instant(data.get("createdAt"), "createdAt"),
            customer=parts.customer(delivery.options, asker, number=asker.get("id"), email=asker.get("email")),
            subject=data.get("subject"),
            channel=CHANNELS.get(str(data.get("type")), "helpdesk"),
            category=parts.category(delivery.options, data.get("mailboxId")),
        )
        threads = p.rows(p.table(data.get("_embedded"), "_embedded").get("threads"), "_embedded.threads")
        responses = tuple(_thread(row) for row in threads if _was_written(row))
        fields = p.rows(data.get("customFields"), "customFields")
        priority = parts.priority(
            delivery.options,
            *(row.get(name) for row in fields if _is_priority(row) for name in ("text", "value")),
            times=(data.get("updatedAt"), data.get("createdAt")),
        )
        return Parsed(subject="ticket/" + number, ticket=parts.update(ticket, responses, priority))


def _is_priority(row: Mapping[str, Any]) -> bool:
    return str(row.get("name")).strip().casefold() == "priority"


def _was_written(row: Mapping[str, Any]) -> bool:
    return str(row.get("type")) in WRITTEN and row.get("state") in (None, "published")


def _thread(row: Mapping[str, Any]) -> ResponseSnapshot:
    return parts.response(
        response_id=p.ident(row.get("id"), "thread.id"),
        by_vendor=row.get("type") != "customer",
        public=row.get("type") != "note",
        occurred_at=p.instant(row.get("createdAt"), "thread.createdAt"),
    )
