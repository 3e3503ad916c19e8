"""Webhook endpoints: who is told what, the log of it, and sending it again."""

from __future__ import annotations

import base64
import hashlib
import secrets as random_secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final, Literal, cast

from app.db.account import accounts
from app.db.engine import Tx
from app.db.events import events, positions
from app.db.secrets import Cipher
from app.db.tenants import audit_trail
from app.db.webhooks import webhooks
from app.db.webhooks.webhooks import Endpoint
from app.domain.events.webhook_address import TargetRefused, parse_target
from app.domain.values.errors import DomainError
from app.domain.values.paging import Page, PageRequest
from app.domain.values.wire import iso, iso_or_none
from app.views.event_types import TEST, known_pattern
from app.views.webhook import DisabledReason, WebhookDelivery, WebhookEndpoint, WebhookReplay

MAX_ENDPOINTS: Final = 20
"""Of one tenant."""
SECRET_BYTES: Final = 32
MAX_OVERLAP: Final = timedelta(days=30)
REPLAY_DELIVERIES_MAX: Final = 1000
"""Events sent again by one call."""

Check = Callable[[str | None], None]
"""Given the version in force, refuses an If-Match that names another (a door's own concern)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """What is asked for. ``event_types``: types, ``noun.*`` or ``*``; ``customer_id``: only this customer's events."""

    url: str
    event_types: tuple[str, ...] = ("*",)
    customer_id: str | None = None
    description: str = ""


async def create(tx: Tx, asked: NewEndpoint, *, cipher: Cipher, allow_private: bool) -> WebhookEndpoint:
    """Makes an endpoint; the answer is the only place where its secret is shown. It is told what happens from now on.

    Refused: 422 ``webhook_target_refused``, ``unknown_event_type``; 409 ``too_many_webhook_endpoints``; 404 customer.
    """
    _check_url(asked.url, allow_private=allow_private)
    _check_types(asked.event_types)
    customer = None if asked.customer_id is None else await accounts.lock_named(tx, asked.customer_id)
    if customer is not None:
        tx.customer_id = customer.customer_id  # what is kept of the answer names them
    await positions.assign_batch(tx, wait=True)  # also the lock that keeps the number of endpoints
    if await webhooks.count(tx) >= MAX_ENDPOINTS:
        raise DomainError("too_many_webhook_endpoints", most=MAX_ENDPOINTS)
    now = await webhooks.clock(tx)
    endpoint_id, secret = tx.mint("whe"), fresh_secret()
    endpoint = Endpoint(
        endpoint_id=endpoint_id,
        url=asked.url,
        event_types=tuple(dict.fromkeys(asked.event_types)),
        customer_id=None if customer is None else customer.customer_id,
        description=asked.description,
        state="enabled",
        disabled_reason=None,
        disabled_at=None,
        secret=_seal(tx, cipher, endpoint_id, secret),
        previous_secret=None,
        previous_until=None,
        position=await events.last_position(tx),
        version=1,
        created_at=now,
        updated_at=now,
    )
    await webhooks.add(tx, endpoint)
    await audit_trail.note(tx, "webhook_endpoint.created", endpoint_id, {"url": endpoint.url}, at=now)
    return {**endpoint_view(endpoint, asked.customer_id), "secret": secret}


def without_secret(made: WebhookEndpoint) -> WebhookEndpoint:
    """The answer as it may be kept: in its secret's place, what tells whether that is still the one in force."""
    return {**made, "secret": _print_of(made["secret"])}


async def shown_again(tx: Tx, first: WebhookEndpoint, *, cipher: Cipher) -> WebhookEndpoint:
    """A kept answer with its secret, as long as the endpoint is there and signs with that one."""
    endpoint = await webhooks.find(tx, first["endpoint_id"])
    secret = None if endpoint is None else _open(tx, cipher, endpoint)
    again: WebhookEndpoint = {**first}
    if secret is not None and _print_of(secret) == first["secret"]:
        again["secret"] = secret
    else:
        del again["secret"]
    return again


