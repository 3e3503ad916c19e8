"""A policy's check runs the policy: what would fail for a ticket fails in `validate` first, with its line."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest

from app.documents import policy_checks
from app.documents.checks import story
from app.documents.policy_document import dump, load_document
from app.documents.trial import steps, trial
from app.domain.policy import conditions, prices
from app.domain.tickets import entitlement
from app.domain.values.errors import DomainError
from app.usecases.tenants import tenants
from tests.conftest import MakeVendor
from tests.support.api import Vendor

NAMES = sorted(tenants.templates())


def document(name: str) -> dict[str, Any]:
    return copy.deepcopy(dump(tenants.templates()[name][0]))


async def found(shop: Vendor, draft: dict[str, Any]) -> list[dict[str, Any]]:
    """The errors of a draft, as `validate` tells them; publishing it is refused for the same ones."""
    text = json.dumps(draft, indent=1)
    answer = await shop.ok(await shop.post("/v1/policies/validate", {"document": text}, key=None))
    errors = [one for one in answer["problems"] if one["severity"] == "error"]
    assert answer["valid"] is not bool(errors)
    refused = await shop.post(f"/v1/policies/{draft['policy']}/versions", {"document": text})
    if errors:
        assert (refused.status_code, refused.json()["code"]) == (422, "policy_invalid"), refused.text
        told = refused.json()["facts"]["problems"]
        assert [(one["code"], one["line"]) for one in told] == [(one["code"], one["line"]) for one in errors]
    else:
        assert refused.status_code == 201, refused.text
    return errors


def line_of(draft: dict[str, Any], words: str) -> int:
    """The line on which these words stand; they stand once."""
    (line,) = [n for n, text in enumerate(json.dumps(draft, indent=1).splitlines(), 1) if words in text]
    return line


@pytest.mark.parametrize("name", NAMES)
def test_the_story_of_a_shipped_policy_is_played_to_its_end(name: str) -> None:
    policy = tenants.templates()[name][0]
    began = time.process_time()
    verdict = trial.play(policy, story._hours("service-hours", policy.service_hours), {}, over=lambda: False)
    assert (verdict.failures, verdict.complete) == ((), True)
    assert time.process_time() - began < 2 * story.SECONDS_MAX


@pytest.mark.parametrize("name", NAMES)
def test_the_story_comes_to_every_part_of_a_ticket(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of thing that a policy offers is done at least once, so that its rules have run."""
    policy, seen = tenants.templates()[name][0], set[str]()
    really = trial._Life._act

    def act(self: Any, words: str, work: Any, *, refusable: bool) -> Any:
        answer: Any = None
        refused = True

        def doing() -> Any:
            nonlocal refused
            made = work()
            refused = False
            return made

        answer = really(self, words, doing, refusable=refusable)
        if not refused:
            seen.add(words.split(" `")[0])
        return answer

    monkeypatch.setattr(trial._Life, "_act", act)
    trial.play(policy, story._hours("service-hours", policy.service_hours), {}, over=lambda: False)
    wanted = {
        "showing the offer",
        "asking for the action",
        "an order of",
        "quoting money back",
        "refunding an order of",
        "stating details",
        "qualifying" if policy.qualification.by == "agent" else "opening a ticket",
        "a customer's message",
        "a service response",
        "judging what fell due",
        "resolving",
        "showing a ticket",
        *(["asking for access", "granting access"] if policy.access else []),
        *(["pausing for", "going on"] if policy.pause_reasons else []),
        *(["reopening"] if policy.reopening else []),
        *(["a dispute", "deciding a dispute"] if policy.disputes else []),
        *(["suspending cover", "resuming cover"] if policy.cover.suspensions else []),
        *(["the customer's consent"] if policy.confirmation else []),
    }
    # What needs a category or a quote is told with it, what has no credits is not quoted.
    assert {one for one in wanted if one not in seen and not any(s.startswith(one) for s in seen)} <= (
        set() if policy.credits else {"quoting money back"}
    )


