"""A ticket's explanation, step by step, in sentences a clerk can read out: in the policy's words and units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import FixedPrice, TimePrice
from app.domain.policy.reason_words import reason_words, stored_words
from app.domain.policy.ticket_rules import Category, Check
from app.domain.policy.wording import category_title, credit_words, price_words, type_title
from app.domain.tickets.qualification import describe
from app.domain.tickets.ticket import Ticket
from app.domain.values.phrase import Phrase, capital, cited, concat, phrased, phrased_of, plain, say, sentences

Row = Mapping[str, Any]
STATES: Final[Mapping[str, Phrase]] = {
    "needs_facts": phrased("waits for what is not stated yet"),
    "awaiting_qualification": phrased("waits for a representative to qualify it"),
    "awaiting_assessment": phrased("waits for an assessment"),
    "awaiting_choice": phrased("waits for the customer's choice"),
    "awaiting_confirmation": phrased("waits for the customer to confirm the price"),
    "awaiting_credits": phrased("waits for credits or cover"),
    "in_progress": phrased("is worked on"),
    "resolved": phrased("is resolved"),
    "rejected": phrased("was rejected"),
    "withdrawn": phrased("was withdrawn"),
}


def assessment_sentence(policy: Policy, row: Row) -> Phrase:
    """How a price came about: ``Assessed at 25 points: level 2, fixed price (XC-6).``"""
    category = policy.category(row["category"]) if row["category"] else None
    title = plain(category_title(policy, category)) if category is not None else phrased("the ticket")
    head = phrased("Assessed at %(credits)s: %(title)s", credits=credit_words(policy, int(row["credits"])), title=title)
    after = _AFTER.get(row["status"])
    if row.get("steps") or row.get("up_to") is not None:
        text = cited(head, row["clause"])
        if row.get("up_to") is not None:
            limit = phrased("Work may take up to %(credits)s.", credits=credit_words(policy, row["up_to"]))
            text = concat(text, " ", limit)
        return sentences(text, *(stored_words(policy, step["summary"]) for step in row.get("steps", ())), after)
    return sentences(cited(concat(head, ", ", _how_priced(policy, category, row)), row["clause"]), after)


def _how_priced(policy: Policy, category: Category | None, row: Row) -> Phrase:
    credits_ = int(row["credits"])
    if category is not None and category.level is not None and not credits_ and row["clause"] == category.level_clause:
        return phrased("included in a level of support")
    if row["outside_list"]:
        how = phrased("outside the list (%(price)s)", price=price_words(policy, category, row["inputs"]))
        return concat(how, f": {row['reason']}") if row.get("reason") else how
    by_time = category is not None and isinstance(category.price, TimePrice) and "steps" in row
    if credits_ or by_time:
        return price_words(policy, category, row["inputs"])
    free = category is not None and category.price == FixedPrice(credits=0)
    return phrased("it costs nothing") if free else phrased("paid by cover")


_AFTER: Final[Mapping[str, Phrase]] = {
    "pending": phrased("It does not stand yet."),
    "declined": phrased("The customer did not agree to it."),
    "superseded": phrased("A later assessment took its place."),
}


def check_sentence(policy: Policy, result: Row) -> Phrase:
    """What a check of the policy came to."""
    check = next((check for check in policy.qualification.checks if check.check == result.get("check")), None)
    name = _check_words(policy, check, str(result.get("requirement") or result.get("check") or "a check"))
    match result.get("result"):
        case "failed":
            text = phrased("See the reasons.")
            if check is not None and "{" not in check.message:
                text = reason_words(policy, {"code": check.code, "message": check.message})
        case "passed":
            text = phrased("Checked and passed: %(check)s.", check=name)
        case "unknown":
            text = phrased("Not judged, since it was not stated: %(check)s.", check=name)
        case _:
            text = phrased("Does not apply here: %(check)s.", check=name)
    return cited(text, result.get("clause"))


def _check_words(policy: Policy, check: Check | None, name: str) -> Phrase:
    """A check by its requirement in the policy's words, or by its name; in another language by what it wants."""
    words = name.replace("_", " ")
    condition = words if check is None else describe(policy, check.require)
    return Phrase(lambda tongue: words if tongue.code == "en" else say(condition, tongue))


