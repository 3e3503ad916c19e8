"""Recorded history run again under a draft of the policy: see `draft`; `steps` says by which use cases."""

from app.usecases.simulation.beside import simulate
from app.usecases.simulation.draft import DEFAULT_LIMIT, ENTRIES_MAX

__all__ = ["DEFAULT_LIMIT", "ENTRIES_MAX", "simulate"]
