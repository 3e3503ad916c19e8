"""The GraphQL door: the same capabilities as the REST door, under the same nouns, through the same use cases."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api.deps import authenticate
from app.api.published import Published


def mount(app: FastAPI) -> None:
    """Opens ``/graphql`` over the table of operations."""
    from app.api.graphql.documents import Remembered, Trusted
    from app.api.graphql.door import GraphQL
    from app.api.graphql.schema import build

    door = build()
    settings = app.state.settings
    remembered = Remembered() if settings.graphql_apq else None
    endpoint = GraphQL(door, Trusted.with_folder(settings.graphql_documents), settings.graphql_cost, remembered)
    made: list[Published] = []

    async def schema(request: Request) -> Response:
        """Answer the schema in SDL, with any key."""
        request.scope["retainer.route"] = "/graphql/schema"
        await authenticate(request)
        if not made:
            made.append(await asyncio.to_thread(lambda: Published.of(door.sdl(), "text/plain")))
        return made[0].answer(request)

    # First, since routes are tried one after another and this one is asked for most.
    app.router.routes.insert(0, Route("/graphql", endpoint, include_in_schema=False))
    app.router.routes.append(Route("/graphql/schema", schema, include_in_schema=False))


def print_schema() -> str:
    """The schema in SDL, as it is committed in ``openapi/schema.graphql``."""
    from app.api.graphql.schema import build

    return build().sdl()
