"""Control characters in what callers say: a terminal or a log that shows the text later would obey them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.contract import Operation, operations
from tests.support.graphql import send

CONTROLS = ["\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1b]0;x\x07", "\x1f", "\x7f", "\x80", "\x9b31m", "\x9f"]
OTHERWISE = {"document", "secret", "secrets", "key", "url", "event_types", "feed"}
"""Members that are no words: documents and secrets, and what the use case holds to a stricter form."""
IN_CODE = {("publishCalendarVersion", "name"), ("publishCalendarVersion", "source")}
"""Texts that may be empty, so that the contract gives them no form; see below for what is refused."""
TICKET: dict[str, Any] = {"customer_id": "ann", "channel": "helpdesk"}
CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("PUT", "/v1/customers/ann", {"name": "x{}y"}, "/name"),
    ("PUT", "/v1/customers/ann", {"emails": ["x{}y@acme.example"]}, "/emails/0"),
    ("PUT", "/v1/customers/ann", {"external_ids": {"zammad": "5{}"}}, "/external_ids/zammad"),
    ("PUT", "/v1/customers/ann", {"company_id": "acme{}"}, "/company_id"),
    ("PUT", "/v1/customers/ann", {"metadata": {"segment": "small{}"}}, "/metadata/segment"),
    ("PUT", "/v1/customers/ann", {"acting_agent": {"id": "7", "name": "Eve{}"}}, "/acting_agent/name"),
    ("PUT", "/v1/tickets/t-1", {**TICKET, "subject": "Help{}"}, "/subject"),
    ("PUT", "/v1/tickets/t-1", {**TICKET, "requester": "ann{}"}, "/requester"),
    ("PUT", "/v1/tickets/t-1", {**TICKET, "facts": {"domain": "x{}.example"}}, "/facts/domain"),
    (
        "POST",
        "/v1/calendars/hours/versions",
        {"effective_from": "2025-03-01", "exceptions": [{"date": "2025-12-25", "kind": "closed", "name": "X{}mas"}]},
        "/exceptions/0/name",
    ),
    ("POST", "/v1/customers/ann/adjustments", {"credits": 1, "reason": "Thanks{}"}, "/reason"),
    ("POST", "/v1/tickets/t-1/disputes", {"reason": "Too dear{}"}, "/reason"),
]


@pytest_asyncio.fixture
async def acme(vendor: MakeVendor) -> Vendor:
    return await vendor()


def filled(body: Any, control: str) -> Any:
    if isinstance(body, dict):
        return {name: filled(value, control) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, control) for value in body]
    return body.replace("{}", control) if isinstance(body, str) else body


@pytest.mark.parametrize(("method", "path", "body", "pointer"), CALLS, ids=[f"{one[1]}{one[3]}" for one in CALLS])
async def test_they_are_refused_in_every_name_and_word(
    acme: Vendor, method: str, path: str, body: dict[str, Any], pointer: str
) -> None:
    for control in CONTROLS:
        answer = await acme.client.request(
            method, path, json=filled(body, control), headers={"Idempotency-Key": "a"} if method == "POST" else {}
        )
        assert answer.status_code == 422, (control, answer.text)
        assert pointer in {one["pointer"] for one in answer.json()["errors"]}, (control, answer.text)
        assert control not in answer.text


async def test_graphql_refuses_them_too(acme: Vendor) -> None:
    query = "mutation($i: PutCustomerInput!) { putCustomer(input: $i) { ... on Refusal { code errors { pointer } } } }"
    answer = (await send(acme.client, query, {"i": {"customerId": "ann", "name": "x\x9by"}})).json()["data"]
    assert answer == {"putCustomer": {"code": "invalid_input", "errors": [{"pointer": "/input/name"}]}}


async def test_tabs_and_lines_of_a_text_are_kept(acme: Vendor) -> None:
    who = {"name": "Ann Lee", "metadata": {"note": "one\r\ntwo"}}
    assert (await acme.ok(await acme.put("/v1/customers/ann", who)))["metadata"] == who["metadata"]
    ticket = {**TICKET, "subject": "one\ntwo\tthree ✓ ü"}
    assert (await acme.ok(await acme.put("/v1/tickets/t-1", ticket)))["subject"] == ticket["subject"]


def words(operation: Operation, schema: dict[str, Any], name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The texts that a body holds, each with the member that it stands in."""
    for one in operation.kinds(schema):
        if one.get("type") == "string" and not one.keys() & {"enum", "const", "format"}:
            yield name, one
        for member, inner in one.get("properties", {}).items():
            yield from words(operation, inner, member)
        for inner in (one.get("items"), one.get("additionalProperties")):
            if isinstance(inner, dict):
                yield from words(operation, inner, name)


def test_every_text_of_every_body_says_what_it_may_hold() -> None:
    loose, seen = set(), 0
    for operation in operations():
        if operation.body_schema is None:
            continue
        for name, schema in words(operation, operation.body_schema):
            seen += 1
            if "pattern" not in schema and name not in OTHERWISE:
                loose.add((operation.id, name))
    assert seen > 100
    assert loose == IN_CODE
