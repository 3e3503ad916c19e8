"""Amounts of money as a feed keeps them: the shortest decimal text, so that one amount has one text."""

from __future__ import annotations

from decimal import Decimal


def amount_text(amount: Decimal | None) -> str | None:
    """Return the text of an amount without trailing zeros; None of None."""
    if amount is None:
        return None
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def amount_of(text: str | None) -> Decimal | None:
    """Return the amount of a text; None of None."""
    return None if text is None else Decimal(text)
