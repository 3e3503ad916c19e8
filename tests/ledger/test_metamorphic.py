"""The same story told in another way gives the same ledger: swept often or never, commands one by one or together."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.support.api import Vendor


async def story(made: Vendor) -> list[str]:
    """Grants with different ends, a hold, a debit; the ids of hold and debit."""
    for credits_, ends in ((10, "2025-01-11T00:00:00Z"), (8, "2025-02-01T00:00:00Z"), (5, None)):
        body: dict[str, Any] = {"credits": credits_, "reason": "r"}
        if ends is not None:
            body["expires_at"] = ends
        await made.ok(await made.post("/v1/customers/ann/adjustments", body), 201)
    hold = await made.ok(await made.post("/v1/customers/ann/holds", {"credits": 12, "ticket_id": "T1"}), 201)
    debit = await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 3, "ticket_id": "T2"}), 201)
    return [hold["hold_id"], debit["hold_id"]]


async def told(made: Vendor) -> dict[str, Any]:
    """What the account shows, without ids and instants of recording."""
    balance = (await made.get("/v1/customers/ann/balance")).json()
    statement = (await made.get("/v1/customers/ann/statement")).json()
    assert (await made.get("/v1/audit")).json()["data"] == []
    return {
        "balance": (balance["available"], balance["held"]),
        "lots": [(one["granted"], one["available"], one["held"], one["expires_at"]) for one in balance["lots"]],
        "rows": [(one["credits"], one["at"], one["kind"]) for one in statement["balance_modifications"]],
        "progress": [(one["credits"], one["ticket_id"]) for one in statement["tickets_in_progress"]],
        "resolved": [(one["credits"], one["ticket_id"]) for one in statement["resolved_tickets"]],
        "available": statement["available"],
    }


async def test_a_sweeper_changes_no_answer(vendor: MakeVendor) -> None:
    often, once = await vendor("avactis"), await vendor("avactis")
    answers = []
    for made in (often, once):
        hold, debit = await story(made)
        days = range(2, 45) if made is often else (44,)
        for day in days:
            await made.move_clock(f"2025-{1 + (day - 1) // 31:02}-{1 + (day - 1) % 31:02}T00:00:00Z")
        await made.ok(await made.post(f"/v1/holds/{hold}/capture", {"credits": 5}))
        await made.ok(await made.post(f"/v1/holds/{debit}/refund", {"credits": 2}))
        answers.append(await told(made))
    assert answers[0] == answers[1]


async def test_an_answer_as_of_then_is_what_was_answered_then(vendor: MakeVendor) -> None:
    made = await vendor("avactis")
    hold, debit = await story(made)
    seen: list[tuple[str, str, tuple[int, int]]] = []
    for day in (2, 10, 11, 12, 31):
        now = f"2025-01-{day:02}T00:00:00Z"
        await made.move_clock(now)
        if day == 12:
            await made.ok(await made.post(f"/v1/holds/{hold}/capture", {"credits": 5, "final": False}))
            await made.ok(await made.post(f"/v1/holds/{debit}/refund", {"credits": 1}))
        body = (await made.get("/v1/customers/ann/balance")).json()
        seen.append((now, now, (body["available"], body["held"])))
    await made.move_clock("2025-06-01T00:00:00Z")
    await made.ok(await made.post(f"/v1/holds/{hold}/release", {}))
    for at, known_at, then in seen:
        body = (await made.get("/v1/customers/ann/balance", as_of=at, known_at=known_at)).json()
        assert (body["available"], body["held"]) == then, at
        statement = (await made.get("/v1/customers/ann/statement", as_of=at, known_at=known_at)).json()
        assert statement["available"] == then[0], at


async def test_many_commands_at_once_are_as_good_as_one_by_one(vendor: MakeVendor) -> None:
    single, batch = await vendor("avactis"), await vendor("avactis")
    commands = [{"kind": "adjust", "customer_id": "ann", "credits": 9, "reason": "r"}]
    commands += [{"kind": "debit", "customer_id": "ann", "credits": n % 3 + 1} for n in range(6)]  # type: ignore[dict-item]
    keyed = [{"idempotency_key": f"k{n}", **one} for n, one in enumerate(commands)]
    for one in keyed:
        await single.post("/v1/credit-batches", {"commands": [one]}, key=None)
    results = (await batch.post("/v1/credit-batches", {"commands": keyed}, key=None)).json()["results"]
    assert [one["status"] for one in results] == [201, 201, 201, 201, 201, 201, 409]
    again = (await batch.post("/v1/credit-batches", {"commands": keyed}, key=None)).json()["results"]
    assert [one.get("replayed") for one in again[:6]] == [True] * 6
    one, other = await told(single), await told(batch)
    assert (one["balance"], one["available"]) == (other["balance"], other["available"]) == ((0, 0), 0)
