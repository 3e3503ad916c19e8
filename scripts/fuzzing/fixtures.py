"""What a fuzzed tenant holds before the first random call, so that calls reach more than 404.

Everything is made through HTTP, under whichever policy the tenant has: what that policy names (skus, categories, facts,
outcomes, credit types) is read from the service. Steps that a policy refuses are passed over; a fault ends the run.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from standardwebhooks import Webhook

START: Final = "2025-01-01T00:00:00Z"
NOW: Final = "2025-01-08T10:00:00Z"
"""A Wednesday in opening hours, a week after the first orders."""
SECRET: Final = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
CUSTOMERS: Final = ("c-1", "c1", "clara", "ann", "bob", "boris", "dora", "emil")
DOOMED: Final = tuple(f"doomed-{n}" for n in range(1, 9))
"""For erasures and merges."""
TICKETS_EACH: Final = 4
FACTS: Final = {
    "official": True,
    "modified": False,
    "current_release": True,
    "request_kind": "diagnosis",
    "single_issue": True,
    "clear_description": True,
    "backup": "done",
}
PRICE: Final = {"list_price": "100.00", "unit_price": "100.00"}
"""Of every line, so that what was bought can be bought back."""
SERVICE: Final = {"author": "vendor", "kind": "service", "public": True}


@dataclass
class Fixtures:
    """``ids``: parameter -> ids that exist. ``good``: operation -> requests that ought to succeed."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    good: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def known(self, name: str, *values: str) -> None:
        """Notes ids of a parameter."""
        kept = self.ids.setdefault(name, [])
        kept += [one for one in values if one not in kept]

    def can(self, operation: str, path: dict[str, Any], body: Any = None, **query: Any) -> None:
        """Notes a request that ought to succeed."""
        self.good.setdefault(operation, []).append({"path": path, "body": body, "query": query})

    def json(self) -> str:
        """For the hooks, which run in another environment."""
        return json.dumps({"ids": self.ids, "good": self.good})


@dataclass
class Shop:
    """A tenant's caller; ``say`` is what its policy names."""

    client: httpx.AsyncClient
    fixtures: Fixtures
    say: dict[str, Any] = field(default_factory=dict)
    skus: list[str] = field(default_factory=list)

    async def do(self, method: str, path: str, body: Any = None) -> dict[str, Any] | None:
        """What a call answered; None when it was refused."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        answer = await self.client.request(method, path, json=body, headers=headers)
        if answer.status_code >= 500:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        if answer.is_error or not answer.content:
            return None
        found: dict[str, Any] = answer.json()
        return found

    async def must(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What a call answered that no policy refuses."""
        found = await self.do(method, path, body)
        if found is None:
            raise RuntimeError(f"{method} {path} was refused")
        return found

    async def rows(self, path: str) -> list[dict[str, Any]]:
        """The first page of a list."""
        found = await self.do("GET", path)
        rows: list[dict[str, Any]] = found["data"] if found else []
        return rows

    def named(self, what: str, key: str) -> list[str]:
        """Names of the policy."""
        return [one[key] for one in self.say.get(what, ())]


WIDER: Final[dict[str, Any]] = {
    "disputes": {"clause": "CSC-10"},
    "transfer": {"allowed": True, "clause": "CSC-20", "message": "Credits may be given away."},
    "access": {
        "clause": "CSC-9",
        "kinds": ["ftp", "logs"],
        "deadline": "business_days:3:close",
        "outcome": "environment",
    },
    "money_back": {"clause": "CSC-20", "full_within": {"days": 60}, "then_prorated": True, "used_clause": "CSC-20"},
    "cover": {"suspensions": 9, "suspension_clause": "CSC-5", "free_extension": True, "extension_clause": "CSC-17"},
}
"""Parts that the policy of the quick run gets besides its own, so that one run reaches every operation."""
WIDE: Final = "cs-cart"


async def widen(client: httpx.AsyncClient) -> None:
    """Publishes a version of the tenant's policy that offers what only other policies offer."""
    shop = Shop(client, Fixtures())
    document = (await shop.must("GET", f"/v1/policies/{WIDE}"))["document"]
    await shop.must("POST", f"/v1/policies/{WIDE}/versions", {"document": {**document, **WIDER}})


