"""Load a customer's account: lock the customer's row, then read the rest in later statements (decision 0003)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.db import ledger as ledger_rows
from app.db import policies, preload
from app.db import schema as s
from app.db.engine import Moved, Tx
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import Plan
from app.domain.account.customer import Addon, Choice, Cover, Customer, License
from app.domain.ledger.ledger import Ledger
from app.domain.policy.credit_rules import CreditRules
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId

_CUSTOMER = (
    s.customer.c.customer_id,
    s.customer.c.external_id,
    s.customer.c.last_at,
    s.customer.c.event_sequence,
    s.customer.c.data,
    s.customer.c.profile,
    s.customer.c.merged_into,
)


def _customer(row: Any) -> Customer:
    return Customer(
        customer_id=row.customer_id,
        external_id=row.external_id,
        last_at=row.last_at,
        event_sequence=row.event_sequence,
        data=dict(row.data),
        profile=dict(row.profile),
    )


async def find_customer(tx: Tx, external_id: str) -> Customer | None:
    """The customer with the vendor's id, not locked; a merged one leads to where it went."""
    if (known := preload.named(tx, external_id)) is not None:
        return known
    row = await tx.row(
        select(*_CUSTOMER).where(s.customer.c.tenant_id == tx.tenant_id, s.customer.c.external_id == external_id)
    )
    while row is not None and row.merged_into is not None:  # no circle: a merge takes living accounts alone
        row = await tx.row(
            select(*_CUSTOMER).where(
                s.customer.c.tenant_id == tx.tenant_id, s.customer.c.customer_id == row.merged_into
            )
        )
    # No name leads to an erased customer.
    return None if row is None or row.external_id is None else _customer(row)


async def customer_by_id(tx: Tx, customer_id: str) -> Customer | None:
    """The customer with our own id, not locked."""
    if (known := preload.preloaded(tx, customer_id)) is not None:
        return deepcopy(known.customer)
    row = await tx.row(
        select(*_CUSTOMER).where(s.customer.c.tenant_id == tx.tenant_id, s.customer.c.customer_id == customer_id)
    )
    return None if row is None else _customer(row)


async def require_customer(tx: Tx, external_id: str) -> Customer:
    """`find_customer`, or 404 ``customer_not_found``."""
    found = await find_customer(tx, external_id)
    if found is None:
        raise DomainError("customer_not_found", customer_id=external_id)
    return found


async def ensure_customer(tx: Tx, external_id: str) -> Customer:
    """The customer, made if it is not there yet. Two at once make one."""
    found = await find_customer(tx, external_id)
    if found is not None:
        return found
    await tx.execute(
        insert(s.customer)
        .values(
            tenant_id=tx.tenant_id,
            customer_id=tx.mint("cus"),
            external_id=external_id,
            event_sequence=0,
            data={},
            profile={},
            created_at=tx.at,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "external_id"])
    )
    found = await find_customer(tx, external_id)
    if found is None:
        raise DomainError("customer_not_found", customer_id=external_id)
    return found


async def lock_customers(
    tx: Tx, customer_ids: Sequence[str], *, named: Sequence[str] = (), absorbed: bool = False
) -> dict[str, Customer]:
    """Lock the rows in sorted order, then look: the only way to write on a customer's account (decision 0027).

    Whoever waited for the lock may find that the account went into another one meanwhile, or, of those that were found
    by their name (``named``), that the customer was erased. Then `Moved` lets the whole work begin again, which finds
    the heir, or nobody. It does so once for an account: an id that leads to an absorbed account for good (a lot's) is
    worked on as it stands. ``absorbed``: absorbed accounts are what is wanted.
    """
    rows = await tx.rows(
        select(*_CUSTOMER)
        .where(s.customer.c.tenant_id == tx.tenant_id, s.customer.c.customer_id.in_(sorted(set(customer_ids))))
        .order_by(s.customer.c.customer_id)
        .with_for_update()
    )
    for row in rows:
        merged = row.merged_into is not None and not absorbed
        erased = row.external_id is None and row.customer_id in named
        if (merged or erased) and row.customer_id not in tx.moved:
            tx.moved.add(row.customer_id)
            raise Moved("an account went into another one meanwhile")
    return {row.customer_id: _customer(row) for row in rows}


async def lock_named(tx: Tx, external_id: str) -> Customer:
    """Lock the customer of a name, without loading the account. 404 ``customer_not_found``."""
    found = (await require_customer(tx, external_id)).customer_id
    return (await lock_customers(tx, [found], named=[found]))[found]


async def load(tx: Tx, external_id: str, *, create: bool = False, policy: Policy | None = None) -> CustomerAccount:
    """Return the customer's account, locked, under ``policy`` or that in force. 404 ``customer_not_found`` unless
    ``create``."""
    customer = await (ensure_customer if create else require_customer)(tx, external_id)
    return await load_by_id(tx, customer.customer_id, policy=policy, named=True)


