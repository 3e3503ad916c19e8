"""Shopify's GraphQL Admin API: orders changed since an instant, told as the shop's webhooks tell them.

The REST Admin API is a legacy since October 2024, and new public apps may not use it. Queries are paid for by their
calculated cost. One that is too dear is asked again with smaller pages. One that is throttled is asked again once the
bucket has filled (``extensions.cost.throttleStatus``).
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from app.usecases.inbound import FetchError

VERSION: Final = "2026-04"
PAGE: Final = 25
LINES: Final = 50
PAGES_MAX: Final = 10_000
WAITS_MAX: Final = 10
LONGEST_WAIT: Final = 60.0

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]
"""(path, body of a POST) -> the answer as JSON. Raises `FetchError`."""
Sleep = Callable[[float], Awaitable[None]]

_LINE: Final = """
  id quantity currentQuantity sku originalUnitPriceSet { shopMoney { amount } } variant { legacyResourceId }
  product { legacyResourceId } customAttributes { key value }
  discountAllocations { allocatedAmountSet { shopMoney { amount } } } taxLines { priceSet { shopMoney { amount } } }
"""
_ORDERS: Final = f"""
query Orders($first: Int!, $after: String, $lines: Int!, $query: String!) {{
  orders(first: $first, after: $after, sortKey: UPDATED_AT, query: $query) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      id legacyResourceId test createdAt processedAt updatedAt cancelledAt displayFinancialStatus currencyCode email
      phone customer {{ legacyResourceId state email phone }} taxesIncluded totalPriceSet {{ shopMoney {{ amount }} }}
      totalTaxSet {{ shopMoney {{ amount }} }} totalTipReceivedSet {{ shopMoney {{ amount }} }}
      originalTotalDutiesSet {{ shopMoney {{ amount }} }}
      originalTotalAdditionalFeesSet {{ shopMoney {{ amount }} }}
      totalCashRoundingAdjustment {{ paymentSet {{ shopMoney {{ amount }} }} }}
      shippingLines(first: 20) {{ nodes {{
        isRemoved originalPriceSet {{ shopMoney {{ amount }} }} taxLines {{ priceSet {{ shopMoney {{ amount }} }} }}
        discountAllocations {{ allocatedAmountSet {{ shopMoney {{ amount }} }} }} }} }}
      lineItems(first: $lines) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {_LINE} }} }}
      refunds {{
        legacyResourceId
        refundLineItems(first: $lines) {{ pageInfo {{ hasNextPage }} nodes {{
          quantity subtotalSet {{ shopMoney {{ amount }} }} totalTaxSet {{ shopMoney {{ amount }} }}
          lineItem {{ id }} }} }}
        transactions(first: 20) {{ nodes {{ kind status amountSet {{ shopMoney {{ amount }} }} }} }}
        duties {{ amountSet {{ shopMoney {{ amount }} }} }}
        refundShippingLines(first: 20) {{ nodes {{
          subtotalAmountSet {{ shopMoney {{ amount }} }} taxAmountSet {{ shopMoney {{ amount }} }} }} }}
      }}
    }}
  }}
}}
"""
_MORE: Final = f"""
query Lines($id: ID!, $after: String!, $lines: Int!) {{
  order(id: $id) {{ lineItems(first: $lines, after: $after) {{
    pageInfo {{ hasNextPage endCursor }} nodes {{ {_LINE} }} }} }}
}}
"""


async def changes(
    ask: Ask, since: datetime, *, version: str = VERSION, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[dict[str, Any]]:
    """Orders changed since an instant, oldest change first, each as ``orders/updated`` would send it."""
    since_text = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    variables: dict[str, Any] = {"first": PAGE, "after": None, "lines": LINES, "query": f"updated_at:>='{since_text}'"}
    asked = _Asked(ask, f"/admin/api/{version}/graphql.json", sleep)
    for _ in range(PAGES_MAX):
        page = (await asked(_ORDERS, variables))["orders"]
        for node in page["nodes"]:
            yield _order(node, await _lines(asked, node))
        if not page["pageInfo"]["hasNextPage"]:
            return
        variables["after"] = page["pageInfo"]["endCursor"]


class _Asked:
    """Asks within the cost that the shop allows."""

    def __init__(self, ask: Ask, path: str, sleep: Sleep) -> None:
        self.ask, self.path, self.sleep = ask, path, sleep

    async def __call__(self, query: str, variables: dict[str, Any]) -> Any:
        """The data of an answer; pages in ``variables`` shrink where they cost too much."""
        for _ in range(WAITS_MAX):
            answer = await self.ask(self.path, {"query": query, "variables": dict(variables)})
            errors = answer.get("errors") or []
            if not errors and answer.get("data") is not None:
                return answer["data"]
            codes = {_code(error) for error in errors} if isinstance(errors, list) else set()
            if "MAX_COST_EXCEEDED" in codes and max(variables.get("first", 1), variables["lines"]) > 1:
                for name in ("first", "lines"):
                    if name in variables:
                        variables[name] = max(variables[name] // 2, 1)
            elif "THROTTLED" in codes:
                await self.sleep(_wait(answer))
            else:
                raise FetchError(f"{self.path}: {json.dumps(errors)[:300]}")
        raise FetchError(f"{self.path}: throttled for too long")


def _code(error: Any) -> str:
    return str((error.get("extensions") or {}).get("code", "")) if isinstance(error, dict) else ""


def _wait(answer: Mapping[str, Any]) -> float:
    """Seconds until the bucket holds what the query costs."""
    cost = (answer.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    lacking = float(cost.get("requestedQueryCost") or 0) - float(status.get("currentlyAvailable") or 0)
    rate = float(status.get("restoreRate") or 0)
    return min(max(math.ceil(lacking / rate), 1), LONGEST_WAIT) if rate > 0 else 1.0


async def _lines(asked: _Asked, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    page = node["lineItems"]
    found = list(page["nodes"])
    variables = {"id": node["id"], "lines": LINES, "after": None}
    while page["pageInfo"]["hasNextPage"]:
        variables["after"] = page["pageInfo"]["endCursor"]
        page = (await asked(_MORE, variables))["order"]["lineItems"]
        found += page["nodes"]
    return found


def _order(node: Mapping[str, Any], lines: list[Mapping[str, Any]]) -> dict[str, Any]:
    order_id = int(node["legacyResourceId"])
    buyer = node.get("customer")
    rounding = node.get("totalCashRoundingAdjustment") or {}
    return {
        "id": order_id,
        "test": node["test"],
        "email": node.get("email"),
        "phone": node.get("phone"),
        "created_at": node["createdAt"],
        "processed_at": node.get("processedAt"),
        "updated_at": node["updatedAt"],
        "cancelled_at": node.get("cancelledAt"),
        "financial_status": str(node.get("displayFinancialStatus") or "").lower(),
        "currency": node["currencyCode"],
        "taxes_included": node["taxesIncluded"],
        "total_price": _money(node["totalPriceSet"]),
        "total_tax": _money_or_none(node.get("totalTaxSet")),
        "total_tip_received": _money_or_none(node.get("totalTipReceivedSet")),
        "original_total_duties_set": _bag(node.get("originalTotalDutiesSet")),
        "original_total_additional_fees_set": _bag(node.get("originalTotalAdditionalFeesSet")),
        "total_cash_rounding_payment_adjustment_set": _bag(rounding.get("paymentSet")),
        "customer": None if buyer is None else _customer(buyer),
        "line_items": [_line(line) for line in lines],
        "shipping_lines": [_shipping(node_) for node_ in node["shippingLines"]["nodes"]],
        "refunds": [_refund(refund, order_id) for refund in node.get("refunds") or ()],
    }


def _customer(buyer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": int(buyer["legacyResourceId"]),
        "state": str(buyer.get("state") or "").lower(),
        "email": buyer.get("email"),
        "phone": buyer.get("phone"),
    }


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": _number(row["id"]),
        "variant_id": _legacy(row.get("variant")),
        "product_id": _legacy(row.get("product")),
        "sku": row.get("sku"),
        "quantity": row["quantity"],
        "current_quantity": row["currentQuantity"],
        "price": _money(row["originalUnitPriceSet"]),
        **_off_and_taxes(row),
        "properties": [{"name": each["key"], "value": each.get("value")} for each in row.get("customAttributes") or ()],
    }


def _shipping(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"price": _money(row["originalPriceSet"]), "is_removed": row["isRemoved"], **_off_and_taxes(row)}


def _off_and_taxes(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "discount_allocations": [
            {"amount": _money(each["allocatedAmountSet"])} for each in row.get("discountAllocations") or ()
        ],
        "tax_lines": [{"price": _money(each["priceSet"])} for each in row.get("taxLines") or ()],
    }


def _refund(row: Mapping[str, Any], order_id: int) -> dict[str, Any]:
    if row["refundLineItems"]["pageInfo"]["hasNextPage"]:
        raise FetchError(f"A refund of order {order_id} names too many lines.")
    return {
        "id": int(row["legacyResourceId"]),
        "order_id": order_id,
        "refund_line_items": [
            {
                "line_item_id": _number(each["lineItem"]["id"]),
                "quantity": each["quantity"],
                "subtotal": _money_or_none(each.get("subtotalSet")),
                "total_tax": _money_or_none(each.get("totalTaxSet")),
            }
            for each in row["refundLineItems"]["nodes"]
        ],
        "transactions": [
            {"kind": each["kind"].lower(), "status": each["status"].lower(), "amount": _money(each["amountSet"])}
            for each in row["transactions"]["nodes"]
        ],
        "refund_duties": [{"amount_set": _bag(each["amountSet"])} for each in row.get("duties") or ()],
        "refund_shipping_lines": [
            {"subtotal_amount_set": _bag(each["subtotalAmountSet"]), "tax_amount_set": _bag(each["taxAmountSet"])}
            for each in row["refundShippingLines"]["nodes"]
        ],
    }


def _money(bag: Mapping[str, Any]) -> str:
    return str(bag["shopMoney"]["amount"])


def _money_or_none(bag: Mapping[str, Any] | None) -> str | None:
    return None if bag is None else _money(bag)


def _bag(bag: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A money bag as the webhooks spell it."""
    return None if bag is None else {"shop_money": {"amount": _money(bag)}}


def _legacy(row: Mapping[str, Any] | None) -> int | None:
    """None for a product that the shop has deleted."""
    return None if row is None else int(row["legacyResourceId"])


def _number(gid: str) -> int:
    """``gid://shopify/LineItem/866550311766439020``: the id that the webhooks carry."""
    return int(gid.rpartition("/")[2].partition("?")[0])