async def test_a_rule_that_cannot_be_worked_out_is_named_with_its_line(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that passes every check of its parts and fails for every customer with dated cover, and only for them."""
    shop, draft = await vendor("cactushop"), document("cactushop")
    rule = {
        "allow": False,
        "code": "late",
        "clause": draft["clauses"][0]["id"],
        "message": "Over {cover.ends_at}.",
        "when": {"fact": "cover.ends_at", "op": "lt", "value": "2035-05-06T07:08:09Z"},
    }
    draft["actions"][0]["rules"].insert(0, rule)
    assert await found(shop, draft) == []
    really = entitlement.render

    def render(text: str, facts: Any) -> str:
        if text == rule["message"]:
            raise OverflowError("date value out of range")
        return really(text, facts)

    monkeypatch.setattr(entitlement, "render", render)
    errors = await found(shop, draft)
    assert {one["code"] for one in errors} == {"story_fails"}
    assert {one["path"] for one in errors} == {"/actions/0/rules/0"}
    assert abs(errors[0]["line"] - line_of(draft, rule["message"])) <= 4
    assert f"asking for the action `{draft['actions'][0]['action']}`" in errors[0]["message"]
    assert "too large" in errors[0]["message"]
    assert errors[0]["hint"]


async def test_what_a_check_itself_cannot_work_out_is_named_with_its_line(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`validate` answers whatever the document says; it never is a fault of the service."""
    shop, draft = await vendor("cactushop"), document("cactushop")
    rule = {
        "allow": False,
        "code": "late",
        "clause": draft["clauses"][0]["id"],
        "message": "No more.",
        "when": {"fact": "cover.ends_at", "op": "lt", "value": "2035-05-06T07:08:09Z"},
    }
    draft["actions"][0]["rules"].insert(0, rule)

    def lt(fact: Any, value: Any) -> bool:
        raise OverflowError("date value out of range")

    monkeypatch.setitem(conditions._COMPARE, "lt", lt)  # type: ignore[arg-type]
    errors = await found(shop, draft)
    assert {one["code"] for one in errors} == {"check_fails"}
    assert errors[0]["path"] == "/actions/0/rules/0/when"
    assert abs(errors[0]["line"] - line_of(draft, "2035-05-06T07:08:09Z")) <= 3


@pytest.mark.parametrize("name", ["x-cart", "cs-cart", "avactis"])
async def test_a_price_that_cannot_be_worked_out_is_named_at_its_category(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shop, draft = await vendor(name), document(name)
    third = draft["categories"][2]["category"]
    really = prices.quote

    def quote(category: Any, inputs: Any) -> Any:
        if category.category == third:
            raise ZeroDivisionError
        return really(category, inputs)

    monkeypatch.setattr(prices, "quote", quote)
    errors = await found(shop, draft)
    assert {one["path"] for one in errors} == {"/categories/2"}
    assert f"`{third}`" in errors[0]["message"]


def test_a_failure_in_one_life_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures of two kinds are both told, each once."""
    draft = document("x-cart")
    loaded = load_document(json.dumps(draft))
    really = steps.handling.respond

    def respond(desk: Any, **said: Any) -> Any:
        if said["author"] == "vendor":
            raise KeyError("no such thing")
        return really(desk, **said)

    monkeypatch.setattr(steps.handling, "respond", respond)
    monkeypatch.setattr(trial.refunds, "guarantee_of", lambda *_: 1 / 0)
    told = [one for one in policy_checks.check_policy(loaded.policy, loaded.marks) if one.code == "story_fails"]
    words = " ".join(one.message for one in told)
    assert "a service response" in words
    assert "refunding an order" in words
    assert len(told) <= trial.FAILURES_MAX


def test_a_story_ends_when_its_time_is_up() -> None:
    policy = tenants.templates()["x-cart"][0]
    asked = iter(range(10**6))
    verdict = trial.play(
        policy, story._hours("service-hours", policy.service_hours), {}, over=lambda: next(asked) >= 100
    )
    assert not verdict.complete
    assert next(asked) == 101


def test_what_a_rule_refuses_is_no_failure() -> None:
    """The life itself meets refusals all the time; a policy that refuses everything is a policy."""
    draft = document("shopp")
    clause = draft["clauses"][0]["id"]
    no = {"allow": False, "code": "closed", "clause": clause, "message": "We are closed for good."}
    for action in draft["actions"]:
        action["rules"] = [no]
    loaded = load_document(json.dumps(draft))
    verdict = trial.play(
        loaded.policy, story._hours("service-hours", loaded.policy.service_hours), {}, over=lambda: False
    )
    assert verdict.failures == ()


def test_a_refusal_of_what_may_not_be_refused_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders and tickets are always recorded."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise DomainError("wrong_state", state="x", action="open")

    monkeypatch.setattr(trial.opening, "open_ticket", refuse)
    policy = tenants.templates()["cs-cart"][0]
    verdict = trial.play(policy, story._hours("service-hours", policy.service_hours), {}, over=lambda: False)
    assert verdict.failures
    assert all(one.act.startswith("opening a ticket") for one in verdict.failures)
