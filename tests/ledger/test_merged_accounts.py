"""Two accounts become one: what comes back or is taken back later reaches the credits there (decision 0028)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.tickets.desk import act, open_ticket, ticket_of

PRICE = {"unit_price": "60.00", "list_price": "60.00"}


async def buy(shop: Vendor, sku: str, *, customer_id: str, order_id: str, quantity: int = 1) -> dict[str, Any]:
    body = {
        "customer_id": customer_id,
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "l-1", "sku": sku, "quantity": quantity, **PRICE}],
    }
    return await shop.ok(await shop.put(f"/v1/orders/{order_id}", json=body), 201)


async def merge(shop: Vendor, customer_id: str, into: str) -> dict[str, Any]:
    if (await shop.get(f"/v1/customers/{into}")).status_code == 404:
        await shop.ok(
            await shop.put(
                f"/v1/orders/first-{into}",
                json={
                    "customer_id": into,
                    "placed_at": "2025-01-01T00:00:00Z",
                    "currency": "USD",
                    "lines": [{"line_id": "1", "sku": "of-no-interest", "quantity": 1}],
                },
            ),
            201,
        )
    return await shop.ok(await shop.post(f"/v1/customers/{customer_id}/merge", json={"into_customer_id": into}))


async def give_back(shop: Vendor, order_id: str, **line: Any) -> dict[str, Any]:
    body = {"refund_id": f"r-{order_id}", "lines": [line] if line else []}
    return await shop.ok(await shop.post(f"/v1/orders/{order_id}/refunds", json=body, key=None), 201)


async def debit(shop: Vendor, customer_id: str, credits: int) -> dict[str, Any]:
    return await shop.ok(await shop.post(f"/v1/customers/{customer_id}/debits", {"credits": credits}), 201)


async def available(shop: Vendor, customer_id: str = "ann") -> int:
    return int((await shop.ok(await shop.get(f"/v1/customers/{customer_id}/balance")))["available"])


async def audited(shop: Vendor) -> None:
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def test_an_order_of_an_absorbed_account_is_taken_back_where_its_credits_are(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "credits-60", customer_id="bob", order_id="o-1")
    await buy(shop, "credits-60", customer_id="ann", order_id="o-2")
    await merge(shop, "bob", "ann")
    assert await available(shop) == 120
    order = await shop.ok(await shop.get("/v1/orders/o-1"))
    assert [(one["available"], one["order_id"]) for one in order["lots"]] == [(60, "o-1")]
    answer = await give_back(shop, "o-1")
    assert [(one["kind"], one["credits"]) for one in answer["taken_back"]] == [("credits", 60)]
    assert answer["taken_back"][0]["lot_id"] == order["lots"][0]["lot_id"]
    assert answer["not_taken_back"] == []
    assert await available(shop) == 60
    await audited(shop)


async def test_what_was_spent_before_and_after_the_merge_is_reported(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "credits-60", customer_id="bob", order_id="o-1", quantity=2)
    await debit(shop, "bob", 10)
    await merge(shop, "bob", "ann")
    await debit(shop, "ann", 25)
    half = await give_back(shop, "o-1", line_id="l-1", quantity=1)
    assert sum(one["credits"] for one in half["taken_back"]) == 60
    assert half["not_taken_back"] == []
    assert await available(shop) == 25
    body = {"refund_id": "r-2", "lines": []}
    rest = await shop.ok(await shop.post("/v1/orders/o-1/refunds", json=body, key=None), 201)
    assert sum(one["credits"] for one in rest["taken_back"]) == 25
    assert [one["spent"] for one in rest["not_taken_back"]] == [35]
    assert await available(shop) == 0
    await audited(shop)


async def test_credits_that_moved_twice_are_still_reached(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "credits-60", customer_id="cyd", order_id="o-1")
    await debit(shop, "cyd", 5)
    await merge(shop, "cyd", "bob")
    await debit(shop, "bob", 7)
    await merge(shop, "bob", "ann")
    assert await available(shop) == 48
    answer = await give_back(shop, "o-1")
    assert sum(one["credits"] for one in answer["taken_back"]) == 48
    assert [one["spent"] for one in answer["not_taken_back"]] == [12]
    assert await available(shop) == 0
    await audited(shop)


async def test_a_debit_of_an_absorbed_account_is_refunded_to_the_one_that_took_it_over(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "credits-60", customer_id="cyd", order_id="o-1")
    spent = await debit(shop, "cyd", 20)
    await merge(shop, "cyd", "bob")
    await merge(shop, "bob", "ann")
    back = await shop.ok(await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {"credits": 15}))
    assert (back["refunded"], back["balance"]["available"]) == (15, 55)
    over = await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {"credits": 6})
    assert (over.status_code, over.json()["code"]) == (409, "over_refund")
    late = await shop.post(f"/v1/holds/{spent['hold_id']}/capture", {})
    assert (late.status_code, late.json()["code"]) == (409, "hold_wrong_state")
    for name in ("ann", "bob", "cyd"):
        assert await available(shop, name) == 55
    taken = await give_back(shop, "o-1")
    assert sum(one["credits"] for one in taken["taken_back"]) == 55
    assert [one["spent"] for one in taken["not_taken_back"]] == [5]
    await audited(shop)


async def test_one_batch_under_both_names_takes_from_one_account(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "credits-60", customer_id="bob", order_id="o-1")
    await merge(shop, "bob", "ann")
    commands = [
        {"idempotency_key": f"k{n}", "kind": "debit", "customer_id": who, "credits": 20}
        for n, who in enumerate(("ann", "bob", "ann", "bob"))
    ]
    answer = await shop.ok(await shop.post("/v1/credit-batches", {"commands": commands}, key=None))
    assert [one["status"] for one in answer["results"]] == [201, 201, 201, 409]
    assert [one["result"]["customer_id"] for one in answer["results"][:3]] == ["ann", "bob", "ann"]
    assert await available(shop) == 0
    entries = (await shop.ok(await shop.get("/v1/customers/ann/entries")))["data"]
    assert sum(one["credits"] for one in entries if one["to"] == "spent") == 60
    await audited(shop)


async def test_a_dispute_about_an_absorbed_accounts_ticket_gives_its_credits_back(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "credits-60", customer_id="bob", order_id="o-1")
    ticket = await open_ticket(shop, "bob", category="level_3")
    await act(shop, ticket, "resolution", {})
    await merge(shop, "bob", "ann")
    assert (await ticket_of(shop, ticket))["charge"] == {"held": 0, "captured": 40, "refunded": 0, "net": 40}
    assert await available(shop) == 20
    await act(shop, ticket, "disputes", {"reason": "a bug"})
    done = await act(shop, ticket, "disputes/1/decision", {"decision": "reduced", "credits": 10})
    assert done["charge"] == {"held": 0, "captured": 40, "refunded": 30, "net": 10}
    assert await available(shop) == 50
    assert (await give_back(shop, "o-1"))["not_taken_back"][0]["spent"] == 10
    assert await available(shop) == 0
    await audited(shop)


async def test_what_moves_keeps_its_end_its_price_and_the_day_it_was_bought(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    bought = await buy(shop, "credit-priority", customer_id="bob", order_id="o-1", quantity=2)
    lot = bought["lots"][0]
    await shop.move_clock("2025-02-01T00:00:00Z")
    await merge(shop, "bob", "ann")
    (moved,) = (await shop.ok(await shop.get("/v1/customers/ann")))["lots"]
    for name in ("cost", "expires_at", "scope", "license_id", "clause", "rule", "order_id", "line_id"):
        assert moved[name] == lot[name], name
    quoted = await shop.ok(await shop.get(f"/v1/lots/{moved['lot_id']}/refund-quote"))
    assert quoted["refund"]["amount"] == lot["cost"]["amount"]
    gone = await shop.post(f"/v1/lots/{lot['lot_id']}/refund?validate_only=true", {"override": True, "reason": "r"})
    assert (gone.status_code, gone.json()["code"]) == (409, "already_refunded")
    await audited(shop)


async def test_lots_given_by_hand_move_as_transfers(vendor: MakeVendor) -> None:
    """Several lots move under the one key of the merge; the audit's one effect a key is of debits and adjustments."""
    shop = await vendor("x-cart")
    for _ in range(3):
        await shop.ok(await shop.post("/v1/customers/ann/adjustments", {"credits": 5, "reason": "kindness"}))
    await merge(shop, "ann", "bob")
    entries = (await shop.ok(await shop.get("/v1/customers/bob/entries")))["data"]
    assert [one["kind"] for one in entries] == ["transfer"] * 3
    await audited(shop)


