"""Says what a change of the published contracts would break for callers, against an earlier commit.

Without an argument: against the newest tag, and a break fails. While nothing is tagged nothing is promised yet, so the
breaks since the contracts' previous commit are listed and the exit code is 0. ``compat.py REF`` compares with REF and
fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, build_schema, find_breaking_changes

from app.api.shared_parts import inlined

OPENAPI, GRAPHQL = "openapi/openapi.json", "openapi/schema.graphql"
METHODS = ("get", "put", "post", "patch", "delete")
ALLOWED_DEPTH = 8


def git(*words: str) -> str:
    """What git says; nothing when it fails."""
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout


def rest(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Breaks of the REST contract: what is gone, what is wanted that was not, what has another type."""
    for path, methods in old["paths"].items():
        for method in METHODS & methods.keys():
            where, before = f"{method.upper()} {path}", methods[method]
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{where}: gone"
                continue
            if before.get("operationId") != after.get("operationId"):
                yield f"{where}: the operation id was {before.get('operationId')}"
            yield from parameters(where, before, after)
            was, now = body(before, old), body(after, new)
            if now and not was and after.get("requestBody", {}).get("required"):
                yield f"{where}: a body is wanted"
            yield from wanted(where, was, now, old, new)
            for status in before["responses"]:
                if not status.startswith("2"):
                    continue
                if status not in after["responses"]:
                    yield f"{where}: no longer answers {status}"
                    continue
                shapes = (answer(before, status, old), answer(after, status, new))
                yield from given(f"{where} {status}", *shapes, old, new, 0)


def parameters(where: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Breaks in path, query and headers."""
    was = {(one["in"], one["name"]): one for one in before.get("parameters", ())}
    now = {(one["in"], one["name"]): one for one in after.get("parameters", ())}
    yield from (f"{where}: the parameter {one[1]} is gone" for one in was.keys() - now.keys())
    for key, one in now.items():
        if one.get("required") and not was.get(key, {}).get("required"):
            yield f"{where}: the parameter {key[1]} is wanted"


def body(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The schema of a request."""
    content = operation.get("requestBody", {}).get("content", {})
    return resolved(content.get("application/json", {}).get("schema", {}), document)


def answer(operation: dict[str, Any], status: str, document: dict[str, Any]) -> dict[str, Any]:
    """The schema of an answer."""
    content = operation["responses"][status].get("content", {})
    return resolved(content.get("application/json", {}).get("schema", {}), document)


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A schema, followed to where it is written."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def wanted(
    where: str, was: dict[str, Any], now: dict[str, Any], old: dict[str, Any], new: dict[str, Any]
) -> Iterator[str]:
    """Breaks in what callers send: fields gone (they are refused), newly required, with fewer values."""
    before, after = was.get("properties", {}), now.get("properties", {})
    yield from (f"{where}: the field {one} is gone" for one in before.keys() - after.keys())
    fresh = set(now.get("required", ())) - set(was.get("required", ()))
    yield from (f"{where}: the field {one} is wanted" for one in sorted(fresh))
    for name in before.keys() & after.keys():
        one, other = resolved(before[name], old), resolved(after[name], new)
        less = set(map(str, one.get("enum", ()))) - set(map(str, other.get("enum", ())))
        if less and "enum" in other:
            yield f"{where}: {name} no longer takes {', '.join(sorted(less))}"
        if other.get("type") and types(one) - types(other) - {"null"}:
            yield f"{where}: {name} was {one['type']} and is {other['type']}"


def given(
    where: str, was: dict[str, Any], now: dict[str, Any], old: dict[str, Any], new: dict[str, Any], depth: int
) -> Iterator[str]:
    """Breaks in what callers get: fields gone or no longer certain, values of another type."""
    was, now = resolved(was, old), resolved(now, new)
    if depth > ALLOWED_DEPTH or not was or not now:
        return
    if types(was) and types(now) and not types(was) & types(now):
        yield f"{where}: was {was['type']} and is {now['type']}"
        return
    if "items" in was and "items" in now:
        yield from given(f"{where}[]", was["items"], now["items"], old, new, depth + 1)
    before, after = was.get("properties", {}), now.get("properties", {})
    for name in before:
        if name not in after:
            yield f"{where}: {name} is gone"
        else:
            yield from given(f"{where}.{name}", before[name], after[name], old, new, depth + 1)


def types(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a schema names."""
    named = schema.get("type", ())
    return {named} if isinstance(named, str) else set(named)


def sdl(text: str) -> GraphQLSchema:
    """The schema; the federation directives in it are declared by its `@link`."""
    return build_schema(text, assume_valid=True, assume_valid_sdl=True)


def main() -> int:
    """Lists what breaks."""
    tag = git("describe", "--tags", "--abbrev=0").strip()
    named = sys.argv[1] if len(sys.argv) > 1 else tag
    previous = git("log", "-2", "--format=%H", "--", OPENAPI).split()
    against = named or (previous[-1] if previous else "")
    before = git("show", f"{against}:{OPENAPI}"), git("show", f"{against}:{GRAPHQL}")
    if not against or not all(before):
        print("compat: there is no earlier contract to compare with")
        return 0
    now = Path(OPENAPI).read_text(encoding="utf-8")
    found = list(rest(inlined(json.loads(before[0])), inlined(json.loads(now))))
    schemas = (sdl(before[1]), sdl(Path(GRAPHQL).read_text(encoding="utf-8")))
    found += [f"GraphQL: {one.description}" for one in find_breaking_changes(*schemas)]
    for one in found:
        print(one)
    print(
        f"compat: {len(found)} breaking changes against {against[:12]}{'' if named else ' (nothing is released yet)'}"
    )
    return 1 if found and named else 0


if __name__ == "__main__":
    sys.exit(main())
