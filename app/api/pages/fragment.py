"""A fragment for helpdesks that put HTML of other people beside a ticket: no script, no form, and a link to the card.

FreeScout's sidebar posts the customer's address to a secret URL, as a form or as JSON. The URL holds a key that reads
and does nothing else, so that whoever finds it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Response

from app.api.addresses import page_address
from app.api.deps import wall_clock
from app.api.operations.asking import Calls
from app.api.pages.door import Pages, page
from app.api.pages.visit import Visit
from app.api.problems import Problem

PAGES: Final = Pages(translated=True)


@PAGES.post("/card/fragment", kinds=(), open=True, foreign=True)
async def show_fragment(visit: Visit) -> Response:
    """Show cover, balance and tickets of the customer with this e-mail address, in brief."""
    await _recognise(visit)
    email = visit.form.get("customerEmail", "").strip()[:254]
    customer: Mapping[str, Any] | None = None
    if email:
        found = (await visit.ask("listCustomers", {"query": email, "limit": "2"}))["data"]
        known = [row for row in found if email.casefold() in {address.casefold() for address in row["emails"]}]
        if len(known) == 1:
            customer = await visit.ask("getCustomer", customer_id=known[0]["customer_id"])
    address = page_address(visit.rooms.settings, "/card")
    return page(visit, "fragment.html", customer=customer, email=email, address=address)


async def _recognise(visit: Visit) -> None:
    """Find out whose key the address holds. 401 for none, 403 ``scope_missing`` for one that does more than read."""
    principal = await visit.rooms.authenticator.principal(f"Bearer {visit.query('key')}", wall_clock())
    if principal.kind != "key" or not all(scope.endswith(":read") for scope in principal.scopes):
        raise Problem("key_too_wide")
    visit.principal, visit.calls = principal, Calls(principal, visit.rooms)
    visit.request.scope["retainer.principal"] = principal
    if visit.rooms.limiter is not None:
        visit.rooms.limiter.check(principal, visit.request)
