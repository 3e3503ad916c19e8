"""Scenes of promises: severity on several calendars, plan and channel, escalations, credits for a breach."""

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
    look,
    sold,
    wait,
    written,
)

SATURDAY = "2025-03-08T10:00:00Z"
DUE = "update clock set due_at = due_at + interval '1 hour' where phase = 'running'"
KEPT = "a_clock_keeps_what_its_events_come_to"
OPEN = [{"credits": 6}]

SEVERITY = Scene(
    feature="severity",
    title="Severity promises on several calendars",
    said_by="`promises.when`, `promises.calendar`, `priorities`",
    part="""
priorities: [{priority: high, title: High, clause: E-1}, {priority: low, title: Low, clause: E-1}]
calendars:
  always:
    zone: UTC
    clause: E-2
    weekly_hours: {mon: [["00:00", "24:00"]], tue: [["00:00", "24:00"]], wed: [["00:00", "24:00"]],
      thu: [["00:00", "24:00"]], fri: [["00:00", "24:00"]], sat: [["00:00", "24:00"]], sun: [["00:00", "24:00"]]}
promises:
  - {milestone: first_response, when: {fact: ticket.priority, value: high}, calendar: always,
     target: "business_seconds:3600", starts: opened, stops: [vendor_response], clause: E-2}
  - {milestone: first_response, target: "business_days:1", starts: opened, stops: [vendor_response], clause: E-1}
""",
    steps=[
        buy("o1", "credits-100"),
        ask("t1", priority="low"),
        wait(SATURDAY),
        ask("t2", priority="high"),
        ask("t3", priority="low"),
        wait("2025-03-08T10:30:00Z"),
        do("tickets/t3/details", priority="high"),
        wait("2025-03-08T12:00:00Z"),
    ],
    validate=Wrong('"calendar": "always"', '"calendar": "nights"', "unknown_calendar"),
    price=({"category": "question", "priority": "high", "customer_id": "ann"}, {"credits": 6, "steps": []}),
    simulate=Draft(
        '"business_seconds:3600"',
        '"business_seconds:10800"',
        {
            "t2": (
                {"promises": [{"calendar": "always", "outcome": "breached", "missed": 1}]},
                {"promises": [{"calendar": "always", "due_at": "2025-03-08T13:00:00Z", "outcome": "open"}]},
            ),
            "t3": ({"promises": [{"missed": 1}]}, {"promises": [{"due_at": "2025-03-08T13:00:00Z", "missed": 0}]}),
        },
    ),
    explain=("clock", "{t2.clocks.0.clock_id}", "First response: within 1 hour of service hours (E-2)"),
    counterfactual=("/v1/explain/clock/{t1.clocks.0.clock_id}", "the priority is high: within 1 hour of service hours"),
    statement={"available": 82, "tickets_in_progress": OPEN * 3},
    events=Told("clock.breached", [{"ticket_id": "t1"}, {"ticket_id": "t2"}, {"ticket_id": "t3"}]),
    graphql=(
        '{ticket(ticketId: "t2") {priority clocks {milestone calendar outcome}}}',
        {
            "ticket": {
                "priority": "high",
                "clocks": [{"milestone": "first_response", "calendar": "always", "outcome": "breached"}],
            }
        },
    ),
    as_of=[
        Seen("/v1/tickets/t3", {"priority": "low", "clocks": [{"calendar": "service-hours"}]}, SATURDAY),
        Seen("/v1/tickets/t3", {"priority": "high", "clocks": [{"phase": "cancelled"}, {"calendar": "always"}]}),
    ],
    audit=Broken(DUE, KEPT),
    lives=Lived("promised", "calendar: always", "turn"),
    first=[sold("o1", "credits-100", "2025-03-03T10:00:00Z")],
    permuted=[
        written("t1", SATURDAY, priority="high"),
        answered("t1", "2025-03-08T10:40:00Z"),
        answered("t1", "2025-03-08T10:20:00Z", "customer"),
    ],
    late="2025-03-08T12:00:00Z",
    same=[Seen("/v1/tickets/t1-{n}", {"clocks": [{"calendar": "always", "outcome": "met"}]})],
)

