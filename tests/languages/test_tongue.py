"""How a sentence is said in another language: a message and its arguments, and texts that were stored in English."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import msgspec
import pytest

from app.api.languages import speaking
from app.api.tongue import Catalogue, messages_of, spoken, spoken_text
from app.domain.policy.policy import Policy
from app.domain.policy.reason_words import reason_words, remedy_words, stored_words
from app.domain.policy.wording import credit_words, term_words, time_words
from app.domain.values.phrase import Phrase, capital, cited, english, joined, phrased, phrased_of, sentences
from app.usecases.tenants import tenants

GERMAN, RUSSIAN = Catalogue("de"), Catalogue("ru")
POLICIES: dict[str, Policy] = {policy.policy: policy for policy, _ in tenants.templates().values()}


def test_a_phrase_is_its_english_and_says_itself_in_another_language() -> None:
    phrase = phrased("until %(day)s", day=datetime(2025, 7, 15, tzinfo=UTC))
    assert phrase == "until 15 July 2025"
    assert (phrase.say(GERMAN), phrase.say(RUSSIAN)) == ("bis 15. Juli 2025", "до 15 июля 2025")
    assert (copy.deepcopy([phrase])[0].say(GERMAN), pickle.loads(pickle.dumps(phrase))) == (phrase.say(GERMAN), phrase)


@pytest.mark.parametrize(
    ("number", "one", "german", "russian"),
    [
        (1, "1 day", "1 Tag", "1 день"),
        (3, "3 days", "3 Tage", "3 дня"),
        (21, "21 days", "21 Tage", "21 день"),
        (11, "11 days", "11 Tage", "11 дней"),
    ],
)
def test_a_number_has_the_form_of_its_language(number: int, one: str, german: str, russian: str) -> None:
    phrase = term_words({"days": number})
    assert (str(phrase), phrase.say(GERMAN), phrase.say(RUSSIAN)) == (one, german, russian)


def test_credits_are_called_as_the_policy_calls_them() -> None:
    found = credit_words(POLICIES["x-cart"], 22)
    assert (str(found), found.say(GERMAN), found.say(RUSSIAN)) == ("22 points", "22 Punkte", "22 балла")
    assert time_words(75).say(RUSSIAN) == "1 ч 15 мин"


def test_sentences_are_joined_cited_and_capital_in_every_language() -> None:
    listed = joined(
        [phrased("a purchase"), phrased("order %(order)s", order="1"), phrased("order %(order)s", order="2")]
    )
    phrase = sentences(cited(capital(listed), "XC-6"), None, cited(phrased("It was met."), "XC-6"))
    assert phrase == "A purchase, order 1 and order 2 (XC-6). It was met (XC-6)."
    assert phrase.say(GERMAN) == "Ein Kauf, Bestellung 1 und Bestellung 2 (XC-6). Eingehalten (XC-6)."


def test_json_holds_the_english_of_a_phrase() -> None:
    assert msgspec.json.encode({"text": phrased("It was met.")}, enc_hook=english) == b'{"text":"It was met."}'
    with pytest.raises(TypeError):
        english(object())


def test_what_has_no_translation_stays_english() -> None:
    assert phrased("Nobody ever wrote this %(what)s.", what=3).say(GERMAN) == "Nobody ever wrote this 3."
    assert phrased_of("one %(n)s", "many %(n)s", 5, n="x").say(RUSSIAN) == "many x"


@pytest.mark.parametrize(
    ("stored", "german", "russian"),
    [
        ("cover in force", "laufender Support", "действующая поддержка"),
        ("15 more points", "15 Punkte mehr", "ещё 15 баллов"),
        ("It begins on 2 May 2025.", "Es beginnt am 2. Mai 2025.", "Начинается 2 мая 2025."),
        (
            "The cause does not return credits: 1 point is charged again.",
            "Die Ursache gibt kein Guthaben zurück: 1 Punkt wird erneut berechnet.",
            "Эта причина не ведёт к возврату: списано снова 1 балл.",
        ),
        (
            "25 points are needed, 3 are available. 2 points are owed.",
            "25 Punkte werden benötigt, 3 sind verfügbar. 2 Punkte werden geschuldet.",
            "Нужно 25 баллов, доступно 3. Долг: 2 балла.",
        ),
        (
            "the priority is high or the channel is not phone",
            "die Priorität: high oder der Kanal: nicht phone",
            "приоритет: значение «high» или канал: не «phone»",
        ),
        ("By the list: 25 points (XC-6).", "Nach der Liste: 25 Punkte (XC-6).", "По прейскуранту: 25 баллов (XC-6)."),
        ("Our shop is closed", "Our shop is closed", "Our shop is closed"),
        ("99 February 2025", "99 February 2025", "99 February 2025"),
    ],
)
def test_a_stored_sentence_is_said_by_the_message_that_makes_it(stored: str, german: str, russian: str) -> None:
    found = stored_words(POLICIES["x-cart"], stored)
    assert (str(found), found.say(GERMAN), found.say(RUSSIAN)) == (stored, german, russian)


@pytest.mark.parametrize("odd", ["", " ", "(", "%(x)s", "%", "a" * 5000, "is is is " * 200, "and " * 400, "x; " * 300])
def test_an_odd_text_stays_as_it_is(odd: str) -> None:
    with speaking("de"):
        assert spoken_text(odd) in (odd, odd.replace(" and ", " und "))
        assert isinstance(spoken([odd, {"a": (odd,)}]), list)


def test_the_policys_own_text_of_a_reason_wins() -> None:
    reason = {"code": "insufficient_credits", "message": "x", "facts": {"required": 5, "available": 1, "missing": 4}}
    german = reason_words(POLICIES["x-cart"], reason).say(GERMAN)
    assert german == "Punkte reichen nicht" or "5" in german
    remedy = remedy_words(POLICIES["x-cart"], {"kind": "buy", "text": "What nobody knows."})
    assert remedy.say(GERMAN) == POLICIES["x-cart"].translations["de"]["remedies.buy"]


def test_every_message_is_read_back_as_itself() -> None:
    """No message hides another: without arguments each is found as its own translation."""
    for forms in messages_of("de"):
        if len(forms) == 1 and "%(" not in forms[0]:
            assert GERMAN.recalled(forms[0], {}) == GERMAN.message(forms[0])
    assert isinstance(phrased("yes"), Phrase)
