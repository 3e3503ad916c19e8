"""Serve the documentation as plain Markdown, with an index for programs that read (``/llms.txt``)."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from app import __version__
from app.api.problems import Problem
from app.api.published import Published

router = APIRouter()
FOLDER: Final = Path(__file__).resolve().parents[3] / "docs"
MARKDOWN: Final = "text/markdown; charset=utf-8"
_SENTENCE: Final = re.compile(r"[^#|\s>`-].*?[.:](?=\s|$)", re.DOTALL)
_INTRODUCTION: Final = f"""# Retainer {__version__}

> The ledger and the rules of paid support: what a customer is entitled to, what a request costs, and when an answer is
> due, each with the clause of the vendor's policy that it rests on.

## For programs

- [Tools for agents](mcp): POST, by the Model Context Protocol; [how to](docs/agents.md)
- [The contract of REST](openapi.json): OpenAPI 3.1
- [The schema of GraphQL](graphql/schema): SDL, with any key
- [Every code of a refusal](problems): its cause and what to do

## Pages
"""


@router.get("/llms.txt", include_in_schema=False)
async def llms(request: Request) -> Response:
    """What there is to read, for programs."""
    return (await asyncio.to_thread(_index)).answer(request)


@router.get("/docs/{name:path}.md", include_in_schema=False)
async def markdown(name: str, request: Request) -> Response:
    """A page of the documentation as it was written."""
    found = await asyncio.to_thread(_page, name)
    if found is None:
        raise Problem("not_found")
    return found.answer(request)


@functools.cache
def _names() -> Mapping[str, Path]:
    """Return every page by its name; a service without the folder has none."""
    found = sorted([*FOLDER.glob("*.md"), *FOLDER.glob("reference/*.md")])
    return {path.relative_to(FOLDER).as_posix().removesuffix(".md"): path for path in found}


def _page(name: str) -> Published | None:
    return _read(name) if name in _names() else None


@functools.cache
def _read(name: str) -> Published:
    return Published.of(_names()[name].read_text(encoding="utf-8"), MARKDOWN)


@functools.cache
def _index() -> Published:
    lines = []
    for name, path in _names().items():
        title, _, rest = path.read_text(encoding="utf-8").partition("\n")
        first = _SENTENCE.search(rest)
        about = f": {' '.join(first[0].split())[:160].rstrip(':')}" if first is not None else ""
        lines.append(f"- [{title.lstrip('# ')}](docs/{name}.md){about}")
    return Published.of(_INTRODUCTION + "\n" + "\n".join(lines) + "\n", "text/plain; charset=utf-8")
