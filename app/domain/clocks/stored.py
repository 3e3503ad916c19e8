"""Clocks as they are stored and published: a promise's spec and a clock's events, to JSON and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, TypedDict

from app.domain.clocks.clock import OutcomeFact
from app.domain.clocks.event import ClockEvent, ClockSpec, EventKind, Party, PauseRule, WarnBefore, WarnRule, WarnShare
from app.domain.clocks.target import AfterClose, At, EachBusinessDay, Rolling, Target, parse_target
from app.domain.policy.service_levels import BreachCap, Promise
from app.domain.values.wire import iso, iso_or_none, parse_iso


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseTerms:
    """What of the promise the arithmetic does not need: when it starts and stops, its clause, what a breach brings."""

    starts: str
    stops: tuple[str, ...]
    clause: str
    reading: bool
    policy_version: int
    breach_returns_credits: int = 0
    retracted_breach: str = "takes_back"
    """What becomes of those credits when it turns out to be no breach: ``takes_back`` or ``stays``."""
    paused_by: tuple[str, ...] | None = None
    """The reasons for waiting at which the clock stands; None: every reason."""
    warning_notify: tuple[tuple[str, ...], ...] = ()
    reminder_notify: tuple[tuple[str, ...], ...] = ()
    """Who is to be notified at each warning and each reminder; empty where nobody is."""
    breach_cap: BreachCap | None = None
    team: str | None = None
    """The team that owes it within the vendor; None: it is owed to the customer, or by them."""
    ref: str | None = None
    """Tells clocks of one promise apart, e.g. the number of an access request."""
    replaced: tuple[str, ...] = ()
    """Breaches of the same thing owed by the clocks that this one took over from: they bring their credits once."""

    def stands_at(self, reason: str) -> bool:
        """Whether a reason for waiting makes the clock stand; what follows a colon tells several waits apart."""
        return self.paused_by is None or reason.partition(":")[0] in self.paused_by

    def alike(self, promise: Promise) -> bool:
        """Whether a promise says the same beside its target."""
        terms = terms_of(promise, policy_version=self.policy_version, ref=self.ref, replaced=self.replaced)
        return self == terms


def target_of(promise: Promise, due_at: datetime | None) -> Target:
    """The target of a promise; a given due instant wins. ``each_business_day`` is owed by windows, unless rolling."""
    if due_at is not None:
        return At(due_at)
    target = parse_target(promise.target)
    if promise.milestone == "each_business_day" and not isinstance(target, Rolling):
        return EachBusinessDay()
    return target


def owed_once(promise: Promise) -> bool:
    """Whether a promise is kept by one deed, and not by each day or each update."""
    return not isinstance(target_of(promise, None), EachBusinessDay | Rolling)


def spec_of(promise: Promise, target: Target) -> ClockSpec:
    """The promise as the clock's arithmetic takes it."""
    rules: list[WarnRule] = []
    for warning in promise.warnings:
        if warning.percent is not None:
            rules.append(WarnShare(warning.percent))
        if warning.business_seconds_before is not None:
            rules.append(WarnBefore(warning.business_seconds_before))
    return ClockSpec(
        milestone=promise.milestone,
        target=target,
        warnings=tuple(rules),
        reminders=tuple(reminder.business_seconds_after for reminder in promise.reminders),
        owing=Party(promise.party),
        calendar=promise.calendar,
        pause_rule=PauseRule.FREEZE_SNAP if promise.snap_to_close else PauseRule.FREEZE,
        after_close=AfterClose(promise.after_close),
    )


def terms_of(promise: Promise, *, policy_version: int, ref: str | None, replaced: tuple[str, ...] = ()) -> PromiseTerms:
    """What else the clock keeps of its promise."""
    return PromiseTerms(
        starts=promise.starts,
        stops=tuple(promise.stops),
        clause=promise.clause,
        reading=promise.reading,
        policy_version=policy_version,
        breach_returns_credits=promise.breach_returns_credits,
        retracted_breach=promise.retracted_breach,
        paused_by=promise.paused_by,
        warning_notify=_notified([warning.notify for warning in promise.warnings]),
        reminder_notify=_notified([reminder.notify for reminder in promise.reminders]),
        breach_cap=promise.breach_cap,
        team=promise.team,
        ref=ref,
        replaced=replaced,
    )


