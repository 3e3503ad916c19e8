"""`retainer`: one program for serving, operating and asking.

A command is a module of `app.commands` with a function `run` (or a Typer application `app` where it has commands of
its own). Only the module of the command that was asked for is imported, so that none slows or breaks another.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Final

from app import __version__
from app.commands.base import CommandError, plain
from app.embedded import EmbeddedPostgresError
from app.settings import SettingsError

if TYPE_CHECKING:
    import typer

COMMANDS: Final = (
    "serve",
    "worker",
    "migrate",
    "demo",
    "customers",
    "tickets",
    "balance",
    "explain",
    "orders",
    "tenants",
    "events",
    "webhooks",
    "reports",
    "sources",
    "completion",
    "keys",
    "policies",
    "verify-ledger",
    "doctor",
    "backup",
    "restore",
    "reseal",
    "import",
    "reconcile",
    "replay",
    "dismiss",
    "judge-clocks",
    "contracts",
)


def module_of(command: str) -> str:
    """The module that holds a command; `import` is a word of Python's, hence the underscore."""
    name = command.replace("-", "_")
    return f"app.commands.{name + '_' if name == 'import' else name}"


def build(arguments: list[str]) -> typer.Typer:
    """The program, with the command that the arguments name, or with all when they name none."""
    import typer

    def options(
        version: bool = typer.Option(False, "--version", help="Print the version and leave.", is_eager=True),
    ) -> None:
        """The ledger and the rules of paid support. Settings come from the environment (RETAINER_..., DATABASE_URL)."""
        if version:
            print(f"retainer {__version__}")
            raise typer.Exit

    program = typer.Typer(
        name="retainer",
        no_args_is_help=True,
        invoke_without_command=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    program.callback()(options)
    named = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name in (named,) if named in COMMANDS else COMMANDS:
        module = importlib.import_module(module_of(name))
        if hasattr(module, "app"):
            program.add_typer(module.app, name=name)
        else:
            program.command(name)(module.run)
    return program


def completed_words() -> list[str]:
    """Return the words that a shell asks to complete, without the program; none where it asks nothing."""
    if "_RETAINER_COMPLETE" not in os.environ:
        return []
    from typer._completion_classes import completion_init

    completion_init()
    words = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or ""
    return words.split()[1:]


def main() -> int:
    """Run the command line. What can be mended is said on stderr, without a traceback."""
    try:
        words = completed_words() or sys.argv[1:]
        if words == ["serve"]:  # what reads options would stay in memory as long as the service does
            importlib.import_module(module_of("serve")).run()
        else:
            build(words)()
    except (CommandError, EmbeddedPostgresError, SettingsError) as error:
        for line in str(error).splitlines():
            print(f"retainer: {plain(line)}", file=sys.stderr)
        return getattr(error, "exit_code", 1)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
