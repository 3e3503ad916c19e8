"""Every verb in one process beside a merge, an erasure or itself in another, on one database.

`make faults` plays every scene; otherwise every fifth, beginning elsewhere for each kind of neighbour.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.faults.harness import ROUNDS, Harness, harness
from tests.faults.test_two_processes import two
from tests.ledger.test_each_verb_beside_a_merge import BESIDE, POLICIES, SCENES, play
from tests.support.api import START, Vendor

pytestmark = pytest.mark.slow
STEP = 1 if ROUNDS > 1 else 5
OPERATOR = {"Authorization": "Bearer rtn_op_faults-12345"}


@pytest.fixture(scope="module")
def at() -> Iterator[Harness]:
    with harness() as made:
        yield made


@contextlib.asynccontextmanager
async def shops_of(at: Harness, policy: str, name: str) -> AsyncIterator[tuple[Vendor, Vendor]]:
    """One tenant, by way of two processes."""
    async with two(at) as (clients, _):
        addresses = [str(one.base_url) for one in clients]
        async with httpx.AsyncClient(base_url=addresses[0], headers=OPERATOR, timeout=60) as operator:
            clock = {"mode": "virtual", "now": START}
            made = await operator.put(f"/v1/tenants/{name}", json={"policy": policy, "clock": clock})
            assert made.status_code == 201, made.text
            key = (await operator.post(f"/v1/tenants/{name}/keys", json={"scopes": ["*"]})).json()["key"]
        headers = {"Authorization": f"Bearer {key}"}
        async with contextlib.AsyncExitStack() as stack:
            doors = [
                await stack.enter_async_context(httpx.AsyncClient(base_url=one, headers=headers, timeout=60))
                for one in addresses
            ]
            here, there = (Vendor(name, policy, key, door, app=None) for door in doors)  # type: ignore[arg-type]
            try:
                yield here, there
            finally:
                at.kill()


def chosen(policy: str, beside: str) -> list[str]:
    """The verbs that are played."""
    names = sorted(name for name, (of, _) in SCENES.items() if of == policy)
    return names[BESIDE.index(beside) % STEP :: STEP]


@pytest.mark.parametrize("policy", POLICIES)
async def test_verbs_of_two_processes(at: Harness, policy: str) -> None:
    async with shops_of(at, policy, f"verbs-{policy}") as (here, there):
        for beside in BESIDE:
            await play(at.direct, here, there, beside, chosen(policy, beside))


def test_every_verb_is_played_by_the_whole_run() -> None:
    assert {name for policy in POLICIES for beside in BESIDE for name in chosen(policy, beside)} <= set(SCENES)
    assert STEP > 1 or all(len(chosen(policy, "merge")) for policy in POLICIES)
