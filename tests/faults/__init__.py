"""Faults: the service and its database are hurt under load; see `make faults`."""
