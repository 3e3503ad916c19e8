"""In all five policies no amount, price or term differs from the text: these tests read both.

The texts under ``tests/data/texts`` are the vendors' own, unchanged. Each test takes the figures out of the text by the
words around them and compares them with what the document says; the last ones go the other way and refuse any figure
of a document that its text does not have, save the readings listed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from app.documents.policy_document import load_policy
from app.domain.policy.offers import ChoiceGrant, CoverGrant, CreditGrant, Grant, Offer
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import FixedPrice, FormulaPrice, FromPrice, OnRequestPrice, RangePrice
from app.domain.policy.ticket_rules import Category
from app.domain.values.term import Term

ROOT = Path(__file__).parents[2]
NAMES = {
    "cactushop": "cactushop-support-cover",
    "cs-cart": "cs-cart-technical-support",
    "avactis": "avactis-support-credits",
    "shopp": "shopp-premium-support-terms",
    "x-cart": "x-cart-incident-points",
}
CLAUSES = {
    "cactushop": ("CACTU", 15),
    "cs-cart": ("CSC", 24),
    "avactis": ("AVA", 16),
    "shopp": ("SHOPP", 25),
    "x-cart": ("XC", 14),
}


def text_of(name: str) -> str:
    text = (ROOT / "tests" / "data" / "texts" / f"{NAMES[name]}.txt").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", text)


def policy_of(name: str) -> Policy:
    return load_policy((ROOT / "app" / "policies" / f"{name}.yaml").read_text(encoding="utf-8"))


def offer(policy: Policy, sku: str) -> Offer:
    return next(o for o in policy.offers if o.sku == sku)


def grants(policy: Policy, sku: str) -> tuple[Grant, ...]:
    return offer(policy, sku).grants


def lots(policy: Policy, sku: str) -> list[tuple[int | None, Term | None]]:
    return [(g.credits, g.expires) for g in grants(policy, sku) if isinstance(g, CreditGrant)]


def covers(policy: Policy, sku: str) -> list[CoverGrant]:
    return [g for g in grants(policy, sku) if isinstance(g, CoverGrant)]


def the(pattern: str, text: str) -> str:
    """The one group of the one place where the text says this."""
    found = set(re.findall(pattern, text))
    assert len(found) == 1, (pattern, found)
    return str(found.pop())


def shown(category: Category) -> str:
    """A price in the words of a price list."""
    match category.price:
        case FixedPrice(credits=credits):
            return str(credits)
        case RangePrice(least=least, most=most):
            return f"{least}-{most}"
        case FromPrice(least=least):
            return f"from {least}"
        case FormulaPrice(base=base, per=per):
            return f"{base} + " + " + ".join(f"{name}*{rate}" for name, rate in per.items())
        case OnRequestPrice():
            return "upon request"


# --- every policy -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_clause_stands_in_its_policy(name: str) -> None:
    prefix, count = CLAUSES[name]
    expected = [f"{prefix}-{n}" for n in range(1, count + 1)] + [f"ALL-{n}" for n in range(1, 6)]
    assert [clause.id for clause in policy_of(name).clauses] == expected


def test_the_clauses_are_ninety_nine() -> None:
    assert sum(count for _, count in CLAUSES.values()) + 5 == 99


@pytest.mark.parametrize("name", NAMES)
def test_every_quote_is_in_the_text_word_for_word(name: str) -> None:
    text = text_of(name)
    quotes = [(clause.id, clause.source) for clause in policy_of(name).clauses if clause.source]
    assert quotes
    assert [(clause, quote) for clause, quote in quotes if quote not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_clause_without_words_of_the_text_is_a_reading(name: str) -> None:
    assert [c.id for c in policy_of(name).clauses if c.source is None and not c.reading] == []


# --- the figures of each ---------------------------------------------------------------------------------------


def test_cactushop() -> None:
    policy, text = policy_of("cactushop"), text_of("cactushop")
    free = the(r"Support lasts (\d+) months \(for free support bundled with licenses\)", text)
    paid = the(r"or (\d+) months if ordered separately", text)
    for sku in ("license-standard", "license-pro"):
        assert [c.term for c in covers(policy, sku)] == [Term(months=int(free))]
        assert offer(policy, sku).price is None
    assert [c.term for c in covers(policy, f"support-{paid}-months")] == [Term(months=int(paid))]
    standard, pro = re.findall(r"we do not charge \$(\d+)/\$(\d+) just to answer", text)[0]
    assert "That price is for one year's support for the standard/pro version" in text
    price = offer(policy, f"support-{paid}-months").price
    assert price is not None
    assert price.by_edition == {"standard": f"{standard}.00", "pro": f"{pro}.00"}
    assert policy.credits is None
    assert policy.unit is None
    assert not any(o.kind == "credits" for o in policy.offers)


def test_cs_cart_what_licenses_bring() -> None:
    policy, text = policy_of("cs-cart"), text_of("cs-cart")
    days, number = re.findall(r"entitles you to (\d+) calendar days or (\d+) credits \(at your choice\)", text)[0]
    first, further = grants(policy, "license")
    assert isinstance(first, ChoiceGrant)
    options = first.options
    assert isinstance(options["credits"], CreditGrant)
    assert isinstance(options["cover"], CoverGrant)
    assert (options["credits"].credits, options["credits"].expires) == (int(number), None)
    assert (options["cover"].term, options["cover"].start) == (Term(days=int(days)), "first_ticket")
    assert isinstance(further, CreditGrant)
    assert further.credits == int(the(r"\(starting from the second one\) comes only with (\d+) credits", text))
    assert further.expires is None


def test_cs_cart_periods_and_packages() -> None:
    policy, text = policy_of("cs-cart"), text_of("cs-cart")
    table = the(r"Extra charge \(for each additional license\)\* (.*?) \*\) In case", text)
    periods = re.findall(r"(\d+) (month|months|year) \$(\d+) \$(\d+)", table)
    assert len(periods) == 4
    for number, unit, price, extra in periods:
        months = int(number) * (12 if unit == "year" else 1)
        sold = offer(policy, f"support-{months}-months")
        assert sold.price is not None
        assert (sold.price.amount, sold.price.each_additional_license) == (f"{price}.00", f"{extra}.00")
        assert [(c.term, c.start, c.scope) for c in covers(policy, sold.sku)] == [
            (Term(months=months), "first_ticket", "account")
        ]
    packs = re.findall(r"(\d+) credits \$(\d+)", text)
    assert len(packs) == 4
    for number, price in packs:
        sold = offer(policy, f"credits-{number}")
        assert sold.price is not None
        assert sold.price.amount == f"{price}.00"
        assert lots(policy, sold.sku) == [(int(number), None)]
    assert {o.sku for o in policy.offers} == {
        "license",
        *(f"credits-{n}" for n, _ in packs),
        *(f"support-{n}-months" for n in (1, 3, 6, 12)),
    }


def test_cs_cart_categories_and_hours() -> None:
    policy, text = policy_of("cs-cart"), text_of("cs-cart")
    found = re.findall(r"[;.] ?\((\d+) credits\)", text)
    prices = [c.price for c in policy.categories if c.category.startswith("category_")]
    assert prices == [FixedPrice(credits=int(n)) for n in found]
    assert len(found) == 3
    assert [c.confirm for c in policy.categories[:3]] == [False, True, True]
    offset = int(the(r"only during the day at GMT\+(\d+)", text))
    assert policy.service_hours.zone == f"Etc/GMT-{offset}"
    assert policy.service_hours.reading
    assert policy.cover.suspensions == 1
    assert "suspend/resume the service only one time" in text


def test_avactis_licenses() -> None:
    policy, text = policy_of("avactis"), text_of("avactis")
    months = Term(months=int(the(r"will expire (\d+) months from the order date", text)))
    leased = the(r"Leased Version: UNLIMITED Level 1 Support \+ (\d+) Credits", text)
    owned = the(r"Owned Version: (\d+) Credits \*", text)
    basic, standard = re.findall(r"(\d+) Credits on “Basic” hosting plan, (\d+) Credits on “Standard”", text)[0]
    assert "Free Version: 0 Credits" in text
    assert lots(policy, "license-free") == []
    assert lots(policy, "license-leased") == [(int(leased), months)]
    assert lots(policy, "license-owned") == [(int(owned), months)]
    assert lots(policy, "license-saas-basic") == [(int(basic), months)]
    assert lots(policy, "license-saas-standard") == [(int(standard), months)]
    assert lots(policy, "license-saas-professional") == []
    levels = {o.sku: [c.levels for c in covers(policy, o.sku)] for o in policy.offers}
    assert levels == {
        "license-free": [],
        "license-leased": [(1,)],
        "license-owned": [],
        "license-saas-basic": [(1,)],
        "license-saas-standard": [(1,)],
        "license-saas-professional": [(1, 2)],
        "credits-{n}": [],
    }
    assert lots(policy, "credits-{n}") == [(None, None)]
    assert "purchased separately from a license never expire" in text


def test_avactis_discount_and_guarantee() -> None:
    policy, text = policy_of("avactis"), text_of("avactis")
    (grant,) = grants(policy, "license-owned")
    over = int(the(r"at a discount over than (\d+)%", text))
    when: Any = grant.when
    assert (when.fact, when.op, when.value) == ("line.discount_percent", "le", over)
    assert grant.otherwise is not None
    assert grant.otherwise.code == "discount_over_limit"
    assert policy.guarantee is not None
    assert policy.guarantee.within == Term(days=int(the(r"the (\d+)-day money back guarantee", text)))


def test_avactis_price_list() -> None:
    policy, text = policy_of("avactis"), text_of("avactis")
    rows = {
        "features": r"features usage\. ([\d-]+) Credits",
        "setup": r"after the software installation\. ([\d-]+) Credits",
        "domain_change": r"personal license data\. ([\d-]+) Credits",
        "customization": r"resolved within 30 minutes\. ([\d-]+) Credits",
        "root_cause": r"reports will be prepared and distributed\. ([\d-]+) Credits",
        "root_cause_debugging": r"pro-active code debugging\. ([\d-]+) Credits",
        "hosting": r"server mail systems, viruses, etc\. ([\d-]+) Credits",
        "edition_update": r"after purchasing of a license ([\d-]+) Credits",
        "clarification": r"specific issue or task details\. ([\d-]+) Credits",
    }
    priced = {c.category: shown(c) for c in policy.categories}
    expected = {category: the(pattern, text) for category, pattern in rows.items()}
    free = dict.fromkeys(("general", "warranty", "bug_report", "quote_request"), "0")
    assert priced == {**expected, **free, "patching": "upon request"}
    levels = {c.category: c.level for c in policy.categories if c.level}
    assert levels == {category: 1 if category in ("features", "setup") else 2 for category in rows}


def test_shopp() -> None:
    policy, text = policy_of("shopp"), text_of("shopp")
    term = Term(months=int(the(r"made void after a term of six \((\d+)\) months from the time of purchase", text)))
    typed = {o.sku: lots(policy, o.sku) for o in policy.offers if o.kind == "credits"}
    assert len(typed) == 6
    assert all(found == [(1, term)] for found in typed.values())
    assert all(o.price is None for o in policy.offers), "the text names no price"
    assert policy.money_back is not None
    days = the(r"fully refunded within a period of sixty \((\d+)\) days from the time of purchase", text)
    assert policy.money_back.full_within == Term(days=int(days))
    assert policy.service_hours.notice_days == int(the(r"at least (\d+) days before the new exclusion rules", text))
    opens, closes = re.findall(r"from the hours of (\d+) AM to (\d+) PM Eastern time", text)[0]
    span = (f"{int(opens):02}:00", f"{int(closes) + 12}:00")
    assert policy.service_hours.weekly_hours == dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (span,))
    assert "(Monday through Friday)" in text
    assert policy.service_hours.zone == "America/New_York"


def test_shopp_lists() -> None:
    raw = (ROOT / "tests" / "data" / "texts" / "shopp-premium-support-terms.txt").read_text(encoding="utf-8")
    policy = policy_of("shopp")

    def bullets(heading: str, until: str) -> list[str]:
        part = raw[raw.index(heading) :]
        return re.findall(r"^\s*•\s*(.+)$", part[: part.index(until)], re.MULTILINE)

    grounds = [g for g in policy.qualification.grounds if g.kind == "ground" and g.code != "other"]
    exclusions = [g for g in policy.qualification.grounds if g.kind == "exclusion"]
    assert len(grounds) == len(bullets("3.2 Rejected", "3.3 Resolved")) == 13
    assert len(exclusions) == len(bullets("5 Exclusions", "6 Disclaimer")) == 7
    assert len([o for o in policy.outcomes if o.by_agent]) == len(bullets("3.3 Resolved", "4 Support Credit")) == 5
    assert policy.access is not None
    assert len(policy.access.kinds) == len(bullets("1.4 Access", "1.5 Use")) == 4
    own_days = bullets("1.1 Hours", "1.2 Response")
    assert len(policy.service_hours.closures) == len(own_days) == 5
    assert policy.credits is not None
    served = {t.credit_type: t.serves for t in policy.credits.types}
    six = bullets("12.1 Priority Support", "12.1 Escalated")
    assert len(served["priority"]) == len(six) == 6
    assert served["escalated"] == served["priority"]
    assert all(len(kinds) == 1 for name, kinds in served.items() if name not in ("priority", "escalated"))


def test_x_cart_points() -> None:
    policy, text = policy_of("x-cart"), text_of("x-cart")
    years = Term(years=int(the(r"automatically expire after (\d+) years from the day of purchase", text)))
    packs = re.findall(r"Technical support subscription, (\d+) points \| USD ([\d.]+)", text)
    assert len(packs) == 4
    for number, price in packs:
        sold = offer(policy, f"credits-{number}")
        assert sold.price is not None
        assert sold.price.amount == price
        assert lots(policy, sold.sku) == [(int(number), years)]
    assert {o.sku for o in policy.offers} == {"license", *(f"credits-{n}" for n, _ in packs)}
    assert [expires for _, expires in lots(policy, "license")] == [years]
    assert "responds within one business day" in text
    assert policy.promises[0].target == "business_days:1"


def test_x_cart_price_list() -> None:
    policy = policy_of("x-cart")
    raw = (ROOT / "tests" / "data" / "texts" / "x-cart-incident-points.txt").read_text(encoding="utf-8")
    rows = {
        title.strip(): price.strip()
        for title, price in re.findall(r"^\| ([^|\n]+) \| ([^|\n]+) \|$", raw, re.MULTILINE)
    }
    audit = re.search(r"Website security audit\s*\|\s*([^|]+?)\s*\|", raw)
    assert audit
    rows["Website security audit"] = audit[1]
    names = {
        "Level 0: General questions": "level_0",
        "Level 1: Consultation on software functionalities": "level_1",
        "Level 2: Problem-solving on client's store": "level_2",
        "Level 3: Problem-solving on client's store and server": "level_3",
        "Level 4: Code debugging and debug data monitoring": "level_4",
        "Product waranty issues": "warranty",
        "Small mods": "small_modification",
        "Medium mods": "medium_modification",
        "Patch application": "patch",
        "Other issues": "other",
        "Installation service for points": "installation",
        "Installation of 3rd-party web-software": "third_party_installation",
        "Installation of SSL certificate": "ssl_certificate",
        "Installation of server applications": "server_applications",
        "Transfer of X-Cart/LiteCommerce store": "store_transfer",
        "Transfer of heavily customized X-Cart store": "customized_store_transfer",
        "Transfer of Sales-n-Stats": "sales_n_stats_transfer",
        "Transfer of LiteCommece ASPE": "aspe_transfer",
        "X-Cart performance optimization": "performance_optimization",
        "Optimization of server applications performance": "server_optimization",
        "SEF analysis": "sef_analysis",
        "Website security audit": "security_audit",
    }
    priced = {title: price for title, price in rows.items() if title in names}
    assert set(rows) - set(names) <= {"Issue category", "Subscription"}
    assert set(priced) == set(names)
    ours = {c.category: shown(c) for c in policy.categories}
    assert ours == {
        names[title]: price.lower() if "request" in price.lower() else price for title, price in priced.items()
    }
    assert {c.category: [i.name for i in c.inputs] for c in policy.categories if c.inputs} == {
        "aspe_transfer": ["N"],
        "security_audit": ["X"],
    }


# --- the other way: no figure that the text does not have -------------------------------------------------------

REMINDERS = {("credits/reminder_days", 30), ("credits/reminder_days", 7), ("credits/reminder_days", 1)}
SILENT = {("rounding/to", 1), ("reopening/window/days", 30), ("causes/expired_lot/grace/days", 30)}
READINGS: dict[str, set[tuple[str, int | str]]] = {
    # Where the text is silent: reminders, reopening, ALL-4, and the counting of "one", "first" and "second".
    "cactushop": {("cover/reminder_days", 30), ("cover/reminder_days", 7), ("cover/reminder_days", 1)},
    "cs-cart": REMINDERS,
    "avactis": REMINDERS,
    # "Day after Thanksgiving" is the day after the fourth Thursday of November; Good Friday is two days before Easter.
    "shopp": REMINDERS | {("service_hours/closures/easter", -2)},
    "x-cart": REMINDERS,
}
COUNTING = {
    "format",
    "version",
    "priority",
    "credits/types",
    "promises",
    "when",
    "requires",
    "qualification",
    "actions",
}


def figures(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int | str]]:
    if is_dataclass(value):
        for f in fields(value):
            yield from figures(getattr(value, f.name), (*path, f.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from figures(item, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from figures(item, (*path, str(key)))
    elif (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and re.fullmatch(r"\d+\.\d\d", value)
    ):
        yield path, value


@pytest.mark.parametrize("name", NAMES)
def test_no_figure_of_a_document_is_missing_from_its_text(name: str) -> None:
    policy, text = policy_of(name), text_of(name)
    numbers = set(re.findall(r"\d+(?:\.\d+)?", text)) | ({"12"} if "1 year" in text else set())
    strange = {
        ("/".join(path), figure)
        for path, figure in figures(policy)
        if not COUNTING & set(path) and path[-2:] != ("inputs", "most") and figure not in (0, "0.00")
        if str(figure).removesuffix(".00") not in numbers
    }
    assert strange <= READINGS[name] | SILENT


@pytest.mark.parametrize("name", NAMES)
def test_no_price_of_a_text_is_missing_from_its_document(name: str) -> None:
    policy, text = policy_of(name), text_of(name)
    prices = {amount for _, amount in figures(policy.offers) if isinstance(amount, str)}
    named = {f"{whole}.{cents or '00'}" for whole, cents in re.findall(r"(?:\$|USD )(\d+)(?:\.(\d\d))?", text)}
    assert prices == named
