"""Cover: when it starts, whom it serves, suspension, extension, and how it ends. No rule here knows a vendor.

A cover's end is exclusive (ALL-1). Whether it has ended is read off ``ends_at``. Everything that moves an end moves its
agenda rows too: ``cover.reminder`` (one a day count before the end, CACTU-13) and ``cover.ended``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover
from app.domain.account.plan_credits import follow_plan
from app.domain.account.recurring import follow_cover
from app.domain.cover.terms import CoverTerms, Stretch
from app.domain.policy.offers import CoverGrant
from app.domain.policy.policy import Policy
from app.domain.values.decision import Decision, Reason
from app.domain.values.errors import DomainError
from app.domain.values.ids import CoverId, LicenseId, LineId, OrderId
from app.domain.values.term import Term, add_term
from app.domain.values.wire import iso, iso_or_none

OPEN_TICKET = "open_ticket"


def term_zone(policy: Policy) -> tzinfo:
    """The zone in which the policy's terms are added (decision 0011)."""
    return UTC if policy.term_zone == "UTC" else ZoneInfo(policy.term_zone)


def term_of(cover: Cover) -> Term | None:
    """The bought length as a term; None: without an end of its own."""
    return None if cover.term is None else Term(**cover.term)


ShownState = Literal["pending", "scheduled", "running", "suspended", "ended", "voided"]


def state_of(cover: Cover, at: datetime) -> ShownState:
    """``pending | running | suspended | ended | voided`` at an instant; ``scheduled`` until a queued period begins."""
    if cover.state != "running" and not (cover.state == "suspended" and cover.runs_on):
        return cover.state
    if cover.ends_at is not None and cover.ends_at <= at:
        return "ended"
    if cover.starts_at is not None and at < cover.starts_at:
        return "scheduled"
    return cover.state


def reaches(cover: Cover, license_id: str | None) -> bool:
    """Whether the cover serves a license; no license asks about any cover of the account (CACTU-11, CACTU-14)."""
    return license_id is None or cover.scope == "account" or cover.license_id == license_id


def in_force_for(
    account: CustomerAccount, license_id: str | None, level: int | None = None, *, action: str | None = OPEN_TICKET
) -> list[Cover]:
    """The covers that serve a license now: those opening ``action``, and ``level`` when one is asked for (AVA-4).

    ``license_id`` None passes on any cover (CACTU-14). Soonest to end first, the endless last, then by id.
    """
    found = [
        cover
        for cover in account.covers.values()
        if serves(account, cover)
        and reaches(cover, license_id)
        and (action is None or action in cover.actions)
        and (level is None or not cover.levels or level in cover.levels)
    ]
    return sorted(found, key=lambda item: (item.ends_at is None, item.ends_at or account.when, item.cover_id))


def paying(account: CustomerAccount, found: Iterable[Cover]) -> list[Cover]:
    """Those of some covers that pay for tickets: a plan may only open the gate to them."""
    return [cover for cover in found if account.policy.pays(cover.plan)]


def serves(account: CustomerAccount, cover: Cover) -> bool:
    """Whether the cover is in force at ``account.when``, or would have begun with what is told only now (CSC-4)."""
    return cover.in_force(account.when) or cover is _begun_later(account)


def _begun_later(account: CustomerAccount) -> Cover | None:
    """The period that a later ticket began, for a ticket told now that came first, when one waited already.

    Its days stay where they are, so that no period runs beside another (CSC-19). None unless something is told late.
    """
    if account.as_of is None or _occupied(account):
        return None
    mine = [cover for cover in _general(account) if cover.starts_at is None or cover.starts_at > account.when]
    waited = [cover for cover in mine if cover.start == "first_ticket" and cover.granted_at <= account.when]
    begun = [cover for cover in mine if cover.starts_at is not None and cover.scope == "account"]
    if not waited:
        return None
    return min(begun, key=lambda cover: (cover.starts_at or account.when, cover.cover_id), default=None)


