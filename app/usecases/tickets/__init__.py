"""Tickets opened, completed, split, merged and worked on."""
