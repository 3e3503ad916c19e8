"""Strict doors: what a request may look like before any rule sees it, and the field types that say so.

The stack's defaults take floats for integers, the last of two equal keys, naive times, and NUL characters that the
database refuses much later. `StrictRoute` reads the body itself and refuses each with the field's name.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app.api.problems import FieldError, Problem
from app.domain.values.money import MAX_WIRE_INT

BODY_LIMIT: Final = 64 * 1024
BIG_LIMIT: Final = 512 * 1024
INBOUND_LIMIT: Final = 1024 * 1024
BODY_SECONDS: Final = 30.0
MAX_DEPTH: Final = 32
MAX_ERRORS: Final = 50
MAX_PARAMETERS: Final = 60
PATH_VALUE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,200}\Z")

# --- reading a body ---------------------------------------------------------------------------------------------------


_TOO_LARGE: Final = "An integer beyond 2^53 - 1."


class _Wrong:
    """Stands in a parsed body where something is that JSON allows and we do not."""

    __slots__ = ("code", "message")

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message


class _Twice(dict[str, Any]):
    """An object that names ``field`` twice."""

    field: str = ""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = _Twice(found)
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            twice.field = name
            break
        names.add(name)
    return twice


def _integer(text: str) -> int | _Wrong:
    if len(text) > 17 or abs(number := int(text)) > MAX_WIRE_INT:
        return _Wrong("number_too_large", _TOO_LARGE)
    return number


def _fraction(text: str) -> _Wrong:
    return _Wrong("not_an_integer", "A number with a fraction or an exponent; credits are integers, money is a string.")


def _constant(text: str) -> _Wrong:
    return _Wrong("not_a_number", f"{text} is not JSON.")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
_BAD_CHARACTER: Final = re.compile("[\x00\ud800-\udfff]")
_BAD_CHARACTER_MESSAGE: Final = "A NUL character or half a surrogate pair."


def _wide_integer(text: str) -> int | _Wrong:
    return int(text) if len(text) <= 100 else _Wrong("number_too_large", _TOO_LARGE)


def _number(text: str) -> float | _Wrong:
    number = float(text)
    # GraphQL's own rules would take 7.0 for 7.
    return _fraction(text) if number.is_integer() else number


_LENIENT: Final = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_wide_integer, parse_float=_number, parse_constant=_constant
)
"""Leaves numbers as they are, for whoever knows the field that each is for."""


def parse_json(raw: bytes, *, kind: str = "body") -> Any:
    """The value of a strict JSON text. Raises `Problem`: 400 for what is not JSON, 422 naming each wrong field."""
    value, escapes = _decode(raw, kind, _DECODER)
    inspect_json(value, escapes=escapes)
    return value


def decode_json(raw: bytes, *, kind: str = "body") -> tuple[Any, bool]:
    """The value of a JSON text with its numbers as they are, and whether it may hold bad characters: `inspect_json`
    looks for these. Raises `Problem` 400 for what is not JSON."""
    return _decode(raw, kind, _LENIENT)


def _decode(raw: bytes, kind: str, decoder: json.JSONDecoder) -> tuple[Any, bool]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem("malformed_json", f"The {kind} is not UTF-8.") from None
    try:
        value = decoder.decode(text)
    except RecursionError:
        raise Problem("too_deep") from None
    except ValueError as error:
        message = error.msg if isinstance(error, json.JSONDecodeError) else "not JSON"
        where = f", line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Problem("malformed_json", f"The {kind} is not JSON: {message}{where}.") from None
    return value, "\\u" in text or "\x00" in text


def inspect_json(root: Any, *, escapes: bool, numbers: bool = True) -> None:
    """Refuse what JSON allows and we do not: 422 naming each wrong field.

    ``escapes``: whether there may be NUL characters and halves of surrogate pairs. ``numbers``: whether integers are
    held to 2^53.
    """
    if not _is_sound(root, escapes=escapes, numbers=numbers):
        _refuse_unsound(root, escapes=escapes, numbers=numbers)


def _is_sound(root: Any, *, escapes: bool, numbers: bool) -> bool:
    """Whether there is nothing to refuse. Names no field, so that a large body costs little."""
    level: list[Any] = [root]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is str:
                if escapes and _BAD_CHARACTER.search(value):
                    return False
            elif kind is dict:
                if escapes and any(map(_BAD_CHARACTER.search, value)):
                    return False
                below.extend(value.values())
            elif kind is list:
                below.extend(value)
            elif kind is int:
                if numbers and abs(value) > MAX_WIRE_INT:
                    return False
            elif isinstance(value, (_Wrong, dict, list, str)):  # `_Twice`, or a kind of value made by a caller
                return False
        if not below:
            return True
        level = below
    return False


def _refuse_unsound(root: Any, *, escapes: bool, numbers: bool) -> None:  # noqa: C901 - one case a kind of value
    errors: list[FieldError] = []
    stack: list[tuple[Any, str, int]] = [(root, "", 1)]
    while stack:
        value, path, depth = stack.pop()
        if depth > MAX_DEPTH + 1:
            raise Problem("too_deep", errors=[FieldError(path, "too_deep", "Nested more than 32 levels deep.")])
        if isinstance(value, dict):
            if isinstance(value, _Twice):
                where = f"{path}/{pointer_part(value.field)}"
                raise Problem(
                    "duplicate_field",
                    f"The field {where} is given twice.",
                    errors=[FieldError(where, "duplicate_field", "Given twice.")],
                )
            for name, inner in value.items():
                here = f"{path}/{pointer_part(name)}"
                if escapes and _BAD_CHARACTER.search(name):
                    errors.append(FieldError(here, "bad_character", _BAD_CHARACTER_MESSAGE))
                stack.append((inner, here, depth + 1))
        elif isinstance(value, list):
            stack.extend((inner, f"{path}/{index}", depth + 1) for index, inner in enumerate(value))
        elif isinstance(value, str):
            if escapes and _BAD_CHARACTER.search(value):
                errors.append(FieldError(path, "bad_character", _BAD_CHARACTER_MESSAGE))
        elif isinstance(value, _Wrong):
            errors.append(FieldError(path, value.code, value.message))
        elif numbers and type(value) is int and abs(value) > MAX_WIRE_INT:
            errors.append(FieldError(path, "number_too_large", _TOO_LARGE))
        if len(errors) >= MAX_ERRORS:
            break
    if errors:
        raise Problem("invalid_input", errors=sorted(errors, key=lambda error: error.pointer))


def pointer_part(name: str) -> str:
    """One part of a JSON pointer, printable whatever it holds."""
    safe = name.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\u0000")
    return safe.replace("~", "~0").replace("/", "~1")[:200]


async def read_body(request: Request, limit: int) -> bytes:
    """The body, counted while it comes: 413 above the limit, 408 when it takes more than half a minute."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and (len(declared) > 12 or int(declared) > limit):
        raise Problem("body_too_large", f"The body is larger than {limit:,} bytes.", headers={"Connection": "close"})
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise Problem(
                        "body_too_large", f"The body is larger than {limit:,} bytes.", headers={"Connection": "close"}
                    )
                parts.append(part)
    except TimeoutError:
        raise Problem("request_timeout", headers={"Connection": "close"}) from None
    return b"".join(parts)


