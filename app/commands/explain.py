"""`retainer explain`: say why something stands as it does, clause by clause."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from app.commands.customers import quoted
from app.commands.remote import JSON, Json, Key, Service, Target, Tenant, Url, escaped, show


def run(
    kind: Annotated[str, typer.Argument(help="ticket, charge, assessment, order, refund, license, lot, cover, ...")],
    id: Annotated[str, typer.Argument(help="Its id; of an assessment `<ticket>:<number>`.")],
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Say why a ticket, a charge, a lot, a cover or a due time stands as it does, clause by clause."""

    async def work(service: Service) -> JSON:
        found: JSON = await service.get(f"/v1/explain/{quoted(kind)}/{quoted(id)}")
        return found

    show(Target(url, key, tenant), work, as_json, _draw)


def _draw(out: Console, view: JSON) -> None:
    for step in sentences(view):
        out.print(f"- {escaped(step)}", soft_wrap=True)


def sentences(view: object) -> list[str]:
    """Return the sentences of an explanation, in its order."""
    found: list[str] = []
    if isinstance(view, dict):
        summary = view.get("summary")
        if isinstance(summary, str):
            found.append(summary)
        for value in view.values():
            found += sentences(value)
    elif isinstance(view, list):
        for item in view:
            found += sentences(item)
    return found
