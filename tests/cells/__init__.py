"""Whole tenants on several servers of Postgres."""