def _print_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


async def list_endpoints(tx: Tx, part: PageRequest) -> Page[WebhookEndpoint]:
    """A part of the endpoints, by age. Never their secrets."""
    rows, more = await webhooks.page(tx, part)
    return part.page_of(rows, more, [await _viewed(tx, row) for row in rows], lambda row: [row.endpoint_id])


async def get_endpoint(tx: Tx, endpoint_id: str) -> WebhookEndpoint:
    """One endpoint. 404 ``webhook_endpoint_not_found``."""
    return await _viewed(tx, await _require(tx, endpoint_id))


async def change(
    tx: Tx, endpoint_id: str, changes: Mapping[str, Any], *, allow_private: bool, check: Check | None = None
) -> WebhookEndpoint:
    """Changes what is given of ``url``, ``event_types``, ``customer_id``, ``description``, ``enabled``.

    ``enabled: true`` goes on where a disabled endpoint stopped, so that nothing is missed, with the whole schedule
    before it. With ``skip_missed: true`` it gives up what waits and goes on from now.
    """
    endpoint = await _require(tx, endpoint_id, lock=True, check=check)
    now = await webhooks.clock(tx)
    values: dict[str, Any] = {}
    if "url" in changes:
        _check_url(changes["url"], allow_private=allow_private)
        values["url"] = changes["url"]
    if "event_types" in changes:
        _check_types(changes["event_types"])
        values["event_types"] = list(dict.fromkeys(changes["event_types"]))
    if "customer_id" in changes:
        customer_id_ = changes["customer_id"]
        values["customer_id"] = (
            None if customer_id_ is None else (await accounts.lock_named(tx, customer_id_)).customer_id
        )
    if "description" in changes:
        values["description"] = changes["description"]
    if changes.get("skip_missed"):
        await positions.assign_batch(tx, wait=True)
        await webhooks.skip(tx, endpoint_id, now)
        values["position"] = await events.last_position(tx)
    values |= await _switched(tx, endpoint, changes.get("enabled"), now)
    values |= {"version": endpoint.version + 1, "updated_at": now}
    await webhooks.change(tx, endpoint_id, **values)
    await audit_trail.note(tx, "webhook_endpoint.changed", endpoint_id, {"fields": sorted(changes)}, at=now)
    types = tuple(values.get("event_types", endpoint.event_types))
    return await _viewed(tx, replace(endpoint, **{**values, "event_types": types}))


async def _switched(tx: Tx, endpoint: Endpoint, enabled: bool | None, now: datetime) -> dict[str, Any]:
    if enabled is False and endpoint.state == "enabled":
        return {"state": "disabled", "disabled_reason": "by_hand", "disabled_at": now}
    if enabled is True and endpoint.state == "disabled":
        await webhooks.wake(tx, endpoint.endpoint_id, now)
        return {"state": "enabled", "disabled_reason": None, "disabled_at": None}
    return {}


async def delete(tx: Tx, endpoint_id: str, *, check: Check | None = None) -> WebhookEndpoint:
    """Ends an endpoint; its log goes with it, by and by."""
    endpoint = await _require(tx, endpoint_id, lock=True, check=check)
    now = await webhooks.clock(tx)
    values: dict[str, Any] = {
        "state": "deleted",
        "disabled_at": None,
        "updated_at": now,
        "version": endpoint.version + 1,
    }
    await webhooks.change(tx, endpoint_id, **values)
    await audit_trail.note(tx, "webhook_endpoint.deleted", endpoint_id, at=now)
    return {**await _viewed(tx, replace(endpoint, **values)), "deleted": True}


