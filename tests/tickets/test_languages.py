"""What a ticket is told, in its own language where the policy has words in it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.tickets.desk import act, codes, next_id, open_ticket, order

CYRILLIC = re.compile("[а-яё]")


def russian(reasons: list[Any]) -> bool:
    """Whether there are reasons, and all of them are in Russian."""
    return bool(reasons) and all(CYRILLIC.search(one["message"].lower()) for one in reasons)


async def trace_is_russian(shop: Vendor, ticket: dict[str, Any]) -> bool:
    """Whether every reason that `explain` gives is."""
    found = await shop.ok(await shop.get(f"/v1/explain/ticket/{ticket['ticket_id']}"))
    return all(russian(step["reasons"]) for step in found["trace"] if step.get("reasons"))


async def a_customer(shop: Vendor, *skus: str) -> str:
    """A licence holder who chose credits."""
    name = next_id("c")
    made = await order(shop, name, "license", *skus)
    choice = made["choices"][0]["choice_id"]
    await shop.ok(await shop.post(f"/v1/customers/{name}/choices/{choice}", {"option": "credits"}))
    return name


async def test_a_quote_and_its_refusal(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await a_customer(shop)
    asked = await open_ticket(shop, who, language="ru-RU", category="category_2")
    assert codes(asked) == ["awaiting_confirmation"]
    assert asked["reasons"][0]["message"] == "Обращение оценено, кредитов: 10; подтвердите оценку."
    declined = await act(shop, asked, "assessments/1/confirmation", {"accept": False})
    assert codes(declined) == ["declined"]
    assert russian(declined["reasons"])
    assert await trace_is_russian(shop, asked)


async def test_credits_that_are_returned_and_those_that_are_missing(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await a_customer(shop)
    served = await open_ticket(shop, who, language="ru", category="category_3", agreed_up_to=20)
    done = await act(shop, served, "resolution", {"cause": "software_bug"})
    assert russian(done["reasons"]), done["reasons"]
    held = await open_ticket(shop, who, language="ru", category="category_3", agreed_up_to=20)
    more = await open_ticket(shop, who, language="ru", category="category_3", agreed_up_to=20)
    assert (held["state"], more["state"]) == ("in_progress", "in_progress")
    poor = await open_ticket(shop, who, language="ru", category="category_1")
    assert poor["state"] == "awaiting_credits"
    assert russian(poor["reasons"]), poor["reasons"]
    refused = await act(
        shop, held, "assessments", {"category": "category_3", "credits": 25, "reason": "so"}, status=(200, 201, 409)
    )
    assert russian(refused["reasons"]), refused["reasons"]


@pytest.mark.parametrize(
    ("stated", "code"), [({"channel": "email"}, "wrong_channel"), ({"category": None}, "assessment_required")]
)
async def test_why_it_is_refused_or_waits(vendor: MakeVendor, stated: dict[str, Any], code: str) -> None:
    shop = await vendor("cs-cart")
    who = await a_customer(shop)
    ticket = await open_ticket(shop, who, language="ru", **stated)
    assert code in codes(ticket)
    assert russian(ticket["reasons"]), ticket["reasons"]


async def test_the_choice_between_credits_and_a_period(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await a_customer(shop, "support-1-months")
    ticket = await open_ticket(shop, who, language="ru", category="category_1")
    assert codes(ticket) == ["pay_with_required"]
    assert russian(ticket["reasons"])
    served = await act(shop, ticket, "details", {"pay_with": "cover"})
    assert russian(served["reasons"]), served["reasons"]


async def test_other_languages_are_told_in_english(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await a_customer(shop)
    for language in ("en", "de", None):
        ticket = await open_ticket(shop, who, language=language, category="category_2")
        assert not russian(ticket["reasons"])
