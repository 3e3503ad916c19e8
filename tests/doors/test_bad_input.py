"""The corpus against every write operation of the contract: no 5xx, nothing quietly accepted, the field is named."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.api.catalogue import CATALOGUE
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor
from tests.support.contract import Operation, operations
from tests.support.nasty import INSTANTS, Bad, corpus

RAW_DOORS = {"receiveDelivery", "importCalendar"}
"""Take deliveries as others write them; what they do with bad ones is tested where they live."""
WRITES = [one for one in operations() if one.writes and one.id not in RAW_DOORS and not one.path.startswith("/in/")]
READS = [one for one in operations() if not one.writes]


@pytest_asyncio.fixture(scope="module")
async def one_vendor(app: FastAPI) -> AsyncIterator[Vendor]:
    made = await make_vendor(app, "cs-cart")
    yield made
    await made.close()


async def send(app: FastAPI, operation: Operation, bad: Bad, vendor: Vendor) -> httpx.Response:
    headers = dict(bad.headers)
    if operation.keyed and "X-No-Key" not in headers:
        headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
    key = OPERATOR_KEY if operation.operators and not operation.scopes else vendor.key
    url = bad.path or operation.url(tenant_id=vendor.tenant_id)
    if bad.query:
        url += ("&" if "?" in url else "?") + bad.query
    async with client_of(app, key) as client:
        return await client.request(operation.method, url, content=bad.body, headers=headers)


@pytest.mark.parametrize("operation", WRITES, ids=[one.id for one in WRITES])
async def test_bad_input_is_refused_and_named(app: FastAPI, one_vendor: Vendor, operation: Operation) -> None:
    wrong: list[str] = []
    count = 0
    for bad in corpus(operation):
        answer = await send(app, operation, bad, one_vendor)
        count += 1
        where = f"{bad.name}: {answer.status_code} {answer.text[:300]}"
        if answer.status_code >= 500 or answer.status_code < 400:
            wrong.append(where)
            continue
        body = answer.json()
        known = answer.headers["content-type"] == "application/problem+json" and body["code"] in CATALOGUE
        if not known or answer.status_code not in bad.statuses:
            wrong.append(where)
        elif bad.pointer is not None and not any(
            one["pointer"].startswith(bad.pointer) for one in body.get("errors", ())
        ):
            wrong.append(f"not named {bad.pointer}: {where}")
        elif "Traceback" in answer.text or "sqlalchemy" in answer.text.lower():
            wrong.append(where)
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:25])
    assert count >= 80, f"{operation.id}: only {count} bad inputs"


INJECTED = (
    "'; drop table tenant; --",
    '" or 1=1 --',
    "1); select pg_sleep(5); --",
    "%' union select 1 --",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\\",
)


@pytest.mark.parametrize("operation", WRITES, ids=[one.id for one in WRITES])
async def test_sql_and_markup_are_only_text(app: FastAPI, one_vendor: Vendor, operation: Operation) -> None:
    """In every text of every body and in every path: no fault, and nothing is there that was not (decision 0024)."""
    schema, good = operation.body_schema, operation.example()
    texts = (
        []
        if schema is None
        else [
            name
            for name, inner in schema.get("properties", {}).items()
            if {str(one.get("type")) for one in operation.kinds(inner)} <= {"string", "null"}
        ]
    )
    for injected in INJECTED:
        tries = [Bad(name, json.dumps({**good, name: injected}).encode()) for name in texts]
        for one in operation.parameters("path"):
            path = operation.url().replace(str(one.get("example")), quote(injected, safe=""), 1)
            tries.append(Bad(one["name"], None if good is None else json.dumps(good).encode(), path=path))
        for bad in tries:
            url = bad.path or operation.url(tenant_id=one_vendor.tenant_id)
            tried = replace(bad, path=url + ("&" if "?" in url else "?") + "validate_only=true")
            answer = await send(app, operation, tried, one_vendor)
            assert answer.status_code < 500, (bad, answer.text)
            assert "syntax error" not in answer.text, answer.text
            assert answer.is_success or answer.json()["code"] in CATALOGUE, answer.text


QUERY = {
    "limit": (
        "0",
        "-1",
        "101",
        "9223372036854775808",
        "1" * 400,
        "1.5",
        "x",
        "",
        "1e3",
        "٧",
        "true",
        "%00",
        "%ff",
        "1 ",
        "+1",
    ),
    "cursor": ("x", "%00", "%ff", "A" * 3000, "A" * 100, "é", ""),
    "as_of": tuple(text for text, _ in INSTANTS if "\u0000" not in text and text and "list" not in text)[:20],
}


@pytest.mark.parametrize("operation", READS, ids=[one.id for one in READS])
async def test_bad_questions_are_refused(app: FastAPI, one_vendor: Vendor, operation: Operation) -> None:
    wrong: list[str] = []
    known = {one["name"] for one in operation.parameters("query")}
    many = {one["name"] for one in operation.parameters("query") if "array" in str(one["schema"])}
    queries = ["surprise=1", "%00=1", "validate_only=true", "a=" + "x" * 5000]
    for name in known:
        queries += [f"{name}={value}" for value in QUERY.get("as_of" if name in ("as_of", "known_at") else name, ())]
        queries += [f"{name}=%00", f"{name}=%ff"]
        queries += [] if name in many else [f"{name}=a&{name}=b"]
    key = OPERATOR_KEY if operation.operators and not operation.scopes else one_vendor.key
    async with client_of(app, key) as client:
        for query in queries:
            url = operation.url(tenant_id=one_vendor.tenant_id)
            answer = await client.get(httpx.URL(url + ("&" if "?" in url else "?") + query))
            if answer.status_code not in (400, 422) or answer.json()["code"] not in CATALOGUE:
                wrong.append(f"{query[:60]}: {answer.status_code} {answer.text[:200]}")
        for one in operation.parameters("path"):
            for value in ("a%00b", "%ff", "x" * 300, "a%0ab", "' or 1=1 --", "%25%00"):
                answer = await client.get(
                    httpx.URL(operation.path.replace("{" + one["name"] + "}", value).replace("{", "").replace("}", ""))
                )
                if answer.status_code >= 500 or answer.status_code < 400:
                    wrong.append(f"{one['name']}={value[:30]}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:25])
