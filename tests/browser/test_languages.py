"""Customers whose browsers are German and Russian: what they click, on a narrow phone, with and without scripts."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.browser.test_account import boris
from tests.browser.vendor import Shop

PATHS = ("/account/balance", "/account/statement", "/account/tickets", "/account/ticket?id=T-18")
WORDS = {
    "de": (
        "Ihr Supportkonto",
        "10 Guthabenpunkte bestätigen",
        "Sie haben den Kostenvoranschlag bestätigt.",
        "Übersicht",
    ),
    "ru": ("Ваш счёт поддержки", "Подтвердить 10 кредитов", "Вы подтвердили оценку.", "Обзор"),
}


@pytest.mark.parametrize("language", ["de", "ru"])
def test_a_narrow_account_is_whole_in_the_readers_language(shop: Shop, watched: Any, axe: str, language: str) -> None:
    boris(shop)
    eye = watched(320, locale=f"{language}-{language.upper()}")
    title, confirm, done, overview = WORDS[language]
    eye.go(shop.address("boris"))
    assert eye.page.evaluate("document.documentElement.lang") == language
    assert eye.page.get_by_role("heading", name=title).is_visible()
    eye.accessible(axe)
    eye.check()
    for path in PATHS:
        assert eye.go(path).status == 200
        eye.accessible(axe)
        eye.check()
    eye.page.get_by_role("link", name=overview).click()
    eye.page.get_by_role("button", name=confirm).click()
    eye.page.get_by_text(done).wait_for()
    eye.check()
    assert shop.call("GET", "/v1/tickets/T-20")["charge"]["held"] == 10


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_a_customer_chooses_another_language(shop: Shop, watched: Any, script: bool) -> None:
    boris(shop)
    eye = watched(320, script=script)
    eye.go(shop.address("boris"))
    eye.page.get_by_role("link", name="Русский").click()
    eye.page.get_by_role("heading", name="Ваш счёт поддержки").wait_for()
    eye.page.get_by_role("link", name="Выписка").first.click()
    eye.page.get_by_role("heading", name="Выписка").first.wait_for()
    if script:
        assert eye.page.evaluate("document.documentElement.lang") == "ru"
        assert re.search(r"2025\s*г\.", eye.page.get_by_role("main").inner_text())
        eye.check()
    eye.page.get_by_role("link", name="English").click()
    eye.page.get_by_role("heading", name="Statement").first.wait_for()


def test_a_due_time_counts_down_in_the_pages_language(service: httpx.Client, watched: Any) -> None:
    shop = Shop.open(service, "x-cart", "2025-04-07T09:00:00Z")
    shop.order("5001", "frank", "license", "credits-300")
    shop.ticket("T-51", "frank", "How do taxes work", category="level_1")
    eye = watched(768, locale="de-DE")
    eye.go(shop.address("frank"))
    due = eye.page.locator("[data-due]").first
    due.wait_for()
    assert re.match(r"in \d+\s(Tg?\.|Std\.|Min\.|Tage?)", due.inner_text()), due.inner_text()
    eye.check()
