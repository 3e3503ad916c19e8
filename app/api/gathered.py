"""Balances asked for at once are read together: the short way of ``GET .../balance``, which both doors take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from app.api.auth import Principal
from app.api.deps import house
from app.api.reply import Reply
from app.api.state import AppState
from app.domain.values.errors import DomainError

E = TypeVar("E", bound=Callable[..., Any])
THIN: Final = "__retainer_thin__"
"""Marks an endpoint that has a short way; its value knows it."""


class Gathered:
    """The short way of a balance: those asked for at once are read in one transaction."""

    scope = "customers:read"

    async def answer(self, request: Request, principal: Principal) -> Response:
        """The balance now."""
        return Reply(await self.view(house(request), principal, request.path_params["customer_id"]))

    async def view(self, rooms: AppState, principal: Principal, customer_id: str) -> dict[str, Any]:
        """What the answer holds, for a caller who has the scope. 404 ``customer_not_found``."""
        found = await rooms.balances.submit(str(principal.tenant_id), customer_id)
        if isinstance(found, DomainError):
            raise found
        return found


def gathered(endpoint: E) -> E:
    """Marks the reading of a balance as gathered; stands below ``@router.get``."""
    setattr(endpoint, THIN, Gathered())
    return endpoint


def gathered_of(endpoint: Callable[..., Any]) -> Gathered | None:
    """The short way of an operation that reads a balance; None of any other."""
    found = getattr(endpoint, THIN, None)
    return found if isinstance(found, Gathered) else None
