"""A draft of the policy against recorded history: who would have been decided or charged differently. Writes nothing.

What was recorded is done again, customer by customer, through the very use cases that did it. That happens on two
stages that are never committed (`Database.rehearsal`). One stage has the versions as they were in force, the other the
draft. What comes out is compared, order by order and ticket by ticket.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from app.db import agenda, policies
from app.db.engine import Database, Tx
from app.db.history import history
from app.db.history.history import Entry, Past
from app.db.minting import mint
from app.db.rows import PUT_ON_AGENDA
from app.domain.clocks.ticket_clocks import AGENDA_KIND as CLOCK
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso
from app.usecases.agenda import HANDLERS
from app.usecases.simulation import standing
from app.usecases.simulation.steps import STEPS, use_credits
from app.usecases.simulation.totals import Listed, by_the_list, prices_differ, summed
from app.usecases.tickets import tickets
from app.views.simulation import PolicyDifference, PolicySimulation, RehearsalError, Rehearsed, RehearsedSum

DEFAULT_LIMIT: Final = 500
ENTRIES_MAX: Final = 2_000
"""Entries of history that one call runs again."""
SECONDS_MAX: Final = 20.0
"""Wall time of one of the two runs; what was not reached is said by ``complete``."""
_FIRED_MAX: Final = 1_000
_AN_INSTANT: Final = timedelta(microseconds=1)
_EVER: Final = (history.EVER, datetime(2300, 1, 1, tzinfo=UTC))
_PROMISED: Final = ("milestone", "team", "calendar", "due_at", "outcome")
"""What of a clock is compared, beside how often it was missed."""
_LISTS: Final = ("lots", "covers", "choices", "recurring_grants", "not_granted")

Version = tuple[int, datetime, Policy]


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    versions: list[Version]
    in_force: Policy
    pasts: list[Past]
    whole: bool
    calendars: Any
    recorded: dict[tuple[str, str], Mapping[str, Any]]
    now: datetime


@dataclass(slots=True, kw_only=True)
class _Run:
    """What came of one run: a view of every order and ticket, and what could not be done again."""

    name: str
    views: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    errors: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    done: int = 0
    """Customers run to their end."""
    quiet_until: datetime = _EVER[1]
    """Before this nothing falls due: the stage is empty at first."""
    listed: dict[str, Listed] | None = None
    """What each order costs by the list; None: nobody asks."""

    def missed(self, kind: str, id_: str, step: str, error: DomainError) -> None:
        """The first step of a thing that could not be done; what fails after it fails because of it."""
        entry = {"run": self.name, "kind": kind, "id": id_, "step": step, "code": error.code}
        self.errors.setdefault((kind, id_), entry)


async def simulate(
    db: Database, tenant_id: str, name: str, *, draft: Policy, start: datetime | None, end: datetime | None, limit: int
) -> PolicySimulation:
    """Runs the draft over what was recorded from ``start`` (included) to ``end``, as if it had taken effect at
    ``start`` (None: ever since). At most ``limit`` entries, whole customers; ``complete`` says whether that was all.

    404 ``policy_not_found``; 422 ``policy_name_differs``, ``span_reversed``.
    """
    if draft.policy != name:
        raise DomainError("policy_name_differs", name=name, document=draft.policy)
    if start is not None and end is not None and end < start:
        raise DomainError("span_reversed", field="to", start=iso(start), end=iso(end))
    since, until = start or _EVER[0], end or _EVER[1]
    past = await db.read(tenant_id, lambda tx: _look(tx, name, since, until, limit))
    stop_at = min(until, past.now)
    priced = prices_differ(past.versions, draft)
    before, after = _Run(name="baseline"), _Run(name="draft")
    for run, versions in ((before, past.versions), (after, _with(draft, past.versions, start))):
        run.listed = {} if priced else None
        await _rehearse(db, tenant_id, run, past, versions, stop_at)
    done = min(before.done, after.done)
    differences: list[PolicyDifference] = []
    counts: dict[str, Rehearsed] = {kind: {"replayed": 0, "differ": 0} for kind in ("order", "ticket")}
    for past_ in past.pasts[:done]:
        for key in _things(past_):
            counts[key[0]]["replayed"] += 1
            found = _difference(key, before.views[key], after.views[key])
            if found is not None:
                counts[key[0]]["differ"] += 1
                differences.append(cast(PolicyDifference, {**found, "customer_id": past_.external_id}))
    return {
        "policy": {"name": past.in_force.policy, "version": past.in_force.version},
        "from": None if start is None else iso(start),
        "to": None if end is None else iso(end),
        "customers": done,
        "orders": counts["order"],
        "tickets": counts["ticket"],
        "totals": {
            "customers": len({row["customer_id"] for row in differences}),
            "before": _sum(before, past.pasts[:done]),
            "after": _sum(after, past.pasts[:done]),
        },
        "differences": differences,
        "errors": _errors(past, before, after, compare=end is None),
        "complete": past.whole and done == len(past.pasts),
    }


def _with(draft: Policy, versions: Sequence[Version], start: datetime | None) -> list[Version]:
    number = max(version[0] for version in versions) + 1
    versions_before = [] if start is None else [version for version in versions if version[1] < start]
    return [*versions_before, (number, start or _EVER[0], draft)]


def _sum(run: _Run, pasts: Sequence[Past]) -> RehearsedSum:
    keys = [key for past in pasts for key in _things(past)]
    listed = None if run.listed is None else {id_: run.listed.get(id_, {}) for kind, id_ in keys if kind == "order"}
    return summed(((key[0], run.views[key]) for key in keys), listed)


def _things(past: Past) -> list[tuple[str, str]]:
    return [*(("order", name) for name in past.orders), *(("ticket", name) for name in past.tickets)]


# --- the past -----------------------------------------------------------------------------------------------


async def _look(tx: Tx, name: str, start: datetime, end: datetime, limit: int) -> _History:
    if name != tx.tenant.policy_name:
        raise DomainError("policy_not_found", name=name)
    pasts, whole = await history.pasts(tx, start, end, limit=limit)
    things = [thing for past in pasts for thing in _things(past)]
    recorded = await standing.all_of(tx, things, done=await standing.nothing_is_due(tx))
    return _History(
        versions=list(await policies.versions(tx)),
        in_force=await policies.in_force(tx),
        pasts=pasts,
        whole=whole,
        calendars=await history.calendars_of(tx),
        recorded=recorded,
        now=tx.at,
    )


# --- doing it again -----------------------------------------------------------------------------------------


async def _rehearse(
    db: Database, tenant_id: str, run: _Run, past: _History, versions: Sequence[Version], end: datetime
) -> None:
    if not past.pasts:
        return
    stop = time.monotonic() + SECONDS_MAX
    first = min((past_.entries[0].at for past_ in past.pasts if past_.entries), default=end)
    made_up, ours = mint("sim"), past.in_force.policy
    async with db.rehearsal(made_up, policy_name=ours, at=first, charged_to=tenant_id) as tx:
        await history.furnish(tx, versions, past.calendars)
        paying = any(promise.breach_returns_credits for _, _, pair in versions for promise in pair.promises)
        for item in past.pasts:
            again = _Again(tx, item, run, at_once=not paying)
            for entry in item.entries:
                if time.monotonic() > stop:
                    return
                await again.do(entry)
            await again.finish(end)
            run.done += 1


@dataclass(slots=True)
class _Again:
    """One customer's history done again."""

    tx: Tx
    past: Past
    run: _Run
    at_once: bool
    """Whether clocks may be judged together: no breach returns credits, so that none changes an order or a ticket."""
    holds: dict[str, str] = field(default_factory=dict)
    """The ids on this stage of what was reserved or taken by hand, by the ids that were recorded."""
    all_fired: bool = True
    """Whether everything was carried out that fell due."""

    async def do(self, entry: Entry) -> None:
        """One entry at its instant, after what fell due before it."""
        await self._fire(entry.at)
        self._now(entry.at)
        self.tx.actor = entry.actor
        try:
            data = await self._translated(entry)
            if data is not None and entry.name == "order" and self.run.listed is not None:
                self.run.listed[entry.id] = await by_the_list(self.tx, data["customer_id"], data)
            if entry.kind == "hold" and data is not None:
                made = await use_credits(self.tx, entry.name, self.holds.get(entry.id), data)
                self.holds[entry.id] = made
            elif data is not None:
                await STEPS[entry.name](self.tx, data.pop("id", entry.id), data)
        except DomainError as error:
            self.run.missed(entry.kind, entry.id, entry.name, error)

    async def finish(self, end: datetime) -> None:
        """What fell due until the end, and how everything stands then."""
        last = self.past.entries[-1].at if self.past.entries else end
        await self._fire(max(last, end))
        self._now(max(last, end))
        views = await standing.all_of(self.tx, _things(self.past), done=self.all_fired)
        for thing, view in views.items():
            failed = self.run.errors.get(thing)
            self.run.views[thing] = {"refused": failed["code"]} if "refused" in view and failed is not None else view

    def _now(self, at: datetime) -> None:
        self.tx.at = at
        self.tx.tenant = replace(self.tx.tenant, now=at)
        self._note_what_was_put()
        self.tx.caches.clear()

    def _note_what_was_put(self) -> None:
        self.run.quiet_until = min(self.run.quiet_until, self.tx.caches.pop(PUT_ON_AGENDA, _EVER[1]))

    async def _fire(self, until: datetime) -> None:
        """Carry out what falls due until then. Where nothing can, nobody is asked: all that is put is seen to."""
        self._note_what_was_put()
        if until < self.run.quiet_until:
            return
        for _ in range(_FIRED_MAX):
            due = await agenda.due(self.tx, until, limit=1)
            if not due:
                self._note_what_was_put()
                self.run.quiet_until = until + _AN_INSTANT
                return
            at = await self._instant(due[0], until)
            self._now(at)
            self.tx.actor = "rehearsal"
            try:
                await agenda.run(self.tx, due[0], at, HANDLERS)
            except DomainError as error:
                self.run.missed("agenda", due[0].subject, due[0].kind, error)
                self.all_fired = False
        self.all_fired = False
        self.run.quiet_until = until

    async def _instant(self, due: Any, until: datetime) -> datetime:
        """When to carry out what is due. A promise of each business day falls due on every one of them. Its clock is
        judged once for all days until something else happens: a judgement finds each day's outcome whenever it is made.
        """
        if due.kind != CLOCK or not self.at_once:
            at: datetime = due.at
            return at
        return await agenda.next_other(self.tx, CLOCK, until) or until

    async def _translated(self, entry: Entry) -> dict[str, Any] | None:
        """What was said, with the ids that these things have on this stage; None: there is nothing to say."""
        tx, data = self.tx, {"customer_id": self.past.name, **entry.data}
        if data.get("license_id") in self.past.licenses:
            data["license_id"] = await self._license(data["license_id"])
        if entry.kind == "license":
            data["id"] = await self._license(entry.id)
        elif entry.kind in ("choice", "cover"):
            place = data.pop("place")
            made = await (
                history.choice_at(tx, place, data.pop("rule"))
                if entry.kind == "choice"
                else history.cover_at(tx, place)
            )
            if made is None:
                raise DomainError("choice_not_found" if entry.kind == "choice" else "cover_not_found", id=entry.id)
            data["id"] = made
        elif entry.name == "confirm":
            view = await tickets.get(tx, entry.id)
            waiting = [
                assessment["number"]
                for assessment in view["assessments"]
                if assessment["status"] == "awaiting_confirmation"
            ]
            if not waiting:
                return None  # nobody is asked under this policy
            data["number"] = waiting[-1]
        return data

    async def _license(self, license_id: str) -> str:
        place = self.past.licenses.get(license_id)
        found = None if place is None else (await history.licenses_of(self.tx, self.past.name)).get(place)
        return found or license_id


