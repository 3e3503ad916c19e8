"""Scenes of plans: gate, levels, changes, cancellation, suspension, reinstatement, seats, trial, releases."""

from __future__ import annotations

from tests.everywhere.scene import (
    Broken,
    Draft,
    Lived,
    Scene,
    Seen,
    Told,
    Wrong,
    answered,
    ask,
    buy,
    do,
    give_back,
    look,
    put,
    sold,
    taken_back,
    wait,
    written,
)

TWO_PLANS = """
plans: [{plan: silver, title: Silver, clause: E-1}, {plan: gold, title: Gold, clause: E-2}]
offers:
  - {sku: silver, title: Silver, kind: cover, clause: E-1, price: {amount: "30.00"},
     grants: [{kind: cover, rule: silver, clause: E-1, term: {days: 30}, start: after_current, plan: silver}]}
  - {sku: gold, title: Gold, kind: cover, clause: E-2, price: {amount: "90.00"},
     grants: [{kind: cover, rule: gold, clause: E-2, term: {days: 30}, plan: gold}]}
"""
DAYS = "covers_keep_their_days"
LONGER = "update cover set ends_at = ends_at + interval '1 second' where ends_at is not null"
COVERS = '{order(orderId: "%s") {covers {state plan seats startsAt endsAt}}}'
COVER_OF = "/v1/covers/{%s.covers.0.cover_id}"


def rules(fact: str, value: str, code: str, message: str, *, op: str = "contains", buy_: str = "gold") -> str:
    """A rule of open_ticket and the check that asks for it."""
    return f"""
actions:
  - action: open_ticket
    title: Open a ticket
    rules:
      - {{allow: true, code: allowed, clause: E-2, message: It runs., when: {{fact: {fact}, op: {op}, value: {value}}}}}
      - {{allow: false, code: {code}, clause: E-2, message: "{message}", remedies: [{{kind: buy, skus: [{buy_}]}}]}}
qualification:
  checks:
    - {{check: may, code: {code}, clause: E-2, message: "{message}",
        require: {{fact: entitled.open_ticket, value: true}}}}
"""


GATE = Scene(
    feature="gate",
    title="A plan as a gate, tickets paid in credits",
    said_by="`plans.pays: false`, rules of `open_ticket`",
    part="""
plans: [{plan: gold, title: Gold, pays: false, clause: E-2}]
offers:
  - {sku: gold, title: Gold, kind: cover, clause: E-2, price: {amount: "90.00"},
     grants: [{kind: cover, rule: gold, clause: E-2, term: {days: 30}, start: after_current, plan: gold}]}
"""
    + rules("plan.includes", "gold", "no_gold", "Gold does not run."),
    steps=[buy("o1", "gold"), buy("o2", "credits-100"), ask("t1"), wait("2025-04-03T10:00:00Z"), ask("t2")],
    validate=Wrong('"pays": false', '"pays": "never"', "wrong_type"),
    price=({"category": "question", "customer_id": "ann"}, {"credits": 6, "means": {"available": 94}}),
    simulate=Draft(
        '"days": 30',
        '"days": 60',
        {
            "o1": (..., ...),
            "t2": ({"state": "rejected", "reasons": ["no_gold"]}, {"state": "in_progress", "paid_by": "credits"}),
        },
    ),
    explain=("ticket", "t2", "Gold does not run"),
    counterfactual=("/v1/customers/ann/entitlements/open_ticket", "gold"),
    statement={"available": 94, "tickets_in_progress": [{"credits": 6}]},
    events=Told("ticket.rejected", [{"ticket_id": "t2"}]),
    graphql=(
        '{entitlement(customerId: "ann", action: "open_ticket") {allowed reasons {code} remedies {kind sku}}}',
        {
            "entitlement": {
                "allowed": False,
                "reasons": [{"code": "no_gold"}],
                "remedies": [{"kind": "buy", "sku": "gold"}],
            }
        },
    ),
    as_of=[
        Seen("/v1/customers/ann/entitlements/open_ticket", {"allowed": True}, "2025-04-02T09:59:59Z"),
        Seen("/v1/customers/ann/entitlements/open_ticket", {"allowed": False}),
    ],
    audit=Broken(LONGER, DAYS),
    lives=Lived("living", "pays: false", "ask_for_help"),
    permuted=[
        sold("o1", "gold", "2025-03-03T10:00:00Z"),
        sold("o2", "credits-100", "2025-03-04T10:00:00Z"),
        sold("o3", "gold", "2025-03-20T10:00:00Z"),
        taken_back("o1", "2025-03-21T10:00:00Z"),
    ],
    late="2025-03-25T10:00:00Z",
    steps_late=[ask("t1-{n}", customer="ann{n}")],
    same=[Seen("/v1/tickets/t1-{n}", {"state": "in_progress", "paid_by": "credits"})],
)

