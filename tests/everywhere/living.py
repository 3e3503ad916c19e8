"""Scenes of credits that live: recurring grants, ends with a plan, top-ups, overdraft, limits, kinds of work."""

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
    ask,
    buy,
    do,
    look,
    put,
    sold,
    taken_back,
    wait,
)

YIELDS = "recurring_credits_are_what_the_grant_yields"
SPEND = "customers/ann/debits"
BALANCE = '{customer(customerId: "ann") {balance {available owed lots {granted available source expiresAt}}}}'
MONTHLY = """
offers:
  - sku: plan
    title: A plan
    kind: cover
    clause: E-1
    price: {{amount: "50.00"}}
    grants:
      - {{kind: cover, rule: plan, clause: E-1, term: {{years: 1}}, start: after_current, actions: [use]}}
      - kind: credits
        rule: monthly
        clause: E-2
        credits: 60
        recurs: {{interval: {{months: 1}}, runs_with: plan{more}}}
actions:
  - {{action: use, title: Use, rules: [{{allow: true, code: may_use, clause: E-1, message: Anybody may.}}]}}
"""
ASKED = {"customer_id": "pia{n}", "subject": "Help", "channel": "email", "category": "question"}
"""What a person of the company asks by the helpdesk."""
GRANT = {"interval": {"months": 1}, "credits": 60}


def monthly(feature: str, title: str, more: str, said_by: str, then: int, **scene: object) -> Scene:
    """A plan with 60 credits each month, 10 of the first spent. ``then``: what there is after a month."""
    renewal = {"": "reset", ", at_renewal: accumulate": "accumulate"}.get(more, "rollover")
    usual = {
        "steps": [
            buy("o1", "plan"),
            do(SPEND, credits=10),
            wait("2025-04-10T10:00:00Z"),
            look("customers/ann/balance", "had"),
        ],
        "validate": Wrong('"runs_with": "plan"', '"runs_with": "care"', "runs_with_nothing"),
        "price": (
            {"category": "question", "customer_id": "ann", "credits": 500},
            {
                "means": {
                    "available": then,
                    "decision": {"allowed": False, "reasons": [{"code": "insufficient_credits"}]},
                }
            },
        ),
        "simulate": Draft(
            '"credits": 60',
            '"credits": 70',
            {"o1": ({"recurring_grants": [{**GRANT, "at_renewal": renewal}]}, {"recurring_grants": [{"credits": 70}]})},
        ),
        "counterfactual": (
            'price {"category": "question", "customer_id": "ann", "credits": 500}',
            f"{500 - then} more credits",
        ),
        "events": Told("credits.granted", [{"credits": 60, "interval": 1}, {"credits": 60, "interval": 2}]),
        "graphql": (
            '{order(orderId: "o1") {recurringGrants {credits atRenewal rolloverMax intervalsGranted nextAt}}}',
            {
                "order": {
                    "recurringGrants": [
                        {"credits": 60, "atRenewal": renewal, "intervalsGranted": 2, "nextAt": "2025-05-03T10:00:00Z"}
                    ]
                }
            },
        ),
        "as_of": [
            Seen("/v1/customers/ann/balance", {"available": 50}, "2025-04-03T09:59:59Z"),
            Seen("/v1/customers/ann/balance", {"available": then}),
        ],
        "audit": Broken("update recurring_grant set granted = granted + 1", YIELDS),
        "permuted": [
            sold("o1", "plan", "2025-03-03T10:00:00Z"),
            sold("o2", "plan", "2025-03-05T10:00:00Z"),
            taken_back("o2", "2025-03-09T10:00:00Z"),
        ],
        "late": "2025-05-10T10:00:00Z",
    }
    return Scene(feature=feature, title=title, said_by=said_by, part=MONTHLY.format(more=more), **{**usual, **scene})


