import cProfile, pstats, asyncio, threading, time, httpx, json
from tests.doors.test_stretches import order
from tests.conftest import MakeVendor
async def test_merge(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    c = httpx.AsyncClient(transport=httpx.ASGITransport(app=shop.app), base_url="http://testserver", headers={"Authorization": f"Bearer {shop.key}"})
    await c.put("/v1/orders/o1", json=order("c", 1000))
    await c.put("/v1/orders/o2", json=order("d", 1))
    for what, call in (("order", lambda: c.put("/v1/orders/o3", json=order("c", 1000))), ("export", lambda: c.get("/v1/customers/c/export")), ("merge", lambda: c.post("/v1/customers/d/merge", json={"into_customer_id": "c"}, headers={"Idempotency-Key": "a"})), ("erase", lambda: c.post("/v1/customers/c/erasure", json={}, headers={"Idempotency-Key": "b"}))):
        really, here, spent = asyncio.Handle._run, threading.get_ident(), []
        def run(handle):
            if threading.get_ident() != here: return really(handle)
            p = cProfile.Profile(); t = time.thread_time(); p.enable()
            try: really(handle)
            finally: p.disable(); spent.append((time.thread_time() - t, p))
        asyncio.Handle._run = run
        try: r = await call()
        finally: asyncio.Handle._run = really
        print(what, r.status_code)
        spent.sort(key=lambda x: -x[0])
        for d, p in spent[:3]:
            print("==", what, round(d*1000))
            st = pstats.Stats(p); rows = sorted(((v[3], v[0], k) for k, v in st.stats.items() if "/work/wt/faults/app/" in k[0] or v[3] > 0.01 and ".venv" not in k[0]), reverse=True, key=lambda x: x[0])[:14]
            for cum, n, k in rows: print(f"   {cum:.3f} {n:6} {k[0][-50:]}:{k[1]} {k[2]}")
