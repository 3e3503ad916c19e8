"""Credits over HTTP: every command, its replay, its refusals, and the audit empty afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from app.usecases.credits import accounts
from tests.conftest import MakeVendor
from tests.support.api import Vendor


async def funded(vendor: MakeVendor, credits: int = 100, policy: str = "avactis", **more: Any) -> Vendor:
    made = await vendor(policy)
    answer = await made.post("/v1/customers/ann/adjustments", {"credits": credits, "reason": "seed", **more})
    assert answer.status_code == 201, answer.text
    return made


async def audited(made: Vendor) -> None:
    answer = await made.get("/v1/audit")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"] == []


async def test_a_debit_takes_credits_at_once_and_a_refund_needs_its_hold(vendor: MakeVendor) -> None:
    made = await funded(vendor)
    debit = await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 30}), 201)
    assert debit["state"] == "captured"
    assert debit["balance"] == {"available": 70, "held": 0}
    back = await made.ok(await made.post(f"/v1/holds/{debit['hold_id']}/refund", {"credits": 10}))
    assert back["refunded"] == 10
    assert back["balance"]["available"] == 80
    too_much = await made.post(f"/v1/holds/{debit['hold_id']}/refund", {"credits": 21})
    assert (too_much.status_code, too_much.json()["code"]) == (409, "over_refund")
    await audited(made)


async def test_a_hold_is_captured_in_part_and_the_rest_released(vendor: MakeVendor) -> None:
    made = await funded(vendor)
    hold = await made.ok(await made.post("/v1/customers/ann/holds", {"credits": 40}), 201)
    assert hold["balance"] == {"available": 60, "held": 40}
    over = await made.post(f"/v1/holds/{hold['hold_id']}/capture", {"credits": 41})
    assert (over.status_code, over.json()["code"]) == (409, "over_capture")
    part = await made.ok(await made.post(f"/v1/holds/{hold['hold_id']}/capture", {"credits": 15}))
    assert (part["captured"], part["held"]) == (15, 25)
    done = await made.ok(await made.post(f"/v1/holds/{hold['hold_id']}/capture", {"credits": 5, "final": True}))
    assert (done["captured"], done["released"], done["held"]) == (20, 20, 0)
    again = await made.post(f"/v1/holds/{hold['hold_id']}/capture")
    assert (again.status_code, again.json()["code"]) == (409, "hold_wrong_state")
    await audited(made)


async def test_the_same_key_answers_the_same_and_takes_once(vendor: MakeVendor) -> None:
    made = await funded(vendor)
    first = await made.post("/v1/customers/ann/debits", {"credits": 30}, key="k1")
    second = await made.post("/v1/customers/ann/debits", {"credits": 30}, key="k1")
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    other = await made.post("/v1/customers/ann/debits", {"credits": 31}, key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    missing = await made.post("/v1/customers/ann/debits", {"credits": 30}, key=None)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    balance = await made.ok(await made.get("/v1/customers/ann/balance"))
    assert balance["available"] == 70
    await audited(made)


async def test_the_replay_comes_before_the_balance(vendor: MakeVendor) -> None:
    made = await funded(vendor, 30)
    await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 30}, key="all"))
    replay = await made.post("/v1/customers/ann/debits", {"credits": 30}, key="all")
    assert replay.status_code == 201


async def test_want_of_credits_says_what_is_missing_and_leaves_no_trace(vendor: MakeVendor) -> None:
    made = await funded(vendor, 10)
    before = (await made.get("/v1/customers/ann/entries")).json()
    answer = await made.post("/v1/customers/ann/holds", {"credits": 25}, key="topup")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "insufficient_credits")
    assert problem["facts"] == {"available": 10, "required": 25, "missing": 15, "credit_type": "credit"}
    assert problem["reasons"][0]["would_change"] == "15 more credits"
    assert (await made.get("/v1/customers/ann/entries")).json() == before
    await made.ok(await made.post("/v1/customers/ann/adjustments", {"credits": 15, "reason": "top up"}), 201)
    await made.ok(await made.post("/v1/customers/ann/holds", {"credits": 25}, key="topup"), 201)


@pytest.mark.parametrize(
    ("policy", "credit_type", "missing", "packs"),
    [
        ("avactis", "credit", 15, [("credits-15", None, 1)]),
        (
            "x-cart",
            "credit",
            90,
            [
                ("credits-60", "34.50", 2),
                ("credits-120", "68.50", 1),
                ("credits-300", "169.50", 1),
                ("credits-1200", "673.33", 1),
            ],
        ),
        (
            "cs-cart",
            "credit",
            90,
            [
                ("credits-25", "35.00", 4),
                ("credits-50", "70.00", 2),
                ("credits-100", "135.00", 1),
                ("credits-200", "270.00", 1),
            ],
        ),
        ("shopp", "priority", 2, [("credit-priority", None, 2)]),
        ("cactushop", "credit", 1, []),
    ],
)
async def test_want_of_credits_says_which_packs_would_be_enough(
    vendor: MakeVendor, policy: str, credit_type: str, missing: int, packs: list[tuple[str, str | None, int]]
) -> None:
    made = await vendor(policy)
    # Packs are for license holders under one of the texts (CSC-20); to others they are not offered.
    sku = "license" if policy == "cs-cart" else "of-no-interest"
    body = {
        "customer_id": "ann",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": sku, "quantity": 1}],
    }
    await made.ok(await made.put("/v1/orders/o-1", json=body), 201)
    wanted = {"credits": missing, "credit_type": credit_type}
    batch = {"commands": [{"kind": "hold", "customer_id": "ann", "idempotency_key": "b", **wanted}]}
    refusals = [(await made.post(f"/v1/customers/ann/{verb}", wanted)).json() for verb in ("holds", "debits")]
    refusals.append((await made.post("/v1/credit-batches", batch, key=None)).json()["results"][0]["problem"])
    refusals.append((await made.post("/v1/customers/ann/debits?validate_only=true", wanted)).json())
    for refusal in refusals:
        if policy == "cactushop":  # it has no credits at all
            assert refusal["code"] == "unknown_credit_type"
            continue
        assert refusal["code"] == "insufficient_credits", refusal
        assert refusal["facts"]["missing"] == missing
        assert [(one["sku"], (one.get("price") or {}).get("amount"), one["text"]) for one in refusal["remedies"]] == [
            (sku, price, f"{many} of these would be enough.") for sku, price, many in packs
        ]


async def test_bad_amounts_and_unknown_things_have_their_own_codes(vendor: MakeVendor) -> None:
    made = await funded(vendor)
    other = await funded(vendor)
    hold = await made.ok(await made.post("/v1/customers/ann/holds", {"credits": 1}), 201)
    for wrong in (0, -1, 10**13, 1.5, "3", True, None):
        answer = await made.post("/v1/customers/ann/debits", {"credits": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), wrong
    cases = [
        ("/v1/customers/nobody/debits", {"credits": 1}, 404, "customer_not_found"),
        ("/v1/customers/ann/debits", {"credits": 1, "credit_type": "gold"}, 422, "unknown_credit_type"),
        ("/v1/customers/ann/debits", {"credits": 1, "lot_id": "lot_x"}, 404, "lot_not_found"),
        ("/v1/customers/ann/holds", {"credits": 1, "expires_at": "2024-01-01T00:00:00Z"}, 422, "expires_in_past"),
        ("/v1/holds/hld_x/capture", {}, 404, "hold_not_found"),
        ("/v1/customers/nobody/adjustments", {"credits": -1, "reason": "r"}, 404, "customer_not_found"),
        ("/v1/customers/ann/adjustments", {"credits": 0, "reason": "r"}, 422, "amount_out_of_range"),
        ("/v1/customers/ann/debits", {"credits": 1, "colour": "red"}, 422, "invalid_input"),
    ]
    for path, body, status, code in cases:
        answer = await made.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, body, answer.text)
    foreign = await other.post(f"/v1/holds/{hold['hold_id']}/capture", {})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "hold_not_found")
    await audited(made)


async def test_only_validating_answers_in_full_and_writes_nothing(vendor: MakeVendor) -> None:
    made = await funded(vendor)
    answer = await made.post("/v1/customers/ann/debits?validate_only=true", {"credits": 30}, key="dry")
    assert answer.status_code == 201
    assert answer.json()["balance"]["available"] == 70
    assert (await made.get("/v1/customers/ann/balance")).json()["available"] == 100
    wet = await made.post("/v1/customers/ann/debits", {"credits": 31}, key="dry")
    assert wet.status_code == 201


async def test_a_batch_answers_each_command_by_itself(vendor: MakeVendor) -> None:
    made = await funded(vendor)
    answer = await made.post(
        "/v1/credit-batches",
        {
            "commands": [
                {"idempotency_key": "b1", "kind": "debit", "customer_id": "ann", "credits": 60},
                {"idempotency_key": "b2", "kind": "debit", "customer_id": "ann", "credits": 60},
                {"idempotency_key": "b3", "kind": "debit", "customer_id": "ann", "credits": 40},
                {"idempotency_key": "b1", "kind": "debit", "customer_id": "ann", "credits": 60},
                {"idempotency_key": "b4", "kind": "debit", "customer_id": "nobody", "credits": 1},
                {"idempotency_key": "b5", "kind": "capture"},
                {"kind": "hold"},
                {"idempotency_key": "b6", "kind": "adjust", "customer_id": "bob", "credits": 5, "reason": "gift"},
                {"idempotency_key": "b7", "kind": "hold", "customer_id": "bob", "credits": 5},
            ]
        },
        key=None,
    )
    results = (await made.ok(answer, 200))["results"]
    assert [(one["status"], one["code"]) for one in results] == [
        (201, None),
        (409, "insufficient_credits"),
        (201, None),
        (201, None),
        (404, "customer_not_found"),
        (422, "invalid_input"),
        (422, "invalid_input"),
        (201, None),
        (201, None),
    ]
    assert results[3]["replayed"] is True
    assert results[0]["result"]["balance"]["available"] == 40
    await audited(made)


async def test_a_scope_is_asked_for_each_kind(vendor: MakeVendor) -> None:
    made = await funded(vendor)
    key = await made.as_key("credits:debit")
    refused = await key.post(
        "/v1/customers/ann/adjustments", json={"credits": 1, "reason": "r"}, headers={"Idempotency-Key": "a"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    batch = await key.post(
        "/v1/credit-batches",
        json={
            "commands": [
                {"idempotency_key": "x", "kind": "adjust", "customer_id": "ann", "credits": 1, "reason": "r"},
                {"idempotency_key": "y", "kind": "debit", "customer_id": "ann", "credits": 1},
            ]
        },
    )
    assert [one["status"] for one in batch.json()["results"]] == [403, 201]


async def test_expiry_is_exact_without_a_job(vendor: MakeVendor) -> None:
    made = await funded(vendor, 10, expires_at="2025-01-11T00:00:00Z")
    await made.ok(await made.post("/v1/customers/ann/adjustments", {"credits": 5, "reason": "never"}), 201)
    await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 4}), 201)
    at = "2025-01-10T23:59:59Z"
    assert (await made.get("/v1/customers/ann/balance", as_of=at)).json()["available"] == 11
    assert (await made.get("/v1/customers/ann/balance", as_of="2025-01-11T00:00:00Z")).json()["available"] == 5
    await made.client.put("/v1/clock", json={"now": "2025-01-12T00:00:00Z"})
    late = (await made.get("/v1/customers/ann/balance")).json()
    assert late["available"] == 5
    statement = (await made.get("/v1/customers/ann/statement")).json()
    assert statement["available"] == 5
    assert [row["credits"] for row in statement["balance_modifications"]] == [10, 5, -6]
    refused = await made.post("/v1/customers/ann/debits", {"credits": 6})
    assert refused.json()["facts"]["available"] == 5
    await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 5}), 201)
    assert (await made.get("/v1/customers/ann/balance", as_of=at)).json()["available"] == 11
    await audited(made)


async def test_xc_13_the_statement_has_three_parts_whose_sums_meet_the_balance(vendor: MakeVendor) -> None:
    made = await funded(vendor, 100, "x-cart")
    hold = await made.ok(await made.post("/v1/customers/ann/holds", {"credits": 40, "ticket_id": "T1"}), 201)
    await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 25, "ticket_id": "T2"}), 201)
    statement = (await made.get("/v1/customers/ann/statement")).json()
    assert statement["available"] == 35
    assert [(row["ticket_id"], row["credits"]) for row in statement["tickets_in_progress"]] == [("T1", 40)]
    assert [(row["ticket_id"], row["credits"]) for row in statement["resolved_tickets"]] == [("T2", 25)]
    await made.ok(await made.post(f"/v1/holds/{hold['hold_id']}/capture", {}))
    await made.ok(await made.post(f"/v1/holds/{hold['hold_id']}/refund", {}))
    after = (await made.get("/v1/customers/ann/statement")).json()
    assert after["available"] == 75
    assert sorted(row["credits"] for row in after["resolved_tickets"]) == [0, 25]
    await audited(made)


async def test_a_hold_with_a_term_gives_back_by_itself(vendor: MakeVendor) -> None:
    made = await funded(vendor)
    hold = await made.ok(
        await made.post("/v1/customers/ann/holds", {"credits": 40, "expires_at": "2025-01-05T00:00:00Z"}), 201
    )
    await made.client.put("/v1/clock", json={"now": "2025-01-05T00:00:00Z"})
    assert (await made.get("/v1/customers/ann/balance")).json()["available"] == 100
    late = await made.post(f"/v1/holds/{hold['hold_id']}/capture", {})
    assert (late.status_code, late.json()["code"]) == (409, "hold_expired")
    await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 100}), 201)
    await audited(made)


async def test_a_long_statement_sums_its_earlier_rows_as_of(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await funded(vendor, 100)
    for n in range(8):
        await made.ok(await made.post("/v1/customers/ann/debits", {"credits": n + 1}), 201)
    hold = await made.ok(await made.post("/v1/customers/ann/holds", {"credits": 9}), 201)
    monkeypatch.setattr(accounts, "LINES_MAX", 4)
    paged = (await made.get("/v1/customers/ann/statement")).json()
    assert (len(paged["balance_modifications"]), len(paged["resolved_tickets"])) == (1, 8), "pages show every row"
    now = (await made.get("/v1/clock")).json()["now"]
    statement = (await made.get("/v1/customers/ann/statement", as_of=now)).json()
    assert statement["available"] == 100 - 36 - 9
    assert statement["balance_modifications"] == [{"credits": 100, "kind": "earlier", "ticket_id": None, "at": None}]
    assert [row["credits"] for row in statement["resolved_tickets"]] == [15, 6, 7, 8]
    assert [row["hold_ids"] for row in statement["tickets_in_progress"]] == [[hold["hold_id"]]]
