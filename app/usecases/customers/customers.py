"""Customers: what a sidebar shows, search, export, erasure, and merging two accounts into one."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import cast

from app.db import policies
from app.db.account import accounts, asked, customers, erasure, named_elsewhere, parts, people, search
from app.db.engine import Tx
from app.db.events import events
from app.db.failures import Moved
from app.db.inbound import inbox
from app.db.orders import orders
from app.db.plan import write
from app.db.tenants import audit_trail
from app.db.webhooks import upkeep
from app.domain.account import contacts, extension, first_tickets, hosts, plan_credits, recurring
from app.domain.account.changes import AuditRow
from app.domain.account.customer import Customer
from app.domain.account.profile import Profile
from app.domain.cover import start as cover_start
from app.domain.ledger import account_merge as merging
from app.domain.orders import grants as granting
from app.domain.orders import licenses
from app.domain.tickets import breach_credits
from app.domain.values.errors import DomainError
from app.domain.values.paging import Page, PageRequest
from app.domain.values.wire import iso, jsonable
from app.usecases.customers import belonging
from app.usecases.steps import reconcile_orders
from app.usecases.steps.order_answers import keep_answers
from app.views.customer import Customer as CustomerView
from app.views.customer import (
    CustomerExport,
    CustomerRow,
    Erasure,
    ExportedCustomer,
    ExportedRows,
    customer_view,
    profile_view,
)


async def search_customers(tx: Tx, part: PageRequest, *, query: str | None = None) -> Page[CustomerRow]:
    """Customers by what they say of themselves, or by an order, license, domain or ticket of theirs."""
    found, following = await search.search(tx, query, part)
    companies = await people.living(tx, [row.company_id for row in found if row.company_id is not None])
    views: list[CustomerRow] = [
        {
            **profile_view(Profile.of(row.profile), companies.get(row.company_id or "", (None, None))[1]),
            "customer_id": row.external_id,
            "created_at": iso(row.created_at),
        }
        for row in found
    ]
    return Page(views, [row.key for row in found], following)


async def get_customer(tx: Tx, customer_id: str, *, start: int = 0) -> CustomerView:
    """All a sidebar shows in one answer: licenses, covers, lots and balances, open choices and open tickets.

    ``start``: the row from which on each list is shown; long lists have the rows of one page.
    """

    async def found() -> CustomerView:
        page = await accounts.load_customer_page(tx, customer_id, start)
        return customer_view(
            page.account,
            customer_id=customer_id,
            company_id=await people.company_name(tx, page.account.customer.company_id),
            created_at=iso(page.created_at),
            open_tickets=customers.open_ticket_views(page.open_tickets),
            shown=page.shown,
        )

    return await parts.first_in_part(tx, found)


async def export_customer(tx: Tx, customer_id: str) -> CustomerExport:
    """All that is kept about a customer, row by row, in the words of the tables (TERMS-23)."""
    customer = await accounts.require_customer(tx, customer_id)
    found = await customers.everything(tx, customer.customer_id)
    for name, rows in (await customers.asked_elsewhere(tx, customer.customer_id)).items():
        found[name] += rows
    for former in await customers.merged_from(tx, customer.customer_id):
        for name, rows in (await customers.everything(tx, former)).items():
            found[name] += rows
    exported: ExportedCustomer = {
        "surrogate_id": customer.customer_id,
        "profile": jsonable(customer.profile),
        "company_id": await people.company_name(tx, customer.company_id),
        "facts": jsonable(customer.data),
        "last_at": None if customer.last_at is None else iso(customer.last_at),
    }
    return {**cast(ExportedRows, found), "customer_id": customer_id, "exported_at": iso(tx.at), "customer": exported}


async def erase_customer(tx: Tx, customer_id: str) -> Erasure:
    """Removes the customer's names with the ledger's arithmetic intact; afterwards the id is unknown (404), and one
    that appears again is a new customer. A person's words go from the tickets that a company pays for, too."""
    mine, others = await _lock_to_erase(tx, customer_id)
    account = await accounts.load_by_id(tx, mine)
    account.customer.profile = {}
    account.customer.data = {name: value for name, value in account.customer.data.items() if name != hosts.BY_HOST}
    account.emit("customer.erased", {})
    await write(tx, [(account.plan, None)])
    if not tx.validate_only:
        # All names of the person go: the accounts that were merged into this one held names of theirs.
        formers = await customers.merged_from(tx, mine)
        for former in formers:
            await accounts.lock_customers(tx, [former], absorbed=True)
        names = {former: await customers.name_of(tx, former) for former in formers}
        names[mine] = account.customer.external_id
        known = [name for name in names.values() if name is not None]
        await asked.unname_company(tx, [*formers, mine], known)
        await named_elsewhere.unname(tx, others, known)
        changed = await erasure.erase(tx, [*formers, mine])
        for former, name in names.items():
            await events.erase(tx, [*formers, mine], name)
            await _erase_names(tx, former, name, account.at)
        await people.forget(tx, [*formers, mine])
        await erasure.forget_dismissals(tx, [*formers, mine])
        await audit_trail.note(tx, "customer.erased", mine, {"rows": changed}, at=account.at)
    return {"customer_id": customer_id, "erased": True, "erased_at": iso(account.at)}


