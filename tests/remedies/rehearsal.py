"""Stories that can be told again, questions that are refused, and remedies that are tried out."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from app.domain.values.wire import iso, parse_iso
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor

SIXTH = Path(__file__).parents[2] / "docs" / "examples" / "powerserver.yaml"
NOW = "2025-03-03T10:00:00Z"
POLICIES = ("cactushop", "cs-cart", "avactis", "shopp", "x-cart", "powerserver")
ANN = "ann"

Step = tuple[Any, ...]
Question = tuple[str, dict[str, Any]]
"""(``may``, query with an action) or (``ticket``, body)."""


async def tenant(app: FastAPI, policy: str) -> Vendor:
    """A fresh sandbox under one of the six."""
    if policy != "powerserver":
        return await make_vendor(app, policy, NOW)
    name = f"t-{uuid.uuid4().hex[:10]}"
    document = SIXTH.read_text(encoding="utf-8")
    body = {"policy": policy, "document": document, "clock": {"mode": "virtual", "now": NOW}}
    async with client_of(app, OPERATOR_KEY) as operator:
        made = await operator.put(f"/v1/tenants/{name}", json=body)
        assert made.status_code == 201, made.text
        key = (await operator.post(f"/v1/tenants/{name}/keys", json={"scopes": ["*"], "label": "t"})).json()
    return Vendor(name, policy, key["key"], client_of(app, key["key"]), app)


@dataclass
class Life:
    """A customer's life in a sandbox. Whatever is refused on the way is part of the story."""

    shop: Vendor
    now: datetime = field(default_factory=lambda: parse_iso(NOW))
    seen: list[Any] = field(default_factory=list)
    """Every answer, for those who read the messages."""
    count: int = 0

    async def live(self, steps: list[Step]) -> None:
        """Lives through the steps."""
        for verb, *given in steps:
            await getattr(self, verb)(*given)

    def kept(self, answer: httpx.Response) -> Any:
        """An answer that is no fault, kept."""
        assert answer.status_code < 500, answer.text
        self.seen.append(answer.json())
        return self.seen[-1]

    async def buy(self, sku: str, quantity: int = 1, **more: Any) -> Any:
        """An order placed now."""
        self.count += 1
        line = {"line_id": "1", "sku": sku, "quantity": quantity, **more}
        body = {"customer_id": ANN, "placed_at": iso(self.now), "currency": "USD", "lines": [line]}
        return self.kept(await self.shop.put(f"/v1/orders/o-{self.count}", body))

    async def wait(self, days: int) -> None:
        """Time passes."""
        await self.until(self.now + timedelta(days=days))

    async def until(self, when: datetime) -> None:
        """Time passes until an instant."""
        self.now = max(self.now, when)
        await self.shop.move_clock(iso(self.now))

    async def sidebar(self) -> Any:
        """What the customer has."""
        answer = await self.shop.get(f"/v1/customers/{ANN}")
        return answer.json() if answer.status_code == 200 else {"licenses": [], "covers": [], "choices": []}

    async def choose(self, which: int) -> None:
        """Makes every open choice."""
        for one in (await self.sidebar())["choices"]:
            option = one["options"][which % len(one["options"])]
            path = f"/v1/customers/{ANN}/choices/{one['choice_id']}"
            self.kept(await self.shop.post(path, {"option": option}))

    async def suspend(self) -> None:
        """Suspends what can be suspended."""
        for one in (await self.sidebar())["covers"]:
            if one["state"] == "running":
                self.kept(await self.shop.post(f"/v1/covers/{one['cover_id']}/suspension"))

    async def terminate(self) -> None:
        """Ends the newest license."""
        held = [one for one in (await self.sidebar())["licenses"] if one["active"]]
        if held:
            self.kept(await self.shop.post(f"/v1/licenses/{held[-1]['license_id']}/termination"))

    async def register(self) -> None:
        """Registers every license."""
        for one in (await self.sidebar())["licenses"]:
            self.kept(await self.shop.post(f"/v1/licenses/{one['license_id']}/registration", {"domain": "a.example"}))

    async def refund(self, number: int) -> None:
        """Refunds an order."""
        self.kept(await self.shop.post(f"/v1/orders/o-{number}/refunds", {"refund_id": "r", "lines": []}))

    async def spend(self, credits_: int) -> None:
        """Takes credits."""
        self.kept(await self.shop.post(f"/v1/customers/{ANN}/debits", {"credits": credits_}))

    async def ticket(self, body: dict[str, Any]) -> None:
        """A ticket that stays open."""
        await self.ask(("ticket", body))

    async def ask(self, question: Question) -> Any:
        """The answer to a question now."""
        kind, given = question
        if kind == "may":
            query = dict(given)
            if "license" in query:
                held = (await self.sidebar())["licenses"]
                place = query.pop("license")
                query["license_id"] = held[place % len(held)]["license_id"] if held else None
            action = query.pop("action")
            return self.kept(await self.shop.get(f"/v1/customers/{ANN}/entitlements/{action}", **query))
        name = f"T-{uuid.uuid4().hex[:12]}"
        body = {"customer_id": ANN, "subject": "It does not work", "channel": "helpdesk", **given}
        return self.kept(await self.shop.put(f"/v1/tickets/{name}", body))


