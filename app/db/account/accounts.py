"""Load a customer's account: lock the customer's row, then read the rest in later statements (decision 0003)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from app.db import claims, policies
from app.db.account import account_rows, contacts, counted, customers, lock_statements, parts, people, preload, shown
from app.db.account.account_rows import AccountRows
from app.db.account.parts import AccountPart
from app.db.account.preload import customer_of
from app.db.claims import Claim
from app.db.combined import Select
from app.db.engine import Tx
from app.db.failures import Moved
from app.db.ledger import read as ledger_rows
from app.db.ledger import snapshot, window
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import Plan
from app.domain.account.customer import Addon, Choice, Cover, Customer, License
from app.domain.account.profile import words
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import ShownLots
from app.domain.ledger.recurring import RecurringGrant
from app.domain.ledger.rest import NotLoaded, Rest
from app.domain.orders import merges
from app.domain.policy.credit_rules import CreditRules
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId

Found = dict[str, list[Any]]
"""Rows of further selects, by the selects' names."""
_BY_NAME = text(
    f"select {lock_statements.CUSTOMER} from customer where tenant_id = :tenant and external_id = :external"
)
_BY_ID = text(f"select {lock_statements.CUSTOMER} from customer where tenant_id = :tenant and customer_id = :customer")
_CREATE = text(
    "with made as ("
    "insert into customer (tenant_id, customer_id, external_id, event_sequence, data, profile, created_at)"
    " values (:tenant, :customer, :external, 0, '{}', '{}', :at)"
    f" on conflict (tenant_id, external_id) do nothing returning tenant_id, {lock_statements.CUSTOMER}"
    "), found as ("
    "insert into customer_word (tenant_id, word, customer_id) select t.tenant_id, w.word, made.customer_id"
    " from tenant t join made on made.tenant_id = t.tenant_id, unnest(cast(:words as text[])) as w(word)"
    " where t.tenant_id = :tenant"
    f") select {lock_statements.CUSTOMER} from made"
)
"""With the words by which a search finds the customer (`app.db.account.search`)."""
_LOCK = text(
    f"select {lock_statements.CUSTOMER} from customer where tenant_id = :tenant and customer_id = any(:customers)"
    " order by customer_id for update"
)


async def find_customer(tx: Tx, external_id: str, *, then: datetime | None = None) -> Customer | None:
    """The customer with the vendor's id, not locked; a merged one leads to where it went, by an instant at least."""
    if then is None and (known := preload.named(tx, external_id)) is not None:
        return known
    row = await tx.row(_BY_NAME, {"tenant": tx.tenant_id, "external": external_id})
    while row is not None and row.merged_into is not None:  # no circle: a merge takes living accounts alone
        if then is not None and merges.is_later(row.data, then):
            break
        row = await tx.row(_BY_ID, {"tenant": tx.tenant_id, "customer": row.merged_into})
    # No name leads to an erased customer.
    return None if row is None or row.external_id is None else customer_of(row)


async def customer_by_id(tx: Tx, customer_id: str) -> Customer | None:
    """The customer with our own id, not locked."""
    if (known := preload.preloaded(tx, customer_id)) is not None:
        return deepcopy(known.customer)
    row = await tx.row(_BY_ID, {"tenant": tx.tenant_id, "customer": customer_id})
    return None if row is None else customer_of(row)


async def require_customer(tx: Tx, external_id: str, *, then: datetime | None = None) -> Customer:
    """`find_customer`, or 404 ``customer_not_found``."""
    found = await find_customer(tx, external_id, then=then)
    if found is None:
        raise DomainError("customer_not_found", customer_id=external_id)
    return found


async def ensure_customer(tx: Tx, external_id: str) -> Customer:
    """The customer, made if it is not there yet. Two at once make one."""
    found = await find_customer(tx, external_id)
    if found is not None:
        return found
    await create_customer(tx, external_id)
    found = await find_customer(tx, external_id)
    if found is None:
        raise DomainError("customer_not_found", customer_id=external_id)
    return found


