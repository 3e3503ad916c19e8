"""Deliveries of shops and helpdesks: see `receiving` (stored, answered, claimed) and `acting` (what they
bring about)."""

from app.usecases.inbound.metrics import METRICS
from app.usecases.inbound.receiving import FetchError, Inbox, deliveries, delivery
from app.usecases.inbound.retention import Retention

__all__ = ["METRICS", "FetchError", "Inbox", "Retention", "deliveries", "delivery"]
