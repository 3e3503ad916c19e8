"""People and companies: who belongs to a company, ids in other systems, and the words by which a customer is found.

Why: a search finds names, e-mail addresses and ids by the beginnings of their words, in a tenant of any size; a person
of a company opens tickets on the company's account. Lock: none to speak of (columns without a default, new tables); one
index is built beside the traffic (`concurrently`). The words of the customers that are there are written once, some
thousands at a time. Way back: drops all of it; a person's tickets stay on the account that paid for them.
"""

from __future__ import annotations

import re
import unicodedata

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = ["customer_link", "customer_word"]
CREATE = [
    """
CREATE TABLE customer_link (
    tenant_id TEXT NOT NULL,
    system TEXT NOT NULL,
    external_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    CONSTRAINT pk_customer_link PRIMARY KEY (tenant_id, system, external_id)
)
    """,
    "CREATE INDEX ix_customer_link_customer ON customer_link (tenant_id, customer_id)",
    """
CREATE TABLE customer_word (
    tenant_id TEXT NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    customer_id TEXT NOT NULL,
    CONSTRAINT pk_customer_word PRIMARY KEY (tenant_id, word, customer_id)
)
    """,
    "CREATE INDEX ix_customer_word_customer ON customer_word (tenant_id, customer_id, word)",
]
INDEXES = {
    "ix_customer_company": "customer (tenant_id, company_id) where company_id is not null",
    "ix_ticket_person": "ticket (tenant_id, person_id, opened_at, ticket_id) where person_id is not null",
}
STEP = 20_000
"""Customers whose words are written at once."""
READ = (
    "select tenant_id, customer_id, external_id, profile from customer"
    " where (tenant_id, customer_id) > ($1, $2) and external_id is not null and merged_into is null"
    " order by tenant_id, customer_id limit {step}"
)
WORD = re.compile(r"[^\W_]+")


def words(texts: list[str]) -> set[str]:
    """The words of texts as a search compares them (`app.domain.account.profile`), as of this migration."""
    found: set[str] = set()
    for text in texts:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        found.update(word[:60] for word in WORD.findall(folded))
    return found


def fill() -> None:
    """Writes the words of the customers that are there."""
    connection = op.get_bind()
    after = ("", "")
    while True:
        rows = connection.exec_driver_sql(READ.format(step=STEP), after).fetchall()
        if not rows:
            return
        found: list[tuple[str, str, str]] = []
        for tenant_id, customer_id, external_id, profile in rows:
            said = [str(profile[name]) for name in ("name", "email", "company") if (profile or {}).get(name)]
            found += [(tenant_id, word, customer_id) for word in words([external_id, *said])]
        columns = [list(column) for column in zip(*found, strict=True)] if found else [[], [], []]
        connection.exec_driver_sql(
            "insert into customer_word (tenant_id, word, customer_id)"
            " select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing",
            tuple(columns),
        )
        after = (rows[-1][0], rows[-1][1])


def upgrade() -> None:
    """Makes the columns, the tables with their walls, and the words."""
    op.execute("alter table customer add column company_id text")
    op.execute("alter table ticket add column person_id text")
    for statement in CREATE:
        op.execute(statement)
    for table in TABLES:
        op.execute(f"grant select, insert, update, delete on {table} to retainer_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(
            f"create policy tenant_only on {table} using (tenant_id = current_setting('app.tenant', true))"
            " with check (tenant_id = current_setting('app.tenant', true))"
        )
    if not op.get_context().as_sql:
        fill()
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        for name, on in INDEXES.items():
            op.execute(
                "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"
                f"create index concurrently if not exists {name} on {on}"
            )
        op.execute("set lock_timeout = '5s'")


def downgrade() -> None:
    """Drops all of it."""
    for table in reversed(TABLES):
        op.execute(f"drop table {table}")
    for name in INDEXES:
        op.execute(f"drop index {name}")
    op.execute("alter table ticket drop column person_id")
    op.execute("alter table customer drop column company_id")
