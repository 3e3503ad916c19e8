"""Nothing is looked through for cycles from here on: what a start imports and makes is there to stay.

A start costs a seventh less CPU. The application turns the collector on once it is up (`app.main`).
"""

from __future__ import annotations

import gc

gc.disable()
