"""Means of payment, hours and promises: promises without a calendar."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from app.documents import fact_space
from app.documents.calendar_document import read_weekly_hours
from app.documents.checks.context import Checker, Parts, grants, zone
from app.documents.closures import WEEKDAYS, closure_items, faults_of
from app.domain.calendar.opening_hours import InvalidHours, parse_minute
from app.domain.clocks.target import NoTarget, WallSeconds, parse_target
from app.domain.policy.offers import CoverGrant, CreditGrant
from app.domain.policy.policy import Policy
from app.domain.policy.service_levels import SERVICE_HOURS, Promise, ServiceHours
from app.domain.values.errors import DomainError

CALENDAR_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
_MILESTONE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


def check_payment(c: Checker) -> None:
    p = c.policy
    c.skus(p.payment.exhausted_skus, ("payment", "exhausted_skus"))
    granted = [grant for i, offer in enumerate(p.offers) for _, grant in grants(offer, i)]
    for i, means in enumerate(p.payment.means):
        kind: type = CreditGrant if means == "credits" else CoverGrant
        there = [grant for grant in granted if isinstance(grant, kind)]
        if not any(p.pays(getattr(grant, "plan", None)) for grant in there):
            gates = bool(there)
            c.warn(
                ("payment", "means", i),
                "means_never_granted",
                f"All {means} that offers grant is of plans that pay for no ticket."
                if gates
                else f"No offer grants {means}.",
                f"Remove `{means}`, or `pays: false` of a plan." if gates else "Add a grant, or remove it.",
            )
    if not p.payment.means:
        c.error(("payment", "means"), "no_means", "Nothing pays for a ticket.", "Write `[credits]`, `[cover]` or both.")
    if p.credits is not None and p.unit is None:
        c.warn(("credits",), "no_unit", "The credits have no word.", "Add `unit: {one: credit, many: credits}`.")
    if p.cover.suspensions and p.cover.suspension_clause is None:
        c.warn(("cover", "suspensions"), "no_clause", "Suspension cites no clause.", "Add `suspension_clause`.")
    _cover_terms(c)
    reminders = (("cover", p.cover.reminder_days), ("credits", p.credits.reminder_days if p.credits else ()))
    for key, days in reminders:
        for i, day in enumerate(days):
            if not 0 < day <= 3660:
                c.error((key, "reminder_days", i), "bad_reminder", f"{day} days before is no reminder.", "1 to 3660.")
    if not any(outcome.by_agent for outcome in p.outcomes):
        c.error(("outcomes",), "no_outcome", "An agent can resolve no ticket.", "Add an outcome.")


def _cover_terms(c: Checker) -> None:
    rules = c.policy.cover
    if rules.end_of_day is not None and not zone(rules.end_of_day):
        c.error(
            ("cover", "end_of_day"),
            "unknown_zone",
            f"The zone {rules.end_of_day!r} is not known.",
            "Write an IANA name, such as `Europe/Berlin`.",
        )
    days = {"grace": rules.grace} | ({} if rules.renewal is None else {"renewal/within": rules.renewal.within})
    for key, value in days.items():
        if not 0 <= value <= 366:
            c.error(("cover", *key.split("/")), "bad_days", f"{value} days are too many or too few.", "0 to 366.")


def check_hours(c: Checker) -> None:
    _check_hours(c, c.policy.service_hours, ("service_hours",))
    for name, hours in c.policy.calendars.items():
        at: Parts = ("calendars", name)
        if name == SERVICE_HOURS or not CALENDAR_NAME.match(name):
            c.error(
                at,
                "bad_name",
                f"{name!r} is no name for a further calendar.",
                "Write lower case letters, digits and hyphens; `service-hours` is that of `service_hours`.",
            )
        _check_hours(c, hours, at)
        if not any(promise.calendar == name for promise in c.policy.promises):
            c.warn(at, "unused_calendar", "No promise is counted in this calendar.", f"Write `calendar: {name}`.")


def _check_hours(c: Checker, hours: ServiceHours, where: Parts) -> None:
    if not zone(hours.zone):
        c.error((*where, "zone"), "unknown_zone", f"The zone {hours.zone!r} is not known.", "Write an IANA name.")
    wrong = not set(hours.weekly_hours) <= set(WEEKDAYS)
    for day, spans in hours.weekly_hours.items():
        parts: Parts = (*where, "weekly_hours", day)
        if day not in WEEKDAYS:
            c.error(parts, "unknown_weekday", f"`{day}` is no weekday.", f"Write one of {', '.join(WEEKDAYS)}.")
        last = -1
        for i, (opens, closes) in enumerate(spans):
            start, end = _minute(opens), _minute(closes)
            if start is None or end is None or start == 1440 or (start == end and start):
                c.error(
                    (*parts, i),
                    "bad_hours",
                    f"{opens!r} to {closes!r} are no hours.",
                    'Write `["09:00", "17:00"]`, at most "24:00"; `["22:00", "06:00"]` goes past midnight.',
                )
                wrong = True
            elif start < last:
                c.error((*parts, i), "overlapping_hours", "These hours overlap those before.", "Join or order them.")
                wrong = True
            last = max(last, 1440 if end is not None and start is not None and end <= start else end or -1)
    if not wrong:
        _check_nights(c, hours.weekly_hours, (*where, "weekly_hours"))
    for key, i, item in closure_items(hours):
        for fault in faults_of(item):
            at: Parts = (*where, key, i, fault.field) if fault.field else (*where, key, i)
            c.error(at, "bad_closure", fault.message, fault.hint)
    if hours.notice_days < 0:
        c.error((*where, "notice_days"), "bad_notice", "Notice is 0 days or more.", "Write `notice_days: 30`.")


def _check_nights(c: Checker, hours: Mapping[str, Sequence[Sequence[str]]], parts: Parts) -> None:
    """An opening past midnight may overlap the hours of the next day."""
    try:
        read_weekly_hours(hours)
    except InvalidHours as error:
        c.error(parts, "overlapping_hours", f"{error.facts['detail']}.", "Join them, or end the night earlier.")


def _minute(text: str) -> int | None:
    try:
        return parse_minute(text)
    except DomainError:
        return None


def check_promises(c: Checker) -> None:
    p = c.policy
    for i, promise in enumerate(p.promises):
        parts: Parts = ("promises", i)
        hours = p.hours(promise.calendar)
        if hours is None:
            c.error(
                (*parts, "calendar"),
                "unknown_calendar",
                f"There is no calendar `{promise.calendar}`.",
                f"Write one of {', '.join(f'`{name}`' for name in (SERVICE_HOURS, *p.calendars))}.",
            )
        _target(c, promise.target, (*parts, "target"), f"The promise `{promise.milestone}`", promise.calendar)
        _promise_can_run(c, promise, parts)
        _check_milestone(c, promise, parts)
        _check_pauses(c, promise, parts)
        _check_team(c, promise, parts)
        for j, warning in enumerate(promise.warnings):
            if (warning.percent is None) == (warning.business_seconds_before is None):
                c.error((*parts, "warnings", j), "bad_warning", "A warning has one measure.", "Write `percent: 75`.")
            elif warning.percent is not None and not 0 < warning.percent < 100:
                c.error(
                    (*parts, "warnings", j, "percent"), "bad_warning", "Percent is 1 to 99.", "Write `percent: 75`."
                )
        _check_reminders(c, promise, parts)
    _check_choices(c)
    _check_silence(c)
    if p.access is not None:
        _target(c, p.access.deadline, ("access", "deadline"), "The deadline for access")
        outcome = next((o for o in p.outcomes if o.outcome == p.access.outcome), None)
        if outcome is None:
            c.error(
                ("access", "outcome"),
                "unknown_outcome",
                f"There is no outcome `{p.access.outcome}`.",
                "Add it to `outcomes` with `by_agent: false`.",
            )
        if not p.access.kinds:
            c.error(("access", "kinds"), "no_kinds", "Access names no kinds.", "Write `kinds: [ftp]`.")


def _check_milestone(c: Checker, promise: Promise, parts: Parts) -> None:
    if not _MILESTONE.match(promise.milestone):
        c.error(
            (*parts, "milestone"),
            "bad_name",
            f"{promise.milestone!r} is no milestone.",
            "Write lower case words joined by `_`, such as `work_started`.",
        )
    if promise.starts == "customer_reply" and not {"vendor_response", "reached"} & set(promise.stops):
        c.warn(
            (*parts, "stops"),
            "reply_never_answered",
            "A customer's message starts this clock, and no answer stops it.",
            "Write `stops: [vendor_response]`.",
        )
    if promise.when is not None and promise.starts == "access_requested":
        c.warn((*parts, "when"), "access_differs", "Access has one deadline for all.", "Remove `when`.")


def _check_pauses(c: Checker, promise: Promise, parts: Parts) -> None:
    known = {*(rule.reason for rule in c.policy.pause_reasons), "awaiting_confirmation", "waiting_for_access"}
    for j, reason in enumerate(promise.paused_by or ()):
        if reason not in known:
            c.error(
                (*parts, "paused_by", j),
                "unknown_reason",
                f"There is no reason for waiting `{reason}`.",
                f"Write one of {', '.join(f'`{name}`' for name in sorted(known))}.",
            )
    if promise.paused_by is not None and promise.party != "vendor":
        c.error((*parts, "paused_by"), "never_paused", "Only the vendor's clocks stand.", "Remove `paused_by`.")
    if promise.breach_cap is not None and promise.breach_cap.credits < promise.breach_returns_credits:
        c.error(
            (*parts, "breach_cap", "credits"),
            "cap_below_breach",
            "One breach brings more than this.",
            f"Write {promise.breach_returns_credits} or more.",
        )
    if promise.breach_cap is not None and not promise.breach_returns_credits:
        c.error((*parts, "breach_cap"), "cap_of_nothing", "Nothing is capped.", "Write `breach_returns_credits`.")


def _check_team(c: Checker, promise: Promise, parts: Parts) -> None:
    """What a team owes within the vendor has a name of its own, and brings the customer nothing."""
    if promise.team is None:
        return
    if any(other.milestone == promise.milestone and other.team is None for other in c.policy.promises):
        c.error(
            (*parts, "milestone"),
            "team_shares_milestone",
            f"`{promise.milestone}` is promised to customers, too.",
            f"Give it a name of its own, such as `{promise.milestone}_by_the_team`.",
        )
    if promise.party != "vendor":
        c.error((*parts, "team"), "team_of_customer", "Customers owe nothing to a team.", "Remove `party` or `team`.")
    if promise.breach_returns_credits:
        c.error(
            (*parts, "breach_returns_credits"),
            "team_pays",
            "Customers do not know of this promise, so its breach brings them nothing.",
            "Remove `breach_returns_credits` or `team`.",
        )


def _check_choices(c: Checker) -> None:
    """Of each milestone one promise is given, the first whose condition holds: each must be reachable."""
    places: dict[tuple[str, str], list[int]] = {}
    for i, promise in enumerate(c.policy.promises):
        places.setdefault((promise.milestone, promise.starts), []).append(i)
    starts: dict[str, str] = {}
    for (milestone, trigger), numbers in places.items():
        first = starts.setdefault(milestone, trigger)
        if first != trigger:
            c.error(
                ("promises", numbers[0], "starts"),
                "milestone_starts_twice",
                f"`{milestone}` starts at `{first}` elsewhere.",
                "Give it another name, or the same `starts`.",
            )
        rules = [c.policy.promises[i].when for i in numbers]
        sound = [
            c.condition(rule, ("promises", i, "when"), c.ticket_facts) for rule, i in zip(rules, numbers, strict=True)
        ]
        if not all(sound):
            continue
        for j, i in enumerate(numbers):
            if j and not fact_space.reachable(rules, j, c.ticket_facts):
                c.error(
                    ("promises", i),
                    "unreachable_promise",
                    f"This promise of `{milestone}` is never given: where it holds, one before it already does.",
                    "Move it up, or remove it.",
                )
            elif (
                j
                and rules[j] is not None
                and any(fact_space.crosses(earlier, rules[j], c.ticket_facts) for earlier in rules[:j])
            ):
                c.warn(
                    ("promises", i, "when"),
                    "promises_overlap",
                    f"For some tickets this promise of `{milestone}` and one before it both hold; the first is given.",
                    "Say in `when` what tells them apart, or leave it so.",
                )


def _check_reminders(c: Checker, promise: Promise, parts: Parts) -> None:
    if promise.reminders and promise.milestone == "each_business_day":
        c.error((*parts, "reminders"), "reminders_of_days", "Each missed day is told by itself.", "Remove `reminders`.")
    last = 0
    for j, reminder in enumerate(promise.reminders):
        if reminder.business_seconds_after <= last:
            c.error(
                (*parts, "reminders", j),
                "bad_reminder",
                "Each level comes later than the one before.",
                "Write rising `business_seconds_after`, from 1 on.",
            )
        last = max(last, reminder.business_seconds_after)


def _check_silence(c: Checker) -> None:
    """What follows when the customer does not answer: a reminder, or an outcome that the policy names."""
    for i, rule in enumerate(c.policy.pause_reasons):
        silence, parts = rule.silence, ("pause_reasons", i, "silence")
        if silence is None:
            continue
        _target(c, silence.after, (*parts, "after"), f"The silence of `{rule.reason}`")
        if silence.after.partition(":")[0] not in ("business_days", "business_seconds", "seconds"):
            c.error((*parts, "after"), "bad_target", "Silence lasts so long.", "Write `business_days:5:close`.")
        if rule.party != "customer":
            c.error(parts, "silence_of_nobody", "Only the customer can be silent.", "Remove it, or wait for them.")
        if silence.then == "resolved" and silence.outcome is None:
            c.error(
                parts,
                "silence_without_outcome",
                "No outcome is named for silence.",
                "Name one in `outcome`, or write `then: reminder`.",
            )
        elif silence.outcome is not None and all(o.outcome != silence.outcome for o in c.policy.outcomes):
            c.error(
                (*parts, "outcome"),
                "unknown_outcome",
                f"There is no outcome `{silence.outcome}`.",
                "Add it to `outcomes`, with `by_agent: false` where no agent may choose it.",
            )


def _target(c: Checker, text: str, parts: Parts, what: str, calendar: str = SERVICE_HOURS) -> None:
    try:
        target = parse_target(text)
    except DomainError:
        c.error(
            parts,
            "bad_target",
            f"{text!r} is no target.",
            "Write e.g. `business_days:1`, `business_days:1:close`, `same_day:15:00` or `business_seconds:28800`.",
        )
        return
    hours = c.policy.hours(calendar)
    if hours is not None and not isinstance(target, NoTarget | WallSeconds) and not any(hours.weekly_hours.values()):
        where = "service_hours" if calendar == SERVICE_HOURS else f"calendars.{calendar}"
        c.error(
            parts,
            "promise_without_calendar",
            f"{what} counts business time, but `{where}` never opens.",
            f'Add hours to `{where}.weekly_hours`, e.g. `mon: [["09:00", "17:00"]]`.',
        )


_STARTS: Final[dict[str, tuple[str, Callable[[Policy], bool]]]] = {
    "credit_applied": ("credits", lambda p: p.credits is not None),
    "access_requested": ("access", lambda p: p.access is not None),
    "confirmation_asked": ("confirmation", lambda p: p.confirmation is not None),
}


def _promise_can_run(c: Checker, promise: Promise, parts: Parts) -> None:
    needs = _STARTS.get(promise.starts)
    if needs is not None and not needs[1](c.policy):
        c.error(
            (*parts, "starts"),
            "never_starts",
            f"`{promise.starts}` never happens without `{needs[0]}`.",
            f"Add `{needs[0]}:`, or start it otherwise.",
        )
    if not promise.stops:
        c.error((*parts, "stops"), "never_stops", "Nothing stops this clock.", "Write e.g. `stops: [resolved]`.")
    if promise.breach_returns_credits < 0:
        c.error((*parts, "breach_returns_credits"), "bad_credits", "Credits are 0 or more.", "Write 0 or more.")
    if promise.breach_returns_credits and c.policy.credits is None:
        c.error((*parts, "breach_returns_credits"), "credits_not_declared", "There are no credits.", "Remove it.")
