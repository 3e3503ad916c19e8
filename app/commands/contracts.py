"""`retainer contracts`: writes the published contracts, or with ``--check`` says which have drifted.

``openapi/openapi.json``, ``openapi/asyncapi.json``, ``openapi/schema.graphql``, ``openapi/problems.json`` and
``openapi/policy.schema.json``, the latter once more for the editor of the pages, and the core of the clients.
They are committed, and their diff is the review of the API. Needs no database.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.base import ROOT, CommandError
from app.settings import Settings


def contracts() -> Iterator[tuple[Path, str]]:
    """Each contract's place and text, made from the code alone."""
    from app.api import graphql
    from app.api.asyncapi import asyncapi
    from app.api.openapi import build
    from app.api.problems import published
    from app.api.shared_parts import shared, text
    from app.documents.policy_document import json_schema
    from app.main import create_app

    folder = ROOT / "openapi"
    settings = Settings(data_dir=Path("/nonexistent"), database_url="postgresql://nowhere/nothing")
    app = create_app(settings)
    yield folder / "openapi.json", text(shared(build(app))) + "\n"
    yield folder / "asyncapi.json", _text(asyncapi())
    yield folder / "problems.json", _text({"problems": published()})
    yield folder / "policy.schema.json", _text(json_schema())
    editor = ROOT / "app" / "api" / "pages" / "assets" / "policy.schema.json"
    yield editor, json.dumps(json_schema(), separators=(",", ":"), ensure_ascii=False) + "\n"
    yield folder / "schema.graphql", graphql.print_schema().rstrip() + "\n"
    if (ROOT / "scripts" / "sdk.py").exists():  # an image has neither the clients nor what makes them
        yield from importlib.import_module("scripts.sdk").files().items()


def _text(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def drifted() -> list[str]:
    """The contracts that are not what the code would publish."""
    return [
        str(path.relative_to(ROOT))
        for path, text in contracts()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def run(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if one has drifted.")] = False,
) -> None:
    """Write the published contracts under openapi/, or check them."""
    if check:
        found = drifted()
        if found:
            raise CommandError(f"drifted: {', '.join(found)}; run `make contracts` and review the difference")
        print("retainer: the contracts are what the code publishes")
        return
    for path, text in contracts():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"retainer: wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    typer.run(run)
