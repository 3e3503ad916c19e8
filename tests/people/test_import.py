"""People and companies brought in from a file: every column of a customer, as CSV and as lines of JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.inbound.test_reconcile_and_import import bring

PEOPLE = [
    {"kind": "customer", "customer_id": "acme", "name": "Acme"},
    {
        "kind": "customer",
        "customer_id": "ann",
        "name": "Ann Lee",
        "emails": ["ann@acme.example", "a.lee@acme.example"],
        "company_id": "acme",
        "external_ids": {"zammad": "5", "woo": "17"},
        "metadata": {"segment": "small"},
    },
    {"kind": "customer", "customer_id": "ben", "company_id": "globex"},
]


async def test_people_and_companies_are_brought_in_whole(app: FastAPI, vendor: MakeVendor, tmp_path: Path) -> None:
    shop = await vendor("x-cart")
    lines = [json.dumps(row) for row in PEOPLE]
    assert await bring(app, shop.tenant_id, lines, tmp_path, "people.jsonl", apply=True) == 0
    ann = await shop.ok(await shop.get("/v1/customers/ann"))
    assert {name: ann[name] for name in ("name", "emails", "company_id", "external_ids", "metadata")} == {
        name: value for name, value in PEOPLE[1].items() if name not in ("kind", "customer_id")
    }
    found = await shop.ok(await shop.get("/v1/customers", query="17"))
    assert [row["customer_id"] for row in found["data"]] == ["ann"]
    assert (await shop.ok(await shop.get("/v1/customers/ben")))["company_id"] == "globex"
    ticket = {"customer_id": "ann", "subject": "Help", "channel": "helpdesk", "category": "level_0"}
    assert (await shop.ok(await shop.put("/v1/tickets/T-1", ticket)))["company_id"] == "acme"


async def test_the_same_file_again_brings_nothing_and_another_adds(
    app: FastAPI, vendor: MakeVendor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = await vendor("x-cart")
    for said in ("3 brought in", "0 brought in"):
        lines = [json.dumps(row) for row in PEOPLE]
        assert await bring(app, shop.tenant_id, lines, tmp_path, "people.jsonl", apply=True) == 0
        assert said in capsys.readouterr().out
    text = "kind,customer_id,email,company_id\r\ncustomer,ann,ann@home.example,acme\r\ncustomer,cem,,acme\r\n"
    assert await bring(app, shop.tenant_id, text, tmp_path, "more.csv", apply=True) == 0
    ann = await shop.ok(await shop.get("/v1/customers/ann"))
    assert ann["emails"] == ["ann@home.example", "ann@acme.example", "a.lee@acme.example"]
    assert (ann["name"], ann["external_ids"]) == ("Ann Lee", {"zammad": "5", "woo": "17"})
    assert (await shop.ok(await shop.get("/v1/customers/cem")))["company_id"] == "acme"


@pytest.mark.parametrize(
    "row",
    [
        {"emails": "no list"},
        {"emails": ["no address"]},
        {"external_ids": {"Zammad!": "5"}},
        {"external_ids": ["5"]},
        {"metadata": [1]},
        {"company_id": "ann"},
    ],
)
async def test_a_column_that_makes_no_sense_is_told_with_its_line(
    app: FastAPI, vendor: MakeVendor, tmp_path: Path, capsys: pytest.CaptureFixture[str], row: dict[str, object]
) -> None:
    shop = await vendor("x-cart")
    lines = [json.dumps(PEOPLE[0]), json.dumps({"kind": "customer", "customer_id": "ann", **row})]
    assert await bring(app, shop.tenant_id, lines, tmp_path, "bad.jsonl", apply=True) == 1
    assert "line 2: " in capsys.readouterr().out
    assert (await shop.get("/v1/customers/ann")).status_code == 404
