"""`retainer completion`: print what makes a shell complete commands and options."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from typer._completion_shared import get_completion_script


def run(shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="The shell: bash, zsh or fish.")]) -> None:
    """Print what makes a shell complete commands and options, for its start-up file."""
    print(get_completion_script(prog_name="retainer", complete_var="_RETAINER_COMPLETE", shell=shell))