async def rotate_secret(tx: Tx, endpoint_id: str, *, overlap: timedelta, cipher: Cipher) -> WebhookEndpoint:
    """A new secret; for the overlap every delivery is signed with both, so that receivers can change over."""
    endpoint = await _require(tx, endpoint_id, lock=True)
    now = await webhooks.clock(tx)
    secret, until = fresh_secret(), now + min(overlap, MAX_OVERLAP)
    previous = None if overlap <= timedelta(0) else endpoint.secret
    values: dict[str, Any] = {
        "secret": _seal(tx, cipher, endpoint_id, secret),
        "previous_secret": previous,
        "previous_until": None if previous is None else until,
        "version": endpoint.version + 1,
        "updated_at": now,
    }
    await webhooks.change(tx, endpoint_id, **values)
    await audit_trail.note(tx, "webhook_endpoint.secret_rotated", endpoint_id, at=now)
    return {**await _viewed(tx, replace(endpoint, **values)), "secret": secret}


async def send_test(tx: Tx, endpoint_id: str) -> WebhookDelivery:
    """Puts a test event on its way; see it in the log. 409 ``webhook_endpoint_disabled``."""
    endpoint = await _enabled(tx, endpoint_id)
    now = await webhooks.clock(tx)
    data = {"name": endpoint.description or "test", "at": iso(now)}
    made = await webhooks.add_test(tx, endpoint_id, TEST, data, now)
    return delivery_view(SimpleNamespace(**made))


# --- the log ----------------------------------------------------------------------------------------------------------


async def list_deliveries(
    tx: Tx, endpoint_id: str, part: PageRequest, *, state: str | None = None, event_id: str | None = None
) -> Page[WebhookDelivery]:
    """Deliveries of an endpoint with each attempt, the newest first."""
    await _require(tx, endpoint_id)
    rows, more = await webhooks.deliveries(tx, endpoint_id, part, state=state, event_id=event_id)
    return part.page_of(rows, more, [delivery_view(row) for row in rows], lambda row: [row.delivery_id])


