"""The door of pages: a function becomes a route, what it raises a page; each answer says what a browser may do."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

from fastapi import Request, Response
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Route

from app.api.deps import house
from app.api.languages import current, speaking
from app.api.pages.rendering import link, render
from app.api.pages.visit import Visit, read_form, recognise
from app.api.problems import Problem
from app.api.published import takes_gzip
from app.api.refusals import problem_of as problem_of
from app.api.strict import BODY_LIMIT
from app.domain.values.errors import DomainError
from app.usecases.commands import Unavailable

Show = Callable[[Visit], Awaitable[Response]]
Whose = Literal["tenant", "operator", "anybody"]
HTML: Final = "text/html; charset=utf-8"
PACKED_FROM: Final = 1024
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)


class Pages:
    """The pages of one noun, in the order in which their routes are tried.

    ``translated``: customers read them, in their language; the others are the vendor's people's, in English.
    ``whose``: a session of the operator's opens the operator's pages and no tenant's, and a tenant's the other way.
    """

    def __init__(self, *, translated: bool = False, whose: Whose = "tenant") -> None:
        self.routes: list[BaseRoute] = []
        self.asked: dict[str, tuple[str, ...] | None] = {}
        """Address of a page -> the parameters that it takes; None: whatever else it says is passed over."""
        self.translated = translated
        self.whose = whose

    def get(
        self,
        path: str,
        *,
        kinds: tuple[str, ...],
        token: bool = False,
        framed: bool = False,
        open: bool = False,
        asks: tuple[str, ...] | None = None,
    ) -> Callable[[Show], Show]:
        """Declare a page. ``kinds``: the cookies by which its visitors are known; ``token``: the address may have one.

        ``framed``: named origins may frame it. ``open``: whoever asks sees it. ``asks``: the parameters of its address,
        where it tells of others (`Visit.wrong`).
        """
        self.asked[path] = asks
        return self._declare("GET", path, kinds, token=token, framed=framed, open=open, asks=asks)

    def post(
        self,
        path: str,
        *,
        kinds: tuple[str, ...],
        token: bool = False,
        framed: bool = False,
        open: bool = False,
        foreign: bool = False,
        limit: int = BODY_LIMIT,
    ) -> Callable[[Show], Show]:
        """Declare where a form goes, of ``limit`` bytes at most.

        It is refused unless this visitor was shown it, or it is ``foreign``: not ours.
        """
        return self._declare("POST", path, kinds, token=token, framed=framed, open=open, foreign=foreign, limit=limit)

    def _declare(
        self,
        method: str,
        path: str,
        kinds: tuple[str, ...],
        *,
        framed: bool,
        limit: int = BODY_LIMIT,
        asks: tuple[str, ...] | None = None,
        **more: bool,
    ) -> Callable[[Show], Show]:
        def note(show: Show) -> Show:
            async def endpoint(request: Request) -> Response:
                visit = Visit(request, house(request), framed=framed, translated=self.translated, asks=asks)
                with speaking(visit.find_language()):
                    return await _serve(visit, show, path, kinds, whose=self.whose, limit=limit, **more)

            self.routes.append(Route(path, endpoint, methods=[method], include_in_schema=False))
            return show

        return note


async def _serve(
    visit: Visit,
    show: Show,
    path: str,
    kinds: tuple[str, ...],
    *,
    whose: Whose,
    token: bool,
    open: bool,
    limit: int,
    foreign: bool = False,
) -> Response:
    request = visit.request
    request.scope["retainer.route"] = path
    try:
        if request.method == "POST":
            visit.form = await read_form(request, limit, foreign=foreign)
        await recognise(visit, kinds, token=token)
        visit.secret = visit.secret or visit.cookie("visitor")
        if visit.principal is None and not open:
            raise Problem("unauthorized")
        _check_side(visit, whose)
        if request.method == "POST" and not foreign:
            visit.check_form()
        response = await show(visit)
    except (Problem, DomainError, Unavailable) as refusal:
        response = refused(visit, refusal)
    finally:
        if visit.calls is not None:
            await visit.calls.close()
    return _finished(visit, response)


def _check_side(visit: Visit, whose: Whose) -> None:
    """Raise 403 where the operator's session looks at a tenant's page, or a tenant's at one of the operator's."""
    if visit.principal is None or whose == "anybody":
        return
    is_operator = visit.principal.kind == "operator"
    if is_operator != (whose == "operator"):
        raise Problem("operator_not_allowed" if is_operator else "operator_only")


def refused(visit: Visit, refusal: Exception) -> Response:
    """Return the page of a refusal: what happened, why, and what to do."""
    body = problem_of(refusal)
    visit.request.scope["retainer.code"] = body["code"]
    headers = dict(refusal.headers) if isinstance(refusal, Problem) else {}
    if body["status"] in (429, 503):
        headers.setdefault("Retry-After", "1")
    return page(visit, "problem.html", status=int(body["status"]), headers=headers, problem=body)


def page(
    visit: Visit, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """Return a page made from a template."""
    text = render(template, visit, **values)
    return Response(text, status_code=status, media_type=HTML, headers=dict(headers or {}))


def see_other(visit: Visit, address: str) -> Response:
    """Send the browser on to a page of ours, with the token where the visitor came by one."""
    return RedirectResponse(link(visit, address), status_code=303)


def elsewhere(visit: Visit, home: str) -> Response:
    """Lead home from where forms go, for a browser that asks for it again; 404 for all else that is no page."""
    if visit.request.path_params["rest"].rpartition("/")[2] != "act":
        raise Problem("not_found")
    return see_other(visit, home)


def _finished(visit: Visit, response: Response) -> Response:
    """Close the answer: a strict policy, nobody keeps it, nobody frames it but who may; packed where it is safe."""
    headers = response.headers
    origins = visit.rooms.settings.frame_origins if visit.framed else ()
    headers["Content-Security-Policy"] = _POLICY.format(ancestors=" ".join(origins) or "'none'")
    headers.setdefault("Cache-Control", "no-store")
    headers["Vary"] = "Accept-Encoding, Accept-Language, Cookie" if visit.translated else "Accept-Encoding, Cookie"
    if visit.translated:
        headers["Content-Language"] = current()
    if origins:
        visit.request.scope["retainer.framed"] = True
    if visit.request.method == "POST" and "location" not in headers:
        headers["HX-Push-Url"] = "false"  # a page that answers a form has no address of its own to come back to
    for cookie in visit.cookies:
        headers.append("Set-Cookie", cookie)
    body = bytes(getattr(response, "body", b""))
    # A page that holds a token is not packed: its length would say something of the token (BREACH).
    if (
        len(body) >= PACKED_FROM
        and not visit.in_address
        and takes_gzip(visit.request.headers.get("accept-encoding", ""))
    ):
        response.body = gzip.compress(body, 6, mtime=0)
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(response.body))
    return response
