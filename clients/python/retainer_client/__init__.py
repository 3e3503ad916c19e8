"""A client of Retainer: the ledger and the rules of paid support.

with Retainer("https://support.example", key) as retainer:
    retainer.put_ticket("T-1", {"customer_id": "ann", "subject": "Help"})
"""

from retainer_client import models, webhooks
from retainer_client.core import (
    AsyncRetainer,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RefusedError,
    Retainer,
    RetainerError,
    TooManyError,
    UnauthorizedError,
    UnavailableError,
)
from retainer_client.operations import CONTRACT
from retainer_client.values import Money, instant, parse_instant

__version__ = CONTRACT
"""As the contract, which the client was made from."""

__all__ = [
    "CONTRACT",
    "AsyncRetainer",
    "ForbiddenError",
    "InvalidError",
    "Money",
    "NotFoundError",
    "RefusedError",
    "Retainer",
    "RetainerError",
    "TooManyError",
    "UnauthorizedError",
    "UnavailableError",
    "instant",
    "models",
    "parse_instant",
    "webhooks",
]
