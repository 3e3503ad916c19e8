"""What all checks of a policy share: the findings so far, the facts that exist, and ways through the document."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from app.documents import fact_space
from app.documents.fact_space import FactSpace
from app.documents.marks import Marks, Problem, mark_of, pointer
from app.domain.policy.conditions import All, AnyOf, Condition, Not, Test
from app.domain.policy.offers import ChoiceGrant, Grant, Offer
from app.domain.policy.policy import Policy
from app.domain.policy.ticket_rules import RemedyRule

Parts = tuple[str | int, ...]
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


MAX_FINDINGS: Final = 200


class Enough(Exception):  # noqa: N818 - no error: the list is full
    """Enough was found."""


class Checker:
    def __init__(self, policy: Policy, marks: Marks | None) -> None:
        self.policy = policy
        self.marks = marks
        self.found: list[Problem] = []
        self.offer_facts = fact_space.offer_facts(policy)
        self.action_facts = fact_space.action_facts(policy)
        self.ticket_facts = fact_space.ticket_facts(policy)
        self.price_facts = fact_space.price_facts(policy)
        self.work_facts = fact_space.work_facts(policy)
        self.counted_facts = fact_space.counted_facts(policy)

    def error(self, parts: Parts, code: str, message: str, hint: str) -> None:
        self.add(parts, code, message, hint, "error")

    def warn(self, parts: Parts, code: str, message: str, hint: str) -> None:
        self.add(parts, code, message, hint, "warning")

    def add(self, parts: Parts, code: str, message: str, hint: str, severity: Literal["error", "warning"]) -> None:
        if len(self.found) >= MAX_FINDINGS:
            raise Enough
        path = pointer(parts)
        mark = mark_of(self.marks, path)
        self.found.append(
            Problem(
                path=path, line=mark.line, column=mark.column, code=code, message=message, hint=hint, severity=severity
            )
        )

    def place_of(self, error: BaseException) -> Parts:
        """Where in the document the rules were when they failed: the innermost part that they had in hand.

        The rules know nothing of places; what they had in hand is read off the variables of the functions that the
        failure came through.
        """
        known = {id(value): where for where, value in walk(self.policy, ()) if where}
        found: Parts = ()
        trace = error.__traceback__
        while trace is not None:
            held = trace.tb_frame.f_locals.values()
            here = [known[id(value)] for value in held if id(value) in known]
            found = max(here, key=len, default=found)
            trace = trace.tb_next
        return found

    # --- conditions ---

    def condition(
        self, condition: Condition | None, parts: Parts, space: FactSpace, *, what: str = "condition"
    ) -> bool:
        """Checks a condition's facts and values, then that it can hold. False when it is faulty."""
        if condition is None:
            return True
        faulty = [test for test, where in tests(condition, parts) if not self.test(test, where, space)]
        sound = not faulty
        if sound and not fact_space.can_hold(condition, space):
            self.error(
                parts, "never_holds", f"This {what} can never hold.", "Correct a value, or remove what it belongs to."
            )
            return False
        return sound

    def test(self, test: Test, parts: Parts, space: FactSpace) -> bool:
        sound = True
        for key, name in (("fact", test.fact), ("value_fact", test.value_fact)):
            if name is not None and space.get(name) is None:
                near = difflib.get_close_matches(name, list(space.facts), 1)
                hint = f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(sorted(space.facts))}."
                self.error((*parts, key), "unknown_fact", f"The fact `{name}` is not known here.", hint)
                sound = False
        fault = fact_space.test_fault(test, space) if sound else None
        if fault is not None:
            self.error(parts, "bad_comparison", *fault)
        return sound and fault is None

    def placeholders(self, text: str, parts: Parts, space: FactSpace) -> None:
        for name in _PLACEHOLDER.findall(text):
            if space.get(name) is None:
                self.error(
                    parts,
                    "unknown_placeholder",
                    f"`{{{name}}}` names no fact.",
                    "Name a fact, or leave out the braces.",
                )

    # --- names ---

    def unique(self, names: Iterable[tuple[str, Parts]], what: str) -> None:
        places: dict[str, Parts] = {}
        for name, parts in names:
            if name in places:
                line = mark_of(self.marks, pointer(places[name])).line
                where = f" (line {line})" if line else ""
                self.error(
                    parts, "duplicate_id", f"The {what} `{name}` is there already{where}.", "Give it another name."
                )
            else:
                places[name] = parts

    def skus(self, skus: Sequence[str], parts: Parts) -> None:
        known = [offer.sku for offer in self.policy.offers]
        for i, sku in enumerate(skus):
            if sku not in known and self.policy.offer(sku) is None:
                near = difflib.get_close_matches(sku, known, 1)
                hint = f"Did you mean `{near[0]}`?" if near else f"Sold here: {', '.join(known)}."
                self.error((*parts, i), "unknown_sku", f"No offer sells `{sku}`.", hint)

    def remedies(self, remedies: Sequence[RemedyRule], parts: Parts) -> None:
        for i, remedy in enumerate(remedies):
            self.skus(remedy.skus, (*parts, "remedies", i, "skus"))
            if remedy.kind == "buy" and not remedy.skus:
                self.error(
                    (*parts, "remedies", i), "nothing_to_buy", "A `buy` remedy names no offer.", "Write `skus: [sku]`."
                )


def fault_of(error: BaseException) -> str:
    """What went wrong in working out a rule, in a few words."""
    if isinstance(error, OverflowError):
        return "a number or a time gets too large"
    if isinstance(error, RecursionError):
        return "it goes too deep"
    return f"the rules cannot work it out ({type(error).__name__})"


def tests(condition: Condition, parts: Parts) -> Iterator[tuple[Test, Parts]]:
    match condition:
        case Test():
            yield condition, parts
        case All(all=several):
            for i, part in enumerate(several):
                yield from tests(part, (*parts, "all", i))
        case AnyOf(any=several):
            for i, part in enumerate(several):
                yield from tests(part, (*parts, "any", i))
        case Not(no=part):
            yield from tests(part, (*parts, "no"))


def walk(value: Any, parts: Parts) -> Iterator[tuple[Parts, Any]]:
    """Every dataclass of a policy with its place, parents first."""
    if is_dataclass(value):
        yield parts, value
        for f in fields(value):
            yield from walk(getattr(value, f.name), (*parts, f.name))
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from walk(item, (*parts, i))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*parts, key))


def zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def grants(offer: Offer, i: int) -> Iterator[tuple[Parts, Grant]]:
    for j, grant in enumerate(offer.grants):
        parts: Parts = ("offers", i, "grants", j)
        yield parts, grant
        if isinstance(grant, ChoiceGrant):
            for name, option in grant.options.items():
                yield (*parts, "options", name), option
