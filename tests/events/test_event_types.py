"""The catalogue of events is whole: what the code emits is in it, and what is told has the fields it promises."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import app
from app.api.asyncapi import body_example
from app.domain.clocks.clock import OutcomeKind
from app.domain.tickets.session import _ENTERED
from app.usecases.credits.credits import _EVENT_OF
from app.views import shapes
from app.views.event_data import DATA, CarriedData, data_of, members_of
from app.views.event_types import EVENT_TYPES, known_pattern
from app.views.shapes import Shape
from tests.conftest import MakeVendor
from tests.support import declared

CODE = sorted(Path(app.__file__).parent.rglob("*.py"))
EMITTERS = {"emit", "_emit", "publish", "OutboxEvent"}
TICKET_VERBS = {"record", "decide"}


def _texts(node: ast.expr) -> list[str]:
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def emitted() -> set[str]:
    """Every type that stands in the code, and those that are put together there."""
    found: set[str] = set()
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in EMITTERS:
                wanted = [*node.args[:3], *(one.value for one in node.keywords if one.arg == "type")]
                found |= {
                    text
                    for one in wanted
                    if not isinstance(one, ast.Dict)
                    for text in _texts(one)
                    if re.fullmatch(r"[a-z_]+\.[a-z_]+|grant_review", text)
                }
            if name in TICKET_VERBS and (
                path.parent.name == "tickets" or path.name.startswith(("ticket", "assessment"))
            ):
                found |= {
                    f"ticket.{text}"
                    for one in node.args[:2]
                    if isinstance(one, ast.Constant)
                    for text in _texts(one)[:1]
                    if (node.args[0] is one and name == "record")
                    or (name == "decide" and node.args[1] is one and len(node.args) >= 3)
                }
    return found


def test_every_event_that_the_code_emits_is_in_the_catalogue():
    # "ticket" and "clock" are streams of facts, no published kinds.
    found = {one for one in emitted() if one not in ("ticket.ticket", "ticket.clock")}
    assert len(found) > 40
    found |= {f"ticket.{one}" for one in _ENTERED.values()} | set(_EVENT_OF.values())
    found |= {f"clock.{one}" for one in OutcomeKind.__args__}
    assert found <= set(EVENT_TYPES), sorted(found - set(EVENT_TYPES))
    unused = set(EVENT_TYPES) - found - {"webhook.test"}
    assert unused == set(), f"nobody emits {sorted(unused)}"


def test_every_member_is_described_and_used():
    used: dict[Any, set[str]] = {}
    for one in EVENT_TYPES.values():
        assert one.meaning.endswith(".")
        used.setdefault(data_of(one), set()).update(member.name for member in members_of(one))
        data = body_example(one)["data"]
        carried = {member.name for member in shapes.members(CarriedData)}
        mine = {name: value for name, value in data.items() if name not in carried}
        assert list(declared.differences(mine, Shape(data_of(one)))) == [], one.type
    for shape, names in used.items():
        assert names == {member.name for member in shapes.members(shape)}, shape
    assert set(used) == set(DATA.values())


def test_patterns():
    assert all(known_pattern(one) for one in ("*", "ticket.*", "credits.low"))
    assert not any(known_pattern(one) for one in ("ticket", "tick.*", "nothing", "", ".*", "**", "credits.none"))


async def test_what_a_ticket_brings_about_is_told_with_its_charge_and_balance(vendor: MakeVendor):
    shop = await vendor("avactis", "2025-01-01T00:00:00Z")
    await shop.ok(
        await shop.put(
            "/v1/orders/o1",
            {
                "customer_id": "flo",
                "placed_at": "2025-01-01T00:00:00Z",
                "currency": "USD",
                "lines": [{"line_id": "1", "sku": "license-owned", "quantity": 1}],
            },
        )
    )
    await shop.ok(
        await shop.put("/v1/tickets/T-1", {"customer_id": "flo", "subject": "Move", "category": "domain_change"})
    )
    await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {}))
    told = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    types = [one["type"] for one in told]
    for one in (
        "order.recorded",
        "license.granted",
        "credits.granted",
        "credits.held",
        "ticket.opened",
        "ticket.qualified",
        "credits.charged",
        "ticket.resolved",
    ):
        assert one in types, types
    for one in told:
        assert set(EVENT_TYPES[one["type"]].required) <= set(one["data"]), one
        assert one["customer_id"] == "flo"
    resolved = told[types.index("ticket.resolved")]["data"]
    assert (resolved["charge"]["net"], resolved["balance"]) == (10, {"available": 190, "held": 0})
    held, charged = (told[types.index(f"credits.{verb}")]["data"] for verb in ("held", "charged"))
    assert (held["credits"], held["balance"]["held"], charged["credits"], charged["balance"]["held"]) == (10, 10, 10, 0)
