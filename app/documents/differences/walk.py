"""Two policy documents, side by side: what was added, taken out and changed, each in a sentence.

Everything is compared, and each member has its words (`phrases`). So two documents that differ in anything have a
difference in words, and equal ones have none. Comments and the order of members mean nothing; the order of lists does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.documents.differences import phrases
from app.documents.differences.values import Setting, openings, shortened, worded
from app.documents.marks import pointer
from app.domain.policy.offer_prices import OfferPrice
from app.domain.policy.policy import Policy
from app.domain.policy.ticket_rules import Category
from app.domain.values.phrase import capital
from app.domain.values.term import Term

Change = Literal["added", "removed", "changed"]
_CONDITIONS: Final = frozenset({"Test", "All", "AnyOf", "Not"})
_BY_SERVICE: Final = frozenset({"version", "effective_from"})
_UNSAID: Final = frozenset({"title", "code", "message", "reading", "kind", "text", "clause"})
"""Members that no sentence about a new thing repeats."""
_WEEK: Final = {
    "mon": "Mondays",
    "tue": "Tuesdays",
    "wed": "Wednesdays",
    "thu": "Thursdays",
    "fri": "Fridays",
    "sat": "Saturdays",
    "sun": "Sundays",
}
_PLURAL_VERBS: Final = {"rests": "rest", "is": "are", "cites": "cite", "says": "say", "reads": "read", "was": "were"}
_OWNERS: Final = (
    '"',
    "the check",
    "the choice",
    "the entitlement",
    "the hours",
    "the offer",
    "the option",
    "the price",
    "the promise",
    "the rule",
    "the service hours",
)
"""How the names of things begin that say which thing a part is of."""
DETAILS: Final = 4
"""What a sentence says of a new thing at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs. ``path``: where it stands, in the new document, or in the old one if it is gone."""

    path: str
    change: Change
    words: str


@dataclass(frozen=True, slots=True)
class Place:
    """A thing that is looked at: its path, its name in a sentence, and the currency of its amounts."""

    path: tuple[str | int, ...]
    name: str
    currency: str
    plural: bool = False

    def at(self, *steps: str | int) -> tuple[str | int, ...]:
        return (*self.path, *steps)


def differences(before: Policy, after: Policy) -> tuple[Difference, ...]:
    """What the second document says otherwise than the first, in the order of the document."""
    walk = Walk(before, after)
    return tuple(walk.things(before, after, Place((), "the policy", after.currency)))


def _same(one: Any, other: Any) -> bool:
    return one is other or (one == other and _exact(one) == _exact(other))


def _exact(value: Any) -> Any:
    """A value with its types: 1 is not true."""
    if dataclasses.is_dataclass(value):
        return (type(value).__name__, *(_exact(getattr(value, f.name)) for f in dataclasses.fields(value)))
    if isinstance(value, Mapping):
        return {name: _exact(member) for name, member in value.items()}
    if isinstance(value, tuple):
        return tuple(_exact(item) for item in value)
    return (type(value).__name__, value)


class Walk:
    """Walks through both documents at once."""

    def __init__(self, before: Policy, after: Policy) -> None:
        self.before, self.after = before, after

    # --- things and their members

    def things(self, before: Any, after: Any, place: Place) -> Iterator[Difference]:
        """What two things of one class differ in."""
        for field in dataclasses.fields(after):
            old, new = getattr(before, field.name), getattr(after, field.name)
            unlooked = field.name in _BY_SERVICE and isinstance(after, Policy)
            if not unlooked and not _same(old, new):
                yield from self.member(type(after).__name__, field.name, old, new, place)

    def member(self, owner: str, name: str, old: Any, new: Any, place: Place) -> Iterator[Difference]:
        if owner == Category.__name__ and name == "price":
            yield from self.price(old, new, place)
        elif _are_things(old, new):
            yield from self.list(name, old or (), new or (), place)
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from self.mapping(owner, name, old, new, place)
        elif is_part(old) or is_part(new):
            yield from self.part(name, old, new, place)
        else:
            yield self.changed(owner, name, old, new, place)

    def price(self, old: Any, new: Any, place: Place) -> Iterator[Difference]:
        was, now = (
            worded("price", value, self.setting(policy, "Category.price", place))
            for value, policy in ((old, self.before), (new, self.after))
        )
        if was != now:
            yield self.changed("Category", "price", old, new, place)
        if type(old) is type(new):
            for field in dataclasses.fields(new):
                mine, other = getattr(old, field.name), getattr(new, field.name)
                if not _same(mine, other) and (was == now or field.name.endswith("_clause")):
                    inner = dataclasses.replace(place, path=place.at("price"))
                    yield self.changed(type(new).__name__, field.name, mine, other, inner)
        elif was == now:
            yield self.changed("Category", "price", old, new, place)

    def part(self, name: str, old: Any, new: Any, place: Place) -> Iterator[Difference]:
        """A part that a thing has once: added, gone, or changed."""
        found = self.named_part(name, new if new is not None else old, place)
        if old is not None and new is not None and type(old) is type(new):
            yield from self.things(old, new, found)
            return
        if old is not None:
            yield self.gone(old, found)
        if new is not None:
            yield self.new(new, found)

    def list(self, name: str, old: Sequence[Any], new: Sequence[Any], place: Place) -> Iterator[Difference]:
        """Things of a list, found again by their names."""
        pairs = _pairs(old, new)
        missing = set(range(len(old))) - {i for i, _ in pairs}
        for i in sorted(missing):
            yield self.gone(old[i], self.named(old[i], place, name, i))
        found = {j: i for i, j in pairs}
        for j, item in enumerate(new):
            if j not in found:
                yield self.new(item, self.named(item, place, name, j))
            elif not _same(old[found[j]], item):
                yield from self.things(old[found[j]], item, self.named(old[found[j]], place, name, j))
        order = [i for i, _ in sorted(pairs, key=lambda pair: pair[1])]
        if order != sorted(order):
            what = phrases.SECTIONS.get(name, name.replace("_", " "))
            of = "" if not place.path else f" of {place.name}"
            yield Difference(
                path=pointer(place.at(name)), change="changed", words=f"{capital(what)}{of} stand in another order."
            )

    def mapping(
        self, owner: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any], place: Place
    ) -> Iterator[Difference]:
        """Members with names of the vendor's own."""
        for key in {**old, **new}:
            mine, other = old.get(key), new.get(key)
            if _same(mine, other):
                continue
            inner = self.keyed(name, key, place)
            if isinstance(mine, dict) or isinstance(other, dict):
                yield from self.mapping(owner, name, mine or {}, other or {}, inner)
            elif is_part(mine) or is_part(other):
                yield from self.keyed_part(mine, other, inner)
            else:
                yield self.value_of(owner, name, key, mine, other, inner)

    def keyed_part(self, old: Any, new: Any, place: Place) -> Iterator[Difference]:
        if type(old) is type(new):
            yield from self.things(old, new, place)
            return
        if old is not None:
            yield self.gone(old, place)
        if new is not None:
            yield self.new(new, place)

    def value_of(self, owner: str, name: str, key: str, old: Any, new: Any, place: Place) -> Difference:
        if name == "weekly_hours":
            was, now = (openings(value or ()) for value in (old, new))
            return self._changed(place, f"{place.name} are {now} instead of {was}")
        if name in ("labels", "messages", "translations"):
            was, now = (
                "nothing" if value is None else worded("quoted", _text(value), self.here(place)) for value in (old, new)
            )
            return self._changed(place, f"{place.name} reads {now} instead of {was}")
        return self.changed(owner, name, old, new, place, at=False)

    # --- sentences

    def changed(self, owner: str, name: str, old: Any, new: Any, place: Place, *, at: bool = True) -> Difference:
        """A member that says something else."""
        inner = dataclasses.replace(place, path=place.at(name)) if at else place
        phrase = _phrase(owner, name)
        if phrase.startswith("+"):
            return self._changed(inner, f"{place.name} {_verb(_truth(phrase, new), place)}")
        now = self.filled(owner, name, phrase, new, self.after, place)
        was = self.filled(owner, name, phrase, old, self.before, place, beside=now)
        if phrase.partition("|")[0].partition("{")[0] + now == phrase.partition("|")[0].partition("{")[0] + was:
            return self._changed(inner, f"{place.name} has its {name.replace('_', ' ')} written otherwise")
        head = phrase.partition("|")[0].partition("{")[0]
        return self._changed(inner, f"{place.name} {_verb(head + now, place)} instead of {was}")

    def filled(
        self, owner: str, name: str, phrase: str, value: Any, policy: Policy, place: Place, *, beside: str | None = None
    ) -> str:
        """What follows the head of a phrase for a value; beside the new value, the old one is short."""
        words, _, none = phrase.partition("|")
        kind, _, rest = words.partition("{")[2].partition("}")
        setting = self.setting(policy, f"{owner}.{name}", place)
        if value is None or (none and value in ((), {}) and kind != "pauses"):
            return none or "nothing"
        if beside is None:
            return worded(kind, value, setting) + rest
        return shortened(kind, value, setting, beside)

    def new(self, thing: Any, place: Place) -> Difference:
        details = list(self.details(thing, place))[:DETAILS]
        more = f": {'they' if place.plural else 'it'} {', '.join(details)}" if details else ""
        words = f"{place.name} {'are' if place.plural else 'is'} new{more}"
        return Difference(path=pointer(place.path), change="added", words=_sentence(words))

    def gone(self, thing: Any, place: Place) -> Difference:
        words = f"{place.name} {'are' if place.plural else 'is'} gone"
        return Difference(path=pointer(place.path), change="removed", words=_sentence(words))

    def details(self, thing: Any, place: Place) -> Iterator[str]:
        """What a new thing is like, as far as it says more than nothing."""
        owner = type(thing).__name__
        if isinstance(thing, str):
            return
        for field in dataclasses.fields(thing):
            value = getattr(thing, field.name)
            phrase = phrases.PHRASES.get(f"{owner}.{field.name}")
            simple = isinstance(value, str | int | tuple | Term) or field.name in ("price", "when", "require")
            if phrase is None or not simple or field.name in _UNSAID or value == _default(field) or value in ((), None):
                continue
            if _are_things(value, value) or (field.name == "price" and isinstance(value, OfferPrice)):
                continue
            if phrase.startswith("+"):
                yield _verb(_truth(phrase, value), place)
            else:
                head = phrase.partition("|")[0].partition("{")[0]
                yield _verb(head + self.filled(owner, field.name, phrase, value, self.after, place), place)

    def _changed(self, place: Place, words: str) -> Difference:
        return Difference(path=pointer(place.path), change="changed", words=_sentence(words))

    # --- names

    def named(self, thing: Any, place: Place, name: str, index: int) -> Place:
        """A thing of a list, by its title or its name."""
        noun, key = phrases.NAMED.get(type(thing).__name__, (name.replace("_", " "), ""))
        title = getattr(thing, "title", None) or (str(getattr(thing, key)) if key else f"{index + 1}")
        shown = title if noun in ("clause", "public holidays of") or not key else f'"{title}"'
        if noun == "promise" or noun == "reason for waiting":
            shown = f'"{title.replace("_", " ")}"'
        words = f"the {noun} {shown}" if noun else shown
        of = f" of {place.name}" if self.owns(place) else ""
        plural = type(thing).__name__ in phrases.PLURAL
        return Place(place.at(name, index), words + of, place.currency, plural)

    def named_part(self, name: str, thing: Any, place: Place) -> Place:
        """A part of a thing, or of the policy as a whole."""
        owner = type(thing).__name__
        if owner == OfferPrice.__name__:  # an offer and its price are one thing in a sentence
            return dataclasses.replace(place, path=place.at(name))
        words = phrases.PARTS.get(owner, f"the {name.replace('_', ' ')}")
        of = f" of {place.name}" if place.path else ""
        return Place(place.at(name), words + of, place.currency, owner in phrases.PLURAL)

    def keyed(self, name: str, key: str, place: Place) -> Place:
        """A member by the vendor's own name for it."""
        words, plural, currency = f'{place.name}, "{key}"', False, place.currency
        if name == "prices":
            words, currency = f"{place.name} in {key}", key
        elif name == "calendars":
            words, plural = f'the hours of the calendar "{key}"', True
        elif name == "weekly_hours":
            words, plural = f"{place.name} on {_WEEK.get(key, key)}", True
        elif name == "options":
            words = f'the option "{key}" of {place.name}'
        elif name == "labels":
            words = f'the label "{key}"'
        elif name in ("messages", "translations"):
            words = f'the text of "{key}" in {place.path[-1]}' if place.path else f"the texts in {key}"
        elif name == "by_edition":
            words = f'{place.name} for the edition "{key}"'
        path = place.path if place.path and place.path[-1:] == (name,) else place.at(name)
        nested = name in ("messages", "translations") and len(place.path) > 1
        return Place((*place.path, key) if nested else (*path, key), words, currency, plural)

    def owns(self, place: Place) -> bool:
        """Whether a thing is named with what it stands in."""
        return bool(place.path) and place.name.startswith(_OWNERS)

    def setting(self, policy: Policy, member: str, place: Place) -> Setting:
        return Setting(policy, member, place.currency)

    def here(self, place: Place) -> Setting:
        return Setting(self.after, "", place.currency)