def _general(account: CustomerAccount) -> list[Cover]:
    return [
        cover
        for cover in account.covers.values()
        if OPEN_TICKET in cover.actions
        and not cover.levels
        and cover.state != "voided"
        and account.policy.pays(cover.plan)
    ]


def _occupied(account: CustomerAccount) -> bool:
    """Whether a period is in force for the whole account, or suspended."""
    return any(
        cover.is_suspended(account.when) or (cover.in_force(account.when) and cover.scope == "account")
        for cover in _general(account)
    )


def startable(account: CustomerAccount) -> Cover | None:
    """Return the pending cover that is next, if one may start now.

    None may while another is in force or suspended (CSC-4, CSC-5).

    The oldest; what came free before what was bought, where the policy says so (CSC-19).
    """
    if _occupied(account):
        return None
    pending = [cover for cover in _general(account) if cover.state == "pending" and cover.granted_at <= account.when]
    free_first = account.policy.cover.queue == "free_first"
    return min(
        pending, key=lambda cover: (free_first and not cover.free, cover.granted_at, cover.cover_id), default=None
    )


def remaining(cover: Cover, at: datetime) -> int | None:
    """Return the seconds of cover that are left; of a suspended one those that it had then.

    None where it has no end yet.
    """
    if cover.state == "voided":
        return 0
    if cover.starts_at is None or cover.ends_at is None:
        return None
    since = max(at if cover.suspended_at is None or cover.runs_on else cover.suspended_at, cover.starts_at)
    return max((cover.ends_at - since) // timedelta(seconds=1), 0)


def shown_end(cover: Cover) -> datetime | None:
    """The end as far as it is known: none while it is suspended, since it moves with every day."""
    return None if cover.frozen else cover.ends_at


def ends_if_used(account: CustomerAccount, cover: Cover) -> datetime | None:
    """Return the end of a cover. One that waits for a ticket has the end it would have if one came now."""
    term = term_of(cover)
    if cover.state == "pending" and term is not None:
        return CoverTerms.of(account.policy).periods(account.when, term, 1)[0][1]
    return shown_end(cover)


def start_pending(account: CustomerAccount, at: datetime, *, clause: str | None = None) -> Cover | None:
    """Starts the oldest pending cover at ``at``, where none is running: the first ticket that it pays for (CSC-4).

    Returns the cover that began, or None when there is nothing to start.
    """
    cover = startable(account)
    if cover is None:
        return None
    term = term_of(cover)
    cover.state = "running"
    cover.starts_at = at
    cover.ends_at = None if term is None else CoverTerms.of(account.policy).periods(at, term, 1)[0][1]
    account.plan.put_cover(cover, "started", {"clause": clause or cover.clause}, occurred_at=at)
    schedule(account, cover)
    account.emit("cover.started", {**_event_data(cover), "clause": clause or cover.clause})
    return cover


def open_cover(
    account: CustomerAccount,
    grant: CoverGrant,
    *,
    policy: Policy,
    order_id: OrderId,
    line_id: LineId,
    license_id: LicenseId | None,
    placed_at: datetime,
    starts_at: datetime | None,
    ends_at: datetime | None,
    occurred_at: datetime | None = None,
    seats: int | None = None,
    own_term: bool = True,
) -> Cover:
    """Grants a cover; ``starts_at`` None makes it pending. The event tells the end (CACTU-13).

    ``occurred_at``: since when it is there, if not since the order (a choice that was made later). ``own_term``: False
    for an upgrade that ends with the plan beneath it.
    """
    cover = Cover(
        cover_id=CoverId(account.mint("cov")),
        customer_id=account.customer.customer_id,
        license_id=license_id,
        order_id=order_id,
        line_id=line_id,
        rule=grant.rule,
        clause=grant.clause,
        reading=grant.reading,
        scope=grant.scope,
        levels=grant.levels,
        actions=grant.actions,
        term=None if grant.term is None or not own_term else term_json(grant.term),
        start=grant.start,
        free=grant.free,
        plan=grant.plan,
        seats=seats,
        state="pending" if starts_at is None else "running",
        granted_at=placed_at,
        starts_at=starts_at,
        ends_at=ends_at,
        policy_version=policy.version,
    )
    account.covers[cover.cover_id] = cover
    account.plan.put_cover(cover, "granted", {}, occurred_at=min(occurred_at or placed_at, account.at))
    schedule(account, cover)
    return cover


def term_json(term: Term) -> dict[str, int]:
    """A term as stored and published."""
    return {"years": term.years, "months": term.months, "days": term.days}


# --- what falls due ---------------------------------------------------------------------------------------------------


def schedule(account: CustomerAccount, cover: Cover) -> None:
    """Puts the reminders and the end on the agenda, or takes them off. What has passed is not announced again."""
    running = cover.state in ("running", "suspended") and not cover.frozen and cover.ends_at is not None
    for days in account.policy.cover.reminder_days:
        subject = f"{cover.cover_id}:{days}"
        when = None if cover.ends_at is None else cover.ends_at - timedelta(days=days)
        if running and when is not None and account.at < when and (cover.starts_at is None or cover.starts_at < when):
            account.plan.due(when, "cover.reminder", subject, cover_id=cover.cover_id, days=days)
        elif cover.version > 1:
            account.plan.drop("cover.reminder", subject)
    if running and cover.ends_at is not None and account.at < cover.ends_at:
        account.plan.due(cover.ends_at, "cover.ended", cover.cover_id, cover_id=cover.cover_id)
    elif cover.version > 1:
        account.plan.drop("cover.ended", cover.cover_id)
    follow_plan(account, cover)
    follow_cover(account, cover, paid_until(account, cover))


def paid_until(account: CustomerAccount, cover: Cover) -> datetime | None:
    """Return where what was paid for ends: days of grace and the rest of a last day bring nothing more."""
    term, terms = term_of(cover), CoverTerms.of(account.policy)
    if cover.ends_at is None or term is None or cover.starts_at is None or not (terms.grace or terms.chained):
        return cover.ends_at
    known = [
        Stretch(
            each.starts_at,
            each.ends_at,
            tuple(each.actions),
            tuple(each.levels),
            None if each.scope == "account" else each.license_id,
            term_of(each),
        )
        for each in account.covers.values()
        if each.state != "voided" and each.starts_at is not None
    ]
    return terms.nominal_end(cover.starts_at, cover.ends_at, term, known)


def move(
    account: CustomerAccount, cover: Cover, *, starts_at: datetime, ends_at: datetime, occurred_at: datetime
) -> None:
    """Moves a queued period, because an order that was placed earlier has arrived (decision 0007)."""
    before = {"starts_at": iso_or_none(cover.starts_at), "ends_at": iso_or_none(cover.ends_at)}
    cover.starts_at, cover.ends_at = starts_at, ends_at
    account.plan.put_cover(cover, "moved", {"before": before}, occurred_at=min(occurred_at, account.at))
    schedule(account, cover)
    account.emit("cover.moved", {**_event_data(cover), "before": before})


# --- taking away ------------------------------------------------------------------------------------------------------


def void(account: CustomerAccount, cover: Cover, *, reason: str, clause: str | None = None) -> None:
    """Takes back a period that has not begun."""
    cover.state = "voided"
    cover.voided_at = account.at
    account.plan.put_cover(cover, "voided", {"reason": reason, "clause": clause})
    schedule(account, cover)
    account.emit("cover.voided", {**_event_data(cover), "reason": reason})


def end_at(account: CustomerAccount, cover: Cover, when: datetime, *, reason: str, clause: str | None = None) -> None:
    """Ends a running or suspended cover at ``when``; never lengthens it, never before its start."""
    starts = cover.starts_at or when
    when = max(when, starts)
    if cover.ends_at is not None and cover.ends_at <= when and not cover.frozen:
        return
    cover.state = "running"
    cover.suspended_at = None
    cover.ends_at = when
    account.plan.put_cover(cover, "shortened", {"reason": reason, "clause": clause}, occurred_at=min(when, account.at))
    schedule(account, cover)
    account.emit("cover.shortened", {**_event_data(cover), "reason": reason})


def take_back(account: CustomerAccount, cover: Cover, *, reason: str, clause: str | None = None) -> bool:
    """Voids what has not begun, ends what has. False: it had ended or was voided already."""
    state = state_of(cover, account.at)
    if state in {"pending", "scheduled"}:
        void(account, cover, reason=reason, clause=clause)
        return True
    if state in {"running", "suspended"}:
        end_at(account, cover, account.at, reason=reason, clause=clause)
        return True
    return False


def reinstated(account: CustomerAccount, cover: Cover, *, reason: str) -> None:
    """Write a period that stands again as before it was taken back. The caller set its state and times."""
    account.plan.put_cover(cover, "reinstated", {"reason": reason})
    schedule(account, cover)
    account.emit("cover.reinstated", {**_event_data(cover), "reason": reason})


def end_of_license(
    account: CustomerAccount, license_id: str, when: datetime, *, reason: str, clause: str | None = None
) -> list[Cover]:
    """Ends the covers that serve only this license; a level ends with the license that brought it (AVA-4)."""
    touched = []
    for cover in sorted(account.covers.values(), key=lambda cover: cover.cover_id):
        if cover.license_id != license_id or cover.scope != "license" or cover.state == "voided":
            continue
        if cover.state == "pending" or (cover.starts_at is not None and when < cover.starts_at):
            void(account, cover, reason=reason, clause=clause)
        else:
            end_at(account, cover, when, reason=reason, clause=clause)
        touched.append(cover)
    return touched


# --- suspension and extension -----------------------------------------------------------------------------------------


def cover_in(account: CustomerAccount, cover_id: str) -> Cover:
    """The cover, or 404 ``cover_not_found``."""
    found = account.covers.get(CoverId(cover_id))
    if found is None:
        raise DomainError("cover_not_found", cover_id=cover_id)
    return found


def suspend(account: CustomerAccount, cover: Cover) -> None:
    """Stops a running period (CSC-5): refused ``not_suspendable`` (free, pending, ended, or not offered) and
    ``suspension_used``."""
    rules = account.policy.cover
    state = state_of(cover, account.at)
    facts = {"cover_id": cover.cover_id, "state": state, "suspensions": cover.suspensions, "allowed": rules.suspensions}
    if cover.free or rules.suspensions == 0 or state not in {"running", "suspended"} or cover.ends_at is None:
        why = (
            "Cover that came free with a license is not suspended."
            if cover.free
            else "This policy does not offer suspension."
            if rules.suspensions == 0
            else f"Cover that is {state} is not suspended; only a running period is."
        )
        raise _refused(account, "not_suspendable", rules.suspension_clause, why, facts)
    if cover.suspensions >= rules.suspensions:
        raise _refused(
            account,
            "suspension_used",
            rules.suspension_clause,
            f"A period can be suspended {_times(rules.suspensions)}; this one was.",
            facts,
        )
    cover.state = "suspended"
    cover.suspended_at = account.at
    cover.suspensions += 1
    cover.runs_on = rules.suspended_time == "runs_on"
    account.plan.put_cover(cover, "suspended", {"clause": rules.suspension_clause})
    schedule(account, cover)
    account.emit("cover.suspended", {**_event_data(cover), "clause": rules.suspension_clause})


def resume(account: CustomerAccount, cover: Cover) -> None:
    """Goes on with a suspended period; its end moves by the time it was suspended (CSC-5). Else ``not_suspended``."""
    rules = account.policy.cover
    if cover.suspended_at is None or state_of(cover, account.at) != "suspended":
        raise _refused(
            account,
            "not_suspended",
            rules.suspension_clause,
            "The cover is not suspended.",
            {"cover_id": cover.cover_id, "state": state_of(cover, account.at)},
        )
    span = timedelta(0) if cover.runs_on else account.at - cover.suspended_at
    seconds = span // timedelta(seconds=1)
    cover.suspended_seconds += seconds
    cover.ends_at = None if cover.ends_at is None else cover.ends_at + span
    cover.state = "running"
    cover.suspended_at = None
    runs_on = {"runs_on": True} if cover.runs_on else {}
    account.plan.put_cover(cover, "resumed", {"clause": rules.suspension_clause, "seconds": seconds, **runs_on})
    schedule(account, cover)
    account.emit("cover.resumed", {**_event_data(cover), "clause": rules.suspension_clause})


def extend(account: CustomerAccount, cover: Cover, months: int, *, reason: str) -> None:
    """Moves a running cover's end by months, where the policy gives that without an order; else ``no_free_extension``
    (CACTU-8). Refused ``cover_wrong_state`` for cover that is not running."""
    rules = account.policy.cover
    if not rules.free_extension:
        raise _refused(
            account,
            "no_free_extension",
            rules.extension_clause,
            "Cover is not extended free of charge.",
            {"cover_id": cover.cover_id, "months": months},
            reading=rules.extension_reading,
        )
    if cover.ends_at is None or state_of(cover, account.at) not in {"running", "scheduled", "suspended"}:
        raise DomainError(
            "cover_wrong_state", cover_id=cover.cover_id, state=state_of(cover, account.at), action="extend"
        )
    cover.ends_at = add_term(cover.ends_at, Term(months=months), term_zone(account.policy))
    account.plan.put_cover(cover, "extended", {"months": months, "clause": rules.extension_clause})
    schedule(account, cover)
    account.emit("cover.extended", {**_event_data(cover), "months": months, "clause": rules.extension_clause})


def stack_end(covers: Iterable[tuple[datetime, datetime]], placed_at: datetime) -> datetime:
    """Return where cover bought at ``placed_at`` begins when it extends what is in force.

    That is the end of the unbroken stretch of cover around ``placed_at``, or ``placed_at`` in a gap (CACTU-14).
    ``covers``: (starts, ends), ends exclusive.
    """
    end = placed_at
    for starts, ends in sorted(covers):
        if starts <= end < ends:
            end = ends
    return end


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def plan_data(cover: Cover) -> dict[str, object]:
    """Return the plan and the seats of a cover, as events tell them; nothing where it has none."""
    found = {"plan": cover.plan, "seats": cover.seats}
    return {name: value for name, value in found.items() if value is not None}


def _event_data(cover: Cover) -> dict[str, object]:
    return {
        **plan_data(cover),
        "cover_id": cover.cover_id,
        "license_id": cover.license_id,
        "order_id": cover.order_id,
        "state": cover.state,
        "starts_at": None if cover.starts_at is None else iso(cover.starts_at),
        "ends_at": iso_or_none(shown_end(cover)),
    }


def _refused(
    account: CustomerAccount,
    code: str,
    clause: str | None,
    message: str,
    facts: Mapping[str, object],
    *,
    reading: bool | None = None,
) -> DomainError:
    known = None if clause is None else account.policy.clause(clause)
    ours = account.policy.cover.reading if reading is None else reading
    reason = Reason(
        code=code, clause=clause, message=message, facts=facts, reading=ours or bool(known and known.reading)
    )
    return DomainError(
        code,
        decision=Decision(
            allowed=False,
            at=account.at,
            policy=account.policy.policy,
            policy_version=account.policy.version,
            reasons=(reason,),
            messages=account.policy.messages,
            translations=account.policy.translations,
        ),
        **facts,
    )
