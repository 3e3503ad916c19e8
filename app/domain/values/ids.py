"""The registry of identifiers: one NewType a noun, so that ids cannot be mixed up (house rule 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NewType

TenantId = NewType("TenantId", str)
"""The operator's name of a vendor, e.g. ``acme``."""
CustomerId = NewType("CustomerId", str)
"""Our surrogate of a customer (``cus_...``); the vendor's own id is ``external_id`` and can be erased."""
OrderId = NewType("OrderId", str)
"""The storefront's order id."""
LineId = NewType("LineId", str)
LicenseId = NewType("LicenseId", str)
CoverId = NewType("CoverId", str)
ChoiceId = NewType("ChoiceId", str)
LotId = NewType("LotId", str)
HoldId = NewType("HoldId", str)
OperationId = NewType("OperationId", str)
TicketId = NewType("TicketId", str)
"""Our surrogate of a ticket (``tic_...``); the helpdesk's own id is ``external_id``."""
KeyId = NewType("KeyId", str)

Mint = Callable[[str], str]
"""Makes a new id with the given prefix (``mint("lot")``). Passed in, since the domain knows no randomness."""
