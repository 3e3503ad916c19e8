"""Whole lives: the commands register themselves when `everything` is called."""

from __future__ import annotations

from importlib import import_module

MODULES = "bank desk hours levels living office plans promised reader shop store till wallet"


def everything() -> None:
    """Makes all commands known."""
    for name in MODULES.split():
        import_module(f"tests.lives.{name}")
