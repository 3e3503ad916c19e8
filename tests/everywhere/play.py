"""Plays a scene over HTTP, and compares what is seen in each place."""

from __future__ import annotations

import json
import re
from itertools import permutations
from typing import Any

import httpx
from fastapi import FastAPI

from app.db.engine import Database
from app.usecases.reports import audit
from tests.everywhere.scene import Delivery, Scene, Seen, Step
from tests.support import shops
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

_NAMED = re.compile(r"\{([\w-]+(?:\.[\w-]+)*)\}")
"""What a call answered, as a text names it."""


def disagrees(found: Any, expected: Any, where: str = "") -> str | None:
    """Say where an answer is not what was expected; None where it is.

    Of an object the named members count. A list has as many rows. ``...`` stands for anything, and a text that begins
    with ``~`` for any text that holds it.
    """
    if expected is ...:
        return None
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return f"{where}: {found!r}, expected {expected!r}"
        wrong = (disagrees(found.get(name), value, f"{where}/{name}") for name, value in expected.items())
        return next((each for each in wrong if each), None)
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return f"{where}: {found!r}, expected {expected!r}"
        wrong = (
            disagrees(row, value, f"{where}/{n}") for n, (row, value) in enumerate(zip(found, expected, strict=True))
        )
        return next((each for each in wrong if each), None)
    if isinstance(expected, str) and expected.startswith("~"):
        right = isinstance(found, str) and expected[1:] in found
    else:
        right = found == expected
    return None if right else f"{where}: {found!r}, expected {expected!r}"


def agree(found: Any, expected: Any, where: str = "") -> None:
    """The answer is what was expected."""
    assert (wrong := disagrees(found, expected, where)) is None, wrong


