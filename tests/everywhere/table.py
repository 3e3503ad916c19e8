"""All scenes, in the order in which they are printed."""

from __future__ import annotations

from typing import Final

from tests.everywhere import living, people, plans, prices, promises
from tests.everywhere.scene import Scene

SCENES: Final[tuple[Scene, ...]] = (*promises.SCENES, *prices.SCENES, *living.SCENES, *plans.SCENES, *people.SCENES)
