"""Find customers by what they say of themselves, and by the things that are theirs.

One rule for a tenant of any size: every word of the query is the beginning of a word of the customer's
(`app.domain.account.profile`). The words stand in a table of their own, in the order of bytes, where a beginning is a
range of an index. Whole ids find more: an order, license, ticket or registered domain leads to its customer.

Few words are begun by many customers, so the rarest one of a query leads, and the others are looked up. A call looks at
`LOOKED_AT` customers at most; a page then has fewer rows than wanted, and its cursor goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import TextClause, select, text

from app.db import schema as s
from app.db.engine import Tx
from app.db.keyset import select_page
from app.domain.account.profile import WORDS_ASKED, words
from app.domain.values.paging import Key, PageRequest

LOOKED_AT: Final = 1_000
"""Customers that one page of a search with several words looks at."""
RARE: Final = 500
"""Customers up to which a word's are counted, to find the rarest word."""
_LAST: Final = chr(0x10FFFF)
"""Sorts after every letter."""
_OWNED: Final = " union ".join(
    f"select customer_id from {table} where tenant_id = :tenant and {column} = :query"
    for table, column in (
        ("purchase_order", "order_id"),
        ("license", "license_id"),
        ("ticket", "external_id"),
        ("license", "registered_domain"),
    )
)
_ROWS: Final = text(
    "select customer_id, external_id, created_at, profile, company_id from customer where tenant_id = :tenant"
    " and customer_id = any(:ids) and external_id is not null and merged_into is null"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A customer of a list: ``key`` is its place there."""

    external_id: str
    created_at: datetime
    profile: dict[str, Any]
    company_id: str | None
    key: Key


async def search(tx: Tx, query: str | None, part: PageRequest) -> tuple[list[Found], Key | None]:
    """Return a part of the customers that a query finds, all without one, and where the next part begins."""
    if query is None:
        c = s.customer.c
        known = select(c.customer_id, c.external_id).where(
            c.tenant_id == tx.tenant_id, c.external_id.is_not(None), c.merged_into.is_(None)
        )
        rows, more = part.trim(await tx.rows(select_page(known, part, c.external_id)))
        places: list[tuple[str, Key]] = [(row.customer_id, [row.external_id]) for row in rows]
        return await _found(tx, places), places[0 if part.backward else -1][1] if more else None
    asked = words(query)[:WORDS_ASKED]
    if len(asked) > 1:
        asked = await _rarest_first(tx, asked)
    most = LOOKED_AT if len(asked) > 1 else part.limit
    looked = await tx.rows(*_candidates(tx, query, asked, part, most + 1))
    fitting: list[tuple[str, Key]] = [
        (row.customer_id, [row.word, row.customer_id]) for row in looked[:most] if row.fits
    ]
    shown = fitting[: part.limit]
    following: Key | None = None
    if len(fitting) > part.limit:
        following = shown[-1][1]
    elif len(looked) > most:
        following = [looked[most - 1].word, looked[most - 1].customer_id]
    return await _found(tx, shown[::-1] if part.backward else shown), following


async def _found(tx: Tx, places: Sequence[tuple[str, Key]]) -> list[Found]:
    """Return the customers at these places, in this order."""
    if not places:
        return []
    rows = {
        row.customer_id: row for row in await tx.rows(_ROWS, {"tenant": tx.tenant_id, "ids": [i for i, _ in places]})
    }
    return [
        Found(row.external_id, row.created_at, dict(row.profile), row.company_id, key)
        for customer_id, key in places
        if (row := rows.get(customer_id)) is not None
    ]


async def _rarest_first(tx: Tx, asked: Sequence[str]) -> list[str]:
    """Return the words, the one that begins the fewest customers' words in front."""
    counts = ", ".join(
        f"(select count(*) from (select from customer_word where tenant_id = :tenant and word >= :from_{n}"
        f" and word < :upto_{n} limit {RARE}) counted) as n{n}"
        for n in range(len(asked))
    )
    row = await tx.row(text(f"select {counts}"), {"tenant": tx.tenant_id, **_ranges(asked)})
    number = {word: row[n] for n, word in enumerate(asked)}
    return sorted(asked, key=lambda word: (number[word], -len(word)))


def _ranges(asked: Sequence[str]) -> dict[str, str]:
    bounds = [((f"from_{n}", word), (f"upto_{n}", word + _LAST)) for n, word in enumerate(asked)]
    return {name: value for both in bounds for name, value in both}


def _candidates(
    tx: Tx, query: str, asked: Sequence[str], part: PageRequest, most: int
) -> tuple[TextClause, dict[str, Any]]:
    """Return the statement for so many customers from the part's key on, each once, and whether every word ``fits``.

    Those to whom a whole id leads come first, under no word. A customer of whom several words begin alike stands under
    the first of them.
    """
    by: dict[str, Any] = {"tenant": tx.tenant_id, "query": query, "most": most, **_ranges(asked)}
    if part.key is not None:
        by["after_word"], by["after_id"] = part.key

    def beyond(row: str) -> str:
        sign = "<" if part.backward else ">"
        return "" if part.key is None else f" and ({row}word, {row}customer_id) {sign} (:after_word, :after_id)"

    def order(row: str) -> str:
        down = " desc" if part.backward else ""
        return f" order by {row}word{down}, {row}customer_id{down} limit :most"

    named = f"select cast('' as text) collate \"C\" as word, customer_id from ({_OWNED}) o"
    found = f"select n.word, n.customer_id from ({named}) n where true{beyond('n.')}"
    if asked:
        found += (
            " union all (select w.word, w.customer_id from customer_word w where w.tenant_id = :tenant"
            f" and w.word >= :from_0 and w.word < :upto_0{beyond('w.')} and not exists (select from customer_word e"
            " where e.tenant_id = :tenant and e.customer_id = w.customer_id and e.word >= :from_0 and e.word < w.word)"
            f" and w.customer_id <> all(array({_OWNED})){order('w.')})"
        )
    fits = "".join(
        " and exists (select from customer_word o where o.tenant_id = :tenant and o.customer_id = f.customer_id"
        f" and o.word >= :from_{n} and o.word < :upto_{n})"
        for n in range(1, len(asked))
    )
    looked = f"select f.word, f.customer_id from ({found}) f{order('f.')}"
    return text(f"select f.word, f.customer_id, f.word = '' or (true{fits}) as fits from ({looked}) f"), by