async def load_by_id(
    tx: Tx, customer_id: str, *, lock: bool = True, policy: Policy | None = None, named: bool = False
) -> CustomerAccount:
    """Return the account of a customer by our own id; ``lock=False`` for reading, ``named`` if found by name."""
    if lock:
        locked = await lock_customers(tx, [customer_id], named=[customer_id] if named else ())
        customer = locked.get(customer_id)
    else:
        customer = await customer_by_id(tx, customer_id)
    if customer is None:
        raise DomainError("customer_not_found", customer_id=customer_id)
    at = tx.at if customer.last_at is None else max(tx.at, customer.last_at)
    policy = policy or await policies.in_force(tx, at)
    known = None if lock else preload.preloaded(tx, customer_id)
    former: dict[str, list[str]] = {}
    if known is not None:
        loaded = known.working_ledger()
        found: list[Sequence[Any]] = [known.rows[name] for name in preload.TABLES]
    else:
        loaded = await ledger_rows.load_all(tx, customer_id, former)
        found = await _rows_of(tx, customer_id)
    licenses, covers, choices, addons = found
    ledger = ledger_of(tx, customer_id, loaded, at=at, rules=policy.credits, command_id=tx.command_id)
    if former:
        await join_former(tx, ledger, former, lock=lock)
    return CustomerAccount(
        customer=customer,
        policy=policy,
        at=at,
        mint=tx.mint,
        ledger=ledger,
        plan=Plan(customer=customer, at=at, actor=tx.actor),
        licenses={row.license_id: License(**_plain(row)) for row in licenses},
        covers={row.cover_id: cover_of(_plain(row)) for row in covers},
        choices={row.choice_id: Choice(**_plain(row)) for row in choices},
        addons=[Addon(**_plain(row)) for row in addons],
    )


async def join_former(tx: Tx, ledger: Ledger, former: Mapping[str, Sequence[str]], *, lock: bool = True) -> None:
    """Hangs on a ledger those of accounts that were merged into it, with these holds of theirs: what comes back to them
    goes on to it. They are locked after it: nobody else writes to an absorbed account."""
    wanted = sorted(set(former) - set(ledger.former) - {ledger.customer_id})
    if not wanted:
        return
    if lock:
        await lock_customers(tx, wanted, absorbed=True)
    named = sorted({hold_id for one in wanted for hold_id in former[one]})
    loaded = await ledger_rows.load(tx, wanted, every_lot=True, open_holds=False, hold_ids=named)
    for customer_id in wanted:
        ledger.former[customer_id] = ledger_of(
            tx, customer_id, loaded[customer_id], at=ledger.at, rules=ledger.rules, command_id=ledger.command_id
        )


def ledger_of(
    tx: Tx,
    customer_id: str,
    loaded: ledger_rows.Loaded,
    *,
    at: datetime,
    rules: CreditRules | None,
    command_id: str | None = None,
) -> Ledger:
    """The working copy of one customer's credits as loaded, at an instant under these rules. ``command_id``: that of
    the command which the next operations belong to."""
    accounts, lots, holds = loaded
    return Ledger(
        customer_id=CustomerId(customer_id),
        at=at,
        rules=rules,
        accounts=accounts,
        lots=lots,
        holds=holds,
        mint=tx.mint,
        command_id=command_id,
    )


def same_time(*accounts: CustomerAccount) -> None:
    """What several customers do together happens at one instant, the latest of theirs."""
    at = max(account.at for account in accounts)
    for account in accounts:
        account.at = account.plan.at = account.ledger.at = at
        for former in account.ledger.former.values():
            former.at = at


async def heir(tx: Tx, customer_id: str) -> str:
    """Where a merged account's things go by now; the account itself when it was not merged."""
    while True:
        row = await tx.row(
            select(s.customer.c.merged_into).where(
                s.customer.c.tenant_id == tx.tenant_id, s.customer.c.customer_id == customer_id
            )
        )
        if row is None or row[0] is None:
            break
        customer_id = str(row[0])
    return customer_id


async def _rows_of(tx: Tx, customer_id: str) -> list[Sequence[Any]]:
    by_customer = {"tenant_id": tx.tenant_id, "customer_id": customer_id}
    return [await tx.rows(one, by_customer) for one in (_LICENSES, _COVERS, _CHOICES, _ADDONS)]


def empty_account(tx: Tx, policy: Policy, external_id: str) -> CustomerAccount:
    """Return the account of somebody we have never seen, for questions that store nothing."""
    customer = Customer(customer_id="cus_unknown", external_id=external_id, is_new=True)  # type: ignore[arg-type]
    return CustomerAccount(
        customer=customer,
        policy=policy,
        at=tx.at,
        mint=tx.mint,
        ledger=ledger_of(tx, customer.customer_id, ({}, {}, {}), at=tx.at, rules=policy.credits),
        plan=Plan(customer=customer, at=tx.at, actor=tx.actor),
    )


def cover_of(values: dict[str, Any]) -> Cover:
    """A cover from its row."""
    return Cover(**{**values, "levels": tuple(values["levels"]), "actions": tuple(values["actions"])})


def _plain(row: Any) -> dict[str, Any]:
    values = dict(row._mapping)
    values.pop("tenant_id", None)
    return values


def _of_customer(table: Any) -> Any:
    return select(table).where(table.c.tenant_id == text(":tenant_id"), table.c.customer_id == text(":customer_id"))


_LICENSES = _of_customer(s.license_)
_COVERS = _of_customer(s.cover)
_CHOICES = _of_customer(s.choice)
_ADDONS = _of_customer(s.addon)


async def touch(tx: Tx, customer: Customer, *, at: Any) -> None:
    """Writes back the locked row: last_at, the event sequence, recorded facts and the profile."""
    await tx.execute(
        update(s.customer)
        .where(s.customer.c.tenant_id == tx.tenant_id, s.customer.c.customer_id == customer.customer_id)
        .values(last_at=at, event_sequence=customer.event_sequence, data=customer.data, profile=customer.profile)
    )
