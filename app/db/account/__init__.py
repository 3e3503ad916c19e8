"""Rows of a customer's account: load and lock it, read many at once, search, erase, and ask what must hold."""
