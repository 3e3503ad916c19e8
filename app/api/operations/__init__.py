"""The table of operations, one module a noun."""