PLAN_AND_CHANNEL = Scene(
    feature="promises_by_plan",
    title="Promises by plan and channel",
    said_by="`promises.when` over `plan.name` and `ticket.channel`",
    part="""
plans: [{plan: gold, title: Gold, clause: E-2}]
offers:
  - sku: gold
    title: Gold
    kind: cover
    clause: E-2
    price: {amount: "90.00"}
    grants: [{kind: cover, rule: gold, clause: E-2, term: {months: 1}, plan: gold}]
promises:
  - {milestone: first_response, when: {all: [{fact: plan.name, value: gold}, {fact: ticket.channel, value: phone}]},
     target: "seconds:900", starts: opened, stops: [vendor_response], clause: E-2}
  - {milestone: first_response, when: {fact: plan.name, value: gold}, target: "business_seconds:7200", starts: opened,
     stops: [vendor_response], clause: E-2}
  - {milestone: first_response, target: "business_days:2", starts: opened, stops: [vendor_response], clause: E-1}
""",
    steps=[
        buy("o1", "gold"),
        ask("t1", channel="phone"),
        ask("t2"),
        buy("o2", "credits-100", customer="bob"),
        ask("t3", customer="bob", channel="phone"),
        wait("2025-03-03T10:10:00Z"),
        do("tickets/t1/responses", author="vendor", kind="service"),
    ],
    validate=Wrong('"value": "phone"', '"value": "fax"', "bad_comparison", "{"),
    price=({"category": "question", "channel": "phone", "customer_id": "bob"}, {"credits": 6}),
    simulate=Draft(
        '"business_seconds:7200"',
        '"business_seconds:3600"',
        {
            "t2": (
                {"promises": [{"due_at": "2025-03-03T12:00:00Z"}]},
                {"promises": [{"due_at": "2025-03-03T11:00:00Z"}]},
            )
        },
    ),
    explain=("ticket", "t1", "First response: within 15 minutes (E-2)."),
    counterfactual=("/v1/explain/clock/{t2.clocks.0.clock_id}", "the channel is phone"),
    statement={"available": 0, "tickets_in_progress": []},
    events=Told("clock.met", [{"ticket_id": "t1", "clause": "E-2"}]),
    graphql=(
        '{ticket(ticketId: "t2") {clocks {dueAt clause}}}',
        {"ticket": {"clocks": [{"dueAt": "2025-03-03T12:00:00Z", "clause": "E-2"}]}},
    ),
    as_of=[
        Seen(
            "/v1/tickets/t1",
            {"clocks": [{"outcome": "open", "due_at": "2025-03-03T10:15:00Z"}]},
            "2025-03-03T10:05:00Z",
        ),
        Seen("/v1/tickets/t1", {"clocks": [{"outcome": "met"}]}),
    ],
    audit=Broken(DUE, KEPT),
    lives=Lived("promised", "fact: plan.name", "open_promised"),
    first=[sold("o1", "gold", "2025-03-03T10:00:00Z")],
    permuted=[
        written("t1", "2025-03-03T10:05:00Z", channel="phone"),
        answered("t1", "2025-03-03T10:30:00Z", "customer"),
        answered("t1", "2025-03-03T10:15:00Z"),
    ],
    late="2025-03-03T12:00:00Z",
    same=[Seen("/v1/tickets/t1-{n}", {"clocks": [{"target": "seconds:900", "outcome": "met"}]})],
)

ESCALATIONS = Scene(
    feature="escalations",
    title="Escalations",
    said_by="`promises.warnings`, `promises.reminders`, `notify`",
    part="""
promises:
  - milestone: first_response
    target: "business_seconds:7200"
    starts: opened
    stops: [vendor_response]
    clause: E-2
    warnings: [{percent: 50, notify: [team lead]}, {business_seconds_before: 600, notify: [team lead, manager]}]
    reminders: [{business_seconds_after: 3600, notify: [director]}]
""",
    steps=[buy("o1", "credits-100"), ask("t1"), wait("2025-03-03T14:00:00Z")],
    validate=Wrong('"percent": 50', '"percent": 500', "bad_warning"),
    price=({"category": "question", "customer_id": "ann"}, {"credits": 6, "means": {"available": 94}}),
    simulate=Draft(
        '"business_seconds:7200"',
        '"business_seconds:18000"',
        {"t1": ({"promises": [{"missed": 1}]}, {"promises": [{"missed": 0, "due_at": "2025-03-03T15:00:00Z"}]})},
    ),
    explain=("ticket", "t1", "within 2 hours of service hours (E-2). Due on 3 March 2025, 12:00 UTC. It was missed."),
    counterfactual=("/v1/explain/clock/{t1.clocks.0.clock_id}", "done by 3 March 2025, 1"),
    statement={"available": 94, "tickets_in_progress": OPEN},
    events=Told("clock.warned", [{"notify": ["team lead"]}, {"notify": ["team lead", "manager"]}]),
    graphql=(
        '{ticket(ticketId: "t1") {clocks {warnings {at fired} reminders {at level fired}}}}',
        {
            "ticket": {
                "clocks": [
                    {
                        "warnings": [
                            {"at": "2025-03-03T11:00:00Z", "fired": True},
                            {"at": "2025-03-03T11:50:00Z", "fired": True},
                        ],
                        "reminders": [{"at": "2025-03-03T13:00:00Z", "level": 1, "fired": True}],
                    }
                ]
            }
        },
    ),
    as_of=[
        Seen(
            "/v1/tickets/t1",
            {"clocks": [{"outcome": "open", "warnings": [{"fired": True}, {"fired": False}]}]},
            "2025-03-03T11:30:00Z",
        ),
        Seen("/v1/tickets/t1", {"clocks": [{"outcome": "breached", "reminders": [{"fired": True}]}]}),
    ],
    audit=Broken(DUE, KEPT),
    lives=Lived("promised", "notify: [director]", "pass_time"),
    first=[sold("o1", "credits-100", "2025-03-03T10:00:00Z")],
    permuted=[
        written("t1", "2025-03-03T10:00:00Z"),
        answered("t1", "2025-03-03T12:30:00Z"),
        answered("t1", "2025-03-03T12:10:00Z", "customer"),
    ],
    late="2025-03-03T14:00:00Z",
    same=[
        Seen(
            "/v1/tickets/t1-{n}",
            {"clocks": [{"outcome": "breached", "stopped_at": "2025-03-03T12:30:00Z", "reminders": []}]},
        )
    ],
)

