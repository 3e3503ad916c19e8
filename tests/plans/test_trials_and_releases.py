"""A trial once a customer, and releases that are supported until a day, for a time, or as the newest ones."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.everywhere.scene import BASE
from tests.plans.shop import DOCUMENT, NOW, bought, codes, offer, opened
from tests.support.api import Vendor
from tests.support.vendors import sound, vendor_under

TRIAL = """
  - sku: trial
    title: Gold for 14 days, once
    kind: cover
    clause: P-2
    price: {amount: "0.00", clause: P-2}
    requires: {no: {fact: customer.plans_had, op: contains, value: gold}}
    otherwise: {code: trial_used, clause: P-2, message: "There was a trial already, or gold itself."}
    grants: [{kind: cover, rule: trial, clause: P-2, term: {days: 14}, start: order, plan: gold, free: true}]
actions:
"""
RELEASES = """
releases:
  fact: version
  clause: P-7
  newest: 2
  age: {years: 2}
  releases:
    - {release: "3", released: "2022-03-01"}
    - {release: "4", released: "2023-06-01", until: "2025-03-31"}
    - {release: "4.1", released: "2024-06-01"}
    - {release: "5", released: "2025-05-01"}
facts: [{fact: version, title: the version, clause: P-7, type: text}]
qualification:
"""
CHECK = """
    - check: release
      code: release_not_supported
      clause: P-7
      message: "Support of release {release.name} ended on {release.ends_at}."
      require: {fact: release.supported, value: true}
      on_unknown: ask
      asks: [version]
    - check: calls
