"""Field types of requests: what a value may look like, with the message where it does not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.api.problems import FieldError, Problem
from app.domain.values.money import MAX_CREDITS, MAX_WIRE_INT


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, protected_namespaces=())

    def plain(self) -> dict[str, Any]:
        """All fields, defaults filled in, as plain values: what a request means, whatever it left out."""
        return self.model_dump()

    def content(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, for digests: a new optional field changes none."""
        return self.model_dump(exclude_defaults=True)


_INSTANT: Final = re.compile(
    r"(\d{4})-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)\Z", re.ASCII
)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_MONEY: Final = re.compile(r"-?\d{1,12}(\.\d{1,4})?\Z", re.ASCII)
_WHOLE: Final = re.compile(r"-?\d{1,17}\Z", re.ASCII)
_WORDS: Final = r"^[^\x00-\x1f\x7f\u0080-\u009f]+$"
TEXT: Final = r"^[^\x00-\x08\x0b-\x1f\x7f\u0080-\u009f]*$"
"""Text without control characters, except tab and line break: a terminal would obey the others."""
_LINES: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u009f]*$"
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2200


def parse_instant(value: object) -> datetime:
    """An RFC 3339 instant with an offset, in UTC. Refused: numbers, no offset, years outside 2000 to 2200."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if not isinstance(value, str) or len(value) > 40 or not (match := _INSTANT.match(value)):
        raise PydanticCustomError(
            "not_an_instant", "An RFC 3339 instant with an offset is wanted, such as 2025-01-31T10:00:00Z."
        )
    text = value.upper()
    fraction = match.group(2)
    if fraction and len(fraction) > 7:
        text = text.replace(fraction, fraction[:7], 1)
    try:
        if not _FIRST_YEAR - 1 <= int(match.group(1)) <= _LAST_YEAR:
            raise OverflowError
        at = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise PydanticCustomError("not_an_instant", "There is no such date or time.") from None
    except OverflowError:
        raise PydanticCustomError("instant_out_of_range", "The year must lie between 2000 and 2200.") from None
    if not _FIRST_YEAR <= at.year < _LAST_YEAR:
        raise PydanticCustomError("instant_out_of_range", "The year must lie between 2000 and 2200.")
    return at


def parse_day(value: object) -> date:
    """A calendar date ``YYYY-MM-DD`` between 2000 and 2200."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DATE.match(value):
        raise PydanticCustomError("not_a_date", "A date YYYY-MM-DD is wanted.")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("not_a_date", "There is no such date.") from None
    if not _FIRST_YEAR <= day.year < _LAST_YEAR:
        raise PydanticCustomError("date_out_of_range", "The year must lie between 2000 and 2200.")
    return day