RESET = monthly(
    "recurring_reset",
    "Credits that come again, unused ones end",
    "",
    "`recurs`, `at_renewal: reset`",
    60,
    explain=("lot", "{o1.lots.0.lot_id}", "10 were charged, 50 were lost at that end and none are left"),
    statement={
        "available": 60,
        "balance_modifications": [{"credits": 60}, {"credits": -50}, {"credits": 60}],
        "resolved_tickets": [{"credits": 10}],
    },
    lives=Lived("plans", "sku: reset", "buy_plan"),
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 60})],
)
ACCUMULATE = monthly(
    "recurring_accumulate",
    "Credits that come again and stay",
    ", at_renewal: accumulate",
    "`at_renewal: accumulate`",
    110,
    explain=("lot", "{o1.lots.0.lot_id}", "10 were charged and 50 are left"),
    statement={
        "available": 110,
        "balance_modifications": [{"credits": 60}, {"credits": 60}],
        "resolved_tickets": [{"credits": 10}],
    },
    lives=Lived("plans", "at_renewal: accumulate", "buy_plan"),
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 180})],
)
ROLLOVER = monthly(
    "recurring_rollover",
    "Credits that go over within a bound",
    ", at_renewal: rollover, rollover: {max_credits: 90, counts: balance, clause: E-2}",
    "`at_renewal: rollover`, `rollover.max_credits`",
    90,
    explain=("lot", "{o1.lots.0.lot_id}", "10 were charged, 20 were lost"),
    statement={
        "available": 90,
        "balance_modifications": [{"credits": 60}, {"credits": -20}, {"credits": 60}],
        "resolved_tickets": [{"credits": 10}],
    },
    lives=Lived("plans", "max_credits: 100", "buy_plan"),
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 90})],
)

ENDS_WITH_PLAN = Scene(
    feature="ends_with_plan",
    title="Credits that live as long as a plan",
    said_by="`ends_with`",
    part="""
offers:
  - {sku: hours, title: Ten hours, kind: credits, clause: E-2, price: {amount: "10.00"},
     grants: [{kind: credits, rule: hours, clause: E-2, credits: 10, ends_with: [care]}]}
  - {sku: care, title: A month of care, kind: cover, clause: E-1, price: {amount: "20.00"},
     grants: [{kind: cover, rule: care, clause: E-1, term: {months: 1}, start: after_current}]}
""",
    steps=[
        buy("o1", "care"),
        buy("o2", "hours"),
        do(SPEND, credits=1),
        wait("2025-03-10T10:00:00Z"),
        buy("o3", "care", "2025-03-10T10:00:00Z"),
        wait("2025-04-20T10:00:00Z"),
    ],
    validate=Wrong('"care"\n     ]', '"cure"\n     ]', "ends_with_nothing"),
    price=({"category": "question", "customer_id": "ann", "credits": 20}, {"means": {"available": 9}}),
    simulate=Draft(
        '"months": 1',
        '"months": 2',
        {
            "o1": (..., ...),
            "o2": (
                {"lots": [{"expires_at": "2025-05-03T10:00:00Z"}]},
                {"lots": [{"expires_at": "2025-07-03T10:00:00Z"}]},
            ),
            "o3": (..., ...),
        },
    ),
    explain=("lot", "{o2.lots.0.lot_id}", "The 10 credits of order o2 can be used until 3 May 2025 (E-2)"),
    counterfactual=('price {"category": "question", "customer_id": "ann", "credits": 20}', "11 more credits"),
    statement={"available": 9, "balance_modifications": [{"credits": 10}], "resolved_tickets": [{"credits": 1}]},
    events=Told("credits.extended", [{"credits": 9, "expires_at": "2025-05-03T10:00:00Z"}]),
    graphql=(
        '{lot(lotId: "$o2.lots.0.lot_id$") {granted expired expiredCredits expiresAt}}',
        {"lot": {"granted": 10, "expired": False, "expiresAt": "2025-05-03T10:00:00Z"}},
    ),
    as_of=[
        Seen(
            "/v1/customers/ann/balance",
            {"lots": [{"available": 9, "expires_at": "2025-04-03T10:00:00Z"}]},
            "2025-03-09T10:00:00Z",
        ),
        Seen(
            "/v1/customers/ann/balance",
            {"lots": [{"available": 9, "expires_at": "2025-05-03T10:00:00Z"}]},
            "2025-04-20T10:00:00Z",
        ),
        Seen("/v1/customers/ann/balance", {"available": 0}, "2025-05-03T10:00:00Z"),
    ],
    audit=Broken(
        "update lot set expires_at = expires_at + interval '1 day' where rule = 'hours'", "credits_end_with_their_plan"
    ),
    lives=Lived("wallet", "ends_with: [trial", "fill"),
    permuted=[
        sold("o1", "care", "2025-03-03T10:00:00Z"),
        sold("o2", "hours", "2025-03-04T10:00:00Z"),
        sold("o3", "care", "2025-03-10T10:00:00Z"),
    ],
    late="2025-04-20T10:00:00Z",
    same=[Seen("/v1/customers/ann{n}/balance", {"lots": [{"available": 10, "expires_at": "2025-05-03T10:00:00Z"}]})],
)

