"""The REST doors in the order in which they are mounted."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from app.api.rest import (
    audit_trail,
    calendars,
    choices,
    clock,
    clocks,
    covers,
    credits,  # noqa: A004 - the name of the door
    customers,
    entitlements,
    events,
    explain,
    inbound,
    keys,
    licenses,
    meta,
    offers,
    orders,
    policies,
    sources,
    tenants,
    tickets,
    webhooks,
)

# Routes of one word are tried one after another (`app.api.dispatch`), so the busiest door stands first.
ROUTERS: Final[tuple[APIRouter, ...]] = (
    credits.router, meta.router, tenants.router, keys.router, clock.router, offers.router, orders.router,
    choices.router, licenses.router, customers.router, entitlements.router, tickets.router, covers.router,
    explain.router, calendars.router, clocks.router, policies.router, sources.router, inbound.router, webhooks.router,
    events.router, audit_trail.router,
)  # fmt: skip
