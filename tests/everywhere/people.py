"""Scenes of people, counts and money: named contacts, windows, tiers, per cent, minimum, currency."""

from __future__ import annotations

from tests.everywhere.scene import (
    NOW,
    Broken,
    Delivery,
    Draft,
    Lived,
    Scene,
    Seen,
    Told,
    Wrong,
    answered,
    ask,
    buy,
    put,
    sold,
    taken_back,
    wait,
    written,
)

PRICES = (
    '{a: offer(sku: "credits-12") {price {amount}} b: offer(sku: "credits-2") {price {amount}}'
    ' c: offer(sku: "credits-12", currency: "USD") {price {amount currency}}}'
)
STATE = "update ticket set state = 'withdrawn' where state = 'in_progress'"
ONE_NUMBER = "a_ticket_says_one_number"
ASKED = {"subject": "Help", "channel": "email", "category": "question"}

CONTACTS = Scene(
    feature="named_contacts",
    title="Named contacts and their number",
    said_by="`contacts`, `person.named`",
    part="""
contacts: {clause: E-2, seats: 1}
qualification: {checks: [{check: n, code: not_named, clause: E-2, message: Only named contacts may ask.,
  require: {fact: person.named, value: true}, remedies: [{kind: name_contact}]}]}
""",
    steps=[
        buy("o1", "credits-100", customer="acme"),
        *[put(f"customers/{person}", company_id="acme") for person in ("pia", "quinn")],
        put("customers/acme/contacts", contacts=["pia", "quinn"], refused=(409, "contact_seats_taken")),
        put("customers/acme/contacts", contacts=["pia"]),
        ask("t1", customer="pia"),
        wait("2025-03-04T10:00:00Z"),
        ask("t2", customer="quinn"),
        wait("2025-03-05T10:00:00Z"),
        put("customers/acme/contacts", contacts=["quinn"]),
        ask("t3", customer="quinn"),
    ],
    validate=Wrong('"seats": 1', '"seats": 0', "out_of_bounds"),
    price=({"category": "question", "customer_id": "pia"}, {"credits": 6, "means": {"available": 88}}),
    simulate=Draft(
        '"value": true',
        '"value": false',
        {
            "t1": ({"state": "in_progress"}, {"state": "rejected"}),
            "t2": ({"state": "rejected", "reasons": ["not_named"]}, {"state": "in_progress"}),
            "t3": (..., {"state": "rejected"}),
        },
    ),
    explain=("ticket", "t2", "Only named contacts may ask."),
    counterfactual=("/v1/explain/ticket/t2", "whether the person is a named contact is yes"),
    statement={
        "available": 88,
        "tickets_in_progress": [{"credits": 6, "customer_id": "pia"}, {"credits": 6, "customer_id": "quinn"}],
    },
    customer="acme",
    events=Told("ticket.rejected", [{"ticket_id": "t2", "reasons": [{"code": "not_named"}]}]),
    graphql=(
        '{customer(customerId: "acme") {contacts} ticket(ticketId: "t2") {state remedies {kind}}}',
        {"customer": {"contacts": ["quinn"]}, "ticket": {"state": "rejected", "remedies": [{"kind": "name_contact"}]}},
    ),
    as_of=[
        Seen("/v1/customers/acme/balance", {"available": 94}, "2025-03-04T12:00:00Z"),
        Seen("/v1/customers/acme", {"contacts": ["quinn"]}),
    ],
    audit=Broken(STATE, ONE_NUMBER),
    lives=Lived("wallet", "seats: 1", "name_one"),
    first=[
        sold("o1", "credits-100", NOW),
        put("customers/pia{n}", company_id="ann{n}"),
        put("customers/ann{n}/contacts", contacts=["pia{n}"]),
    ],
    permuted=[
        Delivery(
            "helpdesk",
            {
                "type": "ticket.created",
                "timestamp": NOW,
                "data": {**ASKED, "ticket_id": "t1-{n}", "customer_id": "pia{n}"},
            },
        ),
        Delivery(
            "helpdesk",
            {
                "type": "ticket.created",
                "timestamp": NOW,
                "data": {**ASKED, "ticket_id": "t2-{n}", "customer_id": "pia{n}"},
            },
        ),
        answered("t1", "2025-03-04T10:00:00Z"),
    ],
    late="2025-03-05T10:00:00Z",
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 88})],
)

