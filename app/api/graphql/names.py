"""Names in GraphQL: members in camel case, and the query field of a reading operation."""

from __future__ import annotations

import re
from typing import Final

FIELDS: Final[dict[str, str]] = {
    "getTime": "tenantTime",
    "decideEntitlement": "entitlement",
    "listCalendarVersions": "calendarVersions",
    "isOpen": "calendarOpen",
    "elapsedTime": "calendarElapsed",
    "dueTime": "calendarDue",
    "listClosures": "closures",
    "quoteLotRefund": "refundQuote",
    "getAudit": "audit",
    "exportCustomer": "customerExport",
}
"""Names of query fields, where ``getX`` -> ``x`` and ``listX`` -> ``x`` do not say it well."""


def camel(name: str) -> str:
    """``license_id`` -> ``licenseId``."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def field_name(name: str) -> str:
    """The query field of a reading operation: ``getBalance`` -> ``balance``, ``listClocks`` -> ``clocks``."""
    if name in FIELDS:
        return FIELDS[name]
    for prefix in ("get", "list"):
        if name.startswith(prefix) and name[len(prefix) :][:1].isupper():
            rest = name[len(prefix) :]
            return rest[:1].lower() + rest[1:]
    return name


def snake(name: str) -> str:
    """``licenseId`` -> ``license_id``."""
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)
