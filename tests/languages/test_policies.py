"""Policies that speak several languages: what is checked of them, and what customers of the shipped ones read."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.api.languages import known
from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from app.domain.policy.policy import Policy
from app.domain.policy.reason_codes import reason_codes
from app.domain.policy.translations import texts_of
from tests.support.api import Vendor, make_vendor
from tests.web.test_account import account, order, ticket, visitor

FOLDER = Path(__file__).resolve().parents[2] / "app" / "policies"
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.yaml"))
GERMAN = {"accept-language": "de"}
RUSSIAN = {"accept-language": "ru"}
ENGLISH_STAYS = ("clauses.",)
"""What the shipped policies say in English alone: the clauses are the vendor's own text in brief."""


def shipped(name: str) -> Policy:
    return load_document((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")).policy


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_says_everything_in_each_language(name: str) -> None:
    policy = shipped(name)
    assert policy.languages == known()
    wanted = {key for key in texts_of(policy) if not key.startswith((*ENGLISH_STAYS, "credit_types.", "unit."))}
    codes = {reason.code for reason in reason_codes([policy])}
    codes = {code for code in codes if code in _sentences(policy)}
    for language in ("de", "ru"):
        assert wanted <= policy.translations[language].keys()
        assert codes <= policy.messages[language].keys()
    for key, german in policy.translations["de"].items():
        russian = policy.translations["ru"][key]
        assert german != russian or key.startswith("offers."), key
        assert re.search("[а-я]", russian) or key.startswith("offers."), key
    if policy.unit is not None:
        assert {key for key in policy.translations["ru"] if key.startswith("unit.")} == {
            "unit.title",
            "unit.one",
            "unit.few",
            "unit.many",
        }


def _sentences(policy: Policy) -> set[str]:
    """The codes of the policy's own rules, which have a sentence each."""
    texts = (FOLDER / f"{policy.policy}.yaml").read_text(encoding="utf-8")
    return set(re.findall(r"\bcode: ([a-z_]+)", texts))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_check_finds_nothing_in_a_shipped_policy(name: str) -> None:
    assert check_policy(shipped(name)) == ()


def findings(name: str, *changes: tuple[str, str]) -> Iterator[tuple[str, str, str]]:
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    for found in check_policy(load_document(text).policy):
        yield found.code, found.path, found.severity


def test_a_language_that_lacks_what_another_has_is_named() -> None:
    lacking = findings("cs-cart", ("    offers.license: CS-Cart-Lizenz\n", ""))
    assert list(lacking) == [("translation_missing", "/translations/de", "warning")]
    lacking = findings("cs-cart", ("    covered: Период поддержки действует.\n", ""))
    assert list(lacking) == [("translation_missing", "/messages/ru", "warning")]


def test_a_name_that_is_none_is_named() -> None:
    assert ("unknown_text", "/translations/de/offers.licence", "warning") in findings(
        "cs-cart", ("    offers.license: CS-Cart-Lizenz", "    offers.licence: CS-Cart-Lizenz")
    )


def test_placeholders_that_differ_are_named() -> None:
    assert ("other_placeholders", "/translations/ru/notices.cover_and_backup", "error") in findings(
        "cactushop", ("период поддержки действует до {cover_ends_at}", "период поддержки действует")
    )
    changed = findings("cs-cart", ("Verfügbare Guthabenpunkte: {credits.available}.", "Guthabenpunkte sind verfügbar."))
    assert [row[:2] for row in changed] == [("other_placeholders", "/messages/ru/credits_available")]


def test_a_language_that_is_not_listed_is_named() -> None:
    found = list(findings("cs-cart", ("languages: [en, de, ru]", "languages: [en, ru]")))
    assert ("unknown_language", "/translations/de", "warning") in found


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    yield vendor
    await vendor.close()


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.partition("<body")[2])).split())


async def test_a_customer_reads_titles_in_the_pages_language(acme: Vendor) -> None:
    browser = await account(acme)
    german = words((await browser.get("/account", headers=GERMAN)).text)
    assert "Technischer Support für 3 Monate, alle Lizenzen des Kontos" in german
    assert "Paket mit 25 Guthabenpunkten" in german
    assert "Probleme durch Einstellungen" in german
    russian = words((await browser.get("/account", headers=RUSSIAN)).text)
    assert "Пакет из 25 кредитов" in russian
    english = words((await browser.get("/account")).text)
    assert "Package of 25 credits" in english
    assert "Category 2" in english


