"""What has a shape has a type, in camelCase and described; JSON is left where names are data, each with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)

from app.api.graphql.names import camel
from app.api.graphql.schema import Door, build
from app.db import schema
from app.db.account import customers
from app.views.export import COLUMNS, columns_of
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.graphql import ask, do

FACTS = "facts and inputs: the policy names them"
DOCUMENT = "a document: a policy's, or rules of a calendar's"
STORED = "what a column of a table keeps as a document; it is exported as it is stored"
MAP = "a map whose names are the shop's or the helpdesk's"
NOTED = "what the caller noted, by names of the caller's"
STATED = "what was stated or changed, by names that depend on what was done"

LEFT = {
    "AddTicketDetailsInput.facts": FACTS,
    "AddTicketDetailsInput.inputs": FACTS,
    "AssessTicketInput.inputs": FACTS,
    "Assessment.inputs": FACTS,
    "CategoryPrice.per": FACTS,
    "Customer.facts": FACTS,
    "ExportedCustomer.facts": FACTS,
    "ExplainedAssessment.inputs": FACTS,
    "ExplainedGrant.facts": FACTS,
    "ExplainedRule.facts": FACTS,
    "ExplanationStep.facts": FACTS,
    "GrantDecision.facts": FACTS,
    "LineInput.attributes": FACTS,
    "MappedProduct.attributes": FACTS,
    "NotGranted.facts": FACTS,
    "Price.inputs": FACTS,
    "PriceTicketInput.facts": FACTS,
    "PriceTicketInput.inputs": FACTS,
    "PutTicketInput.facts": FACTS,
    "PutTicketInput.inputs": FACTS,
    "Reason.facts": FACTS,
    "Refusal.refusalFacts": FACTS,
    "RehearsedGrant.details": FACTS,
    "Remedy.attributes": FACTS,
    "ResolveTicketInput.result": FACTS,
    "Ticket.facts": FACTS,
    "Ticket.inputs": FACTS,
    "Ticket.result": FACTS,
    "CalendarVersion.closureRules": DOCUMENT,
    "ClosureRulesInput.closures": DOCUMENT,
    "ClosureRulesInput.holidays": DOCUMENT,
    "IgnoredClosure.closureRule": DOCUMENT,
    "Policy.document": DOCUMENT,
    "PublishPolicyInput.document": DOCUMENT,
    "PutTenantInput.document": DOCUMENT,
    "RepeatingClosure.closureRule": DOCUMENT,
    "SimulatePolicyInput.document": DOCUMENT,
    "ValidatePolicyInput.document": DOCUMENT,
    "ComparePolicyInput.document": DOCUMENT,
    "PriceTicketInput.document": DOCUMENT,
    "OptionsInput.categories": MAP,
    "OptionsInput.priorities": MAP,
    "PutSourceInput.products": MAP,
    "PutCustomerInput.externalIds": MAP,
    "PutOrderInput.metadata": NOTED,
    "Order.metadata": NOTED,
    "PutCustomerInput.metadata": NOTED,
    "AddTicketDetailsInput.metadata": NOTED,
    "PutTicketInput.metadata": NOTED,
    "Ticket.metadata": NOTED,
    "Customer.metadata": NOTED,
    "AdjustCreditsInput.metadata": NOTED,
    "CreditCommandInput.metadata": NOTED,
    "PutLotMetadataInput.metadata": NOTED,
    "Lot.metadata": NOTED,
    "ReviewItem.payloadSays": MAP,
    "ApiKey.options": NOTED,
    "CreateKeyInput.options": NOTED,
    "ExportedCustomer.profile": NOTED,
    "AuditEntry.data": STATED,
    "ExplanationStep.result": STATED,
}
"""Fields that are JSON. Columns of exported rows are left out here: all of them are `STORED`."""


@pytest.fixture(scope="module")
def door(app: FastAPI) -> Door:
    return build()


def fields(door: Door) -> dict[str, Any]:
    """Every field of an object or an input, by `Type.field`."""
    return {
        f"{kind.name}.{name}": field
        for kind in door.core.type_map.values()
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType)
        and not is_introspection_type(kind)
        for name, field in kind.fields.items()
    }


async def test_what_is_left_as_json_has_its_reason(door: Door) -> None:
    found = {name for name, field in fields(door).items() if get_named_type(field.type).name == "JSON"}
    stored = {
        f"Exported{COLUMNS[name][0]}.{camel(column)}"
        for name in COLUMNS
        for column, (kind, _) in columns_of(name).items()
        if kind == "data"
    }
    assert stored <= found, STORED
    assert found - stored == set(LEFT)


def test_most_fields_of_answers_are_never_null(door: Door) -> None:
    """Who writes against the schema checks for null where null means something. What may lack says so in `shaped`."""
    answers = [
        field
        for kind in door.core.type_map.values()
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not is_introspection_type(kind)
        for field in kind.fields.values()
    ]
    never = sum(isinstance(field.type, GraphQLNonNull) for field in answers)
    assert never / len(answers) >= 0.6, f"{never} of {len(answers)}"


async def test_what_rest_leaves_out_has_a_value(vendor: MakeVendor) -> None:
    """Lists, flags and amounts that say nothing are empty, false and 0; what was not looked up is null."""
    shop = await vendor()
    order = await do(
        shop,
        "putOrder",
        "created replayed refunds { refundId } licenses { licenseId }",
        kind="Order",
        orderId="o-1",
        customerId="eve",
        placedAt="2025-01-01T00:00:00Z",
        lines=[{"lineId": "1", "sku": "license", "quantity": 1}],
    )
    assert (order["created"], order["replayed"], order["refunds"]) == (True, False, None)
    read = await ask(
        shop, '{ order(orderId: "o-1") { created replayed refunds { refundId } paymentDisputes { state } } }'
    )
    assert read["order"] == {"created": False, "replayed": False, "refunds": [], "paymentDisputes": []}
    asked = 'entitlement(customerId: "eve", action: "open_ticket") { trace { code } }'
    assert (await ask(shop, f"{{ {asked} }}"))["entitlement"]["trace"] is None
    told = await ask(
        shop, '{ explain(kind: "order", id: "o-1") { reading clocks { __typename } trace { remedies { sku } } } }'
    )
    assert (told["explain"]["reading"], told["explain"]["clocks"]) == (False, [])
    assert [step["remedies"] for step in told["explain"]["trace"]] == [[] for _ in told["explain"]["trace"]]


def test_the_rows_of_an_export_have_the_columns_of_their_tables() -> None:
    kinds = {"DateTime": "instant", "Integer": "whole", "BigInteger": "whole", "Boolean": "flag", "JSONB": "data"}
    tables = {name: table for name, table, _ in customers._EXPORTED}
    for name, table in {**tables, "hold_lines": schema.hold_line, "entries": schema.entry}.items():
        columns = [column for column in table.columns if column.name not in customers._HIDDEN]
        stated = columns_of(name)
        assert list(stated) == [column.name for column in columns], name
        for column in columns:
            kind, nullable = stated[column.name]
            assert nullable == column.nullable, (name, column.name)
            assert kinds.get(type(column.type).__name__, kind) == kind, (name, column.name)


async def test_an_export_is_typed_to_its_rows(vendor: MakeVendor) -> None:
    made = await vendor("cs-cart")
    line = {"line_id": "1", "sku": "license", "quantity": 1}
    order = {"customer_id": "ann", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [line]}
    await made.ok(await made.put("/v1/orders/1001", order), 201)
    query = """{ customerExport(customerId: "ann") { customerId licenses { licenseId sku placedAt firstOrder unitNo }
        orders { orderId lines } accounts { creditType granted } events { type sequence } tickets { state } } }"""
    found = (await ask(made, query))["customerExport"]
    rest = await made.ok(await made.get("/v1/customers/ann/export"))
    assert [row["licenseId"] for row in found["licenses"]] == [row["license_id"] for row in rest["licenses"]]
    assert found["licenses"][0]["placedAt"] == rest["licenses"][0]["placed_at"]
    assert found["orders"][0]["lines"] == rest["orders"][0]["lines"]
    assert [row["type"] for row in found["events"]] == [row["type"] for row in rest["events"]]
    assert found["tickets"] == []


async def test_everything_is_described(door: Door) -> None:
    bare = [
        kind.name
        for kind in door.core.type_map.values()
        if not kind.description
        and not is_introspection_type(kind)
        and not is_specified_scalar_type(kind)
        and not kind.name.startswith(("link__", "_FieldSet"))
    ]
    for name, field in fields(door).items():
        if not field.description:
            bare.append(name)
        bare += [f"{name}({key})" for key, one in getattr(field, "args", {}).items() if not one.description]
    assert bare == []


async def test_a_gateway_fetches_the_schema_without_node(door: Door, vendor: MakeVendor) -> None:
    """Another subgraph has a `node` of its own; the published schema is the same but for it."""
    fetched = (await ask(await vendor(), "{ _service { sdl } }"))["_service"]["sdl"]
    published, gateways = build_schema(door.sdl()), build_schema(fetched)
    assert published.query_type is not None
    assert gateways.query_type is not None
    assert set(published.query_type.fields) - set(gateways.query_type.fields) == {"node"}
    assert set(published.type_map) == set(gateways.type_map)


# --- batches ----------------------------------------------------------------------------------------------------------


async def test_commands_of_a_batch_are_inputs_and_each_has_a_typed_answer(vendor: MakeVendor) -> None:
    shop = await vendor()
    answer = await do(
        shop,
        "createCreditBatch",
        """results { idempotencyKey status code replayed result { customerId credits lots { lotId } }
             problem { code status nextStep errors { pointer code } } }""",
        kind="CreditBatch",
        commands=[
            {"idempotencyKey": "b-1", "kind": "adjust", "customerId": "bea", "credits": 9, "reason": "welcome"},
            {"idempotencyKey": "b-2", "kind": "hold", "customerId": "bea", "credits": 4, "creditType": None},
            {"idempotencyKey": "b-3", "kind": "debit", "customerId": "bea", "credits": 40},
            {"idempotencyKey": "b-4", "kind": "capture"},
        ],
    )
    statuses = [(row["idempotencyKey"], row["status"], row["code"]) for row in answer["results"]]
    assert statuses == [
        ("b-1", 201, None),
        ("b-2", 201, None),
        ("b-3", 409, "insufficient_credits"),
        ("b-4", 422, "invalid_input"),
    ]
    assert answer["results"][1]["result"]["credits"] == 4
    assert answer["results"][3]["problem"]["errors"][0]["pointer"] == "/input/commands/3/holdId"
    assert (await shop.get("/v1/customers/bea/balance")).json()["held"] == 4


async def test_a_command_in_rests_own_words_is_a_wrong_document(vendor: MakeVendor) -> None:
    from tests.support.graphql import send

    shop = await vendor()
    query = """mutation($c: [CreditCommandInput!]!) { createCreditBatch(input: {commands: $c}) { __typename } }"""
    command = {"idempotency_key": "s-1", "kind": "adjust", "customer_id": "s", "credits": 1, "reason": "r"}
    answer = await send(shop.client, query, {"c": [command]})
    assert answer.status_code == 400
    assert "idempotency_key" in answer.text


# --- events -----------------------------------------------------------------------------------------------------------


def selection(kind: Any) -> str:
    """Every field of a type, to the end; JSON is a leaf."""
    kind = get_named_type(kind)
    if not isinstance(kind, GraphQLObjectType):
        return ""
    return "{ " + " ".join(f"{name} {selection(field.type)}" for name, field in kind.fields.items()) + " }"


def shown(value: Any) -> Any:
    """A value in camelCase without what is null."""
    if isinstance(value, dict):
        return {camel(name): shown(inner) for name, inner in value.items() if inner is not None}
    return [shown(one) for one in value] if isinstance(value, list) else value


async def a_life(shop: Vendor) -> None:
    """An order, a debit, a ticket that is answered, resolved and reopened, and a refund."""
    lines = [{"line_id": "1", "sku": "license", "quantity": 1}, {"line_id": "2", "sku": "credits-50", "quantity": 1}]
    await shop.ok(
        await shop.put("/v1/orders/o-1", {"customer_id": "eve", "placed_at": "2025-01-01T00:00:00Z", "lines": lines})
    )
    ticket = {"customer_id": "eve", "subject": "Slow", "category": "general", "facts": {}, "inputs": {}}
    await shop.ok(await shop.put("/v1/tickets/T-1", ticket))
    await shop.ok(
        await shop.post(
            "/v1/tickets/T-1/assessments", {"category": "customization", "credits": 3, "reason": "by quote"}
        )
    )
    await shop.post("/v1/tickets/T-1/responses", {"author": "vendor", "kind": "service"})
    await shop.post("/v1/customers/eve/debits", {"credits": 2})
    await shop.post("/v1/orders/o-1/refunds", {"refund_id": "r-1", "lines": [{"line_id": "2", "quantity": 1}]})


async def test_the_facts_of_an_event_are_typed_and_lose_nothing(door: Door, vendor: MakeVendor) -> None:
    """What REST says of each event stands in `EventData` too, under the same names in camelCase."""
    shop = await vendor("avactis")
    await a_life(shop)
    rows = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    assert len({row["type"] for row in rows}) >= 8
    assert {"ticket.opened", "order.refunded"} < {row["type"] for row in rows}
    assert any(row["data"].get("assessment") for row in rows)
    kinds = door.core.type_map["EventData"]
    assert isinstance(kinds, GraphQLObjectType)
    for noun, field in kinds.fields.items():
        wanted = {row["id"]: shown(row["data"]) for row in rows if camel(row["type"].partition(".")[0]) == noun}
        query = f"{{ events(first: 100) {{ nodes {{ id data {{ {noun} {selection(field.type)} }} }} }} }}"
        nodes = (await ask(shop, query))["events"]["nodes"]
        found = {row["id"]: shown(row["data"][noun]) for row in nodes if row["data"][noun] is not None}
        assert found.keys() == wanted.keys(), noun
        for id_, members in found.items():
            assert wanted[id_].items() <= members.items(), noun
            more = {name: value for name, value in members.items() if name not in wanted[id_]}
            assert all(value in ([], False) for value in more.values()), (noun, more)


# --- calendars --------------------------------------------------------------------------------------------------------

FEED = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//shop//EN\r\nBEGIN:VEVENT\r\nUID:2@shop.example\r\n"
    "DTSTART;VALUE=DATE:20250501\r\nSUMMARY:First of May\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


async def test_calendars_are_read_and_written_as_text(vendor: MakeVendor) -> None:
    shop = await vendor()
    fields = "exceptions { date kind name } ignored { why }"
    drafted = await do(shop, "importCalendar", fields, kind="FeedDraft", name="service-hours", text=FEED)
    rest = await shop.client.post(
        "/v1/calendars/service-hours/imports", content=FEED, headers={"Content-Type": "text/calendar"}
    )
    assert [row["date"] for row in drafted["exceptions"]] == [row["date"] for row in rest.json()["exceptions"]]
    assert drafted["exceptions"][0] == {"date": "2025-05-01", "kind": "closed", "name": "First of May"}
    refused = await do(shop, "importCalendar", fields, kind="FeedDraft", name="service-hours", text="nothing")
    assert (refused["__typename"], refused["code"]) == ("Refusal", "feed_unreadable")

    span = 'from: "2025-01-01", to: "2025-12-31"'
    text = (await ask(shop, f'{{ exportCalendar(name: "service-hours", {span}) }}'))["exportCalendar"]
    assert text.startswith("BEGIN:VCALENDAR")
    asked = {"from": "2025-01-01", "to": "2025-12-31"}
    assert (await shop.client.get("/v1/calendars/service-hours/calendar.ics", params=asked)).text == text
    assert (await ask(shop, '{ exportCalendar(name: "nowhere") }'))["exportCalendar"] is None


async def test_hours_of_the_week_are_an_input(vendor: MakeVendor) -> None:
    shop = await vendor()
    made = await do(
        shop,
        "publishCalendarVersion",
        "effectiveFrom weeklyHours { mon tue }",
        kind="CalendarVersion",
        idempotencyKey="hours-1",
        name="service-hours",
        effectiveFrom="2026-01-05",
        weeklyHours={"mon": [["08:00", "12:00"]]},
    )
    assert made["weeklyHours"] == {"mon": [["08:00", "12:00"]], "tue": []}
