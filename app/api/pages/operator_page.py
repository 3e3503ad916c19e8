"""The operator's page: all tenants, how the service does, and the suspension of a tenant. No tenant's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import Response

from app.api.pages.account import perform
from app.api.pages.door import Pages, elsewhere, page, problem_of, see_other
from app.api.pages.forms import Doing, Form
from app.api.pages.home import SESSION, with_address
from app.api.pages.rendering import link, root_of
from app.api.pages.visit import Visit
from app.api.problems import Problem
from app.domain.values.errors import DomainError
from app.usecases.reports import findings
from app.usecases.tenants import tenants
from app.usecases.tenants.operator_sessions import HOME

PAGES: Final = Pages(whose="operator")
LAST: Final = Pages(whose="operator")
"""What is tried when no other page has the address."""
A_PART: Final = 50
SUSPENDED: Final = {"true": "Suspended", "false": "Not suspended"}
DONE: Final = {
    "suspended": "The tenant is suspended. Its keys and sessions stop within a second.",
    "lifted": "The suspension is lifted. The tenant's keys open again within a second.",
}
_ASKS: Final = ("query", "policy", "suspended", "cursor")


@PAGES.get(HOME, kinds=SESSION, asks=_ASKS)
async def show_tenants(visit: Visit) -> Response:
    """Show the tenants that live on this server, and what `retainer doctor` finds of the service and of each."""
    filters = {name: visit.query(name).strip()[:200] for name in ("query", "policy")}
    filters["suspended"] = visit.chosen("suspended", SUSPENDED)
    return await _tenants(visit, filters, visit.query("cursor"))


async def _tenants(
    visit: Visit,
    filters: Mapping[str, str],
    cursor: str = "",
    *,
    status: int = 200,
    problem: Mapping[str, Any] | None = None,
) -> Response:
    asked = {**{name: value or None for name, value in filters.items()}, "cursor": cursor or None}
    status, problem = with_address(visit, status, problem)
    found = await visit.ask("listTenants", {**asked, "limit": str(A_PART)})
    database = visit.rooms.database
    of_service = await findings.of_service(database)
    ids = [] if of_service else [tenant["tenant_id"] for tenant in found["data"]]
    return page(
        visit,
        "operator.html",
        status=status,
        problem=problem,
        done=DONE.get(visit.query("done")),
        found=found,
        filters=filters,
        cursor=cursor,
        policies=[(name, name) for name in sorted(tenants.templates())],
        choices=list(SUSPENDED.items()),
        findings=of_service,
        of_tenants=await findings.of_tenants(database, ids),
    )


def _suspension(form: Form, *, suspended: bool, word: str) -> Doing:
    reason = form.get("reason", "").strip()
    body = {"suspended": suspended, **({"reason": reason} if reason else {})}
    return Doing("suspendTenant", {"tenant_id": form.get("tenant_id", "")}, body, word)


_ACTS: Final[Mapping[str, Callable[[Form], Doing]]] = {
    "suspend": lambda form: _suspension(form, suspended=True, word="suspended"),
    "lift": lambda form: _suspension(form, suspended=False, word="lifted"),
}


@PAGES.post(f"{HOME}/act", kinds=SESSION)
async def act(visit: Visit) -> Response:
    """Do what a button of the page says."""
    shown = {name: visit.form.get(name, "")[:200] for name in ("query", "policy", "suspended")}
    cursor = visit.form.get("cursor", "")
    try:
        word = await perform(visit, _ACTS)
    except (Problem, DomainError) as refusal:
        body = problem_of(refusal)
        if body["status"] in (401, 403, 429, 503):
            raise
        visit.request.scope["retainer.code"] = body["code"]
        if shown["suspended"] not in SUSPENDED:
            shown["suspended"] = ""
        return await _tenants(visit, shown, cursor, status=body["status"], problem=body)
    asked = {name: value for name, value in {**shown, "cursor": cursor}.items() if value}
    return see_other(visit, link(visit, HOME, **asked, done=word).removeprefix(root_of(visit)))


@LAST.get(HOME + "/{rest:path}", kinds=SESSION, open=True)
async def show_elsewhere(visit: Visit) -> Response:
    """Lead home from where a form went; 404 for what is no page."""
    return elsewhere(visit, HOME)
