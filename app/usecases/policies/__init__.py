"""Policies and what they say of a customer."""
