"""Runs the calls of `docs/explanations.md` and writes their answers into it; the test compares instead.

python scripts/explanations.py http://127.0.0.1:8000 OPERATOR_KEY
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explanations.md"
_BLOCK = re.compile(r"```sh\n(.*?)```(?:\n\n```json\n(.*?)```)?", re.DOTALL)
_COMMAND = re.compile(r"^(?:(\w+)=\$\()?(curl .*?)(?: \| jq (?:-r )?(\S+?))?\)?$")


def answers(client: httpx.Client, operator_key: str, page: str, tenant: str) -> Iterator[tuple[Any, Any]]:
    """(what was answered, what the page shows) of each call that the page shows an answer of."""
    known = {"OPERATOR_KEY": operator_key}
    for shell, shown in _BLOCK.findall(page):
        found: Any = None
        for line in re.split(r"\n(?=curl |\w+=\$\()", shell.strip().replace("\\\n", " ")):
            match = _COMMAND.match(re.sub(r"\s+", " ", line.strip()))
            assert match is not None, line
            name, command, path = match.groups()
            found = _at(_run(client, command, known, tenant), path)
            if name:
                known[name] = str(found)
        if shown:
            yield found, json.loads(shown)


def _run(client: httpx.Client, command: str, known: dict[str, str], tenant: str) -> Any:
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
    path = "/" + url.split("/", 1)[1].replace("/tenants/explained", f"/tenants/{tenant}")
    answer = client.request(method, path, headers=headers, content=body)
    answer.raise_for_status()
    return answer.json()


def _at(value: Any, path: str | None) -> Any:
    """The part of an answer that a path such as ``.lots[0].lot_id`` names."""
    for name, number in re.findall(r"\.?(\w+)|\[(\d+)\]", path or ""):
        value = value[name] if name else value[int(number)]
    return value


def write(found: list[Any]) -> None:
    """Puts the answers in."""
    fresh = iter(found)

    def put(match: re.Match[str]) -> str:
        if match.group(2) is None:
            return match.group(0)
        return f"```sh\n{match.group(1)}```\n\n```json\n{json.dumps(next(fresh), ensure_ascii=False)}\n```"

    PAGE.write_text(_BLOCK.sub(put, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], timeout=30) as http:
        text = PAGE.read_text(encoding="utf-8")
        write(
            [
                one
                for one, _ in answers(
                    http, sys.argv[2], text, sys.argv[3] if len(sys.argv) > 3 else "explained"
                )
            ]
        )