TOP_UP = Scene(
    feature="top_up",
    title="Top-ups: asked for, and extending what is left",
    said_by="`credits.top_ups`, `extends`",
    part="""
offers:
  - {sku: ten, title: Ten credits, kind: credits, clause: E-2, price: {amount: "10.00"},
     grants: [{kind: credits, rule: ten, clause: E-2, credits: 10, expires: {days: 30}, extends: [ten]}]}
credits: {clause: E-1, types: [{credit_type: credit, title: Credits, clause: E-1}],
  top_ups: [{below: 5, sku: ten, clause: E-2}]}
""",
    steps=[
        buy("o1", "ten"),
        ask("t1"),
        wait("2025-03-23T10:00:00Z"),
        buy("o2", "ten", "2025-03-23T10:00:00Z"),
        look("customers/ann/balance", "had"),
    ],
    validate=Wrong(
        '"sku": "ten",\n    "clause": "E-2"\n   }', '"sku": "tin",\n    "clause": "E-2"\n   }', "unknown_sku"
    ),
    price=({"category": "question", "customer_id": "ann"}, {"means": {"available": 14}}),
    simulate=Draft(
        '"days": 30',
        '"days": 10',
        {
            "o1": (
                {"lots": [{"expires_at": "2025-04-22T10:00:00Z"}]},
                {"lots": [{"expires_at": "2025-03-13T10:00:00Z"}]},
            ),
            "o2": (..., ...),
        },
    ),
    explain=("lot", "{o1.lots.0.lot_id}", "Order o2 made that longer; without that it would be until 2 April 2025"),
    counterfactual=("/v1/explain/lot/{o1.lots.0.lot_id}", "without that it would be until 2 April 2025"),
    statement={
        "available": 14,
        "balance_modifications": [{"credits": 10}, {"credits": 10}],
        "tickets_in_progress": [{"credits": 6}],
    },
    events=Told("credits.top_up_due", [{"sku": "ten", "credits": 4, "below": 5}]),
    graphql=(
        BALANCE,
        {
            "customer": {
                "balance": {
                    "available": 14,
                    "lots": [{"expiresAt": "2025-04-22T10:00:00Z"}, {"expiresAt": "2025-04-22T10:00:00Z"}],
                }
            }
        },
    ),
    as_of=[
        Seen(
            "/v1/customers/ann/balance",
            {"lots": [{"available": 4, "expires_at": "2025-04-02T10:00:00Z"}]},
            "2025-03-22T10:00:00Z",
        ),
        Seen("/v1/customers/ann/balance", {"available": 14}),
    ],
    audit=Broken(
        "update lot set expires_at = expires_at + interval '1 day' where order_id = 'o1'",
        "extended_credits_end_as_said",
    ),
    lives=Lived("wallet", "extends: [ten]", "fill"),
    permuted=[
        sold("o1", "ten", "2025-03-03T10:00:00Z"),
        sold("o2", "ten", "2025-03-23T10:00:00Z"),
        sold("o3", "ten", "2025-04-10T10:00:00Z"),
    ],
    late="2025-04-20T10:00:00Z",
    same=[
        Seen("/v1/customers/ann{n}/balance", {"available": 30, "lots": [{"expires_at": "2025-05-10T10:00:00Z"}] * 3})
    ],
)

