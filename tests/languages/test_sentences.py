"""What customers read in German and Russian holds no English sentence: every explanation and every page of the stories.

What stays English stands in `STAYS`, each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.commands import demo
from app.usecases.reports.explain import KINDS
from tests.support.api import OPERATOR_KEY
from tests.support.explanations import things
from tests.support.serving import serving

POLICIES = Path(__file__).parents[2] / "app" / "policies"
STORIES = list(demo.stories())
LANGUAGES = ("de", "ru")
ENGLISH = re.compile(
    r"(?<![\w-])(the|of|is|are|was|were|it|its|this|that|these|for|from|with|without|by|to|and|or|not|no|who|which|what|has|"
    r"have|had|be|been|on|at|as|than|then|until|since|once|more|most|least|does|would|could|can|may|your|you)(?![\w-])"
)
"""Words that no sentence of English does without, as far as neither German nor Russian has them."""
LATIN = re.compile(r"(?:[A-Za-z]{2,} ){2,}[A-Za-z]{2,}")
SHARED = {"de": {"was", "am", "an", "in", "so", "des", "die", "war", "warn", "hat"}, "ru": set()}
"""Words of that list that are German as well."""
STAYS = {
    "clauses": "cited: the words of the vendor's text in brief; a page marks each with lang=en",
    "facts": "values for programs, by name",
    "calendar": "the name of the vendor's calendar",
    "skipped": "names of holidays, as the calendar has them",
}
"""Members of an explanation that stay English, and why. Members that are codes or notes of people are no sentences."""
WRITTEN = {
    "who": "the element says what a person or a system wrote: names, ids, subjects, reasons",
    "languages": "each language by its own name",
    "id": "an id",
    "clause": "the id of a clause",
}
"""Classes of elements of a page whose text is nobody's translation, and why."""
SAID = ("summary", "message", "would_change", "text")
"""The members of an explanation that are sentences."""


@pytest.fixture(scope="module")
def client(module_url: str) -> Iterator[httpx.Client]:
    """A client of a server on loopback, as the demo has one."""
    with serving(module_url) as started:
        yield started


@pytest.fixture(scope="module")
def played(client: httpx.Client) -> dict[str, demo.Played]:
    """Every story, played once."""
    return {
        story["policy"]: demo.play(story, client=client, operator_key=OPERATOR_KEY, say=lambda _: None)
        for story in STORIES
    }


def english(text: str, language: str) -> list[str]:
    """The English words of a text; in Russian any three words of Latin letters in a row too."""
    found = [word for word in ENGLISH.findall(text) if word not in SHARED[language]]
    return found + (LATIN.findall(text) if language == "ru" else [])


def sentences_of(value: Any, name: str = "") -> Iterator[str]:
    """The sentences of an explanation."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in STAYS:
                yield from sentences_of(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from sentences_of(item, name)
    elif isinstance(value, str) and name in SAID:
        yield value


def without_sentences(value: Any) -> Any:
    """An explanation without its sentences."""
    if isinstance(value, dict):
        return {name: without_sentences(item) for name, item in value.items() if name not in SAID}
    return [without_sentences(item) for item in value] if isinstance(value, list) else value


class Words(HTMLParser):
    """The words of a page: those of the page's language, and those that are marked as English."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.own: list[str] = []
        self.marked: list[str] = []
        self._open: list[str] = []
        self.feed(page.partition("<body")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        kind = "own"
        if set((named.get("class") or "").split()) & set(WRITTEN) or tag in ("code", "script", "style", "textarea"):
            kind = "written"
        elif named.get("lang") == "en" and "hreflang" not in named:
            kind = "marked"
        if tag not in ("input", "br", "img", "meta", "link", "hr", "path", "rect", "line", "circle"):
            self._open.append(kind)
        for name in ("aria-label", "title", "placeholder", "data-label"):
            if kind == "own" and "written" not in self._open and named.get(name):
                self.own.append(str(named[name]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at nothing: it holds no words."""

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and "written" not in self._open:
            (self.marked if "marked" in self._open else self.own).append(text)


@pytest.mark.parametrize("policy", [story["policy"] for story in STORIES])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_in_the_readers_language(
    client: httpx.Client, played: dict[str, demo.Played], policy: str, language: str
) -> None:
    headers = {"Authorization": f"Bearer {played[policy].key}"}
    clauses = {one["text"] for one in client.get(f"/v1/policies/{policy}", headers=headers).json()["clauses"]}
    left: dict[str, set[str]] = {}
    seen = 0
    for customer in client.get("/v1/customers?limit=100", headers=headers).json()["data"]:
        if customer["customer_id"] is None:
            continue
        path = f"/v1/customers/{customer['customer_id']}/tokens"
        token = client.post(path, headers=headers, json={"minutes": 10, "may": "act"}).json()["token"]
        for page in pages_of(client, headers, customer["customer_id"]):
            answer = client.get(
                page, params={"token": token, "lang": language, **dict(httpx.URL(page).params)}, follow_redirects=True
            )
            assert answer.status_code == 200, (page, answer.text)
            found = Words(answer.text)
            assert f'<html lang="{language}"' in answer.text
            own = [without_names(text, policy, language) for text in found.own]
            bad = {text for text in own if english(text, language)} | {*found.marked} - clauses
            left |= {page.partition("?")[0]: left.get(page.partition("?")[0], set()) | bad} if bad else {}
            seen += 1
    assert seen > 5
    assert left == {}


@cache
def titles(policy: str, language: str) -> list[str]:
    """The titles of a policy in a language, the longest first."""
    document = yaml.safe_load((POLICIES / f"{policy}.yaml").read_text(encoding="utf-8"))
    return sorted(document["translations"][language].values(), key=len, reverse=True)


def without_names(text: str, policy: str, language: str) -> str:
    """A text without the policy's own titles in the language, which may be names: ``Shopp Plugin Installation``."""
    for title in titles(policy, language):
        text = text.replace(title, "")
    return text


def pages_of(client: httpx.Client, headers: dict[str, str], customer_id: str) -> Iterator[str]:
    """Every page that a customer has."""
    yield from ("/account", "/account/balance", "/account/statement", "/account/tickets", "/card")
    query = f"/v1/tickets?customer_id={customer_id}&limit=100"
    for ticket in client.get(query, headers=headers).json()["data"]:
        for path in ("/account/ticket", "/account/why", "/card/why"):
            yield f"{path}?id={ticket['ticket_id']}"
        yield f"/card?ticket_id={ticket['ticket_id']}"


@pytest.mark.parametrize("policy", [story["policy"] for story in STORIES])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_explanation_is_in_the_readers_language(
    client: httpx.Client, played: dict[str, demo.Played], policy: str, language: str
) -> None:
    headers = {"Authorization": f"Bearer {played[policy].key}"}

    def get(path: str) -> Any:
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    left, kinds = [], set()
    for kind, id_ in list(things(get)):
        kinds.add(kind)
        plain = get(f"/v1/explain/{kind}/{id_}")
        answer = client.get(f"/v1/explain/{kind}/{id_}", headers={**headers, "Accept-Language": language})
        assert answer.headers["content-language"] == language
        assert without_sentences(answer.json()) == without_sentences(plain)
        left += [text for text in sentences_of(answer.json()) if english(text, language)]
    assert kinds <= set(KINDS)
    assert sorted(set(left)) == []
