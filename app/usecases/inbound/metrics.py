"""Counts of deliveries, of this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final


@dataclass(slots=True)
class Metrics:
    """Of this process."""

    received: int = 0
    duplicates: int = 0
    forged: int = 0
    done: int = 0
    parked: int = 0
    failures: int = 0
    waiting: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Tenant -> how many deliveries wait, and for how many seconds the oldest does."""

    def sample(self) -> Iterator[tuple[str, str, str, float]]:
        """For ``/metrics``: name, help, kind, value."""
        yield "retainer_inbound_received", "Deliveries that came", "counter", self.received
        yield "retainer_inbound_duplicates", "Deliveries that had come before", "counter", self.duplicates
        yield "retainer_inbound_forged", "Deliveries refused for their signature", "counter", self.forged
        yield "retainer_inbound_done", "Deliveries acted on", "counter", self.done
        yield "retainer_webhooks_parked", "Deliveries parked for a person", "counter", self.parked
        yield "retainer_inbound_failures", "Faults while acting on deliveries", "counter", self.failures
        yield "retainer_inbound_waiting", "Deliveries that wait", "gauge", self.waiting_now
        yield "retainer_inbound_oldest_seconds", "Age of the oldest that waits", "gauge", self.oldest_seconds

    @property
    def oldest_seconds(self) -> float:
        """The age of the oldest delivery that waits."""
        return max((age for _, age in self.waiting.values()), default=0.0)

    @property
    def waiting_now(self) -> int:
        """How many deliveries wait."""
        return sum(count for count, _ in self.waiting.values())


METRICS: Final = Metrics()
