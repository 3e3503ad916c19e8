"""Whose a license, cover or choice is; and the customer's account as it stood at another instant (decision 0012)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Table, select, text

from app.db import policies
from app.db import schema as s
from app.db.account import accounts, contacts, counted
from app.db.engine import Tx
from app.db.ledger import read as ledger_rows
from app.db.ledger import recurring
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import Plan
from app.domain.account.customer import Addon, Choice, Cover, Customer, License
from app.domain.orders.merges import MARKS, owner_then
from app.domain.values.errors import DomainError
from app.domain.values.wire import parse_iso, parse_iso_or_none

_LAST = text(
    "select distinct on (e.entity_id) e.entity_id, e.payload from entity_event e"
    " where e.tenant_id = :tenant and e.stream = :stream and e.entity_id = any(:ids) and e.occurred_at <= :at"
    " and (cast(:known as timestamptz) is null or e.recorded_at <= :known)"
    " order by e.entity_id, e.seq desc"
)

_HEIR = text(
    "with recursive line as (select customer_id, merged_into from customer where tenant_id = :tenant"
    " and customer_id = :customer union all select c.customer_id, c.merged_into from line join customer c"
    " on c.tenant_id = :tenant and c.customer_id = line.merged_into)"
    " select customer_id from line where merged_into is null"
)
_MARKED = text(
    "select order_id, answer -> 'merges' as marks from purchase_order where tenant_id = :tenant"
    " and customer_id = :customer and answer ? 'merges'"
)


async def owner_of_license(tx: Tx, license_id: str) -> str:
    """Our id of the customer who holds a license, or 404 ``license_not_found``."""
    return await _owner(tx, s.license_, "license_id", license_id, "license_not_found")


async def owner_of_cover(tx: Tx, cover_id: str) -> str:
    """Our id of the customer who has a cover, or 404 ``cover_not_found``."""
    return await _owner(tx, s.cover, "cover_id", cover_id, "cover_not_found")


async def owner_of_choice(tx: Tx, choice_id: str) -> str:
    """Our id of the customer whose choice it is, or 404 ``choice_not_found``."""
    return await _owner(tx, s.choice, "choice_id", choice_id, "choice_not_found")


async def _owner(tx: Tx, table: Table, column: str, value: str, code: str) -> str:
    row = await tx.row(select(table.c.customer_id).where(table.c.tenant_id == tx.tenant_id, table.c[column] == value))
    if row is None:
        raise DomainError(code, id=value)
    return str(row[0])


async def account_at(tx: Tx, customer: Customer, *, at: datetime, known_at: datetime | None) -> CustomerAccount:
    """Return the account as it stood at ``at`` by what was recorded by ``known_at``, for reading.

    Covers and licenses are the last of their events by then, credits the sums of their entries.
    """
    now = await _owned(tx, customer, at if known_at is None else min(at, known_at))
    policy = await policies.in_force(tx, at)
    loaded = await ledger_rows.load_as_of(tx, customer.customer_id, at=at, known_at=known_at)
    covers = await _last(tx, "cover", list(now.covers), at, known_at)
    licenses = await _last(tx, "license", list(now.licenses), at, known_at)
    account = CustomerAccount(
        customer=customer,
        policy=policy,
        at=at,
        mint=tx.mint,
        ledger=accounts.ledger_of(
            tx,
            customer.customer_id,
            loaded,
            at=at,
            rules=policy.credits,
            recurring=await recurring.load_as_of(tx, customer.customer_id, at=at, known_at=known_at),
        ),
        plan=Plan(customer=customer, at=at, actor=tx.actor),
        licenses={key: _license(license_, licenses[key]) for key, license_ in now.licenses.items() if key in licenses},
        covers={key: cover_then(payload["cover"]) for key, payload in covers.items() if "cover" in payload},
        choices={
            key: choice
            for key, choice in now.choices.items()
            if choice.opened_at <= at and (known_at is None or choice.opened_at <= known_at) and _undone(choice, at)
        },
        addons=[addon for addon in now.addons if addon.placed_at <= at and _undone_addon(addon, at)],
    )
    return await contacts.load(tx, await counted.load_as_of(tx, account, at, known_at))


async def _owned(tx: Tx, customer: Customer, then: datetime) -> CustomerAccount:
    """Return what there is by now of what was the customer's at an instant. What merges moved since is at its heir."""
    by = {"tenant": tx.tenant_id, "customer": customer.customer_id}
    found = await tx.row(_HEIR, by)
    heir = customer.customer_id if found is None else found.customer_id
    now = await accounts.load_by_id(tx, heir, lock=False)
    marks = {row.order_id: row.marks for row in await tx.rows(_MARKED, {**by, "customer": heir})}
    if not marks and heir == customer.customer_id:
        return now

    def was_there(item: License | Cover | Choice | Addon) -> bool:
        mine = item.data.get(MARKS, ()) if isinstance(item, Cover) else marks.get(item.order_id, ())
        return owner_then(mine, then, heir) == customer.customer_id

    now.licenses = {key: license_ for key, license_ in now.licenses.items() if was_there(license_)}
    now.covers = {key: cover for key, cover in now.covers.items() if was_there(cover)}
    now.choices = {key: choice for key, choice in now.choices.items() if was_there(choice)}
    now.addons = [addon for addon in now.addons if was_there(addon)]
    return now


async def _last(tx: Tx, stream: str, ids: list[str], at: datetime, known_at: datetime | None) -> dict[str, Any]:
    if not ids:
        return {}
    rows = await tx.rows(_LAST, {"tenant": tx.tenant_id, "stream": stream, "ids": ids, "at": at, "known": known_at})
    return {row.entity_id: row.payload for row in rows}


def _license(license_: License, payload: dict[str, Any]) -> License:
    license_.ordinal, license_.first_order = payload["ordinal"], payload["first_order"]
    license_.ended_at, license_.ended_reason = parse_iso_or_none(payload["ended_at"]), payload["ended_reason"]
    if not payload["registered"]:
        license_.registered_domain = license_.registered_at = None
    return license_


def cover_then(data: dict[str, Any]) -> Cover:
    """A cover from the payload of its event."""
    times = {"granted_at", "starts_at", "ends_at", "suspended_at", "voided_at"}
    values = {key: (parse_iso(value) if key in times and value is not None else value) for key, value in data.items()}
    return accounts.cover_of(values)


def _undone(item: Any, at: datetime) -> bool:
    if item.made_at is not None and item.made_at > at:
        item.option = item.made_at = None
    if item.voided_at is not None and item.voided_at > at:
        item.voided_at = None
    return True


def _undone_addon(item: Any, at: datetime) -> bool:
    if item.voided_at is not None and item.voided_at > at:
        item.voided_at = None
    return True
