"""All 99 clauses have a test named by them, and the page of the suite names the same."""

from __future__ import annotations

from collections import Counter

from tests.conformance import page


def test_the_five_documents_hold_99_clauses() -> None:
    counted = Counter(id_.split("-")[0] for id_ in page.clauses())
    assert counted == page.COUNTS
    assert sum(page.COUNTS.values()) == 99


def test_the_examples_hold_the_clauses_they_say() -> None:
    counted = Counter(id_.split("-")[0] for id_ in page.examples())
    assert counted == dict(page.EXAMPLES.values())


def test_every_clause_has_a_test_named_by_it() -> None:
    """A clause without a test fails the build."""
    assert [id_ for id_, one in page.kept().items() if not one.tests] == []


def test_every_test_names_a_clause_that_there_is() -> None:
    known = {**page.clauses(), **page.examples()}
    named = {test: page.clause_of(test.split("::")[1]) for test in page.tests()}
    assert {test: clause for test, clause in named.items() if clause not in known} == {}


def test_the_page_names_the_clauses_and_tests_there_are() -> None:
    """Made by ``scripts/conformance.py``, which says how each went; names alone are compared here."""
    written = page.PAGE.read_text(encoding="utf-8")
    assert page.names_in(written) == page.names_now(), "run scripts/conformance.py"
    assert "**99 of 99**" in written
