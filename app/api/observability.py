"""What an operator sees: a JSON line an event, and figures for Prometheus. No secret, no customer's data in either."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, multiprocess
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder to `prometheus_client`, which looks at it when it is imported."""
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_SECRETS: Final = re.compile(
    r"rtn_(?:live|test|ct|op|in|ss|sl|os|ol)_[^\s\"',}]+"  # our keys
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
    """The metrics of a process; of all processes of the service, where `serve` named a folder for them.

    ``samples`` are figures that other parts keep themselves, ``shared`` those that are the same for every process:
    (name, help, ``counter`` or ``gauge``, value).
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.duration = Histogram(
            "http_server_request_duration_seconds",
            "Time from head to answer",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "http_server_active_requests", "Requests under way", registry=self.registry, multiprocess_mode="livesum"
        )
        self.processes = Gauge(
            "retainer_processes",
            "Processes that this page adds up",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.refusals = Counter(
            "retainer_problems", "Answers that were problems, by code", ["code"], registry=self.registry
        )
        self.replays = Counter(
            "retainer_idempotent_replays", "Keyed calls answered from the first time", registry=self.registry
        )
        self.debits = Counter("retainer_debits", "Debits, by what came of them", ["outcome"], registry=self.registry)
        self.pool_wait = Histogram(
            "retainer_db_pool_wait_seconds", "Time until a connection was had", buckets=_BUCKETS, registry=self.registry
        )
        self.samples: list[Callable[[], Iterable[tuple[str, str, str, float]]]] = []
        self.shared: list[Callable[[], Iterable[tuple[str, str, str, float]]]] = []
        self._sampled: dict[str, Counter | Gauge] = {}
        self._counted: dict[str, float] = {}

    def refresh(self) -> None:
        """Take over what other parts of this process have counted since."""
        for sample in self.samples:
            for name, words, kind, value in sample():
                self._take(name, words, kind, value)

    def _take(self, name: str, words: str, kind: str, value: float) -> None:
        metric = self._sampled.get(name)
        if metric is None:
            # Of several processes the sum counts, and of what is late the latest.
            mode: Literal["livemax", "livesum"] = "livemax" if name.endswith("_seconds") else "livesum"
            metric = self._sampled[name] = (
                Counter(name, words, registry=self.registry)
                if kind == "counter"
                else Gauge(name, words, registry=self.registry, multiprocess_mode=mode)
            )
        if isinstance(metric, Gauge):
            metric.set(value)
        else:
            metric.inc(value - self._counted.get(name, 0.0))
            self._counted[name] = value

    def text(self) -> bytes:
        """The page for Prometheus."""
        self.refresh()
        return generate_latest(_of_all() or self.registry) + generate_latest(_registry(_Sampled(self.shared)))


def shared_folder() -> Path | None:
    """The folder where the processes of this service keep their figures, if there are several."""
    named = os.environ.get(SHARED_FOLDER)
    return Path(named) if named else None


def _of_all() -> CollectorRegistry | None:
    """The figures of all processes added up; None where there is one. A process that died has no gauges any more."""
    folder = shared_folder()
    if folder is None:
        return None
    for process in {path.stem.rpartition("_")[2] for path in folder.glob("gauge_live*.db")}:
        if not _runs(int(process)):
            multiprocess.mark_process_dead(int(process))  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _registry(collector: Any) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry


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


_CONFIGURED = "_retainer_handler"
_PLAIN: Final = frozenset({*logging.makeLogRecord({}).__dict__, "message", "asctime"})
"""What every record has; the rest was given to it."""
_encode: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=repr).encode


class JsonLines(logging.Formatter):
    """One JSON line a record, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        event: dict[str, Any] = {name: value for name, value in record.__dict__.items() if name not in _PLAIN}
        event |= {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return _encode({name: redact(value) if isinstance(value, str) else value for name, value in event.items()})


def configure_logging(level: str) -> None:
    """JSON lines on stderr for our loggers, the server's and the libraries'. Safe to call again."""
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if getattr(handler, _CONFIGURED, False)]:
        root.removeHandler(old)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    setattr(handler, _CONFIGURED, True)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in ("retainer", "uvicorn"):
        logging.getLogger(name).setLevel(level.upper())
    logging.getLogger("uvicorn.access").disabled = True
