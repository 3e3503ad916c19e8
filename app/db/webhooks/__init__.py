"""Endpoints, and what each was sent."""
