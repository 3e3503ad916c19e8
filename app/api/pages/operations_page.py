"""Operations at the desk: what came in and waits for a person, webhooks, the audit, who did what, keys, health."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import Response

from app.api.pages.account import perform
from app.api.pages.door import Pages, problem_of, see_other
from app.api.pages.forms import Doing, Form, texts
from app.api.pages.home import SESSION, home_page
from app.api.pages.rendering import link, part, root_of
from app.api.pages.visit import Visit
from app.api.problems import Problem
from app.domain.values.errors import DomainError
from app.usecases.reports import findings

PAGES: Final = Pages()
TAB: Final = "Operations"
A_PART: Final = 50
FINDINGS_SHOWN: Final = 100
STATES: Final = ("parked", "received", "done", "ignored", "dismissed")
DONE: Final = {
    "replayed": "The delivery was acted on once more.",
    "dismissed": "The delivery is settled.",
    "mended": "The product is known now. Replay what was parked for it.",
    "sent": "It is sent again.",
    "revoked": "The key is revoked. It stops within a second.",
}


@PAGES.get("/desk/operations", kinds=SESSION, asks=())
async def show_operations(visit: Visit) -> Response:
    """Show how everything does: sources with what waits, webhook endpoints, the audit, and health."""
    return home_page(
        visit,
        "operations.html",
        TAB,
        sources=await _listed(visit, "listSources"),
        endpoints=await _listed(visit, "listWebhookEndpoints"),
        audit=await visit.ask("getAudit") if visit.may("getAudit") else None,
        shown=FINDINGS_SHOWN,
        findings=await _findings(visit),
    )


async def _findings(visit: Visit) -> list[findings.Finding]:
    """Return what `retainer doctor` finds of the service, and of this tenant for whoever reads the audit."""
    found = await findings.of_service(visit.rooms.database)
    if not found and visit.may("getAudit") and visit.who.tenant_id is not None:
        found = await visit.rooms.database.read(visit.who.tenant_id, findings.of_tenant)
    return found


async def _listed(visit: Visit, id: str) -> list[Mapping[str, Any]] | None:
    """Return the first rows of a list; None for whoever may not read it."""
    if not visit.may(id):
        return None
    rows: list[Mapping[str, Any]] = (await visit.ask(id, {"limit": "100"}))["data"]
    return rows


@PAGES.get("/desk/operations/sources/{name}", kinds=SESSION, asks=("state", "cursor"))
async def show_source(visit: Visit) -> Response:
    """Show what a source delivered, what waits for a person first."""
    name, state = visit.request.path_params["name"], visit.chosen("state", (*STATES, "all"), "parked")
    asked = {"state": state if state in STATES else None, "limit": str(A_PART), "cursor": visit.query("cursor") or None}
    found = await visit.ask("listSourceDeliveries", asked, name=name)
    return home_page(
        visit, "source.html", TAB, name=name, found=found, state=state if state in STATES else "", states=STATES
    )


@PAGES.get("/desk/operations/sources/{name}/deliveries/{delivery_id}", kinds=SESSION, asks=())
async def show_delivery(visit: Visit) -> Response:
    """Show a delivery: what is unclear, what the payload says, and what would settle it."""
    return await _delivery(visit, visit.request.path_params["name"], visit.request.path_params["delivery_id"])


async def _delivery(
    visit: Visit, name: str, delivery_id: str, *, status: int = 200, problem: Mapping[str, Any] | None = None
) -> Response:
    delivery = await visit.ask("getSourceDelivery", name=name, delivery_id=delivery_id)
    unmapped = [product for item in delivery["review"] for product in item["payload_says"].get("products") or ()]
    return home_page(
        visit,
        "delivery.html",
        TAB,
        status=status,
        problem=problem,
        done=DONE.get(visit.query("done")),
        delivery=delivery,
        body=_shown_body(delivery.get("body")),
        unmapped=str(unmapped[0]) if unmapped else "",
    )


def _shown_body(body: str | None) -> str:
    """Return a body as people read it: JSON with its members on lines of their own."""
    if not body:
        return ""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


@PAGES.get("/desk/operations/webhooks/{endpoint_id}", kinds=SESSION, asks=("state", "cursor"))
async def show_endpoint(visit: Visit) -> Response:
    """Show an endpoint and what was sent to it."""
    endpoint_id = visit.request.path_params["endpoint_id"]
    endpoint = await visit.ask("getWebhookEndpoint", endpoint_id=endpoint_id)
    state = visit.chosen("state", ("pending", "delivered", "failed")) or None
    asked = {"state": state, "limit": str(A_PART), "cursor": visit.query("cursor") or None}
    found = await visit.ask("listWebhookDeliveries", asked, endpoint_id=endpoint_id)
    return home_page(
        visit,
        "endpoint.html",
        TAB,
        done=DONE.get(visit.query("done")),
        endpoint=endpoint,
        found=found,
        state=state or "",
    )


@PAGES.get("/desk/operations/audit-trail", kinds=SESSION, asks=("actor", "action", "subject", "cursor"))
async def show_trail(visit: Visit) -> Response:
    """Show who did what."""
    filters = {name: visit.query(name).strip()[:200] for name in ("actor", "action", "subject")}
    asked = {**{name: value or None for name, value in filters.items()}, "cursor": visit.query("cursor") or None}
    found = await visit.ask("listAuditTrail", {**asked, "limit": str(A_PART)})
    return home_page(visit, "audit_trail.html", TAB, found=found, filters=filters)


@PAGES.get("/desk/operations/keys", kinds=SESSION, asks=("cursor",))
async def show_keys(visit: Visit) -> Response:
    """Show the tenant's keys."""
    found = await visit.ask("listKeys", {"limit": str(A_PART), "cursor": visit.query("cursor") or None})
    return home_page(visit, "keys.html", TAB, done=DONE.get(visit.query("done")), found=found)


