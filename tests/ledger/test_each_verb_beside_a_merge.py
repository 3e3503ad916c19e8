"""Every verb of the API beside a merge, an erasure and itself: done before, or on the heir, or refused with a code.

The verbs are those of the published contract, so one that is new needs a scene here, or a reason why it needs none.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.ledger.test_lock_then_look import Call, at_once, merge, order
from tests.support.api import Vendor

_numbers = itertools.count()
Scene = Callable[[Vendor, str], Awaitable[Call]]
SCENES: dict[str, tuple[str, Scene]] = {}
"""operation -> the policy under which it is played, and what makes the call once all is there for it."""

_OF_THE_VENDOR = "touches what belongs to the vendor, no customer's row"
_READS = "writes nothing"
WITHOUT: dict[str, str] = {
    **dict.fromkeys(
        ("putTenant", "suspendTenant", "createKey", "revokeKey", "rotateKey", "putCalendar", "publishCalendarVersion",
         "importCalendar", "publishPolicy", "putSource", "deleteSource", "changeWebhookEndpoint",
         "deleteWebhookEndpoint", "rotateWebhookSecret", "testWebhookEndpoint", "replayWebhookDelivery",
         "replayWebhookSpan"), _OF_THE_VENDOR),
    **dict.fromkeys(("readCalendarFeed", "validatePolicy", "priceTicket", "simulatePolicy"), _READS),
    "moveTime": "takes the rows that fall due one customer at a time; its own tests race it",
    "receiveDelivery": "keeps what came; what becomes of it are the verbs of orders and tickets",
    "replaySourceDelivery": "as receiveDelivery",
    "dismissSourceDelivery": "changes the delivery alone",
    "judgeClock": "changes an ended clock's judgement under the lock of its ticket; needs a correction of a calendar",
    "decideDispute": "as openDispute: the desk takes the ticket under the same lock",
    "confirmAssessment": "as assessTicket",
    "grantAccess": "as requestAccess",
    "resumeCover": "as suspendCover",
    "resumeTicket": "as pauseTicket",
}  # fmt: skip


def scene(operation: str, policy: str = "x-cart") -> Callable[[Scene], Scene]:
    def keep(made: Scene) -> Scene:
        SCENES[operation] = (policy, made)
        return made

    return keep


async def bought(shop: Vendor, customer: str, sku: str) -> dict[str, Any]:
    name = f"o-{next(_numbers)}"
    made: dict[str, Any] = await shop.ok(await shop.put(f"/v1/orders/{name}", order(customer, name, sku)))
    return made


async def opened(shop: Vendor, customer: str, **more: Any) -> str:
    name = f"t-{next(_numbers)}"
    body = {"customer_id": customer, "subject": "s", "channel": "helpdesk", **more}
    await shop.ok(await shop.put(f"/v1/tickets/{name}", body))
    return name


def by_name(operation: str, path: str, body: Any) -> None:
    @scene(operation)
    async def make(shop: Vendor, who: str) -> Call:
        return lambda: shop.post(f"/v1/customers/{who}/{path}", body)


by_name("createDebit", "debits", {"credits": 1})
by_name("createHold", "holds", {"credits": 1})
by_name("adjustCredits", "adjustments", {"credits": 1, "reason": "r"})
by_name("createCustomerToken", "tokens", {"minutes": 5})
by_name("eraseCustomer", "erasure", {})
by_name("mergeCustomers", "merge", {"into_customer_id": "someone-else"})


def by_hold(operation: str, verb: str, kind: str) -> None:
    @scene(operation)
    async def make(shop: Vendor, who: str) -> Call:
        hold = await shop.ok(await shop.post(f"/v1/customers/{who}/{kind}", {"credits": 2}))
        return lambda: shop.post(f"/v1/holds/{hold['hold_id']}/{verb}", {})


by_hold("captureHold", "capture", "holds")
by_hold("releaseHold", "release", "holds")
by_hold("refundHold", "refund", "debits")


@scene("createCreditBatch")
async def _batch(shop: Vendor, who: str) -> Call:
    command = {"kind": "debit", "customer_id": who, "credits": 1, "idempotency_key": f"k{next(_numbers)}"}
    return lambda: shop.post("/v1/credit-batches", {"commands": [command]}, key=None)


def by_lot(operation: str, verb: str, body: Any) -> None:
    @scene(operation, "shopp")
    async def make(shop: Vendor, who: str) -> Call:
        lot = (await bought(shop, who, "credit-priority"))["lots"][0]["lot_id"]
        await bought(shop, "somebody", "license")
        return lambda: shop.post(f"/v1/lots/{lot}/{verb}", body)


by_lot("transferLot", "transfer", {"to_customer_id": "somebody"})
by_lot("refundLot", "refund", {"override": True, "reason": "r"})


@scene("putOrder")
async def _order(shop: Vendor, who: str) -> Call:
    name = f"late-{next(_numbers)}"
    return lambda: shop.put(f"/v1/orders/{name}", order(who, name, "credits-300"))


def by_order(operation: str, verb: str, body: Any) -> None:
    @scene(operation)
    async def make(shop: Vendor, who: str) -> Call:
        name = (await bought(shop, who, "license"))["order_id"]
        return lambda: shop.post(f"/v1/orders/{name}/{verb}", body)


by_order("refundOrder", "refunds", {"refund_id": "r"})
by_order("replayOrder", "replay", {})


@scene("makeChoice", "cs-cart")
async def _choice(shop: Vendor, who: str) -> Call:
    await bought(shop, who, "license")
    one = (await shop.ok(await shop.get(f"/v1/customers/{who}/choices")))["data"][0]
    path = f"/v1/customers/{who}/choices/{one['choice_id']}"
    return lambda: shop.post(path, {"option": one["options"][0]})


def by_license(operation: str, verb: str, body: Any) -> None:
    @scene(operation)
    async def make(shop: Vendor, who: str) -> Call:
        one = (await bought(shop, who, "license"))["licenses"][0]["license_id"]
        return lambda: shop.post(f"/v1/licenses/{one}/{verb}", body)


by_license("registerLicense", "registration", {"domain": "shop.example"})
by_license("terminateLicense", "termination", {})


@scene("putTicket")
async def _ticket(shop: Vendor, who: str) -> Call:
    name = f"t-{next(_numbers)}"
    body = {"customer_id": who, "subject": "s", "channel": "helpdesk", "category": "level_1"}
    return lambda: shop.put(f"/v1/tickets/{name}", body)


def by_ticket(operation: str, verb: str, body: Any, *, resolved: bool = False) -> None:
    @scene(operation)
    async def make(shop: Vendor, who: str) -> Call:
        name = await opened(shop, who, category="level_1")
        if resolved:
            await shop.ok(await shop.post(f"/v1/tickets/{name}/resolution", {"cause": "question"}))
        return lambda: shop.post(f"/v1/tickets/{name}/{verb}", body)


by_ticket("addTicketDetails", "details", {"facts": {}})
by_ticket("withdrawTicket", "withdrawal", {})
by_ticket("qualifyTicket", "qualification", {"decision": "accept", "note": "n"})
by_ticket("assessTicket", "assessments", {"category": "level_2"})
by_ticket("addResponse", "responses", {"author": "vendor", "kind": "service"})
by_ticket("requestAccess", "access-requests", {"kinds": ["ftp"]})
by_ticket("pauseTicket", "pauses", {"reason": "waiting_for_customer", "party": "customer"})
by_ticket("applyCredit", "credits", {"credit_type": "credit"})
by_ticket("splitTicket", "splits", {"ticket_id": "part", "subject": "s"})
by_ticket("resolveTicket", "resolution", {"cause": "question"})
by_ticket("reopenTicket", "reopening", {}, resolved=True)
by_ticket("openDispute", "disputes", {"reason": "r"}, resolved=True)
by_ticket("correctCause", "cause", {"cause": "software_bug", "reason": "r"}, resolved=True)


@scene("mergeTicket")
async def _merged_ticket(shop: Vendor, who: str) -> Call:
    one, other = await opened(shop, who, category="level_1"), await opened(shop, who, category="level_1")
    return lambda: shop.post(f"/v1/tickets/{one}/merge", {"into_ticket_id": other})


def by_cover(operation: str, verb: str, body: Any) -> None:
    @scene(operation, "avactis")
    async def make(shop: Vendor, who: str) -> Call:
        await bought(shop, who, "license-owned")
        covers = (await shop.ok(await shop.get(f"/v1/customers/{who}")))["covers"]
        one = covers[0]["cover_id"] if covers else "none"
        return lambda: shop.post(f"/v1/covers/{one}/{verb}", body)


by_cover("suspendCover", "suspension", {"reason": "r"})
by_cover("extendCover", "extension", {"months": 1, "reason": "r"})


@scene("createWebhookEndpoint")
async def _endpoint(shop: Vendor, who: str) -> Call:
    body = {"url": "https://hooks.example/x", "customer_id": who, "description": "d"}
    return lambda: shop.post("/v1/webhook-endpoints", body)


def verbs() -> set[str]:
    """The operations that write, of the published contract."""
    paths = json.loads(Path("openapi/openapi.json").read_text())["paths"]
    return {
        one["operationId"]
        for methods in paths.values()
        for method, one in methods.items()
        if method in ("post", "put", "patch", "delete")
    }


def test_every_verb_has_a_scene_or_a_reason() -> None:
    assert set(SCENES) | set(WITHOUT) == verbs()
    assert not set(SCENES) & set(WITHOUT)


@pytest.mark.parametrize("policy", sorted({policy for policy, _ in SCENES.values()}))
@pytest.mark.parametrize("beside", ["merge", "erasure", "itself"])
async def test_a_verb_beside(vendor: MakeVendor, module_url: str, policy: str, beside: str) -> None:
    shop = await vendor(policy)
    broken: list[str] = []
    for name, (of, make) in sorted(SCENES.items()):
        if of != policy:
            continue
        number = next(_numbers)
        who, heir = f"a{number}", f"b{number}"
        for one in (who, heir):
            if policy in ("x-cart", "avactis"):
                await shop.ok(
                    await shop.post(f"/v1/customers/{one}/adjustments", {"credits": 500, "reason": "r"})
                )
            else:
                await bought(shop, one, "license")
        call = await make(shop, who)
        other: Call = {
            "merge": merge(shop, who, heir),
            "erasure": lambda who=who: shop.post(f"/v1/customers/{who}/erasure"),
            "itself": call,
        }[beside]
        answers = await at_once(module_url, shop, other, call)
        broken += [
            f"{name}: {one.status_code} {one.text[:300]}"
            for one in answers
            if one.status_code >= 500 or (one.status_code >= 400 and not one.json().get("code"))
        ]
        if (
            beside == "merge"
            and answers[0].status_code == 200
            and name not in ("eraseCustomer", "mergeCustomers")
        ):
            read = [(await shop.get(f"/v1/customers/{one}/balance")).json() for one in (who, heir)]
            same = [(one["available"], one["held"]) for one in read]
            if same[0] != same[1]:
                broken.append(f"{name}: {same}")
    broken += [str(one) for one in (await shop.ok(await shop.get("/v1/audit")))["data"]]
    assert not broken, "\n".join(broken)