async def lay(client: httpx.AsyncClient, policy: str, hook: str) -> Fixtures:
    """Furnishes the client's tenant; webhooks go to ``hook``."""
    shop = Shop(client, Fixtures())
    shop.say = await shop.must("GET", f"/v1/policies/{policy}")
    shop.skus = [one.replace("{n}", "50").replace("*", "50") for one in shop.named("offers", "sku")]
    await _endpoints(shop, hook)
    await _accounts(shop)
    await shop.do("PUT", "/v1/clock", {"now": NOW})
    await _calendars(shop)
    await _credits(shop)
    tickets = _Tickets(shop)
    await tickets.make()
    await _sources(shop)
    _questions(shop, policy)
    return shop.fixtures


async def delivered(client: httpx.AsyncClient, fixtures: Fixtures) -> bool:
    """Whether something was sent, and refused, and the shop's deliveries are acted on."""
    shop, endpoints = Shop(client, fixtures), fixtures.ids["endpoint_id"]
    sent = await shop.rows(f"/v1/webhook-endpoints/{endpoints[0]}/deliveries?state=delivered&limit=5")
    taken = await shop.rows("/v1/sources/shop/deliveries?state=received")
    return len(sent) > 2 and not taken


async def gather(client: httpx.AsyncClient, fixtures: Fixtures) -> None:
    """The ids that the service gave, once the worker has numbered the events and sent some."""
    shop = Shop(client, fixtures)
    for customer in CUSTOMERS:
        seen = await shop.do("GET", f"/v1/customers/{customer}") or {}
        fixtures.known("license_id", *(one["license_id"] for one in seen.get("licenses", ())))
        running = [one["cover_id"] for one in seen.get("covers", ()) if one["state"] == "running"]
        fixtures.known("cover_id", *running, *(one["cover_id"] for one in seen.get("covers", ())))
        if running and customer in CUSTOMERS[::2]:
            await shop.do("POST", f"/v1/covers/{running[0]}/suspension", {})
        balance = await shop.do("GET", f"/v1/customers/{customer}/balance") or {}
        # Those that were bought first: they can be bought back.
        lots = sorted(balance.get("lots", ()), key=lambda one: one["cost"] is None)
        fixtures.known("lot_id", *(one["lot_id"] for one in lots[:6]))
    for clock in await shop.rows("/v1/clocks?limit=40"):
        fixtures.known("clock_id", clock["clock_id"])
    for event in await shop.rows("/v1/events?limit=40"):
        fixtures.known("event_id", event["id"])
    # The last first: the contract's own example of a change, tried on the others, turns them off.
    for endpoint in reversed(fixtures.ids["endpoint_id"]):
        for state in ("delivered", "pending", "failed"):
            for one in await shop.rows(f"/v1/webhook-endpoints/{endpoint}/deliveries?state={state}&limit=5"):
                path = {"endpoint_id": endpoint, "delivery_id": one["delivery_id"]}
                fixtures.can("getWebhookDelivery", path)
                if state != "pending":
                    fixtures.can("replayWebhookDelivery", path)
    for one in await shop.rows("/v1/sources/shop/deliveries"):
        path = {"name": "shop", "delivery_id": one["delivery_id"]}
        fixtures.can("getSourceDelivery", path)
        fixtures.can("replaySourceDelivery", path)
    _from_ids(fixtures)