async def create_customer(tx: Tx, external_id: str) -> Customer | None:
    """Create a customer, who is locked then; None where the name is known by now. Two at once make one."""
    by = {"tenant": tx.tenant_id, "customer": tx.mint("cus"), "external": external_id, "at": tx.at}
    row = await tx.row(_CREATE, {**by, "words": words(external_id)})
    return None if row is None else customer_of(row)


async def lock_customers(
    tx: Tx, customer_ids: Sequence[str], *, named: Sequence[str] = (), absorbed: bool = False
) -> dict[str, Customer]:
    """Lock the rows in sorted order, then look: the only way to write on a customer's account (decision 0027).

    Whoever waited for the lock may find that the account went into another one meanwhile. Of customers found by their
    name (``named``), one may have been erased. Then `Moved` lets the whole work begin again, which finds the heir, or
    nobody. It does so once for an account: an id that leads to an absorbed account for good (a lot's) is worked on as
    it stands. ``absorbed``: absorbed accounts are what is wanted.
    """
    rows = await tx.rows(_LOCK, {"tenant": tx.tenant_id, "customers": sorted(set(customer_ids))})
    return {row.customer_id: _looked_at(tx, row, named=named, absorbed=absorbed) for row in rows}


def _looked_at(tx: Tx, row: Any, *, named: Sequence[str] = (), absorbed: bool = False) -> Customer:
    """Return a locked customer, after a look at what became of the account meanwhile (`lock_customers`)."""
    merged = row.merged_into is not None and not absorbed
    erased = row.external_id is None and row.customer_id in named
    if (merged or erased) and row.customer_id not in tx.moved:
        tx.moved.add(row.customer_id)
        raise Moved("an account went into another one meanwhile")
    return customer_of(row)


async def _claim_and_lock(tx: Tx, external_id: str, claim: Claim) -> Customer | None:
    """Claim a key, then find and lock the customer of a name, in one statement; None as `_lock_by_name`."""
    row = await tx.row(
        lock_statements.CLAIM_AND_LOCK, {"tenant": tx.tenant_id, "external": external_id, **claim.parameters}
    )
    if row is None:
        await claims.take(tx, claim)
    return None if row is None else customer_of(row)


async def _lock_by_name(tx: Tx, external_id: str) -> Customer | None:
    """Find and lock the customer of a name in one statement; None where there is none, or it went into another one."""
    row = await tx.row(lock_statements.BY_NAME, {"tenant": tx.tenant_id, "external": external_id})
    return None if row is None else customer_of(row)


async def lock_named(tx: Tx, external_id: str) -> Customer:
    """Lock the customer of a name, without loading the account. 404 ``customer_not_found``."""
    found = (await require_customer(tx, external_id)).customer_id
    return (await lock_customers(tx, [found], named=[found]))[found]


async def load(tx: Tx, external_id: str, *, create: bool = False, policy: Policy | None = None) -> CustomerAccount:
    """Return the customer's account, locked, under ``policy`` or that in force.

    404 ``customer_not_found`` unless ``create``.
    """
    return (await load_with(tx, external_id, (), {}, create=create, policy=policy))[0]


async def load_with(
    tx: Tx,
    external_id: str,
    beside: tuple[Select[Any], ...],
    by: Mapping[str, Any],
    *,
    create: bool = False,
    policy: Policy | None = None,
    claim: Claim | None = None,
    part: AccountPart | None = None,
) -> tuple[CustomerAccount, Found]:
    """`load`, with the rows of further selects of the same snapshot, by the selects' names.

    ``claim``: a natural key that is claimed before the customer is locked. ``part``: as for `load_locked`.
    """
    locked = await (_lock_by_name(tx, external_id) if claim is None else _claim_and_lock(tx, external_id, claim))
    if locked is None and create:
        locked = await create_customer(tx, external_id)
    if locked is None:
        found = await (ensure_customer if create else require_customer)(tx, external_id)
        locked = (await lock_customers(tx, [found.customer_id], named=[found.customer_id]))[found.customer_id]
    return await load_locked(tx, locked, beside, by, policy=policy, part=part)


