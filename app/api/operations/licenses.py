"""Licenses: ending a lease or plan, registering a key to an installation."""

from __future__ import annotations

from pydantic import Field

from app.api.fields import Body, Instant, PathId, ShortText
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.usecases.orders import licenses
from app.views.license import License

OPERATIONS = Operations("Storefront")


class TerminationBody(Body):
    """When it ends; absent, now."""

    effective_at: Instant | None = None


class RegistrationBody(Body):
    """Where it is installed."""

    domain: ShortText = Field(examples=["shop.example.com"])


@OPERATIONS.get("getLicense", "/v1/licenses/{license_id}", scope="customers:read", refusals=(404,))
async def get_license(call: Call, license_id: PathId) -> License:
    """A license as it stands now."""
    return await call.read(lambda tx: licenses.get_license(tx, license_id))


@OPERATIONS.post(
    "terminateLicense", "/v1/licenses/{license_id}/termination", scope="orders:write", key="keyed", refusals=(404, 409)
)
async def terminate_license(call: Call, license_id: PathId, body: TerminationBody) -> Answer[License]:
    """Ends a license and the levels and covers that serve it alone; once."""
    return await call.keyed(
        "licenses.terminate", body, lambda tx: licenses.terminate(tx, license_id, effective_at=body.effective_at)
    )


@OPERATIONS.post("registerLicense", "/v1/licenses/{license_id}/registration", scope="orders:write", refusals=(404, 409))
async def register_license(call: Call, license_id: PathId, body: RegistrationBody) -> License:
    """Registers a license to an installation; again moves it."""
    return await call.write(lambda tx: licenses.register(tx, license_id, domain=body.domain))
