"""A life under any policy document, as calls of REST alone: what is sold is bought, what is served is asked for.

The calls depend on the document and on what was answered before. Of ids that the service makes only the kind is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

BEGAN = "2025-01-06T09:00:00Z"
"""A Monday."""
_MADE = re.compile(r"\b[a-z]{2,6}_[0-9a-z]{26}(_\d+)?\b|\b[0-9a-f]{64}\b|urn:retainer:request:\w+")
_ANN = "/v1/customers/ann"
_READS = ("", "/balance", "/statement", "/entries", "/choices", "/entitlements/open_ticket", "/entitlements/download")
_PASSING = frozenset({"next_cursor", "instance", "checked", "checked_at"})
EXPLAINED = 4
"""So many tickets are explained too."""
Row = dict[str, Any]


def plain(value: Any) -> Any:
    """A value in which what the service makes up has the name of its kind; positions and hashes are left out."""
    if isinstance(value, dict):
        return {plain(name): plain(inner) for name, inner in sorted(value.items()) if name not in _PASSING}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return _MADE.sub(lambda one: f"<{one[0].split('_')[0]}>", value) if isinstance(value, str) else value


@dataclass
class Life:
    """Plays the life, and keeps what was answered: ``rows`` of method, path, status and body."""

    client: httpx.Client
    operator_key: str
    tenant: str
    document: str
    rows: list[Row] = field(default_factory=list)
    key: str = ""
    calls: int = 0

    def call(self, method: str, path: str, body: Any = None, *, keep: bool = True) -> Any:
        """Make a call, and keep its answer."""
        self.calls += 1
        headers = {"Authorization": f"Bearer {self.key or self.operator_key}"}
        if method == "POST":
            headers["Idempotency-Key"] = f"{self.tenant}-{self.calls}"
        answer = self.client.request(method, path, json=body, headers=headers)
        found = answer.json()
        if keep:
            self.rows.append({"call": f"{method} {plain(path)}", "status": answer.status_code, "answer": plain(found)})
        return found

    def play(self, policy: str) -> list[Row]:
        """Play the whole life and return what was answered."""
        clock = {"mode": "virtual", "now": BEGAN}
        body = {"policy": policy, "document": self.document, "clock": clock}
        self.call("PUT", f"/v1/tenants/{self.tenant}", body, keep=False)
        self.key = self.call("POST", f"/v1/tenants/{self.tenant}/keys", {"scopes": ["*"]}, keep=False)["key"]
        named = self.call("GET", f"/v1/policies/{policy}", keep=False)
        orders = [*self.buy()]
        for ticket in [*self.tickets(named)]:
            self.serve(ticket, named)
        self.spend(named)
        self.move("2025-02-20T09:00:00Z")
        for order in orders[::2]:
            lines = [{"line_id": "1", "quantity": 1}]
            self.call("POST", f"/v1/orders/{order}/refunds", {"refund_id": f"r-{order}", "lines": lines})
        self.reads()
        self.move("2026-03-01T09:00:00Z")
        for place in ("/balance", "/statement", "/entitlements/open_ticket"):
            self.call("GET", f"{_ANN}{place}")
        for order in orders:
            self.call("GET", f"/v1/orders/{order}")
        self.call("GET", "/v1/audit")
        return self.rows

    def move(self, now: str) -> None:
        """Move the clock until all is done that was due."""
        while not self.call("PUT", "/v1/clock", {"now": now}, keep=False)["reached"]:
            pass

    def buy(self) -> Iterator[str]:
        """Buy a unit of whatever is sold; of what can be chosen the first."""
        offers = self.call("GET", "/v1/offers?customer_id=ann")["data"]
        for number, offer in enumerate(offers, 1):
            line = {"line_id": "1", "sku": offer["sku"].replace("{n}", "30"), "quantity": 1}
            if offer["sku"] == "addon":
                line["attributes"] = {"addon": "reports"}
            body = {"customer_id": "ann", "placed_at": BEGAN, "currency": "USD", "lines": [line]}
            self.call("PUT", f"/v1/orders/o{number}", body)
            yield f"o{number}"
        for choice in self.call("GET", f"{_ANN}/choices")["data"]:
            self.call("POST", f"{_ANN}/choices/{choice['choice_id']}", {"option": choice["options"][0]})

    def tickets(self, named: Row) -> Iterator[str]:
        """Ask for each category, and for what may be asked without one, with and without a license."""
        licenses = self.call("GET", _ANN, keep=False)["licenses"]
        facts = {fact["fact"]: _value(fact) for fact in named["facts"]}
        wanted: list[Row] = [{}, *({"category": row["category"]} for row in named["categories"])]
        for number, asked in enumerate(wanted, 1):
            channel = "helpdesk" if number % 3 else "phone"
            body: Row = {"customer_id": "ann", "subject": f"Question {number}", "channel": channel, **asked}
            if licenses and number % 2:
                body["license_id"] = licenses[0]["license_id"]
            if number % 2:
                body["facts"] = facts
            answer = self.call("PUT", f"/v1/tickets/t{number}", body, keep=number <= EXPLAINED)
            if answer.get("state") == "needs_facts":
                self.call("POST", f"/v1/tickets/t{number}/details", {"facts": facts}, keep=False)
            yield f"t{number}"

    def serve(self, ticket: str, named: Row) -> None:
        """Do with a ticket what a helpdesk does; a refusal is an answer too."""
        path = f"/v1/tickets/{ticket}"
        number = int(ticket[1:])
        if self.call("GET", path, keep=False)["state"] == "awaiting_qualification":
            self.call("POST", f"{path}/qualification", {"decision": "accept"}, keep=False)
        if self.call("GET", path, keep=False)["state"] == "awaiting_assessment":
            category = named["categories"][0]["category"] if named["categories"] else None
            self.call("POST", f"{path}/assessments", {"category": category, "credits": 7, "reason": "seen"}, keep=False)
        found = self.call("GET", path, keep=False)
        if found["state"] == "awaiting_confirmation":
            last = found["assessments"][-1]["number"]
            self.call("POST", f"{path}/assessments/{last}/confirmation", {"accept": True}, keep=False)
        self.call("POST", f"{path}/responses", {"author": "vendor", "kind": "service", "public": True}, keep=False)
        if number % 4 == 0:
            self.call("POST", f"{path}/withdrawal", {})
            return
        causes = [row["cause"] for row in named["causes"]]
        self.call("POST", f"{path}/resolution", {"cause": causes[number % len(causes)]})
        if number <= EXPLAINED:
            self.call("GET", f"/v1/explain/ticket/{ticket}")

    def spend(self, named: Row) -> None:
        """Use credits without a ticket."""
        types = [row["credit_type"] for row in (named["document"].get("credits") or {}).get("types", [])]
        for credit_type in types[:2]:
            self.call("POST", f"{_ANN}/debits", {"credits": 1, "credit_type": credit_type})
            hold = self.call("POST", f"{_ANN}/holds", {"credits": 1, "credit_type": credit_type})
            if "hold_id" in hold:
                self.call("POST", f"/v1/holds/{hold['hold_id']}/release", {})

    def reads(self) -> None:
        """Read whatever there is to say of the customer."""
        for place in _READS:
            self.call("GET", f"{_ANN}{place}")
        self.call("GET", "/v1/clocks?limit=20")


def _value(fact: Row) -> Any:
    """Return something that may be stated of a fact."""
    values = fact.get("values") or []
    return values[0] if values else {"text": "one", "integer": 1, "decimal": "1.0"}.get(fact.get("type") or "", True)
