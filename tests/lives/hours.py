"""A vendor who charges by the hour, in whole lives: work is logged, corrected, asked beyond, and charged as it grows.

What a line costs is counted here minute by minute off a wall clock in Berlin, from the document of `tests.prices.shop`
read by a person: 1 credit for each begun quarter hour, 2 at least; one and a half after hours, double on Sundays and
for senior staff, 4 for a visit; 2 for a call and 3 for high priority, which a bug does not bring back.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.lives.desk import same_charge
from tests.lives.life import DOCUMENTS, NAMES, OWN, Life, command
from tests.lives.model import Ticket
from tests.lives.terms import iso
from tests.prices.shop import DOCUMENT

POLICY = "desk-by-the-hour"
BERLIN = ZoneInfo("Europe/Berlin")
LICENSE = """
  - {sku: license, title: A license, kind: license, clause: D-1}
actions:"""
DOCUMENTS[POLICY] = DOCUMENT.replace("\nactions:", LICENSE).replace("currency: EUR", "currency: USD")
OWN[POLICY] = {
    "order": 10,
    "refund_order": 2,
    "hold": 1,
    "end_hold": 2,
    "wait": 9,
    "open_hours": 16,
    "log_work": 40,
    "correct_work": 14,
    "ask_for_more": 12,
    "end_work": 8,
    "leave_work": 3,
    "cause_of_work": 6,
    "join_work": 5,
}
"""How often each command is drawn; of the others none."""


@dataclass
class Line:
    """A line of work, as it was logged."""

    minutes: int
    begin: datetime
    kind: str | None
    billable: bool
    corrected: bool = False


@dataclass
class Job:
    """What a ticket by the hour is charged for."""

    ticket: Ticket
    flat: int
    limit: int | None
    reserved: int = 0
    asked: int | None = None
    lines: list[Line] = field(default_factory=list)

    def price(self, lines: list[Line] | None = None) -> int:
        """What these lines come to."""
        total = sum(credits_of(line) for line in (self.lines if lines is None else lines))
        return (max(total, 2) if total else 0) + self.flat


def credits_of(line: Line) -> int:
    """Minute by minute."""
    if line.corrected or not line.billable:
        return 0
    total = Fraction(0)
    for number in range(line.minutes):
        local = (line.begin + timedelta(minutes=number)).astimezone(BERLIN)
        factor = Fraction(1)
        if local.weekday() == 6:
            factor = Fraction(2)
        elif local.weekday() == 5 or not 9 <= local.hour < 17:
            factor = Fraction(3, 2)
        total += factor * (2 if line.kind == "senior" else 1)
    return -(-total // 15) + (4 if line.kind == "on_site" and line.minutes else 0)


def jobs(life: Life) -> dict[str, Job]:
    """The tickets by the hour, by id."""
    found: dict[str, Job] = life.things.setdefault("jobs", {})
    return found


def a_job(life: Life, rng: random.Random, *states: str) -> Job | None:
    """A ticket by the hour in one of these states."""
    found = [job for job in jobs(life).values() if job.ticket.state in states]
    return rng.choice(found[-6:]) if found else None


def agree(life: Life, job: Job, answer: Any) -> None:
    """The ticket says what the model says."""
    same_charge(life, job.ticket, answer)
    name = job.ticket.ticket_id
    if job.ticket.paid_by == "credits" and job.ticket.accepted:
        figures = (answer["price"], answer["work"]["used"], answer["work"]["agreed"], answer["work"]["asked"])
        right = (job.price(), job.price(), job.limit, job.asked)
        life.that(figures == right, f"{name} says price, used, agreed, asked {figures}, should be {right}")
        shown = sum(row["credits"] for row in answer["work"]["data"])
        life.that(shown == sum(map(credits_of, job.lines)), f"the lines of {name} come to {shown}")


async def send(life: Life, job: Job, path: str, body: Any) -> tuple[int, Any]:
    """A verb on a ticket; its customer is compared afterwards."""
    life.model.dirty.add(life.model.who(job.ticket.owner))
    return await life.call("POST", f"/v1/tickets/{job.ticket.ticket_id}/{path}", body)


@command()
async def open_hours(life: Life, rng: random.Random) -> str:
    """A ticket by the hour, with a limit or without."""
    model, owner = life.model, life.model.who(rng.choice(NAMES))
    ticket = Ticket(life.next("t"), owner, model.terms, category="hours", opened_at=life.now)
    body: dict[str, Any] = {"customer_id": owner, "subject": "It fails", "category": "hours"}
    body["channel"] = rng.choice(("helpdesk", "helpdesk", "phone"))
    if (priority := rng.choice((None, "high", "low"))) is not None:
        body["priority"] = priority
    if rng.random() < 0.5:
        body["agreed_up_to"] = ticket.agreed = rng.choice((8, 12, 30))
    flat = (2 if body["channel"] == "phone" else 0) + (3 if priority == "high" else 0)
    job = Job(ticket, flat, ticket.agreed)
    job.reserved = max(flat + 2, ticket.agreed or 0)
    free = model.available(owner)
    status, answer = await life.call("PUT", f"/v1/tickets/{ticket.ticket_id}", body)
    ticket.state, ticket.paid_by = answer["state"], answer["paid_by"]
    right = "in_progress" if free >= job.reserved else "awaiting_credits"
    life.that((status, ticket.state) == (201, right), f"{ticket.ticket_id} is {ticket.state}, should be {right}")
    model.tickets[ticket.ticket_id], jobs(life)[ticket.ticket_id] = ticket, job
    if ticket.state == "in_progress":
        ticket.accepted = True
        life.that(model.settle_to(ticket, job.reserved), f"{ticket.ticket_id} holds what is not there")
    agree(life, job, answer)
    return f"{owner} opens {ticket.ticket_id}: {ticket.state}, agreed {ticket.agreed}"


def _begun(life: Life, rng: random.Random, job: Job) -> datetime:
    """A whole minute between the opening and now."""
    opened, end = job.ticket.opened_at or life.now, job.ticket.resolved_at or life.now
    minutes = int((end - opened).total_seconds() // 60)
    return opened + timedelta(minutes=rng.randrange(minutes)) if minutes > 0 else opened


@command()
async def log_work(life: Life, rng: random.Random) -> str | None:
    """A line of work, perhaps told late, perhaps after the resolution."""
    job = a_job(life, rng, "in_progress", "in_progress", "awaiting_confirmation", "resolved")
    if job is None:
        return None
    line = Line(
        rng.choice((1, 15, 16, 40, 90, 400)),
        _begun(life, rng, job),
        rng.choice((None, "remote", "senior", "on_site")),
        rng.random() < 0.85,
    )
    if job.ticket.resolved_at is not None and line.begin >= job.ticket.resolved_at:
        return None  # it was closed in the minute of its opening
    body: dict[str, Any] = {"minutes": line.minutes, "occurred_at": iso(line.begin), "kind": line.kind}
    if not line.billable:
        body["billable"] = False
    return await _logged(life, job, line, body, [*job.lines, line], f"{line.minutes} minutes")


@command()
async def correct_work(life: Life, rng: random.Random) -> str | None:
    """Another line takes the place of one."""
    found = [job for job in jobs(life).values() if job.ticket.state in ("in_progress", "resolved") and job.lines]
    if not found:
        return None
    job = rng.choice(found)
    number = rng.randrange(len(job.lines))
    old = job.lines[number]
    body = {"minutes": rng.choice((0, 5, 50)), "corrects": number + 1}
    if old.corrected:
        status, answer = await send(life, job, "work", body)
        life.that((status, answer["code"]) == (409, "line_corrected"), f"a line corrected twice: {status} {answer}")
        return f"line {number + 1} of {job.ticket.ticket_id} is corrected already"
    line = Line(body["minutes"], old.begin, old.kind, old.billable)
    after = [Line(one.minutes, one.begin, one.kind, one.billable, one.corrected) for one in job.lines]
    after[number].corrected = True
    return await _logged(life, job, line, body, [*after, line], f"line {number + 1} corrected")


async def _logged(life: Life, job: Job, line: Line, body: Any, after: list[Line], words: str) -> str:
    model, ticket = life.model, job.ticket
    was, now, owner = job.price(), job.price(after), model.who(ticket.owner)
    status, answer = await send(life, job, "work", body)
    closed = ticket.state == "resolved"
    returned = ticket.cause == "software_bug"
    target = max(now, job.reserved) if not closed else min(job.flat, now) if returned else now
    missing = target - model.committed(ticket.ticket_id)
    code = answer.get("code") if status >= 400 else None
    if now > was and job.limit is not None and now > job.limit:
        life.that(code == "work_beyond_limit", f"{words} of {ticket.ticket_id}: {now} beyond {job.limit}: {status}")
        return f"{words} of {ticket.ticket_id}: beyond the limit"
    if missing > model.available(owner):
        life.that(code == "insufficient_credits", f"{words} of {ticket.ticket_id}: {missing} are missing: {status}")
        return f"{words} of {ticket.ticket_id}: too few credits"
    life.that(status == 200, f"{words} of {ticket.ticket_id} at {now}: {status} {answer}")
    job.lines = after
    life.that(model.settle_to(ticket, target), f"{ticket.ticket_id} is charged what is not there")
    if closed:
        model.capture_all(ticket.ticket_id)
        if returned:
            ticket.returned_for_cause = now - target
    agree(life, job, answer)
    return f"{words} of {ticket.ticket_id}: {now}"


@command()
async def ask_for_more(life: Life, rng: random.Random) -> str | None:
    """A higher limit waits for the customer, who says yes or no."""
    job = a_job(life, rng, "in_progress", "awaiting_confirmation")
    if job is None:
        return None
    model, ticket = life.model, job.ticket
    if ticket.state == "awaiting_confirmation":
        return await _answered(life, rng, job)
    limit = job.price() + rng.choice((1, 5, 20))
    status, answer = await send(life, job, "assessments", {"credits": limit})
    ticket.state = answer.get("state", ticket.state)
    if job.limit is not None and limit > job.limit:
        right = (status, ticket.state) == (200, "awaiting_confirmation")
        life.that(right, f"{limit} for {ticket.ticket_id} above {job.limit}: {status} {ticket.state}")
        job.asked = limit
        agree(life, job, answer)
        return f"{ticket.ticket_id} asks for {limit}"
    missing = max(limit, job.price()) - model.committed(ticket.ticket_id)
    if missing > model.available(model.who(ticket.owner)):
        life.that(answer["code"] == "insufficient_credits", f"a limit of {limit}: {status} {answer}")
        return f"{ticket.ticket_id} at {limit}: too few credits"
    life.that(status == 200, f"a limit of {limit} for {ticket.ticket_id}: {status} {answer}")
    job.limit = job.reserved = limit
    life.that(model.settle_to(ticket, limit), f"{ticket.ticket_id} holds what is not there")
    agree(life, job, answer)
    return f"{ticket.ticket_id} may take {limit}"


async def _answered(life: Life, rng: random.Random, job: Job) -> str:
    model, ticket, accept = life.model, job.ticket, rng.random() < 0.7
    shown = await life.get(f"/v1/tickets/{ticket.ticket_id}")
    number = shown["assessments"][-1]["number"]
    limit = job.asked or 0
    missing = max(limit, job.price()) - model.committed(ticket.ticket_id)
    status, answer = await send(life, job, f"assessments/{number}/confirmation", {"accept": accept})
    if accept and missing > model.available(model.who(ticket.owner)):
        life.that(answer["code"] == "insufficient_credits", f"a yes to {limit}: {status} {answer}")
        return f"{ticket.ticket_id} at {limit}: too few credits"
    life.that(status == 200, f"an answer on {ticket.ticket_id}: {status} {answer}")
    ticket.state, job.asked = answer["state"], None
    if accept:
        job.limit, job.reserved = limit, max(limit, job.price())
        life.that(model.settle_to(ticket, job.reserved), f"{ticket.ticket_id} holds what is not there")
    agree(life, job, answer)
    return f"{ticket.ticket_id} at {limit}: {'yes' if accept else 'no'}"


@command()
async def end_work(life: Life, rng: random.Random) -> str | None:
    """Resolved: what was worked is captured, the rest given back; a bug keeps what survives it."""
    job = a_job(life, rng, "in_progress")
    if job is None:
        return None
    model, ticket = life.model, job.ticket
    cause = rng.choice(("software_bug", "other", None))
    status, answer = await send(life, job, "resolution", {"outcome": "answered", "cause": cause})
    life.that(status == 200, f"the resolution of {ticket.ticket_id}: {status} {answer}")
    ticket.state, ticket.cause, ticket.resolved_at = answer["state"], cause, life.now
    model.settle_to(ticket, job.price())
    model.capture_all(ticket.ticket_id)
    if cause == "software_bug":
        ticket.returned_for_cause = job.price() - min(job.flat, job.price())
        model.each(ticket.ticket_id, "spent", ticket.returned_for_cause, bug=False)
    agree(life, job, answer)
    return f"{ticket.ticket_id} is resolved as {cause} at {job.price()}"


@command()
async def leave_work(life: Life, rng: random.Random) -> str | None:
    """Withdrawn: what was worked stays charged."""
    job = a_job(life, rng, "in_progress", "awaiting_credits", "awaiting_confirmation")
    if job is None:
        return None
    model, ticket = life.model, job.ticket
    status, answer = await send(life, job, "withdrawal", {})
    life.that((status, answer["state"]) == (200, "withdrawn"), f"withdrawal of {ticket.ticket_id}: {status}")
    if ticket.accepted and job.price():
        model.settle_to(ticket, job.price())
        model.capture_all(ticket.ticket_id)
    else:
        model.each(ticket.ticket_id, "held")
    ticket.state = "withdrawn"
    same_charge(life, ticket, answer)
    return f"{ticket.ticket_id} is withdrawn at {job.price()}"


@command()
async def cause_of_work(life: Life, rng: random.Random) -> str | None:
    """The cause turns out to be another: what does not survive a bug comes back, or is taken again."""
    job = a_job(life, rng, "resolved")
    if job is None:
        return None
    model, ticket = life.model, job.ticket
    cause = "other" if ticket.cause == "software_bug" else "software_bug"
    free = model.available(model.who(ticket.owner))
    status, answer = await send(life, job, "cause", {"cause": cause, "reason": "seen later"})
    life.that(status == 200, f"a cause of {ticket.ticket_id}: {status} {answer}")
    if cause == "software_bug":
        net = model.charge(ticket.ticket_id)["net"]
        back = net - min(job.flat, net)
        model.each(ticket.ticket_id, "spent", back, bug=False)
        ticket.returned_for_cause += back
    else:
        again = min(ticket.returned_for_cause, free)
        if again:
            model.take(model.who(ticket.owner), again, "spent", ticket=ticket.ticket_id)
        ticket.returned_for_cause -= again
    ticket.cause = cause
    same_charge(life, ticket, answer)
    return f"the cause of {ticket.ticket_id} is {cause}"


@command()
async def join_work(life: Life, rng: random.Random) -> str | None:
    """Two tickets are one issue: the lines go on where the other one goes on."""
    one = a_job(life, rng, "in_progress")
    found = [
        job
        for job in jobs(life).values()
        if one is not None
        and job is not one
        and job.ticket.owner == one.ticket.owner
        and job.ticket.state == "in_progress"
    ]
    if one is None or not found:
        return None
    model, other = life.model, rng.choice(found)
    lines = [*other.lines, *one.lines]
    was, now = other.price(), other.price(lines)
    status, answer = await send(life, one, "merge", {"into_ticket_id": other.ticket.ticket_id})
    free = model.available(model.who(one.ticket.owner)) + model.committed(one.ticket.ticket_id)
    missing = max(now, other.reserved) - model.committed(other.ticket.ticket_id)
    if (now > was and other.limit is not None and now > other.limit) or missing > free:
        life.that(status == 409, f"{one.ticket.ticket_id} merges at {now}: {status}")
        return f"{one.ticket.ticket_id} merges: refused"
    life.that(status == 200, f"{one.ticket.ticket_id} merges at {now}: {status} {answer}")
    model.each(one.ticket.ticket_id, "held")
    one.ticket.state, other.lines = "withdrawn", lines
    life.that(model.settle_to(other.ticket, max(now, other.reserved)), "the merged holds what is not there")
    same_charge(life, one.ticket, answer)
    agree(life, other, await life.get(f"/v1/tickets/{other.ticket.ticket_id}"))
    return f"{one.ticket.ticket_id} merges into {other.ticket.ticket_id}: {now}"
