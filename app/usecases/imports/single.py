"""One customer brought in after another: what a line says of it, its licenses, lots and covers, then its tickets.

Imported licenses count among the customer's licenses by ``placed_at``. They grant nothing by themselves: what is left
of their credits and periods comes as rows of its own. Open tickets are opened as a helpdesk would, as of when they were
opened elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.db import policies
from app.db.account import accounts, people
from app.db.engine import Tx
from app.db.orders import orders
from app.db.plan import write_account
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import License, Order
from app.domain.account.profile import Profile
from app.domain.cover import cover as covers
from app.domain.orders import grants as granting
from app.domain.orders import lines as order_lines
from app.domain.policy.offers import CoverGrant, NotGranted
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.ids import LicenseId, LineId, OrderId
from app.domain.values.money import Money
from app.usecases.customers import profiles
from app.usecases.imports.lines import CUSTOMER, KINDS, TICKET, BadLineError, Outcome, Row
from app.usecases.steps import reconcile_orders
from app.usecases.tickets import tickets

CLAUSE: Final = "import"
LINE: Final = LineId("1")


async def license_named(tx: Tx, customer_id: str, name: str) -> str | None:
    """Our id of a license that was brought in under a name; None where it is not there."""
    account = await accounts.load(tx, customer_id, create=True)
    order_id = f"import:{name}"
    return next((license_.license_id for license_ in account.licenses.values() if license_.order_id == order_id), None)


async def person(tx: Tx, row: Row) -> Outcome:
    """Brings in what a line says of a person or a company, beside what is known of them already."""
    known = await accounts.find_customer(tx, row.customer_id)
    before = Profile() if known is None else Profile.of(known.profile)
    company = None if known is None else await people.company_name(tx, known.company_id)
    profile = profile_of(row).joined(before)
    company_id = row.values.get("company_id", company)
    if known is not None and profile == before and company_id == company:
        return Outcome(number=row.number, state="there")
    try:
        async with tx.connection.begin_nested():
            if company_id is not None and company_id != row.customer_id:
                await accounts.ensure_customer(tx, company_id)
            command = profiles.PutCustomer(
                customer_id=row.customer_id,
                name=profile.name,
                emails=profile.emails,
                external_ids=profile.external_ids,
                company_id=company_id,
                metadata=profile.metadata,
                company=profile.company,
            )
            await profiles.put_customer(tx, command, check=lambda _: None)
    except DomainError as error:
        return Outcome(number=row.number, state="bad", message=f"{error.code}: {error.facts}")
    return Outcome(number=row.number, state="new")


def profile_of(row: Row) -> Profile:
    """What a line says of a person or a company."""
    values = row.values
    emails = [*([values["email"]] if "email" in values else []), *values.get("emails", ())]
    return Profile(
        name=values.get("name"),
        emails=tuple(emails),
        external_ids=values.get("external_ids", {}),
        metadata=values.get("metadata", {}),
        company=values.get("company"),
    )


async def bring_customer(tx: Tx, rows: Sequence[Row]) -> list[Outcome]:
    """Bring in all rows of one customer; what became of each."""
    found = [await person(tx, row) for row in rows if row.kind == CUSTOMER]
    of_account = [row for row in rows if row.kind not in (CUSTOMER, TICKET)]
    found += await bring(tx, of_account) if of_account else []
    if any(outcome.state == "bad" for outcome in found):
        return found
    opened = sorted((row for row in rows if row.kind == TICKET), key=lambda row: row.values["opened_at"])
    return [*found, *[await _ticket(tx, row) for row in opened]]


async def _ticket(tx: Tx, row: Row) -> Outcome:
    """Open a ticket as of when it was opened elsewhere; a license of the same file is not there in a dry run."""
    values = dict(row.values)
    named = values.pop("license", None)
    license_id = None if named is None else await license_named(tx, row.customer_id, named)
    if named is not None and license_id is None and not tx.validate_only:
        return Outcome(number=row.number, state="bad", message=f"the customer has no imported license {named}")
    try:
        async with tx.connection.begin_nested():
            command = tickets.OpenTicket(**{"subject": "", **values}, license_id=license_id, facts={}, inputs={})
            status, _ = await tickets.put(tx, command)
    except DomainError as error:
        return Outcome(number=row.number, state="bad", message=f"{error.code}: {error.facts}")
    return Outcome(number=row.number, state="new" if status == 201 else "there")


async def bring(tx: Tx, rows: Sequence[Row]) -> list[Outcome]:
    """Brings in the rows of one customer, in the order of their kinds; what became of each. Bad lines are
    told, not raised; the caller brings nothing in while there is one."""
    account = await _account(tx, rows[0].customer_id)
    work = AccountImport(account, await policies.in_force(tx, account.at))
    found = work.take_all(rows)
    if is_new(found):
        if work.licenses:
            mine = await orders.of_customer(tx, account.customer.customer_id)
            await reconcile_licenses(tx, account, mine)
        await write_account(tx, account)
    return found


def is_new(outcomes: Sequence[Outcome]) -> bool:
    """Whether something of this is to be written: something is new, and nothing is bad."""
    states = {outcome.state for outcome in outcomes}
    return "new" in states and "bad" not in states


async def reconcile_licenses(tx: Tx, account: CustomerAccount, mine: Sequence[Order]) -> None:
    """Settle the customer's orders once licenses were brought in before or between them."""
    terms = await policies.terms(tx)
    await reconcile_orders.reconcile_grants(tx, account, mine, terms)


