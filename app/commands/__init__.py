"""Retainer."""
