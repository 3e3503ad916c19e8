"""Credits that are good for longer since more were bought, over HTTP."""

from __future__ import annotations

import itertools

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.inbound.test_payment_disputes import deliver, dispute, session
from tests.living.shop import ANN, DOCUMENT, NOW, balance, bought
from tests.support import shops
from tests.support.api import Vendor
from tests.support.vendors import refunded, sound, told, vendor_under

GRANT = "{kind: credits, rule: pack, clause: L-1}"
YEARS = "{kind: credits, rule: pack, clause: L-1, expires: {years: 1}, extends: [pack]}"
EXTENDING = DOCUMENT.replace(GRANT, YEARS)


async def ends(shop: Vendor) -> list[tuple[int, str]]:
    """What is left of each lot, and until when."""
    return [(lot["available"], lot["expires_at"]) for lot in (await balance(shop))["lots"]]


async def test_a_top_up_extends_what_is_left(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, EXTENDING, now=NOW)
    await bought(shop, "credits-10", "o1")
    await shop.ok(await shop.post(f"{ANN}/debits", {"credits": 4}))
    await shop.move_clock("2025-09-01T00:00:00Z")
    await bought(shop, "credits-20", "o2", at="2025-09-01T00:00:00Z")
    assert await ends(shop) == [(6, "2026-09-01T00:00:00Z"), (20, "2026-09-01T00:00:00Z")]
    (event,) = [each["data"] for each in await told(shop, "credits.extended")]
    assert (event["credits"], event["expires_at"]) == (6, "2026-09-01T00:00:00Z")
    (first,) = (lot for lot in (await balance(shop))["lots"] if lot["granted"] == 10)
    story = (await shop.ok(await shop.get(f"/v1/explain/lot/{first['lot_id']}")))["summary"]
    assert "can be used until 1 September 2026" in story
    assert "Order o2 made that longer; without that it would be until 3 March 2026." in story
    before = await shop.ok(await shop.get(f"{ANN}/balance", as_of="2025-08-01T00:00:00Z"))
    assert [lot["expires_at"] for lot in before["lots"]] == ["2026-03-03T10:00:00Z"]
    await shop.move_clock("2026-08-31T23:59:59Z")
    assert (await balance(shop))["available"] == 26
    await shop.move_clock("2026-09-01T00:00:00Z")
    assert (await balance(shop))["available"] == 0
    await bought(shop, "credits-1", "o3", at="2026-09-01T00:00:00Z")  # what has ended stays ended
    assert (await balance(shop))["available"] == 1
    await sound(shop)


async def test_a_refund_takes_the_time_back(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, EXTENDING, now=NOW)
    await bought(shop, "credits-10", "o1")
    await shop.move_clock("2025-09-01T00:00:00Z")
    await bought(shop, "credits-20", "o2", at="2025-09-01T00:00:00Z")
    refund = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "regret"}
    await shop.ok(await shop.post("/v1/orders/o2/refunds", refund, key=None))
    assert await ends(shop) == [(10, "2026-03-03T10:00:00Z")]
    await bought(shop, "credits-5", "o3", at="2025-09-01T00:00:00Z")
    await shop.move_clock("2026-05-01T00:00:00Z")
    await shop.ok(await shop.post("/v1/orders/o3/refunds", {**refund, "refund_id": "r2"}, key=None))
    assert (await balance(shop))["available"] == 0  # its own end had passed by then
    await sound(shop)


PLACED = [
    ("o0", 7, "2023-05-01T00:00:00Z"),  # over before any other was bought
    ("o1", 1, "2024-06-01T00:00:00Z"),  # reached by the next one, that by the next, and so on
    ("o2", 10, NOW),
    ("o3", 20, "2025-09-01T00:00:00Z"),
]


@pytest.mark.parametrize("arrival", [*itertools.permutations(range(4))], ids=str)
async def test_any_order_of_arrival_gives_the_same_ends(
    app: FastAPI, api: httpx.AsyncClient, arrival: tuple[int, ...]
) -> None:
    shop = await vendor_under(app, api, EXTENDING, now="2025-10-01T00:00:00Z")
    for number in arrival:
        order, many, at = PLACED[number]
        await bought(shop, f"credits-{many}", order, at=at)
    assert sorted(await ends(shop)) == [(n, "2026-09-01T00:00:00Z") for n in (1, 10, 20)]
    assert (await balance(shop, as_of="2025-03-10T00:00:00Z"))["available"] == 11
    for order in ("o1", "o2", "o3"):
        rows = (await shop.ok(await shop.get(f"/v1/orders/{order}")))["lots"]
        live = [(row["available"], row["expires_at"]) for row in rows if row["available"]]
        assert live == [(rows[0]["granted"], "2026-09-01T00:00:00Z")]
    await sound(shop)
    await refunded(shop, "o3")
    await refunded(shop, "o1")
    assert await ends(shop) == [(10, "2026-03-03T10:00:00Z")]
    await sound(shop)


