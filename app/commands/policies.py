"""`retainer policies`: check policy documents, and print the JSON Schema they are written against; no database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.commands.base import CommandError
from app.documents.marks import PolicyDocumentError, Problem
from app.documents.policy_checks import check_policy
from app.documents.policy_document import json_schema, load_document

app = typer.Typer(no_args_is_help=True, help="Check policy documents, print their JSON Schema.")

MAX_BYTES = 512 * 1024
"""As the service takes them."""


def findings(text: str) -> tuple[Problem, ...]:
    """All that is wrong with a document, malformed or not."""
    try:
        document = load_document(text)
    except PolicyDocumentError as error:
        return error.problems
    return check_policy(document.policy, document.marks)


def shown(file: str, problem: Problem) -> str:
    """A finding as editors know it: ``file:line:column: severity: message [code]``, what to write below it."""
    where = f"{file}:{problem.line}:{problem.column}"
    hint = f"\n    {problem.hint}" if problem.hint else ""
    return f"{where}: {problem.severity}: {problem.message} [{problem.code}]{hint}"


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(help="Policy documents in YAML; `-` reads the standard input.")],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
) -> None:
    """Check documents as `POST /v1/policies/validate` does; exit code 1 when one has errors."""
    failed = False
    for file in files:
        found = findings(_read(file))
        for problem in found:
            print(shown(file, problem))
        errors = [problem for problem in found if strict or problem.severity == "error"]
        failed = failed or bool(errors)
        if not found:
            print(f"{file}: good")
    if failed:
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a policy document, for editors; it is published as openapi/policy.schema.json."""
    print(schema_text(), end="")


def schema_text() -> str:
    """The published file, byte for byte."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _read(file: str) -> str:
    try:
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise CommandError(f"{file}: a policy document has at most {MAX_BYTES // 1024} KiB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
