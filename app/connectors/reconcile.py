"""Asking shops what their webhooks lost: WooCommerce's REST API, Stripe's events, Shopify's GraphQL
Admin API, Paddle's transactions and adjustments.

What a shop answers is put into the form of its webhook and read by the one adapter of its kind.

Webhooks alone lose purchases (WooCommerce sends each once and never again), so orders that changed lately are
read and put into the same inbox. What the inbox knows already changes nothing there.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

import httpx

from app.connectors.shops import shopify_admin, stripe
from app.connectors.shops.woocommerce import REFUNDS
from app.connectors.webhooks.address_guard import Resolve, resolve, usable
from app.connectors.webhooks.pinned import PinnedTransport
from app.domain.events.webhook_address import TargetRefused, check_api
from app.domain.feeds.orders import stamp
from app.usecases.inbound import FetchError

PAGE: Final = 100
PAGES_MAX: Final = 1000
OVERLAP: Final = timedelta(minutes=10)
"""Looked at again each time: shops' clocks differ, and what changes while pages are read moves between them.
"""
FIRST: Final = timedelta(days=30)
"""How far back the first look goes; Stripe keeps events for so long."""
_SECONDS: Final = 30.0
_BYTES: Final = 64 * 1024 * 1024
STRIPE_TYPES: Final = tuple(sorted(stripe.READ))
PADDLE_PAGE: Final = 30
PADDLE_LATE: Final = timedelta(days=30)
"""How long an adjustment may wait for its approval: its list knows no filter by the last change."""
_OF_TICKET: Final = (
    "id",
    "subject",
    "created_at",
    "updated_at",
    "requester_id",
    "source",
    "group_id",
    "type",
    "priority",
    "custom_fields",
)
_OF_CONVERSATION: Final = ("id", "incoming", "private", "created_at")
"""What is kept of Freshdesk's answer: what was written stays there."""
_BASES: Final = {"stripe": "https://api.stripe.com", "paddle": "https://api.paddle.com"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that a shop answered, as its webhook would have sent it."""

    body: bytes
    headers: Mapping[str, str]
    changed_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Fetcher:
    """Asks shops. ``allow_private``: addresses inside the own network too (a setting of the installation)."""

    allow_private: bool = False
    transport: httpx.AsyncBaseTransport | None = None
    resolver: Resolve = resolve

    async def ask(self, kind: str, api: Mapping[str, Any], what: str) -> Any:
        """What a delivery left out; see `app.usecases.inbound.Fetch`."""
        name, _, ident = what.partition(":")
        if kind == "freshdesk" and name == "ticket":
            async with self._client(kind, api) as call:
                return await _freshdesk_ticket(call, ident)
        if kind != "stripe" or name != "line_items":
            raise FetchError(f"{kind} cannot be asked for {name}")
        async with self._client(kind, api) as call:
            found: list[Any] = []
            after = None
            for _ in range(PAGES_MAX):
                parameters = {"limit": str(PAGE), **({"starting_after": after} if after else {})}
                page, _headers = await call(f"/v1/checkout/sessions/{quote(ident, safe='')}/line_items", parameters)
                found += page["data"]
                if not page.get("has_more") or not page["data"]:
                    break
                after = page["data"][-1]["id"]
            return found

    async def changes(self, kind: str, api: Mapping[str, Any], since: datetime) -> AsyncIterator[Found]:
        """What changed since an instant, oldest first, as deliveries. Raises `FetchError`."""
        if kind not in MAKERS:
            raise FetchError(f"A source of kind {kind} has no API to ask; reconcile knows {', '.join(sorted(MAKERS))}.")
        async with self._client(kind, api) as call:
            async for item in MAKERS[kind](call, since):
                yield item

    def _client(self, kind: str, api: Mapping[str, Any]) -> _Client:
        base = str(api.get("base_url") or _BASES.get(kind, ""))
        if not base:
            raise FetchError("The source's api settings name no base_url.")
        if not api.get("key"):
            raise FetchError("The source's api settings hold no key.")
        return _Client(
            kind=kind,
            base=base,
            api=api,
            allow_private=self.allow_private,
            transport=self.transport,
            resolver=self.resolver,
        )


class Call(Protocol):
    """Asks the shop: GET, or POST where there is a body. The answer as JSON, and its headers."""

    def __call__(
        self, path: str, parameters: Mapping[str, str], body: Mapping[str, Any] | None = None
    ) -> Awaitable[tuple[Any, httpx.Headers]]:
        """Raises `FetchError`."""


@dataclass(slots=True, kw_only=True)
class _Client:
    kind: str
    base: str
    api: Mapping[str, Any]
    allow_private: bool
    transport: httpx.AsyncBaseTransport | None
    resolver: Resolve = resolve
    client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Call:
        await self._judge()
        headers = {"Accept": "application/json", "User-Agent": "Retainer"}
        auth: tuple[str, str] | None = None
        if self.kind == "freshdesk":
            auth = (str(self.api["key"]), "X")
        elif self.kind == "woocommerce":
            auth = (str(self.api["key"]), str(self.api.get("secret", "")))
        elif self.kind in ("stripe", "paddle"):
            headers["Authorization"] = f"Bearer {self.api['key']}"
            if self.kind == "paddle":
                headers["Paddle-Version"] = "1"
        else:
            headers["X-Shopify-Access-Token"] = str(self.api["key"])
        # The address that was judged is the one that is used: nothing changes between the check and the connection.
        self.client = httpx.AsyncClient(
            headers=headers,
            auth=auth,
            timeout=_SECONDS,
            follow_redirects=False,
            transport=self.transport or PinnedTransport(allow_private=self.allow_private, resolver=self.resolver),
            trust_env=False,
        )
        return self._get

    async def __aexit__(self, *_: object) -> None:
        if self.client is not None:
            await self.client.aclose()

    async def _judge(self) -> None:
        """No address inside our own network, unless the installation allows it."""
        parts = urlsplit(self.base)
        try:
            check_api(self.base, allow_private=self.allow_private)
            usable(await self.resolver(str(parts.hostname), parts.port or 443), allow_private=self.allow_private)
        except TargetRefused as error:
            raise FetchError(f"base_url: {error}") from None
        except OSError:
            raise FetchError(f"{parts.hostname} cannot be resolved.") from None

    async def _get(
        self, path: str, parameters: Mapping[str, str], body: Mapping[str, Any] | None = None
    ) -> tuple[Any, httpx.Headers]:
        assert self.client is not None  # noqa: S101 - entered
        address = path if path.startswith(("http://", "https://")) else self.base.rstrip("/") + path
        if urlsplit(address)[:2] != urlsplit(self.base)[:2]:
            raise FetchError("The shop pointed to another host.")
        place = path.partition("?")[0]
        content = bytearray()
        try:
            async with self.client.stream(
                "GET" if body is None else "POST", address, params=dict(parameters) or None, json=body
            ) as answer:
                if answer.status_code != 200:
                    raise FetchError(f"{place} answered {answer.status_code}")
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > _BYTES:
                        raise FetchError(f"{place} answered more than {_BYTES} bytes")
        except TargetRefused as error:
            raise FetchError(f"base_url: {error}") from None
        except httpx.HTTPError as error:
            raise FetchError(f"{type(error).__name__} on {place}") from None
        try:
            return json.loads(bytes(content), parse_float=str), answer.headers
        except ValueError:
            raise FetchError(f"{place} did not answer JSON") from None


async def _freshdesk_ticket(call: Call, number: str) -> dict[str, Any]:
    """``GET /api/v2/tickets/{id}`` with who asked, and all that was written on it."""
    ticket, _headers = await call(f"/api/v2/tickets/{quote(number, safe='')}", {"include": "requester"})
    conversations: list[Any] = []
    for page in range(1, PAGES_MAX + 1):
        parameters = {"per_page": str(PAGE), "page": str(page)}
        rows, _headers = await call(f"/api/v2/tickets/{quote(number, safe='')}/conversations", parameters)
        if not isinstance(rows, list):
            raise FetchError("Freshdesk answered no list of conversations.")
        conversations += rows
        if len(rows) < PAGE:
            break
    if not isinstance(ticket, dict) or not all(isinstance(row, dict) for row in conversations):
        raise FetchError("Freshdesk answered no ticket.")
    found = {name: ticket.get(name) for name in _OF_TICKET}
    asker = ticket.get("requester")
    found["requester"] = {"email": asker.get("email")} if isinstance(asker, dict) else None
    return {
        "ticket": found,
        "conversations": [{name: row.get(name) for name in _OF_CONVERSATION} for row in conversations],
    }


def _body(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


async def _woocommerce(call: Call, since: datetime) -> AsyncIterator[Found]:
    """``GET /wp-json/wc/v3/orders?modified_after=``; an order's refunds by their own address, with their
    lines."""
    for page in range(1, PAGES_MAX + 1):
        rows, headers = await call(
            "/wp-json/wc/v3/orders",
            {
                "modified_after": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
                "dates_are_gmt": "true",
                "orderby": "modified",
                "order": "asc",
                "per_page": str(PAGE),
                "page": str(page),
                "status": "any",
            },
        )
        for order in rows:
            if order.get("refunds"):
                order[REFUNDS], _ = await call(
                    f"/wp-json/wc/v3/orders/{int(order['id'])}/refunds", {"per_page": str(PAGE)}
                )
            yield Found(
                body=_body(order),
                headers={"x-wc-webhook-topic": "order.updated"},
                changed_at=_instant(order.get("date_modified_gmt")),
            )
        if len(rows) < PAGE or page >= int(headers.get("x-wp-totalpages", PAGES_MAX)):
            return


async def _stripe(call: Call, since: datetime) -> AsyncIterator[Found]:
    """``GET /v1/events``: the very events, newest first, put in order; they carry the ids of their webhooks."""
    found: list[Any] = []
    after = None
    for _ in range(PAGES_MAX):
        parameters = {"limit": str(PAGE), "created[gte]": str(int(since.timestamp()))}
        for number, kind in enumerate(STRIPE_TYPES):
            parameters[f"types[{number}]"] = kind
        if after:
            parameters["starting_after"] = after
        page, _headers = await call("/v1/events", parameters)
        found += page["data"]
        if not page.get("has_more") or not page["data"]:
            break
        after = page["data"][-1]["id"]
    for event in sorted(found, key=lambda item: (item["created"], item["id"])):
        yield Found(body=_body(event), headers={}, changed_at=datetime.fromtimestamp(int(event["created"]), UTC))


async def _paddle(call: Call, since: datetime) -> AsyncIterator[Found]:
    """``GET /transactions`` that changed, then ``GET /adjustments``, newest first until they are too old to change."""
    transactions = {
        "updated_at[GTE]": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": "completed,paid",
        "order_by": "updated_at[ASC]",
        "per_page": str(PADDLE_PAGE),
    }
    found = [
        ("transaction.completed", str(page.get("updated_at")), page)
        async for page in _paddle_pages(call, "/transactions", transactions)
    ]
    adjustments = {"order_by": "id[DESC]", "per_page": str(PADDLE_PAGE)}
    async for page in _paddle_pages(call, "/adjustments", adjustments):
        made_at, changed_at = _instant(page.get("created_at")), _instant(page.get("updated_at"))
        if made_at is not None and made_at < since - PADDLE_LATE:
            break
        latest = max((at for at in (made_at, changed_at) if at is not None and at.year > 1), default=None)
        if latest is None or latest >= since:
            at = page.get("updated_at") if changed_at is not None and changed_at.year > 1 else page.get("created_at")
            found.append(("adjustment.updated", str(at), page))
    for kind, at, data in sorted(found, key=lambda item: (stamp(item[1]), item[0])):
        event = {"event_type": kind, "occurred_at": at, "data": data}
        yield Found(body=_body(event), headers={}, changed_at=_instant(at))


async def _paddle_pages(call: Call, path: str, parameters: Mapping[str, str]) -> AsyncIterator[Mapping[str, Any]]:
    address, asked = path, parameters
    for _ in range(PAGES_MAX):
        page, _headers = await call(address, asked)
        for row in page["data"]:
            yield row
        pagination = page.get("meta", {}).get("pagination", {})
        if not pagination.get("has_more") or not page["data"]:
            return
        address, asked = str(pagination["next"]), {}


async def _shopify(call: Call, since: datetime) -> AsyncIterator[Found]:
    """The GraphQL Admin API; see `app.connectors.shops.shopify_admin`."""

    async def ask(path: str, body: Mapping[str, Any]) -> Any:
        answer, _headers = await call(path, {}, body)
        return answer

    async for order in shopify_admin.changes(ask, since):
        yield Found(
            body=_body(order), headers={"x-shopify-topic": "orders/updated"}, changed_at=_instant(order["updated_at"])
        )


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


MAKERS: Final = {"woocommerce": _woocommerce, "stripe": _stripe, "shopify": _shopify, "paddle": _paddle}
"""Kind -> what asks its API."""
