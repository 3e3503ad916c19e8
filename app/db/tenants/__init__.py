"""Tenants, their keys, and who did what."""
