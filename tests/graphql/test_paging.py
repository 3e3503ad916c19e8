"""Relay connections read both ways: every list, forward and backward, a row's cursor being its own place."""

# ruff: noqa: E501

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.api import Vendor
from tests.support.graphql import ask, send

DUE = "clocks due"
LISTS = {
    "customers": ("", "customerId"),
    "tickets": ("", "ticketId"),
    "clocks": ("", "clockId"),
    DUE: ('dueBefore: "2030-01-01T00:00:00Z"', "clockId"),
    "tickets then": ('asOf: "2025-01-01T00:00:00Z"', "ticketId"),
    "events": ("", "id"),
    "events since": ('since: "3"', "id"),
    "keys": ("", "keyId"),
    "auditTrail": ("", "auditId"),
    "sources": ("", "name"),
    "sourceDeliveries": ('name: "woo"', "deliveryId"),
    "webhookEndpoints": ("", "endpointId"),
    "webhookDeliveries": ('endpointId: "%s"', "deliveryId"),
    "customer entries": ("", "entryId"),
    "orders": ("", "orderId"),
    "refunds": ("", "refundId"),
    "holds": ("", "holdId"),
    "licenses": ("", "licenseId"),
    "covers": ("", "coverId"),
}
"""Every list that is paged: its own arguments, and what tells its rows apart."""
ROWS = 5


async def shop_with_lists(vendor: MakeVendor) -> tuple[Vendor, str]:
    """A tenant in which every list has five rows or more, and an endpoint with deliveries."""
    shop = await vendor("cs-cart")
    endpoints = [
        (
            await shop.ok(
                await shop.post("/v1/webhook-endpoints", {"url": f"https://hooks.example.com/{number}"}, key=None), 201
            )
        )["endpoint_id"]
        for number in range(ROWS)
    ]
    for number in range(ROWS):
        await shop.ok(
            await shop.put(
                f"/v1/orders/o-{number}",
                {
                    "customer_id": f"c-{number}",
                    "placed_at": "2025-01-01T00:00:00Z",
                    "currency": "USD",
                    "lines": [
                        {"line_id": "1", "sku": "license", "quantity": 1},
                        {"line_id": "2", "sku": "support-3-months"},
                        {"line_id": "3", "sku": "credits-50"},
                    ],
                },
            ),
            201,
        )
        await shop.ok(await shop.post(f"/v1/customers/c-{number}/holds", {"credits": 1}), 201)
        back = {"refund_id": f"r-{number}", "lines": [{"line_id": "2", "quantity": 1}]}
        await shop.ok(await shop.post(f"/v1/orders/o-{number}/refunds", back), 201)
        await shop.ok(
            await shop.put(
                f"/v1/tickets/T-{number}", {"customer_id": f"c-{number}", "subject": "How?", "channel": "helpdesk"}
            ),
            201,
        )
        await shop.ok(await shop.post("/v1/customers/c-0/adjustments", {"credits": 1, "reason": "goodwill"}), 201)
        await shop.as_key("*")
        await shop.ok(await shop.post(f"/v1/webhook-endpoints/{endpoints[0]}/test", None, key=None), 202)
        name = "woo" if number == 0 else f"woo-{number}"
        source = await shop.ok(
            await shop.put(f"/v1/sources/{name}", {"kind": "woocommerce", "secret": shops.SECRET}), 201
        )
        if number == 0:
            path = source["path"]
        body = shops.raw({**shops.woo_order(), "id": 900 + number})
        assert (await shop.client.post(path, content=body, headers=shops.sign_woo(body))).status_code == 200
    return shop, endpoints[0]


async def part(shop: Vendor, name: str, endpoint: str, **given: Any) -> Any:
    """A part of a list: its rows by what tells them apart, their cursors and what the page says of itself."""
    own, keys = LISTS[name]
    own = own % endpoint if "%" in own else own
    field = name.rsplit(" ", 1)[-1] if name == "customer entries" else name.split(" ")[0]
    told = [own, *(f"{key}: {value!r}".replace("'", '"') for key, value in given.items())]
    chosen = f"{field}({', '.join(one for one in told if one)}) {{ edges {{ cursor node {{ {keys} }} }}"
    chosen += " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"
    if name == "customer entries":
        chosen = f'customer(customerId: "c-0") {{ {chosen} }}'
    data = await ask(shop, f"{{ {chosen} }}")
    found = data["customer"]["entries"] if name == "customer entries" else data[field]
    return ([one["node"] for one in found["edges"]], [one["cursor"] for one in found["edges"]], found["pageInfo"])


async def test_every_list_reads_backward_as_it_reads_forward(vendor: MakeVendor) -> None:
    shop, endpoint = await shop_with_lists(vendor)
    for name in LISTS:
        if name != DUE:
            await reads_both_ways(shop, name, endpoint)


