"""Make the core of the clients from the published contract: `python -m scripts.sdk [--check]`.

`clients/python` and `clients/typescript` get a type for each shape and a function for each operation. What makes them
comfortable (keys, retries, pages, errors, webhooks) is written by hand beside it.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "openapi" / "openapi.json"
PYTHON = ROOT / "clients" / "python" / "retainer_client"
TYPESCRIPT = ROOT / "clients" / "typescript" / "src"
METHODS = ("get", "put", "post", "patch", "delete")
MADE = "Made by `python -m scripts.sdk` from the contract; do not edit."
LEFT_OUT = {"receiveDelivery", "getLiveness", "getReadiness"}
"""Calls of machines that need no client of ours."""
PATH_OF = '''
def _path(template: str, **parts: object) -> str:
    """A path with its parts, each as a part of an address."""
    quoted = {name: quote(str(part), safe="") for name, part in parts.items()}
    return template.replace(":path}", "}").format(**quoted)

'''


@dataclass(frozen=True)
class Parameter:
    """A parameter of a path or a query."""

    name: str
    schema: dict[str, Any]
    required: bool

    @property
    def python(self) -> str:
        """Its name in Python."""
        return f"{self.name}_" if keyword.iskeyword(self.name) else self.name


@dataclass(frozen=True)
class Operation:
    """An operation of the contract."""

    id: str
    method: str
    path: str
    about: str
    inside: list[Parameter]
    query: list[Parameter]
    body: dict[str, Any] | None
    body_needed: bool
    keyed: bool
    conditional: bool
    answer: dict[str, Any] | None

    @property
    def snake(self) -> str:
        """Its name in Python."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.id).lower()


