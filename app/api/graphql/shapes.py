"""The list of published shapes, to which each module of types adds its own."""

from __future__ import annotations

from typing import Any, Final

SHAPES: Final[list[type]] = []


def shape(cls: type[Any]) -> Any:
    """Notes a shape; it becomes a type when the schema is made."""
    SHAPES.append(cls)
    return cls
