"""Policy documents: what is read, what is refused, and that every refusal points to its line."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from app.documents.marks import PolicyDocumentError, Problem
from app.documents.policy_document import dump, json_schema, load_document, load_policy, policy_from_json
from app.domain.policy import conditions
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import FormulaPrice

ROOT = Path(__file__).parents[2]
POLICIES = sorted((ROOT / "app" / "policies").glob("*.yaml"))

A_POLICY = dedent("""\
    policy: example
    title: Example terms
    vendor: Example
    source: a page
    unit: {one: credit, many: credits}
    clauses:
      - {id: EX-1, text: "Credits pay."}
    offers:
      - sku: credits-10
        title: Ten credits
        kind: credits
        clause: EX-1
        price: {amount: "10.00"}
        grants:
          - {kind: credits, rule: pack, clause: EX-1, credits: 10}
    actions:
      - action: open_ticket
        title: Open a ticket
        rules:
          - {allow: true, code: open, clause: EX-1, message: "Open."}
    qualification: {by: rules, clause: EX-1}
    categories:
      - category: question
        title: A question
        price: {kind: fixed, credits: 5}
        clause: EX-1
    credits:
      clause: EX-1
      types:
        - {credit_type: credit, title: Credits, clause: EX-1}
    payment: {means: [credits]}
    outcomes:
      - {outcome: answered, title: Answered, clause: EX-1}
    causes:
      - {cause: other, title: Other}
    service_hours:
      zone: UTC
      clause: EX-1
      weekly_hours:
        mon: [["09:00", "17:00"]]
    """)


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(PolicyDocumentError) as caught:
        load_policy(text)
    return caught.value.problems


def replaced(old: str, new: str) -> str:
    assert A_POLICY.count(old) == 1, old
    return A_POLICY.replace(old, new)


def test_there_are_five_policies() -> None:
    assert [path.stem for path in POLICIES] == ["avactis", "cactushop", "cs-cart", "shopp", "x-cart"]


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_policy_survives_the_round_trip_through_json(path: Path) -> None:
    policy = load_policy(path.read_text(encoding="utf-8"))
    assert policy.policy == path.stem
    data = dump(policy)
    assert policy_from_json(json.loads(json.dumps(data))) == policy
    assert policy_from_json(json.dumps(data)) == policy
    assert load_policy(json.dumps(data)) == policy, "JSON is YAML"


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_value_of_a_document_has_its_place(path: Path) -> None:
    document = load_document(path.read_text(encoding="utf-8"))
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(1 <= mark.line <= len(lines) for mark in document.marks.values())
    for i, clause in enumerate(document.policy.clauses):
        assert clause.id in lines[document.marks[f"/clauses/{i}/id"].line - 1]


def test_the_words_no_and_on_are_words_and_dates_are_texts() -> None:
    text = replaced(
        "{allow: true, code: open,", '{allow: true, code: "on", when: {no: {fact: query.product, value: no}},'
    ).replace("source: a page", "source: 2005-05-04")
    policy = load_policy(text)
    assert policy.source == "2005-05-04"
    assert policy.actions[0].rules[0].when == conditions.Not(no=conditions.Test(fact="query.product", value="no"))


@pytest.mark.parametrize(
    ("old", "new", "code", "path", "hint"),
    [
        ('amount: "10.00"', "amount: 10.00", "wrong_type", "/offers/0/price/amount", "quotes"),
        ("credits: 10}", "credits: 10.0}", "wrong_type", "/offers/0/grants/0/credits", "without a point"),
        ("credits: 10}", 'credits: "10"}', "wrong_type", "/offers/0/grants/0/credits", "without quotes"),
        ("credits: 10}", "credits: true}", "wrong_type", "/offers/0/grants/0/credits", "40"),
        ("credits: 10}", "credits: 1e3}", "wrong_type", "/offers/0/grants/0/credits", "40"),
        ("allow: true", 'allow: "true"', "wrong_type", "/actions/0/rules/0/allow", "`true` or `false`"),
        ("title: Ten credits", "title: Ten\n    titel: x", "unknown_key", "/offers/0/titel", "`title`"),
        ("kind: fixed, credits: 5", "credits: 5", "kind_missing", "/categories/0/price", "`fixed`"),
        ("kind: fixed, credits: 5", "kind: fix", "not_a_choice", "/categories/0/price/kind", "`on_request`"),
        ("kind: fixed, credits: 5", "kind: range, least: 5", "missing", "/categories/0/price/most", "most: 1"),
        ("means: [credits]", "means: [cash]", "not_a_choice", "/payment/means/0", "'cover'"),
        ("means: [credits]", "means: credits", "wrong_type", "/payment/means", "- item"),
        ("{cause: other, title: Other}", "other", "wrong_type", "/causes/0", "key: value"),
        ("  zone: UTC\n", "  zone: UTC\n  zone: UTC\n", "duplicate_key", "/service_hours/zone", "Keep"),
        ("sku: credits-10", "sku: &a credits-10", "alias", "/offers/0/sku", "out"),
        ("sku: credits-10", "sku: !!str credits-10", "tag", "/offers/0/sku", "Remove"),
        ("title: Example terms", 'title: "a\\0b"', "bad_text", "/title", "Remove"),
        ("credits: 10}", "credits: 9007199254740993}", "number_too_large", "/offers/0/grants/0/credits", "smaller"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_what_to_write_instead(
    old: str, new: str, code: str, path: str, hint: str
) -> None:
    text = replaced(old, new)
    found = problems_of(text)
    assert [(p.code, p.path) for p in found] == [(code, path)]
    assert hint in found[0].hint
    last_key = next(part for part in reversed(path.split("/")) if not part.isdigit())
    if code == "missing":
        assert found[0].line == line_of(text, "price: {kind: range")
    elif code == "duplicate_key":
        assert found[0].line == line_of(text, "zone: UTC") + 1
    else:
        assert last_key in text.splitlines()[found[0].line - 1] or found[0].line == line_of(text, new)


def test_every_mistake_is_named_at_once_and_in_order() -> None:
    text = replaced("credits: 5", "credits: five").replace("credits: 10}", "credits: ten}").replace("means:", "mean:")
    assert [(p.path, p.code) for p in problems_of(text)] == [
        ("/offers/0/grants/0/credits", "wrong_type"),
        ("/categories/0/price/credits", "wrong_type"),
        ("/payment/means", "missing"),
        ("/payment/mean", "unknown_key"),
    ]


def test_an_error_in_a_condition_speaks_only_of_the_branch_that_was_meant() -> None:
    text = replaced(
        "{allow: true, code: open,",
        "{allow: true, code: open, when: {all: [{fact: cover.active, op: is}, {any: [{fact: 3}]}]},",
    )
    assert [(p.path, p.code) for p in problems_of(text)] == [
        ("/actions/0/rules/0/when/all/0/op", "not_a_choice"),
        ("/actions/0/rules/0/when/all/1/any/0/fact", "wrong_type"),
    ]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "not_a_mapping", 1),
        ("- a\n", "not_a_mapping", 1),
        ("a: 1\n---\nb: 2\n", "several_documents", 2),
        ("a: [1,\n b: 2\n", "yaml_syntax", 3),
        ("a: 'x\n", "yaml_syntax", 2),
        ("? [a]\n: b\n", "key_not_text", 1),
        ("a: " + "[" * 100 + "]" * 100, "too_deep", 1),
        ("a: \x00", "yaml_syntax", 1),
        ('a: "\\ud800"', "yaml_syntax", 1),
    ],
)
def test_what_is_no_document_is_refused(text: str, code: str, line: int) -> None:
    found = problems_of(text)
    assert found[0].code == code
    assert found[0].line == line


def test_a_very_deep_document_is_refused_quickly() -> None:
    assert problems_of("[" * 200_000)[0].code in ("too_deep", "yaml_syntax")


def test_stored_data_of_another_shape_is_refused() -> None:
    data = dump(load_policy(A_POLICY))
    data["payment"]["means"] = ["cash"]
    with pytest.raises(PolicyDocumentError) as caught:
        policy_from_json(data)
    assert caught.value.problems[0].path == "/payment/means/0"


def test_formula_prices_are_read_with_their_inputs() -> None:
    text = replaced("kind: fixed, credits: 5", "kind: formula, base: 120, per: {N: 60}")
    assert load_policy(text).categories[0].price == FormulaPrice(base=120, per={"N": 60})


def test_the_published_schema_is_the_one_of_the_code() -> None:
    published = json.loads((ROOT / "openapi" / "policy.schema.json").read_text(encoding="utf-8"))
    assert published == json_schema()
    assert published["additionalProperties"] is False
    assert set(published["required"]) <= set(Policy.__dataclass_fields__)
