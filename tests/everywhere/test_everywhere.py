"""Each feature of a policy in every place, over HTTP: one scene a feature, played once and looked at everywhere."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.everywhere.play import Stage
from tests.everywhere.scene import PLACES, Lived, Scene
from tests.everywhere.table import SCENES
from tests.lives import everything
from tests.lives.life import COMMANDS, DOCUMENTS, OWN

ROOT = Path(__file__).parents[2]
everything()
WANTED = {
    "severity",
    "promises_by_plan",
    "escalations",
    "breach_credits",
    "conditional_prices",
    "time_prices",
    "first_free",
    "recurring_reset",
    "recurring_accumulate",
    "recurring_rollover",
    "ends_with_plan",
    "top_up",
    "overdraft",
    "limit_per_person",
    "kept_credits",
    "gate",
    "levels",
    "upgrade",
    "downgrade",
    "cancellation",
    "suspension",
    "reinstatement",
    "seats",
    "trial",
    "releases",
    "named_contacts",
    "counts",
    "money",
}
"""What a policy can say beyond the five that are shipped."""


def test_each_feature_has_a_scene_and_each_scene_every_place() -> None:
    assert {scene.feature for scene in SCENES} == WANTED
    assert len(SCENES) == len(WANTED)
    for scene in SCENES:
        assert [place for place in PLACES if getattr(scene, place) in (..., (), "", None)] == [], scene.feature
        assert scene.permuted, scene.feature
        assert scene.same, scene.feature


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.feature)
async def test_a_feature_is_seen_in_every_place(app: FastAPI, api: httpx.AsyncClient, scene: Scene) -> None:
    stage = await (await Stage.of(app, api, scene)).played()
    await stage.validate()
    await stage.price()
    await stage.simulate()
    await stage.explain()
    await stage.counterfactual()
    await stage.statement()
    await stage.events()
    await stage.graphql()
    await stage.as_of()
    await stage.audit(app)
    await stage.shop.close()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.feature)
async def test_what_is_delivered_comes_to_the_same_in_any_order(
    app: FastAPI, api: httpx.AsyncClient, scene: Scene
) -> None:
    await Stage(None, scene).permuted(app, api)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.feature)
def test_whole_lives_have_it_or_the_reason_names_a_test(scene: Scene) -> None:
    lived = scene.lives
    if isinstance(lived, Lived):
        shipped = ROOT / "app" / "policies" / f"{lived.policy}.yaml"
        text = DOCUMENTS[lived.policy] if lived.policy in DOCUMENTS else shipped.read_text(encoding="utf-8")
        assert lived.holds in text
        weights = COMMANDS[lived.by][1]
        assert (
            OWN.get(lived.policy, weights).get(lived.by, weights.get("rest", 0)) > 0 or weights.get(lived.policy, 0) > 0
        )
    else:
        reason, path = lived.rsplit(": ", 1)
        assert reason
        assert (ROOT / path.split()[0]).exists(), lived
