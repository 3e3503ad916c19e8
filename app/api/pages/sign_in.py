"""Sign people of the vendor in and out: by a link that is good once, or at the configured issuer."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Response

from app.api.addresses import page_address
from app.api.deps import wall_clock
from app.api.operations.asking import person_of
from app.api.pages.door import Pages, page, refused, see_other
from app.api.pages.visit import Visit
from app.api.problems import Problem
from app.domain.values.agent import Agent
from app.domain.values.errors import DomainError
from app.usecases.commands import Unavailable
from app.usecases.tenants import keys, operator_sessions, sessions
from app.usecases.tenants.roles import scopes_of

PAGES: Final = Pages(translated=True, whose="anybody")
SESSION: Final = ("session",)
BEGUN_SECONDS: Final = 600
_OWN_PAGE: Final = re.compile(r"/(?:desk|card)(?:[/?][!-~]*)?\Z")
_BOUND: Final = {"tenant_id": "", "subject": "page/sign-in"}


@PAGES.get("/sign-in", kinds=SESSION, open=True)
async def show_sign_in(visit: Visit) -> Response:
    """Ask for the one press that uses a link up, or show the way to the issuer."""
    link = visit.query("link")
    named: Mapping[str, Any] | None = None
    of_operator = operator_sessions.is_link(link)
    if of_operator:
        await operator_sessions.check_link(visit.rooms.database, _operator_key(visit), link, now=wall_clock())
    elif link:
        named = await _named(visit, link)
    _know_visitor(visit)
    return page(
        visit,
        "sign_in.html",
        person=named,
        of_operator=of_operator,
        sign_in_link=link,
        issuer=visit.rooms.code_flow is not None,
        next_page=_own_page(visit.query("page")),
    )


async def _named(visit: Visit, link: str) -> Mapping[str, Any]:
    """Return whom a link signs in, without using it up. 409 ``link_used``."""
    tenant_id = await _tenant_of(visit, link)
    now = wall_clock()
    row = await visit.rooms.database.read(tenant_id, lambda tx: sessions.find_link(tx, keys.digest_of(link), now=now))
    return {**row.options["person"], "tenant_id": tenant_id, "scopes": row.scopes}


async def _tenant_of(visit: Visit, link: str) -> str:
    tenant_id = None
    if keys.well_formed(link, ("sl",)):
        tenant_id = await visit.rooms.database.directory_tenant(keys.digest_of(link))
    if tenant_id is None:
        visit.request.scope["retainer.tried"] = True
        if visit.rooms.limiter is not None:
            visit.rooms.limiter.failed(visit.request)
        raise DomainError("link_used")
    return tenant_id


@PAGES.post("/sign-in", kinds=(), open=True)
async def sign_in(visit: Visit) -> Response:
    """Use a link up and open its session."""
    link = visit.form.get("link", "")
    if operator_sessions.is_link(link):
        opened = await operator_sessions.open_by_link(
            visit.rooms.database, _operator_key(visit), link, now=wall_clock()
        )
    else:
        opened = await open_by_link(visit, link)
    keep(visit, opened)
    return see_other(visit, opened.page)


def _operator_key(visit: Visit) -> str:
    key = visit.rooms.settings.operator_key
    if key is None:
        raise DomainError("link_used")
    return key.get_secret_value()


async def open_by_link(visit: Visit, link: str) -> sessions.Opened:
    """Return the session that a link opens. 409 ``link_used``."""
    tenant_id, now = await _tenant_of(visit, link), wall_clock()
    return await visit.rooms.database.run(
        tenant_id, lambda tx: sessions.open_by_link(tx, keys.digest_of(link), now=now)
    )


def keep(visit: Visit, opened: sessions.Opened, kind: str = "session") -> None:
    """Give the browser the secret of a session."""
    seconds = max(1, int((opened.expires_at - wall_clock()).total_seconds()))
    visit.set_cookie(kind, opened.secret, seconds, framed=kind == "card")


@PAGES.get("/sign-in/start", kinds=SESSION, open=True)
async def start(visit: Visit) -> Response:
    """Send the browser to the issuer."""
    if visit.rooms.code_flow is None:
        raise Problem("not_found")
    begun = await visit.rooms.code_flow.begin(_return_to(visit))
    if begun is None:
        raise Problem("unavailable", "The issuer cannot be reached.", headers={"Retry-After": "5"})
    address, proofs = begun
    sealed = visit.rooms.cipher.seal(json.dumps({**proofs, "page": _own_page(visit.query("page"))}), **_BOUND)
    visit.set_cookie("begun", base64.urlsafe_b64encode(sealed).decode(), BEGUN_SECONDS)
    return Response(status_code=303, headers={"Location": address})


@PAGES.get("/sign-in/return", kinds=SESSION, open=True)
async def come_back(visit: Visit) -> Response:
    """Open a session for whom the issuer vouches: the tenant and the roles are claims of the identity token."""
    begun = _begun(visit)
    visit.set_cookie("begun", "", 0)
    if visit.rooms.code_flow is None or begun is None or visit.query("state") != begun["state"]:
        return refused(visit, Problem("sign_in_failed", "The sign-in was not begun here, or too long ago."))
    claims = await visit.rooms.code_flow.finish(_return_to(visit), visit.query("code"), begun)
    if claims is None:
        return refused(visit, Problem("sign_in_failed"))
    tenant_id, person = claims.get("tenant_id"), _person(claims)
    scopes = scopes_of(_roles(claims, visit.rooms.settings.oidc_role_claim))
    if not isinstance(tenant_id, str) or not 0 < len(tenant_id) <= 100 or person is None or not scopes:
        return refused(visit, Problem("sign_in_failed", "The issuer names no tenant, or no role that opens anything."))
    now, target = wall_clock(), _own_page(begun["page"])
    await _end(visit)
    try:
        opened = await visit.rooms.database.run(
            tenant_id,
            lambda tx: sessions.open_for(tx, person, scopes, now=now, page=target),
            actor=f"oidc:{person['id']}"[:200],
        )
    except DomainError as refusal:
        if refusal.code != "tenant_not_found":
            raise
        return refused(visit, Problem("sign_in_failed", "The issuer names a tenant that is not here."))
    keep(visit, opened)
    return see_other(visit, target)


@PAGES.post("/sign-out", kinds=SESSION)
async def sign_out(visit: Visit) -> Response:
    """End the session, and take its cookies away."""
    await _end(visit)
    for kind in ("session", "card"):
        visit.set_cookie(kind, "", 0, framed=kind == "card")
    return see_other(visit, "/sign-in")


async def _end(visit: Visit) -> None:
    principal = visit.principal
    if principal is not None and principal.kind == "operator":
        await operator_sessions.end(visit.rooms.database, _operator_key(visit), visit.secret, now=wall_clock())
        return
    if principal is None or principal.kind != "session" or principal.tenant_id is None:
        return
    now, session_id = wall_clock(), principal.actor
    await visit.rooms.database.run(
        principal.tenant_id, lambda tx: sessions.end(tx, session_id, now=now), actor=session_id
    )
    visit.rooms.authenticator.forget()


def signed_in(visit: Visit) -> Agent | None:
    """Return the person whose session it is."""
    return person_of(visit.principal) if visit.principal is not None else None


def _know_visitor(visit: Visit) -> None:
    """Give somebody who is not signed in a secret of their own, to which the form is bound."""
    visit.secret = visit.cookie("visitor") or secrets.token_urlsafe(24)
    visit.set_cookie("visitor", visit.secret, BEGUN_SECONDS)


def _own_page(address: str) -> str:
    """Return an address if it is a page of ours, else the first page."""
    return address if len(address) <= 500 and _OWN_PAGE.match(address) else "/desk"


def _return_to(visit: Visit) -> str:
    return page_address(visit.rooms.settings, "/sign-in/return")


def _begun(visit: Visit) -> dict[str, str] | None:
    try:
        sealed = base64.urlsafe_b64decode(visit.cookie("begun").encode())
        found: dict[str, str] = json.loads(visit.rooms.cipher.open(sealed, **_BOUND))
    except (Unavailable, binascii.Error, ValueError):
        return None
    return found


def _person(claims: Mapping[str, Any]) -> Agent | None:
    subject, name = claims.get("sub"), claims.get("name") or claims.get("email")
    if not isinstance(subject, str) or not 0 < len(subject) <= 200:
        return None
    return {"id": subject, "name": name[:200] if isinstance(name, str) and name else None}


def _roles(claims: Mapping[str, Any], name: str) -> Sequence[str]:
    """Return the roles of a claim: a list of them, or words in one text. ``realm_access.roles`` looks further in."""
    found: Any = claims.get(name)
    if found is None and "." in name:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, str):
        return found.replace(",", " ").split()
    return [role for role in found if isinstance(role, str)] if isinstance(found, list) else []