LEVELS = Scene(
    feature="levels",
    title="Levels of plans",
    said_by="`plans`, `plan.rank`, `plan.includes`",
    part=TWO_PLANS
    + """
qualification: {checks: [{check: g, code: needs_gold, clause: E-2, message: Gold is needed.,
  applies: {fact: ticket.channel, value: phone}, require: {fact: plan.rank, op: ge, value: 2}}]}
""",
    steps=[
        buy("o1", "silver"),
        ask("t1"),
        ask("t2", channel="phone"),
        wait("2025-03-04T10:00:00Z"),
        buy("o2", "gold", "2025-03-04T10:00:00Z"),
        ask("t3", channel="phone"),
    ],
    validate=Wrong('"fact": "plan.rank"', '"fact": "plan.tier"', "unknown_fact"),
    price=({"category": "question", "customer_id": "ann"}, {"credits": 6}),
    simulate=Draft(
        '"value": 2', '"value": 1', {"t2": ({"state": "rejected", "reasons": ["needs_gold"]}, {"state": "in_progress"})}
    ),
    explain=("ticket", "t2", "Gold is needed."),
    counterfactual=("/v1/explain/ticket/t2", "the rank of the plan that runs at least 2"),
    statement={"available": 0},
    events=Told("ticket.rejected", [{"ticket_id": "t2"}]),
    graphql=(COVERS % "o2", {"order": {"covers": [{"state": "running", "plan": "gold"}]}}),
    as_of=[
        Seen("/v1/tickets/t2", {"state": "rejected"}, "2025-03-03T12:00:00Z"),
        Seen("/v1/tickets/t3", {"state": "in_progress", "paid_by": "cover"}),
    ],
    audit=Broken(LONGER, DAYS),
    lives=Lived("wallet", "fact: plan.rank", "ask_one"),
    permuted=[
        sold("o1", "silver", "2025-03-03T10:00:00Z"),
        sold("o2", "gold", "2025-03-05T10:00:00Z"),
        sold("o3", "silver", "2025-03-09T10:00:00Z"),
    ],
    late="2025-03-10T10:00:00Z",
    steps_late=[ask("t1-{n}", customer="ann{n}", channel="phone")],
    same=[Seen("/v1/tickets/t1-{n}", {"state": "in_progress", "paid_by": "cover"})],
)

