"""Views for a warehouse: what the ledger, orders, tickets and clocks say, by the ids of the vendor.

Why: whoever reports with SQL needs no knowledge of our tables, which may change. Each view asks as whoever reads it
(`security_invoker`), so that row-level security shows the rows of `app.tenant` alone. Lock: none that a caller feels.
Way back: drops them.
"""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_CUSTOMER = "left join customer cu on cu.tenant_id = {of}.tenant_id and cu.customer_id = {of}.customer_id"
_TICKET = "left join ticket t on t.tenant_id = {of}.tenant_id and t.ticket_id = {of}.ticket_id"
VIEWS = {
    "report_customer": """
        select cu.tenant_id, cu.external_id as customer_id, co.external_id as company_id, cu.created_at, cu.erased_at
        from customer cu
        left join customer co on co.tenant_id = cu.tenant_id and co.customer_id = cu.company_id
    """,
    "report_lot": f"""
        select l.tenant_id, l.lot_id, cu.external_id as customer_id, l.credit_type, l.source, l.rule, l.granted,
               l.available, l.held, l.spent, l.expired, l.voided, l.effective_at, l.expires_at, l.order_id, l.line_id,
               l.license_id, l.cost_amount, l.cost_currency, l.clause, l.reading
        from lot l {_CUSTOMER.format(of="l")}
    """,
    "report_entry": f"""
        select o.tenant_id, o.operation_id, e.line_no, cu.external_id as customer_id, o.credit_type, o.kind,
               e.source as moved_from, e.target as moved_to, e.credits, e.lot_id, o.hold_id,
               coalesce(t.external_id, o.ticket_id) as ticket_id, o.order_id, o.effective_at, o.recorded_at, o.reason,
               o.clause, o.reading
        from operation o
        join entry e on e.tenant_id = o.tenant_id and e.operation_id = o.operation_id
        {_CUSTOMER.format(of="o")} {_TICKET.format(of="o")}
    """,
    "report_order": f"""
        select p.tenant_id, p.order_id, cu.external_id as customer_id, p.placed_at, p.received_at, p.currency, p.lines,
               p.policy_version
        from purchase_order p {_CUSTOMER.format(of="p")}
    """,
    "report_ticket": f"""
        select t.tenant_id, t.external_id as ticket_id, cu.external_id as customer_id, t.state, t.category, t.channel,
               t.license_id, t.opened_at, t.updated_at, t.resolved_at, t.document ->> 'priority' as priority,
               t.document ->> 'outcome' as outcome, t.document ->> 'cause' as cause,
               (t.document ->> 'price')::bigint as price, (t.document #>> '{{charge,net}}')::bigint as charged
        from ticket t {_CUSTOMER.format(of="t")}
    """,
    "report_clock": f"""
        select c.tenant_id, c.clock_id, t.external_id as ticket_id, cu.external_id as customer_id, c.milestone, c.party,
               c.phase, c.outcome, c.started_at, c.due_at, c.stopped_at, c.calendar
        from clock c {_CUSTOMER.format(of="c")} {_TICKET.format(of="c")}
    """,
    "report_judgement": f"""
        select o.tenant_id, o.clock_id, o.cycle, o.window_date, o.kind, o.at, o.due_at, o.recorded_at,
               cu.external_id as customer_id
        from clock_outcome o {_CUSTOMER.format(of="o")}
    """,
}


def upgrade() -> None:
    """Makes the views, which the service's role may read, too."""
    for name, question in VIEWS.items():
        op.execute(f"create view {name} with (security_invoker = true) as {question}")
        op.execute(f"grant select on {name} to retainer_app")


def downgrade() -> None:
    """Drops them."""
    for name in reversed(VIEWS):
        op.execute(f"drop view if exists {name}")
