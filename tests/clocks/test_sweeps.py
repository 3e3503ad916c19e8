"""Sweeps: once however many look, however late, whatever crashes; a sandbox's time; positions of events."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.db import agenda
from app.db.engine import Database, Tx
from app.db.events import positions
from app.domain.account.changes import AgendaItem
from app.domain.values.errors import DomainError
from app.usecases.agenda import HANDLERS
from app.usecases.clocks import sandbox, sweeps
from app.worker import run_once, run_worker
from tests.clocks.desk import Desk, at
from tests.conftest import MakeVendor

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = "2025-06-10T15:00:00Z"
DUE = at("2025-06-11T15:00:00Z")


async def open_tickets(desk: Desk, count: int, *, customers: int) -> None:
    """Tickets of a real tenant that were opened long ago and never answered."""
    for i in range(count):
        await desk.do(
            f"T{i}", lambda clocks, now: clocks.start("opened", at=now), when=LONG_AGO, customer=f"c{i % customers}"
        )


async def test_four_sweepers_make_one_outcome(db: Database, vendor: MakeVendor) -> None:
    real = await vendor("x-cart", now=None)
    desk = Desk(db, real.tenant_id)
    await open_tickets(desk, 40, customers=7)
    done = await asyncio.gather(*(sweeps.fire_due(db, real.tenant_id, HANDLERS) for _ in range(4)))
    while await sweeps.fire_due(db, real.tenant_id, HANDLERS):
        pass
    assert 0 < sum(done) <= 40
    outcomes = await desk.outcomes()
    assert Counter((ticket, kind) for ticket, kind, _, _ in outcomes) == Counter(
        {(f"T{i}", "breached"): 1 for i in range(40)}
    )
    assert {when for *_, when in outcomes} == {DUE}, "as if looked at in time"
    assert len(await desk.events()) == 40
    gaps = await desk.rows(
        "select customer_id from outbox where tenant_id = :t group by customer_id having count(*) <> max(sequence)"
    )
    assert gaps == []
    assert await desk.rows("select 1 from agenda where tenant_id = :t") == []


async def test_late_and_timely_write_the_same(db: Database, vendor: MakeVendor) -> None:
    """The sandbox looks at each instant; the real tenant months later; a silent customer, day after day."""
    start = "2025-11-24T16:00:00Z"
    timely, late = await vendor("shopp", now=start), await vendor("shopp", now=None)
    first, second = Desk(db, timely.tenant_id), Desk(db, late.tenant_id)
    await first.do("T1", lambda clocks, now: clocks.start("accepted", at=now))
    await second.do("T1", lambda clocks, now: clocks.start("accepted", at=now), when=start)
    await timely.move_clock("2025-12-20T00:00:00Z")
    assert await sweeps.fire_due(db, late.tenant_id, HANDLERS) == 1
    horizon = at("2025-12-20T00:00:00Z")
    expected = await first.outcomes()
    assert len(expected) == 17
    assert [one for one in await second.outcomes() if one[3] < horizon] == expected
    assert [one for one in await second.events() if one[2] < horizon] == await first.events()


class Killed(Exception):  # noqa: N818
    """A crash."""


async def due_again(db: Database, tenant_id: str) -> None:
    """As if the while had passed for which rows that failed are set aside."""
    async with db.transaction(tenant_id) as tx:
        save = "update agenda set at = :at where tenant_id = :t and payload ? 'failed'"
        await tx.execute(text(save), {"t": tenant_id, "at": tx.at})


async def test_a_crash_at_any_statement_leaves_all_or_nothing(db: Database, vendor: MakeVendor) -> None:
    real = await vendor("x-cart", now=None)
    desk = Desk(db, real.tenant_id)
    await open_tickets(desk, 3, customers=2)

    def dying(after: int) -> Any:
        async def handler(tx: Tx, item: AgendaItem) -> None:
            real_connection, count = tx.connection, 0

            class Dying:
                async def execute(self, *args: Any, **more: Any) -> Any:
                    self.count()
                    return await real_connection.execute(*args, **more)

                @property
                def sync_connection(self) -> Any:
                    self.count()
                    return real_connection.sync_connection

                def count(self) -> None:
                    nonlocal count
                    count += 1
                    if count > after:
                        raise Killed

            tx.connection = Dying()  # type: ignore[assignment]
            try:
                await HANDLERS["clock"](tx, item)
            finally:
                tx.connection = real_connection

        return {"clock": handler}

    for statements in range(40):
        before = len(await desk.outcomes())
        await due_again(db, real.tenant_id)
        await sweeps.fire_due(db, real.tenant_id, dying(statements), backoff=sweeps.Backoff())
        outcomes = await desk.outcomes()
        events = await desk.events()
        waiting = await desk.rows("select 1 from agenda where tenant_id = :t")
        assert len(outcomes) == len(events) == 3 - len(waiting)
        assert len(outcomes) >= before
        if not waiting:
            break
    assert len(outcomes) == 3
    assert statements == 3, "one to lock, one to read, one to write"


async def test_kill_nine_during_sweeps(db: Database, vendor: MakeVendor, module_url: str, tmp_path: Path) -> None:
    """Processes that sweep are killed at any moment; what remains is done once by those that come after."""
    real = await vendor("x-cart", now=None)
    desk = Desk(db, real.tenant_id)
    await open_tickets(desk, 60, customers=30)
    script = tmp_path / "sweeper.py"
    script.write_text(
        textwrap.dedent(f"""
        import asyncio
        from app.db.engine import Database
        from app.usecases.clocks import sweeps
        from app.usecases.agenda import HANDLERS

        async def main():
            db = Database({module_url!r}, pool_size=2)
            print("ready", flush=True)
            sweeps.BATCH_ROWS_MAX = 2
            while await sweeps.fire_due(db, {real.tenant_id!r}, HANDLERS):
                pass
            print("done", flush=True)

        asyncio.run(main())
    """)
    )
    for wait in (0.01, 0.03, 0.06, 0.1):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(script),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(wait)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
    for _ in range(50):
        await sweeps.fire_due(db, real.tenant_id, HANDLERS)
        if not await desk.rows("select 1 from agenda where tenant_id = :t"):
            break
        await asyncio.sleep(0.1)
    assert Counter(kind for _, kind, _, _ in await desk.outcomes()) == {"breached": 60}
    assert len(await desk.events()) == 60


async def test_one_bad_row_does_not_stop_the_others(db: Database, vendor: MakeVendor) -> None:
    real = await vendor("x-cart", now=None)
    desk = Desk(db, real.tenant_id)
    await open_tickets(desk, 6, customers=1)
    bad = (await desk.rows("select clock_id from clock where tenant_id = :t order by clock_id limit 1"))[0].clock_id

    async def handler(tx: Tx, item: AgendaItem) -> None:
        if item.subject == bad:
            raise DomainError("internal_error")
        await HANDLERS["clock"](tx, item)

    backoff = sweeps.Backoff()
    assert await sweeps.fire_due(db, real.tenant_id, {"clock": handler}, backoff=backoff) == 5
    assert await sweeps.fire_due(db, real.tenant_id, {"clock": handler}, backoff=backoff) == 0
    await due_again(db, real.tenant_id)
    assert await sweeps.fire_due(db, real.tenant_id, HANDLERS, backoff=sweeps.Backoff()) == 1
    assert len(await desk.outcomes()) == 6


async def test_a_locked_customer_is_skipped_not_waited_for(db: Database, vendor: MakeVendor) -> None:
    real = await vendor("x-cart", now=None)
    desk = Desk(db, real.tenant_id)
    await open_tickets(desk, 2, customers=2)
    async with db.transaction(real.tenant_id) as tx:
        await tx.execute(
            text("select 1 from customer where tenant_id = :t and external_id = 'c0' for update"), {"t": tx.tenant_id}
        )
        started = asyncio.get_running_loop().time()
        assert await sweeps.fire_due(db, real.tenant_id, HANDLERS) == 1
        assert asyncio.get_running_loop().time() - started < 2
    assert await sweeps.fire_due(db, real.tenant_id, HANDLERS) == 1


async def test_the_worker_sweeps_and_places(db: Database, vendor: MakeVendor) -> None:
    real = await vendor("x-cart", now=None)
    desk = Desk(db, real.tenant_id)
    await open_tickets(desk, 25, customers=4)
    stop = asyncio.Event()
    seen: list[str] = []

    async def job(database: Database, tenant_id: str) -> int:
        seen.append(tenant_id)
        return 0

    task = asyncio.create_task(run_worker(db, HANDLERS, stop, jobs=[job]))
    for _ in range(200):
        await asyncio.sleep(0.05)
        placed = await desk.rows(
            "select position from outbox where tenant_id = :t and position is not null order by position"
        )
        if len(placed) == 25:
            break
    stop.set()
    await asyncio.wait_for(task, 5)
    assert [row.position for row in placed] == list(range(1, 26))
    assert real.tenant_id in seen
    sandboxes = [one for one in await db.tenant_ids() if one.startswith("t-")]
    assert set(sandboxes) >= {real.tenant_id}


async def test_positions_keep_each_customers_order(db: Database, vendor: MakeVendor) -> None:
    """Ids of one millisecond sort at random; a customer's events are placed in its sequence all the same."""
    sand = await vendor("shopp", now="2025-11-24T16:00:00Z")
    desk = Desk(db, sand.tenant_id)
    for i in range(3):
        await desk.do(f"T{i}", lambda clocks, now: clocks.start("accepted", at=now), customer=f"c{i % 2}")
    await sand.move_clock("2026-01-20T00:00:00Z")
    total = len(await desk.events())
    assert total > 90

    async def place(tx: Tx) -> int:
        return await positions.assign_batch(tx, 7)

    while await db.run(sand.tenant_id, place):
        pass
    rows = await desk.rows("select customer_id, sequence, position from outbox where tenant_id = :t order by position")
    assert [row.position for row in rows] == list(range(1, total + 1))
    last: dict[str, int] = {}
    for row in rows:
        assert row.sequence == last.get(row.customer_id, 0) + 1
        last[row.customer_id] = row.sequence
    assert (await desk.rows("select event_position as p from tenant where tenant_id = :t"))[0].p == total