UPGRADE = Scene(
    feature="upgrade",
    title="Upgrade in mid-period",
    said_by="`replaces`, `into: days`; `ends: with_running`",
    part=TWO_PLANS
    + """
  - {sku: gold-now, title: Gold at once, kind: cover, clause: E-2, price: {amount: "90.00"},
     grants: [{kind: cover, rule: gold_now, clause: E-2, term: {days: 30}, plan: gold,
       replaces: {plans: [silver], into: days, clause: E-2}}]}
  - {sku: gold-rest, title: Gold for the rest, kind: cover, clause: E-2, price: {amount: "90.00"},
     grants: [{kind: cover, rule: gold_rest, clause: E-2, term: {days: 30}, plan: gold, ends: with_running}]}
""",
    steps=[buy("o1", "silver"), wait("2025-03-15T10:00:00Z"), buy("o2", "gold-now", "2025-03-15T10:00:00Z")],
    validate=Wrong('"into": "days"', '"into": "weeks"', "not_a_choice"),
    price=({"sku": "gold-rest", "customer_id": "ann"}, ...),
    simulate=Draft(
        '"into": "days"',
        '"into": "nothing"',
        {"o2": ({"covers": [{"ends_at": "2025-04-20T10:00:00Z"}]}, {"covers": [{"ends_at": "2025-04-14T10:00:00Z"}]})},
    ),
    explain=("cover", "{o2.covers.0.cover_id}", "The plan gold of order o2 runs until 20 April 2025."),
    counterfactual=(
        "/v1/explain/cover/{o2.covers.0.cover_id}",
        "6 days longer; without that it would be until 14 April 2025",
    ),
    statement={"available": 0},
    events=Told("cover.shortened", [{"reason": "replaced", "ends_at": "2025-03-15T10:00:00Z"}]),
    graphql=(
        COVERS % "o2",
        {"order": {"covers": [{"state": "running", "plan": "gold", "endsAt": "2025-04-20T10:00:00Z"}]}},
    ),
    as_of=[
        Seen("/v1/customers/ann/entitlements/open_ticket", ..., "2025-03-10T10:00:00Z"),
        Seen(COVER_OF % "o1", {"ends_at": "2025-03-15T10:00:00Z"}),
    ],
    audit=Broken(LONGER, DAYS),
    lives=Lived("levels", "into: days", "take_level"),
    permuted=[
        sold("o1", "silver", "2025-03-03T10:00:00Z"),
        sold("o2", "gold-now", "2025-03-15T10:00:00Z"),
        sold("o3", "credits-100", "2025-03-16T10:00:00Z"),
    ],
    late="2025-03-20T10:00:00Z",
    same=[
        Seen(
            "/v1/customers/ann{n}",
            {"covers": [{"plan": "silver", "state": "ended"}, {"plan": "gold", "ends_at": "2025-04-20T10:00:00Z"}]},
        )
    ],
)

DOWNGRADE = Scene(
    feature="downgrade",
    title="Downgrade, at the end or at once",
    said_by="`start: after_current`; `replaces`, `into: credits`",
    part=TWO_PLANS
    + """
  - {sku: silver-now, title: Silver at once, kind: cover, clause: E-2, price: {amount: "30.00"},
     grants: [{kind: cover, rule: silver_now, clause: E-2, term: {days: 30}, plan: silver,
       replaces: {plans: [gold], into: credits, per_credit: "0.50", clause: E-2}}]}
""",
    steps=[
        buy("o1", "gold"),
        buy("o2", "gold", customer="bob"),
        wait("2025-03-13T10:00:00Z"),
        buy("o3", "silver-now", "2025-03-13T10:00:00Z"),
        buy("o4", "silver", "2025-03-13T10:00:00Z", customer="bob"),
    ],
    validate=Wrong('"per_credit": "0.50"', '"per_credit": "-0.50"', "no_rate", '"replaces": {'),
    price=({"sku": "silver-now", "customer_id": "ann"}, {"price": {"amount": "30.00"}}),
    simulate=Draft(
        '"per_credit": "0.50"',
        '"per_credit": "1.00"',
        {"o3": ({"lots": [{"granted": 120}]}, {"lots": [{"granted": 60}]})},
    ),
    explain=("order", "o3", "120 credits without an end, for what was left of the plan before (E-2)"),
    counterfactual=('price {"category": "question", "customer_id": "ann", "credits": 200}', "80 more credits"),
    statement={"available": 120, "balance_modifications": [{"credits": 120}]},
    events=Told("credits.granted", [{"credits": 120}]),
    graphql=(
        COVERS % "o4",
        {"order": {"covers": [{"state": "scheduled", "plan": "silver", "startsAt": "2025-04-02T10:00:00Z"}]}},
    ),
    as_of=[
        Seen("/v1/customers/ann/balance", {"available": 0}, "2025-03-12T10:00:00Z"),
        Seen("/v1/customers/ann/balance", {"available": 120}),
    ],
    audit=Broken(LONGER, DAYS),
    lives=Lived("levels", "into: credits", "take_level"),
    permuted=[
        sold("o1", "gold", "2025-03-03T10:00:00Z"),
        sold("o2", "silver-now", "2025-03-13T10:00:00Z"),
        sold("o3", "license", "2025-03-16T10:00:00Z"),
    ],
    late="2025-03-20T10:00:00Z",
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 120})],
)