COUNTS = Scene(
    feature="counts",
    title="Counts over windows",
    said_by="`counts`, `within`, `unless`",
    part="""
counts: [{count: incidents, title: incidents, clause: E-2, within: {days: 365},
  unless: {fact: ticket.cause, value: software_bug}}]
qualification: {checks: [{check: c, code: used_up, clause: E-2, message: "{count.incidents} of 2 incidents were used.",
  require: {fact: count.incidents, op: lt, value: 2}}]}
""",
    steps=[
        buy("o1", "credits-100"),
        ask("t1"),
        wait("2025-03-10T10:00:00Z"),
        ask("t2"),
        ask("t3"),
        wait("2025-03-11T10:00:00Z"),
    ],
    validate=Wrong('"days": 365', '"days": 0', "bad_term", '"within": {'),
    price=({"category": "question", "customer_id": "ann"}, {"credits": 6, "means": {"available": 88}}),
    simulate=Draft(
        '"value": 2', '"value": 3', {"t3": ({"state": "rejected", "reasons": ["used_up"]}, {"state": "in_progress"})}
    ),
    explain=("ticket", "t3", "2 of 2 incidents were used."),
    counterfactual=("/v1/explain/ticket/t3", "waiting until 3 March 2026"),
    statement={"available": 88, "tickets_in_progress": [{"credits": 6}, {"credits": 6}]},
    events=Told("ticket.rejected", [{"ticket_id": "t3"}]),
    graphql=(
        '{ticket(ticketId: "t3") {state reasons {code facts} remedies {kind helpsAt}}}',
        {
            "ticket": {
                "state": "rejected",
                "reasons": [{"code": "used_up"}],
                "remedies": [{"kind": "wait", "helpsAt": "2026-03-03T10:00:00Z"}],
            }
        },
    ),
    as_of=[
        Seen("/v1/tickets/t1", {"state": "in_progress"}, "2025-03-04T10:00:00Z"),
        Seen("/v1/tickets/t3", {"state": "rejected"}),
    ],
    audit=Broken(STATE, ONE_NUMBER),
    lives=Lived("plans", "count: calls", "call_in"),
    first=[sold("o1", "credits-100", NOW)],
    permuted=[written("t1", NOW), written("t2", "2025-03-04T10:00:00Z"), answered("t1", "2025-03-04T12:00:00Z")],
    late="2025-03-10T10:00:00Z",
    steps_late=[ask("t3-{n}", customer="ann{n}")],
    same=[Seen("/v1/tickets/t3-{n}", {"state": "rejected"}), Seen("/v1/customers/ann{n}/balance", {"available": 88})],
)

MONEY = Scene(
    feature="money",
    title="Tiers, per cent, minimum, currency",
    said_by="`price.tiers`, `percent_of_licenses`, `minimum`, `prices`",
    part="""
offers:
  - {sku: "credits-{n}", title: Credits, kind: credits, clause: E-2,
     price: {tiers: {steps: [{up_to: 10, each: "1.00"}, {each: "0.80"}]}, minimum: "5.00", clause: E-2},
     prices: {USD: {per_credit: "1.10", clause: E-2}},
     grants: [{kind: credits, rule: many, clause: E-2}]}
  - {sku: maintenance, title: Maintenance, kind: cover, clause: E-2,
     price: {percent_of_licenses: {percent: "20"}, minimum: "50.00", clause: E-2},
     grants: [{kind: cover, rule: maintenance, clause: E-2, term: {years: 1}}]}
""",
    steps=[
        buy("o1", "license"),
        buy("o2", "license"),
        buy("o3", "credits-12"),
        wait("2025-03-10T10:00:00Z"),
        buy("o4", "maintenance", "2025-03-10T10:00:00Z"),
    ],
    validate=Wrong('"up_to": 10', '"up_to": 0', "empty_step"),
    price=(
        {"sku": "maintenance", "customer_id": "ann"},
        {"price": {"amount": "80.00", "currency": "EUR"}, "price_steps": [{"step": "licenses", "clause": "E-2"}]},
    ),
    simulate=Draft(
        '"percent": "20"',
        '"percent": "30"',
        {},
        {
            "before": {"prices": [{"amount": "491.60", "currency": "EUR"}]},
            "after": {"prices": [{"amount": "531.60", "currency": "EUR"}]},
        },
    ),
    explain=("order", "o3", "Line 1, Credits: 12 credits without an end (E-2)"),
    counterfactual=('price {"category": "question", "customer_id": "ann", "credits": 20}', "8 more credits"),
    statement={"available": 12, "balance_modifications": [{"credits": 12}]},
    events=Told("credits.granted", [{"credits": 12, "order_id": "o3"}]),
    graphql=(
        PRICES,
        {
            "a": {"price": {"amount": "11.60"}},
            "b": {"price": {"amount": "5.00"}},
            "c": {"price": {"amount": "13.20", "currency": "USD"}},
        },
    ),
    as_of=[
        Seen("/v1/lots/{o3.lots.0.lot_id}", {"granted": 12, "cost": {"amount": "11.60"}}, "2025-03-04T10:00:00Z"),
        Seen("/v1/lots/{o3.lots.0.lot_id}", {"available": 12}),
    ],
    audit=Broken('update lot set cost_amount = 1, data = data || \'{"refunded": "5.00"}\'', "money_back_within_cost"),
    lives=Lived("wallet", "tiers: {steps", "fill"),
    permuted=[
        sold("o1", "credits-12", NOW),
        sold("o2", "credits-5", "2025-03-04T10:00:00Z"),
        taken_back("o1", "2025-03-05T10:00:00Z"),
    ],
    late="2025-03-10T10:00:00Z",
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 5, "lots": [{"cost": {"amount": "5.00"}}]})],
)

SCENES = (CONTACTS, COUNTS, MONEY)
