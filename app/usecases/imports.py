"""Bringing in what there was before: customers, licenses, lots and covers from CSV or JSON Lines.

Open tickets come the same way, with their ``opened_at``; the command opens them as a helpdesk would. A row's natural
key is its kind with its ``import_id`` (a customer's is ``customer_id``). So the same file can be brought in again. What
is there is passed over, and what differs is a bad line. Imported licenses count among the customer's licenses by
``placed_at``. They grant nothing by themselves: what is left of their credits and periods comes as rows of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from app.db import policies
from app.db.account import accounts, people
from app.db.engine import Tx
from app.db.orders import orders
from app.db.plan import write_account
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import License
from app.domain.account.profile import EMAIL, SYSTEM, Profile
from app.domain.cover import cover as covers
from app.domain.orders import grants as granting
from app.domain.orders import lines as order_lines
from app.domain.policy.offers import CoverGrant, NotGranted
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.ids import LicenseId, LineId, OrderId
from app.domain.values.money import MAX_CREDITS, MAX_WIRE_INT, Money
from app.usecases.customers import profiles
from app.usecases.steps import reconcile_orders

CLAUSE: Final = "import"
LINE: Final = LineId("1")
_ID: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,180}\Z")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\Z")
_FIELDS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "customer": (
        frozenset({"customer_id"}),
        frozenset({"name", "email", "emails", "company", "company_id", "external_ids", "metadata"}),
    ),
    "license": (
        frozenset({"customer_id", "import_id", "sku", "placed_at"}),
        frozenset({"registered_domain", "ended_at"}),
    ),
    "lot": (
        frozenset({"customer_id", "import_id", "credits", "granted_at"}),
        frozenset({"credit_type", "expires_at", "cost_amount", "cost_currency", "license"}),
    ),
    "cover": (
        frozenset({"customer_id", "import_id", "starts_at"}),
        frozenset({"ends_at", "levels", "actions", "license"}),
    ),
    "ticket": (
        frozenset({"customer_id", "ticket_id", "opened_at"}),
        frozenset({"subject", "channel", "language", "license", "product", "category", "opened_by"}),
    ),
}
"""Kind -> (needed fields, further ones). ``license`` names a license by its ``import_id``."""
INSTANTS: Final = frozenset({"placed_at", "granted_at", "expires_at", "starts_at", "ends_at", "ended_at", "opened_at"})
CUSTOMER: Final = "customer"
TICKET: Final = "ticket"
IDS: Final = frozenset({"customer_id", "import_id", "license", "ticket_id", "company_id"})
COLUMNS: Final = frozenset({"kind"}).union(*(needed | further for needed, further in _FIELDS.values()))
"""Every column that some kind has."""
KINDS: Final = tuple(_FIELDS)
"""In the order in which a customer's rows are brought in."""


class BadLineError(Exception):
    """A line that cannot be brought in; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line as understood. ``number``: of the line in its file."""

    number: int
    kind: str
    customer_id: str
    import_id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a line: ``new``, ``there`` already, or ``bad`` with the reason."""

    number: int
    state: str
    message: str = ""


def understood(number: int, record: Mapping[str, Any], kind: str | None = None) -> Row:
    """A line's row. Raises `BadLineError`."""
    fields = {name: value for name, value in record.items() if value not in (None, "")}
    chosen = str(fields.pop("kind", kind or ""))
    if chosen not in _FIELDS:
        raise BadLineError(f"kind is {chosen or 'missing'}; it is one of {', '.join(_FIELDS)}")
    needed, further = _FIELDS[chosen]
    if missing := sorted(needed - fields.keys()):
        raise BadLineError(f"{', '.join(missing)} missing")
    if unknown := sorted(fields.keys() - needed - further):
        raise BadLineError(f"a {chosen} has no {', '.join(unknown)}")
    values = {name: _value(name, value) for name, value in fields.items()}
    starts, ends = (
        values.get("starts_at") or values.get("granted_at"),
        values.get("ends_at") or values.get("expires_at"),
    )
    if starts is not None and ends is not None and ends < starts:
        raise BadLineError("it ends before it starts")
    if ("cost_amount" in values) != ("cost_currency" in values):
        raise BadLineError("cost_amount and cost_currency come together")
    return Row(
        number=number,
        kind=chosen,
        customer_id=values["customer_id"],
        values=values,
        import_id=values.get("import_id", values.get("ticket_id", values["customer_id"])),
    )


def _value(name: str, value: Any) -> Any:
    if name in INSTANTS:
        return _instant(name, value)
    if name == "credits":
        if not re.fullmatch(r"[1-9]\d{0,12}", str(value), re.ASCII) or int(str(value)) > MAX_CREDITS:
            raise BadLineError("credits is no whole number of 1 or more")
        return int(str(value))
    if name == "levels":
        parts = value if isinstance(value, list) else str(value).split()
        if not all(re.fullmatch(r"\d{1,3}", str(part), re.ASCII) for part in parts):
            raise BadLineError("levels is a list of numbers")
        return tuple(int(str(part)) for part in parts)
    if name == "actions":
        return tuple(_text(name, part) for part in (value if isinstance(value, list) else str(value).split()))
    if name in _OF_PEOPLE:
        return _OF_PEOPLE[name](name, value)
    if name == "cost_amount":
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal(-1)
        if not (amount.is_finite() and 0 <= amount < Decimal(10) ** 12):
            raise BadLineError("cost_amount is no amount")
        return amount
    if name == "cost_currency" and not re.fullmatch("[A-Z]{3}", str(value)):
        raise BadLineError("cost_currency is no ISO 4217 code")
    return _text(name, value)


