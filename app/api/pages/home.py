"""The first page of the vendor's people, and what every page of theirs shows: who looks, and where else to go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Response

from app.api.deps import wall_clock
from app.api.pages import sign_in
from app.api.pages.door import Pages, elsewhere, page, problem_of
from app.api.pages.visit import Visit
from app.api.problems import Problem
from app.domain.values.wire import parse_iso
from app.usecases.tenants import sessions

PAGES: Final = Pages()
LAST: Final = Pages()
"""What is tried when no other page has the address."""
SESSION: Final = ("session",)
_OPERATIONS: Final = ("listSources", "listWebhookEndpoints", "getAudit", "listAuditTrail", "listKeys")
SECTIONS: Final[list[tuple[str, str, tuple[str, ...]]]] = [
    ("/desk", "Customers", ("listCustomers",)),
    ("/desk/board", "Board", ("listClocks",)),
    ("/desk/tickets", "Tickets", ("listTickets",)),
    ("/desk/reports", "Reports", ("getReport",)),
    ("/desk/calendars", "Calendars", ("listCalendars",)),
    ("/desk/policies", "Policy", ("listPolicies",)),
    ("/desk/operations", "Operations", _OPERATIONS),
]
"""Pages of the vendor's people: address, name, and the operations of which a reader of it is let into one."""


def home_page(
    visit: Visit,
    template: str,
    tab: str,
    *,
    status: int = 200,
    done: str | None = None,
    problem: Mapping[str, Any] | None = None,
    **values: Any,
) -> Response:
    """Return a page of the vendor's people; its template extends ``home_base.html``.

    It tells what its address says and it does not know, and shows the rest.
    """
    status, problem = with_address(visit, status, problem)
    shared: dict[str, Any] = {
        "sections": [(path, name) for path, name, opened_by in SECTIONS if any(map(visit.may, opened_by))],
        "tab": tab,
        "person": sign_in.signed_in(visit),
        "done": done,
        "problem": problem,
    }
    return page(visit, template, status=status, **shared, **values)


def with_address(visit: Visit, status: int, problem: Mapping[str, Any] | None) -> tuple[int, Mapping[str, Any] | None]:
    """Return a page's status and problem: 422 where there is none yet, and the address says what it does not know."""
    if problem is not None or not (wrong := visit.wrong):
        return status, problem
    refusal = Problem(
        "invalid_input", "The address says what this page does not know. All else is shown.", errors=wrong
    )
    visit.request.scope["retainer.code"] = "invalid_input"
    return 422, problem_of(refusal)


async def renew(visit: Visit) -> None:
    """Give an older session another secret, so that one that was seen somewhere is soon worth nothing."""
    principal, now = visit.who, wall_clock()
    made = principal.options.get("renewed_at")
    if principal.tenant_id is None or not isinstance(made, str):
        return
    if (now - parse_iso(made)).total_seconds() < sessions.ROTATE_MINUTES * 60:
        return
    opened = await visit.rooms.database.run(
        principal.tenant_id, lambda tx: sessions.rotate(tx, principal.actor, now=now), actor=principal.actor
    )
    if opened is not None:
        sign_in.keep(visit, opened)
        visit.secret = opened.secret


@LAST.get("/desk/{rest:path}", kinds=SESSION, open=True)
async def show_elsewhere(visit: Visit) -> Response:
    """Lead home from where a form went; 404 for what is no page."""
    return elsewhere(visit, "/desk")


@PAGES.get("/desk", kinds=SESSION, asks=("query",))
async def show_home(visit: Visit) -> Response:
    """Find a customer."""
    await renew(visit)
    query = visit.query("query").strip()
    found = await visit.ask("listCustomers", {"query": query, "limit": "50"}) if query else None
    return home_page(visit, "home.html", "Customers", query=query, found=found)
