"""Say what the reasons of policies mean, for whichever tenant asks: no vendor's prices, terms or places.

Several policies use the same code, each with words of its own. Those words stand in the answer that gives the reason,
and in ``GET /v1/policies/{name}`` for the tenant whose policy it is. A page that everybody may read tells neither.
"""

# fmt: off

from __future__ import annotations

from typing import Final

ANY: Final = "A rule of the policy in force gives this reason."
YES: Final = "Nothing: this is why the answer is yes."
ASK: Final = (
    "See `reasons` for the clause and the facts it rests on, and `remedies` for what helps. "
    "GET /v1/policies/{name} lists the policy's reasons."
)
MEANINGS: Final[dict[str, str]] = {
    "abusive_conduct": "The policy does not serve requests whose author is uncooperative or abusive.",
    "admin_browser_problem": "The problem is one of the administrative pages in a particular web browser.",
    "backup_undecided": "The service changes data, and it is open whether there is a backup or the risk is accepted.",
    "choice_required": "The license brings one of several grants, and the customer has not chosen yet.",
    "cover_expired": "The support cover that the request needs has ended.",
    "cover_missing": "The request needs support cover, and there has never been any.",
    "cover_pending": "A period of support waits, and this request starts it.",
    "cover_suspended": "The period of support that would pay for the request is suspended.",
    "covered": "Support cover that is in force pays for the request.",
    "credits_available": "There are credits to pay for the request.",
    "credits_used_up": "There are no credits left, and no period of support is running.",
    "custom_code_required": "The request needs code that is written for this customer alone.",
    "development_or_design": "The request asks for development or design, which is no support under the policy.",
    "discount_over_limit": "The license was bought at a discount above the policy's limit for free credits.",
    "free_categories": "There is nothing to pay with; the policy answers some categories free of charge all the same.",
    "free_of_charge": "The policy gives this free of charge.",
    "incompatible_environment": "The system or the hosting is one that the product does not work with.",
    "limited_access": "The vendor's people could not reach all of the installation that they need.",
    "modified_product": "The product was modified, and the policy supports it unmodified.",
    "modified_use": "A modified product is in use, and the policy supports unmodified ones.",
    "network_issue": "The cause lies in a network, in e-mail or in how files are managed.",
    "no_license": "The account holds no license, and the policy serves or sells this to license holders.",
    "not_current_release": "The release is not the current one, which is the one that the policy supports.",
    "not_first_order": "What the policy gives with a first order came with a later one.",
    "not_offered": "The policy does not sell this.",
    "not_official": "The copy does not come from where the vendor publishes it.",
    "not_registered": "The installation is not registered.",
    "open_forum": "Everybody may post in this forum.",
    "other": "The vendor refuses for another reason, at its own discretion.",
    "out_of_scope_customization": "New functions and changes of standard ones are no support under the policy.",
    "outside_delivery": "The request asks for support by a way that the policy does not offer.",
    "project_assistance": "The request asks for help with a project of the customer's own.",
    "purchase_not_verifiable": "It cannot be confirmed that this account bought what the request is about.",
    "registered": "The account holds a license, and its owner may post in this forum.",
    "requirement_missing": "The service has a requirement that is not met; `reasons` names it.",
    "several_issues": "The ticket is about several issues, and the policy wants one.",
    "support_key_inactive": "The license named is not active.",
    "third_party_cause": "The cause lies in something that other people make.",
    "third_party_interaction": "The issue is how the product and something that other people make act on each other.",
    "unclear_description": "The ticket does not describe its issue clearly enough.",
    "unrelated_styling": "The styling in question does not come from the product.",
    "unsupported_browser": "The web browser or its version is not one that the policy supports.",
    "unsupported_environment": "The hosting or the system is not one that the policy supports.",
    "unsupported_language": "The ticket is not in a language in which the policy gives support.",
    "unsupported_product": "The product is not one that the policy supports.",
    "upgrade_would_resolve": "The current release may resolve the issue.",
    "wordpress_too_new": "The platform's version is newer than the product supports.",
    "wordpress_too_old": "The platform's version is older than the product supports.",
    "wrong_channel": "The ticket came by a channel through which the policy gives no support.",
    "wrong_credit_type": "A credit of this type does not pay for this kind of request.",
}
STEPS: Final[dict[str, str]] = {
    "choice_required": "Let the customer choose: GET /v1/customers/{customer_id}/choices lists what there is.",
    "cover_suspended": "Resume the period with POST /v1/covers/{cover_id}/resumption, or see `remedies`.",
    "unsupported_language": "Write in a language that GET /v1/policies/{name} lists under `languages`.",
    "wrong_channel": "Open the ticket by a channel that GET /v1/policies/{name} lists under `channels`.",
}
