"""Which language is chosen: of a header, as RFC 9110 and RFC 4647 say, and by what is asked on the page."""

from __future__ import annotations

import pytest

from app.api.formats import day_text, duration_text, minute_text, money_text, number_text
from app.api.languages import accepted, counted, current, match, speaking, text
from app.api.pages.terms import Terms
from app.api.pages.words import term
from app.domain.values.wire import parse_iso


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_ch", "de"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8", "ru"),
        ("en-GB,de;q=0.9", "en"),
        ("de;q=0.4, ru;q=0.8", "ru"),
        ("de;q=0.800, ru;q=0.8", "de"),
        ("fr, ru;q=0.5, en;q=0.4", "ru"),
        ("fr", "en"),
        ("*", "en"),
        ("de;q=0", "en"),
        ("de;q=0.000, en", "en"),
        ("de ; q=0.5 , en ; Q=0.6", "en"),
        ("de;q=2", "en"),
        ("de;q=nan", "en"),
        ("de;q=٠", "en"),
        ("de;level=1", "en"),
        (",,;;q=,", "en"),
        ("../../etc", "en"),
        ("x" * 100_000 + ",de", "en"),
    ],
)
def test_the_header_chooses(header: str, language: str) -> None:
    assert accepted(header) == language


def test_a_tag_that_is_none_of_ours_is_none() -> None:
    assert [match(tag) for tag in ("de", "de-DE-1996", "deu", "", "LC_MESSAGES", "..")] == ["de", "de", *[None] * 4]


def test_a_language_ends_with_its_answer() -> None:
    with speaking("de"):
        assert text("Yes") == "Ja"
        with speaking("ru"):
            assert text("Yes") == "Да"
        assert current() == "de"
    assert text("Yes") == "Yes"


def test_what_has_no_translation_stays_english_and_nothing_stays_nothing() -> None:
    with speaking("de"):
        assert text("A text of nobody") == "A text of nobody"
        assert text("") == ""


@pytest.mark.parametrize(
    ("number", "russian", "german"),
    [
        (0, "0 кредитов", "0 Guthabenpunkte"),
        (1, "1 кредит", "1 Guthabenpunkt"),
        (2, "2 кредита", "2 Guthabenpunkte"),
        (5, "5 кредитов", "5 Guthabenpunkte"),
        (11, "11 кредитов", "11 Guthabenpunkte"),
        (21, "21 кредит", "21 Guthabenpunkte"),
        (104, "104 кредита", "104 Guthabenpunkte"),
        (112, "112 кредитов", "112 Guthabenpunkte"),
        (1234, "1\u00a0234 кредита", "1.234 Guthabenpunkte"),
    ],
)
def test_a_number_has_the_form_that_goes_with_it(number: int, russian: str, german: str) -> None:
    with speaking("ru"):
        assert Terms().amount(number, None) == russian
    with speaking("de"):
        assert Terms().amount(number, "credits") == german


def test_a_vendors_own_word_for_a_credit_stays() -> None:
    with speaking("de"):
        assert Terms().amount(3, "points") == "3 points"


def test_each_language_writes_dates_numbers_and_money_its_own_way() -> None:
    at = parse_iso("2025-02-01T09:05:00Z")
    price = {"amount": "1249.50", "currency": "USD"}
    written = {}
    for language in ("en", "de", "ru"):
        with speaking(language):
            written[language] = (
                day_text(at),
                minute_text(at),
                number_text(-1234),
                money_text(price),
                duration_text(93_600),
            )
    assert written["en"] == (
        "1 Feb 2025",
        "1 Feb 2025, 09:05 UTC",
        "−1\u202f234",
        "1249.50\u00a0USD",
        "1\u00a0d 2\u00a0h",
    )
    assert written["de"] == (
        "1. Feb. 2025",
        "1. Feb. 2025, 09:05 UTC",
        "−1.234",
        "1.249,50\u00a0$",
        "1\u00a0Tg. 2\u00a0Std.",
    )
    assert written["ru"] == (
        "1 февр. 2025\u202fг.",
        "1 февр. 2025\u202fг., 09:05 UTC",
        "−1\u00a0234",
        "1\u00a0249,50\u00a0$",
        "1\u00a0дн. 2\u00a0ч",
    )


@pytest.mark.parametrize("currency", ["JPY", "KWD", "ISK", "XAU", "ZZZ"])
def test_no_digit_of_an_amount_is_rounded_away(currency: str) -> None:
    with speaking("de"):
        assert money_text({"amount": "12.345", "currency": currency}).startswith("12,345")


def test_lengths_of_periods_are_translated_by_their_number() -> None:
    with speaking("ru"):
        assert [term(f"{number} months") for number in (1, 3, 12)] == ["1 месяц", "3 месяца", "12 месяцев"]
        assert term(None) == ""
    assert term("1 year 6 months") == "1 year 6 months"
    with speaking("de"):
        assert term("1 year 6 months") == "1 Jahr 6 Monate"
        assert counted("%(num)d day", "%(num)d days", 1) == "1 Tag"
