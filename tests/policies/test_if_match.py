"""A policy is published only on the version that its author read."""

from __future__ import annotations

from app.usecases.tenants import tenants
from tests.conftest import MakeVendor


async def test_a_policy_is_published_only_on_what_was_read(vendor: MakeVendor) -> None:
    """Two people edit the policy: the second is told (412), and nothing of theirs is written."""
    shop = await vendor("avactis")
    read = await shop.get("/v1/policies/avactis")
    versions, body = "/v1/policies/avactis/versions", {"document": tenants.templates()["avactis"][1]}
    tag = {"If-Match": read.headers["etag"]}
    tried = await shop.post(f"{versions}?validate_only=true", body, headers=tag)
    assert tried.status_code == 201, tried.text
    made = await shop.post(versions, body, key="published-once", headers=tag)
    assert made.status_code == 201, made.text
    again = await shop.post(versions, body, key="published-once", headers=tag)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    late = await shop.post(versions, body, headers=tag)
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    now = await shop.get("/v1/policies/avactis")
    assert now.headers["etag"] != read.headers["etag"]
    assert late.json()["etag"] == now.headers["etag"]
    assert len(now.json()["versions"]) == len(read.json()["versions"]) + 1
    assert (await shop.post(versions, body, headers={"If-None-Match": "*"})).status_code == 412
    assert (await shop.post(versions, body, headers={"If-Match": now.headers["etag"]})).status_code == 201
