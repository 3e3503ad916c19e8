"""Choices: one of several grants, at the customer's choice, irreversible (CSC-1)."""

from __future__ import annotations

from app.db import policies
from app.db.account import accounts, licenses
from app.db.engine import Tx
from app.db.plan import write_account
from app.domain.ledger.lot import Lot
from app.domain.orders import grants as granting
from app.domain.values.errors import DomainError
from app.domain.values.ids import ChoiceId
from app.views.license import Choice, choice_view, cover_view, option_names
from app.views.lot import lot_view
from app.views.shapes import PageOf


async def list_choices(tx: Tx, customer_id: str, *, every: bool = False) -> PageOf[Choice]:
    """The customer's open choices, oldest first; ``every``: those made or taken back too."""
    customer = await accounts.require_customer(tx, customer_id)
    account = await accounts.load_by_id(tx, customer.customer_id, lock=False)
    found = (
        sorted(account.choices.values(), key=lambda choice: (choice.placed_at, choice.choice_id))
        if every
        else account.open_choices()
    )
    return {"data": [choice_view(choice) for choice in found], "next_cursor": None}


async def get_choice(tx: Tx, choice_id: str) -> Choice:
    """A choice as it stands now, or 404 ``choice_not_found``."""
    account = await accounts.load_by_id(tx, await licenses.owner_of_choice(tx, choice_id), lock=False)
    return {**choice_view(account.choices[ChoiceId(choice_id)]), "customer_id": account.customer.external_id}


async def make_choice(tx: Tx, customer_id: str, choice_id: str, *, option: str) -> Choice:
    """Grants exactly one option. Refused: ``choice_not_found``, ``unknown_option`` (422), ``choice_made``,
    ``choice_voided`` (409). Of two at once, one wins: the customer's row is the lock."""
    account = await accounts.load(tx, customer_id)
    tx.customer_id = account.customer.customer_id
    choice = account.choices.get(ChoiceId(choice_id))
    if choice is None:
        raise DomainError("choice_not_found", choice_id=choice_id)
    if option not in choice.options:
        raise DomainError("unknown_option", field="option", option=option, known=option_names(choice))
    if choice.voided_at is not None:
        raise DomainError("choice_voided", choice_id=choice_id)
    if choice.option is not None:
        raise DomainError("choice_made", choice_id=choice_id, option=choice.option)
    policy = await policies.of_version(tx, choice.policy_version)
    granted = granting.choose(account, choice, option, policy)
    await write_account(tx, account)
    lot, cover = (granted, None) if isinstance(granted, Lot) else (None, granted)
    return {
        **choice_view(choice),
        "customer_id": customer_id,
        "lots": [] if lot is None else [lot_view(lot, account.at)],
        "covers": [] if cover is None else [cover_view(cover, account.at)],
    }
