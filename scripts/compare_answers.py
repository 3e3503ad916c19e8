"""Plays recorded calls against two versions of the service, and names each kind of difference between their answers.

The calls stand in ``scripts/compare/calls.yaml``; every operation of the contract is among them. Of ids and secrets
that the service makes only the kind is compared. A kind of difference is an operation, a place in
its answer and what became of it. Those of ``scripts/compare/expected.yaml`` are told in CHANGELOG; any other fails.

    make compare-answers ARGS="FOLDER"      # a checkout of the older version, with its own .venv if it needs one
"""

from __future__ import annotations

import argparse
import base64
import hmac
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
HERE: Final = ROOT / "scripts" / "compare"
EXAMPLES: Final = ROOT / "app" / "api" / "operations" / "examples.json"
START_SECONDS: Final = 120.0
SETTLE_SECONDS: Final = 4.0
"""How long a delivery has until it is looked at; it is worked on beside the calls."""
_MADE: Final = re.compile(
    r"\b[a-z]{2,6}_[0-9a-z]{26}\b|\brtn_[\w-]+|\bwhsec_[\w+/=-]+|urn:retainer:request:\w+|\b[0-9a-f]{64}\b"
)
"""What the service makes up: ids, keys, secrets, names of requests, hashes."""
_NOW: Final = re.compile(r"\b202[6-9]-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
"""Instants of the wall clock; the tenants' own clocks stand in 2025 and in the first months of 2026."""
_APRIL: Final = "2026-04"
_PASSING: Final = frozenset({"next_cursor"})
"""Members that hold something made up, without a form of its own."""
_LATE: Final = frozenset({"last_used_at"})
"""Members that are written some seconds after the call."""


@dataclass
class Answer:
    """What a call answered."""

    status: int
    body: Any


@dataclass
class Call:
    """One call: ``operation`` names it in the report."""

    method: str
    path: str
    body: Any = None
    save: Mapping[str, str] = field(default_factory=dict)
    operator: bool = False
    refused: bool = False


def calls(document: Mapping[str, Any]) -> Iterator[tuple[str, list[Call]]]:
    """The calls of each chapter, its reads among them."""
    for chapter, rows in document["chapters"].items():
        made = [_call(row) for row in rows]
        yield chapter, [*made, *(Call("GET", path) for path in document["reads"])]


def _call(row: list[Any]) -> Call:
    words = str(row[0])
    save = row[2] if len(row) > 2 else {}
    method, path = words.lstrip("!?").split(" ", 1)
    body = row[1] if len(row) > 1 else None
    return Call(method, path.strip('"'), body, save, words.startswith("!"), words.startswith("?"))


class Operations:
    """The operations of the contract, to name a call by its own."""

    def __init__(self) -> None:
        document = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))
        self._found = [
            (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation["operationId"])
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]
        self.ids = {name for _, _, name in self._found}

    def of(self, method: str, path: str) -> str:
        """The operation of a call."""
        bare = path.partition("?")[0]
        exact = [name for verb, pattern, name in self._found if verb == method and pattern.fullmatch(bare)]
        return exact[0] if exact else f"{method} {bare}"