def refused(answer: Any) -> bool:
    """Whether the answer is no."""
    if "allowed" in answer:
        return not answer["allowed"]
    return answer.get("state") in {
        "rejected",
        "awaiting_credits",
        "awaiting_choice",
        "needs_facts",
        "awaiting_assessment",
    }


def said(answer: Any) -> Any:
    """What an answer says, without ids and instants that differ anyway."""
    codes = [(one["code"], _plain(one["facts"])) for one in answer["reasons"]]
    return answer.get("allowed"), answer.get("state"), codes, _plain(answer["remedies"])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _plain(one)
            for name, one in value.items()
            if not name.endswith(("_id", "_at")) and name not in {"choices", "licenses"}
        }
    return [_plain(one) for one in value] if isinstance(value, list) else value


async def try_out(life: Life, question: Question, answer: Any, remedy: dict[str, Any]) -> Question | None:
    """Does what a remedy says and gives the question as it is then asked; None: it is nothing that can be tried."""
    kind, given = question[0], dict(question[1])
    match remedy["kind"]:
        case "wait":
            pass
        case "buy" if "sku" in remedy:
            more = {"attributes": remedy["attributes"]} if "attributes" in remedy else {}
            order = await life.buy(remedy["sku"], remedy.get("quantity", 1), **more)
            assert order["not_granted"] == [], f"{remedy['sku']} cannot be ordered: {order['not_granted']}"
            lots = order["lots"]
            codes = {one["code"] for one in answer["reasons"]}
            if kind == "ticket" and lots and codes & {"wrong_credit_type", "credit_required"}:
                given["credit_type"] = lots[0]["credit_type"]
        case "resume":
            await life.shop.ok(await life.shop.post(f"/v1/covers/{remedy['cover_id']}/resumption"))
        case "choose":
            if answer.get("options") and "pay_with" in answer["options"][0]:
                given["pay_with"] = answer["options"][0]["pay_with"]
            else:
                await life.choose(0)
        case "apply_credit":
            given["credit_type"] = remedy["credit_type"]
        case "write_in":
            given["language"] = "en"
        case "helpdesk":
            given["channel"] = "helpdesk"
        case "forum":
            given["forum"] = "why cs-cart?"
        case _:
            return None
    if "helps_at" in remedy:
        assert parse_iso(remedy["helps_at"]) > life.now
        await life.until(parse_iso(remedy["helps_at"]))
    return kind, given


def texts(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text that a customer may see: messages, texts, summaries, what would change an answer."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name in {"message", "text", "would_change", "summary"} and isinstance(one, str):
                yield f"{where}.{name}", one
            else:
                yield from texts(one, f"{where}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from texts(one, where)


BRACES = re.compile(r"[{}]")
NAMES = re.compile(r"\b(?:inputs|license|customer|cover|credits|ticket|query|entitled)\.[a-z_N]")
ONE_OF_MANY = re.compile(r"\b1 (?:more )?(?:[A-Za-z+]+ ){0,3}(?:credits|points|tickets|licenses)\b")


def readable(seen: Any) -> None:
    """No text says what only a program reads."""
    for where, text in texts(seen):
        fault = BRACES.search(text) or NAMES.search(text) or ONE_OF_MANY.search(text)
        assert fault is None, (where, text)
        assert "unknown" not in text.lower(), (where, text)
