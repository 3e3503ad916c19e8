"""Lives under each policy, from first order to last refund: everything explains itself, and the questions a clerk is
asked have an answer that can be read out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from scripts import calls
from tests.support.api import OPERATOR_KEY
from tests.support.explanations import check_words, walk
from tests.support.serving import serving

START = "2025-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def client(module_url: str) -> Iterator[httpx.Client]:
    """A client of a server on loopback."""
    with serving(module_url) as started:
        yield started


@dataclass
class Shop:
    """A fresh tenant, spoken to without ceremony."""

    client: httpx.Client
    key: str

    @classmethod
    def under(cls, client: httpx.Client, policy: str, now: str = START) -> Shop:
        tenant, operator = f"e-{uuid.uuid4().hex[:10]}", {"Authorization": f"Bearer {OPERATOR_KEY}"}
        body = {"policy": policy, "clock": {"mode": "virtual", "now": now}}
        assert client.put(f"/v1/tenants/{tenant}", headers=operator, json=body).status_code == 201
        made = client.post(f"/v1/tenants/{tenant}/keys", headers=operator, json={"scopes": ["*"], "label": "t"})
        return cls(client, made.json()["key"])

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": uuid.uuid4().hex}
        answer = self.client.request(method, path, json=body, headers=headers, timeout=60)
        assert answer.status_code in (200, 201), (method, path, answer.text)
        return answer.json()

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, **body: Any) -> Any:
        return self.call("POST", path, body)

    def act(self, ticket: str, verb: str, **body: Any) -> Any:
        return self.post(f"/v1/tickets/{ticket}/{verb}", **body)

    def order(self, name: str, who: str, *skus: str, at: str = START) -> Any:
        lines = [{"line_id": str(n), "sku": sku, "quantity": 1} for n, sku in enumerate(skus, 1)]
        body = {"customer_id": who, "placed_at": at, "currency": "USD", "lines": lines}
        return self.call("PUT", f"/v1/orders/{name}", body)

    def refund(self, name: str, *lines: str) -> Any:
        rows = [{"line_id": one, "quantity": 1} for one in lines]
        return self.post(f"/v1/orders/{name}/refunds", refund_id="r1", lines=rows, reason="a wrong card")

    def ticket(self, name: str, who: str, **stated: Any) -> Any:
        body = {"customer_id": who, "subject": "s", "channel": "helpdesk", "language": "en", **stated}
        return self.call("PUT", f"/v1/tickets/{name}", body)

    def until(self, now: str) -> None:
        while not self.call("PUT", "/v1/clock", {"now": now})["reached"]:
            pass

    def why(self, kind: str, id_: str) -> str:
        summary: str = self.get(f"/v1/explain/{kind}/{id_}")["summary"]
        return summary

    def may(self, who: str, action: str, query: str = "") -> Any:
        body = self.get(f"/v1/customers/{who}/entitlements/{action}?explain=true{query}")
        check_words(body)
        results = [one["facts"]["result"] for one in body["trace"]]
        assert all(one["summary"] for one in body["trace"])
        assert "holds" not in results[:-1] or "license_id=" in query, "no rule after the one that decided"
        return body


def test_points_charged_disputed_corrected_and_lost(client: httpx.Client) -> None:
    shop = Shop.under(client, "x-cart")
    order = shop.order("1001", "ann", "credits-60")
    shop.ticket("T-1", "ann", category="level_2")
    assert shop.why("assessment", "T-1:1") == (
        "Assessed at 25 points: level 2, fixed price (XC-6). Held from the 60 points of order 1001."
    )
    shop.act("T-1", "responses", author="vendor", kind="service")
    shop.act("T-1", "resolution", outcome="answered", cause="question")
    assert shop.why("charge", "T-1") == (
        "Ticket T-1 is resolved. It cost 25 points. Assessed at 25 points: level 2, fixed price (XC-6)."
        " Held from the 60 points of order 1001."
    )
    charge = shop.get("/v1/explain/charge/T-1")
    assert charge["trace"][0]["assessments"][0]["credits"] == 25
    assert "XC-6" in {one["clause"] for one in charge["clauses"]}
    shop.act("T-1", "disputes", reason="one question")
    shop.act("T-1", "disputes/1/decision", decision="reduced", credits=10)
    assert "The charge is 10 points now" not in shop.why("charge", "T-1")
    assert "The dispute was decided: the charge is 10 points now (XC-12). It brought 15 points back." in shop.why(
        "charge", "T-1"
    )
    shop.act("T-1", "cause", cause="software_bug", reason="found in the release")
    shop.ticket("T-2", "ann", category="aspe_transfer")
    assert "Not stated yet: the number of deployed stores (ALL-3)." in shop.why("ticket", "T-2")
    shop.ticket("T-3", "ann", category="level_3")
    shop.until("2027-02-01T00:00:00Z")
    shop.act("T-3", "withdrawal")
    assert shop.why("lot", order["lots"][0]["lot_id"]) == (
        "The 60 points of order 1001 could be used until 1 January 2027 (XC-5)."
        " 60 were lost at that end and none are left."
    )
    shop.act("T-1", "cause", cause="settings", reason="it was not")
    shop.order("1002", "ann", "license", "credits-60", at="2027-02-01T00:00:00Z")
    shop.refund("1002", "1", "2")
    seen = walk(shop.get)
    assert min(seen[one] for one in ("lot", "hold", "operation", "refund", "clock", "assessment")) > 0, seen


def test_graphql_explains_alike(client: httpx.Client) -> None:
    shop = Shop.under(client, "x-cart")
    shop.order("1001", "ann", "credits-60")
    shop.ticket("T-1", "ann", category="level_2")
    query = """query { explain(kind: "assessment", id: "T-1:1") {
            kind summary trace { step summary clause operations } ledger { step moves { from to credits } } }
        entitlement(customerId: "ann", action: "open_ticket", explain: true) { summary trace { clause summary } } }"""
    answered = shop.post("/graphql", query=query)
    assert "errors" not in answered, answered
    data = answered["data"]
    told = shop.get("/v1/explain/assessment/T-1:1")
    assert data["explain"] == {
        "kind": "assessment",
        "summary": told["summary"],
        "trace": [
            {**{name: step[name] for name in ("step", "summary", "clause")}, "operations": step.get("operations")}
            for step in told["trace"]
        ],
        "ledger": [
            {
                "step": step["step"],
                "moves": [{name: move[name] for name in ("from", "to", "credits")} for move in step["moves"]],
            }
            for step in told["ledger"]
        ],
    }
    asked = shop.may("ann", "open_ticket")
    assert data["entitlement"] == {
        "summary": asked["summary"],
        "trace": [{name: one[name] for name in ("clause", "summary")} for one in asked["trace"]],
    }


def test_a_lot_whose_end_nobody_has_booked_is_explained_as_gone(client: httpx.Client) -> None:
    shop = Shop.under(client, "x-cart")
    lot = shop.order("1001", "ann", "credits-60")["lots"][0]["lot_id"]
    assert shop.why("lot", lot) == "The 60 points of order 1001 can be used until 1 January 2027 (XC-5). 60 are left."
    shop.until("2027-01-01T00:00:00Z")
    assert "60 were lost at that end and none are left." in shop.why("lot", lot)


def test_periods_and_credits_with_a_choice(client: httpx.Client) -> None:
    shop = Shop.under(client, "cs-cart")
    order = shop.order("1001", "ann", "license", "support-1-months", "credits-25", "nonsense")
    shop.ticket("T-0", "ann", category="category_1")
    shop.may("ann", "open_ticket")
    choice = order["choices"][0]["choice_id"]
    assert "brings 40 credits or 30 days of support, as the customer chooses" in shop.why("choice", choice)
    shop.post(f"/v1/customers/ann/choices/{choice}", option="credits")
    assert shop.why("choice", choice).endswith("the customer chose 40 credits (CSC-1).")
    started = shop.ticket("T-1", "ann", category="category_1", pay_with="cover")
    assert started["reasons"][0]["facts"]["ends_at"] == "2025-02-01T00:00:00Z"
    shop.ticket("T-2", "ann", category="category_3", pay_with="credits")
    shop.act("T-2", "assessments/1/confirmation", accept=True)
    shop.act("T-2", "resolution", outcome="answered")
    shop.ticket("T-3", "ann", channel="email", language="de", facts={"customization": True})
    shop.ticket("T-4", "ann", pay_with="credits", agreed_up_to=20)
    shop.ticket("T-5", "ann", pay_with="credits", category="category_2")
    shop.act("T-5", "assessments/1/confirmation", accept=False)
    cover = order["covers"][0]["cover_id"]
    shop.post(f"/v1/covers/{cover}/suspension", reason="holiday")
    shop.until("2025-01-10T00:00:00Z")
    assert "is suspended since 1 January 2025" in shop.why("cover", cover)
    shop.post(f"/v1/covers/{cover}/resumption")
    assert shop.why("cover", cover) == "The support for 1 month of order 1001 runs until 10 February 2025 (CSC-4)."
    explained = shop.get(f"/v1/explain/cover/{cover}")
    assert "customer_id" not in str(explained["trace"])
    assert "version" not in str(explained["trace"])
    for who in ("ann", "nobody"):
        shop.may(who, "open_ticket")
        shop.may(who, "forum_post", "&forum=Dev")
    shop.may("ann", "open_ticket", "&license_id=lic_none")
    shop.refund("1001", "1", "3")
    assert walk(shop.get)["choice"] == 1


def test_typed_credits_qualified_by_an_agent(client: httpx.Client) -> None:
    shop = Shop.under(client, "shopp", "2025-03-03T15:00:00Z")
    order = shop.order(
        "o1", "sam", "license", "credit-priority", "credit-plugin-installation", at="2025-03-03T15:00:00Z"
    )
    license_id = order["licenses"][0]["license_id"]
    shop.post(f"/v1/licenses/{license_id}/registration", domain="shop.example.com")
    facts = {
        "official": True,
        "modified": False,
        "current_release": True,
        "request_kind": "diagnosis",
        "single_issue": True,
        "clear_description": True,
        "backup": "done",
    }
    shop.ticket("S-1", "sam", license_id=license_id, credit_type="priority", facts=facts)
    shop.act("S-1", "access-requests", kinds=["ftp"])
    shop.act("S-1", "access-requests/1/grant")
    shop.act("S-1", "qualification", decision="accept")
    shop.act("S-1", "pauses", reason="waiting_for_customer")
    shop.act("S-1", "resumptions")
    shop.act("S-1", "responses", author="vendor", kind="service")
    want = shop.ticket("S-2", "sam", license_id=license_id, credit_type="priority", facts=facts)
    assert want["reasons"][0]["message"] == "1 Priority Support credit is needed, 0 are available."
    check_words(want)
    wrong = shop.ticket("S-3", "sam", license_id=license_id, credit_type="plugin_installation", facts=facts)
    check_words(wrong)
    check_words(shop.ticket("S-4", "sam", credit_type="priority", facts={"modified": True}))
    shop.until("2025-03-10T15:00:00Z")
    shop.act("S-1", "resolution", outcome="answered")
    assert "One credit for Priority Support pays for it (SHOPP-16)." in shop.why("charge", "S-1")
    shop.until("2025-10-10T15:00:00Z")
    seen = walk(shop.get)
    assert seen["clock"] >= 3, seen


def test_levels_ranges_and_a_bug(client: httpx.Client) -> None:
    shop = Shop.under(client, "avactis")
    shop.order("a1", "ava", "license-leased", "credits-20", "nonsense")
    shop.ticket("A-1", "ava", category="features")
    assert "included in a level of support (AVA-9)" in shop.why("assessment", "A-1:1")
    assert "The unlimited support of level 1 of order a1 pays for it." in shop.why("ticket", "A-1")
    shop.ticket("A-2", "ava", category="hosting")
    shop.act("A-2", "assessments", credits=70, reason="three servers")
    assert "outside the list (20 to 60 by the list): three servers (AVA-10)" in shop.why("charge", "A-2")
    shop.act("A-2", "resolution", outcome="answered", cause="software_bug")
    assert "It costs nothing: 70 credits were charged and all given back." in shop.why("charge", "A-2")
    shop.order("a2", "ava", "license-leased")
    shop.ticket("A-3", "ava", category="features")
    shop.refund("a2", "1")
    shop.post("/v1/customers/ava/adjustments", credits=5, reason="goodwill")
    shop.post("/v1/customers/ava/adjustments", credits=-2, reason="a slip")
    shop.order("b1", "bea", "credits-20")
    shop.post("/v1/customers/bea/merge", into_customer_id="ava")
    held = shop.post("/v1/customers/ava/holds", credits=3)
    shop.post(f"/v1/holds/{held['hold_id']}/capture", credits=1, final=True)
    shop.post("/v1/customers/ava/debits", credits=1)
    walk(shop.get)


def test_cover_alone(client: httpx.Client) -> None:
    shop = Shop.under(client, "cactushop")
    order = shop.order("k1", "kim", "license-standard")
    license_id = order["licenses"][0]["license_id"]
    opened = shop.ticket("K-1", "kim", license_id=license_id)
    entitled = shop.may("kim", "open_ticket", f"&license_id={license_id}")
    assert opened["reasons"][0]["clause"] == entitled["reasons"][0]["clause"] == "CACTU-3"
    shop.act("K-1", "resolution", outcome="answered")
    shop.until("2025-09-01T00:00:00Z")
    denied = shop.may("kim", "download", f"&license_id={license_id}")
    assert denied["summary"].startswith("Support cover ended on 1 July 2025.")
    assert denied["summary"].endswith("(CACTU-4).")
    shop.ticket("K-2", "kim", license_id=license_id)
    shop.order("k2", "kim", "support-12-months", at="2025-09-01T00:00:00Z")
    shop.refund("k2", "1")
    refund = shop.get("/v1/explain/refund/k2:r1")
    assert refund["trace"][0]["step"] == "taken_back"
    assert refund["clauses"]
    walk(shop.get)


@pytest.mark.parametrize(("page", "blocks"), [("explanations", 7), ("calls", 19)])
def test_the_calls_of_a_page_answer_as_it_says(client: httpx.Client, page: str, blocks: int) -> None:
    text = calls.text_of(page)
    found = list(calls.answers(client, OPERATOR_KEY, text, f"-{uuid.uuid4().hex[:8]}"))
    assert len(found) == blocks == text.count("```json")
    for answered, shown in found:
        assert answered == shown