class Player:
    """Plays chapters over HTTP and keeps what was answered."""

    def __init__(self, client: httpx.Client, operator_key: str, operations: Operations) -> None:
        self._client, self._operator, self._operations = client, operator_key, operations
        self._examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
        self.answers: list[tuple[str, Call, Answer]] = []
        self.exampled: dict[str, list[int]] = {}

    def play(self, chapter: str, made: list[Call]) -> None:
        """Play one chapter."""
        names: dict[str, Any] = {"policy": _policy_of(made), "document": self._examples["publishPolicy"]["document"]}
        for number, call in enumerate(made):
            wanted = re.findall(r"\{(\w+)\}", call.path)
            if any(name not in names for name in wanted):
                continue
            path = call.path.format(**names)
            operation = self._operations.of(call.method, path)
            body = _filled(self._body(operation, call.body), names)
            key = self._operator if call.operator else names.get("key", "")
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"{chapter}-{number}"}
            if call.method == "GET":
                del headers["Idempotency-Key"]
            answered = self._send(operation, call.method, path, body, headers)
            if call.body == "example":
                self.exampled.setdefault(operation, []).append(0 if call.refused else answered.status_code)
            content = answered.headers.get("content-type", "")
            found = answered.json() if "json" in content and "ndjson" not in content else answered.text
            if operation == "receiveDelivery":
                time.sleep(SETTLE_SECONDS)
            for name, place in call.save.items():
                if (value := _at(found, place)) is not None:
                    names[name] = str(value)
            self.answers.append((operation, call, Answer(answered.status_code, found)))

    def _send(self, operation: str, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        if operation == "receiveDelivery":
            content = json.dumps(body).encode()
            signature = hmac.digest(self._examples["putSource"]["secret"].encode(), content, "sha256")
            signed = {
                "X-WC-Webhook-Signature": base64.b64encode(signature).decode(),
                "X-WC-Webhook-Topic": "order.updated",
                "X-WC-Webhook-Delivery-ID": "d1",
                "Content-Type": "application/json",
            }
            return self._client.request(method, path, content=content, headers=signed)
        if isinstance(body, str):
            return self._client.request(
                method, path, content=body, headers={**headers, "Content-Type": "text/calendar"}
            )
        return self._client.request(method, path, json=body, headers=headers)

    def _body(self, operation: str, body: Any) -> Any:
        return self._examples[operation] if body == "example" else body


def _policy_of(made: list[Call]) -> str:
    body = made[0].body
    return str(body["policy"]) if isinstance(body, dict) else "x-cart"


def _filled(value: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\{\w+\}", value):
        return names[value[1:-1]]
    if isinstance(value, dict):
        return {name: _filled(inner, names) for name, inner in value.items()}
    return [_filled(inner, names) for inner in value] if isinstance(value, list) else value


def _at(value: Any, place: str) -> Any:
    for step in place.strip("/").split("/"):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


# --- comparing --------------------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A value in which what the service makes up has the name of its kind."""
    if isinstance(value, dict):
        return {
            plain(name): "<passing>" if name in _PASSING and inner is not None else plain(inner)
            for name, inner in sorted(value.items())
            if name not in _LATE
        }
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if not isinstance(value, str):
        return value
    found = _MADE.sub(lambda one: f"<{one[0].split('_')[0][:8] if '_' in one[0] else 'made'}>", value)
    return _NOW.sub(lambda one: one[0] if one[0] < _APRIL else "<now>", found)


def _by_code(body: Any) -> Any:
    """A list of problems by their codes, so that one that is gone moves no other."""
    rows = body.get("data") if isinstance(body, dict) else None
    if isinstance(rows, list) and rows and all(isinstance(row, dict) and "next_step" in row for row in rows):
        return {row["code"]: row for row in rows}
    return body


def differences(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Where two values differ, by a place in which numbers of lists are `*`."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            inner = f"{place}/{name}"
            if name not in before:
                yield f"{inner}: new"
            elif name not in after:
                yield f"{inner}: gone"
            else:
                yield from differences(before[name], after[name], inner)
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{place}: another number of entries"
        for one, other in zip(before, after, strict=False):
            yield from differences(one, other, f"{place}/*")
    elif before != after or type(before) is not type(after):
        yield f"{place}: another value"


def compare(old: Player, new: Player) -> tuple[Counter[tuple[str, str]], dict[tuple[str, str], str]]:
    """Kinds of differences with how often each was seen, and an example of each."""
    counted: Counter[tuple[str, str]] = Counter()
    shown: dict[tuple[str, str], str] = {}
    for (operation, call, one), (_, _, other) in zip(old.answers, new.answers, strict=True):
        found = ["status: another value"] if one.status != other.status else []
        left, right = plain(_by_code(one.body)), plain(_by_code(other.body))
        if not found:
            found = sorted(set(differences(left, right)))
        for place in found:
            counted[operation, place] += 1
            pair = f"{call.method} {call.path}: {one.status} {str(_near(left, place))[:140]} -> {other.status} "
            shown.setdefault((operation, place), pair + str(_near(right, place))[:140])
    return counted, shown


def _near(value: Any, place: str) -> Any:
    for step in place.partition(": ")[0].strip("/").split("/"):
        if isinstance(value, list):
            value = value[0] if value else None
        elif isinstance(value, dict):
            value = value.get(step, value if step == "status" else None)
    return value


# --- servers ----------------------------------------------------------------------------------------------------------


def played(folder: Path, document: Mapping[str, Any], operations: Operations) -> Player:
    """Start the service of a checkout on a fresh database, play everything, stop it."""
    own = folder / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    operator_key = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as data, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        Path(data).chmod(0o755)  # Postgres runs as a user of its own where this runs as root
        environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "RETAINER_PORT": str(port),
            "RETAINER_DATA_DIR": str(Path(data) / "data"),
            "RETAINER_OPERATOR_KEY": operator_key,
            "RETAINER_LOG_LEVEL": "error",
        }
        with (Path(data) / "log").open("w") as log:
            server = subprocess.Popen(
                [python, "-m", "app.cli", "serve"], cwd=folder, env=environment, stdout=log, stderr=log
            )
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                    _wait(client, server, Path(data) / "log")
                    player = Player(client, operator_key, operations)
                    for chapter, made in calls(document):
                        player.play(chapter, made)
                    return player
            finally:
                server.terminate()
                server.wait(60)


def _wait(client: httpx.Client, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(int(START_SECONDS / 0.5)):
        if server.poll() is not None:
            break
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise SystemExit(f"compare: the service did not start:\n{log.read_text()[-2000:]}")


def main() -> int:
    """0 when every kind of difference is one that CHANGELOG tells of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path, help="a checkout of the older version")
    given = parser.parse_args()
    document = yaml.safe_load((HERE / "calls.yaml").read_text(encoding="utf-8"))
    expected = yaml.safe_load((HERE / "expected.yaml").read_text(encoding="utf-8")) or []
    operations = Operations()
    new = played(ROOT, document, operations)
    old = played(given.old.resolve(), document, operations)
    counted, shown = compare(old, new)
    called = {operation for operation, _, _ in new.answers}
    print(f"compare: {len(new.answers)} calls of {len(called & operations.ids)} of {len(operations.ids)} operations")
    unexpected = 0
    for (operation, place), times in sorted(counted.items()):
        why = next((one["why"] for one in expected if _fits(one, operation, place)), None)
        unexpected += why is None
        print(f"{'     ' if why else 'NEW: '}{operation} {place} ({times}){f': {why}' if why else ''}")
        if why is None:
            print(f"        {shown[operation, place]}")
    print(f"compare: {len(counted)} kinds of differences, {unexpected} of them told nowhere")
    return 1 if unexpected else 0


def _fits(one: Mapping[str, str], operation: str, place: str) -> bool:
    return bool(re.fullmatch(one.get("operation", ".*"), operation) and re.fullmatch(one["place"], place))


if __name__ == "__main__":
    sys.exit(main())
