"""Retainer: the ledger and the rules of paid support."""

__version__ = "0.1.0"
