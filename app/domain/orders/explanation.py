"""What an account holds, in sentences a clerk can read out: orders, refunds, licenses, covers, choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.domain.cover.replacing import REPLACED
from app.domain.policy.offers import ChoiceGrant, Offer
from app.domain.policy.policy import Policy
from app.domain.policy.reason_words import reason_words
from app.domain.policy.wording import condition_words, cover_words, credit_words, day_of, sku_title, term_words
from app.domain.values.phrase import Phrase, capital, changed, cited, concat, joined, phrased, phrased_of, sentences

Row = Mapping[str, Any]


# --- orders -----------------------------------------------------------------------------------------------------------


def line_sentence(policy: Policy, line: Row, granted: Sequence[Row], refused: Sequence[Row]) -> Phrase:
    """What an order line brought, and why not what it did not bring."""
    title = sku_title(policy, str(line["sku"]))
    number = int(line.get("quantity") or 1)
    name = phrased("Line %(line)s, %(title)s", line=str(line["line_id"]), title=title)
    if number != 1:
        name = phrased("%(line)s (%(number)s of them)", line=name, number=number)
    brought = [cited(concat(name, ": ", grant_words(policy, row)), row["clause"]) for row in granted]
    why = [cited(concat(name, ": ", _refusal(policy, row)), row.get("clause")) for row in refused]
    if not brought and not why:
        return phrased("%(line)s: nothing.", line=name)
    return sentences(*brought, *why)


def grant_words(policy: Policy, row: Row) -> Phrase:
    """One thing that an order line brought."""
    facts: Row = row["facts"]
    match row["granted"]:
        case "license":
            words = phrased("license number %(number)s of the account", number=int(facts.get("ordinal", 1)))
            return concat(words, f" ({facts['edition']})") if facts.get("edition") else words
        case "lot":
            words = concat(credit_words(policy, int(facts["granted"])), " ", _until(facts.get("expires_at")))
            if facts.get("reason") == REPLACED:
                return phrased("%(credits)s, for what was left of the plan before", credits=words)
            return words
        case "cover":
            words = cover_words({**facts, "order_id": None}, policy)
            if "starts_at" not in facts:
                return phrased("%(cover)s, from the first ticket that it pays for", cover=words)
            return concat(words, ", ", _span(facts["starts_at"], facts.get("ends_at")))
        case "choice":
            options = options_words(policy, str(row["rule"]), facts.get("options", ()))
            return phrased("a choice of %(options)s", options=options)
        case "addon":
            return changed(str.rstrip, phrased("the add-on %(name)s", name=str(facts.get("addon", ""))))
    return concat(str(row["granted"]))


def _until(instant: Any) -> Phrase:
    """How long something is good for: ``until 1 January 2027``."""
    return phrased("without an end") if not instant else phrased("until %(day)s", day=day_of(instant))


def _span(starts: Any, ends: Any) -> Phrase:
    """From when until when a cover runs."""
    if not ends:
        return phrased("from %(start)s", start=day_of(starts))
    return phrased("from %(start)s until %(end)s", start=day_of(starts), end=day_of(ends))


def what_would_bring(policy: Policy, offer: tuple[Offer, int | None] | None, refused: Iterable[Row]) -> list[str]:
    """Return, in words, what would have to be so for a line to bring what it did not bring."""
    if offer is None:
        return []
    codes = {row["code"] for row in refused}
    rules = [(offer[0].requires, offer[0].otherwise), *((grant.when, grant.otherwise) for grant in offer[0].grants)]
    return [
        condition_words(condition, policy)
        for condition, why in rules
        if condition is not None and why is not None and why.code in codes
    ]


def longer_sentence(seconds: int, ends_at: datetime | None) -> Phrase | None:
    """Say how much longer a cover is good for what was left of the plan that it replaced; None where it is not."""
    if not seconds or ends_at is None:
        return None
    days, rest = divmod(seconds, 86_400)
    span = phrased("some hours")
    if days:
        span = phrased_of("%(number)s day", "%(number)s days", days, number=days)
        span = phrased("%(days)s and some hours", days=span) if rest else span
    return phrased(
        "What was left of the plan before made that %(span)s longer; without that it would be until %(day)s.",
        span=span,
        day=ends_at - timedelta(seconds=seconds),
    )


def _refusal(policy: Policy, row: Row) -> Phrase:
    code, message = str(row.get("code")), row.get("message")
    if message or _otherwise(policy, code):
        return reason_words(policy, {**row, "message": message or _otherwise(policy, code)})
    return _REFUSED.get(code) or phrased("nothing more")


_REFUSED: Final = {
    "unknown_sku": phrased("nothing, since the policy does not know it"),
    "not_offered": phrased("nothing, since it is not sold"),
    "addon_not_named": phrased("nothing, since the add-on is not named"),
    "no_license": phrased("nothing, since the account holds no license"),
}


def _otherwise(policy: Policy, code: str) -> str | None:
    for offer in policy.offers:
        for rule in (offer.otherwise, *(grant.otherwise for grant in offer.grants)):
            if rule is not None and rule.code == code:
                return rule.message
    return next((not_offered.message for not_offered in policy.not_offered if not_offered.code == code), None)


# --- refunds ----------------------------------------------------------------------------------------------------------


def take_back_sentence(policy: Policy, row: Row, sku: str | None, clause: str | None) -> Phrase:
    """One thing that a refund took back."""
    title = _bought(policy, row, sku)
    match row.get("kind"):
        case "credits":
            number = int(row["credits"])
            text = phrased_of(
                "%(credits)s of %(title)s was taken back",
                "%(credits)s of %(title)s were taken back",
                number,
                credits=credit_words(policy, number),
                title=title,
            )
        case "license":
            text = phrased("the license of %(title)s ended", title=title)
        case "cover" if row.get("state") == "ended" and row.get("ends_at"):
            text = phrased("the support of %(title)s ended on %(day)s", title=title, day=day_of(row["ends_at"]))
        case "cover":
            text = phrased("the support of %(title)s was taken back", title=title)
        case "choice":
            text = phrased("the open choice of %(title)s was taken back", title=title)
        case "addon":
            text = phrased("the add-on %(name)s was taken back", name=str(row.get("addon", "")))
        case _:
            text = phrased("%(title)s was taken back", title=title)
    return cited(capital(text), clause)


def _bought(policy: Policy, row: Row, sku: str | None) -> Phrase:
    return sku_title(policy, sku) if sku is not None else phrased("line %(line)s", line=str(row.get("line_id")))


def left_sentence(policy: Policy, row: Row, sku: str | None, clause: str | None) -> Phrase:
    """One thing that a refund could not take back, and why."""
    title = _bought(policy, row, sku)
    if row.get("kind") == "credits":
        why = joined(_left(policy, row))
    elif row.get("state") == "ended":
        why = phrased("its support had ended")
    else:
        why = phrased("its support could not be taken back")
    return cited(phrased("Not taken back of %(title)s: %(why)s", title=title, why=why), clause)


def _left(policy: Policy, row: Row) -> list[str]:
    found: list[str] = []
    if number := int(row.get("spent") or 0):
        amount = credit_words(policy, number)
        found.append(phrased_of("%(credits)s was spent", "%(credits)s were spent", number, credits=amount))
    if number := int(row.get("held") or 0):
        found.append(
            phrased_of(
                "%(credits)s was set aside for a ticket",
                "%(credits)s were set aside for a ticket",
                number,
                credits=credit_words(policy, number),
            )
        )
    if number := int(row.get("expired") or 0):
        amount = credit_words(policy, number)
        found.append(phrased_of("%(credits)s was expired", "%(credits)s were expired", number, credits=amount))
    return found


# --- licenses, covers, choices ----------------------------------------------------------------------------------------


def license_sentence(policy: Policy, row: Row) -> Phrase:
    """What a license is and how it stands."""
    name = phrased(
        "%(title)s of order %(order)s, license number %(number)s of the account",
        title=sku_title(policy, str(row["sku"])),
        order=str(row["order_id"]),
        number=int(row["ordinal"]),
    )
    if not row.get("ended_at"):
        return capital(name)
    ended = phrased("%(license)s; it ended on %(day)s", license=capital(name), day=day_of(row["ended_at"]))
    if not row.get("ended_reason"):
        return ended
    reason = str(row["ended_reason"])
    return concat(ended, " (", _ENDED.get(reason, reason), ")")


_ENDED: Final = {
    "terminated": phrased("it was terminated"),
    "refunded": phrased("its order was refunded"),
    "upgraded": phrased("it was replaced by another edition"),
    "corrected": phrased("the shop changed the order"),
}


def license_step(policy: Policy, kind: str, payload: Row) -> Phrase:
    """What happened to a license."""
    match kind:
        case "granted":
            return phrased("The license was bought: number %(number)s of the account.", number=payload.get("ordinal"))
        case "reranked":
            return phrased(
                "It is number %(number)s of the account now, since an order placed earlier arrived.",
                number=payload.get("ordinal"),
            )
        case "registered":
            return phrased("The license was registered to an installation.")
        case "ended":
            why = _ENDED.get(str(payload.get("ended_reason"))) or phrased("it ended")
            return phrased("The license ended on %(day)s: %(why)s.", day=day_of(payload["ended_at"]), why=why)
    return _other_step(kind)


def _other_step(kind: str) -> Phrase:
    return concat(capital(kind.replace("_", " ")), ".")


def cover_sentence(policy: Policy, cover: Row) -> Phrase:
    """What a cover is and how it stands. ``state``: as published."""
    name = capital(cover_words(cover, policy))
    match cover["state"]:
        case "pending":
            return phrased("%(cover)s waits for the first ticket that it pays for", cover=name)
        case "scheduled":
            return phrased("%(cover)s begins on %(day)s", cover=name, day=day_of(cover["starts_at"]))
        case "suspended":
            return phrased("%(cover)s is suspended since %(day)s", cover=name, day=day_of(cover["suspended_at"]))
        case "voided":
            return phrased("%(cover)s was taken back", cover=name)
        case "ended":
            return phrased("%(cover)s ended on %(day)s", cover=name, day=day_of(cover["ends_at"]))
    if cover.get("ends_at"):
        return phrased("%(cover)s runs until %(day)s", cover=name, day=day_of(cover["ends_at"]))
    return phrased("%(cover)s runs", cover=name)


def cover_step(policy: Policy, kind: str, payload: Row) -> Phrase:
    """What happened to a cover."""
    cover: Row = payload.get("cover", {})
    starts, ends = cover.get("starts_at"), cover.get("ends_at")
    runs = _span(starts, ends) if starts else None
    match kind:
        case "granted":
            name = capital(cover_words(cover, policy))
            if runs is None:
                return phrased("%(cover)s was granted, from the first ticket that it pays for.", cover=name)
            return phrased("%(cover)s was granted, %(span)s.", cover=name, span=runs)
        case "started":
            return _now(phrased("It began with a ticket"), runs)
        case "moved":
            return _now(phrased("It moved"), runs)
        case "suspended" | "resumed":
            return _stopped(kind, payload, runs)
        case "extended":
            months = int(payload.get("months") or 0)
            return _now(phrased("It was extended by %(term)s", term=term_words({"months": months})), runs)
        case "shortened":
            if ends:
                return phrased("It ends on %(day)s, earlier than bought.", day=day_of(ends))
            return phrased("It ends earlier than bought.")
        case "voided":
            return phrased("It was taken back.")
    return _now(capital(kind.replace("_", " ")), runs)


def _stopped(kind: str, payload: Row, runs: Phrase | None) -> Phrase:
    """That a cover was suspended, or goes on."""
    suspended_at = payload.get("cover", {}).get("suspended_at")
    if kind == "suspended":
        return (
            phrased("It was suspended on %(day)s.", day=day_of(suspended_at)) if suspended_at else phrased("Suspended.")
        )
    if payload.get("runs_on"):
        return _now(phrased("It goes on; its time ran on meanwhile"), runs)
    return _now(phrased("It goes on; its end moved by the time suspended"), runs)


def _now(what: Phrase, runs: Phrase | None) -> Phrase:
    """What happened, and from when until when the cover runs now."""
    return concat(what, ".") if runs is None else phrased("%(what)s; it runs %(span)s.", what=what, span=runs)


def _options(policy: Policy, rule: str) -> dict[str, Phrase]:
    """The options of a choice in the policy's order, each by what it grants: ``40 credits``, ``30 days of support``."""
    found: dict[str, Phrase] = {}
    for offer in policy.offers:
        for grant in offer.grants:
            if isinstance(grant, ChoiceGrant) and grant.rule == rule:
                for name, option in grant.options.items():
                    if option.kind == "credits":
                        found[name] = credit_words(policy, option.credits or 0)
                    else:
                        found[name] = phrased("%(term)s of support", term=term_words(option.term))
    return found


