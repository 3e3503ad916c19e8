"""What a scene is: one feature of a policy, what is done with it, and what a user sees of it in every place.

A scene is data. `tests.everywhere.play` plays it over HTTP, and `scripts.reference.everywhere` prints it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

NOW = "2025-03-03T10:00:00Z"
"""A Monday, at an hour when the vendor works."""
BASE = """
policy: everywhere
title: Everything that support is sold by
vendor: Nobody
source: made up for the tests
currency: EUR
unit: {one: credit, many: credits}
clauses: [{id: E-1, text: Everything else.}, {id: E-2, text: What the scene is about.}]
offers:
  - sku: credits-100
    title: A hundred credits
    kind: credits
    clause: E-1
    price: {amount: "100.00"}
    grants: [{kind: credits, rule: pack, clause: E-1, credits: 100}]
  - sku: care
    title: A month of care
    kind: cover
    clause: E-1
    price: {amount: "20.00"}
    grants: [{kind: cover, rule: care, clause: E-1, term: {months: 1}, start: order}]
  - sku: license
    title: A license
    kind: license
    clause: E-1
    price: {amount: "200.00"}
actions:
  - action: open_ticket
    title: Open a ticket
    rules: [{allow: true, code: may_ask, clause: E-1, message: Anybody may ask.}]
qualification: {by: rules, clause: E-1}
categories:
  - {category: question, title: A question, price: {kind: fixed, credits: 6}, clause: E-1}
credits: {clause: E-1, types: [{credit_type: credit, title: Credits, clause: E-1}]}
payment: {means: [credits, cover], exhausted_clause: E-1, exhausted_skus: [credits-100]}
reopening: {clause: E-1, window: {days: 14}}
outcomes: [{outcome: answered, title: Answered, clause: E-1}]
causes: [{cause: software_bug, title: A bug of ours, clause: E-1, returns: all}, {cause: other, title: Something else}]
service_hours:
  zone: UTC
  clause: E-1
  weekly_hours:
    mon: [["09:00", "17:00"]]
    tue: [["09:00", "17:00"]]
    wed: [["09:00", "17:00"]]
    thu: [["09:00", "17:00"]]
    fri: [["09:00", "17:00"]]
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A call. What it answers is named, so that later calls may refer to it: ``{o1.covers.0.cover_id}``.

    ``refused``: the status and the code with which it is answered, where it is not done.
    """

    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    refused: tuple[int, str] | None = None


def buy(order: str, sku: str, at: str = NOW, *, customer: str = "ann", **line: Any) -> Step:
    """An order of one line, told at any time."""
    lines = [{"line_id": "1", "sku": sku, "quantity": 1, **line}]
    body = {"customer_id": customer, "placed_at": at, "currency": "EUR", "lines": lines}
    return Step("PUT", f"/v1/orders/{order}", body, order)


def give_back(order: str) -> Step:
    """A refund of the order's unit."""
    body = {"refund_id": f"r-{order}", "lines": [{"line_id": "1", "quantity": 1}]}
    return Step("POST", f"/v1/orders/{order}/refunds", body)


def ask(ticket: str, category: str = "question", *, customer: str = "ann", **more: Any) -> Step:
    """A ticket."""
    body = {"customer_id": customer, "subject": "Help", "channel": "email", "category": category, **more}
    return Step("PUT", f"/v1/tickets/{ticket}", body, ticket)


def do(path: str, name: str = "", refused: tuple[int, str] | None = None, **body: Any) -> Step:
    """A verb."""
    return Step("POST", f"/v1/{path}", body, name, refused)


def put(path: str, name: str = "", refused: tuple[int, str] | None = None, **body: Any) -> Step:
    """Something that is replaced."""
    return Step("PUT", f"/v1/{path}", body, name, refused)


def look(path: str, name: str) -> Step:
    """Something is looked up, so that later calls may name it."""
    return Step("GET", f"/v1/{path}", {}, name)


def wait(until: str) -> Step:
    """The clock goes on."""
    return Step("WAIT", until)


