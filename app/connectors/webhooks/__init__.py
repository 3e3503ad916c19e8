"""Webhooks going out: signing, sending, and to which addresses."""
