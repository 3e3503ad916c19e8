"""``/docs``: Swagger UI over our own contract, offline."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from app.api.problems import Problem

router = APIRouter()


class _Files(StaticFiles):
    """The bundled files, which a browser may keep for an hour."""

    def file_response(self, *positional: Any, **named: Any) -> Response:
        """Return a file, or 304 where the caller has it."""
        response = super().file_response(*positional, **named)
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response


_FILES: Final = _Files(directory=Path(__file__).resolve().parent / "static")
_START: Final = (
    'SwaggerUIBundle({url: "openapi.json", dom_id: "#docs", deepLinking: true, persistAuthorization: false,'
    " validatorUrl: null, tryItOutEnabled: true});"
)
_PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Retainer</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="stylesheet" href="static/swagger-ui.css"></head><body><div id="docs"></div>'
    f'<script src="static/swagger-ui-bundle.js"></script><script>{_START}</script></body></html>'
)
_HASH: Final = base64.b64encode(hashlib.sha256(_START.encode()).digest()).decode()
CONTENT_POLICY: Final = (
    f"default-src 'none'; script-src 'self' 'sha256-{_HASH}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    """The contract, to read and to try."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": CONTENT_POLICY})


@router.get("/", include_in_schema=False)
async def front() -> Response:
    """Where to go."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Retainer</title><h1>Retainer</h1><ul>'
        '<li><a href="docs">REST</a><li><a href="graphql">GraphQL</a><li><a href="problems">Problems</a></ul></html>'
    )


@router.get("/static/{name:path}", include_in_schema=False)
async def static(name: str, request: Request) -> Response:
    """A bundled file."""
    try:
        return await _FILES.get_response(name, request.scope)
    except HTTPException:
        raise Problem("not_found") from None
