"""Tenants and keys over REST."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from app.api.deps import flush_last_used
from app.api.paging import decode_cursor, encode_cursor
from app.api.problems import Problem
from app.usecases.tenants.keys import SCOPES
from tests.conftest import MakeVendor
from tests.support.api import OPERATOR_KEY, START, client_of
from tests.support.chance import altered
from tests.support.statements import sent

SANDBOX = {"policy": "avactis", "clock": {"mode": "virtual", "now": START}}


async def test_a_tenant_is_made_once_and_conflicts_with_other_content(api: httpx.AsyncClient) -> None:
    first = await api.put("/v1/tenants/acme", json=SANDBOX)
    assert first.status_code == 201, first.text
    assert first.json()["clock"] == {"mode": "virtual", "now": START}
    again = await api.put("/v1/tenants/acme", json=SANDBOX)
    assert (again.status_code, again.json()) == (200, first.json())
    other = await api.put("/v1/tenants/acme", json={**SANDBOX, "policy": "shopp"})
    assert (other.status_code, other.json()["code"]) == (409, "tenant_conflict")


async def test_validate_only_makes_no_tenant(api: httpx.AsyncClient) -> None:
    tried = await api.put("/v1/tenants/ghost?validate_only=true", json=SANDBOX)
    assert tried.status_code == 201, tried.text
    key = await api.post("/v1/tenants/ghost/keys", json={"scopes": ["*"]})
    assert (key.status_code, key.json()["code"]) == (404, "tenant_not_found")


async def test_an_unknown_policy_is_named(api: httpx.AsyncClient) -> None:
    answer = await api.put("/v1/tenants/beta", json={"policy": "acme-policy"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_policy")
    assert answer.json()["errors"][0]["pointer"] == "/policy"


@pytest.mark.parametrize("policy", ["avactis", "cactushop", "cs-cart", "shopp", "x-cart"])
async def test_every_shipped_policy_makes_a_tenant(vendor: MakeVendor, policy: str) -> None:
    made = await vendor(policy)
    assert made.key.startswith("rtn_test_")


async def test_a_key_is_shown_once_listed_without_itself_and_revoked_within_a_second(vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    other = await acme.as_key("customers:read", label="sidebar")
    assert (await other.get("/v1/keys")).json()["scope"] == "*"
    listed = (await acme.get("/v1/keys")).json()["data"]
    assert [one["label"] for one in listed] == ["tests", "sidebar"]
    assert "rtn_" not in str(listed)
    gone = await acme.delete(f"/v1/keys/{listed[1]['key_id']}")
    assert gone.json()["live"] is False
    await asyncio.sleep(1.0)
    assert (await other.get("/v1/keys")).status_code == 401


async def test_keys_rotate_with_both_alive(vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    key_id = (await acme.get("/v1/keys")).json()["data"][0]["key_id"]
    fresh = await acme.post(f"/v1/keys/{key_id}/rotation", {"overlap_seconds": 3600})
    assert fresh.status_code == 201, fresh.text
    async with client_of(acme.app, fresh.json()["key"]) as successor:
        assert len((await successor.get("/v1/keys")).json()["data"]) == 2
    assert (await acme.get("/v1/keys")).status_code == 200


async def test_after_the_overlap_only_the_successor_opens(vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    old = await acme.as_key("tickets:read", "customers:read", label="sidebar")
    [row] = [one for one in (await acme.get("/v1/keys")).json()["data"] if one["label"] == "sidebar"]
    made = await acme.post(f"/v1/keys/{row['key_id']}/rotation", {"overlap_seconds": 1})
    fresh = await acme.ok(made)
    assert fresh["scopes"] == row["scopes"], "a successor may what its predecessor may, and no more"
    async with client_of(acme.app, fresh["key"]) as successor:
        assert (await successor.get("/v1/tickets")).status_code == 200
        await asyncio.sleep(2.0)
        assert (await old.get("/v1/tickets")).status_code == 401
        assert (await successor.get("/v1/tickets")).status_code == 200


async def test_reading_notes_the_last_use_and_writes_nothing(vendor: MakeVendor) -> None:
    """The use is kept in memory and written now and then, so that a read stays a read."""
    acme = await vendor("avactis")
    reader = await acme.as_key("tickets:read", label="reader")
    with sent(acme.app.state.house.database) as found:
        for _ in range(3):
            assert (await reader.get("/v1/tickets")).status_code == 200
    written = [one for one in found if not one.lower().startswith(("select", "set"))]
    assert written == []

    async def last_used() -> str | None:
        rows = (await acme.get("/v1/keys")).json()["data"]
        found: str | None = next(one["last_used_at"] for one in rows if one["label"] == "reader")
        return found

    assert await last_used() is None
    await flush_last_used(acme.app.state.house)
    assert await last_used() is not None


async def test_nobody_gives_more_than_he_has(vendor: MakeVendor) -> None:
    """Keys are made by the operator and by a key that may everything; no other key makes one, or rotates one."""
    acme = await vendor("avactis")
    every = [one for one in SCOPES if one != "*"]
    mighty = await acme.as_key(*every, label="nearly everything")
    path = f"/v1/tenants/{acme.tenant_id}/keys"
    assert (await mighty.post(path, json={"scopes": ["*"]})).status_code == 403
    key_id = (await acme.get("/v1/keys")).json()["data"][0]["key_id"]
    assert (await mighty.post(f"/v1/keys/{key_id}/rotation", json={})).status_code == 403
    assert (await acme.post(path, {"scopes": ["operator"]})).status_code == 422


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Bearer rtn_live_x_y",
        "Bearer a.b.c",
        "bearer \x7f",
        "Bearer rtn_test_0123456789ABCDEFGHIJKLMNOPQRSTUV_000000",
        "Bearer " + "x" * 9000,
    ],
)
async def test_no_valid_key_is_401_with_one_and_the_same_answer(api: httpx.AsyncClient, header: str | None) -> None:
    async with client_of(api._transport.app, None) as nobody:  # type: ignore[attr-defined]
        answer = await nobody.get("/v1/keys", headers={} if header is None else {"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_the_operator_creates_tenants_and_keys_and_nothing_else(
    api: httpx.AsyncClient, vendor: MakeVendor
) -> None:
    acme = await vendor("avactis")
    token = await api.post("/v1/customers/c-1/tokens", json={})
    assert (token.status_code, token.json()["code"]) == (403, "operator_not_allowed")
    assert (await api.get(f"/v1/keys?tenant_id={acme.tenant_id}")).status_code == 200
    assert (await acme.put(f"/v1/tenants/{acme.tenant_id}", {"policy": "avactis"})).json()["code"] == "operator_only"


async def test_another_tenants_keys_are_not_found(vendor: MakeVendor) -> None:
    acme, beta = await vendor("avactis"), await vendor("shopp")
    theirs = (await beta.get("/v1/keys")).json()["data"][0]["key_id"]
    assert (await acme.delete(f"/v1/keys/{theirs}")).status_code == 404
    assert (await acme.get("/v1/keys", tenant_id=beta.tenant_id)).status_code == 404
    assert (await acme.post(f"/v1/tenants/{beta.tenant_id}/keys", {"scopes": ["*"]})).status_code == 404
    assert (await acme.post(f"/v1/tenants/{acme.tenant_id}/keys", {"scopes": ["*"]})).status_code == 201


async def test_a_suspended_tenant_opens_nothing_until_lifted(api: httpx.AsyncClient, vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    assert (await acme.get("/v1/keys")).status_code == 200
    held = await api.put(f"/v1/tenants/{acme.tenant_id}/suspension", json={"reason": "unpaid"})
    assert held.json()["suspended"] is True
    refused = await acme.get("/v1/keys")
    assert (refused.status_code, refused.json()["code"]) == (403, "tenant_suspended")
    await api.put(f"/v1/tenants/{acme.tenant_id}/suspension", json={"suspended": False})
    assert (await acme.get("/v1/keys")).status_code == 200


async def test_cursors_are_signed_and_belong_to_their_list(vendor: MakeVendor) -> None:
    acme, beta = await vendor("avactis"), await vendor("avactis")
    for number in range(3):
        await acme.as_key("*", label=f"k{number}")
    page = await acme.get("/v1/keys", limit=2)
    cursor = page.json()["next_cursor"]
    assert f"cursor={cursor}" in page.headers["link"]
    rest = (await acme.get("/v1/keys", limit=2, cursor=cursor)).json()
    assert [one["label"] for one in rest["data"]] == ["k1", "k2"]
    assert rest["next_cursor"] is None
    for wrong in (altered(cursor), cursor + "A", cursor + "=", "x", "%00", "é", "A" * 100):
        answer = await acme.client.get("/v1/keys", params={"limit": 2, "cursor": wrong})
        assert answer.status_code in (400, 422), wrong
    assert (await beta.get("/v1/keys", limit=2, cursor=cursor)).json()["code"] == "cursor_invalid"


async def test_ready_live_and_problems(api: httpx.AsyncClient) -> None:
    assert (await api.get("/readyz")).json() == {"status": "ok", "warnings": []}
    assert (await api.get("/livez")).status_code == 200
    listed = (await api.get("/problems")).json()["data"]
    assert {"code", "type", "status", "title", "cause", "next_step"} == set(listed[0])
    page = await api.get("/problems/unauthorized", headers={"Accept": "text/html"})
    assert "<h1>No valid key</h1>" in page.text
    assert (await api.get("/nowhere")).json()["code"] == "path_not_found"
    assert (await api.post("/livez")).json()["code"] == "method_not_allowed"
    assert OPERATOR_KEY not in str(listed)


@pytest.mark.parametrize("key", ["a", "ab", "abc"])
def test_a_cursor_has_one_spelling(key: str) -> None:
    """The last character of base64 may have bits that say nothing: another one is not taken for it."""
    cursor = encode_cursor(b"secret", "list", key)
    assert decode_cursor([b"secret"], "list", cursor) == key
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if last != cursor[-1]:
            with pytest.raises(Problem):
                decode_cursor([b"secret"], "list", cursor[:-1] + last)
