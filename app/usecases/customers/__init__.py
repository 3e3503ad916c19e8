"""Customers: read, merged, erased."""
