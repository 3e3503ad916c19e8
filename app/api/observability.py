"""What an operator sees: a JSON line an event, and figures for Prometheus. No secret, no customer's data in either."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import structlog
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_SECRETS: Final = re.compile(
    r"rtn_(?:live|test|ct|op|in)_[^\s\"',}]+"  # our keys
    r"|(?i:bearer)\s+[^\s\"',}]+"
    r"|whsec_[A-Za-z0-9+/=_-]+"
    r"|(?<=://)[^/@\s:]+:[^/@\s]+(?=@)"  # user and password of an address
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
)


_UNTRACED: Final = frozenset({"/livez", "/readyz", "/metrics"})
TELEMETRY: Final[TelemetryConfig] = {
    # Exceptions carry words of callers and addresses of databases; our own log has them, without its secrets.
    "logs": False,
    "exclude": lambda scope: scope.get("path") in _UNTRACED,
}
"""OpenTelemetry by FastAPI's own support: nothing until the operator installs and configures an SDK."""


class Figures:
    """The metrics of one process. ``samples`` are asked at each scrape; ``shared`` are the same for every process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.duration = Histogram(
            "http_server_request_duration_seconds",
            "Time from head to answer",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge("http_server_active_requests", "Requests under way", registry=self.registry)
        self.refusals = Counter(
            "retainer_problems", "Answers that were problems, by code", ["code"], registry=self.registry
        )
        self.replays = Counter(
            "retainer_idempotent_replays", "Keyed calls answered from the first time", registry=self.registry
        )
        self.debits = Counter(
            "retainer_debits", "Debits, by what came of them", ["outcome"], registry=self.registry
        )
        self.pool_wait = Histogram(
            "retainer_db_pool_wait_seconds",
            "Time until a connection was had",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.samples: list[Callable[[], Iterable[tuple[str, str, str, float]]]] = []
        self.shared: list[Callable[[], Iterable[tuple[str, str, str, float]]]] = []
        self.registry.register(_Sampled(self.samples))

    def own(self) -> bytes:
        """What this process counted."""
        return generate_latest(self.registry)

    def text(self, others: Mapping[str, bytes] | None = None, own: str = "") -> bytes:
        """The page for Prometheus; with ``others``, whatever each process counted by its label ``process``."""
        if others is None:
            return self.own() + generate_latest(_registry(_Sampled(self.shared)))
        merged = _Merged({own: self.own(), **others})
        return generate_latest(_registry(merged)) + generate_latest(_registry(_Sampled(self.shared)))


def _registry(collector: Any) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry


class _Merged:
    """The pages of several processes as one. Sums are Prometheus' work: each process counts from its own start."""

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self._pages = pages

    def collect(self) -> Iterable[Metric]:
        found: dict[str, Metric] = {}
        for process, page in self._pages.items():
            for family in text_string_to_metric_families(page.decode()):
                metric = found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for one in family.samples:
                    metric.add_sample(one.name, {**one.labels, "process": process}, one.value)
        return found.values()


class _Sampled:
    """Figures that other parts keep themselves: (name, help, ``counter`` or ``gauge``, value)."""

    def __init__(self, samples: list[Callable[[], Iterable[tuple[str, str, str, float]]]]) -> None:
        self._samples = samples

    def collect(self) -> Iterable[Metric]:
        for sample in self._samples:
            for name, words, kind, value in sample():
                family = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
                yield family(name, words, value=value)


def redact(text: str) -> str:
    """The text without anything that opens a door."""
    return _SECRETS.sub("[secret]", text)


def _redacted(_: Any, __: str, event: Any) -> Any:
    return {name: redact(value) if isinstance(value, str) else value for name, value in event.items()}


_CONFIGURED = "_retainer_handler"


def formatter() -> logging.Formatter:
    """One JSON line a record, without secrets."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redacted,
            structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=True),
        ],
    )


def configure_logging(level: str) -> None:
    """JSON lines on stderr for our loggers, the server's and the libraries'. Safe to call again."""
    root = logging.getLogger()
    for old in [one for one in root.handlers if getattr(one, _CONFIGURED, False)]:
        root.removeHandler(old)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter())
    setattr(handler, _CONFIGURED, True)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in ("retainer", "uvicorn"):
        logging.getLogger(name).setLevel(level.upper())
    logging.getLogger("uvicorn.access").disabled = True
