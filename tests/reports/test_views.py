"""The views for a warehouse say what the calls say, and show one tenant's rows to whoever reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.conftest import MakeVendor
from tests.reports.test_exports import rows, sold
from tests.support import databases

VIEWS = ("customer", "lot", "entry", "order", "ticket", "clock", "judgement")
DOCS = Path(__file__).resolve().parents[2] / "docs" / "reports.md"


async def read(url: str, tenant_id: str | None, question: str) -> list[Any]:
    """Ask as the role that owns nothing, as a reader of a warehouse does."""
    connection = await databases.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("set local role retainer_app")
            if tenant_id is not None:
                await connection.execute("select set_config('app.tenant', $1, true)", tenant_id)
            found: list[Any] = await connection.fetch(question)
            return found
    finally:
        await connection.close()


async def test_views_say_what_the_calls_say_of_one_tenant(vendor: MakeVendor, module_url: str) -> None:
    shop, other = await sold(vendor), await sold(vendor)
    entries = await rows(shop, "entries")
    found = await read(module_url, shop.tenant_id, "select * from report_entry order by operation_id, line_no")
    assert [(row["operation_id"], row["customer_id"], row["credits"], row["ticket_id"]) for row in found] == [
        (row["operation_id"], row["customer_id"], row["credits"], row["ticket_id"]) for row in entries
    ]
    owed = await read(module_url, shop.tenant_id, "select sum(available + held) as credits from report_lot")
    liability = await shop.ok(await shop.get("/v1/reports/liability"))
    assert owed[0]["credits"] == liability["totals"]["figures"]["credits"]
    for name in VIEWS:
        for tenant_id in (shop.tenant_id, other.tenant_id):
            seen = await read(module_url, tenant_id, f"select tenant_id from report_{name}")
            assert {row["tenant_id"] for row in seen} <= {tenant_id}, name
            assert seen or name == "judgement", name
        assert await read(module_url, None, f"select tenant_id from report_{name}") == [], name


async def test_the_docs_name_every_view_and_column(vendor: MakeVendor, module_url: str) -> None:
    words = DOCS.read_text(encoding="utf-8")
    connection = await databases.connect(module_url)
    columns = await connection.fetch(
        "select table_name, column_name from information_schema.columns where table_name like 'report\\_%'"
    )
    await connection.close()
    assert {row["table_name"] for row in columns} == {f"report_{name}" for name in VIEWS}
    for row in columns:
        line = re.search(rf"^\| `{row['table_name']}` .*$", words, re.MULTILINE)
        assert line is not None, row["table_name"]
        assert row["column_name"] == "tenant_id" or f"`{row['column_name']}`" in line[0], row
