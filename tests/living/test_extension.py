"""Credits that are good for longer since more were bought, over HTTP."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.living.shop import ANN, DOCUMENT, NOW, balance, bought, sound, told
from tests.prices.shop import vendor_under
from tests.support.api import Vendor

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


async def test_any_order_of_arrival_gives_the_same_ends(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, EXTENDING, now="2025-10-01T00:00:00Z")
    await bought(shop, "credits-20", "o2", at="2025-09-01T00:00:00Z")
    await bought(shop, "credits-10", "o1", at=NOW)
    await bought(shop, "credits-1", "o0", at="2024-06-01T00:00:00Z")  # ended before either was bought
    assert await ends(shop) == [(10, "2026-09-01T00:00:00Z"), (20, "2026-09-01T00:00:00Z")]
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
