"""Credits that come again: what ends them, and bounds of what goes over that make sense."""

from __future__ import annotations

from app.documents.checks.context import Checker, Parts
from app.domain.policy.offers import ChoiceGrant, CoverGrant, CreditGrant, Offer, Recurrence, Rollover

LICENSE = "license"


def check_recurrence(c: Checker, offer: Offer, grant: CreditGrant, parts: Parts) -> None:
    """Check how often credits come again, until when, and what becomes of unused ones."""
    recurs = grant.recurs
    if recurs is None:
        return
    if parts[-2] != "grants":
        c.error(
            (*parts, "recurs"),
            "recurs_in_choice",
            "An option of a choice brings credits once.",
            "Write the grant beside the choice.",
        )
    if not recurs.interval:
        c.error(
            (*parts, "recurs", "interval"), "empty_interval", "This comes again after no time.", "Write `{months: 1}`."
        )
    elif recurs.anchor == "calendar" and recurs.interval.days:
        c.error(
            (*parts, "recurs", "anchor"),
            "calendar_of_days",
            "An interval of days begins with no month.",
            "Write an `interval` of months or years, or leave `anchor` out.",
        )
    _end(c, offer, recurs, (*parts, "recurs"))
    _unused(c, grant, recurs, parts)


def check_plan_end(c: Checker, grant: CreditGrant, parts: Parts) -> None:
    """Check that there is cover with which credits may end."""
    covers = {
        option.rule
        for offer in c.policy.offers
        for each in offer.grants
        for option in (each.options.values() if isinstance(each, ChoiceGrant) else (each,))
        if isinstance(option, CoverGrant)
    }
    for i, rule in enumerate(grant.ends_with):
        if rule not in covers:
            c.error(
                (*parts, "ends_with", i),
                "ends_with_nothing",
                f"No offer brings cover `{rule}`.",
                f"Write one of {', '.join(sorted(covers)) or 'none yet'}.",
            )


def _end(c: Checker, offer: Offer, recurs: Recurrence, parts: Parts) -> None:
    """Something ends what recurs, or the document says that nothing does."""
    if recurs.runs_with is not None:
        covers = [grant.rule for grant in offer.grants if isinstance(grant, CoverGrant)]
        known = [*covers, *([LICENSE] if offer.kind == LICENSE else [])]
        if recurs.runs_with not in known:
            c.error(
                (*parts, "runs_with"),
                "runs_with_nothing",
                f"`{offer.sku}` brings no cover `{recurs.runs_with}` with these credits.",
                f"Write one of {', '.join(known)}." if known else "Grant a cover beside them, or write `lasts`.",
            )
        if recurs.lasts is not None:
            c.error(
                (*parts, "lasts"),
                "two_ends",
                f"They end with `{recurs.runs_with}`, and after a term.",
                "Remove one of the two.",
            )
    never = recurs.runs_with is None and recurs.lasts is None
    if never and not recurs.endless:
        c.warn(
            parts,
            "recurs_for_ever",
            "These credits come again without end.",
            "Write `runs_with` or `lasts`; if it is meant, write `endless: true`.",
        )
    elif recurs.endless and not never:
        c.error((*parts, "endless"), "endless_with_an_end", "Something ends these credits.", "Remove `endless`.")
    if recurs.lasts is not None and not recurs.lasts:
        c.error((*parts, "lasts"), "empty_interval", "They would come for no time.", "Write `{years: 1}`.")


def _unused(c: Checker, grant: CreditGrant, recurs: Recurrence, parts: Parts) -> None:
    where = (*parts, "recurs", "rollover")
    if recurs.rollover is not None and recurs.at_renewal != "rollover":
        c.error(
            where,
            "rollover_without_rollover",
            f"With `at_renewal: {recurs.at_renewal}` nothing is bounded.",
            "Write `at_renewal: rollover`, or remove `rollover`.",
        )
    if recurs.at_renewal == "rollover":
        _bounds(c, grant, recurs.rollover or Rollover(), where if recurs.rollover else (*parts, "recurs"))
    if recurs.at_renewal == "reset" and grant.expires is not None:
        c.warn(
            (*parts, "expires"),
            "reset_comes_first",
            "Unused credits end at the next renewal, or at this term if it is shorter.",
            "Leave `expires` out, or write `at_renewal: accumulate`.",
        )


def _bounds(c: Checker, grant: CreditGrant, rollover: Rollover, where: Parts) -> None:
    bounds = {name: getattr(rollover, name) for name in ("max_credits", "max_grants", "intervals")}
    if all(bound is None for bound in bounds.values()):
        c.error(
            where,
            "rollover_without_bound",
            "Nothing bounds what goes over.",
            "Write `max_credits`, `max_grants` or `intervals`, or `at_renewal: accumulate`.",
        )
    for name, bound in bounds.items():
        if bound is not None and bound < 1:
            c.error(
                (*where, name),
                "out_of_bounds",
                f"`{name}` cannot be {bound}.",
                "Write 1 or more, or `at_renewal: reset`.",
            )
    each = grant.credits
    if each and rollover.max_credits is not None and rollover.max_credits < each:
        what = "less than one grant goes over" if rollover.counts == "unused" else "a new grant alone is more"
        c.warn(
            (*where, "max_credits"),
            "rollover_below_one_grant",
            f"The bound is {rollover.max_credits} and a grant {each}: {what}.",
            "Check which of the two numbers is meant.",
        )
