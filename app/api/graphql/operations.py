"""The REST door's operations, read off its routes, and what each is called and answers in GraphQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from app.api import deps, paging
from app.api.graphql.calls import Operation
from app.api.shaped import answer_of
from app.api.strict import BODY_LIMIT
from app.views.shapes import PageOf, name_of

EXCEPTIONS: Final[dict[str, str]] = {
    "getLiveness": "Health of the process; asked by machines that speak no GraphQL.",
    "getReadiness": "Health of the process; asked by machines that speak no GraphQL.",
    "getMetrics": "Figures in Prometheus' own text format.",
    "getContract": "The contract of the REST door itself; GraphQL has introspection.",
    "importCalendar": "Takes a calendar feed as it is (`text/calendar`), not JSON; `readCalendarFeed` takes its text.",
    "exportCalendar": "Answers a calendar feed (`text/calendar`), not JSON; `closures` answers the same days.",
    "receiveDelivery": "Takes a shop's or a helpdesk's delivery as it is, signed, not JSON of ours.",
}
"""REST operations without a GraphQL twin, each with its reason; a test allows no others."""

RESULTS: Final[dict[str, str]] = {
    # operator and sandbox
    "putTenant": "Tenant", "suspendTenant": "Tenant", "createKey": "ApiKey", "listKeys": "ApiKey",
    "revokeKey": "ApiKey",
    "rotateKey": "ApiKey", "createCustomerToken": "CustomerToken", "getTime": "TenantTime", "moveTime": "TenantTime",
    # storefront
    "listOffers": "Offer", "putOrder": "Order", "getOrder": "Order", "refundOrder": "OrderRefund",
    "replayOrder": "Order", "listChoices": "Choice", "makeChoice": "Choice", "terminateLicense": "License",
    "registerLicense": "License", "getLicense": "License", "getCover": "Cover",
    "transferLot": "Transfer", "quoteLotRefund": "RefundQuote", "refundLot": "RefundQuote",
    # helpdesk
    "listCustomers": "Customer", "getCustomer": "Customer", "eraseCustomer": "Customer", "mergeCustomers": "Customer",
    "decideEntitlement": "Entitlement", "getBalance": "Balance", "getStatement": "Statement", "listEntries": "Entry",
    "suspendCover": "Cover", "resumeCover": "Cover", "extendCover": "Cover",
    # credits
    "createHold": "Hold", "captureHold": "Hold", "releaseHold": "Hold", "refundHold": "Hold", "createDebit": "Hold",
    "adjustCredits": "Hold", "createCreditBatch": "CreditBatch",
    # calendars and clocks
    "listCalendars": "Calendar", "putCalendar": "Calendar", "getCalendar": "Calendar",
    "listCalendarVersions": "CalendarVersion", "publishCalendarVersion": "CalendarVersion", "listClosures": "Closure",
    "readCalendarFeed": "FeedDraft",
    "isOpen": "Opening", "elapsedTime": "Elapsed", "dueTime": "Due",
    # policies and operations
    "listPolicies": "Policy", "getPolicy": "Policy", "validatePolicy": "PolicyCheck", "publishPolicy": "Policy",
    "listAuditTrail": "AuditEntry", "getAudit": "LedgerAudit", "listEvents": "Event", "getEvent": "Event",
    "priceTicket": "Price", "simulatePolicy": "PolicySimulation",
    "createWebhookEndpoint": "WebhookEndpoint", "listWebhookEndpoints": "WebhookEndpoint",
    "getWebhookEndpoint": "WebhookEndpoint", "changeWebhookEndpoint": "WebhookEndpoint",
    "deleteWebhookEndpoint": "WebhookEndpoint", "rotateWebhookSecret": "WebhookEndpoint",
    "testWebhookEndpoint": "WebhookDelivery", "listWebhookDeliveries": "WebhookDelivery",
    "getWebhookDelivery": "WebhookDelivery", "replayWebhookDelivery": "WebhookDelivery",
    "replayWebhookSpan": "WebhookReplay",
    "putSource": "Source", "getSource": "Source", "listSources": "Source", "deleteSource": "Source",
    "listSourceDeliveries": "Delivery", "getSourceDelivery": "Delivery", "replaySourceDelivery": "Delivery",
    "dismissSourceDelivery": "Delivery",
    "listProblems": "ProblemEntry", "getProblem": "ProblemEntry",
}  # fmt: skip
"""Operation -> the type of its answer (of one item, for lists), where its route declares none."""

FIELDS: Final[dict[str, str]] = {
    "getTime": "tenantTime", "decideEntitlement": "entitlement", "listCalendarVersions": "calendarVersions",
    "isOpen": "calendarOpen", "elapsedTime": "calendarElapsed", "dueTime": "calendarDue", "listClosures": "closures",
    "quoteLotRefund": "refundQuote", "getAudit": "audit", "exportCustomer": "customerExport",
}  # fmt: skip
"""Names of query fields, where ``getX`` -> ``x`` and ``listX`` -> ``x`` do not say it well."""

READING: Final = frozenset({"priceTicket", "validatePolicy", "simulatePolicy", "readCalendarFeed"})
"""Operations that REST has under POST because of their body, and that change nothing: fields of Query."""
UNTYPED: Final = "Answer"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a path, a query or a header: its JSON Schema and whether it must be given."""

    name: str
    schema: Mapping[str, Any]
    required: bool
    description: str | None
    place: str


