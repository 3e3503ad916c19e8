"""Clocks and calendars, and time itself: what falls due, and a sandbox's own time."""
