"""Who asks, where a company names the people who may: whether they are named, and what helps who is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from app.domain.account.account import CustomerAccount
from app.domain.values.decision import Remedy
from app.domain.values.ids import CustomerId
from app.domain.values.phrase import phrased, phrased_of

NAME_CONTACT: Final = "name_contact"


def seats_of(account: CustomerAccount, facts: Mapping[str, Any]) -> int | None:
    """Return how many contacts may be named: as the policy says, else the seats of the running plan; None: any."""
    rules = account.policy.contacts
    if rules is None:
        return None
    return rules.seats if rules.seats is not None else facts.get("plan.seats")


def facts_of(account: CustomerAccount, person: CustomerId | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``person.named`` and ``customer.contacts``.

    Of more contacts than there are seats, those count who were named first. A company that names nobody asks for
    itself; where it names some, who asks in its name is not known.
    """
    if account.policy.contacts is None:
        return {}
    named = account.contacts[: seats_of(account, facts)]
    asking = person or account.customer.customer_id
    alone = asking == account.customer.customer_id
    found: bool | None = any(contact.person == asking for contact in named)
    if alone:
        found = None if account.contacts else True
    return {"person.named": found, "customer.contacts": len(named)}


def with_seats(account: CustomerAccount, remedies: Iterable[Remedy], facts: Mapping[str, Any]) -> tuple[Remedy, ...]:
    """Return remedies where the one to name a contact says how many seats are taken."""
    seats, named = seats_of(account, facts), len(account.contacts)
    words = phrased("Name the person as a contact of the company.")
    if seats is not None:
        seats_words = phrased_of(
            "%(taken)s of %(seats)s seats is taken",
            "%(taken)s of %(seats)s seats are taken",
            seats,
            taken=named,
            seats=seats,
        )
        words = phrased("Name the person as a contact of the company: %(seats)s.", seats=seats_words)
        if named >= seats:
            words = phrased(
                "Name the person as a contact of the company in the place of another: %(seats)s.", seats=seats_words
            )
    return tuple(
        replace(remedy, text=remedy.text or words) if remedy.kind == NAME_CONTACT else remedy for remedy in remedies
    )
