"""What happened to credits, in sentences a clerk can read out: operations of the ledger, lots and holds.

The rows are JSON as `app.usecases.reports.explain` gathers them; no sentence holds an id of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.domain.policy.policy import Policy
from app.domain.policy.wording import are, capital, cited, credit_words, day_of, joined, sentences, unit_word, was

Row = Mapping[str, Any]
_BY_ORDER: Final = ("license", "purchase", "choice")
_SOURCE_WORDS: Final = {
    "goodwill": "given by hand on {day}",
    "breach": "given for a late answer on {day}",
    "correction": "given anew on {day}",
    "transfer": "received from another account on {day}",
    "import": "brought in on {day}",
    "overdraft": "overdrawn on {day}",
}
_WHY: Final = {
    "refunded": "since the order was refunded",
    "corrected": "since the shop changed the order",
    "reranked": "since an order placed earlier arrived",
    "merged": "since two accounts became one",
}


def lot_words(policy: Policy, lot: Row) -> str:
    """Name a lot by what it was: ``the 60 points of order 1001``, ``the 5 points given for a late answer on ...``."""
    kind = policy.credit_type(str(lot["credit_type"]))
    typed = policy.credits is not None and len(policy.credits.types) > 1 and kind is not None
    granted = int(lot["granted"])
    number = "" if granted == 1 else f"{granted} "
    free = "free " if lot["source"] in ("license", "choice") else ""
    name = f"the {number}{free}{unit_word(policy, granted)}"
    if typed and kind is not None:
        name += f" for {kind.title}"
    if lot.get("categories"):
        found = [policy.category(category) for category in lot["categories"]]
        titles = [category.title[:1].lower() + category.title[1:] for category in found if category is not None]
        name += f" kept for {joined(titles, 'or')}" if titles else ""
    if lot["order_id"] is not None and (lot["source"] in _BY_ORDER or lot.get("bought")):
        return f"{name} of order {lot['order_id']}"
    source = _SOURCE_WORDS.get(str(lot["source"]), "granted on {day}")
    return f"{name} {source.replace('{day}', day_of(lot['effective_at']))}"


def until_words(lot: Row) -> str:
    """How long a lot can be used: ``until 1 January 2027``."""
    return "without an end" if lot["expires_at"] is None else f"until {day_of(lot['expires_at'])}"


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


def operation_sentence(policy: Policy, operation: Row) -> str:
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


def _lots(policy: Policy, moves: Sequence[Row]) -> str:
    """The lots of these moves; with several, how many credits of each."""
    totals: dict[str, tuple[str, int]] = {}
    for move in moves:
        name, total = totals.get(move["lot_id"], (lot_words(policy, move["lot"]), 0))
        totals[move["lot_id"]] = name, total + move["credits"]
    if len(totals) == 1:
        return next(iter(totals.values()))[0]
    granted = {move["lot_id"]: int(move["lot"]["granted"]) for move in moves}
    return joined([name if granted[lot] == total else f"{total} of {name}" for lot, (name, total) in totals.items()])


def _part(policy: Policy, number: int, moves: Sequence[Row]) -> str:
    """So many credits of these lots; a whole lot by its name alone."""
    lots = {move["lot_id"]: int(move["lot"]["granted"]) for move in moves}
    if len(lots) != 1:
        return f"{credit_words(policy, number)}, {_lots(policy, moves)},"
    name = _lots(policy, moves)
    return name if next(iter(lots.values())) == number else f"{number} of {name}"


def held_from(policy: Policy, operations: Sequence[Row]) -> str | None:
    """Where the credits of a price came from: ``Held from the 60 points of order 1001.`` A merge moves them on only."""
    moves = [
        move
        for operation in operations
        if operation["step"] != "transfer"
        for move in operation["moves"]
        if move["from"] == "available" and move["to"] in ("held", "spent")
    ]
    return f"Held from {_lots(policy, moves)}." if moves else None


def _from(moves: Sequence[Row], source: str, target: str | None = None) -> list[Row]:
    return [move for move in moves if move["from"] == source and (target is None or move["to"] == target)]


def _granted(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    put_in = _from(moves, "world")
    if not put_in:
        return _voided_by_hand(policy, operation, moves)
    lot = put_in[0]["lot"]
    granted = credit_words(policy, _sum(put_in))
    by = f" by order {lot['order_id']}" if lot["order_id"] is not None and lot["source"] in _BY_ORDER else ""
    if not by:
        source = _SOURCE_WORDS.get(str(lot["source"]), "granted on {day}")
        by = f" {source.replace('{day}', day_of(lot['effective_at']))}"
        verb = f"{granted} {was(_sum(put_in))}{by}"
    else:
        verb = f"{granted} {was(_sum(put_in))} granted{by}"
    text = f"{verb}, {until_words(lot)}"
    if repaid := _sum(moves, "available", "owed"):
        text += f"; {credit_words(policy, repaid)} of them repaid a debt"
    if dead := _sum(moves, "available", "expired"):
        text += f"; {credit_words(policy, dead)} of them had ended before they arrived"
    return text


def _voided_by_hand(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    number = _sum(moves, "available", "voided")
    return f"{credit_words(policy, number)} {was(number)} taken away by hand, {_of(policy, moves)}"


def _of(policy: Policy, moves: Sequence[Row]) -> str:
    return f"of {_lots(policy, moves)}" if moves else "of none"


def _held(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    number = _sum(moves, "available", "held")
    parts = _from(moves, "available", "held")
    text = f"{credit_words(policy, number)} {was(number)} set aside from {_lots(policy, parts)}"
    return text + _overdrawn(policy, moves)


def _debited(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    parts = _from(moves, "available", "spent")
    number = _sum(parts)
    how = "charged again, since the cause was corrected," if operation["reason"] == "cause corrected" else "charged"
    return f"{credit_words(policy, number)} {was(number)} {how} from {_lots(policy, parts)}" + _overdrawn(policy, moves)


def _overdrawn(policy: Policy, moves: Sequence[Row]) -> str:
    """That some were spent before they came, and are owed."""
    number = _sum(moves, "owed", "voided")
    if not number:
        return ""
    rule = None if policy.credits is None else policy.credits.overdraft
    allowed = "" if rule is None or rule.clause is None else f", as {rule.clause} allows"
    return f"; {credit_words(policy, number)} of them {was(number)} overdrawn, and the next ones pay{allowed}"


def _captured(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    parts = _from(moves, "held", "spent")
    number, rest = _sum(parts), _sum(moves, "held", "available")
    text = f"{credit_words(policy, number)} {was(number)} charged from {_lots(policy, parts)}"
    return f"{text}, and {credit_words(policy, rest)} went back unspent" if rest else text


def _released(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    return _back(policy, moves, "held", "went back unspent to")


def _refunded(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    return _back(policy, moves, "spent", "came back to")


def _back(policy: Policy, moves: Sequence[Row], source: str, verb: str) -> str:
    back = _from(moves, source)
    number, dead = _sum(back), _sum(moves, "available", "expired")
    text = f"{credit_words(policy, number)} {verb} {_lots(policy, back)}"
    if dead:
        which = "which" if dead == number else f"of which {credit_words(policy, dead)}"
        text += f", {which} had ended and {are(dead)} gone"
    if instead := _from(moves, "world"):
        text += f"; instead {credit_words(policy, _sum(instead))} can be used {until_words(instead[0]['lot'])}"
    if repaid := _sum(moves, "available", "owed"):
        text += f"; {credit_words(policy, repaid)} of them repaid a debt"
    return text


def _expired(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    number = _sum(moves, target="expired")
    lots = [move for move in moves if move["to"] == "expired"]
    held = " while set aside" if any(lot["from"] == "held" for lot in lots) else ""
    return f"{_part(policy, number, lots)} expired on {day_of(operation['at'])}{held}"


def _voided(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    came = [move for move in moves if move["from"] in ("held", "spent") and move["to"] == "voided"]
    if came:
        number = _sum(came)
        verb = f"came back and {was(number)} taken back at once"
        return f"{_part(policy, number, came)} {verb}, {_WHY.get(str(operation['reason']), 'since it was refunded')}"
    number = _sum(moves, "available", "voided")
    why = _WHY.get(str(operation["reason"]), "")
    text = f"{_part(policy, number, moves)} {was(number)} taken back"
    if not number:
        text = f"what was spent of {_lots(policy, moves)} is owed" if moves else "nothing was taken back"
    return f"{text}, {why}" if why else text


def _moved(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    came = _from(moves, "world")
    merged = ", since two accounts became one" if operation["reason"] == "merged" else ""
    if came:
        number = _sum(came)
        return f"{credit_words(policy, number)} came from another account, {until_words(came[0]['lot'])}{merged}"
    number = _sum(moves, "available", "voided")
    return f"{_part(policy, number, moves)} went to another account{merged}"


def _reopened(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    return "credits that had ended can be used again for some time"


def _other(policy: Policy, operation: Row, moves: Sequence[Row]) -> str:
    return f"{credit_words(policy, _sum(moves))} moved ({str(operation['step']).replace('_', ' ')})"


_SENTENCES: Final[Mapping[str, Callable[[Policy, Row, Sequence[Row]], str]]] = {
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


def lot_sentence(policy: Policy, lot: Row) -> str:
    """Say where a lot came from, what became of it and what is left. It answers "why is my credit gone?"."""
    came = f"{capital(lot_words(policy, lot))} can be used {until_words(lot)}"
    if lot["gone"]:
        came = f"{capital(lot_words(policy, lot))} could be used {until_words(lot)}"
    parts = [
        f"{lot[name]} {was(lot[name])} {word}"
        for name, word in (
            ("spent", "charged"),
            ("held", "set aside"),
            ("expired", "lost at that end"),
            ("voided", "taken back"),
            ("moved", "moved to another account"),
        )
        if lot[name]
    ]
    left = lot["available"]
    rest = f"{left} {are(left)} left" if left else "none is left" if int(lot["granted"]) == 1 else "none are left"
    lines = [cited(came, lot["end_clause"] or lot["clause"]), cited(capital(joined([*parts, rest])), None)]
    return sentences(*lines[:1], *_extended(lot), *lines[1:])


def _extended(lot: Row) -> list[str]:
    """Say what made a lot good for longer, and when it would end without that."""
    found = [row for row in lot.get("extended") or () if row["counts"]]
    if not found:
        return []
    orders = joined([f"order {row['order_id']}" if row["order_id"] else "a purchase" for row in found])
    end = "without an end" if lot["own_end"] is None else f"until {day_of(lot['own_end'])}"
    return [cited(f"{capital(orders)} made that longer; without that it would be {end}", None)]