@dataclass(frozen=True, slots=True)
class TicketOwner:
    """The locked customer of a ticket; ``policy_version``: that of the ticket."""

    customer: Customer
    ticket_id: str
    policy_version: int


async def lock_of_ticket(tx: Tx, external_id: str) -> TicketOwner:
    """Lock the customer of a ticket, named by the helpdesk's id. 404 ``ticket_not_found``."""
    row = await tx.row(lock_statements.OF_TICKET, {"tenant": tx.tenant_id, "external": external_id})
    if row is None:
        raise DomainError("ticket_not_found", ticket_id=external_id)
    return TicketOwner(_looked_at(tx, row), row.ticket_id, row.policy_version)


async def load_locked(
    tx: Tx,
    customer: Customer,
    beside: tuple[Select[Any], ...] = (),
    by: Mapping[str, Any] | None = None,
    *,
    policy: Policy | None = None,
    part: AccountPart | None = None,
) -> tuple[CustomerAccount, Found]:
    """Return the account of a customer locked already, with the rows of further selects of the same snapshot.

    ``part``: what to read of it; None: all. Where a rule would need more, the work begins again and reads all.
    """
    part = await parts.allowed(tx, part, policy)
    rows = await account_rows.read(tx, customer_id=customer.customer_id, beside=beside, by=by, part=part)
    return await account_of(tx, customer, rows, policy=policy, lock=True, part=part), rows.beside


read_of_ticket = account_rows.read_of_ticket


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """What the page of a customer shows.

    ``open_tickets``: rows, newest first. ``shown``: the lots, where the account was read in part.
    """

    account: CustomerAccount
    created_at: datetime
    open_tickets: Sequence[Any]
    shown: ShownLots | None = None


async def load_customer_page(tx: Tx, external_id: str, start: int = 0) -> CustomerPage:
    """Return an account with its open tickets, to read, in one statement. 404 ``customer_not_found``.

    ``start``: the row from which on each list is shown.
    """
    customer = preload.named(tx, external_id)
    if customer is not None and (known := preload.preloaded(tx, customer.customer_id)) is not None:
        account = await account_of(tx, customer, _exported_rows(known), lock=False)
        return CustomerPage(account, known.created_at, known.rows["open_tickets"][: customers.OPEN_TICKETS_MAX])
    part = await parts.allowed(tx, AccountPart(), None)
    by = {"start": start if part else 0, "most": shown.ROWS_MAX if part else customers.OPEN_TICKETS_MAX}
    rows = await account_rows.read(
        tx, external_id=external_id, beside=_page_selects(account_rows.BY_ASKED, part), by=by, part=part
    )
    if rows.customer is None:  # unknown, or merged
        customer_id = (await require_customer(tx, external_id)).customer_id
        rows = await account_rows.read(
            tx, customer_id=customer_id, beside=_page_selects(account_rows.BY_ID, part), by=by, part=part
        )
    if rows.customer is None:
        raise DomainError("customer_not_found", customer_id=external_id)
    snapshot.keep_shown(tx, rows.customer)
    account = await account_of(tx, rows.customer, rows, lock=False, part=part)
    tickets = customers.open_tickets_shown(rows.beside, start if part else 0)
    if part is None:
        return CustomerPage(account, rows.customer.created_at, tickets)
    if account.ledger.due_types():
        raise NotLoaded  # what is due changes what the lots hold
    return CustomerPage(account, rows.customer.created_at, tickets, shown.shown_of(rows.beside, start))


def _page_selects(whose: str, part: AccountPart | None) -> tuple[Select[Any], ...]:
    tickets = _OPEN_TICKETS[whose]
    return tickets if part is None else (*tickets, *_SHOWN_LOTS[whose])


