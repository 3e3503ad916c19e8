"""Readers of helpdesks' deliveries."""
