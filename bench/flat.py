"""`python -m bench.flat [--sizes 1 1000 10000] [--calls 20]`: what every verb costs as one account grows.

Accounts of so many tickets and of so many orders are made as `bench.growth` makes them. Each verb is sent so often to
each account in turns, over HTTP on one connection; what it needs first is sent before and is not counted. The CPU of
service and Postgres is counted. The table is printed as Markdown. It ends
with 1 when a verb costs more than ``--most`` times on the largest account what it costs on the smallest one.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import uvloop

from bench.fairness import Shop
from bench.growth import Growth
from bench.main_job import LICENSE, PACK, PLACED, now
from bench.service import Ground, cpu_of_postgres, cpu_of_service, ground, service

KINDS: Final = ("tickets", "orders")
Call = tuple[str, str, Any]
"""Method, path, body."""
_WAITS: Final = {"reason": "waiting_for_customer"}
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: the call that is counted, after those that it needs first. ``{}`` is a number of its own for each."""

    name: str
    call: Callable[[str, str], Call]
    """Of a customer and a name that nothing has yet."""
    first: Callable[[str, str], list[Call]] = lambda customer, name: []


def _order(customer: str, name: str, line: Any = PACK, placed_at: str = PLACED) -> Call:
    body = {"customer_id": customer, "placed_at": placed_at, "currency": "USD", "lines": [line]}
    return "PUT", f"/v1/orders/{name}", body


def _ticket(customer: str, name: str, **more: Any) -> Call:
    body = {"customer_id": customer, "subject": "s", "channel": "helpdesk", "category": "level_1"}
    return "PUT", f"/v1/tickets/{name}", body | more


def _opened(customer: str, name: str) -> list[Call]:
    return [_ticket(customer, name)]


def _resolved(customer: str, name: str) -> list[Call]:
    return [*_opened(customer, name), ("POST", f"/v1/tickets/{name}/resolution", {"outcome": "answered"})]


def _of_ticket(verb: str, body: Any, first: Callable[[str, str], list[Call]] = _opened) -> Verb:
    return Verb(f"POST {verb}", lambda customer, name: ("POST", f"/v1/tickets/{name}/{verb}", body), first)


def _of_customer(path: str, name: str) -> Verb:
    return Verb(f"GET {name}", lambda customer, _: ("GET", f"/v1/customers/{customer}{path}", None))


def _spend(verb: str) -> Verb:
    body = {"credits": 1, "reason": "bench"} if verb == "adjustments" else {"credits": 1}
    return Verb(f"POST {verb}", lambda customer, _: ("POST", f"/v1/customers/{customer}/{verb}", body))


VERBS: Final = (
    Verb("PUT order", _order),
    # As shops sell: it is the customer's newest order. One that is told late folds all that came after it.
    Verb("PUT order of a license", lambda customer, name: _order(customer, name, LICENSE, now())),
    Verb("GET order", lambda customer, name: ("GET", f"/v1/orders/{name}", None), lambda c, n: [_order(c, n)]),
    Verb(
        "POST order refund",
        lambda customer, name: ("POST", f"/v1/orders/{name}/refunds", {"refund_id": f"r-{name}", "lines": []}),
        lambda customer, name: [_order(customer, name)],
    ),
    Verb("PUT ticket", _ticket),
    Verb("GET ticket", lambda customer, name: ("GET", f"/v1/tickets/{name}", None), _opened),
    Verb("GET explain ticket", lambda customer, name: ("GET", f"/v1/explain/ticket/{name}", None), _opened),
    Verb("GET tickets of a customer", lambda customer, _: ("GET", f"/v1/tickets?customer_id={customer}", None)),
    _of_ticket("responses", {"author": "vendor"}),
    _of_ticket("assessments", {"category": "level_2"}),
    _of_ticket("pauses", _WAITS),
    _of_ticket("resumptions", {}, lambda c, n: [*_opened(c, n), ("POST", f"/v1/tickets/{n}/pauses", _WAITS)]),
    _of_ticket("details", {"requester": "somebody"}),
    Verb(
        "POST split",
        lambda customer, name: ("POST", f"/v1/tickets/{name}/splits", {"ticket_id": f"{name}-2", "subject": "s"}),
        _opened,
    ),
    _of_ticket("withdrawal", {}),
    _of_ticket("resolution", {"outcome": "answered"}),
    _of_ticket("reopening", {"reason": "again"}, _resolved),
    _spend("debits"),
    _spend("holds"),
    _spend("adjustments"),
    _of_customer("", "customer"),
    _of_customer("/balance", "balance"),
    _of_customer("/statement", "statement"),
    _of_customer("/entries?limit=20", "entries"),
    _of_customer("/entitlements/open_ticket", "entitlement"),
    Verb("GET offers", lambda customer, _: ("GET", f"/v1/offers?customer_id={customer}", None)),
    Verb("GET clocks of a customer", lambda customer, _: ("GET", f"/v1/clocks?customer_id={customer}", None)),
)


