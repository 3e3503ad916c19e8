"""Credits kept for a kind of work: what spends them, what does not, and what a refusal says, over HTTP."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.living.shop import ANN, DOCUMENT, NOW, balance, bought, resolved
from tests.support.vendors import opened, sound, vendor_under


async def test_they_pay_for_their_category_first_and_for_no_other(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, DOCUMENT, now=NOW)
    await bought(shop, "credits-10", "o1")
    (lot,) = (await bought(shop, "trainings", "o2"))["lots"]
    assert (lot["scope"], lot["categories"]) == ("category", ["training"])
    story = await shop.ok(await shop.get(f"/v1/explain/lot/{lot['lot_id']}"))
    assert "kept for a training" in story["summary"]
    await opened(shop, "t1", "training")
    found = {row["rule"]: row["available"] for row in (await balance(shop))["lots"]}
    assert found == {"pack": 10, "trainings": 10}
    await opened(shop, "t2")  # a question takes of the others
    found = {row["rule"]: row["available"] for row in (await balance(shop))["lots"]}
    assert found == {"pack": 4, "trainings": 10}
    refused = await opened(shop, "t3")
    assert refused["state"] == "awaiting_credits"
    reason = refused["reasons"][0]
    assert (reason["code"], reason["facts"]["available"], reason["facts"]["kept_for_others"]) == (
        "insufficient_credits",
        4,
        10,
    )
    assert reason["message"].endswith("10 credits are kept for other categories.")
    assert [remedy["sku"] for remedy in refused["remedies"]] == ["credits-2"]
    assert (await opened(shop, "t4", "training"))["state"] == "in_progress"
    more = await opened(shop, "t5", "training")
    assert [remedy["sku"] for remedy in more["remedies"]] == ["credits-6", "trainings"]
    for ticket in ("t1", "t2", "t4"):
        await resolved(shop, ticket)
    await sound(shop)


async def test_a_debit_names_what_it_is_for(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, DOCUMENT, now=NOW)
    await bought(shop, "trainings", "o1")
    refused = await shop.post(f"{ANN}/debits", {"credits": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_credits")
    assert [remedy["sku"] for remedy in refused.json()["remedies"]] == ["credits-1"]
    other = await shop.post(f"{ANN}/debits", {"credits": 1, "category": "question"})
    assert other.status_code == 409
    hold = await shop.ok(await shop.post(f"{ANN}/holds", {"credits": 3, "category": "training"}))
    await shop.ok(await shop.post(f"/v1/holds/{hold['hold_id']}/capture", {}))
    assert (await balance(shop))["available"] == 17
    await sound(shop)


async def test_another_category_pays_with_other_credits(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, DOCUMENT, now=NOW)
    await bought(shop, "trainings", "o1")
    await opened(shop, "t1", "training")
    refused = await shop.post("/v1/tickets/t1/assessments", {"category": "question"})
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_credits")
    assert {row["rule"]: row["held"] for row in (await balance(shop))["lots"]} == {"trainings": 10}
    await bought(shop, "credits-10", "o2")
    await shop.ok(await shop.post("/v1/tickets/t1/assessments", {"category": "question"}))
    found = {row["rule"]: (row["available"], row["held"]) for row in (await balance(shop))["lots"]}
    assert found == {"pack": (4, 6), "trainings": (20, 0)}
    await resolved(shop, "t1", "software_bug")
    assert (await balance(shop))["available"] == 30
    await sound(shop)


async def test_they_stay_so_across_a_merge_and_in_a_large_account(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, DOCUMENT, now=NOW)
    await bought(shop, "trainings", "o1", customer="bea")
    for number in range(60):  # more lots than a call reads of an account
        await shop.ok(await shop.post(f"{ANN}/adjustments", {"credits": 1, "reason": f"gift {number}"}))
    await shop.ok(await shop.post("/v1/customers/bea/merge", {"into_customer_id": "ann"}))
    refused = await shop.post(f"{ANN}/debits", {"credits": 61})
    assert refused.json()["facts"]["available"] == 60
    await shop.ok(await shop.post(f"{ANN}/debits", {"credits": 75, "category": "training"}))
    assert (await balance(shop))["available"] == 5
    await sound(shop)


@pytest.mark.parametrize(
    ("written", "code"), [("categories: [dancing]", "unknown_category"), ("categories: [free]", "kept_for_nothing")]
)
def test_a_list_that_helps_nobody_is_found(written: str, code: str) -> None:
    free = "categories:\n  - {category: free, title: Free, price: {kind: fixed, credits: 0}, clause: L-2}"
    text = DOCUMENT.replace("categories: [training]", written).replace("\ncategories:", f"\n{free}", 1)
    document = load_document(text)
    found = [(finding.code, finding.line) for finding in check_policy(document.policy, document.marks)]
    line = next(n for n, row in enumerate(text.splitlines(), 1) if written in row)
    assert (code, line) in found
