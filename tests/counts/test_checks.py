"""What the checks find in counts: each with its line."""

from __future__ import annotations

import pytest

from tests.counts.shop import DOCUMENT
from tests.prices.test_checks import found_in, line_of

CALLS = "{count: calls, title: calls, clause: N-3, each: month, when: {fact: ticket.channel, value: phone}}"


def test_the_document_of_these_tests_has_no_finding() -> None:
    assert found_in(DOCUMENT) == []


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("{count: calls, title: calls, clause: N-3}", "bad_count_window"),
        ("{count: calls, title: calls, clause: N-3, each: month, within: {days: 30}}", "bad_count_window"),
        ("{count: calls, title: calls, clause: N-3, of: minutes, at_once: true}", "bad_count_window"),
        ("{count: calls, title: calls, clause: N-3, at_once: true, withdrawn: counted}", "bad_count_window"),
        ("{count: calls, title: calls, clause: N-3, within: {days: 0}}", "bad_term"),
        ("{count: calls, title: calls, clause: N-9, each: month}", "unknown_clause"),
        ("{count: work, title: calls, clause: N-3, each: month}", "duplicate_id"),
        (
            "{count: calls, title: calls, clause: N-3, each: month, when: {fact: cover.active, value: true}}",
            "unknown_fact",
        ),
        (
            "{count: calls, title: calls, clause: N-3, each: month, unless: {fact: ticket.cause, value: gremlins}}",
            "bad_comparison",
        ),
    ],
)
def test_a_count_that_makes_no_sense_is_found(written: str, code: str) -> None:
    text = DOCUMENT.replace(CALLS, written)
    assert text != DOCUMENT
    found = [finding for finding in found_in(text) if finding[2] == "error"]
    places = {line_of(text, written)} | ({line_of(text, "{count: work,") + 1} if code == "duplicate_id" else set())
    assert [(name, line) for name, line, _ in found if name == code] == [
        (code, line) for _, line, _ in found if line in places
    ][:1], found


def test_owners_that_nobody_has_and_counts_that_nobody_looks_at() -> None:
    alone = DOCUMENT.replace("kind: license", "kind: addon")
    assert ("nobody_to_count_for", line_of(alone, "per: license"), "error") in found_in(alone)
    unread = DOCUMENT.replace("fact: count.calls, op: le, value: 1", "fact: count.work, op: le, value: 1")
    assert ("count_unused", line_of(unread, "{count: calls"), "warning") in found_in(unread)
    above = DOCUMENT.replace("fact: count.calls, op: le, value: 1", "fact: count.calls, op: ge, value: 0")
    assert ("check_never_fails", line_of(above, "check: calls"), "warning") in found_in(above)
    below = DOCUMENT.replace("fact: count.calls, op: le, value: 1", "fact: count.calls, op: lt, value: 0")
    assert "never_holds" in {code for code, _, _ in found_in(below)}
    typed = DOCUMENT.replace("fact: count.calls, op: le, value: 1", "fact: count.call, op: le, value: 1")
    assert ("unknown_fact", line_of(typed, "count.call,"), "error") in found_in(typed)
