"""Credits that are spent before they come: bounded, owed, and paid by the next ones, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.living.shop import ANN, DOCUMENT, NOW, balance, bought, resolved
from tests.support.vendors import opened, ordered, refunded, sound, told, vendor_under

RULE = "  overdraft: {most: 10, clause: L-4}\n"
OVERDRAWN = DOCUMENT.replace("credits:\n  clause: L-1\n", "credits:\n  clause: L-1\n" + RULE)
ALWAYS = OVERDRAWN.replace("most: 10,", "most: 10, against: anything,")


def owed(found: Any) -> tuple[int, int, int]:
    """Available, held and owed of a balance."""
    return found["available"], found["held"], found["owed"]


async def test_the_next_interval_pays_what_was_overdrawn(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, OVERDRAWN, now=NOW)
    await bought(shop, "plan", "p1")  # 20 credits now, and 20 each month
    for number in range(4):
        assert (await opened(shop, f"t{number}"))["state"] == "in_progress"
    assert owed(await balance(shop)) == (0, 24, 4)
    (event,) = [each["data"] for each in await told(shop, "credits.overdrawn")]
    assert (event["credits"], event["owed"], event["clause"], event["balance"]) == (
        4,
        4,
        "L-4",
        {"available": 0, "held": 24},
    )
    story = str(await shop.ok(await shop.get(f"/v1/explain/lot/{event['lot_id']}")))
    assert "4 credits of them were overdrawn, and the next ones pay" in story
    assert "the 4 credits overdrawn on 3 March 2025" in story
    assert (await opened(shop, "t4"))["state"] == "in_progress"
    refused = await opened(shop, "t5")
    assert refused["state"] == "awaiting_credits"
    facts = refused["reasons"][0]["facts"]
    assert (facts["required"], facts["available"], facts["missing"]) == (6, 0, 6)
    assert [remedy["sku"] for remedy in refused["remedies"]] == ["credits-6"]
    await sound(shop)
    for number in range(5):
        await resolved(shop, f"t{number}")
    assert owed(await balance(shop)) == (0, 0, 10)
    assert owed(await balance(shop, as_of="2025-05-01T00:00:00Z")) == (20 - 10, 0, 0)
    await shop.move_clock("2025-04-03T10:00:00Z")
    assert owed(await balance(shop)) == (10, 0, 0)
    rows = (await shop.ok(await shop.get(f"{ANN}/statement")))["balance_modifications"]
    assert [(row["kind"], row["credits"]) for row in rows] == [
        ("granted", 20),
        ("granted", 4),
        ("granted", 6),
        ("granted", 20),
        ("repaid", -10),
    ]
    assert owed(await balance(shop, as_of="2025-03-10T00:00:00Z")) == (0, 0, 10)
    await sound(shop)


async def test_what_comes_back_pays_the_debt_too(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, OVERDRAWN, now=NOW)
    await bought(shop, "plan", "p1")
    await shop.ok(await shop.post(f"{ANN}/debits", {"credits": 18}))
    await opened(shop, "t1")
    assert owed(await balance(shop)) == (0, 6, 4)
    await shop.ok(await shop.post("/v1/tickets/t1/withdrawal", {}))
    assert owed(await balance(shop)) == (2, 0, 0)
    await opened(shop, "t2")
    await resolved(shop, "t2")
    await bought(shop, "credits-10", "o1")
    assert owed(await balance(shop)) == (6, 0, 0)
    body = {"cause": "software_bug", "reason": "found"}
    await shop.ok(await shop.post("/v1/tickets/t2/cause", body))
    assert owed(await balance(shop)) == (12, 0, 0)  # the pack paid the debt, so all six are there again
    await sound(shop)


async def test_without_anything_to_come_nothing_is_overdrawn(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, OVERDRAWN, now=NOW)
    await bought(shop, "credits-1", "o1")
    refused = await shop.post(f"{ANN}/debits", {"credits": 2})
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_credits")
    always = await vendor_under(app, api, ALWAYS, now=NOW)
    await bought(always, "credits-1", "o1")
    await always.ok(await always.post(f"{ANN}/debits", {"credits": 11}))
    assert owed(await balance(always)) == (0, 0, 10)
    refused = await always.post(f"{ANN}/holds", {"credits": 5})
    assert refused.json()["facts"]["missing"] == 5
    checked = await always.post(f"{ANN}/debits?validate_only=true", {"credits": 1})
    assert checked.status_code == 409
    await bought(always, "credits-4", "o2")
    hold = await always.ok(await always.post(f"{ANN}/holds", {"credits": 4}))
    await always.ok(await always.post(f"/v1/holds/{hold['hold_id']}/release", {}))
    assert owed(await balance(always)) == (0, 0, 6)
    await sound(always)


async def test_credits_that_cannot_pay_do_not_stop_an_overdraft(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, ALWAYS, now=NOW)
    await bought(shop, "credits-2", "o1")
    await bought(shop, "trainings", "o2")
    assert (await opened(shop, "t1"))["state"] == "in_progress", "2 of her own and 4 overdrawn"
    assert owed(await balance(shop)) == (20, 6, 4)
    await shop.ok(await shop.post(f"{ANN}/debits", {"credits": 2}))
    assert owed(await balance(shop)) == (20, 6, 6)
    assert (await opened(shop, "t2"))["state"] == "awaiting_credits", "4 may still be overdrawn"
    await shop.ok(await shop.post(f"{ANN}/debits", {"credits": 24, "category": "training"}))
    assert owed(await balance(shop)) == (0, 6, 10)
    await sound(shop)


async def test_kept_credits_stay_beside_what_was_overdrawn(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, ALWAYS, now=NOW)
    await bought(shop, "trainings", "o1")
    assert (await opened(shop, "t1"))["state"] == "in_progress"
    assert owed(await balance(shop)) == (20, 6, 6)
    assert (await opened(shop, "t2", "training"))["state"] == "in_progress"
    await shop.ok(await shop.post("/v1/tickets/t2/withdrawal", {}))
    assert owed(await balance(shop)) == (14, 6, 0), "what comes back pays, whatever it is for"
    await bought(shop, "credits-1", "o2")
    await opened(shop, "t3")
    assert owed(await balance(shop)) == (14, 12, 5)
    await shop.ok(await shop.post("/v1/customers/ann/merge", {"into_customer_id": "bea"}))
    found = await balance(shop, "bea")
    assert owed(found) == (14, 12, 5)
    await sound(shop)
    await bought(shop, "credits-9", "o3", customer="bea")
    assert owed(await balance(shop, "bea")) == (18, 12, 0)
    await sound(shop)


async def test_a_debt_goes_with_a_merge(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, ALWAYS, now=NOW)
    await bought(shop, "credits-3", "o1")
    await opened(shop, "t1")
    await bought(shop, "credits-10", "o2", customer="bea")
    await shop.ok(await shop.post("/v1/customers/ann/merge", {"into_customer_id": "bea"}))
    assert owed(await balance(shop, "bea")) == (7, 6, 0)
    await shop.ok(await shop.post("/v1/tickets/t1/withdrawal", {}))
    assert owed(await balance(shop, "bea")) == (13, 0, 0)
    await sound(shop)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (DOCUMENT.replace("credits:\n", "credits:\n  overdraft: {most: 0, clause: L-4}\n", 1), "out_of_bounds"),
        (OVERDRAWN.replace("        recurs: {interval", "        # {interval"), "overdraft_never"),
        (OVERDRAWN.replace("{most: 10,", "{most: 10, credit_types: [gold],"), "unknown_credit_type"),
        (
            OVERDRAWN.replace(
                "message: Anybody may ask.}", "message: So., when: {fact: credits.available, op: ge, value: 1}}"
            ),
            "overdraft_not_asked",
        ),
    ],
)
def test_a_rule_that_cannot_be_meant_is_found(text: str, code: str) -> None:
    if code == "out_of_bounds":
        text = OVERDRAWN.replace("most: 10", "most: 0")
    document = load_document(text)
    found = [finding for finding in check_policy(document.policy, document.marks) if finding.code == code]
    assert len(found) == 1
    assert found[0].line > 0


REFUND: Any = {"lines": [{"line_id": "1", "quantity": 1}], "reason": "changed their mind"}


async def test_a_debt_stands_again_where_what_paid_it_is_refunded(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, ALWAYS, now=NOW)
    await bought(shop, "credits-1", "o1")
    await shop.ok(await shop.post(f"{ANN}/debits", {"credits": 11}))
    await bought(shop, "credits-15", "o2")
    assert owed(await balance(shop)) == (5, 0, 0)
    answer = await refunded(shop, "o2")
    assert (answer["owed"], [row["credits"] for row in answer["taken_back"]]) == (10, [5])
    assert owed(await balance(shop)) == (0, 0, 10)
    assert (await shop.post(f"{ANN}/debits", {"credits": 1})).status_code == 409, "nothing more is lent"
    await bought(shop, "credits-25", "o3")
    assert owed(await balance(shop)) == (15, 0, 0)
    await sound(shop)


async def test_nothing_is_left_of_an_overdraft_once_all_is_refunded(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, ALWAYS, now=NOW)
    await bought(shop, "credits-3", "o1")
    await opened(shop, "t1")
    await bought(shop, "credits-10", "o2")
    await refunded(shop, "o2")
    assert owed(await balance(shop)) == (0, 6, 3)
    await shop.ok(await shop.post("/v1/tickets/t1/withdrawal", {}))
    assert owed(await balance(shop)) == (3, 0, 0)
    await refunded(shop, "o1")
    assert owed(await balance(shop)) == (0, 0, 0), "nobody has paid for anything"
    await sound(shop)


async def test_a_gift_that_paid_an_overdraft_is_owed_by_the_giver_once_it_is_refunded(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    """Eve had the money back for 10 credits, 4 of which had paid Ann's debt. What Ann has of them left is taken."""
    rule = 'transfer: {allowed: true, clause: L-1, message: "It may."}\n'
    shop = await vendor_under(app, api, ALWAYS.replace("credits:\n", rule + "credits:\n", 1), now=NOW)
    await bought(shop, "plan", "p1")
    for number in range(4):
        await opened(shop, f"t{number}")
    assert owed(await balance(shop)) == (0, 24, 4)
    given = await ordered(shop, "gift", [{"sku": "credits-10"}], customer="eve", currency="USD")
    (lot,) = given["lots"]
    await shop.ok(await shop.post(f"/v1/lots/{lot['lot_id']}/transfer", {"to_customer_id": "ann"}))
    assert owed(await balance(shop)) == (6, 24, 0)
    answer = await refunded(shop, "gift")
    assert answer["owed"] == 4
    assert [(row["credits"], row["customer_id"]) for row in answer["taken_back"]] == [(6, "ann")]
    assert owed(await balance(shop)) == (0, 24, 0)
    assert owed(await shop.ok(await shop.get("/v1/customers/eve/balance"))) == (0, 0, 4)
    await sound(shop)