def choice_words(policy: Policy, rule: str, option: str) -> str:
    """An option of a choice by what it grants."""
    return _options(policy, rule).get(option, option)


def options_words(policy: Policy, rule: str, options: Iterable[Any]) -> Phrase:
    """What can be chosen: ``40 credits or 30 days of support``."""
    codes, known = {str(option) for option in options}, _options(policy, rule)
    names = [*(name for name in known if name in codes), *sorted(codes - set(known))]
    return joined([known.get(name, name) for name in names], "or")


def choice_sentence(policy: Policy, choice: Row) -> Phrase:
    """What can be, or was, chosen."""
    what = phrased(
        "The license of order %(order)s brings %(options)s, as the customer chooses",
        order=str(choice["order_id"]),
        options=options_words(policy, str(choice["rule"]), choice["options"]),
    )
    if choice.get("option") is not None:
        chosen = choice_words(policy, str(choice["rule"]), str(choice["option"]))
        return phrased("%(choice)s; the customer chose %(option)s", choice=what, option=chosen)
    if choice.get("voided_at"):
        return phrased("%(choice)s; the choice was taken back", choice=what)
    return phrased("%(choice)s; the choice is open", choice=what)


def choice_step(policy: Policy, rule: str, kind: str, payload: Row) -> Phrase:
    """What happened to a choice."""
    match kind:
        case "opened":
            options = options_words(policy, rule, payload.get("options", ()))
            return (
                phrased("The customer may choose %(options)s.", options=options)
                if options
                else phrased("A choice was opened.")
            )
        case "made":
            return phrased(
                "The customer chose %(option)s.", option=choice_words(policy, rule, str(payload.get("option")))
            )
        case "voided":
            return phrased("The choice was taken back.")
    return _other_step(kind)


def offer_clause(offer: tuple[Offer, int | None] | None) -> str | None:
    """The clause an offer rests on."""
    return None if offer is None else offer[0].clause


def owed_sentence(policy: Policy, credits: int) -> Phrase | None:
    """What a refund left owed."""
    if not credits:
        return None
    return phrased_of(
        "%(credits)s is owed for what was spent.",
        "%(credits)s are owed for what was spent.",
        credits,
        credits=credit_words(policy, credits),
    )
