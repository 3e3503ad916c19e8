"""Odd but valid documents, generated and published, and a story played through each over HTTP: none may answer 500.

A dozen a run; `make odd-policies` plays as many as it is told to.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import uuid
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.support.api import OPERATOR_KEY, START, Vendor, client_of
from tests.support.odd_documents import faults, odd

FIRST = int(os.environ.get("RETAINER_ODD_SEED", "1"))
DOCUMENTS = int(os.environ.get("RETAINER_ODD_DOCUMENTS", "12"))


async def published(app: FastAPI, document: dict[str, Any]) -> Vendor | None:
    """A sandbox under the document, its own calendar with it; None where the check of it says no."""
    name, tenant = document["policy"], f"t-{uuid.uuid4().hex[:10]}"
    body = {"policy": name, "document": document, "clock": {"mode": "virtual", "now": START}}
    async with client_of(app, OPERATOR_KEY) as operator:
        made = await operator.put(f"/v1/tenants/{tenant}", json=body)
        assert made.status_code in (201, 422), made.text
        if made.status_code == 422:
            assert made.json()["code"] == "policy_invalid", made.text
            assert {one["code"] for one in made.json()["facts"]["problems"]} == {"story_fails"}, made.text
            return None
        key = await operator.post(f"/v1/tenants/{tenant}/keys", json={"scopes": ["*"], "label": "tests"})
    return Vendor(tenant, name, key.json()["key"], client_of(app, key.json()["key"]), app)


class Life:
    """What callers do with a tenant; every answer is kept, and none may be a fault of the service."""

    def __init__(self, shop: Vendor, document: dict[str, Any], seed: int) -> None:
        self.shop, self.document = shop, document
        self.chance = random.Random(seed)
        self.said: list[str] = []

    async def say(self, answer: httpx.Response) -> Any:
        call = f"{answer.request.method} {answer.request.url.path} {answer.request.content[:300]!r}"
        self.said.append(f"{answer.status_code} {call}")
        assert answer.status_code < 500, f"{call}: {answer.status_code} {answer.text[:500]}"
        if answer.status_code >= 400:
            assert answer.json()["code"], answer.text
        return answer.json()

    async def get(self, path: str) -> Any:
        return await self.say(await self.shop.client.get(path))

    async def post(self, path: str, body: Any = None) -> Any:
        return await self.say(await self.shop.post(path, body))

    async def put(self, path: str, body: Any) -> Any:
        return await self.say(await self.shop.put(path, body))

    # --- the story ----------------------------------------------------------------------------------------------

    async def play(self) -> None:
        await self.get("/v1/offers?customer_id=anna")
        await self.get(f"/v1/policies/{self.document['policy']}")
        await self.buys()
        await self.asks()
        for number, stated in enumerate(self.kinds()):
            await self.ticket(f"t{number}", stated)
        await self.covers()
        await self.time("2025-03-20T12:00:00Z")
        await self.refunds()
        await self.time("2026-06-01T12:00:00Z")
        await self.asks()
        for path in ("balance", "statement", "entries", "export", "choices"):
            await self.get(f"/v1/customers/anna/{path}")
        for path in (
            "/v1/clocks",
            "/v1/tickets",
            "/v1/events?limit=100",
            "/v1/calendars/service-hours/closures?from=2025-01-01&to=2025-12-31",
        ):
            await self.get(path)
        assert (await self.get("/v1/audit"))["data"] == []

    async def buys(self) -> None:
        offers = sorted(self.document["offers"], key=lambda one: one["kind"] != "license")
        for number, offer in enumerate(offers[:12]):
            line = {
                "line_id": "1",
                "sku": offer["sku"].replace("{n}", "25"),
                "quantity": self.chance.choice([1, 1, 3]),
                "attributes": {"addon": "x"},
            }
            if self.chance.random() < 0.5:
                line.update(unit_price="10", list_price=self.chance.choice(["10", "12", "0"]))
            currency = self.document.get("currency", "USD")
            body = {"customer_id": "anna", "placed_at": START, "currency": currency, "lines": [line]}
            await self.put(f"/v1/orders/o{number}", body)
        for choice in (await self.get("/v1/customers/anna/choices")).get("data", []):
            await self.post(
                f"/v1/customers/anna/choices/{choice['choice_id']}", {"option": self.chance.choice(choice["options"])}
            )
        for one in (await self.account())["licenses"][:2]:
            await self.post(f"/v1/licenses/{one['license_id']}/registration", {"domain": "shop.example"})
        for kind in self.types():
            await self.post("/v1/customers/anna/adjustments", {"credits": 50_000, "reason": "r", "credit_type": kind})

    def types(self) -> list[str]:
        return [one["credit_type"] for one in (self.document.get("credits") or {}).get("types", [])][:4]

    async def account(self) -> dict[str, Any]:
        found = await self.get("/v1/customers/anna")
        return found if "licenses" in found else {"licenses": [], "covers": []}

    async def asks(self) -> None:
        for one in self.document["actions"]:
            for query in ("", "?product=p&released_at=2024-01-01T00:00:00Z&forum=f", "?license_id=none&explain=true"):
                await self.get(f"/v1/customers/anna/entitlements/{one['action']}{query}")

    def kinds(self) -> list[dict[str, Any]]:
        """A few tickets: of categories, of types of credit, of neither."""
        found: list[dict[str, Any]] = [
            {
                "category": one["category"],
                "inputs": {spec["name"]: min(2, spec.get("most", 2)) for spec in one.get("inputs", [])},
            }
            for one in self.document.get("categories", [])
        ]
        found += [{"credit_type": one} for one in self.types()]
        found = self.chance.sample(found, min(4, len(found)))
        return [*found, {}]

    def facts(self) -> dict[str, Any]:
        some = {"boolean": True, "text": "x", "integer": 3}
        return {
            one["fact"]: one["values"][0] if one.get("values") else some.get(one.get("type", "boolean"))
            for one in self.document.get("facts", [])
            if one.get("values") or one.get("type", "boolean") in some
        }

    async def ticket(self, name: str, stated: dict[str, Any]) -> None:
        licenses = (await self.account())["licenses"]
        body = {"customer_id": "anna", "subject": "s", "facts": self.facts(), **stated}
        body |= {
            "channel": self.chance.choice(["helpdesk", "email"]),
            "language": self.chance.choice(["en", "ru", None]),
        }
        if licenses and self.chance.random() < 0.7:
            body["license_id"] = licenses[0]["license_id"]
        opened = await self.put(f"/v1/tickets/{name}", {key: value for key, value in body.items() if value is not None})
        if "state" not in opened:
            raise AssertionError(f"a ticket is always recorded: {opened}")
        path = f"/v1/tickets/{name}"
        means = (self.document.get("payment") or {}).get("means") or ["credits"]
        steps: list[tuple[str, Any]] = [
            ("details", {"facts": self.facts()}),
            ("details", {"pay_with": self.chance.choice(means)}),
            (
                "assessments",
                {"credits": 30, "reason": "r", **({"category": stated["category"]} if "category" in stated else {})},
            ),
            ("assessments/1/confirmation", {"accept": True}),
            ("qualification", {"decision": "accept", "note": "n"}),
            ("responses", {"author": "customer", "kind": "inquiry"}),
            ("responses", {"author": "vendor", "kind": "service"}),
            (
                "access-requests",
                {"kinds": [self.chance.choice((self.document.get("access") or {}).get("kinds") or ["ftp"])]},
            ),
            *(("pauses", {"reason": one["reason"]}) for one in self.document.get("pause_reasons", [])[:2]),
        ]
        steps += [("credits", {"credit_type": one}) for one in self.types()[:1] if "credit_type" not in stated]
        for verb, said in steps:
            await self.post(f"{path}/{verb}", said)
        now = (await self.get("/v1/clock"))["now"]
        await self.time(f"2025-02-{int(now[8:10]) if now[5:7] == '02' else 1:02d}T12:00:00Z", later=True)
        outcomes = [one["outcome"] for one in self.document["outcomes"] if one.get("by_agent", True)]
        causes = [one["cause"] for one in self.document["causes"]] or [None]
        ended = {"outcome": self.chance.choice(outcomes), "cause": self.chance.choice(causes)}
        for verb, said in [
            ("access-requests/1/grant", {}),
            ("resumptions", {}),
            ("resolution", ended),
            ("disputes", {"reason": "r"}),
            ("disputes/1/decision", {"decision": "returned"}),
            ("cause", {"cause": self.chance.choice(causes), "reason": "r"}),
            ("reopening", {}),
            ("withdrawal", {}),
        ]:
            await self.post(f"{path}/{verb}", said)
        await self.get(path)
        await self.get(f"/v1/explain/ticket/{name}")

    async def covers(self) -> None:
        for one in (await self.account())["covers"][:3]:
            for verb, said in [("suspension", {}), ("resumption", {}), ("extension", {"months": 1, "reason": "r"})]:
                await self.post(f"/v1/covers/{one['cover_id']}/{verb}", said)

    async def refunds(self) -> None:
        for one in (await self.get("/v1/customers/anna/balance")).get("lots", [])[:3]:
            await self.get(f"/v1/lots/{one['lot_id']}/refund-quote")
            await self.post(f"/v1/lots/{one['lot_id']}/refund", {})
        for number in range(0, 12, 2):
            await self.post(f"/v1/orders/o{number}/refunds", {"refund_id": f"r{number}"})

    async def time(self, to: str, *, later: bool = False) -> None:
        """Moves the sandbox; what cannot be done of what falls due is set aside and told, which is a fault of ours."""
        if later:
            day = min(int(to[8:10]) + 3, 28)
            to = f"{to[:8]}{day:02d}{to[10:]}"
        for _ in range(200):
            moved = await self.put("/v1/clock", {"now": to})
            if moved.get("code") == "clock_backwards":
                return
            assert moved["set_aside"] == [], moved
            if moved["reached"]:
                return


@pytest.mark.parametrize("seed", range(FIRST, FIRST + DOCUMENTS))
async def test_a_story_through_an_odd_document(app: FastAPI, seed: int) -> None:
    document = await asyncio.to_thread(odd, seed)
    assert faults(document) == []
    shop = await published(app, document)
    if shop is None:
        return  # the story was played before it could stop anybody's desk
    life = Life(shop, document, seed)
    try:
        await life.play()
    except AssertionError as error:
        raise AssertionError(f"{error}\n{json.dumps(document)}") from error
    finally:
        await shop.close()
    assert sum(one.startswith("2") for one in life.said) > len(life.said) / 4