# --- comparing ----------------------------------------------------------------------------------------------


def _errors(past: _History, before: _Run, after: _Run, *, compare: bool) -> list[RehearsalError]:
    found = []
    for key, row in {**before.errors, **after.errors}.items():
        twice = key in before.errors and key in after.errors
        same = twice and before.errors[key]["step"] == after.errors[key]["step"]
        found.append({**row, "run": "both" if same else row["run"]})
        if twice and not same:
            found.append(before.errors[key])
    if compare:
        # What happened by means that are not run again (a lot given back, moved or spent otherwise) shows here.
        found += [
            {"run": "baseline", "kind": key[0], "id": key[1], "step": None, "code": "replay_differs"}
            for key, view in before.views.items()
            if key not in before.errors and _shape(key[0], view) != _shape(key[0], past.recorded[key])
        ]
    return cast(list[RehearsalError], found)


def _difference(key: tuple[str, str], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any] | None:
    kind, id_ = key
    was, is_ = _shape(kind, before), _shape(kind, after)
    if kind == "ticket":
        was, is_ = _with_promises(was, before), _with_promises(is_, after)
    if was == is_:
        return None
    named = _order_clauses if kind == "order" else _ticket_clauses
    clauses = named(before, after) if "refused" not in (was | is_) else []
    return {"kind": kind, "id": id_, "before": was, "after": is_, "clauses": clauses}