def _from_ids(fixtures: Fixtures) -> None:
    """Requests that need no more than an id."""
    for operation, name in (
        ("getLicense", "license_id"),
        ("getCover", "cover_id"),
        ("quoteLotRefund", "lot_id"),
        ("getLot", "lot_id"),
        ("getChoice", "choice_id"),
        ("getEntry", "entry_id"),
        ("getClock", "clock_id"),
        ("getEvent", "event_id"),
        ("getWebhookEndpoint", "endpoint_id"),
        ("listWebhookDeliveries", "endpoint_id"),
        ("testWebhookEndpoint", "endpoint_id"),
        ("rotateWebhookSecret", "endpoint_id"),
        ("getOrder", "order_id"),
        ("replayOrder", "order_id"),
        ("getTicket", "ticket_id"),
        ("getCustomer", "customer_id"),
        ("getBalance", "customer_id"),
    ):
        for one in fixtures.ids.get(name, ())[:20]:
            fixtures.can(operation, {name: one})
    fixtures.can("listKeys", {})
    fixtures.can("listEvents", {})
    for one in fixtures.ids.get("clock_id", ()):
        fixtures.can("judgeClock", {"clock_id": one}, {"reason": "the calendar was wrong"})
    fixtures.can("listTickets", {}, state="in_progress")
    for number, one in enumerate(fixtures.ids.get("license_id", ())):
        fixtures.can("registerLicense", {"license_id": one}, {"domain": f"shop{number}.example"})
        if number % 3 == 2:
            fixtures.can("terminateLicense", {"license_id": one}, {"effective_at": NOW})
    for one in fixtures.ids.get("lot_id", ()):
        fixtures.can("transferLot", {"lot_id": one}, {"to_customer_id": "bob"})
        fixtures.can("refundLot", {"lot_id": one}, {"override": True, "reason": "kindness"})
    for one in fixtures.ids.get("cover_id", ()):
        fixtures.can("resumeCover", {"cover_id": one})
        fixtures.can("suspendCover", {"cover_id": one})
        fixtures.can("extendCover", {"cover_id": one}, {"months": 1, "reason": "an outage of ours"})
    for one in fixtures.ids.get("endpoint_id", ()):
        fixtures.can("changeWebhookEndpoint", {"endpoint_id": one}, {"enabled": True})
        fixtures.can("replayWebhookSpan", {"endpoint_id": one}, {"since": "2020-01-01T00:00:00Z", "which": "all"})
    for kind, name in (
        ("license", "license_id"),
        ("cover", "cover_id"),
        ("lot", "lot_id"),
        ("clock", "clock_id"),
        ("ticket", "ticket_id"),
        ("charge", "ticket_id"),
        ("order", "order_id"),
        ("hold", "hold_id"),
        ("choice", "choice_id"),
    ):
        for one in fixtures.ids.get(name, ())[:8]:
            fixtures.can("explain", {"kind": kind, "id": one})


async def _endpoints(shop: Shop, hook: str) -> None:
    for number, wanted in enumerate((["*"], ["ticket.*", "credits.low"], ["order.*"], ["*"], ["*"])):
        body = {"url": f"{hook}/{number}", "event_types": wanted, "description": "helpdesk"}
        made = await shop.must("POST", "/v1/webhook-endpoints", body)
        # The last is there to be deleted, the others are not, so that what is asked of them is answered.
        if number < 4:
            shop.fixtures.known("endpoint_id", made["endpoint_id"])
        else:
            shop.fixtures.can("deleteWebhookEndpoint", {"endpoint_id": made["endpoint_id"]})
    shop.fixtures.can("createWebhookEndpoint", {}, {"url": f"{hook}/more", "event_types": ["order.*"]})


async def _accounts(shop: Shop) -> None:
    """Customers with an order of everything the policy sells, and balances by hand."""
    extra = {"addon": {"attributes": {"addon": "Gifts"}}}
    orders = zip(
        itertools.chain(("1001",), (f"o-{n}" for n in itertools.count(1))), (*CUSTOMERS, *DOOMED), strict=False
    )
    for order_id, customer in orders:
        first = [sku for sku in shop.skus if sku.startswith("license")][:2]
        later = [sku for sku in shop.skus if not sku.startswith("license")]
        for number, skus in enumerate((first[:1], first[1:] + later)):
            lines = [
                {"line_id": str(n), "sku": sku, "quantity": 1, **PRICE, **extra.get(sku, {})}
                for n, sku in enumerate(skus, 1)
            ]
            body = {"customer_id": customer, "placed_at": START, "currency": "USD", "lines": lines}
            name = f"{order_id}-{number}" if number else order_id
            if not lines:
                continue
            await shop.must("PUT", f"/v1/orders/{name}", body)
            shop.fixtures.known("order_id", name)
            shop.fixtures.can("putOrder", {"order_id": name}, body)
            refund = {"refund_id": f"r-{name}", "lines": [{"line_id": "1", "quantity": 1}], "reason": "not liked"}
            if customer not in CUSTOMERS[:4]:
                shop.fixtures.can("refundOrder", {"order_id": name}, refund)
        for credit_type in (None, *shop.named("credit_types", "credit_type")):
            grant = {"credits": 2000, "reason": "kindness", "credit_type": credit_type}
            await shop.do("POST", f"/v1/customers/{customer}/adjustments", grant)
        later_on = {"credits": 10, "reason": "kindness", "expires_at": "2025-06-01T00:00:00Z"}
        await shop.do("POST", f"/v1/customers/{customer}/adjustments", later_on)
        for choice in await shop.rows(f"/v1/customers/{customer}/choices"):
            path = {"customer_id": customer, "choice_id": choice["choice_id"]}
            if customer in CUSTOMERS[:3]:
                body = {"option": choice["options"][0]}
                await shop.do("POST", f"/v1/customers/{customer}/choices/{choice['choice_id']}", body)
            else:
                shop.fixtures.can("makeChoice", path, {"option": choice["options"][-1]})
            shop.fixtures.known("choice_id", choice["choice_id"])
    shop.fixtures.known("customer_id", *CUSTOMERS)
    for one, other in zip(DOOMED[:4], DOOMED[4:], strict=True):
        shop.fixtures.can("eraseCustomer", {"customer_id": one})
        shop.fixtures.can("mergeCustomers", {"customer_id": other}, {"into_customer_id": "emil"})