# --- the sandbox's own time -------------------------------------------------------------------------------------------


async def test_the_clock_goes_forward_only(db: Database, vendor: MakeVendor) -> None:
    sand = await vendor("shopp", now="2025-01-01T00:00:00Z")
    assert (await sand.get("/v1/clock")).json() == {"mode": "virtual", "now": "2025-01-01T00:00:00Z"}
    moved = await sand.ok(await sand.put("/v1/clock", {"now": "2025-02-01T00:00:00Z"}))
    assert (moved["now"], moved["fired"], moved["reached"]) == ("2025-02-01T00:00:00Z", 0, True)
    again = await sand.ok(await sand.put("/v1/clock", {"now": "2025-02-01T00:00:00Z"}))
    assert (again["fired"], again["reached"]) == (0, True)
    back = await sand.put("/v1/clock", {"now": "2025-01-31T23:59:59Z"})
    assert (back.status_code, back.json()["code"]) == (409, "clock_backwards")
    real = await vendor("shopp", now=None)
    assert (await real.put("/v1/clock", {"now": "2099-01-01T00:00:00Z"})).json()["code"] == "clock_not_virtual"
    assert (await real.get("/v1/clock")).json()["mode"] == "real"
    assert await sweeps.fire_due(db, sand.tenant_id, HANDLERS) == 0