async def _lock_to_erase(tx: Tx, customer_id: str) -> tuple[str, list[str]]:
    """Lock the customer and the accounts on which it may ask tickets, so that none is opened meanwhile.

    Those whose rows may name it are locked, too. Returns our ids: of the customer, and of these last.
    """
    customer = await accounts.require_customer(tx, customer_id)
    mine = customer.customer_id
    payers = await people.payers(tx, [mine])
    if customer.company_id is not None:
        payers.add((await people.living(tx, [customer.company_id]))[customer.company_id][0])
    family = [*await customers.merged_from(tx, mine), mine]
    others = await named_elsewhere.counterparts(tx, family)
    locked = await accounts.lock_customers(tx, [mine, *payers, *others], named=[mine])
    if locked[mine].company_id != customer.company_id or not await people.payers(tx, [mine]) <= locked.keys():
        raise Moved("the customer went to another company meanwhile")
    if not set(await named_elsewhere.counterparts(tx, family)) <= locked.keys():
        raise Moved("credits came from somebody meanwhile")
    return mine, others


async def _erase_names(tx: Tx, customer_id: str, external_id: str | None, at: datetime) -> None:
    for erase in (upkeep.erase, inbox.erase):
        await erase(tx, customer_id, external_id)
    await customers.erase(tx, customer_id, external_id, at)


async def merge_customers(tx: Tx, customer_id: str, *, into_customer_id: str) -> CustomerView:
    """Merges one account into another: what hangs on it moves, whole lots by paired entries, licenses are ranked anew.
    Names, e-mail addresses and ids in other systems are taken over.

    An account that is not known yet is made: a guest who opened one has bought nothing with it so far.

    Open tickets and holds move as they stand. Refused:

    - ``merge_into_itself`` (422)
    - ``merge_blocked`` (409): a payment dispute, or a hold that was captured in part, sets credits of the account aside
    - ``company_of_company`` (409): a company would come to belong to another one
    """
    source, target = (
        await accounts.require_customer(tx, customer_id),
        await accounts.ensure_customer(tx, into_customer_id),
    )
    if source.customer_id == target.customer_id:
        raise DomainError("merge_into_itself", field="into_customer_id", customer_id=customer_id)
    both = [source.customer_id, target.customer_id]
    companies = await people.living(
        tx, [customer.company_id for customer in (source, target) if customer.company_id is not None]
    )
    beside = {place[0] for place in companies.values()} | await people.payers(tx, [source.customer_id])
    locked = await accounts.lock_customers(tx, [*both, *beside], named=both)
    if not await people.payers(tx, [source.customer_id]) <= locked.keys() or any(
        locked[customer.customer_id].company_id != customer.company_id for customer in (source, target)
    ):
        raise Moved("one of the two went to another company meanwhile")
    tx.customer_id = target.customer_id
    giver, taker = (
        await accounts.load_by_id(tx, source.customer_id),
        await accounts.load_by_id(tx, target.customer_id),
    )
    accounts.same_time(giver, taker)
    if blocked := merging.in_the_way(giver.ledger):
        held = sum(hold.open for hold in blocked)
        raise DomainError("merge_blocked", held=held, hold_ids=sorted(hold.hold_id for hold in blocked))
    company = await belonging.after_merge(tx, giver.customer, taker.customer, companies)
    profile = Profile.of(taker.customer.profile).joined(Profile.of(giver.customer.profile))
    giver.customer.profile, taker.customer.profile = {}, profile.stored()
    first_tickets.merge_into(taker.customer.data, giver.customer.data)
    contacts.merge_into(taker.customer.data, giver.customer.data)
    breach_credits.carry_into(taker, giver)
    again = recurring.grants_of(giver)
    for lot in merging.merge_into(giver.ledger, taker.ledger):
        granting.schedule_lot(taker, lot)
    recurring.merged(taker, again)
    extension.follow_purchases(taker)
    giver.plan.agent = taker.plan.agent = tx.agent
    giver.emit("customer.merged", {"into": into_customer_id})
    taker.emit("customer.merged", {"from": customer_id})
    taker.plan.audit.append(
        AuditRow(
            action="customer.merged",
            subject=target.customer_id,
            data={"from": source.customer_id, **({} if tx.agent is None else {"acting_agent": dict(tx.agent)})},
        )
    )
    await write(tx, [(giver.plan, giver.ledger), (taker.plan, taker.ledger)])
    if not tx.validate_only:
        await customers.merge(tx, source.customer_id, target.customer_id, taker.at)
        await people.join(tx, source.customer_id, target.customer_id, company)
        await _rank(tx, target)
    return {**await get_customer(tx, into_customer_id), "merged_from": customer_id}


async def _rank(tx: Tx, target: Customer) -> None:
    """Ranks the licenses of both accounts as one; an order's lots stay with the account that they were granted to."""
    account = await accounts.load_by_id(tx, target.customer_id)
    mine = await orders.of_customer(tx, target.customer_id)
    plan_credits.follow_all_plans(account)
    if mine:
        terms = await policies.terms(tx)

        def ranked() -> None:
            licenses.rank(account, mine, terms)
            licenses.reclass(account, mine, terms)
            cover_start.bring_forward(account, terms)

        await reconcile_orders.apart(account, mine, ranked)
        # What needed a license that the other account held.
        await reconcile_orders.reconcile_grants(tx, account, mine, terms)
        await reconcile_orders.apart(account, mine, partial(keep_answers, account, mine))
    await write(tx, [(account.plan, account.ledger)])