async def test_a_customer_reads_why_not_in_the_pages_language(acme: Vendor) -> None:
    await order(acme, "ann", "o-1", "license")
    await ticket(acme, "t-1", "ann", category="category_2")
    browser = await visitor(acme, "ann")
    page = words((await browser.get("/account", headers=GERMAN)).text)
    assert "Wählen Sie zuerst, was die Lizenz bringt: 40 Guthabenpunkte oder 30 Tage." in page
    page = words((await browser.get("/account", headers=RUSSIAN)).text)
    assert "Сначала выберите, что даёт лицензия" in page


async def test_points_are_points_in_every_language(app: FastAPI) -> None:
    shop = await make_vendor(app, "x-cart")
    await order(shop, "bob", "o-1", "license", "credits-60")
    browser = await visitor(shop, "bob")
    german = words((await browser.get("/account", headers=GERMAN)).text)
    assert "Punkte" in german
    assert "Punkte für technischen Support" in german
    assert re.search(r"\d+ балл", words((await browser.get("/account", headers=RUSSIAN)).text))
    await shop.close()


async def test_a_refusal_gives_the_policys_reason_in_the_callers_language(acme: Vendor) -> None:
    await order(acme, "ann", "o-1", "license")
    found = {}
    for language, headers in (("en", {}), ("de", GERMAN), ("ru", RUSSIAN)):
        answer = await acme.client.post(
            "/v1/customers/ann/debits", json={"credits": 999}, headers={"idempotency-key": language, **headers}
        )
        assert answer.status_code == 409
        found[language] = answer.json()
    (reason,) = found["de"]["reasons"]
    assert reason["message"] == f"Benötigte Guthabenpunkte: 999, verfügbare: {reason['facts']['available']}."
    assert found["de"]["detail"] == reason["message"]
    assert found["ru"]["detail"].startswith("Нужно кредитов: 999")
    for language in ("de", "ru"):
        assert found[language]["reasons"][0]["facts"] == found["en"]["reasons"][0]["facts"]
        assert found[language]["code"] == found["en"]["code"] == "insufficient_credits"


async def test_a_german_ticket_has_its_reasons_in_german(app: FastAPI) -> None:
    shop = await make_vendor(app, "avactis")
    await order(shop, "eve", "o-1", "license-owned")
    made = await ticket(shop, "t-1", "eve", language="de", category="root_cause")
    assert any("Mitarbeiter" in reason["message"] for reason in made["reasons"]), made["reasons"]
    await shop.close()


async def test_what_is_asked_for_is_named_in_the_language_of_the_sentence(app: FastAPI) -> None:
    shop = await make_vendor(app, "x-cart")
    await order(shop, "bob", "o-1", "license", "credits-60")
    made = await ticket(shop, "t-1", "bob", language="ru", category="aspe_transfer")
    assert [reason["message"] for reason in made["reasons"]] == ["Не указано: Число развёрнутых магазинов."]
    browser = await visitor(shop, "bob")
    german = words((await browser.get("/account", headers=GERMAN)).text)
    assert "Nicht angegeben: Zahl der eingerichteten Shops." in german
    body = {"author": "vendor", "kind": "service"}
    refused = await shop.client.post(
        "/v1/tickets/t-1/responses", json=body, headers={"idempotency-key": "r-1", **GERMAN}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "fact_missing")
    assert refused.json()["detail"] == "Nicht angegeben: Zahl der eingerichteten Shops."
    await shop.close()


async def test_packs_that_would_be_enough_are_named_with_how_many(app: FastAPI) -> None:
    shop = await make_vendor(app, "x-cart")
    await order(shop, "bob", "o-1", "license", "credits-60")
    await ticket(shop, "t-1", "bob", category="aspe_transfer", inputs={"N": 3})
    browser = await visitor(shop, "bob")
    english = words((await browser.get("/account")).text)
    assert "Buy 3 × credits-60 34.50 USD each" in english
    assert "Buy credits-300 for 169.50 USD" in english
    german = words((await browser.get("/account", headers=GERMAN)).text)
    assert "Kaufen: 3 × credits-60 je 34,50 $" in german
    assert "would be enough" not in english + german
    await shop.close()


async def test_which_of_several_licenses_is_asked_in_the_pages_language(app: FastAPI) -> None:
    shop = await make_vendor(app, "avactis")
    await order(shop, "eve", "o-1", "license-leased", "license-owned")
    made = await ticket(shop, "t-1", "eve", category="features")
    assert [reason["code"] for reason in made["reasons"]] == ["license_required"]
    browser = await visitor(shop, "eve")
    for headers, asked in (
        (GERMAN, "Auf dem Konto sind mehrere Lizenzen; um welche geht es?"),
        (RUSSIAN, "На счёте несколько лицензий; о какой идёт речь?"),
    ):
        assert asked in words((await browser.get("/account", headers=headers)).text)
    await shop.close()