async def test_trying_a_move_writes_nothing(db: Database, vendor: MakeVendor) -> None:
    sand = await vendor("shopp", now="2025-11-24T16:00:00Z")
    desk = Desk(db, sand.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("accepted", at=now))
    tried = await sand.ok(await sand.put("/v1/clock?validate_only=true", {"now": "2025-12-05T00:00:00Z"}))
    assert (tried["fired"], tried["reached"], tried["now"]) == (6, True, "2025-12-05T00:00:00Z")
    assert await desk.outcomes() == []
    assert (await sand.get("/v1/clock")).json()["now"] == "2025-11-24T16:00:00Z"
    assert (await sand.ok(await sand.put("/v1/clock", {"now": "2025-12-05T00:00:00Z"})))["fired"] == 6


async def test_a_call_is_bounded_and_instants_are_kept(db: Database, vendor: MakeVendor) -> None:
    sand = await vendor("shopp", now="2025-11-24T16:00:00Z")
    desk = Desk(db, sand.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("accepted", at=now))
    seen: list[tuple[datetime, datetime]] = []

    async def handler(tx: Tx, item: AgendaItem) -> None:
        seen.append((tx.at, item.at))
        assert tx.tenant.now == tx.at
        await HANDLERS["clock"](tx, item)

    to = at("2025-12-05T00:00:00Z")
    first = await sandbox.move_clock(db, sand.tenant_id, to, {"clock": handler}, most=4)
    assert (first["fired"], first["reached"], first["now"]) == (4, False, "2025-12-02T22:00:01Z")
    second = await sandbox.move_clock(db, sand.tenant_id, to, {"clock": handler}, most=4)
    assert (second["fired"], second["reached"], second["now"]) == (2, True, "2025-12-05T00:00:00Z")
    assert all(now == due for now, due in seen)
    assert seen == sorted(seen)


