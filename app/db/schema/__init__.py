"""All tables: SQLAlchemy Core. The tenant leads every key, so that nothing references across tenants.

Row-level security, grants, triggers and the append-only rules stand in the migrations, which a test compares with this.
"""

from app.db.schema.columns import metadata
from app.db.schema.customers import addon, choice, cover, customer, customer_link, customer_word, license_
from app.db.schema.inbound import inbound_delivery, inbound_payment, inbound_source, inbound_subject
from app.db.schema.journal import agenda, audit_trail, claim, command, entity_event, outbox
from app.db.schema.ledger import account, entry, hold, hold_line, lot, operation, recurring_grant
from app.db.schema.orders import GRANTED, REFUNDS, order_refund, payment_dispute, purchase_order
from app.db.schema.tenants import (
    api_key,
    calendar,
    calendar_version,
    directory,
    due,
    operator_session,
    policy_version,
    secret_key,
    tenant,
    tenant_move,
)
from app.db.schema.tickets import clock, clock_outcome, ticket
from app.db.schema.webhooks import webhook_delivery, webhook_endpoint

__all__ = [
    "GRANTED",
    "REFUNDS",
    "account",
    "addon",
    "agenda",
    "api_key",
    "audit_trail",
    "calendar",
    "calendar_version",
    "choice",
    "claim",
    "clock",
    "clock_outcome",
    "command",
    "cover",
    "customer",
    "customer_link",
    "customer_word",
    "directory",
    "due",
    "entity_event",
    "entry",
    "hold",
    "hold_line",
    "inbound_delivery",
    "inbound_payment",
    "inbound_source",
    "inbound_subject",
    "license_",
    "lot",
    "metadata",
    "operation",
    "operator_session",
    "order_refund",
    "outbox",
    "payment_dispute",
    "policy_version",
    "purchase_order",
    "recurring_grant",
    "secret_key",
    "tenant",
    "tenant_move",
    "ticket",
    "webhook_delivery",
    "webhook_endpoint",
]
