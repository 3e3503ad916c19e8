"""Odd but valid policy documents: a shipped one, changed at many places at random, each change kept only if the checks
of its parts still pass. What the story finds is left in: that is what the documents are for.
"""

from __future__ import annotations

import copy
import json
import random
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Literal

from app.documents import fact_space, policy_checks
from app.documents.checks.story import check_story
from app.documents.fact_space import Fact, FactSpace
from app.documents.marks import PolicyDocumentError
from app.documents.policy_document import dump, load_document
from app.domain.policy import conditions as model
from app.domain.policy.policy import Policy
from app.domain.values.term import Term
from app.usecases.tenants import tenants

NAMES = ("avactis", "cactushop", "cs-cart", "shopp", "x-cart")
Path = tuple[str | int, ...]

NUMBERS = (0, 1, 2, 7, 30, 99, 365, 366, 1000, 1_000_000, 999_999_999, 1_000_000_000, 10**12, 2**53 - 1, -1)
TERMS = (
    {"days": 1},
    {"days": 36_525},
    {"years": 100},
    {"months": 1_200},
    {"months": 1},
    {"days": 0},
    {"years": 100, "months": 1_200, "days": 36_525},
    {"months": 11, "days": 29},
)
TARGETS = (
    "none",
    "seconds:1",
    "seconds:86400",
    "seconds:63072000",
    "business_seconds:1",
    "business_seconds:28800",
    "business_seconds:999999",
    "business_days:1",
    "business_days:1:close",
    "business_days:60",
    "business_days:90:close",
    "at:2025-01-20T00:00:00Z",
    "each_business_day",
    "rolling:1",
    "rolling_business_days:1",
)
ZONES = (
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Etc/GMT-14",
    "Antarctica/Troll",
    "America/Nuuk",
)
CURRENCIES = ("USD", "JPY", "BHD", "CLF", "XXX", "EUR")
AMOUNTS = ("0", "0.01", "34.50", "999999999.99", "1", "0.1")
HOURS: tuple[Any, ...] = (
    {"mon": [["09:00", "17:00"]]},
    {"sun": [["23:59", "24:00"]]},
    {"fri": [["22:00", "06:00"]], "sat": [["22:00", "06:00"]]},
    {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
    {"wed": [["00:00", "00:01"], ["12:00", "12:01"]]},
    {},
)
TIMES = ("2025-01-15T10:00:00Z", "2030-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2025-03-01T00:00:00+14:00")
WORDS = (
    "",
    "x",
    "a text with {braces}",
    "{cover.ends_at}",
    "{credits.available} of {customer.editions}",
    "Ж" * 300,
    "%s %d {0}",
)


def faults(found: Any) -> list[str]:
    """What the checks of its parts find wrong with a document; the story is not played."""
    try:
        document = load_document(json.dumps(found))
    except PolicyDocumentError as error:
        return [one.message for one in error.problems]
    kept = policy_checks._CHECKS
    checker = policy_checks.Checker(document.policy, document.marks)
    try:
        for one in kept:
            if one is not check_story:
                one(checker)
    except policy_checks.Enough:
        return ["enough"]
    return [one.message for one in checker.found if one.severity == "error"]


def odd(seed: int, name: str | None = None, *, changes: int = 12) -> dict[str, Any]:
    """A valid document with some ``changes`` of what a shipped one says."""
    chance = random.Random(seed)
    name = name or chance.choice(NAMES)
    found = dump(tenants.templates()[name][0])
    kept, tries = 0, 0
    while kept < changes and tries < 8 * changes:
        tries += 1
        draft = copy.deepcopy(found)
        if not _change(draft, chance):
            continue
        if draft != found and not faults(draft):
            found, kept = draft, kept + 1
    return found


def _change(found: dict[str, Any], chance: random.Random) -> bool:
    places = list(_places(found, Policy, ()))
    path, hint = chance.choice(places)
    new = _odd_value(_at(found, path), hint, path, found, chance)
    if new is _SAME:
        return False
    holder = _at(found, path[:-1])
    if new is _GONE:
        if isinstance(holder, dict):
            holder.pop(path[-1], None)
        else:
            del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return True


_SAME, _GONE = object(), object()


def _at(found: Any, path: Path) -> Any:
    for part in path:
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and isinstance(part, int) and part < len(found):
            found = found[part]
        else:
            return None
    return found


def _members(hint: Any) -> list[Any]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [one for arg in typing.get_args(hint) for one in _members(arg)]
    return [hint]


def _places(value: Any, hint: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every place of a document with the type of what may stand there, and those that are empty."""
    if path and path[-1] not in ("version", "format", "effective_from", "policy", "kind", "id", "clause"):
        yield path, hint
    kinds = [one for one in _members(hint) if one is not type(None)]
    if isinstance(value, dict):
        owner = _class_of(kinds, value)
        if owner is not None:
            hints = typing.get_type_hints(owner)
            for one in fields(owner):
                yield from _places(value.get(one.name), hints[one.name], (*path, one.name))
        else:
            args = typing.get_args(kinds[0]) if kinds else ()
            for key, item in value.items():
                yield from _places(item, args[1] if len(args) > 1 else Any, (*path, key))
    elif isinstance(value, list):
        args = typing.get_args(next((one for one in kinds if typing.get_origin(one) is tuple), None) or tuple[Any, ...])
        for number, item in enumerate(value):
            yield from _places(item, args[0], (*path, number))


def _class_of(kinds: list[Any], value: dict[str, Any]) -> Any:
    classes = [one for one in kinds if is_dataclass(one)]
    if model.Test in classes:
        return next(
            (c for word, c in (("all", model.All), ("any", model.AnyOf), ("no", model.Not)) if word in value),
            model.Test,
        )
    if len(classes) > 1:
        return next(
            (one for one in classes if one.__dataclass_fields__["kind"].default == value.get("kind")), classes[0]
        )
    return classes[0] if classes else None


def _odd_value(value: Any, hint: Any, path: Path, found: dict[str, Any], chance: random.Random) -> Any:
    """Another value for a place, of the type that belongs there; `_SAME` for none."""
    kinds, key = _members(hint), path[-1]
    optional = type(None) in kinds
    if optional and value is not None and chance.random() < 0.25:
        return _GONE
    if model.Test in kinds:
        return condition(_space(found, path), chance)
    for kind in kinds:
        if kind is type(None):
            continue
        made = _of_kind(value, kind, key, path, found, chance)
        if made is not _SAME:
            return made
    return _SAME


def _of_kind(value: Any, kind: Any, key: str | int, path: Path, found: dict[str, Any], chance: random.Random) -> Any:
    special: dict[Any, Callable[[], Any]] = {
        "target": lambda: chance.choice(TARGETS),
        "after": lambda: chance.choice(TARGETS),
        "deadline": lambda: chance.choice(TARGETS),
        "zone": lambda: chance.choice(ZONES),
        "term_zone": lambda: chance.choice(ZONES),
        "end_of_day": lambda: chance.choice(ZONES),
        "currency": lambda: chance.choice(CURRENCIES),
        "weekly_hours": lambda: chance.choice(HOURS),
        "amount": lambda: chance.choice(AMOUNTS),
        "per_credit": lambda: chance.choice(AMOUNTS),
        "each_additional_license": lambda: chance.choice(AMOUNTS),
        "message": lambda: chance.choice(WORDS),
        "text": lambda: chance.choice(WORDS),
        "title": lambda: chance.choice(WORDS),
        "price": lambda: price(chance) if path[0] == "categories" else _SAME,
    }
    if key in special:
        return special[key]()
    origin = typing.get_origin(kind)
    if origin is Literal:
        return chance.choice(typing.get_args(kind))
    if kind is bool:
        return not value
    if kind is int:
        return chance.choice(NUMBERS)
    if kind is Term:
        return chance.choice(TERMS)
    if origin is tuple and isinstance(value, list) and value:
        return _other_list(value, typing.get_args(kind)[0], chance)
    if kind is str and str(key).endswith("clause"):
        return chance.choice(found["clauses"])["id"]
    if isinstance(kind, type) and is_dataclass(kind) and value is None:
        return _sibling(kind, found, chance)
    return _SAME


def _other_list(value: list[Any], kind: Any, chance: random.Random) -> list[Any]:
    other = list(value)
    way = chance.randrange(3)
    if way == 0:
        other.pop(chance.randrange(len(other)))
    elif way == 1:
        chance.shuffle(other)
    elif typing.get_origin(kind) is Literal:
        other = chance.sample(typing.get_args(kind), chance.randint(1, len(typing.get_args(kind))))
    else:
        other = other[:1]
    return other


def _sibling(kind: Any, found: dict[str, Any], chance: random.Random) -> Any:
    """The part of that kind which another shipped document has."""
    name = next((one.name for one in fields(Policy) if kind in _members(typing.get_type_hints(Policy)[one.name])), None)
    others = [dump(tenants.templates()[one][0]).get(name) for one in NAMES] if name else []
    others = [one for one in others if one]
    if not others:
        return _SAME
    made = copy.deepcopy(chance.choice(others))
    clause = found["clauses"][0]["id"]
    return {key: clause if key.endswith("clause") and item else item for key, item in made.items()}


def price(chance: random.Random) -> dict[str, Any]:
    """A category's price of any kind."""
    few, many = sorted(chance.sample(NUMBERS[:10], 2))
    return chance.choice(
        [
            {"kind": "fixed", "credits": few},
            {"kind": "range", "least": few, "most": many},
            {"kind": "from", "least": few},
            {"kind": "on_request"},
            {"kind": "formula", "base": few, "per": {"N": many}},
        ]
    )


def _space(found: dict[str, Any], path: Path) -> FactSpace:
    """The facts that a rule at this place may look at."""
    policy = load_document(json.dumps(found)).policy
    if path[0] == "offers":
        return fact_space.offer_facts(policy)
    return fact_space.action_facts(policy) if path[0] == "actions" else fact_space.ticket_facts(policy)


def condition(space: FactSpace, chance: random.Random, depth: int = 2) -> dict[str, Any]:
    """Any condition over these facts."""
    if depth and chance.random() < 0.4:
        word = chance.choice(["all", "any", "no"])
        if word == "no":
            return {"no": condition(space, chance, depth - 1)}
        return {word: [condition(space, chance, depth - 1) for _ in range(chance.randint(1, 3))]}
    name = chance.choice(sorted(space.facts))
    fact = space.facts[name]
    if chance.random() < 0.2:
        alike = [other for other, one in space.facts.items() if one.type == fact.type and other != name]
        if alike and fact.type != "list":
            ops = ["eq", "ne"] + (["lt", "le", "gt", "ge"] if fact.type in ("integer", "number", "instant") else [])
            return {"fact": name, "op": chance.choice(ops), "value_fact": chance.choice(sorted(alike))}
    if chance.random() < 0.15:
        return {"fact": name, "op": chance.choice(["known", "unknown"])}
    return {"fact": name, **_comparison(fact, chance)}


def _comparison(fact: Fact, chance: random.Random) -> dict[str, Any]:
    match fact.type:
        case "boolean":
            return {"op": chance.choice(["eq", "ne"]), "value": chance.random() < 0.5}
        case "integer" | "number":
            return {"op": chance.choice(["eq", "ne", "lt", "le", "gt", "ge"]), "value": chance.choice(NUMBERS[:8])}
        case "instant":
            op = chance.choice(["eq", "ne", "lt", "le", "gt", "ge", "in", "not_in"])
            times = chance.sample(TIMES, 2)
            return {"op": op, "value": times if op in ("in", "not_in") else times[0]}
        case "list":
            return {"op": "contains", "value": chance.choice(["x", "pro", "owned", ""])}
        case "choice" if fact.values:
            op = chance.choice(["eq", "ne", "in", "not_in"])
            return {"op": op, "value": [fact.values[0]] if op in ("in", "not_in") else chance.choice(fact.values)}
        case _:
            op = chance.choice(["eq", "ne", "in", "not_in"])
            return {"op": op, "value": ["x", ""] if op in ("in", "not_in") else "x"}
