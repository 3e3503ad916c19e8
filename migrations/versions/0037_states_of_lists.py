"""Indexes of covers by their ends and states, of holds by the time of their making, of licenses by why they ended.

Why: a list that is narrowed by states or by a span of time reads the rows of its page and no others. The index of open
holds gets the order of the list. Lock: none that a caller feels; all are built beside the traffic (`concurrently`),
outside a transaction. One that was broken off is dropped first. Way back: drops them, and builds the former one.
"""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

END = "(case when ends_at is null then '9999-12-31 00:00:00+00'::timestamptz else ends_at end)"
NEW = {
    "ix_cover_ends": f"cover (tenant_id, state, {END}, cover_id, starts_at, granted_at)",
    "ix_hold_list": "hold (tenant_id, created_at, hold_id)",
    "ix_license_reason": "license (tenant_id, ended_reason, placed_at, license_id) where ended_at is not null",
}
OPENED = "ix_hold_opened"
OPENED_NOW = "hold (tenant_id, created_at, hold_id) where closed_at is null"
OPENED_BEFORE = "hold (tenant_id, hold_id) where closed_at is null"
ALLOWED = "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"


def _beside_traffic(new: dict[str, str], dropped: list[str]) -> None:
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        for name in [*dropped, *new]:
            op.execute(f"{ALLOWED}drop index concurrently if exists {name}")
        for name, on in new.items():
            op.execute(f"{ALLOWED}create index concurrently if not exists {name} on {on}")
        op.execute("set lock_timeout = '5s'")


def upgrade() -> None:
    """Builds the indexes beside the traffic."""
    _beside_traffic({**NEW, OPENED: OPENED_NOW}, [])


def downgrade() -> None:
    """Drops them."""
    _beside_traffic({OPENED: OPENED_BEFORE}, list(NEW))
