"""Payloads as the shops document them (design/integrations.md, section 3), signed independently of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

SECRET = "shop secret & more"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def raw(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def guest_hash(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()


def sign_woo(body: bytes, secret: str = SECRET, topic: str = "order.updated") -> dict[str, str]:
    made = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return {
        "X-WC-Webhook-Signature": made,
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Delivery-ID": "d1",
        "Content-Type": "application/json",
    }


def sign_shopify(body: bytes, secret: str = SECRET, topic: str = "orders/updated") -> dict[str, str]:
    made = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return {"X-Shopify-Hmac-Sha256": made, "X-Shopify-Topic": topic, "X-Shopify-Event-Id": "e1"}


def sign_stripe(body: bytes, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    when = int(time.time()) if at is None else at
    made = hmac.new(secret.encode(), f"{when}.".encode() + body, "sha256").hexdigest()
    return {"Stripe-Signature": f"t={when},v0=00,v1={made}"}


def sign_paddle(body: bytes, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    when = int(time.time()) if at is None else at
    made = hmac.new(secret.encode(), f"{when}:".encode() + body, "sha256").hexdigest()
    return {"Paddle-Signature": f"ts={when};h1={made}"}


def sign_zammad(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, "sha1").hexdigest(), "X-Zammad-Trigger": "t"}


def sign_zendesk(body: bytes, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    moment = datetime.fromtimestamp(int(time.time()) if at is None else at, UTC)
    when = moment.isoformat().replace("+00:00", "Z")
    made = base64.b64encode(hmac.digest(secret.encode(), when.encode() + body, "sha256")).decode()
    return {"X-Zendesk-Webhook-Signature": made, "X-Zendesk-Webhook-Signature-Timestamp": when}


def sign_freescout(body: bytes, secret: str = SECRET, event: str = "convo.created") -> dict[str, str]:
    made = base64.b64encode(hmac.digest(secret.encode(), body, "sha1")).decode()
    return {"X-FreeScout-Signature": made, "X-FreeScout-Event": event}


def sign_chatwoot(body: bytes, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    when = int(time.time()) if at is None else at
    made = hmac.new(secret.encode(), f"{when}.".encode() + body, "sha256").hexdigest()
    return {"X-Chatwoot-Signature": f"sha256={made}", "X-Chatwoot-Timestamp": str(when)}


def sign_freshdesk(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Retainer-Secret": secret}


def sign_standard(
    body: bytes, secret: str = STANDARD_SECRET, ident: str = "msg_1", at: int | None = None
) -> dict[str, str]:
    when = int(time.time()) if at is None else at
    moment = datetime.fromtimestamp(when, UTC)
    return {
        "webhook-id": ident,
        "webhook-timestamp": str(when),
        "webhook-signature": Webhook(secret).sign(ident, moment, body.decode()),
    }


def woo_order(**changes: Any) -> dict[str, Any]:
    return {
        "id": 727,
        "parent_id": 0,
        "number": "727",
        "order_key": "wc_order_58d2d042d1d",
        "status": "processing",
        "currency": "USD",
        "date_created": "2017-03-22T16:28:02",
        "date_created_gmt": "2017-03-22T19:28:02",
        "date_modified_gmt": "2017-03-22T19:28:08",
        "discount_total": "0.00",
        "total": "29.35",
        "customer_id": 0,
        "billing": {"email": "john.doe@example.com"},
        "date_paid": "2017-03-22T16:28:08",
        "date_paid_gmt": "2017-03-22T19:28:08",
        "date_completed": None,
        "line_items": [
            {
                "id": 315,
                "name": "Woo Single #1",
                "product_id": 93,
                "variation_id": 0,
                "quantity": 2,
                "subtotal": "6.00",
                "total": "6.00",
                "sku": "",
                "price": 3,
            },
            {
                "id": 316,
                "name": "Ship Your Idea &ndash; Color: Black, Size: M Test",
                "product_id": 22,
                "variation_id": 23,
                "quantity": 1,
                "subtotal": "12.00",
                "total": "12.00",
                "sku": "Bar3",
                "price": 12,
            },
        ],
        "coupon_lines": [],
        "refunds": [],
        **changes,
    }


def shopify_order(**changes: Any) -> dict[str, Any]:
    return {
        "id": 820982911946154508,
        "email": "jon@doe.ca",
        "created_at": "2020-03-27T13:01:19-04:00",
        "updated_at": "2020-03-27T13:01:19-04:00",
        "test": True,
        "total_price": "5.00",
        "subtotal_price": "-5.00",
        "currency": "USD",
        "financial_status": "voided",
        "confirmed": False,
        "cancelled_at": "2020-03-27T13:01:19-04:00",
        "cancel_reason": "customer",
        "order_number": 1234,
        "line_items": [
            {
                "id": 866550311766439020,
                "variant_id": 33426620022829,
                "product_id": 4814921662509,
                "sku": "S",
                "quantity": 1,
                "price": "0.00",
                "total_discount": "0.00",
            },
            {
                "id": 141249953214522974,
                "variant_id": 33426620022829,
                "product_id": 4814921662509,
                "sku": "S",
                "quantity": 1,
                "price": "0.00",
                "total_discount": "5.00",
            },
        ],
        "refunds": [],
        "customer": {"id": 115310627314723954, "email": "john@test.com"},
        **changes,
    }


def woo_full(number: int = 5150, **changes: Any) -> dict[str, Any]:
    """A paid WooCommerce order with all the members that count money (REST API v3 reference, Orders)."""
    order = {
        "id": number,
        "parent_id": 0,
        "number": str(number),
        "status": "completed",
        "currency": "USD",
        "version": "10.1.2",
        "prices_include_tax": False,
        "created_via": "checkout",
        "customer_id": 23,
        "date_created": "2025-02-20T08:30:00",
        "date_created_gmt": "2025-02-20T08:30:00",
        "date_modified": "2025-02-20T08:31:30",
        "date_modified_gmt": "2025-02-20T08:31:30",
        "date_paid": "2025-02-20T08:31:00",
        "date_paid_gmt": "2025-02-20T08:31:00",
        "discount_total": "0.00",
        "discount_tax": "0.00",
        "shipping_total": "0.00",
        "shipping_tax": "0.00",
        "cart_tax": "0.00",
        "total_tax": "0.00",
        "total": "34.50",
        "billing": {"first_name": "Kim", "last_name": "Roe", "email": "kim@buyers.example", "phone": ""},
        "payment_method": "stripe",
        "transaction_id": f"ch_{number}",
        "meta_data": [],
        "tax_lines": [],
        "line_items": [woo_line()],
        "shipping_lines": [],
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [],
    }
    return {**order, **changes}


def woo_line(
    number: int = 71, product: int = 65, quantity: Any = 1, total: str = "34.50", **changes: Any
) -> dict[str, Any]:
    """A line of it."""
    line = {
        "id": number,
        "name": "60 points",
        "product_id": product,
        "variation_id": 0,
        "quantity": quantity,
        "sku": "pts-60",
        "subtotal": total,
        "subtotal_tax": "0.00",
        "total": total,
        "total_tax": "0.00",
        "taxes": [],
        "meta_data": [],
    }
    return {**line, **changes}


def shopify_full(number: int = 6101234567890, **changes: Any) -> dict[str, Any]:
    """A paid Shopify order with all the members that count money (Admin REST reference, Order)."""
    order = {
        "id": number,
        "name": "#1044",
        "currency": "USD",
        "financial_status": "paid",
        "test": False,
        "email": "kim@buyers.example",
        "contact_email": "kim@buyers.example",
        "phone": None,
        "created_at": "2025-02-20T09:30:00+01:00",
        "processed_at": "2025-02-20T09:30:00+01:00",
        "updated_at": "2025-02-20T09:30:20+01:00",
        "cancelled_at": None,
        "cancel_reason": None,
        "customer": {"id": 7301, "state": "disabled", "email": "kim@buyers.example", "phone": None},
        "taxes_included": False,
        "total_tax": "0.00",
        "subtotal_price": "34.50",
        "total_discounts": "0.00",
        "total_line_items_price": "34.50",
        "total_price": "34.50",
        "current_total_price": "34.50",
        "total_tip_received": "0.00",
        "original_total_duties_set": None,
        "discount_applications": [],
        "tax_lines": [],
        "line_items": [shopify_line()],
        "shipping_lines": [],
        "refunds": [],
    }
    return {**order, **changes}


def shopify_line(
    number: int = 8801, sku: str | None = "credits-60", quantity: Any = 1, price: str = "34.50", **changes: Any
) -> dict[str, Any]:
    """A line of it."""
    line = {
        "id": number,
        "product_id": 9301,
        "variant_id": 9401,
        "sku": sku,
        "title": "60 points",
        "quantity": quantity,
        "current_quantity": quantity,
        "fulfillable_quantity": 0,
        "price": price,
        "total_discount": "0.00",
        "discount_allocations": [],
        "tax_lines": [],
        "duties": [],
        "properties": [],
        "gift_card": False,
    }
    return {**line, **changes}


def shopify_money(amount: str, currency: str = "USD") -> dict[str, Any]:
    """A money bag."""
    bag = {"amount": amount, "currency_code": currency}
    return {"shop_money": bag, "presentment_money": bag}


def stripe_session(
    kind: str = "checkout.session.completed", ident: str = "evt_1", told_at: int = 1749108405, **changes: Any
) -> dict[str, Any]:
    session = {
        "id": "cs_test_a1YS1URlnyQCN5fUUduORoQ7Pw41PJqDWkIVQCpJPqkfIhd6tVY8XB1OLY",
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_subtotal": 3450,
        "amount_total": 3450,
        "currency": "usd",
        "customer": None,
        "customer_details": {"email": "example@example.com"},
        "created": 1749108400,
        "client_reference_id": None,
        "metadata": {},
        "payment_intent": "pi_1PgafyB7WZ01zgkWSjxsAJo3",
        **changes,
    }
    return {
        "id": ident,
        "object": "event",
        "api_version": "2025-04-30.basil",
        "created": told_at,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": "req_1", "idempotency_key": "7ccefd8c"},
        "type": kind,
        "data": {"object": session},
    }


def stripe_refund(
    ident: str = "evt_3RWYCFQ8iJWBZFaM1z10b8SX",
    kind: str = "charge.refund.updated",
    told_at: int = 1749108405,
    **changes: Any,
) -> dict[str, Any]:
    refund = {
        "id": "re_3RWYCFQ8iJWBZFaM191ZqGD9",
        "object": "refund",
        "amount": 100,
        "charge": "ch_3RWYCFQ8iJWBZFaM1R8YF07I",
        "currency": "usd",
        "metadata": {"order_id": "6735"},
        "payment_intent": "pi_1PgafyB7WZ01zgkWSjxsAJo3",
        "status": "succeeded",
        **changes,
    }
    return {
        "id": ident,
        "type": kind,
        "created": told_at,
        "data": {"object": refund, "previous_attributes": {"metadata": {"order_id": None}}},
    }


def paddle_transaction(ident: str = "evt_01hfyd0v4xppkwmjaca5xyzh5d", **changes: Any) -> dict[str, Any]:
    data = {
        "id": "txn_01hfyd09vas8qwq6jw7k6yd9rg",
        "status": "completed",
        "customer_id": "ctm_01gyswd1xrzxsxghdtc2f8jhep",
        "currency_code": "GBP",
        "origin": "subscription_recurring",
        "custom_data": None,
        "created_at": "2023-11-23T15:33:18.1Z",
        "updated_at": "2023-11-23T15:33:19.238230688Z",
        "items": [{"price_id": "pri_01gsz8x8sawmvhz1pv30nge1ke", "quantity": 10}],
        "details": {
            "line_items": [
                {
                    "id": "txnitm_01hfyd09xrkdkbaacs934g8v8p",
                    "quantity": 10,
                    "totals": {"subtotal": "20490", "discount": "0", "total": "20490"},
                }
            ]
        },
        **changes,
    }
    return {
        "event_id": ident,
        "event_type": "transaction.completed",
        "occurred_at": "2023-11-23T15:33:19.645134Z",
        "data": data,
    }


def paddle_adjustment(ident: str = "evt_adj", **changes: Any) -> dict[str, Any]:
    data = {
        "id": "adj_01h8c65c2ggq5nxswnnwv78e75",
        "action": "refund",
        "type": "partial",
        "currency_code": "GBP",
        "transaction_id": "txn_01hfyd09vas8qwq6jw7k6yd9rg",
        "status": "pending_approval",
        "updated_at": "0001-01-01T00:00:00Z",
        "items": [{"item_id": "txnitm_01hfyd09xrkdkbaacs934g8v8p", "type": "partial", "amount": "4098"}],
        "totals": {"total": "100"},
        **changes,
    }
    return {
        "event_id": ident,
        "event_type": "adjustment.updated",
        "occurred_at": "2023-11-24T15:33:19.645134Z",
        "data": data,
    }


def purchase(kind: str, *, at: str = "2024-12-01T10:00:01Z", **data: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": at, "data": data}


def zammad_ticket(article: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "ticket": {
            "id": 81,
            "number": "20081",
            "title": "Feedback Form",
            "article_count": 1,
            "created_at": "2020-11-13T14:34:35.282Z",
            "group": {"name": "Users"},
            "customer": {"id": 17, "email": "nicole.braun@zammad.org"},
            **changes,
        },
        "article": article
        or {"id": 99, "sender": "Customer", "internal": False, "created_at": "2020-11-13T14:34:35.404Z"},
    }