_JSON_TYPE: Final = re.compile(r'application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*\Z', re.IGNORECASE)


def check_media(request: Request) -> None:
    """Refuse a body that is not JSON in UTF-8 by its headers: 415 ``unsupported_media_type``."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Problem("content_encoding_refused", headers={"Accept-Encoding": "identity"})
    types = request.headers.getlist("content-type")
    if len(types) != 1 or not _JSON_TYPE.match(types[0].strip()):
        raise Problem("unsupported_media_type", headers={"Accept": "application/json"})


# --- parameters -------------------------------------------------------------------------------------------------------


def _decoded(part: str) -> str | None:
    """A percent-decoded name or value, None when it is no UTF-8."""
    try:
        return unquote_to_bytes(part.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        return None


def check_query(query: bytes, known: frozenset[str], many: frozenset[str]) -> None:
    if not query:
        return
    parts = [part for part in query.decode("latin-1").split("&") if part]
    if len(parts) > MAX_PARAMETERS:
        raise Problem("invalid_input", errors=[FieldError("", "too_many", "Too many query parameters.", "query")])
    errors: list[FieldError] = []
    names: set[str] = set()
    for part in parts:
        raw_name, _, raw_value = part.partition("=")
        name, value = _decoded(raw_name), _decoded(raw_value)
        where = "/" + pointer_part(name if name is not None else raw_name)
        if name is None or value is None or "\x00" in value or "\x00" in name:
            errors.append(FieldError(where, "bad_character", "A NUL character or bytes that are not UTF-8.", "query"))
        elif name not in known:
            errors.append(FieldError(where, "unknown_parameter", "This operation has no such parameter.", "query"))
        elif name in names and name not in many:
            errors.append(FieldError(where, "repeated_parameter", "Given more than once.", "query"))
        elif len(value) > 4000:
            errors.append(FieldError(where, "too_long", "Longer than 4,000 characters.", "query"))
        names.add(name or "")
    if errors:
        raise Problem("invalid_input", errors=errors[:MAX_ERRORS])


def check_path(request: Request) -> None:
    """Ids in the path: at most 200 characters of UTF-8 without control characters."""
    raw = request.scope.get("raw_path") or b""
    broken = b"%" in raw and _decoded(raw.decode("latin-1").partition("?")[0].replace("+", "%2B")) is None
    wrong = {
        name: str(value)
        for name, value in request.path_params.items()
        if not PATH_VALUE.match(str(value)) or (broken and "\ufffd" in str(value))
    }
    if wrong:
        raise Problem("invalid_input", errors=[wrong_id(name, value) for name, value in wrong.items()])


def wrong_id(name: str, value: str) -> FieldError:
    """Return what is wrong with an id: a character that no text may hold is told as it is told of a body."""
    if _BAD_CHARACTER.search(value):
        return FieldError(f"/{name}", "bad_character", _BAD_CHARACTER_MESSAGE, "path")
    message = "1 to 200 characters in UTF-8, without control characters."
    return FieldError(f"/{name}", "bad_text", message, "path")


class StrictRoute(APIRoute):
    """A route of what takes neither parameters nor a body, and refuses both: health and the like."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        # Answers are built by typed functions, so nothing validates them; `app.api.shaped` publishes what is declared.
        super().__init__(path, endpoint, **{**options, "response_model": None})

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return FastAPI's handler, given only what passed."""
        inner = super().get_route_handler()
        route = self

        async def handle(request: Request) -> Response:
            request.scope["retainer.route"] = route.path_format
            request.scope["retainer.operation"] = route.operation_id
            check_path(request)
            check_query(request.scope.get("query_string", b""), frozenset(), frozenset())
            return await inner(request)

        return handle


