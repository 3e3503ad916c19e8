"""Whose key the pages `/docs` and `/graphql` use: one that is put in, or in development a fresh one of a sandbox.

In development (`RETAINER_DEVELOPMENT`) these pages make keys of sandboxes for whoever sits at this machine. Nobody else
is offered one: not through a proxy, not by another name of this machine, and no tenant whose time is real. Nor is a
page of somebody else, in a browser on this machine.
"""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from app.api.deps import house, wall_clock
from app.api.problems import Problem
from app.api.scraping import on_this_machine
from app.domain.values.errors import DomainError
from app.usecases.tenants import keys, tenants

router = APIRouter()
HOURS: Final = 1
NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})
FORM: Final = (
    '<form id="who"><label hidden>Sandbox <select name="tenant"><option value="">choose one</option></select></label>'
    ' <label>Key <input name="key" type="password" autocomplete="off" size="40" placeholder="rtn_test_..."></label>'
    ' <button>Use this key</button> <output id="state"></output></form>'
)
STYLE: Final = (
    "#who{font:16px sans-serif;padding:1rem;display:flex;gap:1rem;flex-wrap:wrap;align-items:center}"
    "#who label,#who input,#who select{min-width:0;max-width:100%;box-sizing:border-box}"
)
"""The form that both pages begin with, and its looks."""


class KeyRequest(BaseModel):
    """Whose key is wanted."""

    model_config = ConfigDict(extra="forbid")

    tenant: str = Field(min_length=1, max_length=100)


def offered(request: Request) -> bool:
    """Whether this caller is offered keys of sandboxes."""
    settings = house(request).settings
    return (
        settings.development
        and settings.public_url is None
        and _near(request.headers.get("host", ""))
        and on_this_machine(request)
        and not _by_another_way(request)
    )


def _near(host: str) -> bool:
    """Whether a host, with its port or without, is a name by which this machine calls itself."""
    return host in NAMES or host.rpartition(":")[0] in NAMES


def _by_another_way(request: Request) -> bool:
    """Whether a browser names another page, or the request came as a proxy sends it that names nobody.

    nginx writes this machine's own name as Host, and asks by HTTP/1.0, unless it is told otherwise.
    """
    headers = request.headers
    foreign = "origin" in headers and not _near(headers["origin"].partition("://")[2])
    elsewhere = headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    return foreign or elsewhere or request.scope.get("http_version") == "1.0"


@router.get("/docs/tenants", include_in_schema=False)
async def list_sandboxes(request: Request) -> Response:
    """The sandboxes whose keys may be made here; none outside development."""
    found = []
    if offered(request):
        database = house(request).database
        for tenant_id in sorted(await database.tenant_ids())[:100]:
            try:
                tenant = await database.read(tenant_id, tenants.get)
            except DomainError:  # it has gone since, or is suspended
                continue
            if tenant["clock"]["mode"] == "virtual":
                found.append(tenant_id)
    return JSONResponse({"tenants": found}, headers={"Cache-Control": "no-store"})


@router.post("/docs/keys", include_in_schema=False)
async def create_key(request: Request, body: KeyRequest) -> Response:
    """A key of a sandbox with every scope, for an hour."""
    if not offered(request):
        raise Problem("not_found")
    database, now = house(request).database, wall_clock()
    if body.tenant not in await database.tenant_ids():
        raise Problem("tenant_not_found")
    if (await database.read(body.tenant, tenants.get))["clock"]["mode"] != "virtual":
        raise Problem("not_found")
    make = functools.partial(keys.create, scopes=("*",), label="docs", expires_at=now + timedelta(hours=HOURS), now=now)
    made = await database.run(body.tenant, make, actor="docs")
    return JSONResponse({"key": made["key"]}, headers={"Cache-Control": "no-store"})
