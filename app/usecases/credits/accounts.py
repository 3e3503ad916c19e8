"""What a customer's account shows: balance, entries and statement, now or as of any instant in both times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from app.db import policies
from app.db.account import accounts, parts, shown
from app.db.account import statement as statements
from app.db.engine import Tx
from app.db.ledger import read as rows
from app.db.ledger import recurring, window
from app.domain.account.customer import Customer
from app.domain.ledger.expiry import refresh_expiry
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.line import Line, StatementPage, due_lines
from app.domain.ledger.lot import Account, Lot
from app.domain.ledger.rest import NotLoaded, Rest
from app.domain.ledger.suspension import suspended
from app.domain.orders import merges
from app.domain.policy.policy import Label, Policy
from app.domain.values.errors import DomainError
from app.domain.values.ids import LotId
from app.domain.values.paging import Page, PageRequest
from app.domain.values.wire import iso
from app.views.balance import Balance, balance_view
from app.views.lot import Lot as LotShown
from app.views.lot import lot_view
from app.views.statement import Entry, Statement, entry_view, statement_view

_NUMBER: Final = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
LINES_MAX = 20_000
"""Entries a statement shows one by one; earlier ones stand in one row a part, so that the sums still meet."""


async def balance(
    tx: Tx, customer_id: str, *, as_of: datetime | None = None, known_at: datetime | None = None, start: int = 0
) -> Balance:
    """The balance of a customer, exact at the instant whatever any sweep has done. 404 ``customer_not_found``.

    ``start``: the lot from which on they are shown; of many lots it has those of one page.
    """
    if as_of is None and known_at is None:
        return await parts.first_in_part(tx, lambda: _balance_now(tx, customer_id, start))
    customer = await accounts.require_customer(tx, customer_id, then=merges.asked_of(as_of, known_at))
    ledger, policy, at = await _ledger(tx, customer, as_of, known_at)
    body = balance_view(ledger, customer_id=customer_id, at=at, policy=policy)
    if known_at is not None:
        body["known_at"] = iso(known_at)
    return body


async def balances(tx: Tx, customer_ids: Sequence[str]) -> list[Balance | DomainError]:
    """The balances of many customers now, in a few statements; ``customer_not_found`` in place of an unknown one."""
    found = await rows.customers(tx, customer_ids)
    ids = [row.customer_id for row in found.values() if row.merged_into is None]
    loaded, large = await window.load_small(tx, ids) if not tx.whole else (await rows.load(tx, ids), [])
    policy = await policies.in_force(tx)
    again = await recurring.load(tx, ids)
    answers: list[Balance | DomainError] = []
    for name in customer_ids:
        row = found.get(name)
        if row is None:
            answers.append(DomainError("customer_not_found", customer_id=name))
        elif row.merged_into is not None or row.customer_id in large:
            answers.append(await balance(tx, name))
        else:
            at = tx.at if row.last_at is None else max(tx.at, row.last_at)
            ledger = accounts.ledger_of(
                tx,
                row.customer_id,
                loaded[row.customer_id],
                at=at,
                rules=policy.credits,
                recurring=again[row.customer_id],
            )
            answers.append(balance_view(ledger, customer_id=name, at=at, policy=policy))
    return answers


async def _balance_now(tx: Tx, named: str, start: int) -> Balance:
    """The balance now: of a large account in part, with the lots of one page."""
    if not tx.whole and (read := await shown.balance(tx, named, start)) is not None:
        ledger, policy, at = await _nothing_due(tx, read.customer, read.ledger, read.rest)
        return balance_view(ledger, customer_id=named, at=at, policy=policy, lots=read.lots)
    customer = await accounts.require_customer(tx, named)  # or it was merged
    if tx.whole:
        ledger, policy, at = await _ledger(tx, customer, None, None)
        return balance_view(ledger, customer_id=named, at=at, policy=policy)
    ledger, policy, at = await _ledger_in_part(tx, customer)
    lots = await shown.lots(tx, customer.customer_id, start)
    return balance_view(ledger, customer_id=named, at=at, policy=policy, lots=lots)


async def entries(
    tx: Tx, customer_id: str, *, as_of: datetime | None = None, known_at: datetime | None = None, part: PageRequest
) -> Page[Entry]:
    """A part of the ledger by credit type, version and line. 404 ``customer_not_found``."""
    customer = await accounts.require_customer(tx, customer_id, then=merges.asked_of(as_of, known_at))
    found, more = await rows.page(tx, customer.customer_id, at=as_of, known_at=known_at, part=part)
    names = await _names(tx, found)
    views = [entry_view(line, ticket_names=names) for line in found]
    return part.page_of(found, more, views, lambda line: [line.credit_type, line.account_version, line.line_no])


async def entry(tx: Tx, entry_id: str, *, as_of: datetime | None = None, known_at: datetime | None = None) -> Entry:
    """One line of the ledger. 404 ``entry_not_found``, also for what had not happened or was not recorded then."""
    operation_id, _, number = entry_id.rpartition(":")
    found = await rows.line(tx, operation_id, int(number)) if _NUMBER.match(number) else None
    if found is None:
        raise DomainError("entry_not_found", entry_id=entry_id)
    line, owner = found
    late = (as_of is not None and line.effective_at > as_of) or (known_at is not None and line.recorded_at > known_at)
    if late:
        raise DomainError("entry_not_found", entry_id=entry_id)
    customer = (await accounts.load_by_id(tx, owner, lock=False)).customer
    return {**entry_view(line, ticket_names=await _names(tx, [line])), "customer_id": customer.external_id}


async def lot(tx: Tx, lot_id: str, *, as_of: datetime | None = None, known_at: datetime | None = None) -> LotShown:
    """A lot now or as it stood. 404 ``lot_not_found``, also where it was not there yet."""
    owner = await rows.lot_owner(tx, lot_id)
    if owner is None:
        raise DomainError("lot_not_found", lot_id=lot_id)
    customer = (await accounts.load_by_id(tx, owner, lock=False)).customer
    ledger, _, at = await _ledger(tx, customer, as_of, known_at)
    found = ledger.lots.get(LotId(lot_id))
    if found is None and as_of is None and known_at is None:  # nothing is left of it
        found = (await rows.lots(tx, [lot_id])).get(lot_id)
    if found is None:
        raise DomainError("lot_not_found", lot_id=lot_id)
    return {**lot_view(found, at, suspended(ledger).get(lot_id, 0)), "customer_id": customer.external_id}


async def statement(
    tx: Tx, customer_id: str, *, as_of: datetime | None = None, known_at: datetime | None = None, start: int = 0
) -> Statement:
    """The account page in three parts whose sums meet the balance (XC-13). 404 ``customer_not_found``.

    ``start``: the row from which on each part is shown; a long part has the rows of one page.
    """
    if as_of is not None or known_at is not None:
        customer = await accounts.require_customer(tx, customer_id, then=merges.asked_of(as_of, known_at))
        return await _statement(tx, customer, customer_id, as_of, known_at)
    return await parts.first_in_part(tx, lambda: _statement_now(tx, customer_id, start))


async def _statement_now(tx: Tx, named: str, start: int) -> Statement:
    """The account page now: the rows of one page, and totals of the account's own sums."""
    if tx.whole:
        return await _statement(tx, await accounts.require_customer(tx, named), named, None, None)
    read = await statements.read(tx, start, external_id=named)
    if read is None:  # unknown, or merged
        customer_id = (await accounts.require_customer(tx, named)).customer_id
        read = await statements.read(tx, start, customer_id=customer_id)
    if read is None:
        raise DomainError("customer_not_found", customer_id=named)
    ledger, policy, at = await _nothing_due(tx, read.customer, read.ledger, read.rest)
    lines = sorted(read.lines, key=_place)
    return _statement_view(
        lines,
        ledger,
        policy,
        at,
        named,
        lots=await _lots(tx, lines, ledger, read.lots),
        ticket_names=read.ticket_names,
        askers=read.askers,
        sums=ledger.accounts.values(),
        page=read.page,
    )


