"""Every text of the code has its translation, and nothing else has one."""

from __future__ import annotations

import re
from string import ascii_letters

import pytest
from babel.messages import Message
from jinja2 import Environment

from app.api.languages import DEFAULT, DOMAINS, FOLDER, NAMES, known
from app.api.pages.rendering import EXTENSIONS, TEMPLATES
from scripts.messages import mo_bytes, path_of, po_text, read, template_of, updated

LANGUAGES = [language for language in known() if language != DEFAULT]
EVERY = [(language, domain) for language in LANGUAGES for domain in DOMAINS]
STAFF = {
    "audit_trail.html",
    "board.html",
    "calendar.html",
    "calendars.html",
    "clock.html",
    "delivery.html",
    "endpoint.html",
    "home.html",
    "home_base.html",
    "keys.html",
    "operations.html",
    "operator.html",
    "policies.html",
    "report.html",
    "reports.html",
    "source.html",
    "vendor_ticket.html",
    "vendor_tickets.html",
    "parts/chart.html",
    "parts/desk.html",
}
"""Pages of the vendor's people and of the operator, which are English."""
TRANSLATED = sorted({path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html")} - STAFF)
SAME = {"Retainer", "HTTP", "CSV", "REST", "GraphQL"}
"""Names, which are the same in every language."""


def forms(text: object) -> list[str]:
    """The text, or its forms."""
    return (
        [text]
        if isinstance(text, str)
        else [str(form or "") for form in (text if isinstance(text, tuple | list) else [""])]
    )


def marks(text: str) -> list[str]:
    """What a translation has to keep: placeholders, tags, code between backticks."""
    return sorted(re.findall(r"%\(\w+\)[sd]|</?\w[^>]*>|`[^`]*`", text))


@pytest.mark.parametrize(("language", "domain"), EVERY)
def test_every_text_is_translated_and_nothing_else_is(language: str, domain: str) -> None:
    catalogue = read(language, domain)
    wanted = {(message.id, message.context) for message in template_of(domain) if message.id}
    there = {(message.id, message.context) for message in catalogue if message.id}
    assert there == wanted, f"run `make messages`: {sorted(map(str, there ^ wanted))}"
    empty = [message.id for message in catalogue if message.id and not all(forms(message.string))]
    assert empty == []
    assert [message.id for message in catalogue if message.fuzzy and message.id] == []
    assert not catalogue.obsolete


@pytest.mark.parametrize(("language", "domain"), EVERY)
def test_a_translation_keeps_placeholders_tags_and_code(language: str, domain: str) -> None:
    wrong = [
        (message.id, form)
        for message in read(language, domain)
        if message.id
        for form in forms(message.string)
        if marks(form) != marks(forms(message.id)[-1])
    ]
    assert wrong == []


@pytest.mark.parametrize(("language", "domain"), EVERY)
def test_what_is_kept_is_what_make_messages_writes(language: str, domain: str) -> None:
    made = updated(language, domain)
    assert path_of(language, domain).read_bytes() == po_text(made), "run `make messages`"
    assert path_of(language, domain).with_suffix(".mo").read_bytes() == mo_bytes(made), "run `make messages`"


@pytest.mark.parametrize(("language", "domain"), EVERY)
def test_each_number_has_its_form(language: str, domain: str) -> None:
    catalogue = read(language, domain)
    plural: list[Message] = [message for message in catalogue if isinstance(message.id, tuple) and message.id]
    assert all(len(message.string) == catalogue.num_plurals for message in plural)
    assert catalogue.num_plurals == {"de": 2, "ru": 3}[language]


def test_each_language_has_every_catalogue_and_its_own_name() -> None:
    assert set(known()) == set(NAMES)
    assert {path.name for path in FOLDER.iterdir()} == set(LANGUAGES)
    for language in LANGUAGES:
        files = {path.name for path in (FOLDER / language / "LC_MESSAGES").iterdir()}
        assert files == {f"{domain}.{end}" for domain in DOMAINS for end in ("po", "mo")}


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_text_was_left_english(domain: str) -> None:
    """Russian has letters of its own: a text that was only copied is Latin."""
    texts = [form for message in read("ru", domain) if message.id for form in forms(message.string)]
    words = [(text, re.sub(r"%\(\w+\)s", "", text)) for text in texts]
    assert [text for text, own in words if own.strip() and not re.search("[а-яё№]", own, re.IGNORECASE)] == []


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_page_for_customers_holds_no_word_outside_of_its_catalogue(name: str) -> None:
    assert loose_words((TEMPLATES / name).read_text(encoding="utf-8")) == []


def loose_words(source: str) -> list[str]:
    """The words of a template that stand in it as they are: between tags, and in attributes that people meet."""
    environment = Environment(extensions=EXTENSIONS, autoescape=True)
    found, inside = [], False
    text = ""
    for _, kind, value in environment.lex(source):
        if kind == "block_begin":
            text += "\x00"
        elif kind == "name" and value in ("trans", "endtrans"):
            inside = value == "trans"
        elif kind == "data" and not inside:
            text += value
        elif kind == "variable_begin":
            text += "\x00"
    for attribute, value in re.findall(r"\s(aria-label|data-label|title|placeholder|alt)=\"([^\"]*)\"", text):
        found += [f"{attribute}: {value}"] if set(value) & set(ascii_letters) else []
    bare = re.sub(r"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", "\x00", text)
    found += [word for word in re.findall(r"[A-Za-z][A-Za-z0-9]+", bare) if word not in SAME]
    return found


@pytest.mark.parametrize(
    "source",
    ["<p>Hello</p>", '<nav aria-label="Tabs"></nav>', "<p>{{ name }} waits</p>", '<td data-label="When {{ x }}">'],
)
def test_a_word_that_stands_outside_is_seen(source: str) -> None:
    assert loose_words(source) != []
