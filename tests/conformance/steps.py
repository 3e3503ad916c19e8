"""Dull builders and readers for the conformance suite: a test names only what its clause is about."""

from __future__ import annotations

from typing import Any

from tests.support.api import Vendor


def line(sku: str, line_id: str = "1", quantity: int = 1, **more: Any) -> dict[str, Any]:
    """An order line."""
    return {"line_id": line_id, "sku": sku, "quantity": quantity, **more}


async def an_order(vendor: Vendor, order_id: str, customer: str, at: str, *lines: Any, status: int = 201) -> Any:
    """Records an order; lines are skus or line bodies."""
    body = {
        "customer_id": customer,
        "placed_at": at,
        "currency": "USD",
        "lines": [
            line(one, str(number)) if isinstance(one, str) else {"line_id": str(number), "quantity": 1, **one}
            for number, one in enumerate(lines, 1)
        ],
    }
    return await vendor.ok(await vendor.put(f"/v1/orders/{order_id}", body), status)


async def a_ticket(vendor: Vendor, ticket_id: str, customer: str, *, status: int = 201, **more: Any) -> Any:
    """Opens a ticket through the help desk."""
    body = {"customer_id": customer, "subject": "A question", "channel": "helpdesk", **more}
    return await vendor.ok(
        await vendor.put(f"/v1/tickets/{ticket_id}", {name: one for name, one in body.items() if one is not None}),
        status,
    )


async def entitled(vendor: Vendor, customer: str, action: str, **query: Any) -> Any:
    """An entitlement decision."""
    return await vendor.ok(await vendor.get(f"/v1/customers/{customer}/entitlements/{action}", **query), 200)


async def balance(vendor: Vendor, customer: str) -> Any:
    """The balance."""
    return await vendor.ok(await vendor.get(f"/v1/customers/{customer}/balance"), 200)


async def events(vendor: Vendor, type_: str | None = None) -> list[Any]:
    """All events of the feed so far, of one type if asked."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(100):
        page = await vendor.ok(await vendor.get("/v1/events", limit=100, cursor=cursor), 200)
        found += page["data"]
        cursor = page.get("next_cursor")
        if cursor is None or not page["data"]:
            break
    return [one for one in found if type_ is None or one["type"] == type_]


def codes(view: Any) -> list[str]:
    """The codes of the reasons."""
    return [one["code"] for one in view["reasons"]]


def reason(view: Any, code: str) -> Any:
    """The reason with that code."""
    found = [one for one in view["reasons"] if one["code"] == code]
    assert found, f"no {code} among {view['reasons']}"
    return found[0]


def clock(view: Any, milestone: str) -> Any:
    """The clock of a ticket for that milestone."""
    found = [one for one in view["clocks"] if one["milestone"] == milestone]
    assert found, f"no {milestone} among {[one['milestone'] for one in view['clocks']]}"
    return found[-1]


def problem(answer: Any, status: int, code: str) -> Any:
    """The body of a refusal, checked."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["code"] == code, body
    assert answer.headers["content-type"].startswith("application/problem+json")
    return body


async def choose(vendor: Vendor, customer: str, option: str) -> Any:
    """Makes the customer's oldest open choice."""
    open_ = await vendor.ok(await vendor.get(f"/v1/customers/{customer}/choices"), 200)
    choice = open_["data"][0]["choice_id"]
    return await vendor.ok(
        await vendor.post(f"/v1/customers/{customer}/choices/{choice}", {"option": option}), (200, 201)
    )


async def sidebar(vendor: Vendor, customer: str) -> Any:
    """What a sidebar shows."""
    return await vendor.ok(await vendor.get(f"/v1/customers/{customer}"), 200)


async def act(vendor: Vendor, ticket_id: str, verb: str, **body: Any) -> Any:
    """POSTs a verb on a ticket that must succeed."""
    return await vendor.ok(await vendor.post(f"/v1/tickets/{ticket_id}/{verb}", body), (200, 201))


async def the_ticket(vendor: Vendor, ticket_id: str, **query: Any) -> Any:
    """A ticket as it stands, or stood."""
    return await vendor.ok(await vendor.get(f"/v1/tickets/{ticket_id}", **query), 200)


async def entries(vendor: Vendor, customer: str) -> list[Any]:
    """The ledger's lines, all of them."""
    page = await vendor.ok(await vendor.get(f"/v1/customers/{customer}/entries", limit=100), 200)
    return list(page["data"])


async def offer(vendor: Vendor, customer: str, sku: str) -> Any:
    """One offer, priced for the customer."""
    offers = await vendor.ok(await vendor.get("/v1/offers", customer_id=customer), 200)
    found = [one for one in offers["data"] if one["sku"] == sku]
    assert found, f"no offer {sku}"
    return found[0]


def ids(checks: Any) -> dict[str, str]:
    """What each named check of a qualification came to, by its code."""
    return {one["code"]: one["result"] for one in checks}


async def applied(vendor: Vendor, ticket_id: str, customer: str, credit: str, facts: Any, **more: Any) -> Any:
    """Opens a ticket with a typed credit applied to it."""
    return await a_ticket(vendor, ticket_id, customer, credit_type=credit, facts=facts, **more)


async def refused(vendor: Vendor, path: str, code: str, status: int = 409, **body: Any) -> Any:
    """POSTs what must be refused with that code; the problem."""
    return problem(await vendor.post(path, body), status, code)
