"""Scenes of prices: conditions, time with a work log, first tickets free."""

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
    done,
    sold,
    wait,
    written,
)

ONE_NUMBER = "a_ticket_says_one_number"
OTHER_CHARGE = "update ticket set document = jsonb_set(document, '{charge,held}', '3')"
PRICE = '{ticket(ticketId: "%s") {price charge {held net} assessments {credits steps {surcharge credits}}}}'

CONDITIONS = Scene(
    feature="conditional_prices",
    title="Prices by channel, priority and hour",
    said_by="`surcharges` over `ticket.channel`, `ticket.priority`, `ticket.opened_in_hours`",
    part="""
priorities: [{priority: high, title: High, clause: E-1}]
surcharges:
  - {surcharge: call, title: a call, clause: E-2, when: {fact: ticket.channel, value: phone}, add: 2}
  - {surcharge: urgent, title: high priority, clause: E-2, when: {fact: ticket.priority, value: high}, times: "1.5"}
  - {surcharge: late, title: after hours, clause: E-2, when: {fact: ticket.opened_in_hours, value: false}, times: "2"}
""",
    steps=[
        buy("o1", "credits-100"),
        ask("t1", channel="phone", agreed_up_to=20),
        ask("t2"),
        wait("2025-03-08T10:00:00Z"),
        ask("t3"),
        do("tickets/t1/details", priority="high"),
    ],
    validate=Wrong('"times": "1.5"', '"times": "-1.5"', "bad_factor"),
    price=(
        {"category": "question", "channel": "phone", "priority": "high", "opened_at": "2025-03-03T10:00:00Z"},
        {
            "credits": 12,
            "steps": [{"credits": 6}, {"surcharge": "call", "credits": 2}, {"surcharge": "urgent", "credits": 4}],
        },
    ),
    simulate=Draft('"add": 2', '"add": 4', {"t1": ({"price": 12}, {"price": 15})}),
    explain=("ticket", "t1", "Times 1.5 for high priority: 8 become 12 credits (E-2)"),
    counterfactual=('price {"category": "question", "channel": "email"}', "the channel is phone"),
    statement={"available": 70, "tickets_in_progress": [{"credits": 12}, {"credits": 6}, {"credits": 12}]},
    events=Told("ticket.assessed", [{"ticket_id": "t1", "assessment": {"credits": 12}}]),
    graphql=(
        PRICE % "t3",
        {
            "ticket": {
                "price": 12,
                "charge": {"held": 12},
                "assessments": [{"steps": [{"credits": 6}, {"surcharge": "late", "credits": 6}]}],
            }
        },
    ),
    as_of=[
        Seen("/v1/tickets/t1", {"price": 8, "priority": None}, "2025-03-04T10:00:00Z"),
        Seen("/v1/tickets/t1", {"price": 12, "priority": "high"}),
    ],
    audit=Broken(OTHER_CHARGE, ONE_NUMBER),
    lives=Lived("desk-by-the-hour", "surcharge: opened_late", "open_hours"),
    first=[sold("o1", "credits-100", "2025-03-03T10:00:00Z")],
    permuted=[
        written("t1", "2025-03-03T10:00:00Z", channel="phone"),
        written("t2", "2025-03-08T10:00:00Z", priority="high"),
        answered("t2", "2025-03-08T11:00:00Z"),
    ],
    late="2025-03-10T10:00:00Z",
    same=[
        Seen("/v1/tickets/t1-{n}", {"price": 8}),
        Seen("/v1/tickets/t2-{n}", {"price": 18}),
        Seen("/v1/customers/ann{n}/balance", {"available": 74}),
    ],
)

