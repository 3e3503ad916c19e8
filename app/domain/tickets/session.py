"""A ticket session: one ticket being worked on, with its customer's account and its clocks.

Every change of a ticket goes through a session. `TicketSession.record` alone appends to the stream. It holds the
lifecycle, and starts and stops clocks as the state changes. It keeps the charge with the ledger, and publishes what was
charged (AVA-12). `TicketSession.finish` puts the row into the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.domain.account import first_tickets
from app.domain.account.changes import TicketRow
from app.domain.clocks.ticket_clocks import PAST_DUE, TicketClocks
from app.domain.ledger.events import falls_low, low_data, moved_data
from app.domain.ledger.returns import GivenBack, Mark, given_back, mark_of
from app.domain.orders.grants import schedule_lot
from app.domain.policy.policy import Policy
from app.domain.policy.wording import credit_words
from app.domain.tickets import counts
from app.domain.tickets.charge import TicketCharge
from app.domain.tickets.qualification import facts_for
from app.domain.tickets.ticket import CLOSED, IN_EVENTS, LIFECYCLE, OPEN, Action, State, Ticket, apply, must_allow
from app.domain.values.agent import Agent
from app.domain.values.decision import Reason
from app.domain.values.ids import LotId
from app.domain.values.phrase import Phrase, phrased, phrased_of, sentences
from app.domain.values.term import add_term
from app.domain.values.wire import iso, iso_or_none, parse_iso, parse_iso_or_none

CONSENT: Final = "awaiting_confirmation"
ACCESS: Final = "waiting_for_access"
FIRST: Final = "first_response"
_ENTERED: Final = {"awaiting_confirmation": "quoted", "in_progress": "qualified", "rejected": "rejected"}
"""States that a helpdesk mails about, whatever led there: the event that tells of it besides."""
_PROMISED_BY: Final = (
    "channel",
    "language",
    "category",
    "priority",
    "credit_type",
    "pay_with",
    "product",
    "license_id",
    "facts",
    "paid_by",
    "cover_id",
)
"""What a ticket says of itself, for the promises that hold for some tickets only."""
Changes = Mapping[str, Mapping[int, Mapping[str, Any]]]
FORFEITED: Final = "credits_forfeited"


@dataclass(slots=True, kw_only=True)
class TicketSession(TicketCharge):
    """A ticket being worked on. ``clocks`` must be bound to the ticket."""

    clocks: TicketClocks
    agent: Agent | None = None
    """Who acts for the vendor, beside the key that calls."""
    _emitted_charge: dict[str, int] = field(init=False)
    _mark: Mark = field(init=False)

    def __post_init__(self) -> None:
        """What the ticket costs so far has been told already."""
        self._emitted_charge = self.charge()
        self._mark = mark_of(self.account.ledger)
        self.clocks.facts = lambda: facts_for(self.account, self.ticket)

    def given_back(self) -> GivenBack:
        """What was given back for the ticket since its last event: what can be used again, and what is gone."""
        return given_back(self.account.ledger, self.ticket.ticket_id, self._mark)

    def record(
        self,
        kind: str,
        action: Action,
        *,
        to: State | None = None,
        values: Mapping[str, Any] | None = None,
        add: Mapping[str, Any] | None = None,
        change: Changes | None = None,
        occurred_at: datetime | None = None,
        event_data: Mapping[str, Any] | None = None,
    ) -> None:
        """Appends one event: what happened, the state it leads to, what it changed. Refused where the state forbids it.

        ``change``: list -> number of the entry -> its new values. ``event_data``: what else the published event says.
        """
        ticket, when = self.ticket, occurred_at or self.when
        before, back = ticket.state, self.given_back()
        must_allow(before, action)
        after: str = to or before
        if after not in LIFECYCLE[before, action]:
            raise AssertionError(f"{action} does not lead from {before} to {after}")
        changed: dict[str, Any] = {**(values or {}), "state": after, "charge": self.charge()}
        add = self._acted(kind, changed, add)
        if back.forfeited:
            changed["reasons"] = [*changed.get("reasons", ticket.reasons), self.shown(self.forfeiture(back))]
            event_data = {**(event_data or {}), "forfeited": back.forfeited, "reasons": changed["reasons"]}
        fire = self._fires(after)
        if fire:
            changed["fired"] = [*ticket.fired, *fire]
        if after in CLOSED and before not in CLOSED:
            changed["closed_at"] = iso(when)
        payload: dict[str, Any] = {"action": action, "from": before, "set": changed}
        if add:
            payload["add"] = dict(add)
        if after in CLOSED and before not in CLOSED:
            change = self._over(change or {}, iso(when))
        if change:
            payload["change"] = {
                name: {str(n): dict(item) for n, item in items.items()} for name, items in change.items()
            }
        stated = self._stated()
        self.account.plan.record("ticket", ticket.ticket_id, ticket.version + 1, kind, payload, occurred_at=when)
        apply(ticket, payload, seq=ticket.version + 1, occurred_at=when)
        if ticket.state in OPEN and before in OPEN and self._stated() != stated:
            applied = ["credit_applied"] if ticket.credit_applied_at is not None else []
            self.clocks.follow(
                [*ticket.fired, *applied],
                at=self.at,
                occurred_at=when,
                done=ticket.done,
                without=() if ticket.owes_first_response else (FIRST,),
            )
        self._clocks(before, after, fire, when)
        self._agenda()
        self._emit_charge(when, back)
        self._mark = mark_of(self.account.ledger)
        event_data = self.event_data(**(event_data or {}))
        self.account.emit(f"ticket.{kind}", event_data, occurred_at=when)
        entered = _ENTERED.get(after) if after != before else None
        if entered is not None and entered != kind and (after != "in_progress" or "accepted" in fire):
            self.account.emit(f"ticket.{entered}", event_data, occurred_at=when)

    def _acted(self, kind: str, changed: dict[str, Any], add: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Says who acted, on the ticket and on what is new of it; what is added, with that."""
        agent = self.agent
        if agent is None and self.ticket.acting_agent is None:
            return add
        changed["acting_agent"] = agent
        if agent is None:
            return add
        if self.account.plan.agent is None:
            self.account.plan.act_for(agent, f"ticket.{kind}", self.ticket.ticket_id)
        if isinstance(changed.get("qualification"), dict):
            changed["qualification"] = {**changed["qualification"], "acting_agent": agent}
        # A line of the work log names its person itself.
        named = {name: item for name, item in (add or {}).items() if isinstance(item, dict) and name != "work"}
        return {**(add or {}), **{name: {**item, "acting_agent": agent} for name, item in named.items()}}

    def forfeiture(self, back: GivenBack) -> Reason:
        """Why credits that were given back are gone, by the rule of the ledger that took them (ALL-4)."""
        clause = next(iter(sorted(clause for clause in back.clauses if clause is not None)), "ALL-4")
        order = phrased("an order that was refunded")
        if back.disputed:
            order = phrased("an order whose payment was disputed and lost")
        where = order if back.voided == back.forfeited else phrased("a lot that had ended")
        if 0 < back.voided < back.forfeited:
            where = phrased("a lot that had ended or %(order)s", order=order)
        again = phrased("Nothing can be used again.")
        if back.returned:
            again = phrased("%(credits)s can be used again.", credits=self.words(back.returned))
        gone = phrased_of(
            "%(credits)s went back to %(where)s and is gone.",
            "%(credits)s went back to %(where)s and are gone.",
            back.forfeited,
            credits=self.words(back.forfeited),
            where=where,
        )
        return self.reason(FORFEITED, clause, sentences(gone, again), forfeited=back.forfeited, returned=back.returned)

    def words(self, credits: int) -> Phrase:
        """So many credits in the vendor's word: ``1 point``, ``25 points``."""
        return credit_words(self.policy, credits)

    def _emit_charge(self, when: datetime, back: GivenBack) -> None:
        """Credits that moved for the ticket since its last event, as those of any other use are told."""
        before, now, moved = self._emitted_charge, self.charge(), {}
        self._emitted_charge = now
        moved["refunded"] = now["refunded"] - before["refunded"]
        moved["charged"] = now["captured"] - before["captured"]
        held = now["held"] - before["held"] + moved["charged"]
        moved["held"], moved["released"] = max(held, 0), max(-held, 0)
        for verb in ("released", "refunded", "held", "charged"):
            if moved[verb] > 0:
                balance = self.account.ledger.balance(self.credit_type)
                data = moved_data(self.credit_type, moved[verb], balance, ticket_id=self.ticket.external_id)
                if back.forfeited and verb in ("released", "refunded"):
                    data["forfeited"] = min(moved[verb], back.forfeited)
                self.account.emit(f"credits.{verb}", data, occurred_at=when)

    def _over(self, change: Changes, when: str) -> Changes:
        """With the end of a ticket its waiting is over: pauses end, access is no longer owed."""
        found = {name: {n: dict(item) for n, item in items.items()} for name, items in change.items()}
        for pause in self.ticket.pauses:
            if pause["ended_at"] is None:
                found.setdefault("pauses", {}).setdefault(pause["number"], {})["ended_at"] = when
        for asked in self.ticket.access_requests:
            missed = found.get("access_requests", {}).get(asked["number"], {}).get("missed_at")
            if not (asked["granted_at"] or asked["missed_at"] or missed):
                found.setdefault("access_requests", {}).setdefault(asked["number"], {})["cancelled_at"] = when
        return found

    def event_data(self, **more: Any) -> dict[str, Any]:
        """What every event of a ticket carries: its state, what it was charged, what is left (AVA-12)."""
        return {
            "ticket_id": self.ticket.external_id,
            "state": self.ticket.state,
            "charge": self.charge(),
            "balance": self.account.ledger.balance(self.credit_type),
            **{name: getattr(self.ticket, name) for name in IN_EVENTS},
            **({} if self.ticket.person_id is None else {"person_id": self.ticket.person_id}),
            **more,
        }

    def _fires(self, after: str) -> list[str]:
        ticket = self.ticket
        found = []
        if after in OPEN and "opened" not in ticket.fired:
            found.append("opened")
        if after == "in_progress" and "accepted" not in ticket.fired:
            found.append("accepted")
        return found

    def _clocks(self, before: str, after: str, fire: Iterable[str], when: datetime) -> None:
        clocks, at = self.clocks, self.at
        if after == "rejected" and before != "rejected":
            clocks.stop("qualification", at=at, occurred_at=when)
            clocks.cancel(at=at, occurred_at=when)
        elif after == "withdrawn" and before != "withdrawn":
            clocks.cancel(at=at, occurred_at=when)
        elif after == "resolved" and before != "resolved":
            clocks.stop("qualification", at=at, occurred_at=when)
            clocks.stop("resolved", at=at, occurred_at=when)
        for trigger in fire:
            if trigger == "accepted":
                clocks.stop("qualification", at=at, occurred_at=when)
            self._start(trigger, when)
        if after == CONSENT and before != CONSENT:
            clocks.start("confirmation_asked", at=at, occurred_at=when)
            clocks.pause(CONSENT, "customer", at=at, occurred_at=when)
        elif before == CONSENT and after not in (CONSENT, *CLOSED):
            clocks.stop("confirmed", at=at, occurred_at=when)
            clocks.resume(CONSENT, at=at, occurred_at=when)

    def _stated(self) -> tuple[Any, ...]:
        """What the ticket says of itself that a promise may hang on; nothing where none does."""
        if not any(promise.when is not None for promise in self.policy.promises):
            return ()
        return tuple(getattr(self.ticket, name) for name in _PROMISED_BY)

    def _start(self, trigger: str, when: datetime) -> None:
        """Starts what the trigger starts; the vendor's own ticket owes no first response before the customer writes."""
        without = () if self.ticket.owes_first_response else (FIRST,)
        self.clocks.start(trigger, at=self.at, occurred_at=when, without=without)

    def first_word(self, when: datetime) -> dict[str, Any]:
        """What changes when the customer writes: on a ticket that the vendor opened, a first response is owed."""
        if self.ticket.owes_first_response:
            return {}
        return {"customer_wrote_at": iso(max(when, parse_iso(self.ticket.opened_at)))}

    def start_withheld(self) -> None:
        """Starts the first response that was not owed before the customer wrote."""
        ticket = self.ticket
        when = parse_iso(ticket.customer_wrote_at or ticket.opened_at)
        applied = ["credit_applied"] if ticket.credit_applied_at is not None else []
        for trigger in dict.fromkeys([*ticket.fired, *applied]):
            self.clocks.start(trigger, at=self.at, occurred_at=when, only=(FIRST,))

    def apply_credit(self) -> dict[str, Any]:
        """Holds one credit of the ticket's type and starts what runs from it (TERMS-5); the changed fields."""
        self.adjust_hold_to(1)
        self._start("credit_applied", self.when)
        ends = self.held_until()
        return {
            "credit_applied_at": iso(self.when),
            "price": 1,
            "paid_by": "credits",
            "credit_expires_at": iso_or_none(ends) if self._dies_undecided else None,
        }

    @property
    def _dies_undecided(self) -> bool:
        return self.policy.credits is not None and self.policy.credits.hold_on_expiry == "until_accepted"

    def held_lots(self) -> list[LotId]:
        """The lots this ticket holds from."""
        ledger = self.account.ledger
        return [
            line.lot_id
            for hold in ledger.holds.values()
            if hold.ticket_id == self.ticket.ticket_id and hold.open
            for line in hold.lines
            if line.credits > line.captured + line.released
        ]

    def held_until(self) -> datetime | None:
        """When the first of the held credits expires."""
        ends = [self.account.ledger.lots[lot].expires_at for lot in self.held_lots()]
        return min((end for end in ends if end is not None), default=None)

    def _agenda(self) -> None:
        """What this ticket lets fall due, put or taken off: credit expiry, a quote's end, access deadlines."""
        ticket, plan = self.ticket, self.account.plan
        expires = parse_iso_or_none(ticket.credit_expires_at)
        if ticket.undecided and expires is not None:
            plan.due(expires, "ticket.credit_expiry", ticket.ticket_id, ticket_id=ticket.ticket_id)
        elif ticket.credit_expires_at is not None:
            plan.drop("ticket.credit_expiry", ticket.ticket_id)
        waits = parse_iso_or_none(ticket.confirmation_expires_at)
        if waits is not None:
            if ticket.state == CONSENT:
                plan.due(waits, "ticket.confirmation", ticket.ticket_id, ticket_id=ticket.ticket_id)
            else:
                plan.drop("ticket.confirmation", ticket.ticket_id)
        self._pauses_due()
        for request in ticket.access_requests:
            subject = f"{ticket.ticket_id}:{request['number']}"
            if ticket.closed or request["granted_at"] or request["missed_at"] or request["cancelled_at"]:
                plan.drop("ticket.access", subject)
            elif request["deadline_at"] is not None:
                plan.due(
                    parse_iso(request["deadline_at"]) + PAST_DUE, "ticket.access", subject, ticket_id=ticket.ticket_id
                )

    def _pauses_due(self) -> None:
        """What ends by itself, put or taken off: a pause at an instant, a wait for a silent customer."""
        ticket, plan = self.ticket, self.account.plan
        for pause in ticket.pauses:
            ends = [parse_iso_or_none(pause.get("until"))]
            if (silent := parse_iso_or_none(pause.get("silent_at"))) is not None:
                ends.append(silent + PAST_DUE)
            due = min((end for end in ends if end is not None), default=None)
            subject = f"{ticket.ticket_id}:{pause['number']}"
            if due is None:
                continue
            if ticket.closed or pause["ended_at"] is not None:
                plan.drop("ticket.pause", subject)
            else:
                plan.due(due, "ticket.pause", subject, ticket_id=ticket.ticket_id)

    def consent_until(self) -> datetime | None:
        """How long a quote made now waits; None for ever."""
        rule = self.policy.confirmation
        return None if rule is None or rule.expires is None else add_term(self.when, rule.expires)

    def finish(self, *, before: int | None = None) -> None:
        """Puts the row into the plan; says when the balance fell low (``before``: what was available at first)."""
        ticket = self.ticket
        if before is not None and self.policy.credits is not None:
            after = self.available
            if falls_low(self.policy.credits, before=before, after=after):
                balance = self.account.ledger.balance(self.credit_type)
                self.account.emit("credits.low", low_data(self.credit_type, balance))
        for lot in self.account.ledger.take_arrived():
            schedule_lot(self.account, lot)
        if self.policy.surcharges:
            self._places()
        self.account.plan.tickets[ticket.ticket_id] = row_of(self.policy, ticket)

    def _places(self) -> None:
        """Which places among a customer's first tickets this one takes: those of its price, while it is served and no
        cause returns it."""
        ticket, data = self.ticket, self.account.customer.data
        standing = ticket.in_force
        names = {step["surcharge"] for step in standing.get("steps", ())} if standing is not None else set()
        cause = next((rule for rule in self.policy.causes if rule.cause == ticket.cause), None)
        served = ticket.state in ("in_progress", "awaiting_confirmation", "resolved") and ticket.paid_by != "cover"
        counts = served and (cause is None or cause.returns != "all")
        for rule in self.policy.surcharges:
            if rule.first is not None:
                move = first_tickets.take if counts and rule.surcharge in names else first_tickets.give_back
                move(data, rule.surcharge, ticket.ticket_id)


def row_of(policy: Policy, ticket: Ticket) -> TicketRow:
    """The searchable projection of a ticket."""
    uses = counts.uses_of(policy, ticket)
    return TicketRow(
        ticket_id=ticket.ticket_id,
        external_id=ticket.external_id,
        customer_id=ticket.customer_id,
        person_id=ticket.person_id,
        state=ticket.state,
        category=ticket.category,
        subject=ticket.subject,
        channel=ticket.channel,
        license_id=ticket.license_id,
        parent_id=ticket.parent_id,
        payload_hash=ticket.payload_hash,
        opened_at=parse_iso(ticket.opened_at),
        updated_at=parse_iso(ticket.updated_at),
        resolved_at=parse_iso_or_none(ticket.resolved_at),
        version=ticket.version,
        document=ticket.document(),
        counted=uses or None,
        counted_at=counts.last_instant(policy, uses),
    )