async def _account(tx: Tx, customer_id: str) -> CustomerAccount:
    """Return the customer's account, made if it is not there yet; when only checking, nobody is made."""
    if tx.validate_only and await accounts.find_customer(tx, customer_id) is None:
        return accounts.empty_account(tx, await policies.in_force(tx, tx.at), customer_id)
    return await accounts.load(tx, customer_id, create=True)


@dataclass(slots=True)
class AccountImport:
    """What lines bring to one account; nothing is written here. ``licenses``: whether one of them was a license."""

    account: CustomerAccount
    policy: Policy
    licenses: bool = False

    def take_all(self, rows: Sequence[Row]) -> list[Outcome]:
        """Take the rows in the order of their kinds; return what became of each."""
        found = []
        for row in sorted(rows, key=lambda row: (KINDS.index(row.kind), row.number)):
            try:
                state = self._take(row)
            except BadLineError as error:
                found.append(Outcome(number=row.number, state="bad", message=str(error)))
            else:
                found.append(Outcome(number=row.number, state=state))
        return found

    def _take(self, row: Row) -> str:
        for name in ("placed_at", "granted_at"):
            if name in row.values and row.values[name] > self.account.at:
                raise BadLineError(f"{name} lies in the future")
        return {"license": self._license, "lot": self._lot, "cover": self._cover}[row.kind](row)

    def _license(self, row: Row) -> str:
        order_id = OrderId(f"import:{row.import_id}")
        found = order_lines.sold(self.policy, row.values["sku"])
        if isinstance(found, NotGranted) or found[0].kind != "license":
            raise BadLineError(f"the policy sells no license {row.values['sku']}")
        known = next((license_ for license_ in self.account.licenses.values() if license_.order_id == order_id), None)
        if known is not None:
            self._same(row, known.sku == row.values["sku"], known.placed_at == row.values["placed_at"])
            return "there"
        license__ = License(
            license_id=LicenseId(self.account.mint("lic")),
            customer_id=self.account.customer.customer_id,
            order_id=order_id,
            line_id=LINE,
            unit_no=1,
            sku=row.values["sku"],
            edition=found[0].edition,
            placed_at=row.values["placed_at"],
            ordinal=0,
            first_order=False,
            policy_version=self.policy.version,
            ended_at=row.values.get("ended_at"),
            ended_reason="terminated" if "ended_at" in row.values else None,
            registered_domain=row.values.get("registered_domain"),
            registered_at=row.values["placed_at"] if "registered_domain" in row.values else None,
        )
        self.account.licenses[license__.license_id] = license__
        granting.put_license(self.account, license__, "granted", occurred_at=license__.placed_at)
        self.licenses = True
        return "new"

    def _lot(self, row: Row) -> str:
        order_id, values = OrderId(f"import:{row.import_id}"), row.values
        types = [kind.credit_type for kind in self.policy.credits.types] if self.policy.credits else []
        credit_type = values.get("credit_type", types[0] if len(types) == 1 else "credits" if not types else None)
        if credit_type is None or (types and credit_type not in types):
            raise BadLineError(f"credit_type is one of {', '.join(types)}")
        known = next((lot for lot in self.account.ledger.lots.values() if lot.order_id == order_id), None)
        if known is not None:
            self._same(
                row,
                known.granted == values["credits"],
                known.credit_type == credit_type,
                known.expires_at == values.get("expires_at"),
            )
            return "there"
        cost = Money(values["cost_amount"], values["cost_currency"]) if "cost_amount" in values else None
        lot = self.account.ledger.grant(
            values["credits"],
            source="import",
            rule="import",
            credit_type=credit_type,
            order_id=order_id,
            line_id=LINE,
            expires_at=values.get("expires_at"),
            effective_at=values["granted_at"],
            cost=cost,
            clause=CLAUSE,
            license_id=self._named(row),
            policy_version=self.policy.version,
            reason="import",
        )
        granting.schedule_lot(self.account, lot)
        return "new"

    def _cover(self, row: Row) -> str:
        order_id, values = OrderId(f"import:{row.import_id}"), row.values
        known = next((cover for cover in self.account.covers.values() if cover.order_id == order_id), None)
        if known is not None:
            self._same(row, known.granted_at == values["starts_at"])
            return "there"
        license_id = self._named(row)
        grant = CoverGrant(
            rule="import",
            clause=CLAUSE,
            scope="account" if license_id is None else "license",
            levels=values.get("levels", ()),
            actions=values.get("actions", ("open_ticket",)),
        )
        covers.open_cover(
            self.account,
            grant,
            policy=self.policy,
            order_id=order_id,
            line_id=LINE,
            license_id=license_id,
            placed_at=values["starts_at"],
            starts_at=values["starts_at"],
            ends_at=values.get("ends_at"),
        )
        return "new"

    def _named(self, row: Row) -> LicenseId | None:
        name = row.values.get("license")
        if name is None:
            return None
        order_id = f"import:{name}"
        found = next((license_ for license_ in self.account.licenses.values() if license_.order_id == order_id), None)
        if found is None:
            raise BadLineError(f"the customer has no imported license {name}")
        return found.license_id

    def _same(self, row: Row, *alike: bool) -> None:
        if not all(alike):
            raise BadLineError(f"{row.kind} {row.import_id} is there with other content")
