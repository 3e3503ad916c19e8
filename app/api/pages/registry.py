"""All pages, in the order in which their routes are tried."""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute

from app.api.pages import (
    account,
    assets,
    board,
    calendars_page,
    card,
    fragment,
    front,
    home,
    operations_page,
    operator_page,
    policies_page,
    problems_page,
    reports_page,
    sign_in,
    tickets_page,
)

NOUNS: Final = (
    account,
    card,
    fragment,
    front,
    home,
    board,
    tickets_page,
    reports_page,
    calendars_page,
    policies_page,
    operations_page,
    operator_page,
    sign_in,
)


def first_routes() -> list[BaseRoute]:
    """Return the routes of pages at addresses of operations: they take browsers, and leave programs to those."""
    return problems_page.routes()


def routes() -> list[BaseRoute]:
    """Return the routes of every page, and of the files that pages need."""
    return [
        *assets.ROUTES,
        *(route for noun in NOUNS for route in noun.PAGES.routes),
        *home.LAST.routes,
        *operator_page.LAST.routes,
    ]
