"""Licenses: ending a lease or plan, registering a key to an installation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from app.api.deps import Caller, KeyedCall, scoped
from app.api.problems import problems
from app.api.strict import Body, Instant, PathId, ShortText, StrictRoute
from app.usecases import licenses

router = APIRouter(route_class=StrictRoute, tags=["Storefront"])


class TerminationBody(Body):
    """When it ends; absent, now."""

    effective_at: Instant | None = None


class RegistrationBody(Body):
    """Where it is installed."""

    domain: ShortText = Field(examples=["shop.example.com"])


@router.get("/v1/licenses/{license_id}", operation_id="getLicense", responses=problems(404))
async def get_license(license_id: PathId, caller: Annotated[Caller, scoped("customers:read")]) -> Response:
    """A license as it stands now."""
    return await caller.read(lambda tx: licenses.get_license(tx, license_id))


@router.post(
    "/v1/licenses/{license_id}/termination", operation_id="terminateLicense", responses=problems(404, 409)
)
async def terminate_license(
    license_id: PathId,
    body: TerminationBody,
    caller: Annotated[Caller, scoped("orders:write")],
    call: KeyedCall,
) -> Response:
    """Ends a license and the levels and covers that serve it alone; once."""
    return await call.keyed(
        "licenses.terminate",
        {"license_id": license_id},
        body,
        lambda tx: licenses.terminate(tx, license_id, effective_at=body.effective_at),
    )


@router.post(
    "/v1/licenses/{license_id}/registration", operation_id="registerLicense", responses=problems(404, 409)
)
async def register_license(
    license_id: PathId, body: RegistrationBody, caller: Annotated[Caller, scoped("orders:write")]
) -> Response:
    """Registers a license to an installation; again moves it."""
    return await caller.write(lambda tx: licenses.register(tx, license_id, domain=body.domain))