CANCELLATION = Scene(
    feature="cancellation",
    title="Cancellation at the end, and a refund at once",
    said_by="nothing: each period is an order; `POST .../refunds`",
    part=TWO_PLANS + rules("cover.active", "true", "no_plan", "No plan runs.", op="eq"),
    steps=[
        buy("o1", "silver"),
        buy("o2", "silver"),
        wait("2025-03-10T10:00:00Z"),
        give_back("o2"),
        wait("2025-04-02T10:00:00Z"),
        ask("t1"),
    ],
    validate=Wrong('"start": "after_current"', '"start": "whenever"', "not_a_choice"),
    price=({"sku": "silver", "customer_id": "ann"}, {"price": {"amount": "30.00"}}),
    simulate=Draft('"start": "after_current"', '"start": "order"', {"o2": (..., ...)}),
    explain=("ticket", "t1", "No plan runs"),
    counterfactual=("/v1/customers/ann/entitlements/open_ticket", "cover in force"),
    statement={"available": 0},
    events=Told("cover.voided", [{"order_id": "o2", "reason": "refunded"}]),
    graphql=(
        '{entitlement(customerId: "ann", action: "open_ticket") {allowed reasons {code}}}',
        {"entitlement": {"allowed": False, "reasons": [{"code": "no_plan"}]}},
    ),
    as_of=[
        Seen("/v1/customers/ann/entitlements/open_ticket", {"allowed": True}, "2025-04-02T09:59:59Z"),
        Seen("/v1/customers/ann/entitlements/open_ticket", {"allowed": False}),
    ],
    audit=Broken(LONGER, DAYS),
    lives=Lived("plans", "start: after_current", "give_plan_back"),
    permuted=[
        sold("o1", "silver", "2025-03-03T10:00:00Z"),
        sold("o2", "silver", "2025-03-05T10:00:00Z"),
        taken_back("o2", "2025-03-10T10:00:00Z"),
    ],
    late="2025-03-12T10:00:00Z",
    same=[
        Seen(
            "/v1/customers/ann{n}",
            {"covers": [{"state": "running", "ends_at": "2025-04-02T10:00:00Z"}, {"state": "voided"}]},
        )
    ],
)

SUSPENSION = Scene(
    feature="suspension",
    title="Suspension",
    said_by="`cover.suspensions`, `POST .../suspension`",
    part=TWO_PLANS
    + "cover: {suspensions: 1, suspension_clause: E-2}\n"
    + rules("cover.active", "true", "no_plan", "No plan runs.", op="eq"),
    steps=[
        buy("o1", "silver"),
        wait("2025-03-10T10:00:00Z"),
        do("covers/{o1.covers.0.cover_id}/suspension", reason="a break"),
        wait("2025-03-12T10:00:00Z"),
        ask("t1"),
        wait("2025-03-15T10:00:00Z"),
        do("covers/{o1.covers.0.cover_id}/resumption", reason="back"),
        do("covers/{o1.covers.0.cover_id}/suspension", reason="again", refused=(409, "suspension_used")),
    ],
    validate=Wrong('"suspensions": 1', '"suspensions": -1', "out_of_bounds"),
    price=({"sku": "silver", "customer_id": "ann"}, {"price": {"amount": "30.00"}}),
    simulate=Draft(
        '"suspensions": 1',
        '"suspended_time": "runs_on",\n  "suspensions": 1',
        {"o1": ({"covers": [{"ends_at": "2025-04-07T10:00:00Z"}]}, {"covers": [{"ends_at": "2025-04-02T10:00:00Z"}]})},
    ),
    explain=("cover", "{o1.covers.0.cover_id}", "It goes on; its end moved by the time suspended"),
    counterfactual=("/v1/explain/ticket/t1", "cover in force"),
    statement={"available": 0},
    events=Told("cover.resumed", [{"ends_at": "2025-04-07T10:00:00Z"}]),
    graphql=(COVERS % "o1", {"order": {"covers": [{"state": "running", "endsAt": "2025-04-07T10:00:00Z"}]}}),
    as_of=[
        Seen("/v1/customers/ann/entitlements/open_ticket", {"allowed": False}, "2025-03-12T10:00:00Z"),
        Seen("/v1/customers/ann/entitlements/open_ticket", {"allowed": True}),
    ],
    audit=Broken("update cover set suspended_seconds = suspended_seconds + 86400", DAYS),
    lives=Lived("cs-cart", "suspensions: 1", "cover"),
    permuted=[
        sold("o1", "silver", "2025-03-03T10:00:00Z"),
        sold("o2", "silver", "2025-03-05T10:00:00Z"),
        taken_back("o2", "2025-03-09T10:00:00Z"),
    ],
    late="2025-03-12T10:00:00Z",
    steps_late=[look("customers/ann{n}", "who"), do("covers/{who.covers.0.cover_id}/suspension", reason="a break")],
    same=[Seen("/v1/customers/ann{n}", {"covers": [{"state": "suspended"}, {"state": "voided"}]})],
)