def _notified(names: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    return tuple(names) if any(names) else ()


def dump_spec(spec: ClockSpec, terms: PromiseTerms) -> dict[str, Any]:
    """The ``spec`` column: the promise as it was when the clock started."""
    return {
        "target": str(spec.target),
        "warnings": [
            {"percent": warning.percent}
            if isinstance(warning, WarnShare)
            else {"business_seconds_before": warning.seconds}
            for warning in spec.warnings
        ],
        "reminders": list(spec.reminders),
        "pause_rule": spec.pause_rule.value,
        "after_close": spec.after_close.value,
        "starts": terms.starts,
        "stops": list(terms.stops),
        "clause": terms.clause,
        "reading": terms.reading,
        "policy_version": terms.policy_version,
        "breach_returns_credits": terms.breach_returns_credits,
        "retracted_breach": terms.retracted_breach,
        "ref": terms.ref,
        # Left out where a promise does not say it, as before there was a word for it.
        **({} if terms.paused_by is None else {"paused_by": list(terms.paused_by)}),
        **({"warning_notify": [list(names) for names in terms.warning_notify]} if terms.warning_notify else {}),
        **({"reminder_notify": [list(names) for names in terms.reminder_notify]} if terms.reminder_notify else {}),
        **({} if terms.breach_cap is None else {"breach_cap": asdict(terms.breach_cap)}),
        **({} if terms.team is None else {"team": terms.team}),
        **({"replaced": list(terms.replaced)} if terms.replaced else {}),
    }


def load_spec(milestone: str, party: str, calendar: str, data: Mapping[str, Any]) -> tuple[ClockSpec, PromiseTerms]:
    """What `dump_spec` wrote, with the columns that stand beside it."""
    warnings: list[WarnRule] = [
        WarnShare(warning["percent"]) if "percent" in warning else WarnBefore(warning["business_seconds_before"])
        for warning in data["warnings"]
    ]
    spec = ClockSpec(
        milestone=milestone,
        target=parse_target(data["target"]),
        warnings=tuple(warnings),
        reminders=tuple(data.get("reminders", ())),
        owing=Party(party),
        calendar=calendar,
        pause_rule=PauseRule(data["pause_rule"]),
        after_close=AfterClose(data["after_close"]),
    )
    terms = PromiseTerms(
        starts=data["starts"],
        stops=tuple(data["stops"]),
        clause=data["clause"],
        reading=data["reading"],
        policy_version=data["policy_version"],
        breach_returns_credits=data["breach_returns_credits"],
        retracted_breach=data.get("retracted_breach", "takes_back"),
        paused_by=tuple(data["paused_by"]) if "paused_by" in data else None,
        warning_notify=tuple(tuple(names) for names in data.get("warning_notify", ())),
        reminder_notify=tuple(tuple(names) for names in data.get("reminder_notify", ())),
        breach_cap=BreachCap(**data["breach_cap"]) if "breach_cap" in data else None,
        team=data.get("team"),
        ref=data["ref"],
        replaced=tuple(data.get("replaced", ())),
    )
    return spec, terms


def dump_event(event: ClockEvent) -> dict[str, Any]:
    """An event's payload; what is absent is left out."""
    payload = {
        "reason": event.reason,
        "party": event.party.value if event.kind is EventKind.PAUSE else None,
        "target": None if event.target is None else str(event.target),
        "corrects": event.corrects,
        "corrected_occurred_at": iso_or_none(event.corrected_occurred_at),
        "calendar_revision": event.calendar_revision,
        "tzdb_version": event.tzdb_version,
        "edition": event.edition,
    }
    return {key: value for key, value in payload.items() if value is not None}


def load_event(
    seq: int, kind: str, occurred_at: datetime, recorded_at: datetime, data: Mapping[str, Any]
) -> ClockEvent:
    """What `dump_event` wrote."""
    target, corrected = data.get("target"), data.get("corrected_occurred_at")
    return ClockEvent(
        seq=seq,
        kind=EventKind(kind),
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        reason=data.get("reason"),
        party=Party(data.get("party", "none")),
        target=None if target is None else parse_target(target),
        corrects=data.get("corrects"),
        corrected_occurred_at=None if corrected is None else parse_iso(corrected),
        calendar_revision=data.get("calendar_revision"),
        tzdb_version=data.get("tzdb_version"),
        edition=data.get("edition", 1),
    )


def breach_id(clock_id: str, fact: OutcomeFact) -> str:
    """Return the stable name of a breach: one a clock, cycle and window.

    Numbered from 2 on where an earlier one was none.
    """
    again = f":{fact.rule + 1}" if fact.rule else ""
    return f"{_breaches_of(clock_id, fact.cycle)}{fact.window_date or '-'}{again}"


def _breaches_of(clock_id: str, cycle: int) -> str:
    return f"{clock_id}:{cycle}:"


def replaced_by(promise: Promise, clock_id: str, terms: PromiseTerms, cycle: int) -> tuple[str, ...]:
    """With what the breaches begin that a clock leaves behind which a promise replaces in this cycle.

    Nothing where each day or each update is owed by itself.
    """
    if not owed_once(promise):
        return ()
    return (*(terms.replaced if cycle == 1 else ()), _breaches_of(clock_id, cycle))


class BreachRecord(TypedDict):
    """A breach as a judgement keeps it."""

    breach_id: str
    cycle: int
    window_date: str | None
    due_at: str | None
    at: str
    retracted_at: str | None


def breaches_json(clock_id: str, facts: Iterable[OutcomeFact]) -> list[BreachRecord]:
    """Every breach that was ever judged, those that stand first; one that was taken back since says when."""
    listed = list(facts)
    retracted = {
        breach_id(clock_id, outcome_fact): outcome_fact.at
        for outcome_fact in listed
        if outcome_fact.kind == "breach_retracted"
    }
    found: list[BreachRecord] = [
        {
            "breach_id": breach_id(clock_id, outcome_fact),
            "cycle": outcome_fact.cycle,
            "window_date": None if outcome_fact.window_date is None else outcome_fact.window_date.isoformat(),
            "due_at": iso_or_none(outcome_fact.due_at),
            "at": iso(outcome_fact.at),
            "retracted_at": iso_or_none(retracted.get(breach_id(clock_id, outcome_fact))),
        }
        for outcome_fact in listed
        if outcome_fact.kind == "breached"
    ]
    return sorted(found, key=lambda item: item["retracted_at"] is not None)


NEVER_OPENS: Final = "calendar_never_opens"
"""Why a live clock is never due."""
