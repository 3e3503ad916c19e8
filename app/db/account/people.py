"""People and companies: ids in other systems, companies and those who belong to them, the words of a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import text, update

from app.db import schema as s
from app.db.engine import Tx
from app.domain.account.profile import Profile

_LINK = text(
    "insert into customer_link (tenant_id, system, external_id, customer_id)"
    " select t.tenant_id, l.system, l.external_id, :customer from tenant t,"
    " unnest(cast(:systems as text[]), cast(:ids as text[])) as l(system, external_id)"
    " where t.tenant_id = :tenant order by 2, 3 on conflict do nothing"
)
_LINKED = text(
    "select l.system, l.external_id, l.customer_id from customer_link l"
    " join unnest(cast(:systems as text[]), cast(:ids as text[])) as w(system, external_id)"
    " on w.system = l.system and w.external_id = l.external_id where l.tenant_id = :tenant"
)
_UNLINK = text("delete from customer_link where tenant_id = :tenant and customer_id = :customer")
_TAKE_OVER = text(
    "update customer_link l set customer_id = :target where l.tenant_id = :tenant and l.customer_id = :source"
    " and not exists (select from customer_link m where m.tenant_id = :tenant and m.customer_id = :target"
    " and m.system = l.system)"
)
_JOIN_WORDS = text(
    "insert into customer_word (tenant_id, word, customer_id) select w.tenant_id, w.word, :target from customer_word w"
    " where w.tenant_id = :tenant and w.customer_id = :source on conflict do nothing"
)
_FORGET_LINKS = text("delete from customer_link where tenant_id = :tenant and customer_id = any(:customers)")
_FORGET_WORDS = text("delete from customer_word where tenant_id = :tenant and customer_id = any(:customers)")
_THEIR_WORDS = text(
    "select customer_id, external_id, profile from customer where tenant_id = :tenant"
    " and company_id = any(:customers) and external_id is not null and merged_into is null"
)
_KEEP_WORDS = text(
    "delete from customer_word w where w.tenant_id = :tenant and w.customer_id = any(:customers) and not exists ("
    "select from unnest(cast(:ids as text[]), cast(:words as text[])) as k(customer_id, word)"
    " where k.customer_id = w.customer_id and k.word = w.word)"
)
_FEWER_WORDS = text(
    "delete from customer_word where tenant_id = :tenant and customer_id = :customer and word <> all(:words)"
)
_WORDS = text(
    "insert into customer_word (tenant_id, word, customer_id) select t.tenant_id, w.word, :customer from tenant t,"
    " unnest(cast(:words as text[])) as w(word) where t.tenant_id = :tenant on conflict do nothing"
)
_HEIRS = text(
    "with recursive way as ("
    " select customer_id as start, customer_id, external_id, merged_into from customer"
    " where tenant_id = :tenant and customer_id = any(:customers)"
    " union all select w.start, c.customer_id, c.external_id, c.merged_into from way w join customer c"
    " on c.tenant_id = :tenant and c.customer_id = w.merged_into)"
    " select start, customer_id, external_id from way where merged_into is null"
)
_PAYERS = text("select distinct customer_id from ticket where tenant_id = :tenant and person_id = any(:people)")
_ASKED_BY = text("update ticket set person_id = :target where tenant_id = :tenant and person_id = :source")
_OWN = text(
    "update ticket set person_id = null where tenant_id = :tenant and customer_id = :target and person_id = :target"
)
_PEOPLE = text(
    "select customer_id, external_id from customer where tenant_id = :tenant and company_id = any(:companies)"
    " and external_id is not null and merged_into is null limit :most"
)
_CLAIMED: Final = "people.living"


async def link(tx: Tx, customer_id: str, external_ids: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Claim ids in other systems for a customer; return those that lead elsewhere: (system, id, customer).

    Two at once wait for each other, and one finds the other's. What the customer was linked to before stays.
    """
    if not external_ids:
        return []
    pairs = sorted(external_ids.items())
    by = {"tenant": tx.tenant_id, "systems": [name for name, _ in pairs], "ids": [value for _, value in pairs]}
    await tx.rows(_LINK, {**by, "customer": customer_id})
    rows = await tx.rows(_LINKED, by)
    return [(row.system, row.external_id, row.customer_id) for row in rows if row.customer_id != customer_id]


async def unlink(tx: Tx, customer_id: str) -> None:
    """Let go of a customer's ids in other systems. Those of accounts that went into it stay."""
    await tx.rows(_UNLINK, {"tenant": tx.tenant_id, "customer": customer_id})


