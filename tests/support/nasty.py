"""The corpus of bad inputs: what strangers send, by mistake or not. Each must be a 4xx problem that names the field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.api.openapi import example_of
from tests.support.contract import Operation

JSON = "application/json"
KIB = 1024


@dataclass(frozen=True)
class Bad:
    """A bad request: what is wrong, the raw body, headers, and the pointer that the answer must name (None: any)."""

    name: str
    body: bytes | None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    pointer: str | None = None
    query: str = ""
    path: str | None = None
    statuses: tuple[int, ...] = (400, 413, 415, 422)


RAW: tuple[tuple[str, bytes], ...] = (
    ("blank", b"   "),
    ("open brace", b"{"),
    ("null", b"null"),
    ("list", b"[]"),
    ("text", b'"x"'),
    ("number", b"1"),
    ("boolean", b"true"),
    ("nan", b"NaN"),
    ("infinity", b"[Infinity]"),
    ("byte order mark", b"\xef\xbb\xbf{}"),
    ("utf-16", "{}".encode("utf-16")),
    ("utf-32", "{}".encode("utf-32")),
    ("not utf-8", b'{"a": "\xff"}'),
    ("overlong utf-8", b'{"a": "\xc0\x80"}'),
    ("surrogate in utf-8", b'{"a": "\xed\xa0\x80"}'),
    ("twice the same field", b'{"a": 1, "a": 2}'),
    ("twice deep inside", b'{"a": {"b": [{"c": 1, "c": 1}]}}'),
    ("33 deep", b"[" * 33 + b"]" * 33),
    ("34 objects deep", b'{"a":' * 34 + b"1" + b"}" * 34),
    ("5,000 deep", b"[" * 5000 + b"]" * 5000),
    ("60,000 deep", b"[" * 60000),
    ("comma at the end", b'{"a": 1,}'),
    ("comment", b'{"a": 1 /* x */}'),
    ("single quotes", b"{'a': 1}"),
    ("bare word", b"{a: 1}"),
    ("control character", b'{"a": "\x01"}'),
    ("raw nul", b'{"a": "\x00"}'),
    ("nul after", b"{}\x00"),
    ("two documents", b"{} {}"),
    ("hexadecimal", b'{"a": 0x10}'),
    ("leading zero", b'{"a": 007}'),
    ("plus sign", b'{"a": +1}'),
    ("half an escape", b'{"a": "\\u12"}'),
    ("unknown escape", b'{"a": "\\x41"}'),
    ("5,000 digits", b'{"a": ' + b"9" * 5000 + b"}"),
    ("1e999", b'{"a": 1e999}'),
    ("-0.0", b'{"a": -0.0}'),
    ("nul in a name", b'{"a\\u0000b": 1}'),
    ("surrogate in a name", b'{"\\ud800": 1}'),
    ("empty name", b'{"": 1}'),
    ("prototype", b'{"__proto__": {"admin": true}}'),
    ("yaml", b"a: 1"),
    ("xml", b"<a/>"),
    ("form", b"a=1&b=2"),
    ("json lines", b"{}\n{}"),
    ("bom in utf-16", b"\xff\xfe{\x00}\x00"),
    ("percent-encoded", b"%7B%7D"),
    ("base64", b"e30="),
    ("negative 400 digits", b'{"a": -' + b"9" * 400 + b"}"),
    ("nested twice", b'[{"a":1,"a":2}]'),
    ("backslash at the end", b'{"a": "\\'),
    ("no value", b'{"a"}'),
    ("no name", b"{: 1}"),
    ("html", b"<script>1</script>"),
    ("sql", b"'; drop table tenant; --"),
    ("tab in text", b'{"a": "\t"}'),
)

SAYS_NOTHING = {"blank", "null"}
"""Bodies that are as good as none, where none belongs."""
TEXTS: tuple[tuple[str, bytes], ...] = (
    ("nul", b'"a\\u0000b"'),
    ("lone high surrogate", b'"\\ud800"'),
    ("lone low surrogate", b'"\\udfff"'),
    ("swapped surrogates", b'"\\udc00\\ud800"'),
    ("integer", b"7"),
    ("boolean", b"true"),
    ("fraction", b"1.5"),
    ("list", b"[]"),
    ("object", b"{}"),
    ("long", b'"' + b"x" * 60_000 + b'"'),
)
WORDS: tuple[tuple[str, bytes], ...] = (
    ("empty", b'""'),
    ("line break", b'"a\\nb"'),
    ("escape", b'"\\u001b[31m"'),
    ("delete", b'"\\u007f"'),
    ("201 long", b'"' + b"x" * 201 + b'"'),
)
INTEGERS: tuple[tuple[str, bytes], ...] = (
    ("boolean", b"true"),
    ("text", b'"7"'),
    ("7.0", b"7.0"),
    ("1e3", b"1e3"),
    ("1.5", b"1.5"),
    ("2^53", b"9007199254740992"),
    ("2^63", b"9223372036854775808"),
    ("-2^63", b"-9223372036854775809"),
    ("400 digits", b"9" * 400),
    ("nan", b"NaN"),
    ("infinity", b"-Infinity"),
    ("underscores", b'" 1_0 "'),
    ("list", b"[1]"),
    ("object", b"{}"),
    ("arabic digits", '"٧"'.encode()),
)
_INSTANT_TEXTS: tuple[tuple[str, bytes], ...] = tuple(
    (text, json.dumps(text).encode())
    for text in (
        "2026-03-29T02:30:00",
        "2026-03-29",
        "1767225600",
        "2026-03-29T02:30:00 Z",
        "2026-03-29 02:30:00Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "1999-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00+25:00",
        "2026-01-01T00:00:00+0100",
        "20260101T000000Z",
        "2026-W01-1T00:00:00Z",
        "now",
        "",
        "2026-01-01T00:00:00Z\u0000",
        "２026-01-01T00:00:00Z",
        "-2026-01-01T00:00:00Z",
        "P1D",
    )
)
INSTANTS: tuple[tuple[str, bytes], ...] = (
    *_INSTANT_TEXTS,
    ("seconds", b"1767225600"),
    ("milliseconds", b"1767225600000"),
    ("boolean", b"true"),
    ("list", b"[]"),
)
BOOLEANS: tuple[tuple[str, bytes], ...] = (
    ("text", b'"true"'),
    ("one", b"1"),
    ("zero", b"0"),
    ("list", b"[]"),
    ("yes", b'"yes"'),
)
OBJECTS: tuple[tuple[str, bytes], ...] = (
    ("list", b"[]"),
    ("text", b'"x"'),
    ("number", b"1"),
    ("deep", b'{"a":' * 40 + b"1" + b"}" * 40),
    ("nul in a name", b'{"a\\u0000": 1}'),
    ("surrogate inside", b'{"a": "\\ud800"}'),
    ("fraction inside", b'{"a": 1.5}'),
    ("too large inside", b'{"a": 9007199254740992}'),
    ("nan inside", b'{"a": NaN}'),
    ("twice", b'{"a": 1, "a": 1}'),
)
LISTS: tuple[tuple[str, bytes], ...] = (("object", b"{}"), ("text", b'"x"'), ("number", b"1"), ("boolean", b"false"))
MONEY: tuple[tuple[str, bytes], ...] = (
    ("number", b"34.5"),
    ("integer", b"34"),
    ("exponent", b'"1e30"'),
    ("nan", b'"NaN"'),
    ("13 digits", b'"1234567890123"'),
    ("half a cent", b'"0.005"'),
    ("five decimals", b'"0.00001"'),
    ("comma", b'"1,00"'),
    ("spaces", b'" 1"'),
    ("empty", b'""'),
    ("infinity", b'"Infinity"'),
)


def corpus(operation: Operation) -> Iterator[Bad]:
    """Every bad request for a write operation."""
    good = operation.example()
    yield from _edges(operation, good)
    schema = operation.body_schema
    for name, raw in RAW:
        if schema is not None or name not in SAYS_NOTHING:
            yield Bad(f"body: {name}", raw)
    if schema is None:
        yield Bad("a body where none belongs", b'{"surprise": 1}', pointer="")
        return
    limit = 600 * KIB if _is_big(operation) else 70 * KIB
    yield Bad("body: too large", json.dumps({**good, "pad": "x" * limit}).encode(), statuses=(413,))
    yield Bad("body: unknown field", json.dumps({**good, "amuont": 99}).encode(), pointer="/amuont")
    for media in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "text/json",
        "application/vnd.api+json",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "",
    ):
        yield Bad(
            f"media type {media!r}",
            json.dumps(good).encode(),
            {"Content-Type": media} if media else {},
            statuses=(415,),
        )
    for coding in ("gzip", "deflate", "br", "identity, gzip", "x"):
        yield Bad(
            f"coding {coding}",
            json.dumps(good).encode(),
            {"Content-Type": JSON, "Content-Encoding": coding},
            statuses=(415,),
        )
    yield from _fields(operation, schema, good, ())


Where = tuple[str | int, ...]
_HOLE = "@@what-is-bad@@"


def _fields(operation: Operation, schema: dict[str, Any], good: Any, where: Where) -> Iterator[Bad]:
    """Every field of an object, and those of the objects and lists of objects inside it."""

    def bad(what: str, name: str, raw: bytes | None) -> Bad:
        label = "/".join(map(str, (*where, name)))
        return Bad(f"{label}: {what}", _with(operation.example(), (*where, name), good, raw), pointer=f"/{label}")

    if where and schema.get("additionalProperties") is False:
        yield bad("unknown", "amuont", b"99")
    for name in schema.get("required", ()):
        yield bad("missing", name, None)
    for name, inner in schema.get("properties", {}).items():
        for what, raw in values(operation, inner):
            yield bad(what, name, raw)
        if len(where) < 5:
            yield from _inside(operation, inner, good.get(name), (*where, name))


def _inside(operation: Operation, schema: dict[str, Any], value: Any, where: Where) -> Iterator[Bad]:
    for one in operation.kinds(schema):
        if one.get("properties"):
            sound = dict(value if isinstance(value, dict) else example_of(one, operation.schemas))
            sound.update({"currency": "USD"} if "currency" in sound else {})
            yield from _fields(operation, one, sound, where)
        elif one.get("type") == "array" and (items := one.get("items")):
            first = value[0] if isinstance(value, list) and value else None
            yield from _inside(operation, items, first, (*where, 0))


def values(operation: Operation, schema: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Values that no branch of a schema allows."""
    branches = operation.kinds(schema)
    kinds = {str(one.get("type")) for one in branches}
    formats = {one.get("format") for one in branches}
    scalar_map = len(kinds - {"null"}) > 1
    if "null" not in kinds and not scalar_map:
        yield "null", b"null"
    if scalar_map:
        # One of several kinds; what none of them takes.
        if kinds - {"null"} == {"object", "string"} and any("amount" in one.get("properties", ()) for one in branches):
            yield from MONEY
        return
    if "date-time" in formats:
        yield from INSTANTS
    elif "integer" in kinds:
        yield from INTEGERS
    elif "boolean" in kinds:
        yield from BOOLEANS
    elif "array" in kinds:
        yield from LISTS
    elif "object" in kinds:
        yield from OBJECTS
    elif "string" in kinds:
        yield from (MONEY if any("34.50" in one.get("examples", ()) for one in branches) else TEXTS)
        if any("pattern" in one and one.get("maxLength", 0) <= 200 for one in branches if one.get("type") == "string"):
            yield from WORDS


