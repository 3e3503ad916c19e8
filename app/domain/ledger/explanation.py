"""What happened to credits, in sentences a clerk can read out: operations of the ledger, lots and holds.

The rows are JSON as `app.usecases.reports.explain` gathers them; no sentence holds an id of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from app.domain.policy.policy import Policy
from app.domain.policy.wording import category_title, credit_words, day_of, type_title, unit_word
from app.domain.values.phrase import (
    Phrase,
    Tongue,
    capital,
    cited,
    concat,
    forms,
    joined,
    phrased,
    phrased_of,
    say,
    sentences,
)

Row = Mapping[str, Any]
_BY_ORDER: Final = ("license", "purchase", "choice")
_SOURCE_WORDS: Final[Mapping[str, Callable[[Phrase], Phrase]]] = {
    "goodwill": lambda day: phrased("given by hand on %(day)s", day=day),
    "breach": lambda day: phrased("given for a late answer on %(day)s", day=day),
    "correction": lambda day: phrased("given anew on %(day)s", day=day),
    "transfer": lambda day: phrased("received from another account on %(day)s", day=day),
    "import": lambda day: phrased("brought in on %(day)s", day=day),
    "overdraft": lambda day: phrased("overdrawn on %(day)s", day=day),
}
_WHY: Final = {
    "refunded": phrased("since the order was refunded"),
    "corrected": phrased("since the shop changed the order"),
    "reranked": phrased("since an order placed earlier arrived"),
    "merged": phrased("since two accounts became one"),
}


def _source(lot: Row) -> Phrase:
    """Where a lot came from that no order brought."""
    day = day_of(lot["effective_at"])
    words = _SOURCE_WORDS.get(str(lot["source"]))
    return phrased("granted on %(day)s", day=day) if words is None else words(day)


def lot_words(policy: Policy, lot: Row) -> Phrase:
    """Name a lot by what it was: ``the 60 points of order 1001``, ``the 5 points given for a late answer on ...``."""
    kind = policy.credit_type(str(lot["credit_type"]))
    typed = policy.credits is not None and len(policy.credits.types) > 1 and kind is not None
    granted = int(lot["granted"])
    unit = unit_word(policy, granted)
    if lot["source"] in ("license", "choice"):
        unit = phrased("free %(unit)s", unit=unit)
    name = phrased_of("the %(unit)s", "the %(number)s %(unit)s", granted, number=granted, unit=unit)
    if typed and kind is not None:
        name = phrased("%(credits)s for %(kind)s", credits=name, kind=type_title(policy, kind))
    if lot.get("categories"):
        found = [policy.category(category) for category in lot["categories"]]
        titles = [_small(category_title(policy, category)) for category in found if category is not None]
        if titles:
            name = phrased("%(credits)s kept for %(categories)s", credits=name, categories=joined(titles, "or"))
    if lot["order_id"] is not None and (lot["source"] in _BY_ORDER or lot.get("bought")):
        return phrased("%(what)s of order %(order)s", what=name, order=str(lot["order_id"]))
    return concat(name, " ", _source(lot))


def _small(title: Phrase) -> Phrase:
    """A title with its first letter small, where the language does so inside a sentence."""

    def words(tongue: Tongue) -> str:
        text = say(title, tongue)
        return text[:1].lower() + text[1:] if tongue.small else text

    return Phrase(words)


def until_words(lot: Row) -> Phrase:
    """How long a lot can be used: ``until 1 January 2027``."""
    if lot["expires_at"] is None:
        return phrased("without an end")
    return phrased("until %(day)s", day=day_of(lot["expires_at"]))


def operation_clause(policy: Policy, operation: Row) -> tuple[str | None, bool]:
    """Return the clause an operation rests on, and whether it is a reading.

    An expiry rests on the clause that ends such credits.
    """
    clause, reading = operation["clause"], bool(operation["reading"])
    if operation["step"] == "expire" and operation["hold_id"] is None:
        ends = policy.expiry_clauses()
        for move in operation["moves"]:
            if move["lot"]["rule"] in ends:
                return ends[move["lot"]["rule"]]
    return clause, reading


def operation_sentence(policy: Policy, operation: Row) -> Phrase:
    """What an operation did, in a sentence with its clause."""
    moves: Sequence[Row] = operation["moves"]
    sentence_of = _SENTENCES.get(str(operation["step"]), _other)
    return cited(capital(sentence_of(policy, operation, moves)), operation["clause"])


def _sum(moves: Sequence[Row], source: str | None = None, target: str | None = None) -> int:
    return sum(
        move["credits"]
        for move in moves
        if (source is None or move["from"] == source) and (target is None or move["to"] == target)
    )


def _lots(policy: Policy, moves: Sequence[Row]) -> Phrase:
    """The lots of these moves; with several, how many credits of each."""
    totals: dict[str, tuple[Phrase, int]] = {}
    for move in moves:
        name, total = totals.get(move["lot_id"], (lot_words(policy, move["lot"]), 0))
        totals[move["lot_id"]] = name, total + move["credits"]
    if len(totals) == 1:
        return next(iter(totals.values()))[0]
    granted = {move["lot_id"]: int(move["lot"]["granted"]) for move in moves}
    return joined([name if granted[lot] == total else _number_of(total, name) for lot, (name, total) in totals.items()])


def _number_of(number: int, lot: Phrase) -> Phrase:
    return phrased("%(number)s of %(lot)s", number=number, lot=lot)


def _part(policy: Policy, number: int, moves: Sequence[Row]) -> Phrase:
    """So many credits of these lots; a whole lot by its name alone."""
    lots = {move["lot_id"]: int(move["lot"]["granted"]) for move in moves}
    if len(lots) != 1:
        return phrased("%(credits)s, %(lots)s,", credits=credit_words(policy, number), lots=_lots(policy, moves))
    name = _lots(policy, moves)
    return name if next(iter(lots.values())) == number else _number_of(number, name)


def held_from(policy: Policy, operations: Sequence[Row]) -> Phrase | None:
    """Where the credits of a price came from: ``Held from the 60 points of order 1001.`` A merge moves them on only."""
    moves = [
        move
        for operation in operations
        if operation["step"] != "transfer"
        for move in operation["moves"]
        if move["from"] == "available" and move["to"] in ("held", "spent")
    ]
    return phrased("Held from %(lots)s.", lots=_lots(policy, moves)) if moves else None


def _from(moves: Sequence[Row], source: str, target: str | None = None) -> list[Row]:
    return [move for move in moves if move["from"] == source and (target is None or move["to"] == target)]


def _granted(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    put_in = _from(moves, "world")
    if not put_in:
        return _voided_by_hand(policy, operation, moves)
    lot, number = put_in[0]["lot"], _sum(put_in)
    amount = credit_words(policy, number)
    if lot["order_id"] is not None and lot["source"] in _BY_ORDER:
        came = phrased_of(
            "%(credits)s was granted by order %(order)s",
            "%(credits)s were granted by order %(order)s",
            number,
            credits=amount,
            order=str(lot["order_id"]),
        )
    else:
        came = phrased_of(
            "%(credits)s was %(how)s", "%(credits)s were %(how)s", number, credits=amount, how=_source(lot)
        )
    text = concat(came, ", ", until_words(lot), _repaid(policy, moves))
    if dead := _sum(moves, "available", "expired"):
        more = phrased("; %(credits)s of them had ended before they arrived", credits=credit_words(policy, dead))
        text = concat(text, more)
    return text


def _repaid(policy: Policy, moves: Sequence[Row]) -> Phrase | str:
    """That some of the credits repaid a debt; nothing where none did."""
    number = _sum(moves, "available", "owed")
    return phrased("; %(credits)s of them repaid a debt", credits=credit_words(policy, number)) if number else ""


def _voided_by_hand(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    number = _sum(moves, "available", "voided")
    return phrased_of(
        "%(credits)s was taken away by hand, of %(lots)s",
        "%(credits)s were taken away by hand, of %(lots)s",
        number,
        credits=credit_words(policy, number),
        lots=_lots(policy, moves) if moves else phrased("none"),
    )


def _held(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    number = _sum(moves, "available", "held")
    text = phrased_of(
        "%(credits)s was set aside from %(lots)s",
        "%(credits)s were set aside from %(lots)s",
        number,
        credits=credit_words(policy, number),
        lots=_lots(policy, _from(moves, "available", "held")),
    )
    return concat(text, _overdrawn(policy, moves))


def _debited(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    parts = _from(moves, "available", "spent")
    number = _sum(parts)
    if operation["reason"] == "cause corrected":
        text = phrased_of(
            "%(credits)s was charged again, since the cause was corrected, from %(lots)s",
            "%(credits)s were charged again, since the cause was corrected, from %(lots)s",
            number,
            credits=credit_words(policy, number),
            lots=_lots(policy, parts),
        )
    else:
        text = _charged(policy, number, parts)
    return concat(text, _overdrawn(policy, moves))


def _charged(policy: Policy, number: int, parts: Sequence[Row]) -> Phrase:
    return phrased_of(
        "%(credits)s was charged from %(lots)s",
        "%(credits)s were charged from %(lots)s",
        number,
        credits=credit_words(policy, number),
        lots=_lots(policy, parts),
    )


def _overdrawn(policy: Policy, moves: Sequence[Row]) -> Phrase | str:
    """That some were spent before they came, and are owed."""
    number = _sum(moves, "owed", "voided")
    if not number:
        return ""
    rule = None if policy.credits is None else policy.credits.overdraft
    text = phrased_of(
        "; %(credits)s of them was overdrawn, and the next ones pay",
        "; %(credits)s of them were overdrawn, and the next ones pay",
        number,
        credits=credit_words(policy, number),
    )
    if rule is None or rule.clause is None:
        return text
    return concat(text, phrased(", as %(clause)s allows", clause=rule.clause))


def _captured(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    parts = _from(moves, "held", "spent")
    rest = _sum(moves, "held", "available")
    text = _charged(policy, _sum(parts), parts)
    if not rest:
        return text
    return concat(text, phrased(", and %(credits)s went back unspent", credits=credit_words(policy, rest)))


def _released(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    back = _from(moves, "held")
    amount = credit_words(policy, _sum(back))
    text = phrased("%(credits)s went back unspent to %(lots)s", credits=amount, lots=_lots(policy, back))
    return concat(text, *_after(policy, _sum(back), moves))


def _refunded(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    back = _from(moves, "spent")
    amount = credit_words(policy, _sum(back))
    text = phrased("%(credits)s came back to %(lots)s", credits=amount, lots=_lots(policy, back))
    return concat(text, *_after(policy, _sum(back), moves))


def _after(policy: Policy, number: int, moves: Sequence[Row]) -> Iterator[Phrase | str]:
    """What became of credits that went back."""
    if dead := _sum(moves, "available", "expired"):
        if dead == number:
            yield phrased_of(", which had ended and is gone", ", which had ended and are gone", dead)
        else:
            yield phrased_of(
                ", of which %(credits)s had ended and is gone",
                ", of which %(credits)s had ended and are gone",
                dead,
                credits=credit_words(policy, dead),
            )
    if instead := _from(moves, "world"):
        yield phrased(
            "; instead %(credits)s can be used %(until)s",
            credits=credit_words(policy, _sum(instead)),
            until=until_words(instead[0]["lot"]),
        )
    yield _repaid(policy, moves)


def _expired(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    number = _sum(moves, target="expired")
    lots = [move for move in moves if move["to"] == "expired"]
    part, day = _part(policy, number, lots), day_of(operation["at"])
    if any(lot["from"] == "held" for lot in lots):
        return phrased("%(credits)s expired on %(day)s while set aside", credits=part, day=day)
    return phrased("%(credits)s expired on %(day)s", credits=part, day=day)


def _voided(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    came = [move for move in moves if move["from"] in ("held", "spent") and move["to"] == "voided"]
    if came:
        number = _sum(came)
        text = phrased_of(
            "%(credits)s came back and was taken back at once",
            "%(credits)s came back and were taken back at once",
            number,
            credits=_part(policy, number, came),
        )
        return concat(text, ", ", _WHY.get(str(operation["reason"]), phrased("since it was refunded")))
    number = _sum(moves, "available", "voided")
    if number:
        text = phrased_of(
            "%(credits)s was taken back", "%(credits)s were taken back", number, credits=_part(policy, number, moves)
        )
    elif moves:
        text = phrased("what was spent of %(lots)s is owed", lots=_lots(policy, moves))
    else:
        text = phrased("nothing was taken back")
    why = _WHY.get(str(operation["reason"]))
    return text if why is None else concat(text, ", ", why)


def _moved(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    came = _from(moves, "world")
    merged = concat(", ", _WHY["merged"]) if operation["reason"] == "merged" else ""
    if came:
        amount = credit_words(policy, _sum(came))
        until = until_words(came[0]["lot"])
        return concat(phrased("%(credits)s came from another account, %(until)s", credits=amount, until=until), merged)
    number = _sum(moves, "available", "voided")
    return concat(phrased("%(credits)s went to another account", credits=_part(policy, number, moves)), merged)


def _reopened(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    return phrased("credits that had ended can be used again for some time")


def _other(policy: Policy, operation: Row, moves: Sequence[Row]) -> Phrase:
    amount = credit_words(policy, _sum(moves))
    return phrased("%(credits)s moved (%(how)s)", credits=amount, how=str(operation["step"]).replace("_", " "))


_SENTENCES: Final[Mapping[str, Callable[[Policy, Row, Sequence[Row]], Phrase]]] = {
    "grant": _granted,
    "adjust": _granted,
    "hold": _held,
    "debit": _debited,
    "capture": _captured,
    "release": _released,
    "refund": _refunded,
    "expire": _expired,
    "void": _voided,
    "transfer": _moved,
    "reopen": _reopened,
}


_BECAME: Final = {
    "spent": forms("%(number)s was charged", "%(number)s were charged"),
    "held": forms("%(number)s was set aside", "%(number)s were set aside"),
    "expired": forms("%(number)s was lost at that end", "%(number)s were lost at that end"),
    "voided": forms("%(number)s was taken back", "%(number)s were taken back"),
    "moved": forms("%(number)s was moved to another account", "%(number)s were moved to another account"),
}
"""What becomes of credits of a lot, of one and of several."""


def lot_sentence(policy: Policy, lot: Row) -> Phrase:
    """Say where a lot came from, what became of it and what is left. It answers "why is my credit gone?"."""
    name, until = capital(lot_words(policy, lot)), until_words(lot)
    if lot["gone"]:
        came = phrased("%(credits)s could be used %(until)s", credits=name, until=until)
    else:
        came = phrased("%(credits)s can be used %(until)s", credits=name, until=until)
    parts = [phrased_of(*words, lot[name], number=lot[name]) for name, words in _BECAME.items() if lot[name]]
    if left := lot["available"]:
        rest = phrased_of("%(number)s is left", "%(number)s are left", left, number=left)
    else:
        rest = phrased_of("none is left", "none are left", int(lot["granted"]))
    lines = [cited(came, lot["end_clause"] or lot["clause"]), cited(capital(joined([*parts, rest])), None)]
    return sentences(*lines[:1], *_extended(lot), *lines[1:])


def _extended(lot: Row) -> list[Phrase]:
    """Say what made a lot good for longer, and when it would end without that."""
    found = [row for row in lot.get("extended") or () if row["counts"]]
    if not found:
        return []
    orders = [
        phrased("order %(order)s", order=str(row["order_id"])) if row["order_id"] else phrased("a purchase")
        for row in found
    ]
    text = phrased(
        "%(orders)s made that longer; without that it would be %(until)s",
        orders=capital(joined(orders)),
        until=until_words({"expires_at": lot["own_end"]}),
    )
    return [cited(text, None)]
