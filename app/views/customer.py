"""Customers as published: what a sidebar shows, and their balance in brief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NotRequired

from typing_extensions import TypedDict

from app.domain.account.account import CustomerAccount
from app.domain.account.contacts import CONTACTS
from app.domain.account.profile import Profile
from app.domain.account.recurring import grants_of
from app.domain.ledger.lot import ShownLots
from app.domain.ledger.recurring import next_yield
from app.domain.values.wire import iso, jsonable
from app.views.license import Addon, Choice, Cover, License, addon_view, choice_view, cover_view, license_view
from app.views.lot import Amounts, Lot, lots_that_hold, lots_view
from app.views.recurring_grant import RecurringGrant, recurring_grant_view
from app.views.shapes import Closed, Credits, Id, Instant, Whole
from app.views.ticket import TicketState


class ProfileMembers(TypedDict):
    """What a customer says of itself. No rule reads it."""

    name: Annotated[str | None, "The name of the person or the company."]
    emails: Annotated[Sequence[str], "E-mail addresses."]
    external_ids: Annotated[Mapping[str, Id], "Ids in other systems, by the name of the source."]
    company_id: Annotated[Id | None, "The company whose account pays for the customer's tickets."]
    metadata: Annotated[dict[str, Any], "What the vendor keeps beside it, by name."]


class CustomerRow(ProfileMembers):
    """A customer in a list: a person or a company."""

    customer_id: Annotated[Id, "The vendor's id of the customer."]
    created_at: Annotated[Instant, "When the customer became known."]


class OpenTicket(TypedDict):
    """A ticket under way, in brief."""

    ticket_id: Annotated[Id, "The helpdesk's id of the ticket."]
    customer_id: Annotated[Id | None, "Who asked: the customer, or one of the company's people; null once erased."]
    state: Annotated[TicketState, "Where the ticket stands."]
    category: Annotated[str | None, "The category; the policy names them."]
    subject: Annotated[str, "What the ticket is about."]
    license_id: Annotated[Id | None, "The license that it is about."]
    opened_at: Annotated[Instant, "When it was opened."]
    updated_at: Annotated[Instant, "When something last happened to it."]


class BalanceSummary(TypedDict):
    """A balance in brief."""

    unit: Annotated[str | None, "The vendor's word for credits."]
    available: Annotated[Credits, "Credits that can be spent."]
    held: Annotated[Credits, "Credits that are set aside."]
    disputed: Annotated[Credits, "Credits of `held` whose payment is disputed."]
    by_type: Annotated[Mapping[str, Amounts], "The balance of each type of credit, by its name."]


class CustomerTotals(TypedDict):
    """How many rows each list of a customer's page has in all, and the balance over all lots."""

    available: Annotated[Credits, "Credits that can be spent."]
    held: Annotated[Credits, "Credits that are set aside."]
    licenses: Annotated[Whole, "Licenses."]
    covers: Annotated[Whole, "Covers."]
    lots: Annotated[Whole, "Lots that hold something."]
    choices: Annotated[Whole, "Open choices."]
    addons: Annotated[Whole, "Add-ons."]
    open_tickets: Annotated[Whole, "Tickets that are not closed."]


class Customer(CustomerRow):
    """The vendor's customer account: what a sidebar shows, the first 100 rows of each list."""

    at: Annotated[Instant, "The instant of the answer."]
    contacts: Annotated[Sequence[Id], "Of a company, the people it names, where the policy has named contacts."]
    licenses: Annotated[Sequence[License], "The licenses, in the order of the account."]
    covers: Annotated[Sequence[Cover], "The covers, the oldest first."]
    balance: Annotated[BalanceSummary, "The balance in brief."]
    lots: Annotated[Sequence[Lot], "The lots that hold something."]
    choices: Annotated[Sequence[Choice], "The choices that are open."]
    addons: Annotated[Sequence[Addon], "The add-ons."]
    recurring_grants: NotRequired[Annotated[Sequence[RecurringGrant], "What comes again; left out where nothing does."]]
    facts: Annotated[dict[str, Any], "What is known of the customer, by name."]
    open_tickets: Annotated[Sequence[OpenTicket], "The tickets that are not closed, the newest first."]
    totals: Annotated[CustomerTotals, "How many rows each list has, and the balance over all lots."]
    next_cursor: Annotated[str | None, "The `cursor` of the further rows; null where there are none."]
    merged_from: NotRequired[Annotated[Id, "The customer that was merged into this one, in that call's answer."]]


_ELSEWHERE: Final = (CONTACTS, "breaches")
"""What a customer's row keeps beside its facts."""
CUSTOMER_LISTS: Final = ("licenses", "covers", "lots", "choices", "addons", "open_tickets")
"""Members of a customer's page that are given in pages."""


class Erasure(TypedDict):
    """A customer whose names were removed."""

    customer_id: Annotated[Id, "The id that is unknown from now on."]
    erased: Annotated[bool, "Whether it was done."]
    erased_at: Annotated[Instant, "When it was done."]


class ExportedCustomer(TypedDict):
    """What is kept of the customer."""

    surrogate_id: Annotated[Id, "Our id of the customer; the rows name it."]
    profile: Annotated[dict[str, Any], "What was stated of the customer, by name."]
    company_id: Annotated[Id | None, "The company that the customer belongs to."]
    facts: Annotated[dict[str, Any], "What is known of the customer, by name."]
    last_at: Annotated[Instant | None, "When something last happened to the account."]


Row = dict[str, Any]


