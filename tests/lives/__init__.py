"""Whole lives: the commands register themselves when `everything` is called."""

from __future__ import annotations


def everything() -> None:
    """Makes all commands known."""
    from tests.lives import bank, desk, hours, living, office, plans, reader, shop, store, till, wallet  # noqa: F401
