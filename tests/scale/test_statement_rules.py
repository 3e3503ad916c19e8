"""The rules of statements find what they are for, and let what is right pass. Every test holds the service to them."""

from __future__ import annotations

import pytest

from tests.support.statement_rules import faults

A_LOT = "select (select count(*) from hold h where"
A_TURN = (
    "insert into due (tenant_id, kind, mark, at) select d.tenant_id, 'turn', '', now() from directory d"
    " on conflict (tenant_id, kind, mark) do update set at = excluded.at"
)
RIGHT = (
    "select lot_id from lot where tenant_id = $1::varchar",
    "select l.lot_id from lot l join hold h on h.tenant_id = l.tenant_id where l.tenant_id = $1",
    "select l.lot_id from lot l where (l.tenant_id, l.lot_id) = ($1, $2)",
    "with lot as (select * from hold h where h.tenant_id = $1) select a.* from lot a",
    "insert into lot (tenant_id, lot_id) values ($1, $2), ($1, $3)",
    "insert into lot (tenant_id, lot_id) select t.tenant_id, $2 from tenant t where t.tenant_id = $1",
    "update lot set data = data || $2::jsonb, is_open = case when held = 0 then false end where tenant_id = $1",
    "with gone as (delete from lot where tenant_id = $1 returning lot_id) select count(*) from gone",
    "select tenant_id from directory where hash = $1",
    f"select (select json_agg(r) from ({A_LOT} h.tenant_id = $1) from lot l where l.tenant_id = $1) r)",
    f"{A_TURN} where due.at > excluded.at",
    f"{A_LOT} h.tenant_id = l.tenant_id) from lot l where l.tenant_id = $1 union all select 1",
)
WRONG = (
    ("select lot_id from lot where lot_id = $1", "lot is read or written without its tenant"),
    ("select 1 from lot l, hold h where l.tenant_id = $1 and h.lot_id = l.lot_id", "hold is read or written without"),
    ("select 1 from lot l where tenant_id = $1 and exists (select from hold h where h.lot_id = l.lot_id)", "hold is"),
    ("delete from lot using hold h where h.tenant_id = $1 and h.lot_id = lot.lot_id", "lot is"),
    ("insert into lot (tenant_id, lot_id) select $1, u.id from json_to_recordset($2) as u(id text)", "join `tenant`"),
    ("with a as (select 1) delete from lot where tenant_id = $1", "ends in a plain SELECT"),
    ("update lot set expires_at = clock_timestamp() where tenant_id = $1", "clock_timestamp()"),
    ("update lot set data = to_jsonb(lot_id) where tenant_id = $1", "to_jsonb() of a column"),
    ("update lot set is_open = case held when 0 then false end where tenant_id = $1", "simple CASE"),
    ("select set_config('app.tenant', $1, true)", "set_config"),
    ("select set_config('app.erasure', $1, true)", "set_config"),
    ("select pg_advisory_xact_lock(1)", "one machine alone"),
    (
        f"select (select json_agg(r) from ({A_LOT} h.tenant_id = l.tenant_id) from lot l where l.tenant_id = $1) r)",
        "hold",
    ),
    (f"{A_TURN} where due.at <= now()", "asks for the time"),
    (f"{A_TURN} where cast($1 as boolean)", "has a parameter"),
)


@pytest.mark.parametrize("sql", RIGHT)
def test_what_is_right_passes(sql: str) -> None:
    assert faults(sql) == []


@pytest.mark.parametrize(("sql", "told"), WRONG)
def test_what_is_wrong_is_told(sql: str, told: str) -> None:
    found = faults(sql)
    assert len(found) == 1, found
    assert told in found[0]
