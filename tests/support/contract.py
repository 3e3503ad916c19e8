"""The operations as published, for tests that are made from the contract: none can be forgotten."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.api.openapi import build, example_of
from app.main import create_app
from app.settings import Settings


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    id: str
    method: str
    path: str
    spec: dict[str, Any]
    schemas: dict[str, Any]

    @property
    def scopes(self) -> tuple[str, ...]:
        """Any of which opens it."""
        return tuple(self.spec.get("x-scopes", ()))

    @property
    def secured(self) -> bool:
        """Whether it needs a key."""
        return bool(self.spec.get("security"))

    @property
    def operators(self) -> bool:
        """Whether the operator's key opens it."""
        return bool(self.spec.get("x-operator"))

    @property
    def keyed(self) -> bool:
        """Whether it takes an Idempotency-Key."""
        return any(one["name"] == "Idempotency-Key" for one in self.spec.get("parameters", ()))

    @property
    def needs_key(self) -> bool:
        """Whether it is refused without an Idempotency-Key."""
        return any(one["name"] == "Idempotency-Key" and one["required"] for one in self.spec.get("parameters", ()))

    @property
    def writes(self) -> bool:
        """Whether it is more than a question."""
        return self.method != "GET"

    def parameters(self, place: str) -> list[dict[str, Any]]:
        """Those in ``path`` or ``query``."""
        return [one for one in self.spec.get("parameters", ()) if one["in"] == place]

    @property
    def body_schema(self) -> dict[str, Any] | None:
        """The body's schema, resolved one step."""
        content = self.spec.get("requestBody", {}).get("content", {}).get("application/json")
        return None if content is None else self.resolve(content["schema"])

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema without its reference."""
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    def kinds(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        """The branches of a schema."""
        schema = self.resolve(schema)
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches is None and isinstance(schema.get("type"), list):
            branches = [{**schema, "type": one} for one in schema["type"]]
        return [one for branch in branches for one in self.kinds(branch)] if branches else [schema]

    def example(self) -> Any:
        """A body that passes the door."""
        if self.body_schema is None:
            return None
        content = self.spec["requestBody"]["content"]["application/json"]
        return content.get("example") or example_of(self.body_schema, self.schemas)

    def url(self, **known: str) -> str:
        """The path with values that pass the door, and the query parameters it needs."""
        path = self.path
        for one in self.parameters("path"):
            value = known.get(one["name"]) or one.get("example") or "x1"
            path = path.replace("{" + one["name"] + "}", str(value))
        needed = [f"{one['name']}={one.get('example')}" for one in self.parameters("query") if one.get("required")]
        return path + ("?" + "&".join(needed).replace("+", "%2B") if needed else "")


@functools.cache
def operations() -> tuple[Operation, ...]:
    """All operations, by path."""
    settings = Settings(data_dir=Path("/nonexistent"), database_url="postgresql://nowhere/nothing")
    document = build(create_app(settings))
    return tuple(
        Operation(spec["operationId"], method.upper(), path, spec, document["components"]["schemas"])
        for path, methods in sorted(document["paths"].items())
        for method, spec in methods.items()
    )