async def test_two_movers_fire_everything_once(db: Database, vendor: MakeVendor) -> None:
    sand = await vendor("shopp", now="2025-11-24T16:00:00Z")
    desk = Desk(db, sand.tenant_id)
    for i in range(4):
        await desk.do(f"T{i}", lambda clocks, now: clocks.start("accepted", at=now), customer=f"c{i}")
    ends = [at("2025-12-09T00:00:00Z"), at("2025-12-09T00:00:00Z"), at("2025-12-04T00:00:00Z")]
    answers = await asyncio.gather(
        *(sandbox.move_clock(db, sand.tenant_id, to, HANDLERS) for to in ends), return_exceptions=True
    )
    fired = sum(one["fired"] for one in answers if isinstance(one, dict))
    assert fired == 4 * 8 == len(await desk.outcomes()) == len(await desk.events())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_one_step_or_many_is_the_same(db: Database, vendor: MakeVendor, data: st.DataObject) -> None:
    start, end = at("2025-11-24T16:00:00Z"), at("2025-12-10T00:00:00Z")
    hours = int((end - start) / timedelta(hours=1))
    stops = sorted(data.draw(st.lists(st.integers(0, hours), max_size=6)))
    results = []
    for steps in ([], stops):
        sand = await vendor("shopp", now=start.isoformat())
        desk = Desk(db, sand.tenant_id)
        await desk.do("A", lambda clocks, now: clocks.start("accepted", at=now))
        await desk.do("B", lambda clocks, now: clocks.start("credit_applied", at=now), customer="bob")
        fired = 0
        for moment in [*(start + timedelta(hours=one) for one in steps), end]:
            fired += (await sand.move_clock(moment.astimezone(UTC).isoformat()))["fired"]
        results.append((fired, await desk.outcomes(), await desk.events()))
    assert results[0] == results[1]


async def test_unknown_kinds_are_never_lost(db: Database, vendor: MakeVendor) -> None:
    real = await vendor("x-cart", now=None)
    desk = Desk(db, real.tenant_id)
    await open_tickets(desk, 1, customers=1)
    assert await sweeps.fire_due(db, real.tenant_id, {}, backoff=sweeps.Backoff()) == 0
    assert len(await desk.rows("select 1 from agenda where tenant_id = :t")) == 1
    await due_again(db, real.tenant_id)
    assert await run_once(db, real.tenant_id, HANDLERS) >= 1
    assert await db.read(real.tenant_id, agenda.state) == (None, False)


def test_every_kind_has_one_handler() -> None:
    assert {"clock", "calendar.recompute"} <= set(HANDLERS)
    with pytest.raises(DomainError):
        raise DomainError("clock_backwards")