async def test_clocks_by_their_due_time_read_backward_too(vendor: MakeVendor) -> None:
    desk = await vendor("x-cart", now="2025-06-10T15:00:00Z")
    for number in range(ROWS):
        await desk.ok(
            await desk.put(
                f"/v1/tickets/T-{number}", {"customer_id": f"c-{number}", "subject": "How?", "channel": "helpdesk"}
            ),
            201,
        )
    await reads_both_ways(desk, DUE, "")


async def reads_both_ways(shop: Vendor, name: str, endpoint: str) -> None:
    """Page by page from the end as from the beginning; and from each row both ways."""
    whole, cursors, info = await part(shop, name, endpoint, first=100)
    assert len(whole) >= ROWS, name
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (False, False), name
    assert (info["startCursor"], info["endCursor"]) == (cursors[0], cursors[-1]), name
    seen: list[Any] = []
    before: dict[str, str] = {}
    while True:
        rows, _, info = await part(shop, name, endpoint, last=2, **before)
        seen = rows + seen
        assert info["hasNextPage"] is bool(before), name
        if not info["hasPreviousPage"]:
            break
        assert len(rows) == 2, name
        before = {"before": info["startCursor"]}
    assert seen == whole, name
    for place, cursor in enumerate(cursors):
        ahead, _, info = await part(shop, name, endpoint, first=2, after=cursor)
        assert ahead == whole[place + 1 : place + 3], (name, place)
        assert info["hasNextPage"] is (place + 3 < len(whole)), (name, place)
        assert info["hasPreviousPage"] is True, (name, place)
        back, _, info = await part(shop, name, endpoint, last=2, before=cursor)
        assert back == whole[max(0, place - 2) : place], (name, place)
        assert info["hasPreviousPage"] is (place > 2), (name, place)
        assert info["hasNextPage"] is True, (name, place)


async def test_every_connection_of_the_schema_is_in_the_lists_above(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    fields = (await ask(shop, '{ __type(name: "Query") { fields { name type { name } args { name } } } }'))["__type"][
        "fields"
    ]
    paged = {
        one["name"]: {arg["name"] for arg in one["args"]}
        for one in fields
        if (one["type"]["name"] or "").endswith("Connection")
    }
    # Of the operator, not of a tenant: tests/lists/test_tenants.py reads it both ways.
    assert set(paged) - {"entries", "tenants"} == {name.split(" ")[0] for name in LISTS if name != "customer entries"}
    for name, arguments in paged.items():
        assert {"first", "after", "last", "before"} <= arguments, name


async def test_what_comes_later_moves_no_rows_cursor(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    for number in range(4):
        await shop.ok(
            await shop.put(f"/v1/tickets/T-{number}", {"customer_id": "c-1", "subject": "How?", "channel": "helpdesk"}),
            201,
        )
    query = "query($a: String, $b: String, $f: Int, $l: Int) { tickets(first: $f, after: $a, last: $l, before: $b) { edges { cursor node { ticketId } } } }"
    edges = (await ask(shop, query, f=2))["tickets"]["edges"]
    assert [one["node"]["ticketId"] for one in edges] == ["T-3", "T-2"]
    await shop.ok(
        await shop.put("/v1/tickets/T-9", {"customer_id": "c-1", "subject": "Newer", "channel": "helpdesk"}), 201
    )
    after = (await ask(shop, query, f=5, a=edges[0]["cursor"]))["tickets"]["edges"]
    assert [one["node"]["ticketId"] for one in after] == ["T-2", "T-1", "T-0"]
    before = (await ask(shop, query, l=5, b=edges[1]["cursor"]))["tickets"]["edges"]
    assert [one["node"]["ticketId"] for one in before] == ["T-9", "T-3"]


async def test_a_list_is_read_one_way_at_a_time(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    for given, named in (
        ("first: 2, last: 2", "last"),
        ('first: 2, before: "x"', "before"),
        ('after: "x", last: 2', "last"),
        ("last: 0", "last"),
        ("last: 101", "last"),
        ('last: 2, before: "nonsense"', None),
    ):
        answer = await send(shop.client, f"{{ customers({given}) {{ nodes {{ customerId }} }} }}")
        error = answer.json()["errors"][0]
        assert error["extensions"]["code"] == ("cursor_invalid" if named is None else "invalid_input"), answer.text
        if named is not None:
            assert f"`{named}`" in answer.text, answer.text
            assert error["extensions"]["errors"][0]["pointer"].endswith(named), answer.text


async def test_rest_pages_as_it_did(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    for _ in range(3):
        await shop.as_key("*")
    page = await shop.ok(await shop.get("/v1/keys", limit=2))
    assert set(page) == {"data", "next_cursor"}
    rest = await shop.ok(await shop.get("/v1/keys", limit=5, cursor=page["next_cursor"]))
    assert len({one["key_id"] for one in page["data"] + rest["data"]}) == 4
    assert rest["next_cursor"] is None
    forward = (await ask(shop, "{ keys(first: 2) { nodes { keyId } pageInfo { endCursor } } }"))["keys"]
    assert [one["keyId"] for one in forward["nodes"]] == [one["key_id"] for one in page["data"]]
