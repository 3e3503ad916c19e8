"""Chatwoot: the webhook of an account, of conversations and messages.

Signed with HMAC-SHA256 over ``<timestamp>.<body>`` where the webhook has a secret. What an agent writes in public is a
response of the vendor's, and what a bot or a template says is automatic. A conversation is known by the number that
agents see. A contact's `identifier` may be our customer id: then `customer_field` is ``identifier``. A priority is
`urgent`, `high`, `medium`, `low` or none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.connectors import payload as p
from app.connectors.helpdesks import parts
from app.domain.feeds.adapter import Delivery, Identity, Parsed
from app.domain.feeds.tickets import ResponseSnapshot

CONVERSATIONS: Final = frozenset({"conversation_created", "conversation_updated", "conversation_status_changed"})
MESSAGES: Final = frozenset({"message_created", "message_updated"})
CHANNELS: Final = {
    "Channel::Email": "email",
    "Channel::WebWidget": "contact_form",
    "Channel::Api": "api",
    "Channel::Voice": "phone",
}
_NUMBERED: Final = {"0": "incoming", "1": "outgoing", "2": "activity", "3": "template"}
"""How older versions name the kinds of messages."""


class Chatwoot:
    """See the module."""

    kind = "chatwoot"
    headers = ("x-chatwoot-delivery",)

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """``X-Chatwoot-Signature: sha256=<hex>``, within 300 seconds of ``X-Chatwoot-Timestamp``."""
        signature = headers.get("x-chatwoot-signature", "").removeprefix("sha256=").lower()
        sent_at = headers.get("x-chatwoot-timestamp", "")
        if not re.fullmatch("[0-9a-f]{64}", signature) or not p.fresh(sent_at, now):
            return False
        expected = [p.hmac_of("sha256", secret, sent_at.encode(), b".", body) for secret in secrets]
        return p.any_equal(expected, [bytes.fromhex(signature)])

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """No id is signed."""
        event = p.quietly(body)
        conversation = event if event.get("event") in CONVERSATIONS else event.get("conversation")
        number = conversation.get("id") if isinstance(conversation, dict) else None
        return Identity(topic=p.text(event.get("event"), 100) or None, subject=parts.subject_of(number))

    def read(self, delivery: Delivery) -> Parsed:
        """The conversation, and the message."""
        event = p.parsed(delivery.body)
        kind = str(event.get("event", ""))
        if kind not in CONVERSATIONS | MESSAGES:
            return Parsed(ignored="other_type")
        of_message = kind in MESSAGES
        conversation = p.table(event.get("conversation"), "conversation") if of_message else event
        number = p.ident(conversation.get("id"), "conversation.id")
        contact = p.table(p.table(conversation.get("meta"), "meta").get("sender"), "meta.sender")
        ticket = parts.ticket(
            made_at=p.instant(conversation.get("created_at"), "conversation.created_at"),
            customer=parts.customer(delivery.options, contact, number=contact.get("id"), email=contact.get("email")),
            subject=_subject(conversation, number),
            channel=CHANNELS.get(str(conversation.get("channel")), "helpdesk"),
            category=parts.category(delivery.options, conversation.get("inbox_id"), *_labels(conversation)),
        )
        responses = _message(event) if of_message else ()
        priority = parts.priority(
            delivery.options,
            conversation.get("priority"),
            times=(conversation.get("updated_at"), event.get("created_at"), conversation.get("created_at")),
        )
        return Parsed(subject="ticket/" + number, ticket=parts.update(ticket, responses, priority))


def _subject(conversation: Mapping[str, Any], number: str) -> str:
    more = conversation.get("additional_attributes")
    mail_subject = more.get("mail_subject") if isinstance(more, dict) else None
    return p.text(mail_subject, 200) or f"Conversation {number}"


def _labels(conversation: Mapping[str, Any]) -> list[Any]:
    labels = conversation.get("labels")
    return labels[:50] if isinstance(labels, list) else []


def _message(event: Mapping[str, Any]) -> tuple[ResponseSnapshot, ...]:
    kind = str(event.get("message_type"))
    kind = _NUMBERED.get(kind, kind)
    if kind not in ("incoming", "outgoing", "template"):
        return ()
    sender = event.get("sender")
    bot = isinstance(sender, dict) and str(sender.get("type")).lower() in ("agent_bot", "agentbot", "captain_assistant")
    return (
        parts.response(
            response_id=p.ident(event.get("id"), "id"),
            by_vendor=kind != "incoming",
            public=event.get("private") is not True,
            automatic=kind == "template" or bot or not isinstance(sender, dict),
            occurred_at=p.instant(event.get("created_at"), "created_at"),
        ),
    )
