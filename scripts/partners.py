"""Partners' own tools on the GraphQL door of a running service; needs node and npm, and is skipped without.

- a gateway of Apollo's over our subgraph and one with Relay connections (`scripts/node/partners/gateway.mjs`);
- the normalised caches of Apollo Client and of urql through a whole life (`caches.mjs`);
- graphql-codegen with strict scalars, its types read by `tsc --strict`, and relay-compiler (`generate.mjs`);
- Python's `gql`.

All are pinned by hash: `scripts/node/partners/package-lock.json`, `requirements/clients.lock`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from scripts import live, node_tools

ROOT: Final = node_tools.ROOT
HERE: Final = node_tools.HERE / "partners"
VENV: Final = ROOT / ".venv-clients"

PYTHON_CALLS: Final = """
import asyncio, sys
from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport

async def main(url, key):
    transport = HTTPXAsyncTransport(url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        grant = gql('''mutation($input: AdjustCreditsInput!) {
            adjustCredits(input: $input) { __typename ... on Refusal { code } } }''')
        made = await session.execute(grant, variable_values={"input": {
            "idempotencyKey": "gql-1", "customerId": "guido", "credits": 7, "reason": "welcome", "creditType": None}})
        assert made["adjustCredits"]["__typename"] == "Hold", made
        pages = gql('''query($after: String) { entries(customerId: "guido", first: 1, after: $after) {
            nodes { credits } pageInfo { hasNextPage endCursor } } }''')
        page = (await session.execute(pages, variable_values={"after": None}))["entries"]
        assert len(page["nodes"]) == 1, page
    print("partners: Python's gql checked its documents by introspection, wrote and read")

asyncio.run(main(*sys.argv[1:]))
"""


def main() -> int:
    """Run them all; 0 when every one is content, or where none can be had."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        print("partners: NOT CHECKED: there is no npm")
        return 0
    try:
        folder = node_tools.tools("partners")
    except subprocess.CalledProcessError as error:
        print(f"partners: NOT CHECKED: npm could not install what the lock names: {error}")
        return 0
    subprocess.run([str(ROOT / "scripts/bootstrap.sh"), "clients"], check=True)
    with tempfile.TemporaryDirectory() as name:
        calls = Path(name) / "calls.py"
        calls.write_text(PYTHON_CALLS, encoding="utf-8")
        schema = str(ROOT / "openapi/schema.graphql")
        if subprocess.run(["node", str(HERE / "generate.mjs"), schema, name, str(folder)], check=False).returncode:
            return 1

        async def work(base: str, key: str) -> int:
            url = f"{base}/graphql"
            codes = [
                await live.command("node", str(HERE / script), url, key, str(folder))
                for script in ("gateway.mjs", "caches.mjs")
            ]
            codes.append(await live.command(str(VENV / "bin/python"), str(calls), url, key))
            return max(codes)

        return live.run(work, policy="cs-cart")


if __name__ == "__main__":
    sys.exit(main())
