"""Clients that other people's generators make from the committed contracts, each tried with live calls.

The project's own client for TypeScript is compiled and its examples are run; the one for Python is tried by
`tests/clients`.

A Python client (openapi-python-client), a GraphQL client (ariadne-codegen) and TypeScript types (openapi-typescript, if
there is Node). The generators are pinned by hash (`requirements/clients.lock`, `scripts/node/package-lock.json`), in
environments of their own; what they make is not kept.

The Python client has a size that somebody can read (`lines_max`). In TypeScript a loop over every list compiles, and
one with a typo in a ticket's state does not (`scripts/node/client`).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from graphql import build_schema, print_schema

from scripts import live, node_tools

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-clients"
FIRST = {"operations": 115, "shapes": 312, "members": 1_583}
FIRST_LINES = 60_000
LINES = {"operations": 200, "shapes": 80, "members": 14}
"""Lines of the Python client: 60,000 for the contract as it was when the bar was set, and so many for each thing more.

A call is a file of some two hundred lines, a shape a class, a member a few lines of it. So the bar measures how well
the contract reads to a generator, such as unions that could be one shape, and refuses neither a call nor a member.
"""
METHODS = {"get", "put", "post", "patch", "delete"}
STRICT = ("--noEmit", "--strict", "--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler")
TYPO = re.compile(r"^typo[.]ts\(\d+,\d+\): error TS2367: .*'\"in_progres\"' have no overlap", re.MULTILINE)

REST_CALLS = """
import sys
from datetime import UTC, datetime
from rest.client import AuthenticatedClient
from rest.api.credits_ import adjust_credits, get_balance
from rest.api.storefront import put_order
from rest.api.helpdesk import get_ticket
from rest.models import AdjustmentBody, LineBody, OrderBody

base, key = sys.argv[1:]
client = AuthenticatedClient(base_url=base, token=key)
made = adjust_credits.sync_detailed(
    "c-rest", client=client, body=AdjustmentBody(credits_=12, reason="welcome"), idempotency_key="clients-rest-1")
assert made.status_code == 201, made
balance = get_balance.sync("c-rest", client=client)
assert balance.available == 12, balance
order = OrderBody(customer_id="c-rest", placed_at=datetime(2025, 1, 1, tzinfo=UTC),
                  lines=[LineBody(line_id="1", sku="license-standard")])
assert put_order.sync_detailed("o-rest", client=client, body=order).status_code == 201
again = put_order.sync_detailed("o-rest", client=client, body=order)
assert (again.status_code, again.parsed.order_id) == (200, "o-rest"), again
missing = get_ticket.sync_detailed("nowhere", client=client)
assert (missing.status_code, missing.parsed.code) == (404, "ticket_not_found"), missing
print("clients: the Python client granted 12 credits, read them, placed an order twice and was refused")
"""

QUERIES = """
query ReadBalance($customer: ID!) { balance(customerId: $customer) { available held unit } }
mutation Grant($input: AdjustCreditsInput!) {
  adjustCredits(input: $input) { __typename ... on Refusal { code nextStep } }
}
"""
GRAPHQL_CALLS = """
import asyncio, sys
from graph import Client
from graph.input_types import AdjustCreditsInput

async def main(base, key):
    async with Client(url=f"{base}/graphql", headers={"Authorization": f"Bearer {key}"}) as client:
        wish = AdjustCreditsInput(idempotencyKey="clients-graphql-1", customerId="c-graph", credits=7, reason="welcome")
        made = await client.grant(wish)
        assert made.adjust_credits.typename__ != "Refusal", made
        found = await client.read_balance("c-graph")
        assert found.balance.available == 7, found
    print("clients: the GraphQL client granted 7 credits and read them")

