"""Refusals in the language of the request: by REST, by GraphQL and by the catalogue of problems."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.api.catalogue import CATALOGUE
from tests.support.api import Vendor, client_of, make_vendor
from tests.web.test_account import account, order

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}
RUSSIAN = {"accept-language": "ru"}
WORDS = ("title", "detail", "next_step")


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    yield vendor
    await vendor.close()


def without_words(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem without what people read, and without the request's own id."""
    return {name: value for name, value in problem.items() if name not in (*WORDS, "instance")}


async def test_a_refusal_is_read_in_the_callers_language(acme: Vendor) -> None:
    english = await acme.client.get("/v1/tickets/nobody")
    german = await acme.client.get("/v1/tickets/nobody", headers=GERMAN)
    russian = await acme.client.get("/v1/tickets/nobody", headers=RUSSIAN)
    assert [answer.status_code for answer in (english, german, russian)] == [404] * 3
    assert german.json()["title"] == "Ticket nicht gefunden"
    assert russian.json()["title"] == "Обращение не найдено"
    assert german.json()["next_step"].startswith("Prüfen Sie die Kennung")
    assert without_words(german.json()) == without_words(english.json()) == without_words(russian.json())
    for answer, language in ((german, "de"), (russian, "ru")):
        assert answer.headers["content-language"] == language
        assert "Accept-Language" in answer.headers["vary"]


@pytest.mark.parametrize("header", [None, "en-US,en;q=0.9", "fr", "*", "de;q=0", "x" * 5000])
async def test_without_a_language_of_ours_all_is_as_it_was(acme: Vendor, header: str | None) -> None:
    headers = {} if header is None else {"accept-language": header}
    answer = await acme.client.get("/v1/tickets/nobody", headers=headers)
    entry = CATALOGUE["ticket_not_found"]
    body = answer.json()
    assert [body[name] for name in WORDS] == [entry.title, entry.cause, entry.next_step]
    assert "content-language" not in answer.headers
    assert "Accept-Language" not in answer.headers.get("vary", "")


async def test_several_headers_are_one_list(acme: Vendor) -> None:
    headers = [("Accept-Language", "fr"), ("Accept-Language", "ru;q=0.5, de;q=0.7")]
    assert (await acme.client.get("/v1/tickets/nobody", headers=headers)).headers["content-language"] == "de"
    assert (await acme.client.get("/card", headers=headers)).headers["content-language"] == "de"


async def test_the_catalogue_says_its_language(acme: Vendor) -> None:
    for path in ("/problems", "/problems/ticket_not_found"):
        german = await acme.client.get(path, headers=GERMAN)
        assert german.headers["content-language"] == "de"
        assert german.headers["vary"].startswith("Accept, Accept-Language")
        assert "content-language" not in (await acme.client.get(path)).headers


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "title"),
    [
        ("GET", "/v1/nothing", None, "path_not_found", "Kein solcher Pfad"),
        ("DELETE", "/v1/offers", None, "method_not_allowed", "Methode nicht erlaubt"),
        ("PUT", "/v1/tickets/t-9", {"subject": 1}, "invalid_input", "Ungültige Eingabe"),
        ("POST", "/v1/customers/ann/debits", {"credits": 10}, "idempotency_key_missing", "Idempotency-Key fehlt"),
    ],
)
async def test_every_kind_of_refusal_is_translated(
    acme: Vendor, method: str, path: str, body: Any, code: str, title: str
) -> None:
    answer = await acme.client.request(method, path, json=body, headers=GERMAN)
    assert (answer.json()["code"], answer.json()["title"]) == (code, title)
    assert answer.headers["content-language"] == "de"


async def test_nobody_without_a_key_is_told_so_in_german(app: FastAPI) -> None:
    async with client_of(app, None) as nobody:
        answer = await nobody.get("/v1/tickets/t-1", headers=GERMAN)
    assert answer.json()["detail"] == "Es fehlt ein Schlüssel, oder er ist unbekannt, abgelaufen oder widerrufen."


async def test_a_wrong_field_says_so_in_the_callers_language(acme: Vendor) -> None:
    answer = await acme.client.get("/v1/offers?nothing=1", headers=RUSSIAN)
    (error,) = answer.json()["errors"]
    assert error["message"] == "У операции нет такого параметра."
    assert error["code"] == (await acme.client.get("/v1/offers?nothing=1")).json()["errors"][0]["code"]


async def test_graphql_refuses_in_the_callers_language(acme: Vendor) -> None:
    query = {"query": '{ ticket(ticketId: "nobody") { ticketId } }'}
    found = {}
    for language, headers in (("en", {}), ("de", GERMAN)):
        answer = await acme.client.post("/graphql", json=query, headers=headers)
        found[language] = answer.json()["errors"][0]["extensions"] if "errors" in answer.json() else answer.json()
    if "code" in found["en"]:
        assert found["de"]["code"] == found["en"]["code"]
        assert found["de"]["title"] != found["en"]["title"]
    else:  # what is not there is null by GraphQL
        assert found["en"] == found["de"]
    wrong = await acme.client.post("/graphql", json={"query": "{ nothing }"}, headers=GERMAN)
    assert wrong.json()["errors"][0]["extensions"]["title"] == "Nach dem Schema nicht gültig"


async def test_the_catalogue_is_read_in_every_language(api: httpx.AsyncClient) -> None:
    english = await api.get("/problems/invalid_input")
    german = await api.get("/problems/invalid_input", headers=GERMAN)
    assert (english.json()["title"], german.json()["title"]) == ("Invalid input", "Ungültige Eingabe")
    assert english.headers["etag"] != german.headers["etag"]
    assert english.headers["vary"].startswith("Accept, Accept-Language")
    again = await api.get("/problems/invalid_input", headers={**GERMAN, "if-none-match": german.headers["etag"]})
    assert again.status_code == 304
    page = await api.get("/problems/invalid_input", headers={**GERMAN, "accept": "text/html"})
    assert "Berichtigen Sie die in <code>errors</code> genannten Felder." in page.text
    listed = (await api.get("/problems", headers=RUSSIAN)).json()["data"]
    assert len(listed) == len((await api.get("/problems")).json()["data"])
    assert {row["code"]: row["title"] for row in listed}["ticket_not_found"] == "Обращение не найдено"


async def test_a_language_does_not_stay_for_the_next_request(acme: Vendor) -> None:
    await acme.client.get("/v1/tickets/nobody", headers=GERMAN)
    assert (await acme.client.get("/v1/tickets/nobody")).json()["title"] == "Ticket not found"


async def test_the_same_request_again_is_refused_in_its_own_language(acme: Vendor) -> None:
    await order(acme, "ann", "o-1", "license")
    body, key = {"credits": 999}, {"idempotency-key": "k-1"}
    first = await acme.client.post("/v1/customers/ann/debits", json=body, headers={**key, **GERMAN})
    second = await acme.client.post("/v1/customers/ann/debits", json=body, headers=key)
    assert first.json()["code"] == second.json()["code"] == "insufficient_credits"
    assert (first.json()["title"], second.json()["title"]) == ("Nicht genug Guthabenpunkte", "Not enough credits")


async def test_a_page_refuses_in_its_language_and_keeps_the_code(acme: Vendor) -> None:
    browser = await account(acme)
    page = await browser.get("/account/ticket?id=nobody", headers=GERMAN)
    assert page.status_code == 404
    assert "Ticket nicht gefunden" in page.text
    assert "<code>ticket_not_found</code>" in page.text
    assert "Suchen Sie es unter allen Tickets." in page.text