async def get_delivery(tx: Tx, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
    """One delivery. 404 ``webhook_delivery_not_found``."""
    return delivery_view(await _delivery(tx, endpoint_id, delivery_id))


async def replay(tx: Tx, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
    """Sends a finished delivery again, with the same id, so that the receiver can tell.

    409 ``webhook_delivery_pending`` (it will be sent anyway), ``webhook_endpoint_disabled``.
    """
    await _enabled(tx, endpoint_id, lock=True)
    item = await _delivery(tx, endpoint_id, delivery_id)
    if item.state == "pending":
        raise DomainError("webhook_delivery_pending", next_attempt_at=iso(item.next_attempt_at))
    made = await webhooks.replay(tx, item, await webhooks.clock(tx))
    if tx.validate_only:
        return {**delivery_view(item), "delivery_id": made, "state": "pending", "replay_of": delivery_id}
    return await get_delivery(tx, endpoint_id, made)


async def replay_span(
    tx: Tx,
    endpoint_id: str,
    *,
    since: datetime,
    until: datetime | None,
    after: int = 0,
    which: Literal["failed", "all"] = "failed",
) -> WebhookReplay:
    """Sends again what happened in a span of real time: what was not delivered, or (``all``) everything.

    At most `REPLAY_DELIVERIES_MAX` a call: repeat with ``after`` = ``next_after`` until that is null.
    """
    endpoint = await _enabled(tx, endpoint_id, lock=True)
    now = await webhooks.clock(tx)
    end = now + timedelta(seconds=1) if until is None else until
    if end <= since:
        raise DomainError("invalid_input", field="until", message="The span ends before it begins.")
    made, following = await webhooks.replay_span(
        tx,
        endpoint,
        since=since,
        until=end,
        after=after,
        only_failed=which == "failed",
        limit=REPLAY_DELIVERIES_MAX,
        at=now,
    )
    return {"endpoint_id": endpoint_id, "replayed": made, "next_after": following}


# --- views and checks -------------------------------------------------------------------------------------------------


def endpoint_view(endpoint: Endpoint, customer_id: str | None) -> WebhookEndpoint:
    """Return an endpoint as published, for the external id of its customer."""
    return {
        "endpoint_id": endpoint.endpoint_id,
        "url": endpoint.url,
        "event_types": list(endpoint.event_types),
        "customer_id": customer_id,
        "description": endpoint.description,
        "enabled": endpoint.state == "enabled",
        "disabled_reason": cast(DisabledReason | None, endpoint.disabled_reason),
        "disabled_at": iso_or_none(endpoint.disabled_at),
        "previous_secret_until": iso_or_none(endpoint.previous_until),
        "version": endpoint.version,
        "created_at": iso(endpoint.created_at),
        "updated_at": iso(endpoint.updated_at),
    }


def delivery_view(row: Any) -> WebhookDelivery:
    """Return a delivery as published. ``next_attempt_at`` only while it is pending."""
    return {
        "delivery_id": row.delivery_id,
        "endpoint_id": row.endpoint_id,
        "event_id": row.event_id,
        "type": row.type,
        "state": row.state,
        "attempts": list(row.log),
        "failures": row.step,
        "next_attempt_at": iso(row.next_attempt_at) if row.state == "pending" else None,
        "created_at": iso(row.created_at),
        "finished_at": iso_or_none(row.finished_at),
        "replay_of": row.replay_of,
    }


async def _viewed(tx: Tx, endpoint: Endpoint) -> WebhookEndpoint:
    customer = None if endpoint.customer_id is None else await accounts.customer_by_id(tx, endpoint.customer_id)
    return endpoint_view(endpoint, None if customer is None else customer.external_id)


def fresh_secret() -> str:
    """A secret as Standard Webhooks wants it."""
    return "whsec_" + base64.b64encode(random_secrets.token_bytes(SECRET_BYTES)).decode()


def sealed_for(endpoint_id: str) -> str:
    """What a secret is bound to."""
    return f"endpoint/{endpoint_id}"


def _seal(tx: Tx, cipher: Cipher, endpoint_id: str, secret: str) -> bytes:
    return cipher.seal(secret, tenant_id=tx.tenant_id, subject=sealed_for(endpoint_id))


def _open(tx: Tx, cipher: Cipher, endpoint: Endpoint) -> str:
    return cipher.open(endpoint.secret, tenant_id=tx.tenant_id, subject=sealed_for(endpoint.endpoint_id))


def _check_url(url: str, *, allow_private: bool) -> None:
    try:
        parse_target(url, allow_private=allow_private)
    except TargetRefused as refused:
        raise DomainError("webhook_target_refused", field="url", message=str(refused)) from None


def _check_types(types: tuple[str, ...] | list[str]) -> None:
    unknown = [event_type for event_type in types if not known_pattern(event_type)]
    if unknown:
        raise DomainError("unknown_event_type", field="event_types", unknown=unknown)


async def _require(tx: Tx, endpoint_id: str, *, lock: bool = False, check: Check | None = None) -> Endpoint:
    endpoint = await webhooks.find(tx, endpoint_id, lock=lock)
    if endpoint is None:
        raise DomainError("webhook_endpoint_not_found", endpoint_id=endpoint_id)
    if check is not None:
        check(str(endpoint.version))
    return endpoint


async def _enabled(tx: Tx, endpoint_id: str, *, lock: bool = False) -> Endpoint:
    endpoint = await _require(tx, endpoint_id, lock=lock)
    if endpoint.state != "enabled":
        raise DomainError("webhook_endpoint_disabled", endpoint_id=endpoint_id, reason=endpoint.disabled_reason)
    return endpoint


async def _delivery(tx: Tx, endpoint_id: str, delivery_id: str) -> Any:
    await _require(tx, endpoint_id)
    row = await webhooks.delivery(tx, endpoint_id, delivery_id)
    if row is None:
        raise DomainError("webhook_delivery_not_found", delivery_id=delivery_id)
    return row