def _with(body: Any, where: Where, holder: Any, raw: bytes | None) -> bytes:
    """A sound body, but for ``raw`` in one place (None: nothing is there); ``holder`` is what stands around it."""
    body = json.loads(json.dumps(body))
    inner = dict(holder)
    inner.pop(str(where[-1]), None)
    if raw is not None:
        inner[str(where[-1])] = _HOLE
    for depth in range(len(where) - 1, 0, -1):
        step = where[depth - 1]
        if isinstance(step, int):
            inner = [inner]  # type: ignore[assignment]
        else:
            around = _at(body, where[: depth - 1])
            inner = {**(around if isinstance(around, dict) else {}), step: inner}
    return json.dumps(inner).encode().replace(json.dumps(_HOLE).encode(), raw or b"")


def _at(body: Any, where: Where) -> Any:
    for step in where:
        try:
            body = body[step]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def _edges(operation: Operation, good: Any) -> Iterator[Bad]:
    body = None if good is None else json.dumps(good).encode()
    for query in (
        "surprise=1",
        "validate_only=maybe",
        "validate_only=1",
        "validate_only=",
        "validate_only=true&validate_only=true",
        "validate_only=%00",
        "validate_only=%ff",
        "validate_only=yes",
        "validate_only=2",
        "validate_only=true%00",
        "validate_only[]=true",
        "Validate_Only=true",
        "validate_only=%E2%80%8Btrue",
        "%00=1",
        "a=" + "x" * 5000,
        "&".join("p=1" for _ in range(100)),
    ):
        if operation.secured:
            yield Bad(f"query {query[:30]}", body, query=query, statuses=(422,))
    for one in operation.parameters("path"):
        for what, value in (
            ("nul", "a%00b"),
            ("not utf-8", "%ff%fe"),
            ("line break", "a%0ab"),
            ("long", "x" * 300),
            ("tab", "a%09b"),
            ("escape", "a%1b[31m"),
            ("delete", "a%7f"),
            ("control of the second set", "a%c2%85"),
            ("overlong utf-8", "%c0%80"),
            ("surrogate in utf-8", "%ed%a0%80"),
        ):
            path = operation.path.replace("{" + one["name"] + "}", value)
            for other in operation.parameters("path"):
                path = path.replace("{" + other["name"] + "}", str(other.get("example") or "x1"))
            yield Bad(f"path {one['name']}: {what}", body, path=path, pointer=f"/{one['name']}", statuses=(422,))
    if operation.keyed:
        for what, key in (("missing", None), ("empty", ""), ("256 long", "x" * 256), ("only quotes", '""')):
            if key is None and not operation.needs_key:
                continue
            headers = {"Content-Type": JSON} | ({} if key is None else {"Idempotency-Key": key})
            yield Bad(f"Idempotency-Key {what}", body, headers={**headers, "X-No-Key": "1"}, statuses=(400,))


def _is_big(operation: Operation) -> bool:
    # A tenant may bring a policy document of its own.
    documents = "/policies/" in operation.path or operation.id == "putTenant"
    return documents or operation.path.endswith(("/versions", "/drafts")) or "batch" in operation.path
