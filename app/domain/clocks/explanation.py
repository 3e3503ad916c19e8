"""Why a due time is what it is, in sentences a clerk can read out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from app.domain.clocks.promises import suits
from app.domain.clocks.ticket_clock import TicketClock
from app.domain.policy.conditions import Not
from app.domain.policy.policy import Policy
from app.domain.policy.service_levels import Promise
from app.domain.policy.wording import capital, cited, condition_words, day_of, joined, sentences
from app.domain.values.wire import parse_iso

Row = Mapping[str, Any]
_MILESTONES: Final = {
    "first_response": "first response",
    "each_business_day": "answer on each business day",
    "resolution": "resolution",
    "next_reply": "answer to the customer's message",
    "access": "access to be given by the customer",
    "confirmation": "confirmation by the customer",
}
_KINDS: Final = {
    "start": "The clock started",
    "pause": "The clock stands",
    "resume": "The clock goes on",
    "stop": "What was promised was done",
    "cancel": "Nothing is owed any more",
    "response": "The vendor answered",
    "retarget": "Another deadline holds from here on",
    "calendar_changed": "The clock went over to newer service hours",
    "tzdb_changed": "The clock went over to newer time zone data",
    "correct": "A fact was corrected",
    "reopen": "The ticket was reopened; the clock began again",
}


def instant_words(instant: str) -> str:
    """An instant with its time: ``1 December 2025, 22:00 UTC``."""
    at = parse_iso(instant).astimezone(UTC)
    seconds = f":{at.second:02d}" if at.second else ""
    return f"{day_of(instant)}, {at.hour:02d}:{at.minute:02d}{seconds} UTC"


def target_words(target: str) -> str:
    """A target in words: ``within 1 business day``, ``by the close of the next business day``."""
    kind, _, rest = target.partition(":")
    number, _, edge = rest.partition(":")
    match kind:
        case "business_days":
            days = "the next business day" if number == "1" else f"business day {number} after it"
            if edge == "close":
                return f"by the close of {days}"
            return f"within {number} business day{'' if number == '1' else 's'}"
        case "business_seconds" | "seconds" | "rolling":
            span = _span(int(number))
            words = {"business_seconds": f"within {span} of service hours", "seconds": f"within {span}"}
            return words.get(kind, f"at least every {span} of service hours")
        case "same_day":
            return f"on the same business day if it came before {rest}, else on the next one"
        case "each_business_day":
            return "by the close of each business day"
        case "at":
            return "by the instant named"
    return "without a deadline"


def _span(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for number, word in ((hours, "hour"), (minutes, "minute"), (rest, "second"))
        if number
    ]
    return joined(parts) or "no time"


def clock_sentence(view: Row, skipped: Sequence[Row] = ()) -> str:
    """What was promised, until when, what was skipped, and how it came out."""
    name = capital(_MILESTONES.get(str(view["milestone"]), str(view["milestone"]).replace("_", " ")))
    promise = cited(f"{name}: {target_words(str(view['target']))}", view.get("clause"))
    due = f"Due on {instant_words(view['due_at'])}." if view.get("due_at") else None
    names = [f"{', '.join(row['reasons'])} ({day_of(row['date'] + 'T00:00:00Z')})" for row in skipped if row["reasons"]]
    closed = f"Closed meanwhile: {joined(names)}." if names else None
    return sentences(promise, due, closed, outcome_sentence(view))


def otherwise(policy: Policy, clock: TicketClock, view: Row) -> list[tuple[str, str]]:
    """Return, in words, what would have kept the promise, or would have to be so for another one to be given, each with
    its clause. ``view``: how the clock stands.
    """
    missed = [breach["due_at"] for breach in view["breaches"] if breach["retracted_at"] is None and breach["due_at"]]
    in_time = [(cited(f"done by {instant_words(due)}", clock.terms.clause), clock.terms.clause) for due in missed[:1]]
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


def _instead(promise: Promise, words: str) -> tuple[str, str]:
    return cited(f"{words}: {target_words(promise.target)}", promise.clause), promise.clause


def outcome_sentence(view: Row) -> str:
    """How a clock came out, or stands."""
    standing = [breach for breach in view.get("breaches", ()) if breach.get("retracted_at") is None]
    match view["outcome"]:
        case "met":
            at = view.get("stopped_at")
            return f"It was met on {instant_words(at)}." if at else "It was met."
        case "breached":
            when = standing[0].get("due_at") if standing else None
            return f"It was missed: due on {instant_words(when)}." if when else "It was missed."
    match view["phase"]:
        case "paused":
            return "The clock stands: somebody else is waited for."
        case "cancelled":
            return "It ended with the ticket; nothing is owed."
        case "stopped":
            return "It is done."
    return "The clock runs."


def event_sentence(event: Row, clause: str | None) -> str:
    """One event of a clock."""
    sentence = _KINDS.get(str(event["kind"]), capital(str(event["kind"]).replace("_", " ")))
    why = event.get("reason")
    reason = f": {_reason(str(why))}" if why else ""
    return cited(f"On {instant_words(event['occurred_at'])}: {sentence[:1].lower()}{sentence[1:]}{reason}", clause)


def _reason(why: str) -> str:
    return why.partition(":")[0].replace("_", " ")
