"""Commands for every day, run as processes."""
