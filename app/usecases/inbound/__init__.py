"""Deliveries of shops and helpdesks: see `receiving` (stored, answered, claimed) and `acting` (what they
bring about)."""

from app.usecases.inbound.acting import METRICS
from app.usecases.inbound.keeping import Keeping
from app.usecases.inbound.receiving import FetchError, Inbox, deliveries, delivery

__all__ = ["METRICS", "FetchError", "Inbox", "Keeping", "deliveries", "delivery"]
