"""An ended clock is judged anew on request alone, and both judgements are kept (sla.md, recalculation)."""

from __future__ import annotations

from typing import Any

from app.db.engine import Database
from tests.clocks.desk import Desk
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.graphql import ask

VERSIONS = "/v1/calendars/service-hours/versions"
WHIT_MONDAY = {
    "effective_from": "2000-01-01",
    "exceptions": [{"date": "2025-06-09", "kind": "closed"}],
    "correction": True,
    "reason": "Whit Monday was forgotten",
}


async def ended(db: Database, vendor: MakeVendor) -> tuple[Vendor, dict[str, Any]]:
    """Opened on Friday at 15:00, due on Monday at 15:00, answered on Tuesday at 10:00: missed, by that calendar."""
    one = await vendor("x-cart", now="2025-06-06T15:00:00Z")
    desk = Desk(db, one.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("opened", at=now))
    await one.move_clock("2025-06-10T10:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.stop("vendor_response", at=now))
    (clock,) = (await one.ok(await one.get("/v1/clocks")))["data"]
    assert (clock["phase"], clock["outcome"], clock["due_at"]) == ("stopped", "breached", "2025-06-09T15:00:00Z")
    return one, clock


async def test_a_corrected_calendar_judges_an_ended_clock_only_when_asked(db: Database, vendor: MakeVendor) -> None:
    one, clock = await ended(db, vendor)
    at = f"/v1/clocks/{clock['clock_id']}"
    await one.ok(await one.post(VERSIONS, WHIT_MONDAY), 201)
    silent = await one.ok(await one.get(at))
    assert {name: silent[name] for name in clock} == clock, "nobody asked, nothing moved"
    assert silent["judgements"] == []

    made = await one.ok(await one.post(f"{at}/judgements", {"reason": "Whit Monday"}, key="again"), 201)
    assert (made["before"]["outcome"], made["before"]["due_at"]) == ("breached", "2025-06-09T15:00:00Z")
    assert (made["after"]["outcome"], made["after"]["due_at"]) == ("met", "2025-06-10T15:00:00Z")
    assert (made["before"]["calendar_revision"], made["after"]["calendar_revision"]) == (1, 2)
    assert len(made["before"]["breaches"]) == 1
    assert made["after"]["breaches"] == []
    assert (made["changed"], made["number"], made["reason"]) == (True, 1, "Whit Monday")

    kept = await one.ok(await one.get(at))
    assert {name: kept[name] for name in clock} == clock, "the first judgement stands as it was"
    assert kept["judgements"] == [made]
    query = "query($id: ID!) { clock(clockId: $id) { outcome judgements { number after { outcome } } } }"
    asked = await ask(one, query, id=clock["clock_id"])
    assert asked["clock"] == {"outcome": "breached", "judgements": [{"number": 1, "after": {"outcome": "met"}}]}

    told = [
        e for e in (await one.ok(await one.get("/v1/events", limit=100)))["data"] if e["type"] == "clock.judged_again"
    ]
    assert [e["data"]["changed"] for e in told] == [True]
    again = await one.post(f"{at}/judgements", {"reason": "Whit Monday"}, key="again")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == made
    assert len((await one.ok(await one.get(at)))["judgements"]) == 1


async def test_a_judgement_that_comes_out_the_same_says_so(db: Database, vendor: MakeVendor) -> None:
    one, clock = await ended(db, vendor)
    at = f"/v1/clocks/{clock['clock_id']}"
    tried = await one.ok(await one.post(f"{at}/judgements?validate_only=true", {"reason": "was it?"}), 201)
    assert tried["changed"] is False
    assert tried["before"] == tried["after"]
    assert (await one.ok(await one.get(at)))["judgements"] == []
    first = await one.ok(await one.post(f"{at}/judgements", {"reason": "was it?"}), 201)
    second = await one.ok(await one.post(f"{at}/judgements", {"reason": "was it really?"}), 201)
    assert (first["number"], second["number"]) == (1, 2)
    earlier = await one.ok(await one.get(at, as_of="2025-06-10T09:00:00Z"))
    assert earlier["judgements"] == [], "as of an instant before anybody asked"


async def test_a_live_clock_is_not_judged_again(db: Database, vendor: MakeVendor) -> None:
    one = await vendor("x-cart", now="2025-06-06T15:00:00Z")
    await Desk(db, one.tenant_id).do("T1", lambda clocks, now: clocks.start("opened", at=now))
    (clock,) = (await one.ok(await one.get("/v1/clocks")))["data"]
    at = f"/v1/clocks/{clock['clock_id']}"
    refused = await one.post(f"{at}/judgements", {"reason": "why not"})
    assert (refused.status_code, refused.json()["code"]) == (409, "clock_not_ended")
    assert (await one.ok(await one.get(at)))["judgements"] == []
    unknown = await one.post("/v1/clocks/clk_none/judgements", {"reason": "why not"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "clock_not_found")
    other = await vendor("x-cart")
    foreign = await other.post(f"{at}/judgements", {"reason": "why not"})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "clock_not_found")
