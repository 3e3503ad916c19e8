"""What the dispatcher counts, for ``/metrics``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.domain.events.webhook_retry import Outcome


@dataclass(slots=True)
class DispatcherMetrics:
    """Of this process, for ``/metrics``. The gauges by tenant are as of its last turn."""

    sent: int = 0
    delivered: int = 0
    failed: int = 0
    gave_up: int = 0
    disabled: int = 0
    in_flight: int = 0
    tenants: dict[str, dict[str, float]] = field(default_factory=dict)

    def wrote(self, outcomes: Sequence[Outcome], *, disabled: int) -> None:
        """Takes in what was written of attempts."""
        for outcome in outcomes:
            if outcome.verdict == "delivered":
                self.delivered += 1
            else:
                self.failed += 1
                self.gave_up += outcome.verdict != "retry"
        self.disabled += disabled

    def sample(self) -> list[tuple[str, str, str, float]]:
        """(name, help, kind, value), as `app.api.observability.Figures` asks."""
        waiting = list(self.tenants.values())
        return [
            ("retainer_webhook_attempts", "Attempts made", "counter", self.sent),
            ("retainer_webhook_delivered", "Deliveries made", "counter", self.delivered),
            ("retainer_webhook_failures", "Attempts that failed", "counter", self.failed),
            ("retainer_webhook_given_up", "Deliveries given up", "counter", self.gave_up),
            ("retainer_webhook_in_flight", "Attempts under way", "gauge", self.in_flight),
            ("retainer_webhook_pending", "Deliveries that wait", "gauge", sum(row["pending"] for row in waiting)),
            (
                "retainer_webhook_oldest_seconds",
                "Age of the oldest delivery that waits",
                "gauge",
                max((row["oldest_seconds"] for row in waiting), default=0),
            ),
            (
                "retainer_webhook_lag_seconds",
                "How late the latest due delivery is",
                "gauge",
                max((row["lag_seconds"] for row in waiting), default=0),
            ),
        ]


METRICS: Final = DispatcherMetrics()
