"""Rows of the ledger: read and lock lots and holds, fold entries as of an instant, replay and audit them."""
