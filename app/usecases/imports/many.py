"""Many customers brought in by a few statements: what most lines of a file are.

Here are customers who are not there yet, and licenses, lots and covers of those who are. The rest is brought in
customer by customer (`single`), in the same transaction: tickets, companies, another profile of somebody who is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.db import policies
from app.db.account import many
from app.db.engine import Tx
from app.db.orders import orders
from app.db.plan import write
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Customer
from app.domain.account.profile import Profile
from app.usecases.customers.profiles import changed_members, emit_change
from app.usecases.imports.lines import CUSTOMER, TICKET, Outcome, Row
from app.usecases.imports.single import AccountImport, bring_customer, is_new, profile_of, reconcile_licenses
from app.views.customer import profile_view


async def bring_chunk(tx: Tx, *, chunk: Sequence[Sequence[Row]]) -> list[Outcome]:
    """Bring in the rows of some customers; what became of each. When only checking, none sees what others bring."""
    work = _Chunk(tx)
    found = await work.bring([mine for mine in chunk if _is_plain(mine)])
    for mine in chunk:
        if mine[0].customer_id in work.done:
            continue
        if not tx.validate_only:
            found += await bring_customer(tx, mine)
            continue
        async with tx.connection.begin_nested() as apart:
            found += await bring_customer(tx, mine)
            await apart.rollback()
        tx.caches.clear()
    return found


def _is_plain(rows: Sequence[Row]) -> bool:
    """Whether lines of a customer need nothing of their own: no ticket is opened, no company joined."""
    return not any(row.kind == TICKET or (row.kind == CUSTOMER and "company_id" in row.values) for row in rows)


@dataclass(slots=True)
class _Chunk:
    """Customers who are brought in together. ``done``: those who were, by the vendor's ids."""

    tx: Tx
    done: set[str] = field(default_factory=set)
    made: list[Customer] = field(default_factory=list)
    written: list[CustomerAccount] = field(default_factory=list)

    async def bring(self, customers: Sequence[Sequence[Row]]) -> list[Outcome]:
        """Bring in plain customers; those of whom a line is bad, and some more, are left to be looked at alone."""
        tx = self.tx
        by_name = {rows[0].customer_id: rows for rows in customers}
        known, merged = await many.named(tx, list(by_name))
        loaded = await many.load(tx, list(known.values()), lock=not tx.validate_only)
        linked = await many.linked(tx, [_profile(rows).external_ids for rows in customers])
        found: list[Outcome] = []
        for name, rows in by_name.items():
            if name in known:
                found += await self._known(loaded[known[name].customer_id], rows)
            elif name not in merged:
                found += await self._new(name, rows, linked)
        await many.create(tx, self.made)
        every = {
            account.customer.customer_id: account
            for written in self.written
            for account in (written, *written.others.values())
        }
        if every:
            await write(tx, [(account.plan, account.ledger) for account in every.values()])
        return found

    async def _known(self, account: CustomerAccount, rows: Sequence[Row]) -> list[Outcome]:
        """Take the lines of somebody who is there already."""
        outcomes = []
        before = Profile.of(account.customer.profile)
        for row in rows:
            if row.kind == CUSTOMER:
                if profile_of(row).joined(before) != before:
                    return []
                outcomes.append(Outcome(number=row.number, state="there"))
        brought = await self._account(account, rows, is_made=False)
        if not _is_good(brought):
            return []
        self.done.add(rows[0].customer_id)
        if is_new(brought):
            self.written.append(account)
        return [*outcomes, *brought]

    async def _new(self, name: str, rows: Sequence[Row], linked: set[tuple[str, str]]) -> list[Outcome]:
        """Take the lines of somebody who is not there yet. ``linked``: ids in other systems that are somebody's."""
        account, profile = await many.fresh(self.tx, name), _profile(rows)
        links = set(profile.external_ids.items())
        if links & linked:
            return []
        linked |= links
        changed = changed_members(profile_view(Profile(), None), profile_view(profile, None))
        if says := bool(changed or profile != Profile()):
            account.customer.profile = profile.stored()
            emit_change(account.plan, changed, self.tx.agent)
        brought = await self._account(account, rows, is_made=True)
        if not _is_good(brought):
            return []
        self.done.add(name)
        self.made.append(account.customer)
        if says or brought:
            self.written.append(account)
        return [*(Outcome(number=row.number, state="new") for row in rows if row.kind == CUSTOMER), *brought]

    async def _account(self, account: CustomerAccount, rows: Sequence[Row], *, is_made: bool) -> list[Outcome]:
        """Take the lines of a customer's account, in memory."""
        work = AccountImport(account, await policies.in_force(self.tx, account.at))
        outcomes = work.take_all([row for row in rows if row.kind != CUSTOMER])
        if work.licenses and is_new(outcomes):
            mine = [] if is_made else await orders.of_customer(self.tx, account.customer.customer_id)
            await reconcile_licenses(self.tx, account, mine)
        return outcomes


def _is_good(outcomes: Sequence[Outcome]) -> bool:
    return not any(outcome.state == "bad" for outcome in outcomes)


def _profile(rows: Sequence[Row]) -> Profile:
    """What the lines of a customer say of the person."""
    return next((profile_of(row) for row in rows if row.kind == CUSTOMER), Profile())