async def look(tx: Tx, external_id: str, *, part: AccountPart | None = None) -> CustomerAccount | None:
    """Return the account of the vendor's customer, to read; None where there is no such customer."""
    if preload.named(tx, external_id) is None:
        part = await parts.allowed(tx, part, None)
        rows = await account_rows.read(tx, external_id=external_id, part=part)
        if rows.customer is not None:
            return await account_of(tx, rows.customer, rows, lock=False, part=part)
    found = await find_customer(tx, external_id)
    return None if found is None else await load_by_id(tx, found.customer_id, lock=False)


_NAMES: Final = (account_rows.BY_ID, account_rows.BY_ASKED)
_OPEN_TICKETS: Final = {whose: customers.open_tickets_of(whose) for whose in _NAMES}
_SHOWN_LOTS: Final = {whose: shown.selects("customer", whose) for whose in _NAMES}


async def look_by_id(
    tx: Tx,
    customer_id: str,
    beside: tuple[Select[Any], ...] = (),
    by: Mapping[str, Any] | None = None,
    *,
    policy: Policy | None = None,
    part: AccountPart | None = None,
) -> tuple[CustomerAccount, Found]:
    """Return the account of a customer by our own id, to read. 404 ``customer_not_found``."""
    part = await parts.allowed(tx, part, policy)
    rows = await account_rows.read(tx, customer_id=customer_id, beside=beside, by=by, part=part)
    if rows.customer is None:
        raise DomainError("customer_not_found", customer_id=customer_id)
    return await account_of(tx, rows.customer, rows, policy=policy, lock=False, part=part), rows.beside


async def load_by_id(
    tx: Tx,
    customer_id: str,
    *,
    lock: bool = True,
    policy: Policy | None = None,
    named: bool = False,
    part: AccountPart | None = None,
) -> CustomerAccount:
    """Return the account of a customer by our own id; ``lock=False`` for reading, ``named`` if found by name.

    ``part``: as for `load_locked`, of an account that is locked.
    """
    if lock:
        customer = (await lock_customers(tx, [customer_id], named=[customer_id] if named else ())).get(customer_id)
        if customer is None:
            raise DomainError("customer_not_found", customer_id=customer_id)
        return (await load_locked(tx, customer, policy=policy, part=part))[0]
    if (known := preload.preloaded(tx, customer_id)) is not None:
        return await account_of(tx, deepcopy(known.customer), _exported_rows(known), policy=policy, lock=False)
    return (await look_by_id(tx, customer_id, policy=policy))[0]


def _exported_rows(known: preload.Preloaded) -> AccountRows:
    """Return the rows of an account that was read together with others."""
    accounts, lots, holds = known.working_ledger()
    licenses, covers, choices, addons, recurring = (known.rows[name] for name in (*preload.TABLES, preload.RECURRING))
    return AccountRows(
        customer=None,
        accounts=accounts,
        lots=lots,
        holds=holds,
        licenses=[License(**_plain(row)) for row in licenses],
        covers=[cover_of(_plain(row)) for row in covers],
        choices=[Choice(**_plain(row)) for row in choices],
        addons=[Addon(**_plain(row)) for row in addons],
        recurring=[RecurringGrant(**deepcopy(_plain(row))) for row in recurring],
    )


async def account_of(
    tx: Tx,
    customer: Customer,
    rows: AccountRows,
    *,
    lock: bool,
    policy: Policy | None = None,
    part: AccountPart | None = None,
) -> CustomerAccount:
    """Return the account that these rows make, under the policy given or in force."""
    at = tx.at if customer.last_at is None else max(tx.at, customer.last_at)
    policy = policy or await policies.in_force(tx, at)
    await ledger_rows.add_lots_of_holds(tx, rows.lots, rows.holds, customer.customer_id)
    ledger = ledger_of(
        tx,
        customer.customer_id,
        (rows.accounts, rows.lots, rows.holds),
        at=at,
        rules=policy.credits,
        command_id=tx.command_id,
        recurring=rows.recurring,
    )
    if part is not None:
        ledger.rest = await _rest(tx, customer.customer_id, rows, part, policy)
    if rows.former:
        await join_former(tx, ledger, rows.former, lock=lock)
    account = CustomerAccount(
        customer=customer,
        policy=policy,
        at=at,
        mint=tx.mint,
        ledger=ledger,
        plan=Plan(customer=customer, at=at, actor=tx.actor),
        licenses={license_.license_id: license_ for license_ in rows.licenses},
        covers={cover.cover_id: cover for cover in rows.covers},
        choices={choice.choice_id: choice for choice in rows.choices},
        addons=rows.addons,
    )
    return await contacts.load(tx, await counted.load(tx, account))