BREACH_CREDITS = Scene(
    feature="breach_credits",
    title="Credits back for a breach, capped",
    said_by="`promises.breach_returns_credits`, `promises.breach_cap`",
    part="""
promises:
  - milestone: first_response
    target: "business_seconds:3600"
    starts: opened
    stops: [vendor_response]
    clause: E-2
    breach_returns_credits: 5
    breach_cap: {credits: 8, per: month, clause: E-2}
""",
    steps=[
        buy("o1", "credits-100"),
        ask("t1"),
        ask("t2"),
        wait("2025-03-03T12:00:00Z"),
        look("customers/ann/balance", "had"),
    ],
    validate=Wrong('"breach_returns_credits": 5', '"breach_returns_credits": -5', "bad_credits"),
    price=({"category": "question", "customer_id": "ann"}, {"credits": 6, "means": {"available": 96}}),
    simulate=Draft(
        '"business_seconds:3600"',
        '"business_seconds:10800"',
        {"t1": ({"promises": [{"missed": 1}]}, {"promises": [{"missed": 0}]}), "t2": (..., ...)},
    ),
    explain=(
        "lot",
        "{had.lots.1.lot_id}",
        "5 credits were given for a late answer on 3 March 2025, without an end (E-2)",
    ),
    counterfactual=("/v1/explain/clock/{t1.clocks.0.clock_id}", "done by 3 March 2025, 1"),
    statement={
        "available": 96,
        "balance_modifications": [{"credits": 100}, {"credits": 5, "clause": "E-2"}, {"credits": 3, "clause": "E-2"}],
    },
    events=Told("credits.granted", [{"credits": 100}, {"credits": 5}, {"credits": 3}]),
    graphql=(
        '{customer(customerId: "ann") {balance {available lots {source granted clause}}}}',
        {
            "customer": {
                "balance": {
                    "available": 96,
                    "lots": [
                        {"source": "purchase", "granted": 100},
                        {"source": "breach", "granted": 5, "clause": "E-2"},
                        {"source": "breach", "granted": 3, "clause": "E-2"},
                    ],
                }
            }
        },
    ),
    as_of=[
        Seen("/v1/customers/ann/balance", {"available": 88}, "2025-03-03T10:30:00Z"),
        Seen("/v1/customers/ann/balance", {"available": 96}),
    ],
    audit=Broken(
        "update lot set granted = granted + 1, available = available + 1 where source = 'breach'",
        "lot_is_replay_of_entries",
    ),
    lives=Lived("promised", "breach_cap: {credits: 8", "pass_time"),
    first=[sold("o1", "credits-100", "2025-03-03T10:00:00Z")],
    permuted=[
        written("t1", "2025-03-03T10:00:00Z"),
        written("t2", "2025-03-03T10:00:00Z"),
        answered("t1", "2025-03-03T11:30:00Z"),
    ],
    late="2025-03-03T14:00:00Z",
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 96})],
)

SCENES = (SEVERITY, PLAN_AND_CHANNEL, ESCALATIONS, BREACH_CREDITS)
