"""The gatherer serves several tenants at once, each by one batch at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from app.db.gather import Gatherer, Join


class Served:
    """Runs batches as slowly as it is told, and notes which were under way together."""

    def __init__(self) -> None:
        self.under_way: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.tenants = 0
        self.batches: list[tuple[str, int]] = []
        self.go_on = asyncio.Event()

    async def run(self, tenant: str, commands: Sequence[int], _: Join) -> Sequence[int]:
        self.under_way[tenant] += 1
        self.most[tenant] = max(self.most[tenant], self.under_way[tenant])
        self.tenants = max(self.tenants, sum(count > 0 for count in self.under_way.values()))
        self.batches.append((tenant, len(commands)))
        await self.go_on.wait()
        self.under_way[tenant] -= 1
        return list(commands)


async def test_a_slow_tenant_holds_up_no_other_and_has_one_batch_at_a_time() -> None:
    served = Served()
    gatherer: Gatherer[int, int] = Gatherer(served.run, tenants=3)
    sent = [asyncio.ensure_future(gatherer.submit(tenant, n)) for n in range(5) for tenant in ("a", "b", "c", "d")]
    await asyncio.sleep(0.02)
    assert sorted(served.batches) == [("a", 5), ("b", 5), ("c", 5)], "the fourth waits for its turn"
    sent += [asyncio.ensure_future(gatherer.submit("a", n)) for n in range(5, 8)]
    await asyncio.sleep(0.02)
    assert len(served.batches) == 3, "what comes for a tenant under way waits for its batch"
    served.go_on.set()
    assert sorted(await asyncio.gather(*sent)) == sorted([*range(5)] * 4 + [5, 6, 7])
    assert sorted(served.batches)[1:2] == [("a", 5)]
    assert Counter(tenant for tenant, _ in served.batches) == {"a": 2, "b": 1, "c": 1, "d": 1}
    assert set(served.most.values()) == {1}
    assert served.tenants == 3
    await gatherer.close()
    assert gatherer.stats.waiting == 0


async def test_tenants_have_their_turns_one_after_another() -> None:
    served = Served()
    served.go_on.set()
    gatherer: Gatherer[int, int] = Gatherer(served.run, tenants=1, batch=2)
    sent = [asyncio.ensure_future(gatherer.submit("large", n)) for n in range(8)]
    sent += [asyncio.ensure_future(gatherer.submit("small", n)) for n in range(2)]
    await asyncio.gather(*sent)
    assert [tenant for tenant, _ in served.batches][:3] == ["large", "small", "large"]