def reason_sentences(policy: Policy, reasons: Iterable[Row]) -> Phrase:
    """Reasons as published, each with its clause."""
    return sentences(*(cited(reason_words(policy, reason), reason.get("clause")) for reason in reasons))


def dispute_sentence(policy: Policy, row: Row) -> Phrase:
    """What a dispute brought."""
    clause = policy.disputes.clause if policy.disputes is not None else None
    returned, gone = int(row.get("returned") or 0), int(row.get("forfeited") or 0)
    match row.get("decision"):
        case "upheld":
            amount = credit_words(policy, int(row["credits"]))
            text = phrased("The dispute was decided: the charge of %(credits)s stays", credits=amount)
        case "reduced":
            amount = credit_words(policy, int(row["credits"]))
            text = phrased("The dispute was decided: the charge is %(credits)s now", credits=amount)
        case "returned":
            text = phrased("The dispute was decided: the whole charge is given back")
        case _:
            return cited(phrased("The dispute is not decided yet"), clause)
    brought = lost = None
    if returned or gone:
        brought = phrased("It brought %(credits)s back.", credits=credit_words(policy, returned))
    if gone:
        lost = phrased_of(
            "%(credits)s of it is gone, since their lot had ended.",
            "%(credits)s of it are gone, since their lot had ended.",
            gone,
            credits=credit_words(policy, gone),
        )
    return sentences(cited(text, clause), brought, lost)


def ticket_sentence(
    policy: Policy, ticket: Ticket, charge: Mapping[str, int], *, cover: Phrase | None, source: Phrase | None
) -> Phrase:
    """How a ticket stands, what it cost and why. ``cover``: the cover that pays; ``source``: whence credits came."""
    standing = ticket.in_force or ticket.quote
    charged = bool(charge["held"] or charge["captured"])
    price = assessment_sentence(policy, standing) if standing is not None else _typed(policy, ticket, charged)
    stands = STATES.get(ticket.state) or phrased("stands")
    return sentences(
        phrased("Ticket %(ticket)s %(stands)s.", ticket=ticket.external_id, stands=stands),
        _paid(policy, ticket, charge, cover),
        price,
        source,
        *(dispute_sentence(policy, dispute) for dispute in ticket.disputes),
        reason_sentences(policy, ticket.reasons),
    )


def _typed(policy: Policy, ticket: Ticket, charged: bool) -> Phrase | None:
    kind = policy.credit_type(ticket.credit_type) if ticket.credit_type is not None else None
    if kind is None:
        return None
    title = type_title(policy, kind)
    if charged:
        return cited(phrased("One credit for %(kind)s pays for it", kind=title), kind.clause)
    return cited(phrased("One credit for %(kind)s would pay for it", kind=title), kind.clause)


def _paid(policy: Policy, ticket: Ticket, charge: Mapping[str, int], cover: Phrase | None) -> Phrase | None:
    net, held, captured = charge["net"], charge["held"], charge["captured"]
    if held:
        return phrased_of(
            "%(credits)s is set aside for it.",
            "%(credits)s are set aside for it.",
            held,
            credits=credit_words(policy, held),
        )
    if net:
        return phrased("It cost %(credits)s.", credits=credit_words(policy, net))
    if captured:
        return phrased_of(
            "It costs nothing: %(credits)s was charged and all given back.",
            "It costs nothing: %(credits)s were charged and all given back.",
            captured,
            credits=credit_words(policy, captured),
        )
    if ticket.paid_by == "cover":
        return phrased("%(cover)s pays for it.", cover=capital(cover or phrased("cover")))
    if ticket.paid_by == "nobody":
        return phrased("It costs nothing.")
    return None
