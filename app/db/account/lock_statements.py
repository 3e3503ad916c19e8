"""The statements that find and lock a customer at once, and those that lock the customers of several calls."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from app.db import shared_calls
from app.db.claims import CLAIMED

CUSTOMER: Final = "customer_id, external_id, last_at, event_sequence, data, profile, merged_into, company_id"
_OF_C: Final = ", ".join(f"c.{name}" for name in CUSTOMER.split(", "))
BY_NAME: Final = text(
    f"select {CUSTOMER} from customer where tenant_id = :tenant and external_id = :external and merged_into is null"
    " for update"
)
"""An account that went into another one is not locked here: its heir comes first (decision 0003)."""
CLAIM_AND_LOCK: Final = text(
    f"with claimed as ({CLAIMED}) select {_OF_C} from claimed, customer c where c.tenant_id = :tenant"
    " and c.external_id = :external and c.merged_into is null for update of c"
)
"""The same, behind a claim on a natural key. Without a row nothing may be claimed yet."""
shared_calls.lock_shared(
    CLAIM_AND_LOCK,
    f"select {CUSTOMER}, external_id as asked from customer where tenant_id = :tenant"
    " and external_id = any(:asked) and merged_into is null order by customer_id for update",
    by="external",
    whose="select n.customer_id from customer n where n.tenant_id = :tenant and n.external_id = any(:asked)",
)
_TICKET: Final = f"{_OF_C}, t.ticket_id, cast(t.document ->> 'policy_version' as integer) as policy_version"
OF_TICKET: Final = text(
    f"select {_TICKET} from ticket t join customer c on c.tenant_id = t.tenant_id and c.customer_id = t.customer_id"
    " where t.tenant_id = :tenant and t.external_id = :external for update of c"
)
shared_calls.lock_shared(
    OF_TICKET,
    f"select {_TICKET}, t.external_id as asked from ticket t"
    " join customer c on c.tenant_id = :tenant and c.customer_id = t.customer_id"
    " where t.tenant_id = :tenant and t.external_id = any(:asked) order by c.customer_id for update of c",
    by="external",
    whose="select t.customer_id from ticket t where t.tenant_id = :tenant and t.external_id = any(:asked)",
)