def _of_delivery(form: Form) -> dict[str, str]:
    return {"name": form.get("name", ""), "delivery_id": form.get("delivery_id", "")}


def _resend(form: Form) -> Doing:
    path = {"endpoint_id": form.get("endpoint_id", ""), "delivery_id": form.get("delivery_id", "")}
    return Doing("replayWebhookDelivery", path, {}, "sent")


_ACTS: Final[Mapping[str, Callable[[Form], Doing]]] = {
    "replay": lambda form: Doing("replaySourceDelivery", _of_delivery(form), {}, "replayed"),
    "dismiss": lambda form: Doing(
        "dismissSourceDelivery", _of_delivery(form), texts(form, "reason", "adjustment_id"), "dismissed"
    ),
    "resend": _resend,
    "revoke": lambda form: Doing("revokeKey", {"key_id": form.get("key_id", "")}, {}, "revoked"),
}


@PAGES.post("/desk/operations/act", kinds=SESSION)
async def act(visit: Visit) -> Response:
    """Do what a button of these pages says."""
    form = visit.form
    try:
        word = await _mend(visit) if form.get("do") == "mend" else await perform(visit, _ACTS)
    except (Problem, DomainError) as refusal:
        body = problem_of(refusal)
        if body["status"] in (401, 403, 404, 429, 503) or not form.get("name"):
            raise
        visit.request.scope["retainer.code"] = body["code"]
        return await _delivery(visit, **_of_delivery(form), status=body["status"], problem=body)
    return see_other(visit, link(visit, _back(form), done=word).removeprefix(root_of(visit)))


async def _mend(visit: Visit) -> str:
    """Say what a shop's product is here; all else of the source stays as it is."""
    name = visit.form.get("name", "")
    named = [row for row in (await _listed(visit, "listSources")) or () if row["name"] == name]
    if not named:
        raise Problem("not_found")
    source, product, sku = named[0], visit.form.get("product", "").strip(), visit.form.get("sku", "").strip()
    mapped = {"sku": sku, "attributes": {}} if sku else None
    body = {"kind": source["kind"], "products": {**source["products"], product: mapped}, "options": source["options"]}
    await visit.act("putSource", body, name=name)
    return "mended"


def _back(form: Form) -> str:
    if form.get("name"):
        return f"/desk/operations/sources/{part(form['name'])}/deliveries/{part(form.get('delivery_id', ''))}"
    if form.get("endpoint_id"):
        return f"/desk/operations/webhooks/{part(form['endpoint_id'])}"
    return "/desk/operations/keys"