REINSTATEMENT = Scene(
    feature="reinstatement",
    title="Reinstatement after a lapse",
    said_by="`price.reinstatement`",
    part="""
offers:
  - {sku: year, title: A year, kind: cover, clause: E-1,
     price: {amount: "120.00", reinstatement: {clause: E-2, after: {days: 10}, at_most_months: 12}},
     grants: [{kind: cover, rule: year, clause: E-1, term: {years: 1}, start: after_current}]}
"""
    + rules("cover.active", "true", "no_support", "Support ended; a lapse costs 10 EUR a month.", op="eq", buy_="care"),
    steps=[buy("o1", "year", "2024-01-03T10:00:00Z"), wait("2025-03-10T10:00:00Z"), ask("t1")],
    validate=Wrong('"at_most_months": 12', '"at_most_months": -1', "out_of_bounds"),
    price=(
        {"sku": "year", "customer_id": "ann"},
        {
            "price": {"amount": "150.00"},
            "price_steps": [
                {"step": "list"},
                {"step": "reinstatement", "summary": "3 lapsed months since 3 January 2025 at 10 EUR (E-2)."},
            ],
        },
    ),
    simulate=Draft(
        '"years": 1',
        '"years": 2',
        {
            "t1": ({"state": "rejected"}, {"state": "in_progress"}),
            "o1": (
                {"covers": [{"ends_at": "2025-01-03T10:00:00Z"}]},
                {"covers": [{"ends_at": "2026-01-03T10:00:00Z"}]},
            ),
        },
    ),
    explain=("ticket", "t1", "Support ended; a lapse costs 10 EUR a month."),
    counterfactual=("/v1/explain/ticket/t1", "cover in force"),
    statement={"available": 0},
    events=Told("cover.granted", [{"ends_at": "2025-01-03T10:00:00Z"}]),
    graphql=(
        '{offer(sku: "year", customerId: "ann") {price {amount} priceSteps {step clause}}}',
        {
            "offer": {
                "price": {"amount": "150.00"},
                "priceSteps": [{"step": "list"}, {"step": "reinstatement", "clause": "E-2"}],
            }
        },
    ),
    as_of=[
        Seen("/v1/customers/ann/entitlements/open_ticket", {"allowed": True}, "2024-12-31T10:00:00Z"),
        Seen("/v1/customers/ann/entitlements/open_ticket", {"allowed": False}),
    ],
    audit=Broken(LONGER, DAYS),
    lives=Lived("wallet", "each_month", "take_plan"),
    permuted=[sold("o1", "year", "2023-01-03T10:00:00Z"), sold("o2", "year", "2023-10-05T10:00:00Z")],
    late="2025-03-12T10:00:00Z",
    same=[Seen("/v1/offers/year?customer_id=ann{n}", {"price": {"amount": "150.00"}})],
)

