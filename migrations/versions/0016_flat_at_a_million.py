"""Indexes that keep lists, searches, explanations, merges and erasures flat in a tenant of any size.

Why: each looked through all rows of its tenant. Lock: none that a caller feels; every index is built beside the traffic
(`concurrently`), outside a transaction. A build waits for the transactions that are open when it begins. One that was
broken off leaves an invalid index, which the next run drops and builds again. Way back: drops them.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

UNDECIDED = (
    "'needs_facts', 'awaiting_qualification', 'awaiting_assessment', 'awaiting_choice', 'awaiting_confirmation',"
    " 'awaiting_credits'"
)
INDEXES = {
    # Lists of tickets and clocks. One index serves each order of a list of clocks: every pair of phase and outcome is
    # a range of it.
    "ix_ticket_opened": "ticket (tenant_id, opened_at, ticket_id)",
    "ix_ticket_expiring": (
        "ticket (tenant_id, opened_at, ticket_id)"
        f" where state in ({UNDECIDED}) and (document ->> 'credit_expires_at') is not null"
    ),
    "ix_clock_state": "clock (tenant_id, phase, outcome, clock_id)",
    "ix_clock_state_due": "clock (tenant_id, phase, outcome, due_at, clock_id)",
    "ix_outbox_type": "outbox (tenant_id, type, position)",
    "ix_audit_trail_action": "audit_trail (tenant_id, action, audit_id)",
    "ix_audit_trail_actor": "audit_trail (tenant_id, actor, audit_id)",
    "ix_audit_trail_subject": "audit_trail (tenant_id, subject, audit_id)",
    # Search. In the order of bytes a prefix is a range, whatever the database's own collation.
    "ix_customer_name": "customer (tenant_id, external_id text_pattern_ops)",
    "ix_license_domain": "license (tenant_id, registered_domain) where registered_domain is not null",
    # Explanations, and the state of an account as of an instant.
    "ix_operation_ticket": "operation (tenant_id, ticket_id) where ticket_id is not null",
    "ix_operation_order": "operation (tenant_id, order_id) where order_id is not null",
    "ix_operation_hold": "operation (tenant_id, hold_id) where hold_id is not null",
    "ix_entry_lot": "entry (tenant_id, lot_id)",
    "ix_hold_customer": "hold (tenant_id, customer_id, hold_id)",
    # All that is one customer's: merge, erasure, export.
    "ix_customer_merged": "customer (tenant_id, merged_into) where merged_into is not null",
    "ix_clock_customer": "clock (tenant_id, customer_id, clock_id)",
    "ix_clock_outcome_customer": "clock_outcome (tenant_id, customer_id)",
    "ix_agenda_customer": "agenda (tenant_id, customer_id)",
    "ix_command_customer": "command (tenant_id, customer_id) where customer_id is not null",
    "ix_order_refund_customer": "order_refund (tenant_id, customer_id)",
}
FORMER = {"ix_clock_due": "clock (tenant_id, phase, due_at, clock_id)"}
"""What the new ones replace."""
PATIENCE = "set lock_timeout = '10min'"
"""A build waits for open transactions and holds up nobody meanwhile; the time of a statement is the bound."""
BROKEN_OFF = """
select format('drop index concurrently %I', c.relname) from pg_class c join pg_index i on i.indexrelid = c.oid
where c.relnamespace = current_schema()::regnamespace and not i.indisvalid and c.relname = any(string_to_array('{}', ','))
"""


def build(wanted: dict[str, str]) -> None:
    """Builds indexes beside the traffic; those that a broken run has finished stay."""
    if not op.get_context().as_sql:
        connection = op.get_bind()
        for (statement,) in connection.exec_driver_sql(BROKEN_OFF.format(",".join(wanted))).fetchall():
            connection.exec_driver_sql(statement)
    for name, on in wanted.items():
        op.execute(
            "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"
            f"create index concurrently if not exists {name} on {on}"
        )


def drop(unwanted: dict[str, str]) -> None:
    """Drops indexes beside the traffic."""
    for name in unwanted:
        op.execute(
            f"-- squawk-ignore ban-concurrent-index-creation-in-transaction\ndrop index concurrently if exists {name}"
        )


def upgrade() -> None:
    """Builds the indexes, then drops what they replace."""
    with op.get_context().autocommit_block():
        op.execute(PATIENCE)
        build(INDEXES)
        drop(FORMER)
        op.execute("set lock_timeout = '5s'")


def downgrade() -> None:
    """Builds what was replaced, then drops the indexes."""
    with op.get_context().autocommit_block():
        op.execute(PATIENCE)
        build(FORMER)
        drop(INDEXES)
        op.execute("set lock_timeout = '5s'")
