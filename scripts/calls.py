"""Runs the calls of docs/explanations.md and docs/calls.md and writes their answers in; a test compares instead.

python scripts/calls.py http://127.0.0.1:8000 OPERATOR_KEY [PAGE]
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ("explanations", "calls")
_BLOCK = re.compile(r"```sh\n(.*?)```(?:\n\n```json\n(.*?)```)?", re.DOTALL)
_COMMAND = re.compile(r"^(?:(\w+)=\$\()?(curl .*?)(?: \| jq (?:-r )?(\S+|'[^']*'))?\)?$", re.DOTALL)
_REFUSED = (".reasons", ".code")
"""What is asked of a refusal; anything else is asked of an answer that succeeded."""


def text_of(page: str) -> str:
    """The page as it stands."""
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def answers(client: httpx.Client, operator_key: str, page: str, suffix: str) -> Iterator[tuple[Any, Any]]:
    """(the answer, the answer that the page shows) of each call that the page shows an answer of.

    ``suffix`` stands behind the ids of the page's tenants, so that a page can be played again.
    """
    known = {"OPERATOR_KEY": operator_key}
    for shell, shown in _BLOCK.findall(page):
        found: Any = None
        for line in re.split(r"\n(?=curl |\w+=\$\()", shell.strip().replace("\\\n", " ")):
            match = _COMMAND.match(line.strip())
            assert match is not None, line
            name, command, path = match.groups()
            found = _at(_run(client, command, known, suffix, path or ""), path)
            if name:
                known[name] = str(found)
        if shown:
            yield found, json.loads(shown)


def _run(client: httpx.Client, command: str, known: dict[str, str], suffix: str, path: str) -> Any:
    for name, value in known.items():
        command = command.replace(f"${name}", value)
    method, url, headers, body = "GET", "", {}, None
    words = iter(shlex.split(command)[1:])
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
                headers.setdefault("Content-Type", "application/json")
            case "-s":
                continue
            case _:
                url = word
    target = re.sub(r"^v1/tenants/([\w-]+)", rf"v1/tenants/\g<1>{suffix}", url.split("/", 1)[1])
    answer = client.request(method, f"/{target}", headers=headers, content=body)
    if not (answer.is_client_error and path.startswith(_REFUSED)):
        assert answer.is_success, f"{command}: {answer.text}"
    return answer.json() if "json" in answer.headers["content-type"] else answer.text


def _at(value: Any, path: str | None) -> Any:
    """The part of an answer that a path names: ``.lots[0].lot_id``, or some members: ``'{held, captured}'``."""
    if path and path.startswith("'{"):
        return {name: value[name] for name in re.findall(r"\w+", path)}
    for name, number in re.findall(r"\.?(\w+)|\[(\d+)\]", path or ""):
        value = value[name] if name else value[int(number)]
    return value


def written(page: str, found: list[Any]) -> str:
    """The page with these answers in it."""
    fresh = iter(found)

    def put(match: re.Match[str]) -> str:
        if match.group(2) is None:
            return match.group(0)
        return f"```sh\n{match.group(1)}```\n\n```json\n{json.dumps(next(fresh), ensure_ascii=False)}\n```"

    return _BLOCK.sub(put, page)


if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], timeout=30) as http:
        for asked in sys.argv[3:] or PAGES:
            blank = re.sub(r"```json\n.*?```", "```json\nnull\n```", text_of(asked), flags=re.DOTALL)
            made = [answer for answer, _ in answers(http, sys.argv[2], blank, f"-{time.time_ns()}")]
            (DOCS / f"{asked}.md").write_text(written(blank, made), encoding="utf-8")
