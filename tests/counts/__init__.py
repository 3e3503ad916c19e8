"""Counts over windows: so many in any 365 days, a month, a period of cover, at once."""
