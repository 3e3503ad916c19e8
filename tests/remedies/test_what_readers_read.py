"""What a customer may read, over many stories: no names of facts, no braces, no "unknown", no "1 credits"."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from tests.remedies.rehearsal import ANN, POLICIES, Life, readable, tenant, texts

FIRST = {"cactushop": "license-standard", "avactis": "license-free"}


WAYS: tuple[dict[str, Any], ...] = ({}, {"pay_with": "cover"}, {"pay_with": "credits"}, {"agreed_up_to": 3})


async def everything_asked(life: Life, document: dict[str, Any], stage: int) -> None:
    """Every action, every category, in other languages and channels; once every credit with every request."""
    for action in document["actions"]:
        for query in ({}, {"license": 0}, {"reason": "lost_copy"}, {"forum": "News"}):
            await life.ask(("may", {"action": action["action"], **query}))
    for place, category in enumerate([None, *(one["category"] for one in document.get("categories", []))]):
        await life.ask(("ticket", {"category": category, **WAYS[(place + stage) % len(WAYS)]}))
    for body in ({"language": "de"}, {"channel": "email"}, {"channel": "phone", "language": "fr"}, {"license_id": "x"}):
        await life.ask(("ticket", body))
    kinds = next((one["values"] for one in document.get("facts", []) if one["fact"] == "request_kind"), [None])
    types = [one["credit_type"] for one in (document.get("credits") or {"types": []})["types"]]
    for place, kind in enumerate(kinds):
        for credit_type in types if stage == 1 else types[place % len(types) :][:1] if types else ():
            facts = {} if kind is None else {"request_kind": kind}
            await life.ask(("ticket", {"facts": facts, "credit_type": credit_type}))
            flags = {one["fact"]: False for one in document.get("facts", []) if one["type"] == "boolean"}
            await life.ask(("ticket", {"facts": {**flags, **facts}, "credit_type": credit_type}))


@pytest.mark.parametrize("policy", POLICIES)
async def test_what_readers_read_is_in_the_policys_words(app: FastAPI, policy: str) -> None:
    shop = await tenant(app, policy)
    life = Life(shop)
    known = await shop.ok(await shop.get(f"/v1/policies/{policy}"))
    document: dict[str, Any] = known.get("document") or known["versions"][-1]["document"]
    skus = [one["sku"].replace("{n}", "1") for one in document["offers"]]
    await life.buy("mug")
    await everything_asked(life, document, 0)
    await life.buy(FIRST.get(policy, "license"))
    await everything_asked(life, document, 1)
    for sku in skus:
        await life.buy(sku)
    await life.choose(1)
    await everything_asked(life, document, 2)
    await life.suspend()
    await everything_asked(life, document, 3)
    await life.spend(10_000)
    await life.wait(800)
    await everything_asked(life, document, 4)
    for number in range(1, life.count + 1):
        await life.refund(number)
    await everything_asked(life, document, 5)
    account = await shop.ok(await shop.get(f"/v1/customers/{ANN}"))
    life.seen.append(account)
    read = list(texts(life.seen))
    assert len(read) > 50
    readable(life.seen)
    await shop.close()