class Stage:
    """A tenant on which a scene is played, and what its calls answered."""

    def __init__(self, shop: Vendor | None, scene: Scene) -> None:
        self.shop = shop
        self.scene = scene
        self.named: dict[str, Any] = {}

    @classmethod
    async def of(cls, app: FastAPI, api: httpx.AsyncClient, scene: Scene, now: str | None = None) -> Stage:
        """A fresh tenant under the scene's policy."""
        return cls(await vendor_under(app, api, scene.document(), now=now or scene.now), scene)

    def filled(self, value: Any) -> Any:
        """A text or a body with what calls answered in it."""
        if isinstance(value, str):
            return _NAMED.sub(self._of, value)
        if isinstance(value, dict):
            return {name: self.filled(each) for name, each in value.items()}
        return [self.filled(each) for each in value] if isinstance(value, list | tuple) else value

    def _of(self, name: re.Match[str]) -> str:
        found, *parts = name[1].split(".")
        answer = self.named[found]
        for part in parts:
            answer = answer[int(part)] if part.isdigit() else answer[part]
        return str(answer)

    async def act(self, step: Step) -> None:
        """One call."""
        if step.method == "WAIT":
            await self.shop.move_clock(step.path)
            return
        path, body = self.filled(step.path), self.filled(dict(step.body))
        if step.method == "GET":
            answer = await self.shop.get(path)
        elif step.method == "PUT":
            answer = await self.shop.put(path, body)
        else:
            answer = await self.shop.post(path, body, key=None if path.endswith("/refunds") else "fresh")
        if step.refused is not None:
            assert (answer.status_code, answer.json().get("code")) == step.refused, answer.text
        else:
            found = await self.shop.ok(answer)
            self.named[step.name] = found

    async def sees(self, seen: Seen) -> None:
        """What is asked for is what was expected."""
        more = {} if seen.at is None else {"as_of": seen.at}
        found = await self.shop.ok(await self.shop.get(self.filled(seen.path), **more))
        agree(found, self.filled_in(seen.expected), seen.path)

    def filled_in(self, expected: Any) -> Any:
        """An expectation with what calls answered in it."""
        return expected if expected is ... else self.filled(expected)

    async def played(self) -> Stage:
        """The scene's steps are done."""
        for step in self.scene.steps:
            await self.act(step)
        return self

    # --- the places ---------------------------------------------------------------------------------------------------

    async def validate(self) -> None:
        """The document is right, and the mistake is found at its line."""
        text, wrong = self.scene.document(), self.scene.validate
        right = await self.shop.ok(await self.shop.post("/v1/policies/validate", {"document": text}, key=None))
        assert right["problems"] == [], right["problems"]
        assert text.count(wrong.old) == 1, (text.count(wrong.old), wrong.old)
        mistaken = text.replace(wrong.old, wrong.new)
        answer = await self.shop.ok(await self.shop.post("/v1/policies/validate", {"document": mistaken}, key=None))
        rows = [row for row in answer["problems"] if row["code"] == wrong.code]
        assert len(rows) == 1, answer["problems"]
        lines = mistaken.splitlines()
        marker = (wrong.line or wrong.new).splitlines()[0].strip()
        assert marker in lines[rows[0]["line"] - 1], (rows[0], lines[rows[0]["line"] - 1])
        assert rows[0]["message"]

    async def price(self) -> None:
        """What it costs: a ticket by the calculator, or what is sold by its offer."""
        asked, expected = self.scene.price
        if "sku" in asked:
            more = {name: value for name, value in asked.items() if name != "sku"}
            found = await self.shop.ok(await self.shop.get(f"/v1/offers/{asked['sku']}", **more))
        else:
            path = "/v1/policies/everywhere/price"
            found = await self.shop.ok(await self.shop.post(path, self.filled(dict(asked)), key=None))
        agree(found, expected, "price")

    async def simulate(self) -> None:
        """A draft comes out otherwise for whom it should, and for nobody else."""
        draft, text = self.scene.simulate, self.scene.document()
        assert text.count(draft.old) == 1, (text.count(draft.old), draft.old)
        body = {"document": text.replace(draft.old, draft.new)}
        found = await self.shop.ok(await self.shop.post("/v1/policies/everywhere/simulate", body, key=None))
        assert found["complete"]
        assert found["errors"] == [], found["errors"]
        rows = {row["id"]: row for row in found["differences"]}
        assert rows.keys() == draft.differs.keys(), rows
        for name, (before, after) in draft.differs.items():
            agree(rows[name]["before"], before, f"{name} before")
            agree(rows[name]["after"], after, f"{name} after")
        agree(found["totals"], draft.totals, "totals")
        same = await self.shop.ok(
            await self.shop.post("/v1/policies/everywhere/simulate", {"document": text}, key=None)
        )
        assert (same["differences"], same["errors"]) == ([], [])

    async def explain(self) -> None:
        """The explanation says it in a sentence, and holds the words of the clause."""
        kind, name, sentence = self.scene.explain
        found = await self.shop.ok(await self.shop.get(f"/v1/explain/{kind}/{self.filled(name)}"))
        said = [text for name, text in _texts(found) if name in ("summary", "message")]
        assert any(sentence in text for text in said), "\n".join(said)
        assert "E-2" in [clause["id"] if "id" in clause else clause["clause"] for clause in found["clauses"]]

    async def counterfactual(self) -> None:
        """What would have changed the answer is said."""
        path, words = self.scene.counterfactual
        if path.startswith("price"):
            asked = self.filled(json.loads(path.removeprefix("price ")))
            answer = await self.shop.post("/v1/policies/everywhere/price", asked, key=None)
        else:
            answer = await self.shop.get(self.filled(path))
        found = await self.shop.ok(answer)
        said = [text for name, text in _texts(found) if name == "would_change" or "without that" in text]
        assert any(words in text for text in said), said or json.dumps(found)

    async def statement(self) -> None:
        """The statement has the rows, and its parts add up."""
        found = await self.shop.ok(await self.shop.get(f"/v1/customers/{self.scene.customer}/statement"))
        agree(found, self.filled_in(self.scene.statement), "statement")
        parts = [
            sum(row["credits"] for row in found[name])
            for name in ("balance_modifications", "tickets_in_progress", "resolved_tickets")
        ]
        assert found["available"] == parts[0] - parts[1] - parts[2]

    async def events(self) -> None:
        """The events of the type are these, in order."""
        rows = await self._events()
        told = [row["data"] for row in rows if row["type"] == self.scene.events.type]
        agree(told, [self.filled(dict(row)) for row in self.scene.events.data], self.scene.events.type)

    async def _events(self) -> list[Any]:
        rows: list[Any] = []
        after: str | None = None
        while True:
            page = await self.shop.ok(await self.shop.get("/v1/events", limit=100, after=after))
            rows += page["data"]
            after = page.get("next_cursor")
            if after is None or not page["data"]:
                return rows

    async def graphql(self) -> None:
        """GraphQL answers the same."""
        query, expected = self.scene.graphql
        answer = await self.shop.client.post("/graphql", json={"query": self.filled_query(query)})
        found = answer.json()
        assert "errors" not in found, found["errors"]
        agree(found["data"], self.filled_in(expected), "graphql")

    def filled_query(self, query: str) -> str:
        """A query: ``$name.path$`` stands for what a call answered."""
        return re.sub(r"\$([\w-]+(?:\.[\w-]+)*)\$", self._of, query)

    async def as_of(self) -> None:
        """It is seen as it stood then, and as it stands."""
        for seen in self.scene.as_of:
            await self.sees(seen)

    async def permuted(self, app: FastAPI, api: httpx.AsyncClient) -> None:
        """What is delivered comes to the same in any order; each order has a customer of its own."""
        scene = self.scene
        assert not isinstance(scene.permuted, str)
        stage = await Stage.of(app, api, scene, scene.late)
        kinds = {each.source for each in (*scene.first, *scene.permuted) if isinstance(each, Delivery)}
        sources: dict[str, str] = {}
        for kind in sorted(kinds):
            body = {"kind": kind, "secret": shops.STANDARD_SECRET, "options": {"ids": "own"}}
            sources[kind] = (await stage.shop.ok(await stage.shop.put(f"/v1/sources/{kind}", body)))["path"]
        orders = [*permutations(scene.permuted)]
        for number, deliveries in enumerate([orders[0], orders[-1], *orders[1 : -1 : max(1, len(orders) // 4)]]):
            stage.named["n"] = str(number)
            for place, each in enumerate((*scene.first, *deliveries)):
                if isinstance(each, Step):
                    await stage.act(each)
                else:
                    await stage.delivered(app, each, sources[each.source], f"d{number}-{place}")
            for step in scene.steps_late:
                await stage.act(step)
            for seen in scene.same:
                await stage.sees(seen)
        for kind in sources:
            parked = await stage.shop.ok(await stage.shop.get(f"/v1/sources/{kind}/deliveries", state="parked"))
            assert parked["data"] == [], parked["data"]
        assert (await stage.shop.ok(await stage.shop.get("/v1/audit")))["data"] == []
        await stage.shop.close()

    async def delivered(self, app: FastAPI, delivery: Delivery, path: str, ident: str) -> None:
        """What a shop or a helpdesk sends, acted upon."""
        body = shops.raw(self.filled(dict(delivery.event)))
        headers = shops.sign_standard(body, ident=ident)
        answer = await self.shop.client.post(path, content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        while await app.state.house.inbox.act(app.state.house.database, self.shop.tenant_id):
            pass

    async def audit(self, app: FastAPI) -> None:
        """The audit finds nothing, and finds a row that was changed past the service."""
        assert (await self.shop.ok(await self.shop.get("/v1/audit")))["data"] == []
        database: Database = app.state.house.database
        broken = self.scene.audit
        async with database.transaction(self.shop.tenant_id, validate_only=True) as tx:
            await tx.connection.exec_driver_sql("set local role none")
            where = "and" if " where " in broken.sql else "where"
            changed = await tx.connection.exec_driver_sql(f"{broken.sql} {where} tenant_id = '{self.shop.tenant_id}'")
            assert changed.rowcount > 0, broken.sql
            await tx.connection.exec_driver_sql("set local role retainer_app")
            found = {row["invariant"] for row in (await audit.recompute(tx))[1]}
        assert broken.check in found, found


def _texts(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Every text of an answer with the member that holds it."""
    if isinstance(value, dict):
        return [each for key, inner in value.items() for each in _texts(inner, key)]
    if isinstance(value, list):
        return [each for inner in value for each in _texts(inner, name)]
    return [(name, value)] if isinstance(value, str) else []