async def _calendars(shop: Shop) -> None:
    shop.fixtures.known("calendar", "service-hours")
    for name, zone in (("berlin", "Europe/Berlin"), ("lord-howe", "Australia/Lord_Howe"), ("empty", "UTC")):
        await shop.do("PUT", f"/v1/calendars/{name}", {"zone": zone, "notice_days": 7})
        shop.fixtures.known("calendar", name)
        version = {
            "effective_from": "2025-03-01",
            "weekly_hours": {"mon": [["09:00", "12:00"], ["13:00", "24:00"]], "sun": [["00:00", "24:00"]]},
            "exceptions": [{"date": "2025-12-24", "kind": "closed", "name": "Christmas Eve"}],
        }
        shop.fixtures.can("publishCalendarVersion", {"name": name}, version)
        shop.fixtures.can("putCalendar", {"name": f"{name}-2"}, {"zone": zone})
        if name != "empty":
            await shop.do("POST", f"/v1/calendars/{name}/versions", version)


async def _credits(shop: Shop) -> None:
    """Holds as they may stand: held, captured in part and whole, released; and requests for each."""
    type_ = next(iter(shop.named("credit_types", "credit_type")), None)
    extra = {} if type_ is None or type_ == "credit" else {"credit_type": type_}
    for customer in CUSTOMERS:
        where = f"/v1/customers/{customer}"
        for kind, verbs in (
            ("captureHold", ()),
            ("releaseHold", ()),
            ("refundHold", ("capture",)),
            (None, ("release",)),
        ):
            made = await shop.do("POST", f"{where}/holds", {"credits": 6, **extra})
            if made is None:
                continue
            for verb in verbs:
                await shop.do(
                    "POST", f"/v1/holds/{made['hold_id']}/{verb}", {"credits": 4} if verb == "capture" else {}
                )
            shop.fixtures.known("hold_id", made["hold_id"])
            if kind is not None:
                body: dict[str, Any] = {"credits": 2, "final": False} if kind == "captureHold" else {"credits": 1}
                shop.fixtures.can(kind, {"hold_id": made["hold_id"]}, body)
        shop.fixtures.can("createHold", {"customer_id": customer}, {"credits": 3, **extra})
        shop.fixtures.can("createDebit", {"customer_id": customer}, {"credits": 1, **extra})
        shop.fixtures.can("adjustCredits", {"customer_id": customer}, {"credits": 5, "reason": "kindness", **extra})
        command = {"idempotency_key": uuid.uuid4().hex, "kind": "debit", "customer_id": customer, "credits": 1, **extra}
        shop.fixtures.can("createCreditBatch", {}, {"commands": [command]})


