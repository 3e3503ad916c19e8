"""Bringing in what there was before: `lines` are what a file says, `single` and `many` bring it in."""

from app.usecases.imports.lines import COLUMNS, CUSTOMER, IDS, INSTANTS, KINDS, BadLineError, Outcome, Row, understood
from app.usecases.imports.many import bring_chunk
from app.usecases.imports.single import bring_customer

__all__ = [
    "COLUMNS",
    "CUSTOMER",
    "IDS",
    "INSTANTS",
    "KINDS",
    "BadLineError",
    "Outcome",
    "Row",
    "bring_chunk",
    "bring_customer",
    "understood",
]
