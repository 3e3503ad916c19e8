"""The files that pages need: a style sheet, htmx, a little script, the editor. Their address names their content."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Final

from fastapi import Request, Response
from starlette.routing import BaseRoute, Route

from app.api.problems import Problem
from app.api.published import Published

FOLDER: Final = Path(__file__).resolve().parent / "assets"
TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}
FOR_EVER: Final = "public, max-age=31536000, immutable"


@functools.cache
def _found(name: str) -> Published | None:
    path = FOLDER / name
    ending = name.rpartition(".")[2]
    if "/" in name or ending not in TYPES or not path.is_file():
        return None
    return Published.of(path.read_text(encoding="utf-8"), TYPES[ending])


def address(name: str) -> str:
    """Return where a file is served: another address once it is another file."""
    return f"/assets/{_digest(name)}/{name}"


@functools.cache
def _digest(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


async def _asset(request: Request) -> Response:
    request.scope["retainer.route"] = "/assets/{digest}/{name}"
    name = request.path_params["name"]
    found = _found(name)
    if found is None or request.path_params["digest"] != _digest(name):
        raise Problem("not_found")
    response = found.answer(request)
    response.headers["Cache-Control"] = FOR_EVER
    return response


ROUTES: Final[list[BaseRoute]] = [Route("/assets/{digest}/{name}", _asset, methods=["GET"], include_in_schema=False)]
