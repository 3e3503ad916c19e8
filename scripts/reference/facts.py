"""The facts that conditions of a policy may look at, by the place of the rule."""

from __future__ import annotations

import dataclasses

from app.documents.fact_space import Fact, action_facts, offer_facts, ticket_facts, work_facts
from app.domain.policy.plans import SupportPlan
from app.domain.policy.releases import Releases
from app.usecases.tenants.tenants import templates
from scripts.reference.table import code, codes, page, table

MEANING = {
    "attributes.<name>": "what the storefront says of the line under `attributes`",
    "choice.open": "whether the customer has a choice to make",
    "cover.active": "whether cover is in force that opens the action and serves the license asked about",
    "cover.ended_at": "when the last such cover ended",
    "cover.ends_at": "when the last such cover in force ends; unknown without an end",
    "cover.ever": "whether such cover has ended before",
    "cover.lapsed_days": "whole days since cover like the offer's ended; unknown where it runs, or there was none",
    "cover.lapsed_months": "whole months since then",
    "cover.pending": "whether such cover waits and would begin now",
    "cover.suspended": "whether such cover is suspended",
    "credits.available": "credits that could be held now",
    "credits.overdraft_left": "credits that could still be overdrawn",
    "credits.bought_here": "whether this account bought the credits that it would spend; unknown without any",
    "customer.addons": "the add-ons that the customer bought",
    "customer.editions": "the editions of the licenses held",
    "customer.hosting_certified": "whether the host of the ticket (fact `host`) is certified; unknown until recorded",
    "customer.licenses": "how many licenses are held",
    "customer.plans_had": "the plans of which the customer had a period before this line",
    "customer.licenses_bought": "the same with ended ones, without refunded ones",
    "entitled.<action>": "whether the customer may do this action of the policy",
    "license.active": "whether the license is active",
    "license.edition": "its edition, one of the policy's `editions`",
    "license.first_order": "whether the license came with the account's first order of licenses",
    "license.given": "whether a license was named",
    "license.ordinal": "which license of the account it is, 1 for the first",
    "license.owned": "whether the license named is this customer's",
    "license.registered": "whether it is registered to an installation",
    "line.discount_percent": "how much below the list price, exact",
    "line.list_price_zero": "whether the list price is 0",
    "line.quantity": "how many units",
    "plan.ends_at": "when the plan `plan.name` ends; unknown without an end",
    "plan.includes": "every plan whose rights there are now, by `includes` of `plans`",
    "plan.name": "the highest plan that runs for the license, one of the policy's `plans`",
    "plan.rank": "its place in `plans`, from 1; 0 where no plan runs",
    "plan.seats": "for how many people that plan is; unknown where nobody counts them",
    "release.ends_at": "when support of that release ends; unknown where no end is known yet",
    "release.name": "the release that the ticket is about, one of the policy's `releases`; unknown where it is none",
    "release.supported": "whether that release is supported now",
    "query.forum": "what the caller says under `forum`",
    "query.product": "what the caller says under `product`",
    "query.reason": "what the caller says under `reason`",
    "query.released_at": "what the caller says under `released_at`",
    "ticket.category": "the category, one of the policy's",
    "ticket.channel": "the channel; absent: unknown",
    "ticket.credit_type": "the type of credit named",
    "ticket.language": "the primary part of the language, in lower case",
    "ticket.opened_in_hours": "whether the ticket was opened in service hours",
    "ticket.opened_on_business_day": "whether it was opened on a day with service hours",
    "ticket.opened_weekday": "the day of the week on which it was opened, in the zone of the service hours",
    "ticket.pay_with": "how the customer wants to pay",
    "ticket.priority": "the priority, one of the policy's",
    "ticket.product": "the product named",
    "work.in_hours": "whether this part of the line of work is in service hours",
    "work.kind": "the kind of work that the line names, one of the policy's",
    "work.on_business_day": "whether this part is on a day with service hours",
    "work.weekday": "the day of the week of this part, in the zone of the service hours",
}


def facts() -> str:
    """Return the page. A fact without a meaning here, or a meaning without its fact, is an error."""
    plan = SupportPlan(plan="gold", title="Gold", clause="ALL-1")
    releases = Releases(fact="version", clause="ALL-1", releases=())
    policy = dataclasses.replace(templates()["shopp"][0], plans=(plan,), releases=releases)
    places = {
        "order line (`when`, `requires` of offers and grants)": dict(offer_facts(policy).facts),
        "action": dict(action_facts(policy).facts),
        "ticket (checks, grounds, gates)": dict(ticket_facts(policy).facts),
        "surcharge": dict(work_facts(policy).facts),
    }
    own = {spec.fact for spec in policy.facts}
    found: dict[str, tuple[Fact, list[str]]] = {}
    for place, known in places.items():
        for name, fact in known.items():
            if name in own:
                continue
            shown = "entitled.<action>" if name.startswith("entitled.") else name
            where = found.setdefault(shown, (fact, []))[1]
            if place not in where:
                where.append(place)
    line = next(iter(places))
    found["attributes.<name>"] = (Fact("text"), [line])
    if found.keys() != MEANING.keys():
        raise SystemExit(f"scripts/reference/facts.py: {sorted(found.keys() ^ MEANING.keys())}")
    named = {"ticket.channel", "ticket.pay_with"}
    rows = [
        (
            code(name),
            fact.type,
            codes(fact.values) if name in named else "",
            "never" if fact.always else "may be",
            MEANING[name],
            "everywhere" if len(where) == len(places) else ", ".join(one.split(" (")[0] for one in where),
        )
        for name, (fact, where) in sorted(found.items())
    ]
    return page(
        "Facts",
        "A condition compares a fact with a value ([conditions](../policies.md#conditions)). Which "
        "facts exist "
        "depends on where the rule stands: at an order line (`when` and `requires` of offers and "
        "grants), at an action, at a "
        "ticket (checks, grounds, gates), or at a surcharge. At a ticket and a surcharge the policy's "
        "own `facts` exist too, by their names.",
        table(("fact", "type", "values", "unknown", "means", "where"), rows),
        "An unknown fact makes a comparison unknown: it neither holds nor fails (ALL-3).",
    )
