"""``/docs``: Swagger UI over our own contract, offline."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from app.api.problems import Problem

router = APIRouter()
STATIC: Final = Path(__file__).resolve().parent / "static"
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain",
}
_START: Final = (
    'SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs", deepLinking: true, persistAuthorization: false,'
    " validatorUrl: null, tryItOutEnabled: true});"
)
_PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Retainer</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="stylesheet" href="/static/swagger-ui.css"></head><body><div id="docs"></div>'
    f'<script src="/static/swagger-ui-bundle.js"></script><script>{_START}</script></body></html>'
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
        '<li><a href="/docs">REST</a><li><a href="/graphql">GraphQL</a><li><a href="/problems">Problems</a></ul></html>'
    )


@router.get("/static/{name:path}", include_in_schema=False)
async def static(name: str, request: Request) -> Response:
    """A bundled file."""
    file = STATIC
    try:
        file = (STATIC / name).resolve() if "\x00" not in name else STATIC
        found = STATIC in file.parents and file.is_file()
    except OSError:  # a name that no file system takes
        found = False
    if not found:
        raise Problem("not_found")
    content = file.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=3600"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_TYPES.get(file.suffix, "application/octet-stream"), headers=headers)
