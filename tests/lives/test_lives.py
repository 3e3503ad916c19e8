"""Whole lives beside a small model, shortened: stored seeds under each policy. `make lives` goes further."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from tests.lives import everything
from tests.lives.life import BrokenError, lead, steps_of

STEPS = 40
everything()


async def led(app: FastAPI, policy: str, seed: int, count: int) -> None:
    steps = steps_of(policy, seed, count)
    try:
        await lead(app, policy, steps)
    except BrokenError as broken:
        life = broken.life
        pytest.fail(f"{broken}\n" + "\n".join(life.log[-12:]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("policy", ["x-cart", "cs-cart", "avactis", "shopp", "cactushop"])
async def test_a_life(app: FastAPI, policy: str, seed: int) -> None:
    await led(app, policy, seed, STEPS)
