"""`retainer policies`: check policy documents, fetch and compare them, try them on history, publish and withdraw them.

`check` and `schema` need nothing but the file; the others ask the service, or the database of this machine.
"""

from __future__ import annotations

import contextlib
import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console

from app.commands.base import CommandError, plain
from app.commands.remote import JSON, Json, Key, Refused, Service, Target, Tenant, Url, facts, show, table
from app.documents.marks import PolicyDocumentError, Problem
from app.documents.policy_checks import check_policy
from app.documents.policy_document import json_schema, load_document

app = typer.Typer(no_args_is_help=True, help="Check policy documents, compare, simulate and publish them.")

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
    hint = f"\n    {plain(problem.hint)}" if problem.hint else ""
    return f"{where}: {problem.severity}: {plain(problem.message)} [{problem.code}]{hint}"


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


FILE = Annotated[str, typer.Argument(help="A policy document in YAML; `-` reads the standard input.")]
OF_VERSION = Annotated[int | None, typer.Option("--version", min=1, help="A version; the one in force unless given.")]


async def _path(service: Service) -> str:
    """The path of the tenant's policy; it has one."""
    (policy,) = (await service.get("/v1/policies"))["data"]
    return f"/v1/policies/{quote(policy['name'], safe='')}"


@app.command()
def pull(
    output: Annotated[str, typer.Option("--output", "-o", help="Where to write it; `-` prints it.")] = "-",
    version: OF_VERSION = None,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Fetch the document as it was written, with its comments."""

    async def work(service: Service) -> Any:
        return await service.get(f"{await _path(service)}/source", version=version)

    def write(out: Console, found: JSON) -> None:
        if output == "-":
            print(found["source"], end="" if found["source"].endswith("\n") else "\n")
            return
        try:
            Path(output).write_text(found["source"], encoding="utf-8", newline="")
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror or error}") from None
        print(f"{output}: version {found['version']} of {found['name']}")

    show(Target(url, key, tenant), work, as_json, write)


@app.command()
def diff(
    file: FILE,
    version: OF_VERSION = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 where something differs.")] = False,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Say in sentences what a document changes of the version in force."""
    document = _read(file)

    async def work(service: Service) -> Any:
        body = {"document": document, "version": version}
        return await service.send("POST", f"{await _path(service)}/comparison", body=body)

    def write(out: Console, found: JSON) -> None:
        for row in found["differences"]:
            print(f"{_SIGNS[row['change']]} {plain(row['words'])}")
        if not found["differences"]:
            print(f"It says the same as version {found['version']}.")

    with _findings(file):
        found = show(Target(url, key, tenant), work, as_json, write)
    if exit_code and found["differences"]:
        raise typer.Exit(1)


_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@app.command()
def simulate(
    file: FILE,
    start: Annotated[str | None, typer.Option("--from", help="A day or an instant; all of the history else.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="A day or an instant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=2_000, help="Entries of history to run.")] = 500,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Say what a document would have changed in the history that is recorded; nothing is written."""
    body = {"document": _read(file), "from": _instant(start), "to": _instant(end), "limit": limit}

    async def work(service: Service) -> Any:
        return await service.send("POST", f"{await _path(service)}/simulate", body=body)

    with _findings(file):
        show(Target(url, key, tenant), work, as_json, _drawn)


def _drawn(out: Console, found: JSON) -> None:
    """The sums before and after, then single cases."""
    totals = found["totals"]
    print(f"customers {totals['customers']} of {found['customers']} fare otherwise")
    print(f"orders    {found['orders']['differ']} of {found['orders']['replayed']} differ")
    print(f"tickets   {found['tickets']['differ']} of {found['tickets']['replayed']} differ")
    rows = [
        {"sum": words, "before": totals["before"][name], "after": totals["after"][name]}
        for name, words in _SUMS.items()
        if name in totals["before"]
    ]
    table(out, {"In all": "sum", "Now": "before", "By the document": "after"}, rows, empty="")
    cases = [{**row, "clauses": row["clauses"]} for row in found["differences"]]
    table(
        out,
        {"": "kind", "Id": "id", "Customer": "customer_id", "Clauses": "clauses"},
        cases,
        empty="Nothing comes out otherwise.",
        title="Single cases",
    )
    if found["errors"]:
        print(f"{len(found['errors'])} things could not be run again; --json names them")
    if not found["complete"]:
        print("There is more history than was run; raise --limit, or give --from and --to")


_SUMS = {
    "credits_granted": "credits that orders bring",
    "credits_charged": "credits that tickets cost",
    "credits_held": "credits set aside for tickets",
    "prices": "orders by the list of prices",
}


@app.command()
def publish(
    file: FILE,
    effective_from: Annotated[
        str | None, typer.Option("--from", help="The day or instant from which it is in force; now unless given.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; say what would be published.")] = False,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Publish a document as a new version."""
    body: dict[str, Any] = {"document": _read(file)}
    if effective_from is not None:
        body["effective_from"] = _instant(effective_from)

    async def work(service: Service) -> Any:
        return await service.send(
            "POST",
            f"{await _path(service)}/versions",
            body=body,
            query={"validate_only": "true" if dry_run else None},
            headers={"Idempotency-Key": uuid.uuid4().hex},
        )

    labels = {"version": "version", "in force from": "effective_from"}
    with _findings(file):
        found = show(Target(url, key, tenant), work, as_json, lambda out, view: facts(out, view, labels))
    for problem in found["warnings"]:
        print(shown(file, Problem(**problem)), file=sys.stderr)


@app.command()
def withdraw(
    version: Annotated[int, typer.Argument(min=1, help="The version; its day has not come.")],
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Take back a version whose day has not come."""

    async def work(service: Service) -> Any:
        return await service.send("DELETE", f"{await _path(service)}/versions/{version}")

    labels = {"version": "version", "withdrawn": "withdrawn_at"}
    show(Target(url, key, tenant), work, as_json, lambda out, view: facts(out, view, labels))


@contextlib.contextmanager
def _findings(file: str) -> Iterator[None]:
    """Print each mistake for which the service refuses a document, as `check` does."""
    try:
        yield
    except Refused as refusal:
        for problem in refusal.problem.get("facts", {}).get("problems", ()):
            print(shown(file, Problem(**problem)), file=sys.stderr)
        raise


def _instant(text: str | None) -> str | None:
    """A day as the instant of its begin in UTC; an instant as it is."""
    return f"{text}T00:00:00Z" if text is not None and len(text) == len("2025-01-31") else text


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
