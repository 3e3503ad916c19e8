"""Whole lives beside a small model: stored seeds under each policy, and lives that once found a fault. `make lives`
goes further."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from tests.lives import everything
from tests.lives.kept import KEPT
from tests.lives.life import BrokenError, Step, lead, steps_of
from tests.lives.terms import ALL

STEPS = 40
everything()


async def led(app: FastAPI, policy: str, steps: list[Step]) -> None:
    try:
        await lead(app, policy, steps)
    except BrokenError as broken:
        pytest.fail("\n".join([str(broken), *broken.life.log[-12:]]))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("policy", sorted(ALL))
async def test_a_life(app: FastAPI, policy: str, seed: int) -> None:
    await led(app, policy, steps_of(policy, seed, STEPS))


@pytest.mark.parametrize("name", KEPT)
async def test_a_life_that_once_found_a_fault(app: FastAPI, name: str) -> None:
    await led(app, *KEPT[name])
