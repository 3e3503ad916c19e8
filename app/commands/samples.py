"""Signed samples of what shops and helpdesks send. Ours name nothing that is sold, so they bring nothing about."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from app.commands.base import CommandError
from app.connectors.standard import PREFIX, key_of
from app.domain.values.wire import iso

JSON = dict[str, Any]


class Sample(NamedTuple):
    """A delivery: the headers that sign it, and its bytes."""

    headers: dict[str, str]
    body: bytes


def sample(kind: str, secret: str, at: int, body: bytes | None = None) -> Sample:
    """Return a signed delivery of a kind of source, sent at an instant in seconds.

    ``body``: what it says; None for our own sample. A shop that names its events in a header names an order's.
    """
    maker = _MAKERS.get(kind)
    if maker is None:
        raise CommandError(f"this version knows no sample of the kind {kind}: upgrade retainer here")
    return maker(secret, at, body)


def standard_headers(secret: str, ident: str, at: int, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks."""
    key = key_of(secret)
    if key is None or not secret.startswith(PREFIX):
        raise CommandError("the secret is not one of Standard Webhooks: `whsec_` and base64")
    made = hmac.digest(key, f"{ident}.{at}.".encode() + body, "sha256")
    return {
        "webhook-id": ident,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(made).decode()}",
    }


def fresh_secret() -> str:
    """Return a secret of Standard Webhooks."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _raw(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _ident() -> str:
    return f"sample_{secrets.token_hex(8)}"


def _standard(secret: str, at: int, own: bytes | None) -> Sample:
    body = own or _raw({"type": "sample.sent", "data": {}})
    return Sample(standard_headers(secret, _ident(), at, body), body)


def _woocommerce(secret: str, at: int, own: bytes | None) -> Sample:
    body = own or _raw({"id": at, "name": "Sample"})
    made = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return Sample(
        {
            "X-WC-Webhook-Signature": made,
            "X-WC-Webhook-Topic": "order.updated" if own else "product.updated",
            "X-WC-Webhook-Delivery-ID": _ident(),
        },
        body,
    )


def _stripe(secret: str, at: int, own: bytes | None) -> Sample:
    event = {"id": _ident(), "object": "event", "type": "customer.created", "created": at, "data": {"object": {}}}
    body = own or _raw(event)
    made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return Sample({"Stripe-Signature": f"t={at},v1={made}"}, body)


def _shopify(secret: str, at: int, own: bytes | None) -> Sample:
    body = own or _raw({"id": at, "title": "Sample"})
    made = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    headers = {
        "X-Shopify-Hmac-Sha256": made,
        "X-Shopify-Topic": "orders/updated" if own else "products/update",
        "X-Shopify-Event-Id": _ident(),
    }
    return Sample(headers, body)


def _paddle(secret: str, at: int, own: bytes | None) -> Sample:
    body = own or _raw({"event_id": _ident(), "event_type": "customer.created", "data": {"id": "ctm_sample"}})
    made = hmac.new(secret.encode(), f"{at}:".encode() + body, hashlib.sha256).hexdigest()
    return Sample({"Paddle-Signature": f"ts={at};h1={made}"}, body)


def _zammad(secret: str, at: int, own: bytes | None) -> Sample:
    body = own or _raw({"sample": at})
    made = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return Sample({"X-Hub-Signature": f"sha1={made}", "X-Zammad-Delivery": _ident()}, body)


def _freshdesk(secret: str, at: int, own: bytes | None) -> Sample:
    return Sample({"X-Retainer-Secret": secret}, own or _raw({"sample": at}))


def _zendesk(secret: str, at: int, own: bytes | None) -> Sample:
    timestamp = iso(datetime.fromtimestamp(at, UTC))
    body = own or _raw({"id": _ident(), "type": "zen:event-type:user.created", "detail": {"id": "1"}})
    made = base64.b64encode(hmac.digest(secret.encode(), timestamp.encode() + body, "sha256")).decode()
    headers = {"X-Zendesk-Webhook-Signature": made, "X-Zendesk-Webhook-Signature-Timestamp": timestamp}
    return Sample(headers, body)


def _freescout(secret: str, at: int, own: bytes | None) -> Sample:
    body = own or _raw({"id": at})
    made = base64.b64encode(hmac.digest(secret.encode(), body, "sha1")).decode()
    return Sample(
        {"X-FreeScout-Signature": made, "X-FreeScout-Event": "convo.created" if own else "customer.created"}, body
    )


def _chatwoot(secret: str, at: int, own: bytes | None) -> Sample:
    body = own or _raw({"event": "contact_created", "id": at})
    made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return Sample({"X-Chatwoot-Signature": f"sha256={made}", "X-Chatwoot-Timestamp": str(at)}, body)


_MAKERS: Final[Mapping[str, Callable[[str, int, bytes | None], Sample]]] = {
    "purchase": _standard,
    "helpdesk": _standard,
    "woocommerce": _woocommerce,
    "stripe": _stripe,
    "shopify": _shopify,
    "paddle": _paddle,
    "zammad": _zammad,
    "zendesk": _zendesk,
    "freshdesk": _freshdesk,
    "freescout": _freescout,
    "chatwoot": _chatwoot,
}