async def _ledger_in_part(tx: Tx, customer: Customer) -> tuple[Ledger, Policy, datetime]:
    """An account in part, in which nothing is due: else what its lots hold has to be seen."""
    loaded, rest = (await window.load(tx, [customer.customer_id]))[customer.customer_id]
    return await _nothing_due(tx, customer, loaded, rest)


async def _nothing_due(tx: Tx, customer: Customer, loaded: rows.Loaded, rest: Rest) -> tuple[Ledger, Policy, datetime]:
    """Return a ledger read in part, with its policy and instant; `NotLoaded` where something is due in it."""
    at = tx.at if customer.last_at is None else max(tx.at, customer.last_at)
    policy = await policies.in_force(tx, at)
    unread = await recurring.unread(tx)
    ledger = accounts.ledger_of(tx, customer.customer_id, loaded, at=at, rules=policy.credits, recurring=unread)
    ledger.rest = rest
    if ledger.due_types():
        raise NotLoaded
    return ledger, policy, at


async def _statement(
    tx: Tx, customer: Customer, customer_id: str, as_of: datetime | None, known_at: datetime | None
) -> Statement:
    ledger, policy, at = await _ledger(tx, customer, as_of, known_at)
    lines = await rows.latest(tx, customer.customer_id, at=as_of, known_at=known_at, limit=LINES_MAX)
    complete = len(lines) < LINES_MAX
    lines += due_lines(ledger, at)
    lines.sort(key=_place)
    lots = await _lots(tx, lines, ledger)
    sums = None if complete else ledger.accounts.values()
    return _statement_view(
        lines,
        ledger,
        policy,
        at,
        customer_id,
        lots=lots,
        ticket_names=await _names(tx, lines),
        askers=await rows.askers(tx, sorted({line.ticket_id for line in lines if line.ticket_id})),
        sums=sums,
    )