@dataclass
class _Tickets:
    """Tickets prepared for each verb, so far that the verb can succeed."""

    shop: Shop
    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    async def make(self) -> None:
        outcome = next(iter(self.shop.named("outcomes", "outcome")), None)
        causes = self.shop.named("causes", "cause")
        end: dict[str, Any] = (
            {"outcome": outcome} if "qualification" in self._way() else {"cause": (causes or [None])[-1]}
        )
        waiting = {key: self.shop.say["pause_reasons"][-1][key] for key in ("reason", "party")}
        type_ = next(iter(self.shop.named("credit_types", "credit_type")), "credit")
        served: tuple[tuple[str, Any], ...] = (("responses", SERVICE),)
        done = (*served, ("resolution", end))
        disputed = (*done, ("disputes", {"reason": "it was quick"}))
        for operation, path, before, body in (
            ("addTicketDetails", {}, (), {"facts": {}}),
            ("withdrawTicket", {}, (), None),
            ("assessTicket", {}, (), self._quote()),
            ("confirmAssessment", {"number": 1}, (), {"accept": True}),
            ("addResponse", {}, (), SERVICE),
            ("requestAccess", {}, (), {"kinds": ["ftp"]}),
            ("grantAccess", {"number": 1}, (("access-requests", {"kinds": ["ftp"]}),), None),
            ("pauseTicket", {}, (), waiting),
            ("resumeTicket", {}, (("pauses", waiting),), waiting),
            ("applyCredit", {}, (), {"credit_type": type_}),
            ("splitTicket", {}, (), {"subject": "another question"}),
            ("resolveTicket", {}, served, end),
            ("reopenTicket", {}, done, None),
            ("openDispute", {}, done, {"reason": "it was quick"}),
            ("decideDispute", {"number": 1}, disputed, {"decision": "upheld"}),
            ("getTicket", {}, disputed, None),
        ):
            for number in range(TICKETS_EACH):
                waits = operation == "confirmAssessment"
                bare = operation == "applyCredit"
                ticket = await self.open(waits=waits, paid=bool(before), bare=bare)
                for verb, said in () if waits or bare else (*self._way(), *before):
                    await self.shop.do("POST", f"/v1/tickets/{ticket}/{verb}", said)
                given = {**body, "ticket_id": f"{ticket}-{number}"} if operation == "splitTicket" else body
                self.shop.fixtures.can(operation, {"ticket_id": ticket, **path}, given)
        for customer in CUSTOMERS:
            await self.cover(customer)
        for _ in range(TICKETS_EACH):
            ticket = await self.open()
            self.shop.fixtures.can("qualifyTicket", {"ticket_id": ticket}, {"decision": "accept"})

    async def cover(self, customer: str) -> None:
        """A ticket that a period pays for: the period begins, and can then be suspended."""
        body = {"customer_id": customer, "subject": "It does not work", "channel": "helpdesk", "pay_with": "cover"}
        if self.shop.say.get("languages"):
            body["language"] = "en"
        for category in self.shop.named("categories", "category")[:1]:
            body["category"] = category
        if await self.shop.do("PUT", f"/v1/tickets/cover-{customer}", body):
            self.shop.fixtures.known("ticket_id", f"cover-{customer}")

    async def open(self, *, waits: bool = False, paid: bool = False, bare: bool = False) -> str:
        """A new ticket; ``waits``: its price needs the customer's yes; ``paid``: its price is some credits; ``bare``:
        no credit is applied to it yet."""
        number = next(iter(self.numbers))
        customer = CUSTOMERS[number % 3]
        allowed = {one["fact"]: one["values"] or (True, False) for one in self.shop.say.get("facts", ())}
        facts = {name: value for name, value in FACTS.items() if value in allowed.get(name, ())}
        body: dict[str, Any] = {
            "customer_id": customer,
            "subject": "It does not work",
            "channel": "helpdesk",
            "facts": facts,
        }
        if "credits-50" in self.shop.skus or "credits-60" in self.shop.skus:
            body["pay_with"] = "credits"
        if self.shop.say.get("languages"):
            body["language"] = "en"
        priced = [one for one in self.shop.say.get("categories", ()) if not one["inputs"]]
        wanted = [one for one in priced if bool(one["confirm"]) is waits] or self._charged()[:1] or priced
        if paid:
            wanted = self._charged() or wanted
        if wanted:
            body["category"] = wanted[number % len(wanted)]["category"]
            body["inputs"] = {}
        types = self.shop.named("credit_types", "credit_type")
        if types and "credit" not in types:
            if not bare:
                body["credit_type"] = types[0]
            seen = await self.shop.do("GET", f"/v1/customers/{customer}") or {}
            for licence in seen.get("licenses", ())[:1]:
                body["license_id"] = licence["license_id"]
                if not licence["registered_domain"]:
                    domain = {"domain": f"{customer}.example"}
                    await self.shop.do("POST", f"/v1/licenses/{licence['license_id']}/registration", domain)
        name = f"T-{number}"
        await self.shop.must("PUT", f"/v1/tickets/{name}", body)
        self.shop.fixtures.known("ticket_id", name)
        self.shop.fixtures.can("putTicket", {"ticket_id": name}, body)
        return name

    def _way(self) -> tuple[tuple[str, Any], ...]:
        """What has to come before anything else can."""
        types = self.shop.named("credit_types", "credit_type")
        return (("qualification", {"decision": "accept"}),) if types and "credit" not in types else ()

    def _charged(self) -> list[dict[str, Any]]:
        """Categories with a price that needs no figures and no yes, the cheapest first."""
        found = [
            one
            for one in self.shop.say.get("categories", ())
            if not one["inputs"] and not one["confirm"] and one["price"].get("credits")
        ]
        return sorted(found, key=lambda one: int(one["price"]["credits"]))

    def _quote(self) -> dict[str, Any]:
        if charged := self._charged():
            return {"category": charged[-1]["category"]}
        return {"credits": 1, "reason": "outside the list"}