async def take_body(request: Request, *, limit: int, raw: bool, has_body: bool) -> None:
    """Reads the body and leaves it on the request, parsed, where FastAPI looks for it."""
    if raw and request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Problem("content_encoding_refused", headers={"Accept-Encoding": "identity"})
    body = await read_body(request, limit)
    request._body = body
    if raw:
        return
    if not has_body:
        if body.strip() and parse_json(body) not in ({}, None):
            raise Problem(
                "invalid_input",
                "This operation takes no body.",
                errors=[FieldError("", "unknown_field", "This operation takes no body.")],
            )
        return
    if not body:
        _empty_object(request)
        return
    check_media(request)
    value = parse_json(body)
    if not isinstance(value, dict):
        raise Problem("invalid_input", errors=[FieldError("", "not_an_object", "The body must be a JSON object.")])
    request._json = value


def _empty_object(request: Request) -> None:
    """An empty body is an empty object. So a call that needs nothing said (a suspension) takes no body, and what is
    required is missed by its name. FastAPI looks for JSON only where the media type says so.
    """
    headers_left = [header for header in request.scope["headers"] if header[0].lower() != b"content-type"]
    request.scope["headers"] = [*headers_left, (b"content-type", b"application/json")]
    vars(request).pop("_headers", None)
    request._body, request._json = b"{}", {}


# --- naming what is wrong ---------------------------------------------------------------------------------------------

_CODES: Final = {
    "missing": ("required", "This field is needed."),
    "extra_forbidden": ("unknown_field", "There is no such field here."),
    "int_type": ("not_an_integer", "A JSON integer is wanted, not text, a boolean or a fraction."),
    "int_from_float": ("not_an_integer", "A JSON integer is wanted."),
    "bool_type": ("not_a_boolean", "true or false is wanted."),
    "string_type": ("not_text", "Text is wanted."),
    "string_too_short": ("too_short", "Too short."),
    "string_too_long": ("too_long", "Too long."),
    "string_pattern_mismatch": ("bad_text", "Not in the form that is wanted, or with control characters."),
    "dict_type": ("not_an_object", "An object is wanted."),
    "model_type": ("not_an_object", "An object is wanted."),
    "model_attributes_type": ("not_an_object", "An object is wanted."),
    "list_type": ("not_a_list", "A list is wanted."),
    "tuple_type": ("not_a_list", "A list is wanted."),
    "none_required": ("not_null", "null is wanted."),
}


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """Each wrong field of a validation error, once, by its pointer, without the names of a union's branches."""
    found: dict[str, FieldError] = {}
    for error_ in error.errors():
        place, *rest = [*error_["loc"], ""] if len(error_["loc"]) == 1 else list(error_["loc"])
        if len(error_["loc"]) == 1:
            rest = []
        code, message = _CODES.get(error_["type"], (error_["type"], error_["msg"]))
        if "limit_value" in error_.get("ctx", {}) or error_["type"].startswith(("greater", "less", "string_too")):
            message = error_["msg"]
        pointer = _pointer(rest, error.body if place == "body" else None, missing=error_["type"] == "missing")
        found.setdefault(f"{place}{pointer}", FieldError(pointer, code, message, str(place)))
    return list(found.values())[:MAX_ERRORS]


def _pointer(parts: list[Any], data: Any, *, missing: bool) -> str:
    if data is None:
        return "".join(f"/{pointer_part(str(part))}" for part in parts[:1])
    path = ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        inside = isinstance(data, dict) and isinstance(part, str) and part in data
        if inside or (isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data)):
            data = data[part]
        elif not (last and missing):
            continue
        path += f"/{pointer_part(str(part))}"
    return path