OVERDRAFT = Scene(
    feature="overdraft",
    title="Below zero, against the next interval",
    said_by="`credits.overdraft`",
    part=MONTHLY.format(more="")
    + """
categories: [{category: move, title: A move, price: {kind: fixed, credits: 58}, clause: E-1}]
credits: {clause: E-1, types: [{credit_type: credit, title: Credits, clause: E-1}], overdraft: {most: 10, clause: E-2}}
""",
    steps=[
        buy("o1", "plan"),
        ask("t0", "move"),
        ask("t1"),
        wait("2025-03-10T10:00:00Z"),
        ask("t2", agreed_up_to=6),
        ask("t3"),
        wait("2025-04-10T10:00:00Z"),
    ],
    validate=Wrong('"most": 10', '"most": 0', "out_of_bounds"),
    price=(
        {"category": "question", "customer_id": "ann", "credits": 70},
        {"means": {"available": 50, "overdraft_left": 10}},
    ),
    simulate=Draft(
        '"most": 10',
        '"most": 3',
        {
            "t1": ({"state": "in_progress"}, {"state": "awaiting_credits"}),
            "t2": (..., {"state": "awaiting_credits"}),
            "t3": (..., ...),
        },
    ),
    explain=("ticket", "t1", "4 credits of them were overdrawn, and the next ones pay, as E-2 allows"),
    counterfactual=("/v1/explain/ticket/t3", "6 more credits"),
    statement={
        "available": 50,
        "balance_modifications": [
            {"credits": 60},
            {"credits": 4, "source": "overdraft"},
            {"credits": 6, "source": "overdraft"},
            {"credits": 60},
            {"credits": -10, "kind": "repaid"},
        ],
        "tickets_in_progress": [{"credits": 58}, {"credits": 6, "forfeited": 0}, {"credits": 6, "forfeited": 0}],
    },
    events=Told("credits.overdrawn", [{"credits": 4, "owed": 4}, {"credits": 6, "owed": 10}]),
    graphql=(
        BALANCE,
        {
            "customer": {
                "balance": {
                    "available": 50,
                    "owed": 0,
                    "lots": [
                        {"granted": 60, "available": 0},
                        {"source": "overdraft"},
                        {"source": "overdraft"},
                        {"available": 50},
                    ],
                }
            }
        },
    ),
    as_of=[
        Seen("/v1/customers/ann/balance", {"available": 0, "owed": 4}, "2025-03-09T10:00:00Z"),
        Seen("/v1/customers/ann/balance", {"available": 0, "owed": 10}, "2025-03-20T10:00:00Z"),
        Seen("/v1/customers/ann/balance", {"available": 50, "owed": 0}),
    ],
    audit=Broken("update account set owed = owed + 1, voided = voided + 1", "owed_is_replay_of_entries"),
    lives=Lived("living", "overdraft: {most: 15", "spend_some"),
    first=[],
    permuted=[
        sold("o1", "plan", "2025-03-03T10:00:00Z"),
        sold("o2", "plan", "2025-03-05T10:00:00Z"),
        taken_back("o2", "2025-03-09T10:00:00Z"),
    ],
    late="2025-03-10T10:00:00Z",
    steps_late=[do("customers/ann{n}/debits", credits=68)],
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 0, "owed": 8})],
)

LIMIT = Scene(
    feature="limit_per_person",
    title="Limits per person in a pool",
    said_by="`counts` of `credits` with `most`",
    part="""
counts: [{count: own, title: credits of one person, clause: E-2, of: credits, per: person, each: month, most: 14}]
""",
    steps=[
        buy("o1", "credits-100", customer="acme"),
        put("customers/pia", company_id="acme"),
        put("customers/quinn", company_id="acme"),
        ask("t1", customer="pia"),
        ask("t2", customer="pia"),
        wait("2025-03-10T10:00:00Z"),
        ask("t3", customer="pia"),
        ask("t4", customer="quinn"),
    ],
    validate=Wrong('"most": 14', '"most": 0', "out_of_bounds"),
    price=(
        {"category": "question", "customer_id": "pia"},
        {"means": {"available": 82, "limit_left": 2, "decision": {"allowed": False}}},
    ),
    simulate=Draft(
        '"most": 14',
        '"most": 20',
        {"t3": ({"state": "awaiting_credits", "reasons": ["credit_limit_reached"]}, {"state": "in_progress"})},
    ),
    explain=("ticket", "t3", "12 of 14 credits of one person are used since 1 March 2025"),
    counterfactual=("/v1/explain/ticket/t3", "waiting until 1 April 2025"),
    statement={"available": 82, "tickets_in_progress": [{"credits": 6}, {"credits": 6}, {"credits": 6}]},
    customer="acme",
    events=Told("credits.held", [{"ticket_id": "t1"}, {"ticket_id": "t2"}, {"ticket_id": "t4"}]),
    graphql=(
        '{ticket(ticketId: "t3") {state reasons {code} remedies {kind helpsAt}}}',
        {
            "ticket": {
                "state": "awaiting_credits",
                "reasons": [{"code": "credit_limit_reached"}],
                "remedies": [{"kind": "wait", "helpsAt": "2025-04-01T00:00:00Z"}],
            }
        },
    ),
    as_of=[
        Seen("/v1/customers/acme/balance", {"available": 88}, "2025-03-05T10:00:00Z"),
        Seen("/v1/customers/acme/balance", {"available": 82}),
    ],
    audit=Broken("update hold set credits = credits + 1", "hold_is_sum_of_lines"),
    lives=Lived("wallet", "most: 20", "ask_one"),
    first=[sold("o1", "credits-100", "2025-03-03T10:00:00Z"), put("customers/pia{n}", company_id="ann{n}")],
    permuted=[
        Delivery(
            "helpdesk", {"type": "ticket.created", "timestamp": NOW, "data": {**ASKED, "ticket_id": f"{name}-{{n}}"}}
        )
        for name in ("t1", "t2", "t3")
    ],
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 88})],
    late="2025-03-10T10:00:00Z",
)