async def _sources(shop: Shop) -> None:
    """A shop's deliveries: taken, taken again, and parked for a product that nobody mapped."""
    body = {"kind": "purchase", "secret": SECRET, "products": {"p1": {"sku": shop.skus[0]}}}
    made = await shop.must("PUT", "/v1/sources/shop", body)
    shop.fixtures.known("source", "shop")
    shop.fixtures.known("token", made["token"])
    shop.fixtures.can("receiveDelivery", {"token": made["token"]})
    for name in ("old-1", "old-2", "old-3"):
        await shop.do("PUT", f"/v1/sources/{name}", body)
        shop.fixtures.can("deleteSource", {"name": name})
    shop.fixtures.can("putSource", {"name": "shop"}, body)
    for number, product in enumerate(("p1", "p1", "unknown")):
        line = {"line_id": "1", "product_id": product, "quantity": 1}
        order = {
            "order_id": f"web-{number}",
            "customer_id": "ann",
            "placed_at": START,
            "currency": "USD",
            "lines": [line],
        }
        raw = json.dumps({"type": "order.paid", "timestamp": START, "data": order})
        at = datetime.now(UTC)
        signature = Webhook(SECRET).sign(f"msg_{number}", at, raw)
        headers = {
            "webhook-id": f"msg_{number}",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
            "Content-Type": "application/json",
        }
        answer = await shop.client.post(f"/in/{made['token']}", content=raw, headers=headers)
        answer.raise_for_status()


def _questions(shop: Shop, policy: str) -> None:
    """Reading, by names of the policy."""
    fixtures = shop.fixtures
    fixtures.known("policy", policy)
    fixtures.known("action", *shop.named("actions", "action"))
    fixtures.known("code", "insufficient_credits", "unauthorized", "ticket_not_found")
    for name in ("category", "channel", "outcome", "cause", "credit_type", "milestone", "fact"):
        fixtures.known(name, *shop.named({"category": "categories"}.get(name, f"{name}s"), name))
    fixtures.known("sku", *shop.skus)
    for category in fixtures.ids.get("category", ())[:3]:
        fixtures.can("priceTicket", {"name": policy}, {"category": category, "customer_id": "ann"})
    document = shop.say["document"]
    fixtures.can("validatePolicy", {}, {"document": document})
    fixtures.can("simulatePolicy", {"name": policy}, {"document": document})
    fixtures.can("comparePolicy", {"name": policy}, {"document": document})
    fixtures.can("publishPolicy", {"name": policy}, {"document": document})
    for action in fixtures.ids["action"]:
        for customer in CUSTOMERS[:3]:
            fixtures.can("decideEntitlement", {"customer_id": customer, "action": action})
    fixtures.can("createCustomerToken", {"customer_id": "ann"}, {"minutes": 5})
    span = {"from": START, "to": NOW}
    for name in fixtures.ids["calendar"]:
        fixtures.can("dueTime", {"name": name}, **{"from": NOW, "target": "business_days:1"})
        fixtures.can("elapsedTime", {"name": name}, **span)
        fixtures.can("isOpen", {"name": name}, at=NOW)
        fixtures.can("listClosures", {"name": name}, **{"from": "2025-01-01", "to": "2025-12-31"})
    fixtures.can("listAuditTrail", {})
    fixtures.can("listSourceDeliveries", {"name": "shop"})
    fixtures.can("moveTime", {}, {"now": "2025-01-08T10:30:00Z"})