async def test_what_a_refund_in_the_middle_leaves_of_a_chain(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, EXTENDING, now=NOW)
    await bought(shop, "credits-10", "o1")
    for order, at in (("o2", "2025-12-01T00:00:00Z"), ("o3", "2026-06-01T00:00:00Z")):
        await shop.move_clock(at)
        await bought(shop, "credits-5", order, at=at)
    end = "2027-06-01T00:00:00Z"
    assert await ends(shop) == [(10, end), (5, end), (5, end)]
    await refunded(shop, "o2")
    assert await ends(shop) == [(5, end)], "only o2 had made o1 last until o3"
    await sound(shop)


async def test_a_refund_in_the_middle_leaves_what_others_reach(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, EXTENDING, now=NOW)
    await bought(shop, "credits-10", "o1")
    for order, at in (("o2", "2025-06-01T00:00:00Z"), ("o3", "2025-12-01T00:00:00Z")):
        await shop.move_clock(at)
        await bought(shop, "credits-5", order, at=at)
    await refunded(shop, "o2")
    assert await ends(shop) == [(10, "2026-12-01T00:00:00Z"), (5, "2026-12-01T00:00:00Z")]
    await refunded(shop, "o3")
    assert await ends(shop) == [(10, "2026-03-03T10:00:00Z")]
    await sound(shop)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("merged", ["before", "after"])
async def test_a_merge_keeps_what_extended_what(app: FastAPI, api: httpx.AsyncClient, held: bool, merged: str) -> None:
    shop = await vendor_under(app, api, EXTENDING, now=NOW)
    await bought(shop, "credits-10", "o1")
    if held:
        await shop.ok(await shop.post(f"{ANN}/holds", {"credits": 4}))
    await shop.move_clock("2025-09-01T00:00:00Z")
    if merged == "before":
        await shop.ok(await shop.post("/v1/customers/ann/merge", {"into_customer_id": "bea"}))
    await bought(shop, "credits-20", "o2", at="2025-09-01T00:00:00Z")
    if merged == "after":
        await shop.ok(await shop.post("/v1/customers/ann/merge", {"into_customer_id": "bea"}))
    lots = (await balance(shop, "bea"))["lots"]
    assert {lot["expires_at"] for lot in lots} == {"2026-09-01T00:00:00Z"}
    await sound(shop)
    await refunded(shop, "o2")
    lots = (await balance(shop, "bea"))["lots"]
    assert {(lot["expires_at"]) for lot in lots} == {"2026-03-03T10:00:00Z"}
    assert sum(lot["available"] + lot["held"] for lot in lots) == 10
    await sound(shop)


async def test_two_accounts_that_became_one_extend_each_other(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, EXTENDING, now="2025-10-01T00:00:00Z")
    await bought(shop, "credits-10", "o1", at=NOW)
    await bought(shop, "credits-20", "o2", at="2025-09-01T00:00:00Z", customer="bea")
    await shop.ok(await shop.post("/v1/customers/ann/merge", {"into_customer_id": "bea"}))
    found = sorted((lot["available"], lot["expires_at"]) for lot in (await balance(shop, "bea"))["lots"])
    assert found == [(10, "2026-09-01T00:00:00Z"), (20, "2026-09-01T00:00:00Z")]
    await sound(shop)


async def test_what_was_refunded_before_a_purchase_is_told_does_not_come_back(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api, EXTENDING, now="2025-10-01T00:00:00Z")
    await bought(shop, "credits-10", "o1", at="2024-09-15T00:00:00Z")
    await refunded(shop, "o1")
    await bought(shop, "credits-5", "o2", at="2025-09-01T00:00:00Z")
    assert await ends(shop) == [(5, "2026-09-01T00:00:00Z")]
    await sound(shop)


GIVEN = EXTENDING.replace(
    "reassessment_clause: L-2\n",
    "reassessment_clause: L-2\ntransfer: {allowed: true, clause: L-1, message: Credits may be given away.}\n"
    "money_back: {clause: L-1, full_within: {days: 400}}\n",
)


async def test_a_refund_reaches_credits_that_were_given_away(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, GIVEN, now=NOW)
    await bought(shop, "credits-10", "o1")
    await shop.move_clock("2025-09-01T00:00:00Z")
    await bought(shop, "credits-20", "o2", at="2025-09-01T00:00:00Z")
    await bought(shop, "credits-1", "o3", customer="bea", at="2025-08-01T00:00:00Z")
    (lot,) = (lot for lot in (await balance(shop))["lots"] if lot["granted"] == 10)
    await shop.ok(await shop.post(f"/v1/lots/{lot['lot_id']}/transfer", {"to_customer_id": "bea"}))
    await refunded(shop, "o2")
    found = sorted((lot["available"], lot["expires_at"]) for lot in (await balance(shop, "bea"))["lots"])
    assert found == [(1, "2026-08-01T00:00:00Z"), (10, "2026-03-03T10:00:00Z")]
    await sound(shop)


