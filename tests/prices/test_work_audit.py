"""The audit sees each way in which a ticket's work, assessment, price, holds and events can differ."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.db.ledger.invariants import WORK_CHARGED
from tests.prices.shop import available, resolved, supplied, vendor_under, worked
from tests.support.databases import connect
from tests.support.vendors import opened

OF_T1 = "where tenant_id = '{tenant}' and external_id = 'T-1'"
OF_T2 = "where tenant_id = '{tenant}' and external_id = 'T-2'"
BROKEN: list[tuple[str, str, str]] = [
    (
        "minutes of a line",
        "T-1",
        f"update ticket set document = jsonb_set(document, '{{work,0,minutes}}', '90') {OF_T1}",
    ),
    (
        "seconds of a part",
        "T-1",
        f"update ticket set document = jsonb_set(document, '{{work,0,parts,0,seconds}}', '7200') {OF_T1}",
    ),
    ("a line is gone", "T-1", f"update ticket set document = document #- '{{work,0}}' {OF_T1}"),
    (
        "the assessment",
        "T-1",
        f"update ticket set document = jsonb_set(document, '{{assessments,0,credits}}', '5') {OF_T1}",
    ),
    (
        "a step of the price",
        "T-1",
        f"update ticket set document = jsonb_set(document, '{{assessments,0,steps,0,credits}}', '3') {OF_T1}",
    ),
    ("the price", "T-1", f"update ticket set document = jsonb_set(document, '{{price}}', '5') {OF_T1}"),
    ("what is set aside", "T-1", f"update ticket set document = jsonb_set(document, '{{reserved}}', '9') {OF_T1}"),
    ("what is held", "T-1", f"update ticket set document = jsonb_set(document, '{{charge,held}}', '3') {OF_T1}"),
    ("what was taken", "T-2", f"update ticket set document = jsonb_set(document, '{{charge,net}}', '3') {OF_T2}"),
    (
        "an event of a line",
        "T-1",
        (
            "update entity_event set payload = jsonb_set(payload, '{{add,work,billable}}', 'false')"
            " where tenant_id = '{tenant}' and kind = 'worked' and entity_id ="
            " (select ticket_id from ticket where tenant_id = '{tenant}' and external_id = 'T-1')"
        ),
    ),
    (
        "an event is gone",
        "T-1",
        (
            "delete from entity_event where tenant_id = '{tenant}' and kind = 'worked' and entity_id ="
            " (select ticket_id from ticket where tenant_id = '{tenant}' and external_id = 'T-1')"
        ),
    ),
]


@pytest.mark.parametrize(("ticket", "change"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
async def test_each_number_that_is_changed_is_seen(
    app: FastAPI, api: httpx.AsyncClient, module_url: str, ticket: str, change: str
) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours", agreed_up_to=8)
    await worked(shop, "T-1", 60)
    await opened(shop, "T-2", "hours")
    await worked(shop, "T-2", 60)
    await resolved(shop, "T-2")
    assert await available(shop) == 88  # the audit is empty
    owner = await connect(module_url)
    try:
        await owner.execute("select set_config('app.tenant', $1, false)", shop.tenant_id)
        await owner.execute("set session_replication_role = replica")  # past the guards of the journal
        done = await owner.execute(change.replace("{tenant}", shop.tenant_id).replace("{{", "{").replace("}}", "}"))
        assert not done.endswith(" 0"), done
    finally:
        await owner.close()
    found: Any = (await shop.ok(await shop.get("/v1/audit")))["data"]
    seen = {row["subject"] for row in found if row["invariant"] == WORK_CHARGED}
    assert len(seen) == 1, (ticket, found)
