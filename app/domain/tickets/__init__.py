"""The life of a ticket, from opening to closing."""