def _email(name: str, value: Any) -> str:
    text = _text(name, value)
    if not re.match(EMAIL, text):
        raise BadLineError(f"{name} is no e-mail address")
    return text


def _emails(name: str, value: Any) -> list[str]:
    return [_email(name, part) for part in (value if isinstance(value, list) else str(value).split())]


def _external_ids(name: str, value: Any) -> dict[str, str]:
    """``{"woo": "17"}``, or in a column ``woo=17 zammad=5``."""
    pairs = value.items() if isinstance(value, Mapping) else [part.partition("=")[::2] for part in str(value).split()]
    found = {str(system): _text(name, external_id) for system, external_id in pairs}
    if not all(len(system) <= 60 and re.match(SYSTEM, system) for system in found):
        raise BadLineError(f"{name} is written as in: woo=17 zammad=5")
    return found


def _metadata(name: str, value: Any) -> dict[str, Any]:
    try:
        found = value if isinstance(value, Mapping) else json.loads(str(value))
    except ValueError:
        found = None
    if not isinstance(found, Mapping) or len(found) > 100:
        raise BadLineError(f"{name} is no object of at most 100 members")
    if not all(item is None or isinstance(item, bool) or _short(item) for item in found.values()):
        raise BadLineError(f"{name} holds texts of up to 2000 characters, whole numbers and booleans")
    return {_text(name, key): item for key, item in found.items()}


def _short(item: object) -> bool:
    """Whether it is a plain value that can be kept."""
    if isinstance(item, int):
        return abs(item) <= MAX_WIRE_INT
    return isinstance(item, str) and len(item) <= 2000 and not re.search("[\x00\ud800-\udfff]", item)


_OF_PEOPLE: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "email": _email,
    "emails": _emails,
    "external_ids": _external_ids,
    "metadata": _metadata,
}


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or not _ID.match(str(value)):
        raise BadLineError(f"{name} is no text of 1 to 180 plain characters")
    return str(value)


def _instant(name: str, value: Any) -> datetime:
    if isinstance(value, str) and _INSTANT.match(value):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
        if found is not None and 1990 <= found.year <= 2200:
            return found
    raise BadLineError(f"{name} is no instant such as 2025-01-31T09:00:00Z")


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
    values = row.values
    emails = [*([values["email"]] if "email" in values else []), *values.get("emails", ())]
    profile = Profile(
        name=values.get("name"),
        emails=tuple(emails),
        external_ids=values.get("external_ids", {}),
        metadata=values.get("metadata", {}),
        company=values.get("company"),
    ).joined(before)
    company_id = values.get("company_id", company)
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


async def bring(tx: Tx, rows: Sequence[Row]) -> list[Outcome]:
    """Brings in the rows of one customer, in the order of their kinds; what became of each. Bad lines are
    told, not raised; the caller brings nothing in while there is one."""
    rows = sorted(rows, key=lambda row: (list(_FIELDS).index(row.kind), row.number))
    account = await _account(tx, rows[0].customer_id)
    work = _Import(tx, account, await policies.in_force(tx, account.at))
    found = []
    for row in rows:
        try:
            state = work.take(row)
        except BadLineError as error:
            found.append(Outcome(number=row.number, state="bad", message=str(error)))
        else:
            found.append(Outcome(number=row.number, state=state))
    if not any(outcome.state == "bad" for outcome in found) and any(outcome.state == "new" for outcome in found):
        await work.finish()
    return found


async def _account(tx: Tx, customer_id: str) -> CustomerAccount:
    """Return the customer's account, made if it is not there yet; when only checking, nobody is made."""
    if tx.validate_only and await accounts.find_customer(tx, customer_id) is None:
        return accounts.empty_account(tx, await policies.in_force(tx, tx.at), customer_id)
    return await accounts.load(tx, customer_id, create=True)


@dataclass(slots=True)
class _Import:
    tx: Tx
    account: CustomerAccount
    policy: Policy
    licenses: bool = False

    def take(self, row: Row) -> str:
        for name in ("placed_at", "granted_at"):
            if name in row.values and row.values[name] > self.account.at:
                raise BadLineError(f"{name} lies in the future")
        return {"license": self._license, "lot": self._lot, "cover": self._cover}[row.kind](row)

    async def finish(self) -> None:
        if self.licenses:
            mine = await orders.of_customer(self.tx, self.account.customer.customer_id)
            terms = {number: policy for number, _, policy in await policies.versions(self.tx)}
            await reconcile_orders.reconcile_grants(self.tx, self.account, mine, terms)
        await write_account(self.tx, self.account)

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
