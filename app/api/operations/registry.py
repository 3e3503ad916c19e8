"""The whole table, the busiest noun first: routes are tried one after another."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Final

from app.api.operations import (
    audit_trail,
    calendars,
    choices,
    clock,
    clocks,
    covers,
    customers,
    entitlements,
    events,
    explain,
    inbound,
    keys,
    licenses,
    lists,
    offers,
    orders,
    policies,
    problems,
    reports,
    sources,
    tenants,
    tickets,
    webhooks,
)
from app.api.operations import credits as ledger
from app.api.operations.table import Operation

NOUNS: Final[tuple[ModuleType, ...]] = (
    ledger,
    problems,
    tenants,
    keys,
    clock,
    offers,
    orders,
    choices,
    licenses,
    lists,
    customers,
    entitlements,
    tickets,
    covers,
    explain,
    calendars,
    clocks,
    policies,
    sources,
    inbound,
    webhooks,
    events,
    audit_trail,
    reports,
)


def operations() -> Iterator[Operation]:
    """Yield every operation."""
    for noun in NOUNS:
        yield from noun.OPERATIONS
