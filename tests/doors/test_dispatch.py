"""Short lists of routes find what the long one finds, for every operation and for what has none."""

from __future__ import annotations

import re

import httpx
from fastapi import FastAPI
from starlette.routing import Match

from app.api.dispatch import install, word_of
from tests.support.api import client_of


def _path(template: str) -> str:
    return re.sub(r"\{[^}]*\}", "x-1", template)


def test_every_route_is_found_where_the_whole_router_finds_it(app: FastAPI) -> None:
    from app.api.dispatch import _lists

    routes = app.router.routes
    lists = _lists(routes)
    checked = 0
    for route in routes:
        path = _path(route.path)  # type: ignore[attr-defined]
        for method in getattr(route, "methods", None) or {"GET"}:
            scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}

            def first(among: list[object], scope: dict[str, object] = scope) -> object:
                return next(one for one in among if one.matches(dict(scope))[0] is Match.FULL)  # type: ignore[attr-defined]

            assert first(lists[word_of(path)]) is first(list(routes)), (method, path)
            checked += 1
    assert checked > 100


async def test_what_no_list_has_is_refused_as_ever(app: FastAPI) -> None:
    async with client_of(app, None) as caller:
        for path in (
            "/nothing",
            "/v1",
            "/v1/",
            "/v1/nothing",
            "//v1/customers",
            "/v1/customers/",
            "/v1//customers",
        ):
            answer = await caller.get(path)
            assert answer.status_code in (401, 404), (path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        wrong = await caller.request("PATCH", "/v1/customers/c-1/balance")
        assert wrong.status_code == 405
        assert wrong.headers["allow"] == "GET, HEAD"


async def test_behind_a_proxy_that_keeps_its_prefix_the_long_way_is_taken() -> None:
    """With a ``root_path`` the words stand elsewhere; the router's own reading of it counts."""
    app = FastAPI()

    @app.get("/v1/things/{name}")
    async def thing(name: str) -> dict[str, str]:
        return {"name": name}

    install(app)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, root_path="/support"), base_url="http://retainer"
    ) as caller:
        assert (await caller.get("/support/v1/things/a")).json() == {"name": "a"}
