"""Pooled credits of an organisation with a limit for each person, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.living.shop import DOCUMENT, NOW, bought, resolved
from tests.support.api import Vendor
from tests.support.vendors import sound, vendor_under

COUNT = (
    "counts: [{count: own, title: credits of one person, clause: L-1, of: credits, per: person, each: month, most: 14}]"
)
LIMITED = DOCUMENT.replace("categories:\n", f"{COUNT}\ncategories:\n", 1)


async def company(app: FastAPI, api: httpx.AsyncClient, text: str = LIMITED) -> Vendor:
    """A company with 100 credits and two people."""
    shop = await vendor_under(app, api, text, now=NOW)
    await bought(shop, "credits-100", "o1", customer="acme")
    for person in ("pia", "quinn"):
        await shop.ok(await shop.put(f"/v1/customers/{person}", {"company_id": "acme"}))
    return shop


async def asks(shop: Vendor, person: str, ticket: str, category: str = "question") -> Any:
    """A ticket of a person."""
    body = {"customer_id": person, "subject": "Help", "category": category}
    return await shop.ok(await shop.put(f"/v1/tickets/{ticket}", body))


async def test_a_person_takes_no_more_than_the_limit(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await company(app, api)
    assert (await asks(shop, "pia", "t1"))["state"] == "in_progress"
    assert (await asks(shop, "pia", "t2"))["state"] == "in_progress"
    waits = await asks(shop, "pia", "t3")
    assert waits["state"] == "awaiting_credits"
    (reason,) = waits["reasons"]
    assert (reason["code"], reason["clause"]) == ("credit_limit_reached", "L-1")
    facts = reason["facts"]
    assert (facts["used"], facts["most"], facts["required"], facts["next_at"]) == (12, 14, 6, "2025-04-01T00:00:00Z")
    assert "12 of 14 credits of one person are used since 1 March 2025" in reason["message"]
    assert [(row["kind"], row["helps_at"]) for row in waits["remedies"]] == [("wait", "2025-04-01T00:00:00Z")]
    assert (await asks(shop, "quinn", "t4"))["state"] == "in_progress"  # the pool is not empty
    await resolved(shop, "t1", "software_bug")  # what came back counts no more
    again = await shop.ok(await shop.post("/v1/tickets/t3/details", {"facts": {}}))
    assert again["state"] == "in_progress"
    await sound(shop)


async def test_a_dearer_price_is_bounded_too(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await company(app, api)
    await asks(shop, "pia", "t1", "move")
    await shop.ok(await shop.post("/v1/tickets/t1/assessments", {"category": "move", "credits": 10}))
    refused = await shop.post("/v1/tickets/t1/assessments", {"category": "move", "credits": 15})
    assert (refused.status_code, refused.json()["code"]) == (409, "credit_limit_reached")
    await shop.ok(await shop.post("/v1/tickets/t1/assessments", {"category": "move", "credits": 14}))
    await shop.move_clock("2025-04-01T00:00:00Z")
    assert (await asks(shop, "pia", "t2"))["state"] == "in_progress"
    await sound(shop)


async def test_a_ticket_above_the_limit_never_fits(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await company(app, api, LIMITED.replace("most: 14", "most: 5"))
    waits = await asks(shop, "pia", "t1")
    assert waits["reasons"][0]["facts"]["next_at"] is None


async def test_a_debit_by_hand_names_nobody_and_counts_for_nobody(app: FastAPI, api: httpx.AsyncClient) -> None:
    """It is the vendor's own act on the company's account: no limit refuses it, and no person has less for it."""
    shop = await company(app, api)
    await shop.ok(await shop.post("/v1/customers/acme/debits", {"credits": 50}))
    body = {"category": "question", "customer_id": "pia"}
    means = (await shop.ok(await shop.post("/v1/policies/living/price", body, key=None)))["means"]
    assert (means["available"], means["limit_left"]) == (50, 14)
    refused = await shop.post("/v1/customers/pia/debits", {"credits": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_credits")
    await sound(shop)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("of: credits", "of: tickets", "limit_without_credits"),
        ("most: 14", "most: 0", "out_of_bounds"),
        ("each: month", "at_once: true", "bad_count_window"),
    ],
)
def test_a_limit_that_cannot_be_meant_is_found(before: str, after: str, code: str) -> None:
    document = load_document(LIMITED.replace(before, after))
    found = [finding for finding in check_policy(document.policy, document.marks) if finding.code == code]
    assert len(found) == 1
    assert found[0].line > 0
    assert check_policy(load_document(LIMITED).policy) == ()