async def measured(at: Ground, url: str, parent: int, verb: Verb, customer: str, calls: int) -> float | str:
    """Milliseconds of CPU of a call about a customer, service and Postgres; or how it was refused."""
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        shop = Shop(client, at.desk)
        names = [f"flat-{next(_numbers)}" for _ in range(calls)]
        for name in names:
            for method, path, body in verb.first(customer, name):
                if (answer := await shop(method, path, body, fine=False)).status_code >= 300:
                    return f"{path}: {answer.status_code} {answer.text[-60:]}"
        before = cpu_of_service(parent) + cpu_of_postgres(at)
        for name in names:
            answer = await shop(*verb.call(customer, name), fine=False)
            if answer.status_code >= 300:
                return f"{answer.status_code} {answer.json().get('code')}"
        return (cpu_of_service(parent) + cpu_of_postgres(at) - before) * 1000 / calls


def rows_of(kind: str, sizes: list[int], calls: int, verbs: list[Verb]) -> Iterator[tuple[str, list[float | str]]]:
    """Each verb with what it costs on each account."""
    with ground(customers=2, desk=10) as at:
        growth = Growth(at, 1.0)
        with service(at) as (url, parent):
            for size in sizes:
                uvloop.run(growth.account(url, kind, f"{kind}-{size}", size))
            for verb in verbs:
                uvloop.run(
                    measured(at, url, parent, verb, f"{kind}-{sizes[0]}", 3)
                )  # plans and documents are made once
                yield (
                    verb.name,
                    [uvloop.run(measured(at, url, parent, verb, f"{kind}-{size}", calls)) for size in sizes],
                )


def main() -> int:
    """Print the table, and say what is not flat."""
    parser = argparse.ArgumentParser(prog="python -m bench.flat", description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 1_000, 10_000])
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--most", type=float, default=2.0)
    parser.add_argument("--verbs", nargs="*", help="words that a verb's name has; all without them")
    given = parser.parse_args()
    verbs = [verb for verb in VERBS if not given.verbs or any(word in verb.name for word in given.verbs)]
    grown, refused = [], []
    print(f"| grows | verb | {' | '.join(f'{size:,}' for size in given.sizes)} | times |")
    print("|---" * (len(given.sizes) + 3) + "|")
    for kind in given.kinds:
        for name, found in rows_of(kind, given.sizes, given.calls, verbs):
            costs = [cost for cost in found if isinstance(cost, float)]
            if len(costs) < len(found):
                refused.append(f"{name}: {found}")
                continue
            times = costs[-1] / max(costs[0], 0.5)
            print(f"| {kind} | {name} | {' | '.join(f'{cost:.1f}' for cost in costs)} | {times:.1f} |", flush=True)
            if times > given.most:
                grown.append(f"{name} as {kind} grow: {times:.1f} times")
    load = f"load {os.getloadavg()[0]:.1f}, {given.calls} calls each"
    print("\n".join([load, *(f"refused: {line}" for line in refused), *(f"not flat: {line}" for line in grown)]))
    return 1 if grown or refused else 0


if __name__ == "__main__":
    sys.exit(main())
