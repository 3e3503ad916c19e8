"""Figures: what the ledger does a second, beside the same rows written by one SQL function."""
