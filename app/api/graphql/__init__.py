"""The GraphQL door: the same capabilities as the REST door, under the same nouns, through the same use cases."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import Route


def mount(app: FastAPI) -> None:
    """Opens ``/graphql`` over the table of operations."""
    from app.api.graphql.documents import Trusted
    from app.api.graphql.door import GraphQL
    from app.api.graphql.schema import build

    endpoint = GraphQL(build(), Trusted.with_folder(app.state.settings.graphql_documents))
    app.router.routes.append(Route("/graphql", endpoint, include_in_schema=False))


def print_schema() -> str:
    """The schema in SDL, as it is committed in ``openapi/schema.graphql``."""
    from app.api.graphql.schema import build

    return build().sdl()
