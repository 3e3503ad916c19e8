"""Grants that a shop's correction withdrew make room for new ones of the same unit; deliveries to empty are found.

Why: a unit that was taken out of its order, or whose order became another customer's, may come back; only what stands
has to be unique. What came in is kept as it came for a while only. Lock: each table for as long as its index takes to be
built. Way back: the old constraints, which fails while there are both.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The linter asks whether a client leans on a constraint that goes. None can: each is replaced, in the same transaction,
# by an index that refuses all it refused but the rows that a correction withdrew.
REPLACED = "-- squawk-ignore ban-drop-constraint\n"
UP = [
    REPLACED + "ALTER TABLE license DROP CONSTRAINT uq_license_tenant_id_order_id_line_id_unit_no",
    (
        "CREATE UNIQUE INDEX uq_license_unit ON license (tenant_id, order_id, line_id, unit_no)"
        " WHERE ended_reason is distinct from 'corrected'"
    ),
    REPLACED + "ALTER TABLE choice DROP CONSTRAINT uq_choice_tenant_id_order_id_line_id_unit_no_rule",
    "CREATE UNIQUE INDEX uq_choice_unit ON choice (tenant_id, order_id, line_id, unit_no, rule) WHERE voided_at is null",
    REPLACED + "ALTER TABLE lot DROP CONSTRAINT uq_lot_grant",
    (
        "CREATE UNIQUE INDEX uq_lot_grant ON lot (tenant_id, order_id, line_id, credit_type, rule, unit_no)"
        " WHERE not (data ? 'withdrawn')"
    ),
    (
        "CREATE INDEX ix_inbound_delivery_kept ON inbound_delivery (tenant_id, delivery_id)"
        " WHERE erased_at is null and state <> 'received'"
    ),
]
DOWN = [
    "DROP INDEX ix_inbound_delivery_kept",
    "DROP INDEX uq_lot_grant",
    "ALTER TABLE lot ADD CONSTRAINT uq_lot_grant UNIQUE (tenant_id, order_id, line_id, credit_type, rule, unit_no)",
    "DROP INDEX uq_choice_unit",
    (
        "ALTER TABLE choice ADD CONSTRAINT uq_choice_tenant_id_order_id_line_id_unit_no_rule"
        " UNIQUE (tenant_id, order_id, line_id, unit_no, rule)"
    ),
    "DROP INDEX uq_license_unit",
    (
        "ALTER TABLE license ADD CONSTRAINT uq_license_tenant_id_order_id_line_id_unit_no"
        " UNIQUE (tenant_id, order_id, line_id, unit_no)"
    ),
]


def upgrade() -> None:
    """Makes the indexes."""
    for one in UP:
        op.execute(one)


def downgrade() -> None:
    """Takes them back."""
    for one in DOWN:
        op.execute(one)