def _money(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not _MONEY.match(value):
        raise PydanticCustomError(
            "not_money", 'A decimal string is wanted, such as "34.50", with at most 12 digits before the point.'
        )
    return Decimal(value)


def _price(value: object) -> Decimal:
    amount = _money(value)
    if amount < 0:
        raise PydanticCustomError("negative", "It must not be negative.")
    return amount


def whole_of(value: object) -> object:
    if isinstance(value, str):
        if not _WHOLE.match(value) or abs(int(value)) > MAX_WIRE_INT:
            raise PydanticCustomError("not_an_integer", "An integer is wanted.")
        return int(value)
    return value


def _flag(value: object) -> object:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise PydanticCustomError("not_a_boolean", "true or false is wanted.")
        return value == "true"
    return value


_INSTANT_SCHEMA = {"type": "string", "format": "date-time", "examples": ["2025-01-31T10:00:00Z"]}
_DATE_SCHEMA = {"type": "string", "format": "date", "examples": ["2025-01-31"]}
_MONEY_SCHEMA = {"type": "string", "pattern": r"^-?\d{1,12}(\.\d{1,4})?$", "examples": ["34.50"]}
_PRICE_SCHEMA = {"type": "string", "pattern": r"^\d{1,12}(\.\d{1,4})?$", "examples": ["34.50"]}

Instant = Annotated[datetime, BeforeValidator(parse_instant), WithJsonSchema(_INSTANT_SCHEMA)]
"""RFC 3339 with an offset, years 2000 to 2200; an aware datetime in UTC."""
Day = Annotated[date, BeforeValidator(parse_day), WithJsonSchema(_DATE_SCHEMA)]
"""A calendar date."""
Currency = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{3}$")]
PriceText = Annotated[Decimal, BeforeValidator(_price), WithJsonSchema(_PRICE_SCHEMA)]
"""A decimal string that is not negative."""


class MoneyBody(Body):
    """Money that is not negative."""

    amount: PriceText
    currency: Currency


Price = MoneyBody | PriceText
"""Money, or its decimal string alone where the currency is said beside it; `price_in` reads both."""


def price_in(price: MoneyBody | Decimal | None, currency: str, field: str) -> Decimal | None:
    """The amount of a price in ``currency``. Refuses another currency and more digits than the currency has."""
    if isinstance(price, MoneyBody):
        if price.currency != currency:
            raise Problem(
                "invalid_input",
                errors=[FieldError(f"{field}/currency", "other_currency", f"The order is in {currency}.")],
            )
        price, field = price.amount, f"{field}/amount"
    check_digits(price, currency, field)
    return price


def no_controls(value: str) -> str:
    """Refuse control characters in a text that may be empty."""
    if not re.match(TEXT, value):
        raise PydanticCustomError("bad_text", "Not in the form that is wanted, or with control characters.")
    return value


Credits = Annotated[int, Field(strict=True, ge=1, le=MAX_CREDITS)]
"""1 or more."""
CreditsOrZero = Annotated[int, Field(strict=True, ge=0, le=MAX_CREDITS)]
SignedCredits = Annotated[int, Field(strict=True, ge=-MAX_CREDITS, le=MAX_CREDITS)]
NaturalInt = Annotated[int, Field(strict=True, ge=0, le=MAX_WIRE_INT)]
Flag = Annotated[bool, Field(strict=True)]
ExternalId = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200, pattern=_WORDS)]
"""Somebody else's id: 1 to 200 characters, no control characters."""
Name = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")
]
"""A code of a policy, a scope, a category."""
Link = Annotated[
    str,
    StringConstraints(
        strict=True,
        max_length=2000,
        pattern=r"^https?://[^\x00-\x20\x22\x3c\x3e\x5c\x7f\u0080-\u009f/?#][^\x00-\x20\x22\x3c\x3e\x5c\x7f\u0080-\u009f]*$",
    ),
    Field(examples=["https://desk.example/tickets/77"]),
]
"""A link to a page: http or https, without spaces, quotes and angle brackets."""
ShortText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200, pattern=_WORDS)]
"""A name, a word: in one line, no control characters."""
Subject = Annotated[str, StringConstraints(strict=True, max_length=1000, pattern=TEXT)]
LongText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=10_000, pattern=_LINES)]
"""Somebody's words, in as many lines as they like."""
Scalar = (
    Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True, ge=-MAX_WIRE_INT, le=MAX_WIRE_INT)]
    | Annotated[str, StringConstraints(strict=True, max_length=2000, pattern=_LINES)]
    | None
)
Facts = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_WORDS)], Scalar], Field(max_length=100)
]
"""Names to scalars."""
Inputs = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_WORDS)], NaturalInt],
    Field(max_length=20),
]
"""Names of formula inputs to integers >= 0."""
PathId = Annotated[str, Path(min_length=1, max_length=200, pattern=_WORDS)]
QueryId = Annotated[str, Query(min_length=1, max_length=200, pattern=_WORDS)]
QueryText = Annotated[str, Query(min_length=1, max_length=200, pattern=_WORDS)]
RowsCursor = Annotated[
    str | None, Query(min_length=1, max_length=2000, description="`next_cursor` of the answer before")
]
"""Where an answer that holds several lists goes on in each of them."""
# The range stands before the reading, else the contract does not publish it.
Ordinal = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(whole_of)]
"""The number of a version, in a query."""
QueryFlag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]


def in_any_order(text: str) -> str:
    """Return names with commas between them in one order, each once: a cursor belongs to what is meant."""
    return ",".join(sorted(set(text.split(","))))


def several(known: Iterable[str]) -> AfterValidator:
    """Read names with commas between them, in any order. Refused: a name that is none of ``known``."""
    names = [str(name) for name in known]

    def read(text: str) -> str:
        if not set(text.split(",")) <= set(names):
            message = f"Names of {', '.join(names)} are wanted, with commas between them."
            raise PydanticCustomError("not_known", "{message}", {"message": message})
        return in_any_order(text)

    return AfterValidator(read)


PathNumber = Annotated[int, Path(ge=1, le=1_000_000), BeforeValidator(whole_of)]


def check_digits(amount: Decimal | None, currency: str, field: str) -> None:
    """Refuses more digits after the point than the currency has (0.005 USD)."""
    from app.domain.values.money import unit_of

    if amount is not None and amount != amount.quantize(unit_of(currency)):
        raise Problem(
            "invalid_input",
            errors=[FieldError(field, "too_many_digits", f"{currency} has no such fraction of its smallest unit.")],
        )