async def test_csc_20_a_pack_is_let_in_by_the_license_of_the_other_account_unless_it_was_refunded(
    vendor: MakeVendor,
) -> None:
    shop = await vendor("cs-cart")
    await buy(shop, "credits-25", customer_id="ann", order_id="kept")
    await buy(shop, "credits-50", customer_id="ann", order_id="refunded")
    await give_back(shop, "refunded")
    await buy(shop, "license", customer_id="bob", order_id="license")
    assert await available(shop) == 0
    await merge(shop, "bob", "ann")
    assert await available(shop) == 25
    await buy(shop, "of-no-interest", customer_id="ann", order_id="other")
    await give_back(shop, "other")
    assert await available(shop) == 25
    await audited(shop)


async def test_csc_20_a_refund_of_one_order_lets_no_other_in_that_was_refunded(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await buy(shop, "credits-25", customer_id="ann", order_id="o-1")
    await give_back(shop, "o-1")
    await buy(shop, "license", customer_id="bob", order_id="o-2")
    await merge(shop, "bob", "ann")
    await give_back(shop, "o-2")
    assert await available(shop) == 0
    await audited(shop)


async def test_xc_3_csc_2_two_accounts_that_became_one_keep_what_either_was_granted(vendor: MakeVendor) -> None:
    """A license of the heir is not the first any more; its untouched grant stays, whatever is settled afterwards."""
    for policy, granted in (("x-cart", 60), ("cs-cart", 40)):
        shop = await vendor(policy)
        await buy(shop, "license", customer_id="bob", order_id="o-1")
        await shop.move_clock("2025-01-20T00:00:00Z")
        await shop.ok(
            await shop.put(
                "/v1/orders/o-2",
                json={
                    "customer_id": "ann",
                    "placed_at": "2025-01-20T00:00:00Z",
                    "currency": "USD",
                    "lines": [{"line_id": "l-1", "sku": "license"}, {"line_id": "l-2", "sku": "of-no-interest"}],
                },
            ),
            201,
        )
        for name in ("ann", "bob") if policy == "cs-cart" else ():
            rows = (await shop.ok(await shop.get(f"/v1/customers/{name}/choices")))["data"]
            path = f"/v1/customers/{name}/choices/{rows[0]['choice_id']}"
            await shop.ok(await shop.post(path, {"option": "credits"}))
        assert await available(shop) == granted
        await merge(shop, "bob", "ann")
        assert await available(shop) == 2 * granted
        await give_back(shop, "o-2", line_id="l-2", quantity=1)
        await buy(shop, "of-no-interest", customer_id="ann", order_id="o-3")
        assert await available(shop) == 2 * granted
        await audited(shop)


async def test_csc_20_a_pack_of_the_account_that_was_merged_away_is_let_in_by_the_heirs_license(
    vendor: MakeVendor,
) -> None:
    """It brought nothing for want of a license, so that nothing of it moved; what moved is not granted again."""
    shop = await vendor("cs-cart")
    await buy(shop, "license", customer_id="ann", order_id="license")
    await buy(shop, "credits-25", customer_id="bob", order_id="kept")
    await buy(shop, "credits-50", customer_id="bob", order_id="refunded")
    await give_back(shop, "refunded")
    order = await shop.ok(await shop.get("/v1/orders/kept"))
    assert [one["code"] for one in order["not_granted"]] == ["no_license"]
    await merge(shop, "bob", "ann")
    assert await available(shop) == 25
    order = await shop.ok(await shop.get("/v1/orders/kept"))
    assert (order["customer_id"], order["not_granted"]) == ("ann", [])
    await merge(shop, "ann", "cy")
    await buy(shop, "of-no-interest", customer_id="cy", order_id="other")
    assert (await shop.ok(await shop.get("/v1/customers/cy/balance")))["available"] == 25
    await give_back(shop, "kept")
    assert (await shop.ok(await shop.get("/v1/customers/cy/balance")))["available"] == 0
    await audited(shop)


@pytest.mark.parametrize("spent", [0, 200])
async def test_a_moved_pack_is_not_granted_again_once_its_license_was_refunded(vendor: MakeVendor, spent: int) -> None:
    """CSC-20: packs are for owners. What was granted while the license stood, and moved or was spent, stays granted."""
    shop = await vendor("cs-cart")
    line = {"line_id": "1", "sku": "license", "quantity": 1}
    pack = {"line_id": "2", "sku": "credits-100", "quantity": 2}
    first = {"customer_id": "bob", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD"}
    await shop.ok(await shop.put("/v1/orders/o-1", {**first, "lines": [line, pack]}), 201)
    if spent:
        await debit(shop, "bob", spent)
    await merge(shop, "bob", "ann")
    await give_back(shop, "o-1", line_id="1", quantity=1)
    assert await available(shop) == 200 - spent
    order = await shop.ok(await shop.get("/v1/orders/o-1"))
    assert order["not_granted"] == []
    await shop.ok(await shop.put("/v1/orders/o-2", {**first, "customer_id": "ann", "lines": [line]}), 201)
    assert await available(shop) == 200 - spent
    await audited(shop)
