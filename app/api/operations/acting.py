"""Who acts for the vendor: a person named beside what a helpdesk writes, since one key serves all of its agents."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from app.api.fields import Body, ExternalId, ShortText
from app.domain.values.agent import Agent


class ActingAgentBody(Body):
    """A person of the vendor, by the helpdesk's id."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "7", "name": "Kim"}]})

    id: ExternalId
    name: ShortText | None = None


class ActingBody(Body):
    """A body that may name who acts. No digest covers it: the same call of another agent is the same call."""

    acting_agent: ActingAgentBody | None = None

    def plain(self) -> dict[str, Any]:
        """All fields but who acts."""
        return self.model_dump(exclude={"acting_agent"})

    def content(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, but who acts."""
        return self.model_dump(exclude_defaults=True, exclude={"acting_agent"})


def agent_of(body: object) -> Agent | None:
    """Return who acts, where a body says so."""
    agent = body.acting_agent if isinstance(body, ActingBody) else None
    if agent is None:
        return None
    return {"id": agent.id} if agent.name is None else {"id": agent.id, "name": agent.name}
