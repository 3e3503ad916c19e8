"""Limits on calls: for each key and tenant, off unless set; failed authentication for each address, always.

Token buckets in this process; with several processes each gets its share of the rate. A valid key is never refused for
what others at its address got wrong: an address is only told 429 instead of 401.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from fastapi import Request

from app.api.auth import Principal
from app.api.problems import Problem

BUCKETS_MAX: Final = 20_000
FAILURES_BURST: Final = 600
FAILURES_A_SECOND: Final = 10.0


class Buckets:
    """Token buckets by name: ``rate`` a second, at most ``burst`` at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> tuple[bool, int, int]:
        """(whether there was one, how many are left, seconds until there is one again or all are back)."""
        now = self._clock()
        left, at = self._buckets.pop(name, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.rate)
        had = left >= 1
        left -= 1 if had else 0
        self._buckets[name] = (left, now)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        wait = (1 - left) / self.rate if not had else (self.burst - left) / self.rate
        return had, int(left), max(1, math.ceil(wait))


class Limits:
    """Implements `app.api.deps.Limiter`."""

    def __init__(
        self,
        *,
        per_key: float | None,
        per_tenant: float | None,
        processes: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        def made(rate: float | None) -> Buckets | None:
            return None if rate is None else Buckets(rate / processes, max(1.0, math.ceil(2 * rate / processes)), clock)

        self._levels = [("key", made(per_key)), ("tenant", made(per_tenant))]
        self._failures = Buckets(FAILURES_A_SECOND / processes, FAILURES_BURST / processes, clock)

    def check(self, principal: Principal, request: Request) -> None:
        """Counts a call. Raises 429 ``rate_limited`` when the key or its tenant has none left.

        Answers carry RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-11) where a limit is set.
        """
        policies: list[str] = []
        states: list[str] = []
        refused: int | None = None
        for name, buckets in self._levels:
            if buckets is None:
                continue
            whom = principal.actor if name == "key" else principal.tenant_id or "operator"
            had, left, wait = buckets.take(f"{principal.tenant_id}/{whom}")
            policies.append(f'"{name}";q={int(buckets.burst)};w={max(1, math.ceil(buckets.burst / buckets.rate))}')
            states.append(f'"{name}";r={left};t={wait}')
            if not had:
                refused = max(refused or 0, wait)
        if policies:
            request.scope["retainer.headers"] = [
                (b"ratelimit-policy", ", ".join(policies).encode()),
                (b"ratelimit", ", ".join(states).encode()),
            ]
        if refused is not None:
            raise Problem("rate_limited", headers={"Retry-After": str(refused)})

    def failed(self, request: Request) -> None:
        """Counts a wrong key, or a wrong secret of a page. Raises 429 when there were too many from this address."""
        if "authorization" not in request.headers and "retainer.tried" not in request.scope:
            return
        address = request.client.host if request.client else "unknown"
        had, _, wait = self._failures.take(address)
        if not had:
            raise Problem("rate_limited", "Too many wrong keys from this address.", headers={"Retry-After": str(wait)})