KEPT = Scene(
    feature="kept_credits",
    title="Credits for a kind of work",
    said_by="`categories` of a grant",
    part="""
categories: [{category: training, title: A training, price: {kind: fixed, credits: 6}, clause: E-2}]
offers:
  - {sku: trainings, title: Trainings, kind: credits, clause: E-2, price: {amount: "90.00"},
     grants: [{kind: credits, rule: trainings, clause: E-2, credits: 9, categories: [training], scope_clause: E-2}]}
""",
    steps=[
        buy("o1", "trainings"),
        ask("t1"),
        wait("2025-03-04T10:00:00Z"),
        ask("t2", "training"),
        ask("t3", "training"),
    ],
    validate=Wrong('"training"\n     ]', '"traning"\n     ]', "unknown_category"),
    price=({"category": "training", "customer_id": "ann"}, {"means": {"available": 3, "decision": {"allowed": False}}}),
    simulate=Draft(
        '"credits": 9',
        '"credits": 12',
        {
            "o1": ({"lots": [{"granted": 9}]}, {"lots": [{"granted": 12}]}),
            "t3": ({"state": "awaiting_credits"}, {"state": "in_progress"}),
        },
    ),
    explain=(
        "lot",
        "{o1.lots.0.lot_id}",
        "The 9 credits kept for a training of order o1 can be used without an end (E-2)",
    ),
    counterfactual=("/v1/explain/ticket/t1", "6 more credits"),
    statement={"available": 3, "balance_modifications": [{"credits": 9}], "tickets_in_progress": [{"credits": 6}]},
    events=Told("credits.held", [{"ticket_id": "t2", "credits": 6}]),
    graphql=(
        '{lot(lotId: "$o1.lots.0.lot_id$") {scope categories available held}}',
        {"lot": {"scope": "category", "categories": ["training"], "available": 3, "held": 6}},
    ),
    as_of=[
        Seen(
            "/v1/lots/{o1.lots.0.lot_id}",
            {"available": 9, "held": 0, "categories": ["training"]},
            "2025-03-03T12:00:00Z",
        ),
        Seen("/v1/lots/{o1.lots.0.lot_id}", {"available": 3, "held": 6}),
    ],
    audit=Broken("update lot set available = available - 1, held = held + 1", "lot_held_and_spent_are_hold_lines"),
    lives=Lived("wallet", "categories: [training]", "fill"),
    permuted=[
        sold("o1", "trainings", "2025-03-03T10:00:00Z"),
        sold("o2", "credits-100", "2025-03-04T10:00:00Z"),
        taken_back("o1", "2025-03-05T10:00:00Z"),
    ],
    late="2025-03-10T10:00:00Z",
    steps_late=[ask("t1-{n}", "training", customer="ann{n}")],
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 94})],
)

SCENES = (RESET, ACCUMULATE, ROLLOVER, ENDS_WITH_PLAN, TOP_UP, OVERDRAFT, LIMIT, KEPT)
