"""Periods of support: how they start, run, pause and end."""
