"""What the checks of the published surface send: bodies as `api.md` writes them, nothing more."""

from __future__ import annotations

from typing import Any

from tests.support.api import START, Vendor


async def bought(
    vendor: Vendor, sku: str, customer: str = "c1", order: str | None = None, at: str = START, **line: Any
) -> dict[str, Any]:
    """An order of one line; optional fields only when given."""
    order_id = order or f"o-{customer}-{sku}"
    made = await vendor.put(
        f"/v1/orders/{order_id}",
        {
            "customer_id": customer,
            "placed_at": at,
            "currency": "USD",
            "lines": [{"line_id": "1", "sku": sku, "quantity": 1, **line}],
        },
    )
    answer: dict[str, Any] = await vendor.ok(made, 201)
    return answer


async def opened(vendor: Vendor, ticket: str = "t1", customer: str = "c1", **fields: Any) -> dict[str, Any]:
    """A ticket with the least that the page asks for."""
    made = await vendor.put(
        f"/v1/tickets/{ticket}", {"customer_id": customer, "subject": "It fails", "channel": "helpdesk", **fields}
    )
    answer: dict[str, Any] = await vendor.ok(made, 201)
    return answer


def is_problem(answer: Any, status: int, code: str | None = None) -> dict[str, Any]:
    """An RFC 9457 problem with `code` and a next step."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.headers
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert {"type", "title", "status", "detail", "code"} <= set(body), body
    assert body["type"].endswith("/problems/" + body["code"]), body
    if code is not None:
        assert body["code"] == code, body
    return body


def is_page(answer: Any) -> list[Any]:
    """`{"data": [...], "next_cursor": null}`."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {"data", "next_cursor"} <= set(body), body
    data: list[Any] = body["data"]
    return data
