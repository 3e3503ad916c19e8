"""Tenants and their time as published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from app.views.shapes import Closed, Id, Instant

Mode = Literal["real", "virtual"]
ClockMode = Annotated[Mode, Closed("ClockMode", "Whether a tenant lives in real time or in a time of its own.")]


class SetAside(TypedDict):
    """Something that fell due and failed: it stops nothing else and is tried again at `retry_at`."""

    kind: Annotated[str, "What was to happen."]
    subject: Annotated[str, "What it was about."]
    code: Annotated[str, "The code of the failure."]
    failures: Annotated[int, "How often it failed."]
    retry_at: Annotated[Instant, "When it is tried again."]


class TenantTime(TypedDict):
    """The tenant's own time."""

    mode: Annotated[ClockMode, "Whether time is real or the tenant's own."]
    now: NotRequired[Annotated[Instant, "What time it is; absent in a tenant's own answer while time is real."]]
    fired: NotRequired[Annotated[int, "How many things happened on the way."]]
    reached: NotRequired[Annotated[bool, "Whether the time that was asked for is reached; else ask again."]]
    set_aside: NotRequired[Annotated[Sequence[SetAside], "What failed on the way."]]


MoveState = Annotated[
    Literal["here", "leaving", "moving", "moved", "arriving"],
    Closed("MoveState", "How far a tenant's move to another server is."),
]


class TenantMove(TypedDict):
    """Where a tenant lives, seen from this server."""

    tenant_id: Annotated[Id, "The operator's id of the tenant."]
    state: Annotated[MoveState, "Whether it lives here, leaves, arrives or has gone."]
    address: Annotated[str | None, "The address of the server that it moves to; null where nobody said it."]
    since: Annotated[Instant | None, "When this state began; null where it never moved."]


class Tenant(TypedDict):
    """One vendor using the service."""

    tenant_id: Annotated[Id, "The operator's id of the tenant."]
    policy: Annotated[str, "The name of its policy."]
    clock: Annotated[TenantTime, "Its time."]
    suspended: Annotated[bool, "Whether its keys open nothing for now."]
    created_at: Annotated[Instant, "When it was made."]
