"""``/docs``: Swagger UI over our own contract, offline."""

from __future__ import annotations

import asyncio
import functools
import gzip
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from app.api import who
from app.api.openapi import build
from app.api.pages.docs_contract import for_page
from app.api.problems import Problem
from app.api.published import Published, takes_gzip
from app.api.shared_parts import text

router = APIRouter()


class _Files(StaticFiles):
    """The bundled files, which a browser may keep for an hour."""

    def file_response(self, *positional: Any, **named: Any) -> Response:
        """Return a file, or 304 where the caller has it."""
        response = super().file_response(*positional, **named)
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response


_FILES: Final = _Files(directory=Path(__file__).resolve().parent / "static")
_NARROW: Final = (
    ".swagger-ui .opblock-tag{flex-wrap:wrap}"
    "@media(max-width:389px){.swagger-ui .response-col_links{display:none}"
    ".swagger-ui .responses-table{table-layout:fixed}}"
)
"""A tag's words may stand below its name, so that a phone need not scroll sideways; the contract here has no links."""
_PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Retainer</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
    f'<link rel="stylesheet" href="static/swagger-ui.css"><style>{who.STYLE}{_NARROW}</style></head><body>{who.FORM}'
    '<div id="docs"></div><script src="static/swagger-ui-bundle.js"></script><script src="static/docs.js"></script>'
    "</body></html>"
)
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    """The contract, to read and to try."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": CONTENT_POLICY})


@router.get("/docs/contract", include_in_schema=False)
async def contract(request: Request) -> Response:
    """The contract as the page reads it."""
    app = request.app
    found: Published | None = getattr(app.state, "contract_of_page", None)
    if found is None:
        document = await asyncio.to_thread(lambda: for_page(build(app)))
        found = app.state.contract_of_page = Published.of(text(document), "application/json")
    return found.answer(request)


@router.get("/static/{name:path}", include_in_schema=False)
async def static(name: str, request: Request) -> Response:
    """A bundled file."""
    try:
        response = await _FILES.get_response(name, request.scope)
    except HTTPException:
        raise Problem("not_found") from None
    response.headers.add_vary_header("Accept-Encoding")
    if not isinstance(response, FileResponse) or not takes_gzip(request.headers.get("accept-encoding", "")):
        return response
    headers = {key: response.headers[key] for key in ("etag", "last-modified", "cache-control", "vary")}
    body = await asyncio.to_thread(_packed, str(response.path))
    return Response(body, media_type=response.media_type, headers={**headers, "Content-Encoding": "gzip"})


@functools.cache
def _packed(path: str) -> bytes:
    """Return a bundled file compressed. It takes a while, once."""
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)