TIME = Scene(
    feature="time_prices",
    title="Time prices with a work log",
    said_by="`price: {kind: time}`, `work`, `POST .../work`",
    part="""
categories:
  - {category: hours, title: Work by the hour, clause: E-2,
     price: {kind: time, per_minutes: 15, credits: 1, least: 2}}
work: {clause: E-2}
surcharges:
  - {surcharge: late, title: work after hours, clause: E-2, when: {fact: work.in_hours, value: false}, times: "1.5"}
""",
    steps=[
        buy("o1", "credits-100"),
        ask("t1", "hours", agreed_up_to=20),
        do("tickets/t1/work", minutes=40, occurred_at="2025-03-03T10:00:00Z"),
        wait("2025-03-03T18:00:00Z"),
        do("tickets/t1/work", minutes=60, occurred_at="2025-03-03T16:30:00Z"),
        do("tickets/t1/work", minutes=300, refused=(409, "work_beyond_limit")),
        wait("2025-03-04T10:00:00Z"),
        do("tickets/t1/work", minutes=15, corrects=1, occurred_at="2025-03-03T10:00:00Z"),
        done("t1"),
    ],
    validate=Wrong('"per_minutes": 15', '"per_minutes": 0', "out_of_bounds"),
    price=(
        {"category": "hours", "customer_id": "ann", "work": [{"minutes": 60, "occurred_at": "2025-03-03T16:30:00Z"}]},
        {"credits": 5},
    ),
    simulate=Draft('"credits": 1,\n    "least"', '"credits": 2,\n    "least"', {"t1": ({"price": 6}, {"price": 12})}),
    explain=(
        "ticket",
        "t1",
        "1 credit for each begun 15 minutes, with times 1.5 for work after hours: 6 credits (E-2)",
    ),
    counterfactual=(
        'price {"category": "hours", "work": [{"minutes": 60, "occurred_at": "2025-03-03T16:30:00Z"}]}',
        "not so: whether the work is in hours is no",
    ),
    statement={"available": 94, "resolved_tickets": [{"credits": 6}]},
    events=Told("ticket.worked", [{"price": 3}, {"minutes": 60, "price": 8}, {"corrects": 1, "price": 6}]),
    graphql=(
        '{ticket(ticketId: "t1") {price work {used totals {minutes} data {number credits parts {factor}}}}}',
        {
            "ticket": {
                "price": 6,
                "work": {
                    "used": 6,
                    "totals": {"minutes": 75},
                    "data": [
                        {"number": 1, "credits": 0},
                        {"number": 2, "credits": 5, "parts": [{"factor": "1"}, {"factor": "1.5"}]},
                        {"number": 3, "credits": 1},
                    ],
                },
            }
        },
    ),
    as_of=[
        Seen("/v1/tickets/t1", {"work": {"used": 3}}, "2025-03-03T12:00:00Z"),
        Seen("/v1/tickets/t1", {"price": 6, "work": {"used": 6}}),
    ],
    audit=Broken(
        "update ticket set document = jsonb_set(document, '{work,1,minutes}', '90')", "work_is_what_is_charged"
    ),
    lives=Lived("desk-by-the-hour", "kind: time", "log_work"),
    first=[
        sold("o1", "credits-100", "2025-03-03T10:00:00Z"),
        written("t1", "2025-03-03T10:00:00Z", "hours", agreed_up_to=20),
    ],
    permuted=[
        do("tickets/t1-{n}/work", minutes=40, occurred_at="2025-03-03T10:00:00Z"),
        do("tickets/t1-{n}/work", minutes=60, occurred_at="2025-03-03T16:30:00Z"),
        do("tickets/t1-{n}/work", minutes=20, occurred_at="2025-03-04T10:00:00Z"),
    ],
    late="2025-03-05T10:00:00Z",
    same=[Seen("/v1/tickets/t1-{n}", {"price": 10, "work": {"totals": {"minutes": 120}}})],
)

FIRST_FREE = Scene(
    feature="first_free",
    title="First tickets free",
    said_by='`surcharges` with `first`, `times: "0"`',
    part="""
surcharges: [{surcharge: hello, title: one of the first two, clause: E-2, times: "0", first: 2}]
""",
    steps=[
        buy("o1", "credits-100"),
        ask("t1"),
        ask("t2"),
        wait("2025-03-04T10:00:00Z"),
        ask("t3"),
        do("tickets/t1/withdrawal"),
        ask("t4"),
    ],
    validate=Wrong('"first": 2', '"first": 0', "out_of_bounds"),
    price=({"category": "question", "customer_id": "ann"}, {"credits": 6, "not_applied": [{"surcharge": "hello"}]}),
    simulate=Draft('"first": 2', '"first": 3', {"t3": ({"price": 6}, {"price": 0})}),
    explain=("assessment", "t4:1", "Times 0 for one of the first two: 6 become 0 credits (E-2)"),
    counterfactual=('price {"category": "question", "customer_id": "ann"}', "one of the first 2 accepted tickets"),
    statement={"available": 94, "tickets_in_progress": [{"credits": 6}]},
    events=Told("credits.held", [{"ticket_id": "t3", "credits": 6}]),
    graphql=(PRICE % "t4", {"ticket": {"price": 0}}),
    as_of=[
        Seen("/v1/tickets/t1", {"state": "in_progress", "price": 0}, "2025-03-03T12:00:00Z"),
        Seen("/v1/tickets/t1", {"state": "withdrawn"}),
    ],
    audit=Broken(OTHER_CHARGE, ONE_NUMBER),
    lives=Lived("desk-by-the-hour", "first: 2", "open_hours"),
    first=[sold("o1", "credits-100", "2025-03-03T10:00:00Z")],
    permuted=[
        written("t1", "2025-03-03T10:00:00Z"),
        written("t2", "2025-03-03T11:00:00Z"),
        written("t3", "2025-03-03T12:00:00Z"),
    ],
    late="2025-03-05T10:00:00Z",
    same=[Seen("/v1/customers/ann{n}/balance", {"available": 94})],
)

SCENES = (CONDITIONS, TIME, FIRST_FREE)
