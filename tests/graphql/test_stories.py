"""The five told stories, one for each policy, through GraphQL: the same expectations, and the same ledger as through REST."""

# ruff: noqa: E501

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from graphql import GraphQLObjectType, GraphQLUnionType, get_named_type, is_leaf_type

from app.api.graphql.edges import RENAMED
from app.api.graphql.names import camel, field_name
from app.api.graphql.schema import Door, build
from app.commands.demo import _at, stories
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.graphql import ask

STORIES = {story["policy"]: story for story in stories()}
HOLE = re.compile(r"\{([^{}]+)\}")


def snake(value: Any) -> Any:
    """A GraphQL answer by the names of REST."""
    if isinstance(value, dict):
        return {re.sub(r"([A-Z])", lambda one: "_" + one[1].lower(), key): snake(inner) for key, inner in value.items()}
    return [snake(one) for one in value] if isinstance(value, list) else value


def camelled(value: Any, kind: Any) -> Any:
    """A REST body as GraphQL input; what is JSON there stays as it is."""
    named = get_named_type(kind)
    if isinstance(value, list):
        return [camelled(one, named) for one in value]
    if isinstance(value, dict) and hasattr(named, "fields"):
        return {camel(key): camelled(inner, named.fields[camel(key)].type) for key, inner in value.items()}
    return value


def selection(kind: Any, door: Door, depth: int = 4) -> str:
    """Every field of a type that needs no arguments and asks nobody else."""
    if isinstance(kind, GraphQLUnionType):
        first = kind.types[0]
        whole = selection(first, door, depth)
        return f"{{ __typename ... on {first.name} {whole} ... on Refusal {{ code refused: status detail }} }}"
    found = []
    for name, one in kind.fields.items():
        inner = get_named_type(one.type)
        if is_leaf_type(inner):
            found.append(name)
        elif isinstance(inner, GraphQLObjectType) and depth and (kind.name, name) not in door.weights.asking:
            found.append(f"{name} {selection(inner, door, depth - 1)}")
    return "{ " + " ".join(found) + " }"


@dataclass
class Player:
    """Plays a story through one of the doors."""

    vendor: Vendor
    door: Door | None
    app: FastAPI
    kept: dict[str, Any] = field(default_factory=dict)
    calls: int = 0

    async def play(self, story: dict[str, Any]) -> None:
        for step in story["steps"]:
            if "move" in step:
                await self.vendor.move_clock(self.filled(step["move"]))
            elif "call" in step:
                await self.step(step)

    async def step(self, step: dict[str, Any]) -> None:
        method, _, path = self.filled(step["call"]).partition(" ")
        body, self.calls = self.filled(step.get("body")), self.calls + 1
        view = await (self.by_graphql(method, path, body) if self.door else self.by_rest(method, path, body))
        self.kept.update({name: _at(view, place) for name, place in step.get("keep", {}).items()})
        for place, wanted in step.get("expect", {}).items():
            assert _at(view, self.filled(place)) == self.filled(wanted), (method, path, place, view)

    async def by_rest(self, method: str, path: str, body: Any) -> Any:
        headers = {"Idempotency-Key": f"story-{self.calls}"} if method == "POST" else {}
        return (await self.vendor.client.request(method, path, json=body, headers=headers)).json()

    async def by_graphql(self, method: str, path: str, body: Any) -> Any:
        assert self.door is not None
        plain, _, query = path.partition("?")
        route, given = self.route_of(method, plain)
        operation = self.door.operations[str(route.operation_id)]
        root = self.door.core.query_type if method == "GET" else self.door.core.mutation_type
        assert root is not None
        name = field_name(operation.name) if method == "GET" else operation.name
        at = root.fields[name]
        if method == "GET":
            given |= dict(parse_qsl(query))
            variables = {camel(key): value for key, value in given.items()}
            declared = " ".join(f"${key}: {at.args[key].type}" for key in variables)
            passed = ", ".join(f"{key}: ${key}" for key in variables)
        else:
            kind = get_named_type(at.args["input"].type)
            fields = {**{camel(key): value for key, value in given.items()}, **camelled(body or {}, kind)}
            if operation.keyed:
                fields["idempotencyKey"] = f"story-{self.calls}"
            variables, declared, passed = {"input": fields}, f"$input: {kind.name}!", "input: $input"
        document = f"({declared}) {{ {name}({passed}) {selection(get_named_type(at.type), self.door)} }}"
        found = (await ask(self.vendor, ("query" if method == "GET" else "mutation") + document, **variables))[name]
        view = snake(found)
        if isinstance(view, dict):
            kind = view.get("__typename")
            renamed = {inner: snake({new: 0}) for (owner, inner), new in RENAMED.items() if owner == kind}
            view |= {inner: view[next(iter(new))] for inner, new in renamed.items()}
        return {"data": view} if isinstance(view, list) else view

    def route_of(self, method: str, path: str) -> tuple[APIRoute, dict[str, str]]:
        for route in self.app.routes:
            if isinstance(route, APIRoute) and method in (route.methods or ()):
                found = route.path_regex.match(path)
                if found:
                    return route, {key: int(one) if key == "number" else one for key, one in found.groupdict().items()}
        raise AssertionError(path)

    def filled(self, value: Any) -> Any:
        if isinstance(value, str):
            whole = HOLE.fullmatch(value)
            if whole and whole[1] in self.kept:
                return self.kept[whole[1]]
            return HOLE.sub(lambda one: str(self.kept.get(one[1], one[0])), value)
        if isinstance(value, dict):
            return {key: self.filled(one) for key, one in value.items()}
        return [self.filled(one) for one in value] if isinstance(value, list) else value


async def ledger(vendor: Vendor, customer_id: str) -> list[dict[str, Any]]:
    """The ledger without what is made up at random."""
    rows = (await vendor.ok(await vendor.get(f"/v1/customers/{customer_id}/entries", limit=100)))["data"]
    wanted = (
        "kind",
        "credit_type",
        "credits",
        "from",
        "to",
        "ticket_id",
        "order_id",
        "effective_at",
        "version",
        "clause",
    )
    return [{key: row[key] for key in wanted} for row in rows]


@pytest.mark.parametrize("policy", sorted(STORIES))
async def test_each_story_is_the_same_through_both_doors(app: FastAPI, vendor: MakeVendor, policy: str) -> None:
    story = STORIES[policy]
    one, other = await vendor(policy, story["now"]), await vendor(policy, story["now"])
    await Player(one, build(), app).play(story)
    await Player(other, None, app).play(story)
    customers = [row["customer_id"] for row in (await one.get("/v1/customers")).json()["data"]]
    assert customers
    for customer in customers:
        assert await ledger(one, customer) == await ledger(other, customer)
        statements = [(await each.get(f"/v1/customers/{customer}/statement")).json() for each in (one, other)]
        assert statements[0]["available"] == statements[1]["available"]
        assert len(statements[0]["resolved_tickets"]) == len(statements[1]["resolved_tickets"])
