"""Zendesk: a webhook that is subscribed to ticket events, or one of a trigger with JSON of the vendor's own.

Signed with base64 of HMAC-SHA256 over timestamp and body. An event names itself in its body, which is signed. Of events
`ticket.created` makes the ticket, `ticket.comment_added` records what was written, and each states the priority:
`urgent`, `high`, `normal`, `low` or none. A trigger sends the form of the generic kind
(`app.connectors.helpdesks.helpdesk`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.connectors import payload as p
from app.connectors.helpdesks import parts
from app.connectors.helpdesks.helpdesk import Helpdesk
from app.connectors.standard import unbase64
from app.domain.feeds.adapter import Delivery, Identity, Parsed, UnreadableError
from app.domain.feeds.tickets import PrioritySnapshot, ResponseSnapshot

PREFIX: Final = "zen:event-type:ticket."
SYSTEM: Final = "-1"
"""Zendesk's own number for what no person wrote."""
CHANNELS: Final = {
    "email": "email",
    "web": "contact_form",
    "web_form": "contact_form",
    "web_widget": "contact_form",
    "voice": "phone",
    "phone": "phone",
}


class Zendesk:
    """See the module."""

    kind = "zendesk"
    headers = ("x-zendesk-webhook-id", "x-zendesk-webhook-invocation-id")

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none: its trial is signed."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """``X-Zendesk-Webhook-Signature`` over ``X-Zendesk-Webhook-Signature-Timestamp`` and the body."""
        timestamp = headers.get("x-zendesk-webhook-signature-timestamp", "")
        signature = unbase64(headers.get("x-zendesk-webhook-signature", ""))
        if signature is None or not timestamp.isascii():
            return False
        try:
            sent_at = p.instant(timestamp, "timestamp")
        except UnreadableError:
            return False
        if abs(now - sent_at) > p.TOLERANCE:
            return False
        return p.any_equal([p.hmac_of("sha256", secret, timestamp.encode(), body) for secret in secrets], [signature])

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """The event's id, which is signed with the body."""
        event = p.quietly(body)
        data, number = event.get("detail"), event.get("id")
        ticket = data.get("id") if isinstance(data, dict) else _number_of_a_trigger(event)
        return Identity(
            event_id=p.text(number, 150) if isinstance(number, str) and number else None,
            topic=p.text(event.get("type"), 100) or None,
            subject=parts.subject_of(ticket),
        )

    def read(self, delivery: Delivery) -> Parsed:
        """The ticket, and what was written."""
        event = p.parsed(delivery.body)
        kind = str(event.get("type", ""))
        if "detail" not in event and "data" in event:
            return Helpdesk().read(delivery)
        if not kind.startswith(PREFIX):
            return Parsed(ignored="other_type")
        detail = p.table(event.get("detail"), "detail")
        number = p.ident(detail.get("id"), "detail.id")
        ticket = parts.ticket(
            made_at=p.instant(detail.get("created_at"), "detail.created_at"),
            customer=parts.customer(delivery.options, detail, number=detail.get("requester_id")),
            subject=detail.get("subject"),
            channel=CHANNELS.get(str(p.table(detail.get("via"), "detail.via").get("channel")), "helpdesk"),
            category=parts.category(delivery.options, detail.get("group_id"), detail.get("form_id")),
        )
        comment = p.table(p.table(event.get("event"), "event").get("comment"), "event.comment")
        written = kind == PREFIX + "comment_added" and comment
        responses = (_comment(comment, event.get("time")),) if written else ()
        return Parsed(
            subject="ticket/" + number, ticket=parts.update(ticket, responses, _priority(delivery.options, event))
        )


def _priority(options: Mapping[str, Any], event: Mapping[str, Any]) -> PrioritySnapshot | None:
    """What an event that changes it says, else the ticket's. Of one instant what comes after the making counts."""
    kind, detail = event.get("type"), p.table(event.get("detail"), "detail")
    changed = kind == PREFIX + "priority_changed"
    name = p.table(event.get("event"), "event").get("current") if changed else detail.get("priority")
    times = (event.get("time"), detail.get("updated_at"), detail.get("created_at"))
    stated = parts.priority(options, name, times=times)
    if stated is None or kind == PREFIX + "created":
        return stated
    return replace(stated, stamp=stated.stamp + "+")


def _number_of_a_trigger(event: Mapping[str, Any]) -> Any:
    data = event.get("data")
    return data.get("ticket_id") if isinstance(data, dict) else None


def _comment(comment: Mapping[str, Any], time: Any) -> ResponseSnapshot:
    author = p.table(comment.get("author"), "event.comment.author")
    return parts.response(
        response_id=p.ident(comment.get("id"), "event.comment.id"),
        by_vendor=author.get("is_staff") is True,
        public=comment.get("is_public") is not False,
        automatic=str(author.get("id")) == SYSTEM,
        occurred_at=p.instant(time, "time"),
    )
