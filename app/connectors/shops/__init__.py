"""Readers of shop systems' deliveries."""
