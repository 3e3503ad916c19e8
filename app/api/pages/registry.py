"""All pages, in the order in which their routes are tried."""

from __future__ import annotations

from starlette.routing import BaseRoute

from app.api.pages import account, assets, card, fragment, home, sign_in


def routes() -> list[BaseRoute]:
    """Return the routes of every page, and of the files that pages need."""
    nouns = (account.PAGES, card.PAGES, fragment.PAGES, home.PAGES, sign_in.PAGES)
    return [*assets.ROUTES, *(route for pages in nouns for route in pages.routes)]
