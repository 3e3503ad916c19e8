"""Tables of orders, their refunds and payment disputes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy import Index as _Index
from sqlalchemy import text as _sql

from app.db.schema.columns import at_column, json_column, metadata, text_column

_SHORT = "answer @? '$.not_granted[*]'"
_BROUGHT = "answer @? '$.decisions[*] ? (@.granted == true)'"
GRANTED: Final = {
    "granted": f"not ({_SHORT})",
    "partly_granted": f"{_SHORT} and {_BROUGHT}",
    "not_granted": f"{_SHORT} and not ({_BROUGHT})",
}
"""State of an order -> when it is in it, by what was answered (`app.domain.orders.states`). Each has an index."""
REFUNDS: Final = {
    "booked": "not (answer ? 'pending') and not (answer ? 'undone')",
    "pending": "answer ? 'pending'",
    "undone": "answer ? 'undone'",
}
"""State of a refund -> when it is in it, in the same way."""

purchase_order = Table(
    "purchase_order",
    metadata,
    text_column("tenant_id"),
    text_column("order_id"),
    text_column("customer_id"),
    at_column("placed_at"),
    at_column("received_at"),
    text_column("currency"),
    json_column("lines"),
    text_column("payload_hash"),
    json_column("answer"),
    Column("policy_version", Integer, nullable=False),
    text_column("source"),
    Column("version", Integer, nullable=False),
    Column("record_id", Text, nullable=False, server_default=_sql("''")),
    Column("payment_state", Text, nullable=False, server_default=_sql("'paid'"), info={"by": "payment_states"}),
    PrimaryKeyConstraint("tenant_id", "order_id"),
    _Index("ix_purchase_order_placed", "tenant_id", "customer_id", "placed_at"),
    _Index("ix_purchase_order_received", "tenant_id", "received_at", "customer_id"),
    _Index("ix_purchase_order_recorded", "tenant_id", "record_id", "received_at", "order_id"),
    _Index("ix_purchase_order_list", "tenant_id", "placed_at", "order_id"),
    *(
        _Index(
            f"ix_purchase_order_{state}",
            "tenant_id",
            "payment_state",
            "placed_at",
            "order_id",
            postgresql_where=_sql(condition),
        )
        for state, condition in GRANTED.items()
    ),
)
"""``payment_state`` hangs on the refunds and disputes of an order: `app.db.orders.payment_states` writes it alone."""

order_refund = Table(
    "order_refund",
    metadata,
    text_column("tenant_id"),
    text_column("order_id"),
    text_column("refund_id"),
    text_column("customer_id"),
    text_column("payload_hash"),
    json_column("answer"),
    at_column("at"),
    PrimaryKeyConstraint("tenant_id", "order_id", "refund_id"),
    _Index("ix_order_refund_customer", "tenant_id", "customer_id"),
    _Index("ix_order_refund_list", "tenant_id", "at", "order_id", "refund_id"),
    *(
        _Index(f"ix_order_refund_{state}", "tenant_id", "at", "order_id", "refund_id", postgresql_where=_sql(condition))
        for state, condition in REFUNDS.items()
    ),
)

payment_dispute = Table(
    "payment_dispute",
    metadata,
    text_column("tenant_id"),
    text_column("order_id"),
    text_column("dispute_id"),
    text_column("customer_id"),
    text_column("state"),
    text_column("action"),
    json_column("wanted"),
    at_column("opened_at"),
    at_column("updated_at"),
    text_column("amount", nullable=True),
    text_column("currency", nullable=True),
    Column("credits", BigInteger, nullable=False),
    json_column("holds"),
    json_column("undo"),
    text_column("refund_id", nullable=True),
    Column("takes", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "order_id", "dispute_id"),
    CheckConstraint("state in ('warning', 'open', 'lost', 'won')", name="state"),
    CheckConstraint("action in ('none', 'suspended', 'taken_back')", name="action"),
    _Index("ix_payment_dispute_customer", "tenant_id", "customer_id"),
)
