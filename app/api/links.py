"""Links of the published contract: which answers hold the ids that other operations ask for.

``HELD`` says where an answer holds an id, and the links follow from the paths. An answer leads to every operation whose
path parameters it holds. It passes on whatever else it holds that the operation's query takes. A list's first entry
stands for the others, since an OpenAPI expression cannot say "any" or "the last". What a read leads to is not said
again by the write of the same path, which leads to that read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_ORDER: Final = {
    "order_id": "/order_id",
    "customer_id": "/customer_id",
    "license_id": "/licenses/0/license_id",
    "lot_id": "/lots/0/lot_id",
    "cover_id": "/covers/0/cover_id",
    "choice_id": "/choices/0/choice_id",
}
_TICKET: Final = {
    "ticket_id": "/ticket_id",
    "clock_id": "/clocks/0/clock_id",
    "assessments.number": "/assessments/0/number",
    "access-requests.number": "/access_requests/0/number",
    "disputes.number": "/disputes/0/number",
}
_ENDPOINT: Final = {"endpoint_id": "/endpoint_id"}
_HOLD: Final = {"hold_id": "/hold_id"}
HELD: Final[Mapping[str, Mapping[str, str]]] = {
    "putTenant": {"tenant_id": "/tenant_id"},
    "createKey": {"key_id": "/key_id", "tenant_id": "path.tenant_id"},
    "putOrder": _ORDER,
    "getOrder": _ORDER,
    "getCustomer": {name: at for name, at in _ORDER.items() if name != "order_id"},
    "listChoices": {"choice_id": "/data/0/choice_id", "customer_id": "path.customer_id"},
    "getBalance": {"lot_id": "/lots/0/lot_id"},
    "adjustCredits": {"lot_id": "/lot/lot_id"},
    "createHold": _HOLD,
    "captureHold": _HOLD,
    "createDebit": _HOLD,
    "putTicket": _TICKET,
    "getTicket": _TICKET,
    "assessTicket": {"assessments.number": "/assessments/0/number", "ticket_id": "path.ticket_id"},
    "requestAccess": {"access-requests.number": "/access_requests/0/number", "ticket_id": "path.ticket_id"},
    "openDispute": {"disputes.number": "/disputes/0/number", "ticket_id": "path.ticket_id"},
    "putCalendar": {"calendars.name": "/name"},
    "publishPolicy": {"policies.name": "/name"},
    "putSource": {"sources.name": "/name"},
    "listSourceDeliveries": {"sources.name": "path.name", "sources.delivery_id": "/data/0/delivery_id"},
    "createWebhookEndpoint": _ENDPOINT,
    "getWebhookEndpoint": _ENDPOINT,
    "listWebhookDeliveries": {
        "endpoint_id": "path.endpoint_id",
        "webhook-endpoints.delivery_id": "/data/0/delivery_id",
    },
    "listEvents": {"event_id": "/data/0/id"},
}
"""Operation -> what an answer of it holds -> where: a JSON pointer into the body, or the request's own path.

What the request's path said leads nowhere by itself, since whoever asked knew it."""
_AMBIGUOUS: Final = frozenset({"name", "number", "delivery_id"})
"""Parameters that mean something else from path to path."""
_EXPLAINED: Final = {
    "order_id": "order",
    "ticket_id": "ticket",
    "hold_id": "hold",
    "lot_id": "lot",
    "clock_id": "clock",
    "cover_id": "cover",
    "license_id": "license",
    "choice_id": "choice",
}
"""What `explain` calls a thing with such an id."""


def add(document: dict[str, Any]) -> None:
    """Puts the links into an OpenAPI document."""
    operations = {
        operation["operationId"]: (path, operation)
        for path, methods in document["paths"].items()
        for operation in methods.values()
    }
    leads = {source: dict(_from(source, held, operations)) for source, held in HELD.items() if source in operations}
    for source, links in leads.items():
        read = next((name for name in links if name in leads and name.startswith("get")), None)
        further = leads[read] if read is not None and operations[source][0] == operations[read][0] else {}
        found = {name: link for name, link in links.items() if further.get(name) != link}
        answers = operations[source][1]["responses"]
        for status in ("201",) if "201" in answers else ("200", "202"):  # the same again leads nowhere else
            if status in answers:
                answers[status]["links"] = found


def _from(
    source: str, held: Mapping[str, str], operations: Mapping[str, tuple[str, dict[str, Any]]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    says = {name: _expression(at) for name, at in held.items()}
    for target, (path, operation) in operations.items():
        needed = _path_parameters(path)
        parameters = {f"path.{name}": says[key] for name, key in needed.items() if key in says}
        if target == "explain":
            thing = next(iter(held))
            if thing not in _EXPLAINED:
                continue
            parameters = {"path.kind": _EXPLAINED[thing], "path.id": says[thing]}
        elif len(parameters) < len(needed):
            continue
        parameters |= {
            f"query.{parameter['name']}": says[parameter["name"]]
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "query" and parameter["name"] in says
        }
        if target != source and any("$response" in name for name in parameters.values()):
            yield target, {"operationId": target, "parameters": parameters}


def _path_parameters(path: str) -> dict[str, str]:
    """The parameters of a path, each with the name that it has in ``HELD``."""
    segments = path.split("/")
    found: dict[str, str] = {}
    for index, segment in enumerate(segments):
        if item := re.fullmatch(r"\{(\w+)\}", segment):
            name = item[1]
            before = segments[index - 1]
            if name == "delivery_id":
                before = segments[2]
            found[name] = f"{before}.{name}" if name in _AMBIGUOUS else name
    return found


def _expression(at: str) -> str:
    return f"$response.body#{at}" if at.startswith("/") else f"$request.{at}"
