"""Closed and half days by rule, expanded to dated rows: a kept holiday library plus a policy's own rules.

Rows are made once, when a calendar version is published, and keep the library's version: a later library never changes
what was promised before. The library is always asked in English, never in the language of the machine.
"""

from __future__ import annotations

import difflib
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from app.documents.marks import PolicyDocumentError, Problem, pointer
from app.domain.calendar.intervals import intersection, normalise
from app.domain.calendar.opening_hours import InvalidHours, Span, parse_minute
from app.domain.policy.service_levels import ClosureRule, HolidaySet, ServiceHours

if TYPE_CHECKING:
    from holidays import HolidayBase

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2049
MAX_SPAN: Final = 200
"""Years in one expansion."""
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LANGUAGE: Final = "en_US"
"""Names are in this language; countries that the library does not translate are in English anyway."""
_SAMPLE: Final = range(2019, 2032)
"""Years whose names are compared with a name that is not known."""
SETS_MAX: Final = 20
RULES_MAX: Final = 500
_LABELS: Final = frozenset({"observed", "estimated", "in lieu", "substitute day", "additional holiday"})
_LABELLED: Final = re.compile(r"^(?P<holiday>.+?) \((?P<labels>[a-z, ]+)\)$")
_STANDS_FOR: Final = re.compile(r"^(?:Alternative holiday|Day off) for (?P<holiday>.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandedClosure:
    """One local date that is closed, with every reason for it: holidays first, then rules in the document's order."""

    date: date
    names: tuple[str, ...]
    hours: tuple[Span, ...] = ()
    """Minutes of the day in which it may be open all the same: a half day. Empty: closed as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureRules:
    """The holiday sets and rules of a calendar version; later versions inherit them unless they give their own."""

    holidays: tuple[HolidaySet, ...] = ()
    closures: tuple[ClosureRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a holiday set or a rule: the field (empty: the whole), the fault, what to write instead."""

    field: str
    message: str
    hint: str


@lru_cache(maxsize=1)  # the metadata of a package is a file, read and parsed anew each time
def holiday_library_version() -> str:
    """Name and version of the library the holidays come from, kept with each calendar version."""
    return f"holidays {version('holidays')}"


def expand_closures(
    hours: ServiceHours | ClosureRules, first_year: int = FIRST_YEAR, last_year: int = LAST_YEAR
) -> tuple[ExpandedClosure, ...]:
    """Every closed or half day of the years, both included, in order; a day with two reasons is one that names both.

    Holidays fall also on their observed weekday where the set says so. That holds across the turn of a year too (New
    Year's Day 2028 is observed on 2027-12-31). Days by rule are not moved. Refused (ValueError): faulty rules, more
    than `MAX_SPAN` years.
    """
    if not 1900 <= first_year <= last_year < 2400 or last_year - first_year >= MAX_SPAN:
        raise ValueError(f"years {first_year} to {last_year} cannot be expanded")
    faults = [fault for _, _, item in closure_items(hours) for fault in faults_of(item)]
    if faults:
        raise ValueError(faults[0].message)
    days: dict[date, list[str]] = {}
    half: dict[date, list[Span]] = {}
    for holiday_set in hours.holidays:
        for day, names in _holidays(holiday_set, first_year, last_year):
            days.setdefault(day, []).extend(name for name in names if name not in days.get(day, ()))
    for rule in hours.closures:
        # An offset may carry a day over the turn of a year.
        for year in range(first_year - 1, last_year + 2):
            closed = _closed_on(rule, year)
            if closed and first_year <= closed.year <= last_year:
                spans = _minutes(rule)
                # Of several rules the day keeps what all of them leave; one that leaves nothing closes it.
                half[closed] = spans if closed not in days else intersection(half.get(closed, []), spans)
                if rule.name not in days.setdefault(closed, []):
                    days[closed].append(rule.name)
    return tuple(
        ExpandedClosure(date=day, names=tuple(names), hours=tuple(half.get(day, ())))
        for day, names in sorted(days.items())
    )


def _minutes(rule: ClosureRule) -> list[Span]:
    return normalise((parse_minute(opens), parse_minute(closes)) for opens, closes in rule.hours or ())


@lru_cache(maxsize=64)
def _holidays(holiday_set: HolidaySet, first_year: int, last_year: int) -> tuple[tuple[date, tuple[str, ...]], ...]:
    """The public holidays of a set. One year more on each side, since an observed day may lie in the year before."""
    found = _library(holiday_set, range(first_year - 1, last_year + 2))
    rows = []
    for day in sorted(found):
        names = tuple(n for n in found.get_list(day) if not {n, holiday_of(n)} & {*holiday_set.without})
        if names and first_year <= day.year <= last_year:
            rows.append((day, names))
    return tuple(rows)


def library() -> Any:
    """Return the library of holidays. It is large, and most processes never ask it."""
    import holidays

    return holidays


def _library(
    holiday_set: HolidaySet, years: range, language: str = LANGUAGE, categories: tuple[str, ...] = ("public",)
) -> HolidayBase:
    """The library's holidays in a language. Asked in none it would take the one of the environment (``LANG``)."""
    kind = getattr(library(), holiday_set.country)
    with warnings.catch_warnings():
        # Some countries' holidays are known for some years only, and the library says so. Other years have none.
        warnings.simplefilter("ignore")
        found: HolidayBase = library().country_holidays(
            holiday_set.country,
            subdiv=holiday_set.subdivision,
            years=years,
            observed=holiday_set.observed,
            expand=False,
            categories=categories,
            language=language if language in kind.supported_languages else kind.default_language,
        )
    return found


def holiday_of(name: str) -> str:
    """The holiday that a labelled day belongs to: ``New Year's Day (in lieu)`` follows ``New Year's Day``."""
    while (match := _LABELLED.match(name)) and set(match["labels"].split(", ")) <= _LABELS:
        name = match["holiday"]
    stands_for = _STANDS_FOR.match(name)
    return stands_for["holiday"] if stands_for else name


@lru_cache(maxsize=64)
def holiday_names(country: str, subdivision: str | None) -> frozenset[str]:
    """Every name that ``without`` may leave out: those of the library, with and without their labels."""
    every = HolidaySet(country=country, subdivision=subdivision, clause="")
    found = _library(every, range(FIRST_YEAR - 1, LAST_YEAR + 2))
    names = {name for day in found for name in found.get_list(day)}
    return frozenset(names | {holiday_of(name) for name in names})


@lru_cache(maxsize=256)
def _known_elsewhere(country: str, name: str) -> bool:
    """Whether another part of the country has a holiday of that name, or it is none for everybody."""
    kind = getattr(library(), country)
    for subdivision in (None, *kind.subdivisions):
        part = HolidaySet(country=country, subdivision=subdivision, clause="")
        found = _library(part, _SAMPLE, categories=kind.supported_categories)
        if any(name in (name_, holiday_of(name_)) for day in found for name_ in found.get_list(day)):
            return True
    return False


def nearest_holiday(holiday_set: HolidaySet, name: str) -> str | None:
    """The known name that is most like this one, or what it is called here if it is the library's in another language.

    None where nothing resembles it.
    """
    names = {name.casefold(): name for name in sorted(holiday_names(holiday_set.country, holiday_set.subdivision))}
    close = difflib.get_close_matches(name.casefold().replace("\u2019", "'"), names, n=1, cutoff=0.85)
    if close:
        return names[close[0]]
    english = _library(holiday_set, _SAMPLE)
    for language in getattr(library(), holiday_set.country).supported_languages:
        native = _library(holiday_set, _SAMPLE, language)
        for day in sorted(native):
            if name.casefold() in (name.casefold() for name in native.get_list(day)):
                return holiday_of(english.get_list(day)[0])
    close = difflib.get_close_matches(name.casefold(), names, n=1, cutoff=0.6)
    return names[close[0]] if close else None


def _closed_on(rule: ClosureRule, year: int) -> date | None:
    """The day on which a rule closes in a year; None where the year has no such day (29 February, a fifth Monday)."""
    if rule.easter is not None:
        return easter_sunday(year) + timedelta(days=rule.easter + rule.offset_days)
    if rule.fixed is not None:
        month, _, day = rule.fixed.partition("-")
        try:
            return date(year, int(month), int(day)) + timedelta(days=rule.offset_days)
        except ValueError:
            return None
    if rule.nth is None or rule.month is None or rule.weekday is None:
        return None
    found = nth_weekday(year, rule.month, rule.weekday, rule.nth)
    return found and found + timedelta(days=rule.offset_days)


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def nth_weekday(year: int, month: int, weekday: str, nth: int) -> date | None:
    """The nth such weekday of a month, from the end when negative; None where the month lacks it."""
    first = date(year, month, 1)
    if nth < 0:
        after = date(year + month // 12, month % 12 + 1, 1)
        last = after - timedelta(days=1)
        found = last - timedelta(days=(last.weekday() - WEEKDAYS.index(weekday)) % 7 + 7 * (-nth - 1))
    else:
        found = first + timedelta(days=(WEEKDAYS.index(weekday) - first.weekday()) % 7 + 7 * (nth - 1))
    return found if found.month == month else None


# --- faults and requests ----------------------------------------------------------------------------------------------


def faults_of(item: HolidaySet | ClosureRule) -> tuple[Fault, ...]:
    """What makes a holiday set or a rule unusable, each with what to write instead."""
    return _set_faults(item) if isinstance(item, HolidaySet) else tuple(_rule_faults(item))


def closure_items(rules: ServiceHours | ClosureRules) -> Iterator[tuple[str, int, HolidaySet | ClosureRule]]:
    """Every holiday set and rule with its key and index in the document."""
    for i, holiday_set in enumerate(rules.holidays):
        yield "holidays", i, holiday_set
    for i, rule in enumerate(rules.closures):
        yield "closures", i, rule


@lru_cache(maxsize=256)
def _set_faults(holiday_set: HolidaySet) -> tuple[Fault, ...]:
    countries = library().list_supported_countries(include_aliases=True)
    if holiday_set.country not in countries:
        return (
            Fault(
                field="country",
                message=f"No holidays are known for the country {holiday_set.country!r}.",
                hint="Write an ISO 3166 code such as `US` or `DE`.",
            ),
        )
    if holiday_set.subdivision is not None and holiday_set.subdivision not in countries[holiday_set.country]:
        known = ", ".join(countries[holiday_set.country]) or "none"
        return (
            Fault(
                field="subdivision",
                message=f"{holiday_set.country} has no subdivision {holiday_set.subdivision!r}.",
                hint=f"Known: {known}.",
            ),
        )
    return tuple(_name_faults(holiday_set))


def _name_faults(holiday_set: HolidaySet) -> Iterable[Fault]:
    for name in holiday_set.without[:RULES_MAX]:
        known = name in holiday_names(holiday_set.country, holiday_set.subdivision)
        if known or _known_elsewhere(holiday_set.country, name):
            continue
        nearest = nearest_holiday(holiday_set, name)
        place = "-".join(filter(None, (holiday_set.country, holiday_set.subdivision)))
        yield Fault(
            field="without",
            message=f"{place} has no holiday named {name!r}.",
            hint=f"Did you mean {nearest!r}? Names are English, as `closures` shows them."
            if nearest
            else f"Known: {', '.join(sorted(holiday_names(holiday_set.country, holiday_set.subdivision))[:40])}.",
        )


def _rule_faults(rule: ClosureRule) -> Iterable[Fault]:
    if rule.hours is not None:
        yield from _hours_faults(rule)
    forms = [rule.fixed is not None, rule.easter is not None, rule.nth is not None]
    if sum(forms) != 1:
        yield Fault(
            field="",
            message=f"The closure {rule.name!r} must name its day in exactly one way.",
            hint='Write one of `fixed: "12-24"`, `easter: -2`, or `nth: 4` with `weekday` and `month`.',
        )
        return
    if rule.fixed is not None and not _is_month_day(rule.fixed):
        yield Fault(
            field="fixed", message=f"{rule.fixed!r} is no day of the year.", hint='Write month and day, e.g. "12-24".'
        )
    if rule.nth is None:
        if rule.weekday is not None or rule.month is not None:
            yield Fault(field="", message="`weekday` and `month` belong to `nth`.", hint="Remove them, or write `nth`.")
    else:
        if rule.nth == 0 or abs(rule.nth) > 5:
            yield Fault(field="nth", message="`nth` is 1 to 5, or -1 to -5 from the end.", hint="Write `nth: 1`.")
        if rule.weekday not in WEEKDAYS:
            yield Fault(field="weekday", message="`nth` needs a weekday.", hint=f"Write one of {', '.join(WEEKDAYS)}.")
        if rule.month is None or not 1 <= rule.month <= 12:
            yield Fault(field="month", message="`nth` needs a month.", hint="Write `month: 11`.")
    if abs(rule.offset_days) > 31 or (rule.easter is not None and abs(rule.easter) > 180):
        yield Fault(field="", message="The offset is too large.", hint="At most 31 days, or 180 from Easter.")


def _hours_faults(rule: ClosureRule) -> Iterable[Fault]:
    hint = 'Write the hours that stay open, such as `[["09:00", "12:00"]]`; without `hours` the day is closed.'
    try:
        spans = sorted((parse_minute(opens), parse_minute(closes)) for opens, closes in rule.hours or ())
    except InvalidHours as error:
        yield Fault(field="hours", message=str(error.facts["detail"]), hint=hint)
        return
    ends = [0, *(end for _, end in spans)]
    if not spans or any(not end <= opens < closes for end, (opens, closes) in zip(ends, spans, strict=False)):
        yield Fault(field="hours", message=f"The half day {rule.name!r} has no hours that a day can have.", hint=hint)


def _is_month_day(text: str) -> bool:
    month, dash, day = text.partition("-")
    if not (dash and len(month) == len(day) == 2 and (month + day).isascii() and (month + day).isdigit()):
        return False
    try:
        date(2000, int(month), int(day))
    except ValueError:
        return False
    return True


_rules: Final = TypeAdapter(ClosureRules)


def parse_closure_rules(data: Mapping[str, Any], *, clause: str = "") -> ClosureRules:
    """``closure_rules`` of a calendar version: ``{"holidays": [...], "closures": [...]}`` as in a policy document.

    ``clause`` is filled in where an entry names none. Raises `PolicyDocumentError` with paths, without lines.
    """
    filled = {
        key: [{"clause": clause, **entry} if isinstance(entry, dict) else entry for entry in value]
        if isinstance(value, list)
        else value
        for key, value in data.items()
    }
    unknown = sorted(set(data) - {"holidays", "closures"})
    if unknown:
        raise PolicyDocumentError(
            [_problem((unknown[0],), "unknown_key", f"`{unknown[0]}` is not known here.", "Known: holidays, closures.")]
        )
    try:
        rules = _rules.validate_json(json.dumps(filled), strict=True)
    except ValidationError as error:
        raise PolicyDocumentError(
            _problem(detail["loc"], str(detail["type"]), f"{detail['msg']}.", "Write it as in a policy document.")
            for detail in error.errors(include_url=False)
        ) from None
    problems = [
        _problem((key,), "too_many_closures", f"At most {most} {key}.", "Split them over several calendars.")
        for key, listed, most in (("holidays", rules.holidays, SETS_MAX), ("closures", rules.closures, RULES_MAX))
        if len(listed) > most
    ] or [
        _problem((key, i, fault.field) if fault.field else (key, i), "bad_closure", fault.message, fault.hint)
        for key, i, item in closure_items(rules)
        for fault in faults_of(item)
    ]
    if problems:
        raise PolicyDocumentError(problems)
    return rules


def dump_closure_rules(rules: ClosureRules | ServiceHours) -> dict[str, Any]:
    """Holiday sets and rules as JSON-able data; `parse_closure_rules` gives them back."""
    plain = ClosureRules(holidays=rules.holidays, closures=rules.closures)
    data: dict[str, Any] = _rules.dump_python(plain, mode="json", exclude_none=True)
    return data


def _problem(parts: Iterable[str | int], code: str, message: str, hint: str) -> Problem:
    return Problem(path=pointer(parts), line=0, column=0, code=code, message=message, hint=hint)
