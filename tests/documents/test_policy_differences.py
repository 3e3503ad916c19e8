"""What differs between two documents, in words: nothing is overlooked, and everything has words of its own."""

from __future__ import annotations

import copy
import dataclasses
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.documents.differences import differences
from app.documents.differences.phrases import CLAUSES, COMMON, NAMED, PARTS, PHRASES
from app.documents.marks import PolicyDocumentError
from app.documents.policy_document import dump, load_policy, policy_from_json
from app.documents.policy_yaml import as_written, yaml_of
from app.domain.policy.policy import Policy

FILES = sorted((Path(__file__).parents[2] / "app" / "policies").glob("*.yaml"))
POLICIES = {file.stem: load_policy(file.read_text(encoding="utf-8")) for file in FILES}
STEP = 11
"""Every so many places of a document are changed, each policy's at places of its own."""


def words(before: Policy, after: Policy) -> list[str]:
    """The sentences alone."""
    return [row.words for row in differences(before, after)]


def changed(name: str, old: str, new: str) -> list[str]:
    """What is said of one change in the text of a shipped document."""
    text = next(file for file in FILES if file.stem == name).read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    return words(POLICIES[name], load_policy(text.replace(old, new)))


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every value of a document, and every list that is not empty."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from places(member, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))
        if value:
            yield path
    else:
        yield path