async def _rest(tx: Tx, customer_id: str, rows: AccountRows, part: AccountPart, policy: Policy) -> Rest:
    """Return what was left out of an account that was read in part."""
    if parts.voids_holds(policy):
        raise NotLoaded
    if not part.spends:
        return Rest(unread=True)
    ends = [hold.expires_at for hold in rows.holds.values() if hold.expires_at is not None and hold.open]
    loaded = {customer_id: (rows.accounts, rows.lots, rows.holds)}
    rest = (await window.rests_of(tx, loaded, {customer_id: ends}))[customer_id]
    orders = {*part.orders, *(license_.order_id for license_ in rows.licenses if part.licenses)}
    return replace(rest, orders=frozenset(orders))


async def join_former(tx: Tx, ledger: Ledger, former: Mapping[str, Sequence[str]], *, lock: bool = True) -> None:
    """Attach to a ledger the ledgers of accounts that were merged into it, with these holds of theirs. What comes back
    to them goes on to it. They are locked after it: nobody else writes to an absorbed account.
    """
    missing = sorted(set(former) - set(ledger.former) - {ledger.customer_id})
    if not missing:
        return
    if lock:
        await lock_customers(tx, missing, absorbed=True)
    named = sorted({hold_id for name in missing for hold_id in former[name]})
    loaded = await ledger_rows.load(tx, missing, every_lot=True, open_holds=False, hold_ids=named)
    for customer_id in missing:
        ledger.former[customer_id] = ledger_of(
            tx, customer_id, loaded[customer_id], at=ledger.at, rules=ledger.rules, command_id=ledger.command_id
        )
    if any(lot.moved and lot.spent for _, lots, _ in loaded.values() for lot in lots.values()):
        await ledger_rows.add_claimed(tx, ledger.lots, ledger.customer_id)


def ledger_of(
    tx: Tx,
    customer_id: str,
    loaded: ledger_rows.Loaded,
    *,
    at: datetime,
    rules: CreditRules | None,
    command_id: str | None = None,
    recurring: Sequence[RecurringGrant] | None = (),
) -> Ledger:
    """The working copy of one customer's credits as loaded, at an instant under these rules. ``command_id``: that of
    the command which the next operations belong to. ``recurring``: the recurring grants; None: they were not read."""
    accounts, lots, holds = loaded
    ledger = Ledger(
        customer_id=CustomerId(customer_id),
        at=at,
        rules=rules,
        accounts=accounts,
        lots=lots,
        holds=holds,
        mint=tx.mint,
        command_id=command_id,
    )
    ledger.recurring = None if recurring is None else {grant.grant_id: grant for grant in recurring}
    return ledger


def same_time(*accounts: CustomerAccount) -> None:
    """What several customers do together happens at one instant, the latest of theirs."""
    at = max(account.at for account in accounts)
    for account in accounts:
        account.at = account.plan.at = account.ledger.at = at
        for former in account.ledger.former.values():
            former.at = at


async def heir(tx: Tx, customer_id: str) -> str:
    """Where a merged account's things go by now; the account itself when it was not merged."""
    return (await people.living(tx, [customer_id])).get(customer_id, (customer_id, None))[0]


def empty_account(tx: Tx, policy: Policy, external_id: str) -> CustomerAccount:
    """The account of somebody we have never seen, for questions that store nothing."""
    customer = Customer(customer_id="cus_unknown", external_id=external_id)  # type: ignore[arg-type]
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