def of_routes(routes: Iterable[Any]) -> dict[str, Operation]:
    """Every operation that has a twin here, by its id."""
    found: dict[str, Operation] = {}
    for route in routes:
        if not isinstance(route, APIRoute) or route.operation_id is None or not route.include_in_schema:
            continue
        if route.operation_id in EXCEPTIONS:
            continue
        found[route.operation_id] = _operation(route)
    return found


def _operation(route: APIRoute) -> Operation:
    method = min(route.methods or {"GET"})
    needed = _dependencies(route)
    scoped = next((one for one in needed if isinstance(one, deps.Scoped)), None)
    names = [one.name for one in parameters(route) if one.place == "path"]
    fields = body_schema(route).get("properties", {}) if route.body_field is not None else {}
    return Operation(
        name=str(route.operation_id),
        method=method,
        path=route.path_format,
        route=route,
        path_parameters=tuple(names),
        query_parameters=tuple(one.name for one in parameters(route) if one.place == "query"),
        header_parameters=tuple(one.name for one in parameters(route) if one.place == "header"),
        body_fields={(f"new_{one}" if one in names else one): one for one in fields},
        has_body=route.body_field is not None,
        keyed=method == "POST" and _takes_key(route),
        paged=paging._page in needed,
        short=paging._short_page in needed,
        listed=str(route.operation_id).startswith("list"),
        scopes=scoped.scopes if scoped is not None else (),
        operator=deps._operator in needed or (scoped is not None and scoped.operator),
        limit=int(getattr(route.endpoint, "__retainer_body_limit__", BODY_LIMIT)),
    )


def _takes_key(route: APIRoute) -> bool:
    """Whether the operation reads the Idempotency-Key; one with a natural key does not."""
    endpoint = route.endpoint
    return hasattr(endpoint, "__retainer_thin__") or bool(
        {"keyed", "idempotency_key"} & set(endpoint.__code__.co_names)
        and "natural" not in endpoint.__code__.co_names
    )


def _dependencies(route: APIRoute) -> list[Any]:
    found: list[Any] = []
    stack = [route.dependant]
    while stack:
        one = stack.pop()
        stack.extend(one.dependencies)
        found.append(one.call)
    return found


_PAGING: Final = frozenset({"limit", "cursor"})
TAKEN: Final = {"after": "since", "before": "until", "first": "from_first", "last": "from_last"}
"""Parameters of a paged list that Relay's own arguments leave no name for."""


def parameters(route: APIRoute) -> list[Parameter]:
    """The parameters that a caller gives, those of paging left out."""
    found = []
    paged = bool({paging._page, paging._short_page} & set(_dependencies(route)))
    for one in get_flat_params(route.dependant):
        about = one.field_info
        place = (
            "path"
            if isinstance(about, params.Path)
            else "header"
            if isinstance(about, params.Header)
            else "query"
        )
        name = one.name if place == "header" else one.alias
        if place == "query" and paged and name in _PAGING:
            continue
        found.append(
            Parameter(name, one._type_adapter.json_schema(), about.is_required(), about.description, place)
        )
    if 412 in route.responses and all(one.name != "if_match" for one in found):
        words = "The version that the change is made to"
        found.append(Parameter("if_match", {"type": "string"}, False, words, "header"))
    return found


def body_schema(route: APIRoute) -> dict[str, Any]:
    """The JSON Schema of the body's model."""
    assert route.body_field is not None  # noqa: S101 - asked only for operations with a body
    schema: dict[str, Any] = route.body_field._type_adapter.json_schema()
    while "properties" not in schema:
        definitions = schema.get("$defs", {})
        inner = next((one for one in schema.get("anyOf", [schema]) if "$ref" in one), None)
        if inner is None:
            return {**schema, "properties": {}}
        optional = "anyOf" in schema or "default" in schema
        schema = {**definitions[inner["$ref"].rsplit("/", 1)[1]], "$defs": definitions}
        if optional:
            schema["x-optional"] = True
    return schema


def field_name(name: str) -> str:
    """The query field of a reading operation: ``getBalance`` -> ``balance``, ``listClocks`` -> ``clocks``."""
    if name in FIELDS:
        return FIELDS[name]
    for prefix in ("get", "list"):
        if name.startswith(prefix) and name[len(prefix) :][:1].isupper():
            rest = name[len(prefix) :]
            return rest[:1].lower() + rest[1:]
    return name


def result_of(operation: Operation) -> str:
    """The name of the type that an operation answers."""
    declared = answer_of(operation.route)
    if declared is None:
        return RESULTS.get(operation.name, UNTYPED)
    return name_of(get_args(declared)[0] if get_origin(declared) is PageOf else declared)
