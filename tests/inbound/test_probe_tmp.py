import os, random
import pytest
from tests.inbound.test_changed_orders import *
from tests.inbound import test_changed_orders as m
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("policy,skus", [("cactushop", ["license-standard","license-pro","support-12-months","credits-10"]), ("avactis", ["license-owned","credits-10","credits-20"]), ("x-cart", ["license","credits-60","credits-120"])])
async def test_probe(app, vendor, seed, policy, skus, monkeypatch):
    db = app.state.house.database
    monkeypatch.setattr(m, "SKUS", skus)
    rng = random.Random(5000+seed)
    try:
        events = [e for n in range(1,4) for e in m.life(rng, n)]
    except TypeError:
        events = [e for n in range(1,4) for e in m.life(rng, n, skus)]
    events.sort(key=lambda one: one["timestamp"])
    found=[]
    for way in range(3):
        tenant, token = await a_shop(vendor, policy)
        order = list(events) if way==0 else rng.sample(events,len(events))
        await deliver(app, tenant, token, order, each=way<2)
        pk = await parked(tenant)
        found.append((pk, await histories.projection(db, tenant.tenant_id, standing=True)))
        assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []
    if any(p for p,_ in found): pytest.skip("parked "+str([p for p,_ in found])[:200])
    for name in found[0][1]:
        for _, other in found[1:]:
            a,b=set(found[0][1][name]),set(other[name])
            assert found[0][1][name]==other[name], (name, a-b, b-a)
