"""Lints the committed contracts with other people's tools; needs node and npm.

`redocly lint` reads the OpenAPI document by its recommended rules (`scripts/node/redocly.yaml` says which one is off
and why), and Apollo's composition makes a supergraph of our subgraph with one that refers to its entities.
"""

from __future__ import annotations

import os
import subprocess
import sys

from scripts import node_tools


def main() -> int:
    """0 when both are content."""
    openapi, sdl = node_tools.ROOT / "openapi/openapi.json", node_tools.ROOT / "openapi/schema.graphql"
    words = ["lint", "--config", str(node_tools.HERE / "redocly.yaml"), "--max-problems", "20", str(openapi)]
    environment = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    linted = _run([node_tools.program("redocly"), *words], environment)
    composed = _run(["node", str(node_tools.HERE / "compose.mjs"), str(sdl), str(node_tools.tools())], {})
    return linted or composed


def _run(words: list[str], more: dict[str, str]) -> int:
    return subprocess.run(words, env={**os.environ, **more}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