def _shape(kind: str, view: Mapping[str, Any]) -> dict[str, Any]:
    if "refused" in view:
        return {"refused": view["refused"]}
    return _order_shape(view) if kind == "order" else _ticket_shape(view)


def _order_shape(view: Mapping[str, Any]) -> dict[str, Any]:
    rows = {name: _sorted(_row(name, item) for item in view.get(name, ())) for name in _LISTS}
    granted = any(view[name] for name in ("licenses", "lots", "covers", "choices"))
    return {"granted": granted, "licenses": len(view["licenses"]), **rows}


def _row(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    fields = {
        "lots": ("line_id", "unit_no", "credit_type", "granted", "expires_at", "categories"),
        "covers": ("line_id", "state", "starts_at", "ends_at", "scope", "levels", "actions", "plan", "seats"),
        "recurring_grants": (
            "line_id",
            "unit_no",
            "credit_type",
            "credits",
            "interval",
            "at_renewal",
            "rollover_max",
            "ends_at",
        ),
        "choices": ("line_id", "unit_no", "details", "option"),
        "not_granted": ("line_id", "unit_no", "code"),
    }[name]
    return {field_: row[field_] for field_ in fields if field_ in row}


def _ticket_shape(view: Mapping[str, Any]) -> dict[str, Any]:
    charge = view["charge"]
    return {
        "state": view["state"],
        "reasons": [reason["code"] for reason in view["reasons"]],
        "asks": sorted(view["asks"]),
        "price": view["price"],
        "paid_by": view["paid_by"],
        "charge": {"held": charge["held"], "net": charge["net"]},
    }


def _with_promises(shape: dict[str, Any], view: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is compared of a ticket with what is promised of it, the cancelled promises aside."""
    rows = [
        {
            **{name: clock[name] for name in _PROMISED if clock.get(name) is not None},
            "missed": sum(breach["retracted_at"] is None for breach in clock["breaches"]),
        }
        for clock in view.get("clocks", ())
        if clock["phase"] != "cancelled"
    ]
    return {**shape, "promises": _sorted(rows)} if rows else shape


def _order_clauses(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    found: set[str | None] = set()
    for name in _LISTS:
        sides = [[(_row(name, item), item.get("clause")) for item in view.get(name, ())] for view in (before, after)]
        for mine, other in (sides, sides[::-1]):
            there = [row for row, _ in other]
            found |= {clause for row, clause in mine if row not in there}
    return sorted(name for name in found if name)


def _ticket_clauses(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    codes = [{reason["code"] for reason in view["reasons"]} for view in (before, after)]
    found = {
        reason["clause"]
        for view, other in ((before, codes[1]), (after, codes[0]))
        for reason in view["reasons"]
        if reason["code"] not in other
    }
    promises = [_with_promises({}, view) for view in (before, after)]
    if promises[0] != promises[1]:
        found |= {clock["clause"] for view in (before, after) for clock in view["clocks"]}
    if before["price"] != after["price"] or not found:
        found |= {view["assessments"][-1]["clause"] for view in (before, after) if view["assessments"]}
    return sorted(item for item in found if item)


def _sorted(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])
