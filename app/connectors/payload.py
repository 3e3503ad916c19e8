"""Reading shops' JSON: exact numbers, decimals from text, ids as text however long; anything else is
unreadable.

Numbers with a fraction stay the text they came as, so that no amount ever passes through a float. Integers are exact,
so that ids beyond 2^53 stay what they are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from app.domain.feeds.adapter import UnreadableError
from app.domain.values.money import MINOR_DIGITS, unit_of

TOLERANCE: Final = timedelta(seconds=300)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_AMOUNT: Final = re.compile(r"-?\d{1,15}(\.\d{1,20})?\Z", re.ASCII)
_SECONDS: Final = re.compile(r"(\d{9,11})\.(\d+)", re.ASCII)
_NUMBER_MAX: Final = 1_000_000


def parsed(body: bytes) -> dict[str, Any]:
    """The object that a body holds. Raises `UnreadableError`."""
    try:
        value = json.loads(body.decode("utf-8"), parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise UnreadableError("not_json", "The body is not JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise UnreadableError("not_json", "The body is not a JSON object.")
    return value


def quietly(body: bytes) -> dict[str, Any]:
    """`parsed`, or nothing."""
    try:
        return parsed(body)
    except UnreadableError:
        return {}


def is_sample(body: Mapping[str, Any]) -> bool:
    """Whether a body is what `retainer sources test` sends to kinds without names of events: `sample` and no more."""
    return set(body) == {"sample"}


def ident(value: Any, name: str) -> str:
    """Somebody's id as text, exactly. Raises `UnreadableError` for what cannot be an id."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise UnreadableError("field_missing", f"{name} is missing or is no id.")
    text = str(value)
    if not text or len(text) > 150 or _CONTROL.search(text):
        raise UnreadableError("field_wrong", f"{name} is empty, too long or has control characters.")
    return text


def ident_or_none(value: Any, name: str) -> str | None:
    """`ident`, or None for what is absent, empty or 0 (a guest's number in some shops)."""
    return None if value in (None, "", 0, "0") else ident(value, name)


def money(value: Any, name: str) -> Decimal:
    """An amount in whole currency units from text or an integer. Raises `UnreadableError`."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not _AMOUNT.match(str(value).strip()):
        raise UnreadableError("field_wrong", f"{name} is no amount.")
    try:
        return Decimal(str(value).strip())
    except InvalidOperation:
        raise UnreadableError("field_wrong", f"{name} is no amount.") from None


def money_or_none(value: Any, name: str) -> Decimal | None:
    """`money`, or None for what is absent or empty."""
    return None if value in (None, "") else money(value, name)


def minor(value: Any, currency: str, name: str) -> Decimal:
    """An amount in a currency's smallest units, as whole units."""
    return money(value, name) * unit_of(currency)


def minor_or_none(value: Any, currency: str, name: str) -> Decimal | None:
    """`minor`, or None for what is absent."""
    return None if value in (None, "") else minor(value, currency, name)


def whole(value: Any, name: str, *, least: int = 0) -> int:
    """A count. Raises `UnreadableError`."""
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,9}(\.0+)?", text, re.ASCII):
        raise UnreadableError("field_wrong", f"{name} is no whole number.")
    number = int(text.partition(".")[0])
    if not least <= number <= _NUMBER_MAX:
        raise UnreadableError("field_wrong", f"{name} is out of range.")
    return number


def instant(value: Any, name: str) -> datetime:
    """An instant from RFC 3339 text (no zone: UTC) or seconds since 1970, whole or as `parsed` leaves those with a
    fraction. Raises `UnreadableError`."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str) and (split := _SECONDS.fullmatch(value)):
            micros = int(split[2][:6].ljust(6, "0"))
            return datetime.fromtimestamp(int(split[1]), UTC).replace(microsecond=micros)
        if isinstance(value, str) and value:
            head, _, rest = value.partition(".")
            digits = re.match(r"\d*", rest)
            tail = rest[digits.end() :] if digits else ""
            fraction = f".{digits[0][:6]}" if digits and digits[0] else ""
            found = datetime.fromisoformat(head + fraction + tail)
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
            if 1990 <= found.year <= 2200:
                return found
    except (ValueError, OverflowError, OSError):
        pass
    raise UnreadableError("field_wrong", f"{name} is no instant.")


def instant_or_none(value: Any, name: str) -> datetime | None:
    """`instant`, or None for what is absent."""
    return None if value in (None, "") else instant(value, name)


def currency_of(value: Any) -> str:
    """An ISO 4217 code of money. Raises `UnreadableError`."""
    if not isinstance(value, str) or value.upper() not in MINOR_DIGITS:
        raise UnreadableError("field_wrong", "currency is no ISO 4217 code of a currency in use.")
    return value.upper()


def total_or_none(value: Any, currency: str, name: str) -> Decimal | None:
    """What an order comes to: nobody pays less than a currency's smallest unit. Raises `UnreadableError`."""
    total = money_or_none(value, name)
    if total is not None and total % unit_of(currency):
        raise UnreadableError(
            "field_wrong", f"{name} is {total}, and {currency} has no unit smaller than {unit_of(currency)}."
        )
    return total


