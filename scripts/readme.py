"""Runs the README's first calls and writes their answers into it; `--check` compares instead (ids masked).

python scripts/readme.py http://127.0.0.1:8000 OPERATOR_KEY [--check]
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import httpx

README = Path(__file__).resolve().parents[1] / "README.md"
_PART = re.compile(r"(<!-- first-calls.*?-->)(.*)(<!-- /first-calls -->)", re.DOTALL)
_CALL = re.compile(r"```sh\n(.*?)```\n\n```json\n(.*?)```", re.DOTALL)
_MASKS = (
    (re.compile(r"\b(lic|lot|cov|cho|hld|key|clk|op|tic|cus)_[0-9a-z]{20,}\b"), r"\1_..."),
    (re.compile(r"rtn_test_[A-Za-z0-9_]+"), "rtn_test_..."),
    (re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d+Z"), "..."),
)


def answers(client: httpx.Client, operator_key: str, tenant: str = "avactis") -> list[str]:
    """The answers of the calls, in order, as they are to stand in the README."""
    part = _PART.search(README.read_text(encoding="utf-8"))
    assert part is not None, "the README has no first calls"
    known = {"OPERATOR_KEY": operator_key}
    found = []
    for shell, _ in _CALL.findall(part.group(2)):
        answer: Any = None
        for command in re.split(r"(?<!\\)\n(?=curl )", shell.strip()):
            answer = _run(client, command, known, tenant)
        known.setdefault("KEY", answer.get("key", ""))
        found.append(pretty(answer))
    return found


def _run(client: httpx.Client, command: str, known: dict[str, str], tenant: str) -> Any:
    for name, value in known.items():
        command = command.replace(f"${name}", value)
    words = shlex.split(command.replace("\\\n", " ").split(" > /dev/null")[0])
    method, url, headers, body = "GET", "", {}, None
    rest = iter(words[1:])
    for word in rest:
        match word:
            case "-X":
                method = next(rest)
            case "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            case "-d":
                body = next(rest)
            case "-s":
                continue
            case _:
                url = word
    path = "/" + url.split("/", 1)[1].replace("/avactis/", f"/{tenant}/")
    answer = client.request(method, path, headers=headers, content=body)
    answer.raise_for_status()
    return answer.json()


def pretty(value: Any, indent: str = "", width: int = 118) -> str:
    """JSON with short parts on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= width or not isinstance(value, dict | list) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(k)}: {pretty(one, inner, width)}" for k, one in value.items()]
        return "{\n" + _filled(parts, inner, width) + f"\n{indent}}}"
    return "[\n" + _filled([pretty(one, inner, width) for one in value], inner, width) + f"\n{indent}]"


def _filled(parts: list[str], inner: str, width: int) -> str:
    """The parts on as few lines as fit; one that spans lines stands alone."""
    lines: list[str] = []
    for part in parts:
        last = lines[-1] if lines else ""
        if lines and "\n" not in part and "\n" not in last and len(last) + len(part) + 2 <= width:
            lines[-1] = f"{last}, {part}"
        else:
            lines.append(inner + part)
    return ",\n".join(lines)


def masked(text: str) -> Any:
    """An answer without what differs from run to run."""
    for mask, shown in _MASKS:
        text = mask.sub(shown, text)
    return json.loads(text)


def told() -> list[str]:
    """The answers as they stand in the README."""
    part = _PART.search(README.read_text(encoding="utf-8"))
    assert part is not None
    return [answer for _, answer in _CALL.findall(part.group(2))]


def write(found: list[str]) -> None:
    """Puts the answers in."""
    text = README.read_text(encoding="utf-8")
    fresh = iter(found)

    def put(match: re.Match[str]) -> str:
        return f"```sh\n{match.group(1)}```\n\n```json\n{next(fresh)}\n```"

    part = _PART.search(text)
    assert part is not None
    README.write_text(text[: part.start(2)] + _CALL.sub(put, part.group(2)) + text[part.end(2) :], encoding="utf-8")


if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], timeout=30) as service:
        made = answers(service, sys.argv[2])
    if "--check" in sys.argv:
        sys.exit(0 if [masked(one) for one in made] == [masked(one) for one in told()] else 1)
    write(made)