async def test_money_back_for_a_top_up_takes_its_time_back(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, GIVEN, now=NOW)
    await bought(shop, "credits-10", "o1")
    await shop.move_clock("2025-09-01T00:00:00Z")
    await bought(shop, "credits-20", "o2", at="2025-09-01T00:00:00Z")
    (lot,) = (lot for lot in (await balance(shop))["lots"] if lot["granted"] == 20)
    await shop.ok(await shop.post(f"/v1/lots/{lot['lot_id']}/refund", {"reason": "regret"}))
    assert await ends(shop) == [(10, "2026-03-03T10:00:00Z")]
    await sound(shop)


async def test_a_top_up_that_was_used_and_refunded_whole_extends_nothing(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, EXTENDING, now=NOW)
    await bought(shop, "credits-10", "o1")
    await shop.move_clock("2025-09-01T00:00:00Z")
    await bought(shop, "credits-20", "o2", at="2025-09-01T00:00:00Z")
    await shop.ok(await shop.post(f"{ANN}/debits", {"credits": 13}))
    await refunded(shop, "o2")
    assert (await balance(shop))["available"] == 0
    await shop.ok(await shop.post(f"{ANN}/adjustments", {"credits": 1, "reason": "goodwill"}))
    await sound(shop)


async def test_a_dispute_that_is_won_gives_the_time_again(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, EXTENDING, now="2025-01-10T00:00:00Z")
    made = await shop.ok(await shop.put("/v1/sources/shop", {"kind": "stripe", "secret": shops.SECRET}), 201)
    await bought(shop, "credits-10", "o1", customer="shop:17", at="2024-06-01T00:00:00Z")
    await shop.move_clock("2025-03-01T12:00:00Z")
    assert (await deliver(shop, made["path"], session("credits-20", 1, 20000)))["state"] == "done"

    async def first() -> tuple[int, str]:
        found = await balance(shop, "shop:17")
        return next((lot["available"], lot["expires_at"]) for lot in found["lots"] if lot["available"] == 10)

    until = (await first())[1]
    assert until > "2026-02-28"
    assert (await deliver(shop, made["path"], dispute("lost", amount=20000)))["state"] == "done"
    assert await first() == (10, "2025-06-01T00:00:00Z")
    await shop.move_clock("2025-07-01T00:00:00Z")
    assert (await balance(shop, "shop:17"))["available"] == 0
    assert (await deliver(shop, made["path"], dispute("won", amount=20000, number=2)))["state"] == "done"
    assert await first() == (10, until)
    assert (await balance(shop, "shop:17"))["available"] == 30
    await sound(shop)


@pytest.mark.parametrize("won", ["2025-12-01T00:00:00Z", "2026-04-01T00:00:00Z"], ids=["before", "after"])
async def test_a_payment_that_is_won_is_extended_by_what_was_bought_meanwhile(
    app: FastAPI, api: httpx.AsyncClient, won: str
) -> None:
    shop = await vendor_under(app, api, EXTENDING, now="2025-03-01T12:00:00Z")
    made = await shop.ok(await shop.put("/v1/sources/shop", {"kind": "stripe", "secret": shops.SECRET}), 201)
    assert (await deliver(shop, made["path"], session("credits-20", 1, 20000)))["state"] == "done"
    assert (await deliver(shop, made["path"], dispute("lost", amount=20000)))["state"] == "done"
    await shop.move_clock("2025-11-01T00:00:00Z")
    await bought(shop, "credits-10", "o2", customer="shop:17", at="2025-11-01T00:00:00Z")
    assert (await balance(shop, "shop:17"))["available"] == 10
    await shop.move_clock(won)
    assert (await deliver(shop, made["path"], dispute("won", amount=20000, number=2)))["state"] == "done"
    lots = [(lot["available"], lot["expires_at"]) for lot in (await balance(shop, "shop:17"))["lots"]]
    assert sorted(lots) == [(10, "2026-11-01T00:00:00Z"), (20, "2026-11-01T00:00:00Z")]
    await sound(shop)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("expires: {years: 1}, extends: [hours]", "extends_nothing"),
        ("expires: {years: 1}, extends: [monthly]", "extends_nothing"),
        ("expires: {years: 1}, extends: [pack], ends_with: [plan]", "extends_in_passing"),
        ("extends: [trainings]", "extends_for_ever"),
    ],
)
def test_an_extension_of_nothing_is_found(written: str, code: str) -> None:
    text = EXTENDING.replace("expires: {years: 1}, extends: [pack]", written)
    text = text.replace("credits: 20, categories", "credits: 20, expires: {years: 1}, categories")
    document = load_document(text)
    found = [finding for finding in check_policy(document.policy, document.marks) if finding.code == code]
    assert len(found) == 1
    assert found[0].line > 0
