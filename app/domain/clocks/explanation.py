"""Why a due time is what it is, in sentences a clerk can read out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from app.domain.clocks.promises import suits
from app.domain.clocks.ticket_clock import PROMISE_CHANGED, TicketClock
from app.domain.policy.conditions import Not
from app.domain.policy.policy import Policy
from app.domain.policy.service_levels import Promise
from app.domain.policy.wording import condition_words, day_of, wait_words
from app.domain.values.phrase import Phrase, capital, cited, concat, joined, phrased, phrased_of, sentences
from app.domain.values.wire import parse_iso

Row = Mapping[str, Any]
_MILESTONES: Final[Mapping[str, Phrase]] = {
    "first_response": phrased("first response"),
    "each_business_day": phrased("answer on each business day"),
    "resolution": phrased("resolution"),
    "next_reply": phrased("answer to the customer's message"),
    "access": phrased("access to be given by the customer"),
    "confirmation": phrased("confirmation by the customer"),
}
_KINDS: Final[Mapping[str, Phrase]] = {
    "start": phrased("the clock started"),
    "pause": phrased("the clock stands"),
    "resume": phrased("the clock goes on"),
    "stop": phrased("what was promised was done"),
    "cancel": phrased("nothing is owed any more"),
    "response": phrased("the vendor answered"),
    "retarget": phrased("another deadline holds from here on"),
    "calendar_changed": phrased("the clock went over to newer service hours"),
    "tzdb_changed": phrased("the clock went over to newer time zone data"),
    "correct": phrased("a fact was corrected"),
    "reopen": phrased("the ticket was reopened; the clock began again"),
}


def instant_words(instant: str) -> Phrase:
    """An instant with its time: ``1 December 2025, 22:00 UTC``."""
    at = parse_iso(instant).astimezone(UTC)
    seconds = f":{at.second:02d}" if at.second else ""
    return concat(day_of(instant), f", {at.hour:02d}:{at.minute:02d}{seconds} UTC")


def target_words(target: str) -> Phrase:
    """A target in words: ``within 1 business day``, ``by the close of the next business day``."""
    kind, _, rest = target.partition(":")
    number, _, edge = rest.partition(":")
    match kind:
        case "business_days":
            if edge == "close" and number == "1":
                return phrased("by the close of the next business day")
            if edge == "close":
                return phrased("by the close of business day %(number)s after it", number=number)
            days = int(number)
            return phrased_of("within %(number)s business day", "within %(number)s business days", days, number=days)
        case "business_seconds":
            return phrased("within %(span)s of service hours", span=_span(int(number)))
        case "seconds":
            return phrased("within %(span)s", span=_span(int(number)))
        case "rolling":
            return phrased("at least every %(span)s of service hours", span=_span(int(number)))
        case "same_day":
            return phrased("on the same business day if it came before %(time)s, else on the next one", time=rest)
        case "each_business_day":
            return phrased("by the close of each business day")
        case "at":
            return phrased("by the instant named")
    return phrased("without a deadline")


def _span(seconds: int) -> Phrase:
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = []
    if hours:
        parts.append(phrased_of("%(number)s hour", "%(number)s hours", hours, number=hours))
    if minutes:
        parts.append(phrased_of("%(number)s minute", "%(number)s minutes", minutes, number=minutes))
    if rest:
        parts.append(phrased_of("%(number)s second", "%(number)s seconds", rest, number=rest))
    return joined(parts) if parts else phrased("no time")


def clock_sentence(view: Row, skipped: Sequence[Row] = ()) -> Phrase:
    """What was promised, until when, what was skipped, and how it came out."""
    milestone = str(view["milestone"])
    name = _MILESTONES.get(milestone, milestone.replace("_", " "))
    promise = cited(concat(capital(name), ": ", target_words(str(view["target"]))), view.get("clause"))
    due = phrased("Due on %(instant)s.", instant=instant_words(view["due_at"])) if view.get("due_at") else None
    names = [
        concat(", ".join(row["reasons"]), " (", day_of(row["date"] + "T00:00:00Z"), ")")
        for row in skipped
        if row["reasons"]
    ]
    closed = phrased("Closed meanwhile: %(days)s.", days=joined(names)) if names else None
    return sentences(promise, due, closed, outcome_sentence(view))


def otherwise(policy: Policy, clock: TicketClock, view: Row) -> list[tuple[str, str]]:
    """Return, in words, what would have kept the promise, or would have to be so for another one to be given, each with
    its clause. ``view``: how the clock stands.
    """
    missed = [breach["due_at"] for breach in view["breaches"] if breach["retracted_at"] is None and breach["due_at"]]
    clause = clock.terms.clause
    in_time = [
        (cited(phrased("done by %(instant)s", instant=instant_words(due)), clause), clause) for due in missed[:1]
    ]
    return [*in_time, *_other_promises(policy, clock, str(view["target"]))]


def _other_promises(policy: Policy, clock: TicketClock, target: str) -> list[tuple[str, str]]:
    rivals = [
        promise
        for promise in policy.promises
        if (promise.milestone, promise.starts) == (clock.spec.milestone, clock.terms.starts)
    ]
    alike = [number for number, promise in enumerate(rivals) if suits(clock, promise)]
    mine = next((number for number in alike if rivals[number].target == target), next(iter(alike), None))
    if mine is None:
        return []
    found = [_instead(promise, condition_words(promise.when, policy)) for promise in rivals[:mine] if promise.when]
    held = rivals[mine].when
    if held is not None and rivals[mine + 1 :]:
        following = rivals[mine + 1]
        conditions = [condition_words(Not(no=held), policy)]
        conditions += [condition_words(following.when, policy)] if following.when else []
        found.append(_instead(following, joined(conditions)))
    return found


def _instead(promise: Promise, words: Phrase) -> tuple[str, str]:
    return cited(concat(words, ": ", target_words(promise.target)), promise.clause), promise.clause


def outcome_sentence(view: Row) -> Phrase:
    """How a clock came out, or stands."""
    standing = [breach for breach in view.get("breaches", ()) if breach.get("retracted_at") is None]
    match view["outcome"]:
        case "met":
            at = view.get("stopped_at")
            return phrased("It was met on %(instant)s.", instant=instant_words(at)) if at else phrased("It was met.")
        case "breached":
            when = standing[0].get("due_at") if standing else None
            if when is None:
                return phrased("It was missed.")
            return phrased("It was missed: due on %(instant)s.", instant=instant_words(when))
    match view["phase"]:
        case "paused":
            return phrased("The clock stands: somebody else is waited for.")
        case "cancelled":
            return phrased("Nothing is owed by it any more.")
        case "stopped":
            return phrased("It is done.")
    return phrased("The clock runs.")


def event_sentence(event: Row, clause: str | None) -> Phrase:
    """One event of a clock."""
    kind, why = str(event["kind"]), event.get("reason")
    what = concat(_KINDS.get(kind, kind.replace("_", " ")))
    if why == PROMISE_CHANGED:
        what = phrased("this promise holds no more for the ticket")
    elif why:
        what = concat(what, ": ", wait_words(str(why).partition(":")[0]))
    return cited(phrased("On %(instant)s: %(what)s", instant=instant_words(event["occurred_at"]), what=what), clause)
