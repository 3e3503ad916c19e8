"""Lives that once found a fault, told again for ever. Each is as short as it could be made."""

from __future__ import annotations

from tests.lives.life import Step

KEPT: dict[str, tuple[str, list[Step]]] = {}
