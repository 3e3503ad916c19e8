"""Every verb of a ticket that a company pays for, beside what may happen to the person and to the company meanwhile."""

from __future__ import annotations

import asyncio
import itertools

import httpx
import pytest

from tests.conftest import MakeVendor
from tests.ledger.test_each_verb_beside_a_merge import SCENES
from tests.people.test_companies import amounts, audited, put
from tests.support.api import Vendor

POLICY = "x-cart"
OTHERS = ("addResponse", "assessTicket", "openDispute", "decideDispute", "correctCause", "addTicketDetails")
VERBS = sorted(
    name for name, (policy, _) in SCENES.items() if policy == POLICY and ("Ticket" in name or name in OTHERS)
)
BESIDE = ("person merged", "person erased", "company merged", "person moved", "company erased", "itself")
_numbers = itertools.count()


async def beside(shop: Vendor, what: str, person: str, firm: str) -> httpx.Response:
    if what == "person merged":
        return await shop.post(f"/v1/customers/{person}/merge", {"into_customer_id": f"{person}-heir"})
    if what == "company merged":
        return await shop.post(f"/v1/customers/{firm}/merge", {"into_customer_id": f"{firm}-heir"})
    if what == "person moved":
        return await shop.put(f"/v1/customers/{person}", {"company_id": "elsewhere"})
    return await shop.post(f"/v1/customers/{person if what == 'person erased' else firm}/erasure", {})


@pytest.mark.parametrize("what", BESIDE)
async def test_a_verb_of_a_persons_ticket_beside(vendor: MakeVendor, what: str) -> None:
    assert len(VERBS) > 8
    shop = await vendor(POLICY)
    await put(shop, "elsewhere")
    broken: list[str] = []
    for name in VERBS:
        number = next(_numbers)
        person, firm = f"p{number}", f"f{number}"
        await shop.ok(await shop.post(f"/v1/customers/{firm}/adjustments", {"credits": 500, "reason": "r"}))
        await shop.ok(await shop.post(f"/v1/customers/{person}/adjustments", {"credits": 300, "reason": "r"}))
        await put(shop, person, company_id=firm)
        call = await SCENES[name][1](shop, person)
        other = call() if what == "itself" else beside(shop, what, person, firm)
        found = await asyncio.gather(call(), other)
        broken += [f"{name}: {one.status_code} {one.text[:200]}" for one in found if one.status_code >= 500]
        if what not in ("person erased", "person merged"):
            own = await amounts(shop, person)
            if own != (300, 0) and name != "putTicket":
                broken.append(f"{name}: the person has {own}")
    broken += [str(one) for one in (await shop.ok(await shop.get("/v1/audit")))["data"]]
    assert not broken, "\n".join(broken)
    await audited(shop)