class ExportedRows(TypedDict):
    """The rows that are kept about a customer, in the words of our tables."""

    external_ids: Annotated[list[Row], "Rows of ids in other systems."]
    licenses: Annotated[list[Row], "Rows of licenses."]
    covers: Annotated[list[Row], "Rows of covers."]
    choices: Annotated[list[Row], "Rows of choices."]
    addons: Annotated[list[Row], "Rows of add-ons."]
    orders: Annotated[list[Row], "Rows of orders."]
    refunds: Annotated[list[Row], "Rows of refunds."]
    payment_disputes: Annotated[list[Row], "Rows of disputes of payments."]
    accounts: Annotated[list[Row], "Rows of the accounts of credits, one for each type of credit."]
    lots: Annotated[list[Row], "Rows of lots of credits."]
    holds: Annotated[list[Row], "Rows of holds."]
    operations: Annotated[list[Row], "Rows of operations of the ledger."]
    tickets: Annotated[list[Row], "Rows of tickets."]
    clocks: Annotated[list[Row], "Rows of clocks."]
    clock_outcomes: Annotated[list[Row], "Rows of what became of promises."]
    history: Annotated[list[Row], "Rows of what happened to each thing, in order."]
    events: Annotated[list[Row], "Rows of events that were published."]
    agenda: Annotated[list[Row], "Rows of what is still to be done."]
    commands: Annotated[list[Row], "Rows of commands that were answered."]
    deliveries: Annotated[list[Row], "Rows of deliveries of shops and helpdesks."]
    hold_lines: Annotated[list[Row], "Rows of the lots of each hold."]
    entries: Annotated[list[Row], "Rows of entries of the ledger."]


class CustomerExport(ExportedRows):
    """All that is kept about a customer, row by row. The names of columns are no promise."""

    customer_id: Annotated[Id, "The vendor's id of the customer."]
    exported_at: Annotated[Instant, "When it was read."]
    customer: Annotated[ExportedCustomer, "The customer."]


TokenMay = Annotated[Literal["read", "act"], Closed("TokenMay", "What a customer token is for.")]


class CustomerToken(TypedDict):
    """An opaque token for one customer; shown once."""

    token_id: Annotated[Id, "Our id of the token."]
    token: Annotated[str, "The token itself."]
    customer_id: Annotated[Id, "The customer."]
    may: Annotated[TokenMay, "Whether it only reads, or acts for the customer, too."]
    url: Annotated[str, "The customer's page, which it opens."]
    expires_at: Annotated[Instant, "Until when it opens anything."]


def profile_view(profile: Profile, company_id: str | None) -> ProfileMembers:
    """Return what a customer says of itself; ``company_id``: the vendor's id of the company."""
    return {
        "name": profile.name,
        "emails": list(profile.emails),
        "external_ids": dict(profile.external_ids),
        "company_id": company_id,
        "metadata": dict(profile.metadata),
    }


def customer_view(
    account: CustomerAccount,
    *,
    customer_id: str,
    company_id: str | None,
    created_at: str,
    open_tickets: Sequence[OpenTicket],
    shown: ShownLots | None = None,
) -> Customer:
    """Return all that a sidebar shows in one answer. ``shown``: the lots, of an account in part."""
    at, unit = account.at, account.policy.unit
    by_type = _by_type(account)
    licenses = sorted(account.licenses.values(), key=lambda license_: (license_.ordinal, license_.license_id))
    covers = sorted(
        account.covers.values(),
        key=lambda cover: (cover.granted_at, cover.starts_at or cover.granted_at, cover.cover_id),
    )
    shown = shown or lots_that_hold(account.ledger, lambda lot: (lot.effective_at, lot.lot_id))
    available = sum(amounts["available"] for amounts in by_type.values())
    held = sum(amounts["held"] for amounts in by_type.values())
    choices = account.open_choices()
    addons = [addon for addon in account.addons if addon.voided_at is None]
    who = profile_view(Profile.of(account.customer.profile), company_id)
    again = [grant for grant in grants_of(account) if next_yield(grant) is not None]
    found: Customer = {
        "name": who["name"],
        "emails": who["emails"],
        "external_ids": who["external_ids"],
        "company_id": who["company_id"],
        "metadata": who["metadata"],
        "customer_id": customer_id,
        "at": iso(at),
        "contacts": [contact.name for contact in account.contacts],
        "licenses": [license_view(held_license, at) for held_license in licenses],
        "covers": [cover_view(cover, at) for cover in covers],
        "balance": {
            "unit": None if unit is None else unit.many,
            "available": available,
            "held": held,
            "disputed": sum(shown.disputed.values()),
            "by_type": by_type,
        },
        "lots": lots_view(shown, at),
        "choices": [choice_view(choice) for choice in choices],
        "addons": [addon_view(addon) for addon in addons],
        "facts": jsonable({name: value for name, value in account.customer.data.items() if name not in _ELSEWHERE}),
        "created_at": created_at,
        "open_tickets": open_tickets,
        "totals": {
            "available": available,
            "held": held,
            "licenses": len(licenses),
            "covers": len(covers),
            "lots": shown.total,
            "choices": len(choices),
            "addons": len(addons),
            "open_tickets": len(open_tickets),
        },
        "next_cursor": None,
    }
    if again:
        found["recurring_grants"] = [recurring_grant_view(grant) for grant in again]
    return found


def _by_type(account: CustomerAccount) -> dict[str, Amounts]:
    """Return ``{credit_type: {"available", "held"}}``: every type of the policy and every type on the account."""
    rules = account.policy.credits
    names = [type_.credit_type for type_ in rules.types] if rules else []
    names += sorted(name for name in account.ledger.accounts if name not in names)
    return {name: amounts_view(account.ledger.balance(name)) for name in names}


def amounts_view(balance: Mapping[str, int]) -> Amounts:
    """Return the amounts of one type of credit."""
    return {"available": balance["available"], "held": balance["held"]}
