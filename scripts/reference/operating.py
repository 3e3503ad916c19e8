"""Settings, metrics, the command line and limits: what an operator sees."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import typer

from app import cli, main
from app.api import auth, limits, oidc, paging, socket_deadlines, strict
from app.api.graphql import limits as graphql
from app.api.observability import Figures
from app.api.operations import call
from app.api.operations import credits as batches
from app.connectors.webhooks import address_guard as address_guard
from app.connectors.webhooks import sender
from app.db import budget
from app.db.engine import Database
from app.documents import calendar_document, closures, feeds, yaml_reader
from app.documents.checks import numbers
from app.domain.calendar import timeline
from app.domain.clocks import target
from app.domain.events import webhook_address
from app.domain.values import money
from app.settings import Settings
from app.usecases import simulation
from app.usecases.clocks import calendar_questions, sandbox
from app.usecases.orders import orders
from app.usecases.reports.figures import Watch
from app.usecases.tenants import keys
from app.usecases.webhooks import webhooks
from scripts.reference.table import code, codes, page, table


def settings() -> str:
    """Return the page of settings. One without a description is an error."""
    rows = []
    for name, field in Settings.model_fields.items():
        if not field.description:
            raise SystemExit(f"app/settings.py: `{name}` has no description")
        shown = "DATABASE_URL" if name == "database_url" else f"RETAINER_{name.upper()}"
        rows.append((code(shown), _default(name, field), _bounds(field), field.description))
    return page(
        "Settings",
        "All are optional. They come from the environment and are read once, at the start. What cannot "
        "be used is "
        "refused then, with the name of the setting.",
        table(("setting", "default", "bounds", "what"), rows),
    )


def environment() -> str:
    """Return `.env.example`: each setting as a remark, with its default where it has one."""
    lines = [
        "# Settings of the service, for a file that systemd, compose or `set -a` reads. All are optional.",
        "# Made by `make contracts` from the code. docs/reference/settings.md says more; copy it to `.env`.",
    ]
    for name, field in Settings.model_fields.items():
        shown = "DATABASE_URL" if name == "database_url" else f"RETAINER_{name.upper()}"
        value = "" if field.default in (None, ()) or name in _MADE else str(field.default)
        value = value.lower() if isinstance(field.default, bool) else value
        lines += ["", *textwrap.wrap(str(field.description), 110, initial_indent="# ", subsequent_indent="# ")]
        lines.append(f"#{shown}={value}")
    return "\n".join(lines) + "\n"


_MADE = frozenset({"operator_key", "secret_key", "data_dir"})


def _default(name: str, field: Any) -> str:
    made = {
        "operator_key": "made at the first start",
        "secret_key": "made at the first start",
        "data_dir": "`/var/lib/retainer` as root, else `$XDG_DATA_HOME/retainer`",
    }
    if name in made:
        return made[name]
    if field.default in (None, ()):
        return "unset"
    value = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return code(f"{value:g}" if isinstance(value, float) else value)


def _bounds(field: Any) -> str:
    signs = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return ", ".join(
        f"{words} {_number(getattr(one, sign))}"
        for one in field.metadata
        for sign, words in signs.items()
        if getattr(one, sign, None) is not None
    )


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def metrics() -> str:
    """Return the page of series, from the registry of a process that serves nothing."""
    figures = Figures()
    chosen = Settings(data_dir=Path("/nonexistent"), database_url="postgresql://nowhere/nothing")
    database = Database(str(chosen.database_url))
    stats = main.gatherer(chosen, database, figures).stats
    rows: dict[str, tuple[str, str, str, str]] = {}
    for collector in list(figures.registry._collector_to_names):
        names = getattr(collector, "_labelnames", ())
        for family in collector.describe() if hasattr(collector, "describe") else ():
            rows[_named(family.name, family.type)] = (family.type, codes(names), "a process", family.documentation)
    for name, help_, kind, _ in main.samples(database, stats):
        rows[_named(name, kind)] = (kind, "", "a process", help_)
    for name, help_, kind, _ in Watch().sample():
        rows[_named(name, kind)] = (kind, "", "the service", help_)
    return page(
        "Metrics",
        "`GET /metrics` for Prometheus. Who may read it: `RETAINER_METRICS_TOKEN` "
        "([settings](settings.md)). *Of*: figures of a process are added up where there are several; of what is "
        "late (gauges of seconds) the latest counts. A "
        "histogram has the usual `_bucket`, `_sum` and `_count`.",
        table(("series", "kind", "labels", "of", "means"), [(code(name), *row) for name, row in sorted(rows.items())]),
    )


def _named(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" and not name.endswith("_total") else name


def command_line() -> str:
    """Return the page of commands with their arguments and options."""
    program = typer.main.get_command(cli.build([]))
    parts = [
        "`retainer COMMAND`, which is `.venv/bin/retainer` in a checkout. `--help` says the same.",
        (
            "A command that fails says why and ends with 1; a wrong call ends with 2. Commands that ask the service end"
            " with 3 to 5 where it refuses: [the command line for every day](../commands.md)."
        ),
    ]
    for name, command in _commands(program, "retainer"):
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        usage = " ".join([name, "[OPTIONS]", *(_shown(one) for one in arguments)])
        parts += [f"## {name}", (command.help or "").strip().split("\n\n")[0], code(usage)]
        rows = [
            (
                code(one.name.upper()) if one in arguments else codes([*one.opts, *one.secondary_opts]),
                _given(one),
                (getattr(one, "help", None) or "") + (f" Also `{one.envvar}`." if getattr(one, "envvar", None) else ""),
            )
            for one in command.params
            if one.name != "help"
        ]
        if rows:
            parts.append(table(("argument or option", "given", "what"), rows))
    return page("Command line", *parts)


def _commands(command: Any, name: str) -> list[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        return [(name, command)]
    return [found for one in command.commands.values() for found in _commands(one, f"{name} {one.name}")]


def _shown(argument: Any) -> str:
    shown = f"{argument.name.upper()}{'' if argument.nargs == 1 else '...'}"
    return shown if argument.required else f"[{shown}]"


def _given(one: Any) -> str:
    if one.required:
        return "required"
    if getattr(one, "is_flag", False):
        return "switch"
    default = one.default
    if default is None or default in ((), "", []) or callable(default):
        return "optional"
    return f"default {code(default)}"


def limits_page() -> str:
    """Return the page of limits, each from its constant."""

    def size(octets: int) -> str:
        return f"{octets // 1024} KiB" if octets < 1024 * 1024 else f"{octets // (1024 * 1024)} MiB"

    return page(
        "Limits",
        "## Requests",
        table(
            ("what", "at most"),
            [
                ("head of a request", f"{size(socket_deadlines.HEAD_BYTES)}, in {socket_deadlines.HEAD_SECONDS:g} s"),
                ("body", f"{size(strict.BODY_LIMIT)}, in {strict.BODY_SECONDS:g} s"),
                ("body of a batch, a policy, a calendar version", size(strict.BIG_LIMIT)),
                ("body of an inbound delivery or a calendar feed", size(strict.INBOUND_LIMIT)),
                ("depth of a JSON body", strict.MAX_DEPTH),
                ("query parameters", strict.MAX_PARAMETERS),
                ("wrong fields named in one refusal", strict.MAX_ERRORS),
                ("rows of a list (`limit`), and when unsaid", f"{paging.MAX_LIMIT}, {paging.DEFAULT_LIMIT}"),
                ("characters of an `Idempotency-Key`", call.KEY_LENGTH),
                ("commands in a credit batch", batches.BATCH_COMMANDS_MAX),
                ("units of an order", orders.MAX_UNITS),
                ("`placed_at` ahead of the tenant's clock", f"{orders._AHEAD.total_seconds() / 60:g} min"),
                ("credits of one command", f"{money.MAX_CREDITS:,}"),
                ("life of a customer token", f"{keys.MAX_TOKEN_MINUTES} min"),
                (
                    "wrong keys of one address",
                    f"{limits.FAILURES_BURST} at once, then {limits.FAILURES_A_SECOND:g} a second",
                ),
                ("time that a revoked key goes on", f"{max(auth.CACHE_SECONDS, oidc.CACHE_SECONDS):g} s"),
            ],
        ),
        "## GraphQL",
        table(
            ("what", "at most"),
            [
                ("characters of a document", f"{graphql.MAX_CHARACTERS:,}"),
                ("tokens", f"{graphql.MAX_TOKENS:,}"),
                ("depth of fields", graphql.MAX_DEPTH),
                ("nesting of brackets", graphql.MAX_NESTING),
                ("aliases", graphql.MAX_ALIASES),
                ("selections in a set", graphql.MAX_BREADTH),
                ("fields", f"{graphql.MAX_FIELDS:,}"),
                ("cost", f"{Settings.model_fields['graphql_cost'].default:,}, by `RETAINER_GRAPHQL_COST`"),
                ("rows of a page, and when unsaid", f"{graphql.MAX_PAGE}, {graphql.DEFAULT_PAGE}"),
                ("rows that a list without a page counts as", "as `@listSize` says"),
                ("items of a list argument", f"{graphql.MAX_LIST:,}"),
                ("values in all arguments", f"{graphql.MAX_VALUES:,}"),
                (
                    "depth and lists of introspection",
                    f"{graphql.MAX_INTROSPECTION_DEPTH}, {graphql.MAX_INTROSPECTION_LISTS}",
                ),
            ],
        ),
        "## Policies and calendars",
        table(
            ("what", "at most"),
            [
                ("depth of a policy document", yaml_reader.MAX_DEPTH),
                ("findings of a check", yaml_reader.MAX_PROBLEMS),
                ("credits of one grant", f"{numbers.MAX_GRANTED:,}"),
                ("business seconds of a target", f"{target.MAX_SECONDS:,}"),
                ("business days of a target", f"{target.MAX_DAYS:,}"),
                ("years that a due time is looked for", timeline.HORIZON_YEARS),
                ("holiday sets, and closure rules, of a calendar", f"{closures.SETS_MAX}, {closures.RULES_MAX}"),
                ("exceptions of a calendar version", f"{calendar_document.EXCEPTIONS_MAX:,}"),
                ("a calendar feed", f"{size(feeds.BYTES_MAX)}, {feeds.DATES_MAX:,} dates"),
                ("days of a question about closures", f"{calendar_questions.DAYS_MAX:,}"),
                ("entries of a simulation, and when unsaid", f"{simulation.ENTRIES_MAX:,}, {simulation.DEFAULT_LIMIT}"),
                ("rows that one `PUT /v1/clock` fires", f"{sandbox.ROWS_FIRED_MAX:,}"),
            ],
        ),
        "## Webhooks",
        table(
            ("what", "at most"),
            [
                ("endpoints of a tenant", webhooks.MAX_ENDPOINTS),
                ("characters of an address", f"{webhook_address.MAX_URL:,}"),
                ("addresses that a name may lead to", address_guard.MAX_ADDRESSES),
                ("time for an answer", f"{sender.TIMEOUT_SECONDS:g} s"),
                ("bytes of a payload", f"{sender.MAX_PAYLOAD:,}"),
                ("deliveries that one replay sends", f"{webhooks.REPLAY_DELIVERIES_MAX:,}"),
                ("overlap of two secrets", f"{webhooks.MAX_OVERLAP.days} days"),
            ],
        ),
        "## A tenant's share of a process",
        table(
            ("what", "at most"),
            [
                ("writes of one customer that wait", budget.WAITING_WRITES),
                ("time that a write waits", f"{budget.WRITE_PATIENCE:g} s"),
            ],
        ),
        "[Fairness](../operations.md#fairness) says how connections are shared.",
    )