asyncio.run(main(*sys.argv[1:]))
"""


def main() -> int:
    """Makes and tries them; 0 when all work."""
    subprocess.run([str(ROOT / "scripts/bootstrap.sh"), "clients"], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not (_rest(folder) and _graphql(folder) and _typescript(folder)):
            return 1
        (folder / "rest_calls.py").write_text(REST_CALLS, encoding="utf-8")
        (folder / "graphql_calls.py").write_text(GRAPHQL_CALLS, encoding="utf-8")

        async def work(base: str, key: str) -> int:
            codes = [
                await live.command(str(VENV / "bin/python"), str(folder / script), base, key)
                for script in ("rest_calls.py", "graphql_calls.py")
            ]
            return max(codes)

        return live.run(work) or _ours(folder)


OURS = {"checkout": "240\n", "helpdesk": "true in_progress insufficient_credits", "partner": "ann "}
"""What each example prints at first, one after another."""


def _ours(folder: Path) -> int:
    """Compile `clients/typescript`, and run its examples against the service."""
    if shutil.which("npm") is None:
        print("clients: our TypeScript client NOT CHECKED: there is no npm")
        return 0
    source, package = ROOT / "clients" / "typescript", folder / "node_modules" / "retainer-client"
    package.mkdir(parents=True)
    shutil.copy(source / "package.json", package)
    if not _made([node_tools.program("tsc"), "-p", str(source), "--outDir", str(package / "dist")], folder):
        return 1
    shutil.copy(node_tools.HERE / "client" / "webhooks.mjs", folder)
    if not _made(["node", "webhooks.mjs"], folder):
        return 1

    async def work(base: str, key: str) -> int:
        for name, wanted in OURS.items():
            shutil.copy(source / "examples" / f"{name}.mjs", folder)
            process = await asyncio.create_subprocess_exec(
                "node",
                str(folder / f"{name}.mjs"),
                env={**os.environ, "RETAINER_URL": base, "RETAINER_KEY": key},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            printed = (await process.communicate())[0].decode()
            if process.returncode != 0 or not printed.startswith(wanted):
                print(f"clients: the example {name} printed something else:\n{printed}")
                return 1
        print("clients: our TypeScript client compiles, and its examples work")
        return 0

    return live.run(work, policy="avactis")


def _made(words: list[str], folder: Path) -> bool:
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    bad = done.returncode != 0 or "parsing" in done.stdout.lower() or "unable to" in done.stdout.lower()
    if bad:
        print(f"clients: {words[0]} could not make everything of the contract:\n{done.stdout}{done.stderr}")
    return not bad


def _rest(folder: Path) -> bool:
    contract = str(ROOT / "openapi/openapi.json")
    words = ["generate", "--path", contract, "--output-path", "rest", "--meta", "none"]
    if not _made([str(VENV / "bin/openapi-python-client"), *words], folder):
        return False
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (folder / "rest").rglob("*.py"))
    operations, most = lines_max(json.loads(Path(contract).read_text(encoding="utf-8")))
    print(f"clients: the Python client has {lines:,} lines for {operations} operations, of {most:,} at most")
    return lines <= most


def lines_max(contract: dict[str, Any]) -> tuple[int, int]:
    """Return the number of operations in a contract, and the lines that a client made of it may have."""
    shapes = contract["components"]["schemas"].values()
    found = {
        "operations": sum(method in METHODS for path in contract["paths"].values() for method in path),
        "shapes": len(shapes),
        "members": sum(len(shape.get("properties", {})) for shape in shapes),
    }
    more = sum(LINES[what] * max(0, number - FIRST[what]) for what, number in found.items())
    return found["operations"], FIRST_LINES + more


def _graphql(folder: Path) -> bool:
    text = (ROOT / "openapi/schema.graphql").read_text(encoding="utf-8")
    # Without the federation directives, which a client's generator does not know.
    plain = print_schema(build_schema(text, assume_valid=True, assume_valid_sdl=True))
    (folder / "schema.graphql").write_text(plain, encoding="utf-8")
    (folder / "queries.graphql").write_text(QUERIES, encoding="utf-8")
    (folder / "ariadne.toml").write_text(
        '[tool.ariadne-codegen]\nschema_path = "schema.graphql"\nqueries_path = "queries.graphql"\n'
        'target_package_name = "graph"\n',
        encoding="utf-8",
    )
    return _made([str(VENV / "bin/ariadne-codegen"), "--config", "ariadne.toml"], folder)


def _typescript(folder: Path) -> bool:
    if shutil.which("npm") is None:
        print("clients: TypeScript types NOT CHECKED: there is no npm")
        return True
    contract = str(ROOT / "openapi/openapi.json")
    made = _made([node_tools.program("openapi-typescript"), contract, "-o", "types.d.ts"], folder) and _made(
        [node_tools.program("tsc"), "--noEmit", "--strict", "types.d.ts"], folder
    )
    for source in (node_tools.HERE / "client").glob("*.ts"):
        shutil.copy(source, folder)
    if not made or not _made([node_tools.program("tsc"), *STRICT, "lists.ts"], folder):
        return False
    typo = subprocess.run(
        [node_tools.program("tsc"), *STRICT, "typo.ts"], cwd=folder, capture_output=True, text=True, check=False
    )
    if typo.returncode == 0 or not TYPO.search(typo.stdout):
        print(f"clients: a typo in a ticket's state compiles, or is not what fails:\n{typo.stdout}{typo.stderr}")
        return False
    print("clients: the TypeScript types and a loop over every list compile; a typo in a state does not")
    return True


if __name__ == "__main__":
    sys.exit(main())