SEATS = Scene(
    feature="seats",
    title="Seats",
    said_by="`seats: quantity` or `sku`",
    part="""
plans: [{plan: team, title: Team, clause: E-2}]
contacts: {clause: E-2}
offers:
  - {sku: seat, title: A seat, kind: cover, clause: E-2, price: {amount: "10.00"},
     grants: [{kind: cover, rule: seat, clause: E-2, term: {months: 1}, plan: team, seats: quantity}]}
qualification: {checks: [{check: n, code: not_named, clause: E-2, message: Only named contacts may ask.,
  require: {"no": {fact: person.named, value: false}}}]}
""",
    steps=[
        buy("o1", "seat", quantity=2),
        *[put(f"customers/{person}", company_id="ann") for person in ("pia", "quinn", "rob")],
        put("customers/ann/contacts", contacts=["pia", "quinn", "rob"], refused=(409, "contact_seats_taken")),
        put("customers/ann/contacts", contacts=["pia", "quinn"]),
        ask("t1", customer="pia"),
        wait("2025-03-04T10:00:00Z"),
        ask("t2", customer="rob"),
    ],
    validate=Wrong('"seats": "quantity"', '"seats": "many"', "wrong_type"),
    price=({"sku": "seat", "customer_id": "ann"}, {"price": {"amount": "10.00"}}),
    simulate=Draft(
        '"seats": "quantity"',
        '"seats": 5',
        {"o1": ({"covers": [{"seats": 1}, {"seats": 1}]}, {"covers": [{"seats": 5}, {"seats": 5}]})},
    ),
    explain=("ticket", "t2", "Only named contacts may ask."),
    counterfactual=("/v1/explain/ticket/t2", "not so: whether the person is a named contact is no"),
    statement={"available": 0},
    events=Told("cover.granted", [{"seats": 1}, {"seats": 1}]),
    graphql=(COVERS % "o1", {"order": {"covers": [{"plan": "team", "seats": 1}, {"plan": "team", "seats": 1}]}}),
    as_of=[
        Seen("/v1/tickets/t1", {"state": "in_progress", "paid_by": "cover"}, "2025-03-03T12:00:00Z"),
        Seen("/v1/tickets/t2", {"state": "rejected"}),
    ],
    audit=Broken(LONGER, DAYS),
    lives=Lived("levels", "seats: quantity", "take_seats"),
    permuted=[
        sold("o1", "seat", "2025-03-03T10:00:00Z", 2),
        sold("o2", "seat", "2025-03-05T10:00:00Z"),
        taken_back("o1", "2025-03-09T10:00:00Z"),
    ],
    late="2025-03-12T10:00:00Z",
    steps_late=[
        *[put(f"customers/{person}{{n}}", company_id="ann{n}") for person in ("pia", "quinn", "rob")],
        put(
            "customers/ann{n}/contacts", contacts=["pia{n}", "quinn{n}", "rob{n}"], refused=(409, "contact_seats_taken")
        ),
        put("customers/ann{n}/contacts", contacts=["pia{n}", "quinn{n}"]),
    ],
    same=[Seen("/v1/customers/ann{n}", {"contacts": ["pia{n}", "quinn{n}"]})],
)

TRIAL = Scene(
    feature="trial",
    title="A trial, once",
    said_by="`requires` over `customer.plans_had`",
    part="""
plans: [{plan: gold, title: Gold, clause: E-2}]
offers:
  - sku: trial
    title: Trial
    kind: cover
    clause: E-2
    price: {amount: "0.00"}
    requires: {"no": {fact: customer.plans_had, op: contains, value: gold}}
    otherwise: {code: trial_used, clause: E-2, message: A trial is given once.}
    grants: [{kind: cover, rule: trial, clause: E-2, term: {days: 14}, plan: gold, free: true}]
"""
    + rules("cover.active", "true", "no_plan", "No plan runs.", op="eq", buy_="care"),
    steps=[buy("o1", "trial"), wait("2025-04-03T10:00:00Z"), buy("o2", "trial", "2025-04-03T10:00:00Z")],
    validate=Wrong('"value": "gold"', '"value": "golden"', "bad_comparison", '"no": {'),
    price=({"sku": "trial", "customer_id": "ann"}, {"available": False, "reasons": [{"code": "trial_used"}]}),
    simulate=Draft(
        '"days": 14\n     },\n     "plan": "gold"',
        '"days": 20\n     },\n     "plan": "gold"',
        {"o1": ({"covers": [{"ends_at": "2025-03-17T10:00:00Z"}]}, {"covers": [{"ends_at": "2025-03-23T10:00:00Z"}]})},
    ),
    explain=("order", "o2", "A trial is given once"),
    counterfactual=("/v1/explain/order/o2", "not so: the plans that the customer has had contains gold"),
    statement={"available": 0},
    events=Told("cover.granted", [{"order_id": "o1"}]),
    graphql=(
        '{order(orderId: "o2") {covers {plan} notGranted {code}}}',
        {"order": {"covers": [], "notGranted": [{"code": "trial_used"}]}},
    ),
    as_of=[
        Seen("/v1/customers/ann/entitlements/open_ticket", {"allowed": True}, "2025-03-10T10:00:00Z"),
        Seen("/v1/customers/ann/entitlements/open_ticket", {"allowed": False}),
    ],
    audit=Broken(LONGER, DAYS),
    lives=Lived("wallet", "customer.plans_had", "take_plan"),
    permuted=[
        sold("o1", "trial", "2025-03-03T10:00:00Z"),
        sold("o2", "trial", "2025-03-05T10:00:00Z"),
        sold("o3", "trial", "2025-03-06T10:00:00Z"),
    ],
    late="2025-03-07T10:00:00Z",
    steps_late=[look("customers/ann{n}/entitlements/open_ticket", "may")],
    same=[
        Seen("/v1/orders/o1-{n}", {"covers": [{"state": "running", "ends_at": "2025-03-17T10:00:00Z"}]}),
        Seen("/v1/orders/o2-{n}", {"not_granted": [{"code": "trial_used"}]}),
    ],
)

