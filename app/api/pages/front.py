"""The first page of the service: where to go."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from app import __version__
from app.api.pages.door import Pages, page
from app.api.pages.visit import Visit

PAGES: Final = Pages(translated=True)


@PAGES.get("/", kinds=(), open=True)
async def show_front(visit: Visit) -> Response:
    """Say where to go."""
    return page(visit, "front.html", version=__version__)