def done(ticket: str, cause: str = "other") -> Step:
    """The ticket is answered."""
    return do(f"tickets/{ticket}/resolution", outcome="answered", cause=cause)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a shop or a helpdesk sends. ``{n}`` stands for the number of the order in which all are sent."""

    source: str
    event: Mapping[str, Any]


def sold(order: str, sku: str, at: str, quantity: int = 1) -> Delivery:
    """A shop tells of an order."""
    data = {
        "order_id": f"{order}-{{n}}",
        "customer_id": "ann{n}",
        "placed_at": at,
        "currency": "EUR",
        "status": "paid",
        "lines": [{"line_id": "1", "sku": sku, "quantity": quantity}],
    }
    return Delivery("purchase", {"type": "order.updated", "timestamp": at, "data": data})


def taken_back(order: str, at: str) -> Delivery:
    """A shop tells of a refund."""
    lines = [{"line_id": "1", "quantity": 1}]
    data = {"order_id": f"{order}-{{n}}", "refund_id": f"r-{order}", "lines": lines}
    return Delivery("purchase", {"type": "order.refunded", "timestamp": at, "data": data})


def written(ticket: str, at: str, category: str = "question", **more: Any) -> Delivery:
    """A helpdesk tells of a ticket."""
    data = {"ticket_id": f"{ticket}-{{n}}", "customer_id": "ann{n}", "subject": "Help", "created_at": at, **more}
    data = {"channel": "email", "category": category, **data}
    return Delivery("helpdesk", {"type": "ticket.created", "timestamp": at, "data": data})


def answered(ticket: str, at: str, author: str = "vendor") -> Delivery:
    """A helpdesk tells of an answer."""
    data = {"ticket_id": f"{ticket}-{{n}}", "response_id": f"{author}-{at}", "author": author, "occurred_at": at}
    return Delivery("helpdesk", {"type": "ticket.response", "timestamp": at, "data": data})


@dataclass(frozen=True, slots=True)
class Wrong:
    """A mistake in the document: ``code`` is found at the first line that holds ``line`` (what was written, if empty).

    Written as in the document, which is JSON with a member a line.
    """

    old: str
    new: str
    code: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is asked for, and the part of the answer that matters. ``at``: as of then."""

    path: str
    expected: Any
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Another way to say it, as a draft: what comes out otherwise, by id, before and after, and what that comes to."""

    old: str
    new: str
    differs: Mapping[str, tuple[Any, Any]]
    totals: Any = ...


@dataclass(frozen=True, slots=True)
class Told:
    """The events of a type: what each says, in order."""

    type: str
    data: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Broken:
    """A change of a row past the service, and the check of the audit that finds it."""

    sql: str
    check: str


@dataclass(frozen=True, slots=True)
class Lived:
    """The policy of whole lives that has the feature: ``holds`` is found in its document. ``by``: a command."""

    policy: str
    holds: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One feature in every place.

    ``part`` is added to `BASE`; ``steps`` are done from ``now`` on. ``permuted``: what comes at ``late`` in any order,
    after ``first``; then ``steps_late`` are done, and ``same`` is seen whatever the order was. ``lives``: where no life
    has the feature, a reason with the test that shows the like.
    """

    feature: str
    title: str
    said_by: str
    part: str
    steps: Sequence[Step]
    validate: Wrong
    price: tuple[Mapping[str, Any], Any]
    simulate: Draft
    explain: tuple[str, str, str]
    counterfactual: tuple[str, str]
    statement: Any
    events: Told
    graphql: tuple[str, Any]
    as_of: Sequence[Seen]
    audit: Broken
    lives: Lived | str
    permuted: Sequence[Delivery | Step] | str
    first: Sequence[Delivery | Step] = ()
    same: Sequence[Seen] = ()
    late: str = NOW
    steps_late: Sequence[Step] = ()
    customer: str = "ann"
    """Whose statement is read."""
    now: str = NOW

    def document(self) -> str:
        """The policy of the scene: JSON, a member a line."""
        whole = yaml.safe_load(BASE)
        for key, value in yaml.safe_load(self.part).items():
            if isinstance(value, list) and key in whole:
                name = next(iter(value[0]))
                mine = {row[name] for row in value}
                whole[key] = [*value, *(row for row in whole[key] if row[name] not in mine)]
            else:
                whole[key] = value
        return json.dumps(whole, ensure_ascii=False, indent=1)


PLACES = {
    "validate": "the mistake, found at its line",
    "price": "the price calculator, or the offer's price",
    "simulate": "a draft that says it otherwise",
    "explain": "the sentence that is read out",
    "counterfactual": "what would have changed the answer",
    "statement": "the customer's statement",
    "events": "what is told to others",
    "graphql": "the other door",
    "as_of": "how it stood before and after",
    "audit": "the check that finds a row changed past the service",
    "lives": "whole lives beside a model",
    "permuted": "deliveries in every order",
}