class Contract:
    """The contract, and what its references lead to."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = json.loads(CONTRACT.read_text(encoding="utf-8"))
        self.schemas: dict[str, dict[str, Any]] = self.document["components"]["schemas"]
        self.version: str = self.document["info"]["version"]

    def resolve(self, part: dict[str, Any]) -> dict[str, Any]:
        """What a reference leads to."""
        while "$ref" in part:
            found: Any = self.document
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            part = found
        return part

    def operations(self) -> Iterator[Operation]:
        """Every operation, in the order of the contract."""
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item and item[method]["operationId"] not in LEFT_OUT:
                    yield self._operation(path, method, item[method])

    def _operation(self, path: str, method: str, spec: dict[str, Any]) -> Operation:
        given = [self.resolve(one) for one in spec.get("parameters", ())]
        headers = {one["name"].lower() for one in given if one["in"] == "header"}
        body = self.resolve(spec.get("requestBody", {}))
        content = body.get("content", {}).get("application/json", {}).get("schema")
        good = next((one for status, one in spec["responses"].items() if status.startswith("2")), {})
        answer = self.resolve(good).get("content", {}).get("application/json", {}).get("schema")

        def placed(place: str) -> list[Parameter]:
            return [
                Parameter(one["name"], one.get("schema", {}), bool(one.get("required")))
                for one in given
                if one["in"] == place
            ]

        return Operation(
            spec["operationId"],
            method.upper(),
            path,
            " ".join(spec.get("description", "").replace("``", "`").split()),
            placed("path"),
            placed("query"),
            content,
            bool(body.get("required")),
            "idempotency-key" in headers,
            "if-match" in headers,
            answer,
        )

    def row_of(self, operation: Operation) -> dict[str, Any] | None:
        """The shape of a row, where the operation answers pages."""
        if operation.answer is None or not any(one.name == "cursor" for one in operation.query):
            return None
        shape = self.resolve(operation.answer).get("properties", {})
        if "data" not in shape or "next_cursor" not in shape or len(shape) > 3:
            return None
        return dict(self.resolve(shape["data"]).get("items", {}))


# Python ---------------------------------------------------------------------------------------------------------------


def python_type(schema: dict[str, Any], prefix: str = "") -> str:
    """A schema as a type of Python."""
    if "$ref" in schema:
        return prefix + schema["$ref"].rpartition("/")[2]
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(python_type(one, prefix) for one in schema[word]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(python_type({**schema, "type": one}, prefix) for one in kind)
    if kind == "array":
        return f"list[{python_type(schema.get('items', {}), prefix)}]"
    if kind == "object" or "additionalProperties" in schema:
        inner = schema.get("additionalProperties")
        return f"dict[str, {python_type(inner, prefix) if isinstance(inner, dict) else 'Any'}]"
    return {"string": "str", "integer": "int", "boolean": "bool", "number": "float", "null": "None"}.get(
        str(kind), "Any"
    )


def python_models(contract: Contract) -> str:
    """The shapes as typed dictionaries."""
    lines = [f'"""The shapes of the contract. {MADE}"""', "", "from __future__ import annotations", ""]
    lines += ["from typing import Any, Literal, Union", "", "from typing_extensions import NotRequired, TypedDict", ""]
    late: list[str] = []
    for name, schema in contract.schemas.items():
        properties = schema.get("properties")
        if not properties:
            late.append(f"{name} = {_quoted(python_type(schema))}")
            continue
        needed = set(schema.get("required", ()))
        members = {
            one: python_type(inner) if one in needed else f"NotRequired[{python_type(inner)}]"
            for one, inner in properties.items()
        }
        if any(keyword.iskeyword(one) or not one.isidentifier() for one in members):
            inside = ", ".join(f'"{one}": "{kind}"' for one, kind in members.items())
            late.append(f'{name} = TypedDict("{name}", {{{inside}}})')
            continue
        about = " ".join(schema.get("description", "A shape.").split()).replace("\\", "\\\\").replace('"', "'")
        lines += ["", f"class {name}(TypedDict):", f'    """{about}"""', ""]
        lines += [f"    {one}: {kind}" for one, kind in members.items()]
        lines.append("")
    return "\n".join([*lines, "", *late, ""])


def _quoted(kind: str) -> str:
    """A type that may name others that come later."""
    if kind.startswith("Literal[") or kind in ("str", "int", "bool", "Any"):
        return kind
    parts = kind.split(" | ")
    return f"Union[{', '.join(repr(one) for one in parts)}]" if len(parts) > 1 else repr(kind)


def python_operations(contract: Contract) -> str:
    """A method for each operation, once for those who wait and once for those who do not."""
    lines = [f'"""The operations of the contract. {MADE}"""', "", "from __future__ import annotations", ""]
    lines += ["from collections.abc import AsyncIterator, Iterator", "from typing import Any, Literal, cast"]
    lines += ["from urllib.parse import quote", ""]
    lines += ["from retainer_client import models", "", f'CONTRACT = "{contract.version}"', ""]
    for waits in (True, False):
        name, word, wait = ("Operations", "def", "") if waits else ("AsyncOperations", "async def", "await ")
        send = "def" if waits else "async def"
        lines += ["", f"class {name}:", '    """A method for each operation."""', ""]
        lines += [
            f"    {send} _send(self, method: str, path: str, **sent: Any) -> Any:",
            "        raise NotImplementedError",
            "",
        ]
        for operation in contract.operations():
            lines += _python_method(contract, operation, word, wait)
    return "\n".join(lines)


def _python_method(contract: Contract, operation: Operation, word: str, wait: str) -> list[str]:
    inside = [
        f"{one.python}: str" if one.schema.get("type") != "integer" else f"{one.python}: int"
        for one in operation.inside
    ]
    sent = ["keyed=True"] if operation.keyed else []
    named: list[str] = []
    if operation.body is not None:
        kind = python_type(operation.body, "models.")
        inside.append(f"body: {kind}" if operation.body_needed else f"body: {kind} | None = None")
        sent.append("body=body")
    for one in operation.query:
        kind = python_type(one.schema, "models.")
        named.append(f"{one.python}: {kind}" if one.required else f"{one.python}: {kind} | None = None")
    if operation.keyed:
        named.append("idempotency_key: str | None = None")
        sent.append("key=idempotency_key")
    if operation.conditional:
        named.append("if_match: str | None = None")
        sent.append("if_match=if_match")
    if operation.query:
        sent.append("query={" + ", ".join(f'"{one.name}": {one.python}' for one in operation.query) + "}")
    path = operation.path
    for one in operation.inside:
        path = re.sub(r"\{" + one.name + r"(:[a-z]+)?\}", "{" + one.python + "}", path)
    place = "(" + ", ".join([f'"{operation.path}"', *(f"{one.name}={one.python}" for one in operation.inside)]) + ")"
    answer = "Any" if operation.answer is None else python_type(operation.answer, "models.")
    arguments = ", ".join(["self", *inside, *(["*", *named] if named else [])])
    about = operation.about.replace("\\", "\\\\").replace('"', "'") or operation.id
    call = f'{wait}self._send("{operation.method}", _path{place}{"".join(f", {one}" for one in sent)})'
    lines = [f"    {word} {operation.snake}({arguments}) -> {answer}:", f'        """{about}"""']
    lines += [f"        return cast({answer!r}, {call})" if answer != "Any" else f"        return {call}", ""]
    row = contract.row_of(operation)
    if row is not None:
        filters = [one for one in operation.query if one.name not in ("cursor", "limit")]
        names = [f"{one.python}: {python_type(one.schema, 'models.')} | None = None" for one in filters]
        passed = "".join(f", {one.python}={one.python}" for one in filters)
        kind, loop = ("AsyncIterator", "async def") if wait else ("Iterator", "def")
        given = ", ".join(one.python for one in operation.inside)
        first = f"{given}{', ' if given else ''}"
        arguments = ", ".join(["self", *inside, *(["*", *names] if names else [])])
        row_kind = python_type(row, "models.")
        lines += [
            f"    {loop} each_{operation.snake.removeprefix('list_')}({arguments}) -> {kind}[{row_kind}]:",
            f'        """Every row of `{operation.snake}`, page by page."""',
            "        cursor: str | None = None",
            "        while True:",
            f"            page: Any = {wait}self.{operation.snake}({first}limit=100, cursor=cursor{passed})",
            '            for row in page["data"]:',
            "                yield row",
            '            cursor = page["next_cursor"]',
            "            if cursor is None:",
            "                return",
            "",
        ]
    return lines


# TypeScript -----------------------------------------------------------------------------------------------------------


def typescript_type(schema: dict[str, Any], prefix: str = "") -> str:
    """A schema as a type of TypeScript."""
    if "$ref" in schema:
        return prefix + schema["$ref"].rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(one) for one in schema["enum"])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(typescript_type(one, prefix) for one in schema[word]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(typescript_type({**schema, "type": one}, prefix) for one in kind)
    if kind == "array":
        return f"({typescript_type(schema.get('items', {}), prefix)})[]"
    if kind == "object" or "additionalProperties" in schema:
        inner = schema.get("additionalProperties")
        return f"Record<string, {typescript_type(inner, prefix) if isinstance(inner, dict) else 'unknown'}>"
    return {"string": "string", "integer": "number", "boolean": "boolean", "number": "number", "null": "null"}.get(
        str(kind), "unknown"
    )


def typescript_models(contract: Contract) -> str:
    """The shapes as interfaces."""
    lines = [f"// The shapes of the contract. {MADE}"]
    for name, schema in contract.schemas.items():
        properties = schema.get("properties")
        if not properties:
            lines += ["", f"export type {name} = {typescript_type(schema)};"]
            continue
        needed = set(schema.get("required", ()))
        about = " ".join(schema.get("description", "").split()).replace("*/", "* /")
        lines += ["", f"/** {about} */", f"export interface {name} {{"]
        for one, inner in properties.items():
            lines.append(f"  {json.dumps(one)}{'' if one in needed else '?'}: {typescript_type(inner)};")
        lines.append("}")
    return "\n".join([*lines, ""])


def typescript_operations(contract: Contract) -> str:
    """A method for each operation."""
    lines = [f"// The operations of the contract. {MADE}", 'import type * as models from "./models.js";', ""]
    lines += [f'export const CONTRACT = "{contract.version}";', ""]
    lines += [
        "export interface Sent {",
        "  query?: Record<string, unknown>;",
        "  body?: unknown;",
        "  keyed?: boolean;",
    ]
    lines += ["  key?: string;", "  ifMatch?: string;", "}", ""]
    lines += ["const at = (part: string | number): string => encodeURIComponent(String(part));", ""]
    lines += ["export abstract class Operations {"]
    lines += ["  protected abstract send<T>(method: string, path: string, sent?: Sent): Promise<T>;"]
    for operation in contract.operations():
        lines += _typescript_method(contract, operation)
    return "\n".join([*lines, "}", ""])


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _typescript_method(contract: Contract, operation: Operation) -> list[str]:
    inside = [
        f"{_camel(one.name)}: {'number' if one.schema.get('type') == 'integer' else 'string'}"
        for one in operation.inside
    ]
    options = [f"{json.dumps(one.name)}?: {typescript_type(one.schema, 'models.')}" for one in operation.query]
    sent = ["keyed: true"] if operation.keyed else []
    if operation.body is not None:
        kind = typescript_type(operation.body, "models.")
        inside.append(f"body: {kind}" if operation.body_needed else f"body: {kind} = {{}} as {kind}")
        sent.append("body")
    if operation.query:
        sent.append("query: options")
    more = []
    if operation.keyed:
        more.append("key?: string")
        sent.append("key: extra.key")
    if operation.conditional:
        more.append("ifMatch?: string")
        sent.append("ifMatch: extra.ifMatch")
    arguments = [*inside]
    if operation.query:
        arguments.append(f"options: {{ {'; '.join(options)} }} = {{}}")
    if more:
        arguments.append(f"extra: {{ {'; '.join(more)} }} = {{}}")
    path = re.sub(r"\{([a-z_]+)(:[a-z]+)?\}", lambda found: "${at(" + _camel(found[1]) + ")}", operation.path)
    answer = "unknown" if operation.answer is None else typescript_type(operation.answer, "models.")
    about = operation.about.replace("*/", "* /")
    lines = [
        "",
        f"  /** {about} */",
        f"  {operation.id}({', '.join(arguments)}): Promise<{answer}> {{",
        f'    return this.send("{operation.method}", `{path}`, {{ {", ".join(sent)} }});',
        "  }",
    ]
    row = contract.row_of(operation)
    if row is not None:
        filters = [one for one in operation.query if one.name not in ("cursor", "limit")]
        kinds = "; ".join(f"{json.dumps(one.name)}?: {typescript_type(one.schema, 'models.')}" for one in filters)
        name = "each" + operation.id.removeprefix("list")
        given = "".join(f"{_camel(one.name)}, " for one in operation.inside)
        lines += [
            "",
            f"  /** Every row of `{operation.id}`, page by page. */",
            (
                f"  async *{name}({', '.join([*inside, f'options: {{ {kinds} }} = {{}}'])}):"
                f" AsyncGenerator<{typescript_type(row, 'models.')}> {{"
            ),
            "    let cursor: string | null | undefined = undefined;",
            "    do {",
            (
                f"      const page: {answer} = await this.{operation.id}({given}"
                "{ ...options, limit: 100, ...(cursor ? { cursor } : {}) });"
            ),
            "      for (const row of page.data) yield row;",
            "      cursor = page.next_cursor;",
            "    } while (cursor);",
            "  }",
        ]
    return lines


def files() -> dict[Path, str]:
    """Every file that is made, with its text."""
    contract = Contract()
    operations = python_operations(contract).replace("\nclass Operations:", PATH_OF + "\nclass Operations:", 1)
    return {
        PYTHON / "models.py": python_models(contract),
        PYTHON / "operations.py": operations,
        TYPESCRIPT / "models.ts": typescript_models(contract),
        TYPESCRIPT / "operations.ts": typescript_operations(contract),
    }


def main() -> int:
    """Write the files, or say which are not what the contract says."""
    drifted = []
    for path, text in files().items():
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                drifted.append(path.relative_to(ROOT).as_posix())
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if drifted:
        print(f"drifted: {', '.join(drifted)}; run `python -m scripts.sdk`")
        return 1
    print("the clients are what the contract says" if "--check" in sys.argv else "wrote the core of the clients")
    return 0


if __name__ == "__main__":
    sys.exit(main())