RELEASES = Scene(
    feature="releases",
    title="Supported releases",
    said_by="`releases`, a check of `release.supported`",
    part="""
facts: [{fact: version, title: the version, clause: E-1, type: text}]
releases: {fact: version, clause: E-2, releases: [
  {release: "3", released: "2020-01-01", until: "2025-03-31"}, {release: "4", released: "2024-06-01"}]}
qualification: {checks: [{check: r, code: too_old, clause: E-2, require: {fact: release.supported, value: true},
  message: "Support of release {release.name} ended on {release.ends_at}."}]}
""",
    steps=[
        buy("o1", "credits-100"),
        ask("t1", facts={"version": "3.1"}),
        wait("2025-04-01T10:00:00Z"),
        ask("t2", facts={"version": "3.1"}),
        ask("t3", facts={"version": "4.0"}),
    ],
    validate=Wrong('"until": "2025-03-31"', '"until": "2019-03-31"', "ends_before"),
    price=({"category": "question", "facts": {"version": "3.1"}, "customer_id": "ann"}, {"credits": 6}),
    simulate=Draft(
        '"until": "2025-03-31"',
        '"until": "2025-12-31"',
        {"t2": ({"state": "rejected", "reasons": ["too_old"]}, {"state": "in_progress"})},
    ),
    explain=("ticket", "t2", "Support of release 3 ended on 1 April 2025."),
    counterfactual=("/v1/explain/ticket/t2", "a release that is supported"),
    statement={"available": 88, "tickets_in_progress": [{"credits": 6}, {"credits": 6}]},
    events=Told("ticket.rejected", [{"ticket_id": "t2", "reasons": [{"code": "too_old"}]}]),
    graphql=(
        '{ticket(ticketId: "t2") {state reasons {code message}}}',
        {"ticket": {"state": "rejected", "reasons": [{"code": "too_old"}]}},
    ),
    as_of=[
        Seen("/v1/tickets/t1", {"state": "in_progress"}, "2025-03-03T12:00:00Z"),
        Seen("/v1/tickets/t2", {"state": "rejected"}),
    ],
    audit=Broken("update ticket set state = 'withdrawn' where state = 'in_progress'", "a_ticket_says_one_number"),
    lives=Lived("wallet", "release.supported", "ask_one"),
    permuted=[
        written("t1", "2025-03-03T10:00:00Z", facts={"version": "3.1"}),
        written("t2", "2025-04-02T10:00:00Z", facts={"version": "3.1"}),
        answered("t1", "2025-03-04T10:00:00Z"),
    ],
    first=[sold("o1", "credits-100", "2025-03-03T10:00:00Z")],
    same=[Seen("/v1/tickets/t1-{n}", {"state": "in_progress"}), Seen("/v1/tickets/t2-{n}", {"state": "rejected"})],
    late="2025-04-12T10:00:00Z",
)

SCENES = (GATE, LEVELS, UPGRADE, DOWNGRADE, CANCELLATION, SUSPENSION, REINSTATEMENT, SEATS, TRIAL, RELEASES)
