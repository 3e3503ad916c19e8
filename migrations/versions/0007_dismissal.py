"""Parked deliveries say what a person has to decide, and end when a person has settled them; a payment buys once.

Why: the list of parked deliveries could not be emptied but by a replay. Lock: columns without a default and a constraint
that is not validated here (see the next migration): an instant each. Way back: drops them, once dismissed deliveries
are shown as ignored.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = "'received', 'done', 'parked', 'ignored'"
# The wider constraint is made in the same transaction, and no client leans on the narrower one.
DROP = "-- squawk-ignore ban-drop-constraint\nALTER TABLE inbound_delivery DROP CONSTRAINT ck_inbound_delivery_state"
UP = [
    "ALTER TABLE inbound_delivery ADD COLUMN review JSONB",
    "ALTER TABLE inbound_delivery ADD COLUMN dismissal JSONB",
    DROP,
    (
        "ALTER TABLE inbound_delivery ADD CONSTRAINT ck_inbound_delivery_state"
        f" CHECK (state in ({STATES}, 'dismissed')) NOT VALID"
    ),
    """
CREATE TABLE inbound_payment (
    tenant_id TEXT NOT NULL,
    source TEXT NOT NULL,
    payment TEXT NOT NULL,
    subject TEXT NOT NULL,
    CONSTRAINT pk_inbound_payment PRIMARY KEY (tenant_id, source, payment)
)
    """,
    "grant select, insert, update, delete on inbound_payment to retainer_app",
    "alter table inbound_payment enable row level security",
    "alter table inbound_payment force row level security",
    (
        "create policy tenant_only on inbound_payment using (tenant_id = current_setting('app.tenant', true))"
        " with check (tenant_id = current_setting('app.tenant', true))"
    ),
]
DOWN = [
    "DROP TABLE inbound_payment",
    "UPDATE inbound_delivery SET state = 'ignored' WHERE state = 'dismissed'",
    DROP,
    (f"ALTER TABLE inbound_delivery ADD CONSTRAINT ck_inbound_delivery_state CHECK (state in ({STATES})) NOT VALID"),
    "ALTER TABLE inbound_delivery VALIDATE CONSTRAINT ck_inbound_delivery_state",
    "ALTER TABLE inbound_delivery DROP COLUMN dismissal",
    "ALTER TABLE inbound_delivery DROP COLUMN review",
]


def upgrade() -> None:
    """Adds them."""
    for one in UP:
        op.execute(one)


def downgrade() -> None:
    """Takes them back."""
    for one in DOWN:
        op.execute(one)
