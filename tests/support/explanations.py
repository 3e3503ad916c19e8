"""Walks everything that a tenant can have explained, and looks at each explanation as a clerk would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.usecases.reports.explain import KINDS

OURS = re.compile(r"\b(lic|lot|cov|cho|hld|key|clk|opr|op|tic|cus)_[0-9a-z]{20,}\b")
FIELD = re.compile(r"\b(cover|license|customer|credits|query|ticket|inputs|choice|entitled|facts)\.[a-zA-Z_]+")
SINGULAR = re.compile(r"\b1 (support credits|credits|points|premium tickets|months|days|years)\b")
WITHOUT_CLAUSE = {"adjust", "void", "transfer", "grant"}
"""What is done by hand, or by an order whose policy takes nothing back, rests on no clause of the text."""
NONSENSE = [
    "x",
    "0",
    "-1",
    "nobody:1",
    ":",
    "::",
    "a:b",
    "T-1:",
    ":1",
    "T-1:0",
    "T-1:²",
    "T-1:٣",
    "T-1:999999999",
    "%00",
    "..%2F..",
    "%F0%9F%92%A9",
    "' or 1=1 --",
    "a" * 250,
    "lot_01",
    "clk_01hzzzzzzzzzzzzzzzzzzzzzzz",
    "null",
    "{}",
]
"""Ids of nothing, for every kind."""


def sentences_of(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every summary and message of an answer, with where it stands."""
    stack: list[tuple[str, Any]] = [("", body)]
    while stack:
        at, value = stack.pop()
        if isinstance(value, dict):
            for name, one in value.items():
                if name in ("summary", "message", "would_change") and isinstance(one, str):
                    yield f"{at}/{name}", one
                else:
                    stack.append((f"{at}/{name}", one))
        elif isinstance(value, list):
            stack += [(f"{at}/{number}", one) for number, one in enumerate(value)]


def check_words(body: dict[str, Any]) -> None:
    """No sentence holds an id of ours, a field's name, a hole, or a wrong number."""
    for at, text in sentences_of(body):
        assert text.strip(), at
        assert "unknown" not in text, (at, text)
        assert "{" not in text, (at, text)
        for pattern in (OURS, FIELD, SINGULAR):
            assert not pattern.search(text), (at, text)
        assert not re.search(r"\.\.|  |\(\)|None", text), (at, text)


def check_explanation(kind: str, body: dict[str, Any]) -> None:
    """A sentence for the whole and for each step, each with its clause, and the words of each clause named."""
    assert body["summary"].endswith("."), body["summary"]
    check_words(body)
    steps = [*body.get("trace", ()), *body.get("ledger", ())]
    assert body["trace"] or (kind == "refund" and "Nothing" in body["summary"]), (kind, body["id"])
    for step in steps:
        assert step["summary"].endswith("."), (kind, step)
        named = step["clause"] is not None or step["step"] in WITHOUT_CLAUSE
        assert named, (kind, step)
        for rule in step.get("rules", ()):
            assert kind == "order" or rule["summary"].endswith("."), rule
    for one in body.get("clocks", ()):
        assert one["summary"].endswith("."), one
    told = {one["clause"] for one in body["clauses"]}
    assert told or all(step["step"] in WITHOUT_CLAUSE for step in steps), (kind, body["id"])
    assert all(one["text"] for one in body["clauses"])


def things(get: Any) -> Iterator[tuple[str, str]]:
    """(kind, id) of everything that a tenant can have explained. ``get``: the JSON of a path."""
    for one in pages(get, "/v1/clocks"):
        yield "clock", one["clock_id"]
    yield from _orders(get)
    for ticket in pages(get, "/v1/tickets"):
        yield "ticket", ticket["ticket_id"]
        yield "charge", ticket["ticket_id"]
        for one in ticket["assessments"]:
            yield "assessment", f"{ticket['ticket_id']}:{one['number']}"
    for customer in pages(get, "/v1/customers"):
        if customer["customer_id"] is not None:
            yield from _account(get, customer["customer_id"])


def _orders(get: Any) -> Iterator[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for event in pages(get, "/v1/events"):
        data = event["data"]
        if event["type"] == "order.recorded":
            found["order", data["order_id"]] = None
        if event["type"] == "order.refunded":
            found["refund", f"{data['order_id']}:{data['refund_id']}"] = None
        for kind, type_ in (("license", "granted"), ("cover", "granted"), ("choice", "opened")):
            if event["type"] == f"{kind}.{type_}":
                found[kind, data[f"{kind}_id"]] = None
    yield from found


def _account(get: Any, name: str) -> Iterator[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for entry in pages(get, f"/v1/customers/{name}/entries"):
        for kind in ("lot", "operation", "hold"):
            if entry[f"{kind}_id"] is not None:
                found.setdefault((kind, entry[f"{kind}_id"]))
    yield from found


def pages(get: Any, path: str) -> Iterator[dict[str, Any]]:
    """Every row of a list."""
    cursor = None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        body = get(f"{path}?limit=100{more}")
        yield from body["data"]
        cursor = body.get("next_cursor")
        if not cursor:
            return


def walk(get: Any) -> dict[str, int]:
    """Explains everything of a tenant; how many of each kind."""
    seen = dict.fromkeys(KINDS, 0)
    for kind, id_ in list(things(get)):
        body = get(f"/v1/explain/{kind}/{id_}")
        check_explanation(kind, body)
        seen[kind] += 1
    return seen