"""
WHOLE = (
    DOCUMENT.replace("actions:\n", TRIAL.lstrip("\n"), 1)
    .replace("qualification:\n", RELEASES.lstrip("\n"), 1)
    .replace("    - check: calls\n", CHECK.lstrip("\n"), 1)
)


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> AsyncIterator[Vendor]:
    """A tenant under the plans with a trial and releases."""
    made = await vendor_under(app, api, WHOLE, now=NOW)
    yield made
    await made.close()


async def test_a_trial_is_given_once(shop: Vendor) -> None:
    assert (await offer(shop, "trial"))["available"]
    first = await bought(shop, "o1", "trial")
    assert [(cover["plan"], cover["ends_at"]) for cover in first["covers"]] == [("gold", "2025-03-17T10:00:00Z")]
    assert codes((await offer(shop, "trial"))["reasons"]) == ["trial_used"]
    await shop.move_clock("2025-06-01T10:00:00Z")
    again = await bought(shop, "o2", "trial")
    assert (again["covers"], codes(again["not_granted"])) == ([], ["trial_used"])
    await sound(shop)


@pytest.mark.parametrize("arrival", [*itertools.permutations(("o1", "o2", "o3"))], ids=str)
async def test_of_several_trials_the_first_that_was_placed_stands(shop: Vendor, arrival: tuple[str, ...]) -> None:
    placed = {"o1": NOW, "o2": "2025-03-04T10:00:00Z", "o3": "2025-03-05T10:00:00Z"}
    await shop.move_clock("2025-03-06T10:00:00Z")
    for order in arrival:
        await bought(shop, order, "trial", at=placed[order])
    covers = (await shop.ok(await shop.get("/v1/customers/ann")))["covers"]
    assert [(c["order_id"], c["ends_at"]) for c in covers if c["state"] == "running"] == [
        ("o1", "2025-03-17T10:00:00Z")
    ]
    await sound(shop)


async def asked(shop: Vendor, version: str | None, at: str | None = None) -> Any:
    """A ticket about a release, of a customer whose gold plan runs."""
    if at is not None:
        await shop.move_clock(at)
    now = (await shop.ok(await shop.get("/v1/clock")))["now"]
    customer = f"c-{version}-{now[:10]}".replace(".", "-")
    await bought(shop, f"o-{customer}", "gold", customer=customer)
    more = {} if version is None else {"facts": {"version": version}}
    return await opened(shop, f"T-{customer}", customer=customer, **more)


async def test_a_release_that_is_too_old_is_refused_with_its_day(shop: Vendor) -> None:
    old = await asked(shop, "3.2.1")
    assert (old["state"], codes(old["reasons"])) == ("rejected", ["release_not_supported"])
    assert old["reasons"][0]["message"] == "Support of release 3 ended on 1 March 2024."
    assert old["reasons"][0]["would_change"] == "a release that is supported"
    assert (await asked(shop, "4"))["state"] == "in_progress"
    assert (await asked(shop, "4.1.9"))["state"] == "in_progress"


async def test_the_last_day_counts_whole_and_a_third_release_ends_the_first(shop: Vendor) -> None:
    assert (await asked(shop, "4.0", "2025-03-31T23:59:59Z"))["state"] == "in_progress"
    ended = await asked(shop, "4.0", "2025-04-01T00:00:00Z")
    assert ended["reasons"][0]["message"] == "Support of release 4 ended on 1 April 2025."
    assert (await asked(shop, "4.1", "2025-05-01T00:00:00Z"))["state"] == "in_progress", "one of the newest two"
    assert (await asked(shop, "4.1", "2026-05-31T23:59:59Z"))["state"] == "in_progress"
    assert (await asked(shop, "4.1", "2026-06-01T00:00:00Z"))["state"] == "rejected", "two years old"


async def test_what_is_not_stated_is_asked_for_and_what_is_not_known_passes(shop: Vendor) -> None:
    ticket = await asked(shop, None)
    assert (ticket["state"], ticket["asks"]) == ("needs_facts", ["version"])
    for version in ("9.9", "5"):
        assert (await asked(shop, version))["state"] == "in_progress", "not listed, or not out yet"


async def test_what_is_not_listed_may_count_as_not_supported(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, WHOLE.replace("newest: 2", "newest: 2\n  unlisted: unsupported"), now=NOW)
    for version in ("9.9", "5"):
        assert codes((await asked(shop, version))["reasons"]) == ["release_not_supported"]
    assert (await asked(shop, "4.1"))["state"] == "in_progress"
    await shop.close()


def test_releases_are_checked_with_their_lines() -> None:
    for before, after, code in (
        ('until: "2025-03-31"', 'until: "2025-02-30"', "bad_day"),
        ('until: "2025-03-31"', 'until: "9999-12-31"', "bad_day"),
        ('released: "2022-03-01"', 'released: "0001-01-01"', "bad_day"),
        ('until: "2025-03-31"', 'until: "2023-05-31"', "ends_before"),
        ('release: "4.1"', 'release: "4"', "duplicate_id"),
        ("newest: 2", "newest: 0", "out_of_bounds"),
        ("type: text}]", "type: integer}]", "unknown_fact"),
    ):
        document = load_document(WHOLE.replace(before, after, 1))
        found = [problem for problem in check_policy(document.policy, document.marks) if problem.code != "steps_end"]
        assert code in [problem.code for problem in found], code
        assert all(problem.line for problem in found)
    unasked = load_document(WHOLE.replace(CHECK.lstrip("\n"), "    - check: calls\n", 1))
    assert "releases_unchecked" in [problem.code for problem in check_policy(unasked.policy, unasked.marks)]


def test_a_trial_asks_for_plans_that_there_are() -> None:
    head = "    title: A month of care\n"
    asks = "    requires: {no: {fact: customer.plans_had, op: contains, value: gold}}\n"
    text = BASE.replace(head, f"{head}{asks}    otherwise: {{code: c, clause: E-1, message: m}}\n", 1)
    document = load_document(text)
    problems = check_policy(document.policy, document.marks)
    assert [each.code for each in problems if each.severity == "error"] == ["unknown_fact"]
    assert "customer.plans_had" in next(each.message for each in problems if each.code == "unknown_fact")