def otherwise(value: Any) -> Any:
    """Another value of the type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 5
    return value[1:] if isinstance(value, list) else f"{value}9"


@pytest.mark.parametrize("name", POLICIES)
def test_whatever_is_changed_is_said(name: str) -> None:
    policy = POLICIES[name]
    document = dump(policy)
    tried = 0
    for place in list(places(document))[sorted(POLICIES).index(name) % STEP :: STEP]:
        if place in (("version",), ("effective_from",)):
            continue
        draft = copy.deepcopy(document)
        inner = draft
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = otherwise(inner[place[-1]])
        try:
            other = policy_from_json(draft)
        except PolicyDocumentError:
            continue
        found = differences(policy, other)
        assert found, place
        for row in (*found, *differences(other, policy)):
            assert row.words[0].isupper() or row.words[0] == '"', row
            assert row.words.endswith("."), row
            assert "{" not in row.words.replace("{n}", "") or "says" in row.words or "reads" in row.words, row
            assert " instead of ." not in row.words
            assert row.path.startswith("/")
        tried += 1
    assert tried > 25


@pytest.mark.parametrize("name", POLICIES)
def test_equal_documents_differ_in_nothing(name: str) -> None:
    policy = POLICIES[name]
    assert differences(policy, policy) == ()
    assert differences(policy, policy_from_json(dump(policy))) == ()
    assert differences(policy, dataclasses.replace(policy, version=9, effective_from="2025-01-01T00:00:00Z")) == ()


def test_true_is_not_one() -> None:
    document = dump(POLICIES["shopp"])
    check = next(check for check in document["qualification"]["checks"] if check["require"].get("value") is True)
    before = policy_from_json(document)
    check["require"]["value"] = 1
    assert len(differences(before, policy_from_json(document))) == 1


def classes() -> list[type]:
    """Every class that a document is made of."""
    found: list[type] = []

    def visit(kind: Any) -> None:
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            if kind in found:
                return
            found.append(kind)
            for about in typing.get_type_hints(kind).values():
                visit(about)
        for argument in typing.get_args(kind):
            if isinstance(argument, type | types.UnionType) or typing.get_args(argument):
                visit(argument)

    visit(Policy)
    return found


INSIDE = {"Term", "Test", "All", "AnyOf", "Not", "FixedPrice", "RangePrice", "FromPrice", "FormulaPrice"}
INSIDE |= {"OnRequestPrice", "TimePrice", "MoneyPrice", "PolicyPrice"}
"""Said as a whole, in the sentence of what they are a part of."""


def test_every_member_has_words_of_its_own() -> None:
    """A member that is new in the format is told by its name alone until it has words here."""
    missing = []
    for kind in classes():
        owner = kind.__name__
        if owner in INSIDE:
            continue
        assert owner == "Policy" or owner in NAMED or owner in PARTS, owner
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            parts = [inner for inner in classes() if inner.__name__ in str(hints[field.name]).replace("]", "")]
            whole = any(part.__name__ not in INSIDE for part in parts)
            known = f"{owner}.{field.name}" in PHRASES or field.name in COMMON or field.name in CLAUSES
            key = NAMED.get(owner, ("", ""))[1] == field.name
            said_apart = field.name in (
                "version",
                "effective_from",
                "kind",
                "weekly_hours",
                "labels",
                "messages",
                "translations",
            )
            if not (known or key or whole or said_apart):
                missing.append(f"{owner}.{field.name}")
    assert missing == []


SAID = [
    (
        "x-cart",
        "price: {kind: fixed, credits: 10}",
        "price: {kind: fixed, credits: 15}",
        "costs 15 points instead of 10.",
    ),
    ("x-cart", "        credits: 60\n", "        credits: 90\n", "brings 90 points instead of 60."),
]


@pytest.mark.parametrize(("name", "old", "new", "says"), SAID)
def test_a_change_is_said_in_words(name: str, old: str, new: str, says: str) -> None:
    (sentence,) = changed(name, old, new)
    assert sentence.endswith(says)


def test_titles_stand_for_names() -> None:
    document = dump(POLICIES["avactis"])
    category = next(row for row in document["categories"] if row["category"] == "domain_change")
    before = policy_from_json(document)
    category["price"] = {"kind": "range", "least": 1, "most": 2}
    (sentence,) = words(before, policy_from_json(document))
    assert sentence.startswith(f'"{category["title"]}" costs 1 to 2 credits instead of ')
    category["title"] = "Move of a domain"
    called, _ = words(before, policy_from_json(document))
    assert ' is called "Move of a domain" instead of ' in called


def test_what_is_new_gone_and_moved_is_said() -> None:
    document = dump(POLICIES["x-cart"])
    before = policy_from_json(document)
    gone = document["categories"].pop(1)
    document["categories"].append(
        {**gone, "category": "extra", "title": "Extra", "price": {"kind": "fixed", "credits": 7}}
    )
    document["causes"].reverse()
    document["offers"][0]["title"] = "Another title"
    document.pop("transfer", None)
    said = words(before, policy_from_json(document))
    assert f'"{gone["title"]}" is gone.' in said
    assert any(row.startswith('"Extra" is new: it costs 7 points') for row in said)
    assert "The causes stand in another order." in said
    assert "The transfer of credits is gone." in said
    assert any('is called "Another title" instead of' in row for row in said)


def test_promises_pauses_hours_and_terms_are_said() -> None:
    document = dump(POLICIES["shopp"])
    before = policy_from_json(document)
    promise = next(row for row in document["promises"] if row["milestone"] == "first_response")
    promise["target"] = "business_seconds:7200"
    document["service_hours"]["weekly_hours"]["mon"] = [["08:00", "12:00"]]
    document["service_hours"]["closures"][0]["name"] = "Good Friday at home"
    document["money_back"]["full_within"] = {"days": 14}
    said = words(before, policy_from_json(document))
    assert any(
        row.startswith('The promise "first response" holds within 2 hours of service hours instead of') for row in said
    )
    assert any(row.startswith("The service hours on Mondays are 08:00 to 12:00 instead of") for row in said)
    assert any(row.startswith('The closed day "Good Friday at home" of the service hours is new') for row in said)
    assert any(row.startswith("Money back for credits is the full price within 14 days instead of") for row in said)


@pytest.mark.parametrize("name", POLICIES)
def test_what_is_written_out_says_the_same(name: str) -> None:
    policy = POLICIES[name]
    again = load_policy(yaml_of(policy))
    assert differences(policy, again) == ()
    assert dump(dataclasses.replace(again, version=policy.version)) == dump(policy)


def test_texts_that_look_like_something_else_stay_texts() -> None:
    document = dump(POLICIES["x-cart"])
    for odd in (
        "1e3",
        "12",
        "-1.5",
        "true",
        "no",
        "~",
        "null",
        "2025-01-01",
        "a: b",
        "# no",
        "",
        "1_000",
        "0x1F",
        " x",
    ):
        document["title"] = odd or "x"
        document["vendor"] = odd or "x"
        policy = policy_from_json(document)
        assert load_policy(yaml_of(policy)).title == (odd or "x")


def test_only_json_is_written_out() -> None:
    policy = POLICIES["x-cart"]
    flow = "{policy: x-cart, # a comment\n title: x}"
    assert as_written(flow, policy) == (flow, True)
    assert as_written("policy: x # kept\n", policy) == ("policy: x # kept\n", True)
    text, written = as_written('{"policy": "x-cart"}', policy)
    assert (written, load_policy(text).title) == (False, policy.title)
