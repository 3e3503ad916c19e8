"""Remedies cure: do what one says and ask again, and the answer is another one; under every policy, for random lives.

A remedy that helps later says when. One that cannot be tried out sells nothing.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.remedies.rehearsal import POLICIES, Life, Question, Step, readable, refused, said, tenant, try_out

SKUS = {
    "cactushop": ["license-standard", "license-pro", "support-12-months", "credits-5"],
    "cs-cart": ["license", "support-1-months", "support-12-months", "credits-25", "credits-100"],
    "avactis": ["license-free", "license-owned", "license-saas-basic", "credits-7", "credits-40"],
    "shopp": [
        "license",
        "credit-priority",
        "credit-escalated",
        "credit-plugin-installation",
        "credit-addon-installation",
    ],
    "x-cart": ["license", "credits-60", "credits-300"],
    "powerserver": ["license", "support-12-months", "credits-1", "credits-3"],
}
ACTIONS = {
    "cactushop": ["open_ticket", "download", "user_area"],
    "cs-cart": ["open_ticket", "forum_post"],
    "avactis": ["open_ticket", "download"],
    "shopp": ["open_ticket"],
    "x-cart": ["open_ticket"],
    "powerserver": ["open_ticket", "download"],
}
CATEGORIES = {
    "cactushop": [None],
    "shopp": [None],
    "powerserver": ["defect", "issue", None],
    "cs-cart": ["category_1", "category_3", "bug_report", "minor_modification", None],
    "avactis": ["general", "features", "domain_change", "edition_update", "patching", None],
    "x-cart": ["level_0", "level_2", "installation", "aspe_transfer", "other", None],
}
FACTS: dict[str, dict[str, list[Any]]] = {
    "shopp": {
        "request_kind": ["diagnosis", "plugin_installation", "hosting_certification", "addon_installation", "design"],
        "working_wordpress": [True, False],
        "working_shopp": [True, False],
        "addon": ["gift-cards"],
        "official": [True],
        "modified": [False, True],
        "current_release": [True],
        "clear_description": [True],
        "single_issue": [True],
        "host": ["one.example", "two.example"],
    },
    "cs-cart": {"request_kind": ["consultation", "new_function"], "customization": [True, False]},
    "powerserver": {"reproducible": [True, False], "request_kind": ["defect", "feature"]},
}


def lives(policy: str) -> st.SearchStrategy[list[Step]]:
    """What may have happened before somebody asks."""
    buys = st.tuples(st.just("buy"), st.sampled_from(SKUS[policy]), st.integers(1, 2))
    steps: list[st.SearchStrategy[Step]] = [
        buys,
        buys,
        st.tuples(st.just("wait"), st.sampled_from([1, 20, 100, 200, 400])),
        st.tuples(st.just("choose"), st.integers(0, 1)),
        st.tuples(st.just("ticket"), st.just({})),
        st.tuples(st.just("suspend")),
        st.tuples(st.just("terminate")),
        st.tuples(st.just("register")),
        st.tuples(st.just("spend"), st.integers(1, 60)),
        st.tuples(st.just("refund"), st.integers(1, 3)),
    ]
    return st.lists(st.one_of(steps), max_size=7)


@st.composite
def questions(draw: st.DrawFn, policy: str) -> Question:
    """What somebody may ask."""
    if draw(st.booleans()):
        asked: dict[str, Any] = {"action": draw(st.sampled_from(ACTIONS[policy]))}
        if draw(st.booleans()):
            asked["license"] = draw(st.integers(0, 2))
        if asked["action"] == "forum_post":
            asked["forum"] = draw(st.sampled_from(["News", "WHY CS-Cart?"]))
        return "may", asked
    body: dict[str, Any] = {"category": draw(st.sampled_from(CATEGORIES[policy]))}
    body["channel"] = draw(st.sampled_from(["helpdesk", "helpdesk", "email"]))
    body["language"] = draw(st.sampled_from(["en", "de"]))
    if policy in FACTS:
        facts = FACTS[policy]
        named = draw(st.sets(st.sampled_from(sorted(facts))))
        body["facts"] = {name: draw(st.sampled_from(facts[name])) for name in sorted(named)}
    if policy == "shopp":
        body["credit_type"] = draw(st.sampled_from(["priority", "plugin_installation", "addon_installation", None]))
    if policy in {"cs-cart", "avactis"}:
        body["pay_with"] = draw(st.sampled_from([None, "credits", "cover"]))
    if policy == "cs-cart":
        body["agreed_up_to"] = draw(st.sampled_from([None, 15, 100]))
    return "ticket", {name: one for name, one in body.items() if one is not None}


EXAMPLES = int(os.environ.get("RETAINER_EXAMPLES", "12"))
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Not shrunk: every example is several tenants, and a failing one is short as it is."""


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_what_a_remedy_says_changes_the_answer(app: FastAPI, policy: str, data: st.DataObject) -> None:
    steps = data.draw(lives(policy))
    question = data.draw(questions(policy))
    async for answer, remedy, life, again in rehearsed(app, policy, steps, question):
        if again is None:
            assert "sku" not in remedy, f"{remedy} cannot be tried out"
            continue
        then = await life.ask(again)
        readable(life.seen)
        assert said(then) != said(answer), (remedy, said(then))
        if "helps_at" in remedy and "allowed" in then:
            assert then["allowed"], (remedy, then)


async def rehearsed(app: FastAPI, policy: str, steps: list[Step], question: Question) -> Any:
    """Each remedy of the answer, tried out in a life of its own."""
    shop = await tenant(app, policy)
    first = Life(shop)
    await first.live(steps)
    answer = await first.ask(question)
    readable(first.seen)
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == [], (steps, question)
    await shop.close()
    if not refused(answer):
        return
    for place in range(len(answer["remedies"])):
        shop = await tenant(app, policy)
        life = Life(shop)
        await life.live(steps)
        same = await life.ask(question)
        assert said(same) == said(answer), "a story told again is the same story"
        again = await try_out(life, question, same, same["remedies"][place])
        yield same, same["remedies"][place], life, again
        await shop.close()