async def linked(tx: Tx, system: str, external_id: str) -> str | None:
    """Return the vendor's id of the customer whom a system knows by an id; None where nobody said so."""
    rows = await tx.rows(_LINKED, {"tenant": tx.tenant_id, "systems": [system], "ids": [external_id]})
    if not rows:
        return None
    found = await living(tx, [rows[0].customer_id])
    return found.get(rows[0].customer_id, (None, None))[1]


async def living(tx: Tx, customer_ids: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Return for each customer the account that it lives on in: our id, and the vendor's; None once erased."""
    names = sorted(set(customer_ids))
    known: dict[str, tuple[str, str | None]] = {}
    if tx.read_only:
        known = {name: tx.caches[_CLAIMED, name] for name in names if (_CLAIMED, name) in tx.caches}
    if missing := [name for name in names if name not in known]:
        rows = await tx.rows(_HEIRS, {"tenant": tx.tenant_id, "customers": missing})
        found = {row.start: (row.customer_id, row.external_id) for row in rows}
        if tx.read_only:
            tx.caches |= {(_CLAIMED, name): place for name, place in found.items()}
        known |= found
    return known


async def company_name(tx: Tx, company_id: str | None) -> str | None:
    """Return the vendor's id of a company by ours; None for no company, or an erased one."""
    if company_id is None:
        return None
    return (await living(tx, [company_id])).get(company_id, (None, None))[1]


async def has_people(tx: Tx, family: Sequence[str], *, but: str | None = None) -> bool:
    """Whether somebody else than ``but`` belongs to one of these accounts: a company and those that went into it."""
    rows = await tx.rows(_PEOPLE, {"tenant": tx.tenant_id, "companies": list(family), "most": 2})
    return any(row.customer_id != but for row in rows)


async def payers(tx: Tx, person_ids: Sequence[str]) -> set[str]:
    """Return our ids of the accounts on which these people have asked tickets as somebody else's people."""
    rows = await tx.rows(_PAYERS, {"tenant": tx.tenant_id, "people": list(person_ids)})
    return {row.customer_id for row in rows}


async def set_company(tx: Tx, customer_id: str, company_id: str | None) -> None:
    """Say to which company a locked customer belongs."""
    c = s.customer.c
    await tx.execute(
        update(s.customer)
        .where(c.tenant_id == tx.tenant_id, c.customer_id == customer_id)
        .values(company_id=company_id)
    )


async def set_words(tx: Tx, customer_id: str, profile: Profile, names: Iterable[str]) -> None:
    """Bring the words of a search up to what is known of a customer. ``names``: its ids here, and its company's."""
    by = {"tenant": tx.tenant_id, "customer": customer_id, "words": sorted(profile.words(names))}
    await tx.rows(_FEWER_WORDS, by)
    await tx.rows(_WORDS, by)


async def join(tx: Tx, source: str, target: str, company_id: str | None) -> None:
    """Give what leads to an account to the one that remains: tickets, ids in other systems, the words of a search.

    Of a system in which both have an id, that of the account that went still leads to it, and from there to its heir.
    """
    by = {"tenant": tx.tenant_id, "source": source, "target": target}
    await tx.rows(_ASKED_BY, by)
    await tx.rows(_OWN, by)
    await tx.rows(_TAKE_OVER, by)
    await tx.rows(_JOIN_WORDS, by)
    await tx.rows(_FORGET_WORDS, {"tenant": tx.tenant_id, "customers": [source]})
    await set_company(tx, source, None)
    await set_company(tx, target, company_id)


async def forget(tx: Tx, family: Sequence[str]) -> None:
    """Take out of a search, and out of other systems' ids, what is known of these accounts: all of one customer's.

    The people of a company are no longer found by its names.
    """
    by = {"tenant": tx.tenant_id, "customers": list(family)}
    await tx.rows(_FORGET_LINKS, by)
    await tx.rows(_FORGET_WORDS, by)
    rows = await tx.rows(_THEIR_WORDS, by)
    if rows:
        left = [(row.customer_id, word) for row in rows for word in Profile.of(row.profile).words([row.external_id])]
        named = {"ids": [id_ for id_, _ in left], "words": [word for _, word in left]}
        who = {"tenant": tx.tenant_id, "customers": [row.customer_id for row in rows]}
        await tx.rows(_KEEP_WORDS, {**who, **named})