def _place(line: Line) -> tuple[datetime, str, int, int]:
    """Return where a line stands in a statement."""
    return line.effective_at, line.credit_type, line.account_version, line.line_no


def _statement_view(
    lines: list[Line],
    ledger: Ledger,
    policy: Policy,
    at: datetime,
    customer_id: str,
    *,
    lots: dict[str, Lot],
    ticket_names: dict[str, str],
    askers: dict[str, str | None],
    sums: Iterable[Account] | None,
    page: StatementPage | None = None,
) -> Statement:
    return statement_view(
        lines,
        page=page,
        customer_id=customer_id,
        held=sum(account.held for account in ledger.accounts.values()),
        at=at,
        unit=_unit(policy),
        lots=lots,
        ticket_names=ticket_names,
        askers=askers,
        labels={
            key: label.text if isinstance(label, Label) else label
            for key, label in policy.labels.items()
            if key.startswith("statement.")
        },
        accounts=sums,
        expiries=policy.expiry_clauses(),
    )


async def _ledger(
    tx: Tx, customer: Customer, as_of: datetime | None, known_at: datetime | None
) -> tuple[Ledger, Policy, datetime]:
    now = tx.at if customer.last_at is None else max(tx.at, customer.last_at)
    at = as_of or now
    policy = await policies.in_force(tx, at)
    mine = customer.customer_id
    if as_of is None and known_at is None:
        loaded = (await rows.load(tx, [mine]))[mine]
        again = (await recurring.load(tx, [mine]))[mine]
    else:
        loaded = await rows.load_as_of(tx, mine, at=at, known_at=known_at)
        again = await recurring.load_as_of(tx, mine, at=at, known_at=known_at)
    ledger = accounts.ledger_of(tx, mine, loaded, at=at, rules=policy.credits, recurring=again)
    if as_of is not None or known_at is not None:
        for credit_type in ledger.accounts:
            refresh_expiry(ledger, credit_type)
    return ledger, policy, at


async def _names(tx: Tx, lines: Iterable[Line]) -> dict[str, str]:
    ticket_ids = sorted({line.ticket_id for line in lines if line.ticket_id})
    return await rows.ticket_names(tx, ticket_ids) if ticket_ids else {}


async def _lots(
    tx: Tx, lines: Iterable[Line], ledger: Ledger, known: Mapping[str, Lot] | None = None
) -> dict[str, Lot]:
    """Return the ledger's lots with those that the lines name; ``known``: some that were read already."""
    found: dict[str, Lot] = {**(known or {}), **ledger.lots}
    lot_ids = sorted({line.lot_id for line in lines} - set(found))
    return {**found, **(await rows.lots(tx, lot_ids) if lot_ids else {})}


def _unit(policy: Policy) -> str | None:
    return policy.unit.many if policy.unit else None