def rows(value: Any, name: str) -> list[Mapping[str, Any]]:
    """A list of objects; nothing for what is absent. Raises `UnreadableError`."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 1000 or not all(isinstance(item, dict) for item in value):
        raise UnreadableError("field_wrong", f"{name} is no list of objects.")
    return value


def table(value: Any, name: str) -> Mapping[str, Any]:
    """An object; an empty one for what is absent. Raises `UnreadableError`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnreadableError("field_wrong", f"{name} is no object.")
    return value


def attributes(value: Any) -> dict[str, Any]:
    """Attributes of a line: names to texts, integers and booleans; the rest is left out."""
    return {
        name: pair
        for name, pair in list(table(value, "attributes").items())[:50]
        if len(name) <= 100 and not _CONTROL.search(name) and _plain(pair)
    }


def _plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= 500 and "\x00" not in value and not _surrogates(value)
    return isinstance(value, int) and abs(value) < 2**53


def text(value: Any, most: int) -> str:
    """Somebody's words as the database can keep them, cut to length."""
    return "".join(ch for ch in str(value or "") if ch.isprintable() and not "\ud800" <= ch <= "\udfff")[:most].strip()


def guest(email: Any) -> str:
    """A customer without an account: ``guest:`` and SHA-256 of the e-mail address, trimmed, in lower case."""
    if not isinstance(email, str) or "@" not in email or len(email) > 320:
        raise UnreadableError("customer_missing", "The order names neither a customer nor an e-mail address.")
    return hashed(email)


def hashed(name: str) -> str:
    """``guest:`` and SHA-256 of what a shop names a guest by, trimmed, in lower case."""
    return "guest:" + hashlib.sha256(name.strip().lower().encode("utf-8", "replace")).hexdigest()


def is_nobody(email: Any) -> bool:
    """Whether an address is what an eraser writes in place of one: of the domain that names nobody (RFC 2606)."""
    return isinstance(email, str) and email.strip().lower().endswith(".invalid")


def guest_or_none(email: Any) -> str | None:
    """`guest`, or None for what is absent, empty or nobody's."""
    return None if email in (None, "") or is_nobody(email) else guest(email)


def customer(number: Any, email: Any) -> str:
    """The shop's customer: its own number first, else a guest by e-mail."""
    found = ident_or_none(number, "customer id")
    return guest(email) if found is None else found


def _surrogates(value: str) -> bool:
    return any("\ud800" <= ch <= "\udfff" for ch in value)


# --- signatures -------------------------------------------------------------------------------------------------------


def hmac_of(algorithm: str, secret: str | bytes, *parts: bytes) -> bytes:
    """HMAC of the parts one after another."""
    key = secret.encode() if isinstance(secret, str) else secret
    made = hmac.new(key, digestmod=algorithm)
    for part in parts:
        made.update(part)
    return made.digest()


def any_equal(expected: Iterable[bytes], presented: Sequence[bytes]) -> bool:
    """Whether one of the given signatures is one of the expected; takes as long whichever it is."""
    found = False
    for mine in expected:
        for theirs in presented:
            found |= hmac.compare_digest(mine, theirs)
    return found


def fresh(seconds: str, now: datetime) -> bool:
    """Whether a sender's clock, in seconds since 1970, is within the tolerance of ours."""
    if not re.fullmatch(r"\d{1,12}", seconds, re.ASCII):
        return False
    return abs(now.timestamp() - int(seconds)) <= TOLERANCE.total_seconds()