def _pairs(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[int, int]]:
    """Which thing of the one list is which of the other: equal ones first, then by name, then by place."""
    pairs: list[tuple[int, int]] = []
    mine, others = dict(enumerate(old)), dict(enumerate(new))

    def match(key: Any) -> None:
        waiting: dict[Any, list[int]] = {}
        for j, item in others.items():
            waiting.setdefault(key(item), []).append(j)
        for i, item in list(mine.items()):
            if found := waiting.get(key(item)):
                j = found.pop(0)
                pairs.append((i, j))
                del mine[i], others[j]

    match(lambda item: repr(_exact(item)))
    match(_identity)
    return pairs


def _identity(item: Any) -> tuple[str, ...]:
    owner = type(item).__name__
    key = phrases.NAMED.get(owner, ("", ""))[1]
    second = str(getattr(item, "subdivision", ""))
    return (owner, str(getattr(item, key)) if key else "", second)


def _are_things(old: Any, new: Any) -> bool:
    """Whether both are lists of things, of which one has at least one."""
    return all(isinstance(value, tuple) for value in (old, new)) and any(
        dataclasses.is_dataclass(item) for value in (old, new) for item in value
    )


def is_thing(value: Any) -> bool:
    """Whether a value is a thing of the document, and no condition."""
    return dataclasses.is_dataclass(value) and type(value).__name__ not in _CONDITIONS


def is_part(value: Any) -> bool:
    """Whether a value is a part that a thing has once, and no condition or length of time."""
    return dataclasses.is_dataclass(value) and type(value).__name__ not in _CONDITIONS and not isinstance(value, Term)


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default


def _phrase(owner: str, name: str) -> str:
    if found := phrases.PHRASES.get(f"{owner}.{name}") or phrases.COMMON.get(name):
        return found
    if name in phrases.CLAUSES:
        return "cites the clause {text} for " + phrases.CLAUSES[name] + "|no clause for " + phrases.CLAUSES[name]
    return f"has the {name.replace('_', ' ')} {{text}}|none"


def _truth(phrase: str, value: Any) -> str:
    so, _, otherwise = phrase[1:].partition("|")
    return so if value else otherwise


def _verb(words: str, place: Place) -> str:
    first, _, rest = words.partition(" ")
    return f"{_PLURAL_VERBS[first]} {rest}" if place.plural and first in _PLURAL_VERBS else words


def _text(value: Any) -> str:
    return str(getattr(value, "text", value))


def _sentence(words: str) -> str:
    text = capital(" ".join(words.split()))
    return text if text.endswith((".", "…")) else f"{text}."
