"""What strangers write and we parse: cursors, signatures, targets, calendars, imports.

Any text, no fault (decision 0024).
"""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from app.api.fields import parse_day, parse_instant
from app.api.paging import decode_cursor, encode_cursor
from app.api.problems import Problem
from app.api.strict import parse_json
from app.commands.base import CommandError
from app.commands.import_ import Staged
from app.connectors.inbound import ADAPTERS
from app.documents.calendar_document import read_exceptions, read_weekly_hours
from app.documents.feeds import read_feed
from app.documents.zones import zone
from app.domain.clocks.target import InvalidTarget, parse_target
from app.domain.feeds.adapter import Delivery, UnreadableError
from app.domain.values.errors import DomainError

MANY = settings(max_examples=400, deadline=1000)
"""A second for one input is a finding too."""
NOW = datetime(2025, 1, 1, tzinfo=UTC)
SECRET = b"of these tests"
ANY = st.text(max_size=300) | st.text(alphabet="ATZ0123456789:-+.,; PWYMDHS\r\n=\"'", max_size=60)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY, inner, max_size=4), max_leaves=12
)


@MANY
@given(ANY | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_a_cursor_is_ours_or_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        decode_cursor([SECRET], "list", text)
    assert refused.value.code == "cursor_invalid"


@MANY
@given(st.lists(st.text() | st.integers() | st.none(), max_size=4), ANY, st.integers(0, 400), st.integers(0, 7))
def test_a_cursor_comes_back_whole_and_not_with_a_bit_changed(
    key: list[Any], context: str, place: int, bit: int
) -> None:
    given_out = encode_cursor(SECRET, context, key)
    assert decode_cursor([SECRET], context, given_out) == key
    raw = bytearray(base64.urlsafe_b64decode(given_out + "=" * (-len(given_out) % 4)))
    raw[place % len(raw)] ^= 1 << bit
    changed = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    for cursor, where in ((changed, context), (given_out, context + "x")):
        with pytest.raises(Problem):
            decode_cursor([SECRET], where, cursor)


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
@MANY
@given(data=st.data(), body=st.binary(max_size=300), value=ANY)
def test_no_signature_is_taken_that_was_not_made(kind: str, data: st.DataObject, body: bytes, value: str) -> None:
    adapter = ADAPTERS[kind]
    names = (
        "x-wc-webhook-signature",
        "stripe-signature",
        "paddle-signature",
        "x-shopify-hmac-sha256",
        "x-hub-signature",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-wc-webhook-topic",
    )
    shaped = st.sampled_from(
        (
            value,
            f"t={value},v1={'0' * 64}",
            f"ts={value};h1={value}",
            f"sha1={value}",
            f"v1,{value} v1a,{value}",
            f"t={int(NOW.timestamp())},v1={value}",
            str(int(NOW.timestamp())),
            "t=9" + "9" * 400 + ",v1=00",
        )
    )
    headers = data.draw(st.dictionaries(st.sampled_from(names), shaped, max_size=9))
    secrets = ("whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode(), value[:200] or "secret")
    assert adapter.verify(headers, body, secrets, NOW) is False
    adapter.ping(headers, body)
    adapter.identify(headers, body)


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
@MANY
@given(value=VALUES, raw=st.binary(max_size=200), topic=st.none() | ANY)
def test_a_delivery_is_read_or_parked(kind: str, value: Any, raw: bytes, topic: str | None) -> None:
    adapter = ADAPTERS[kind]
    events = (
        "order.paid",
        "checkout.session.completed",
        "charge.refunded",
        "transaction.completed",
        "adjustment.updated",
    )
    wrapped = [{"type": one, "event_type": one, "data": value, "object": value} for one in events]
    inner = [{"type": one, "event_type": one, "data": {"object": value}, "ticket": value} for one in events]
    for body in (raw, *(json.dumps(one).encode() for one in (value, *wrapped, *inner))):
        for told in (topic, "order.updated", "orders/updated", "refunds/create"):
            with contextlib.suppress(UnreadableError):
                adapter.read(Delivery(topic=told, body=body, fetched=None, options={}))
        adapter.identify({}, body)


@MANY
@given(ANY | st.from_regex(r"\A(at|seconds|business_(days|seconds)|rolling):[0-9:TZ+close-]{0,40}\Z"))
@example("at:0001-01-01T00:00:00+14:00")
@example("at:9999-12-31T23:59:59-14:00")
@example("business_days:1:close:close")
@example("seconds:٣")
def test_a_target_is_one_or_is_refused(text: str) -> None:
    with contextlib.suppress(InvalidTarget):
        assert str(parse_target(text))


@MANY
@given(ANY | st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{0,20}(Z|[+-][0-9:]{0,6})\Z"))
@example("0001-01-01T00:00:00+14:00")
def test_an_instant_or_a_day_is_one_or_is_refused(text: str) -> None:
    for reader in (parse_instant, parse_day):
        with contextlib.suppress(PydanticCustomError):
            reader(text)


@MANY
@given(st.binary(max_size=400) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_json_is_strict_and_never_a_fault(raw: bytes) -> None:
    with contextlib.suppress(Problem):
        parse_json(raw)


VALUES = st.sampled_from(
    (
        "20250101",
        "20250101T000000Z",
        "20250101T090000",
        "00010101",
        "99991231T235959",
        "P1D",
        "-P3D",
        "PT25H",
        "FREQ=YEARLY;BYMONTH=0",
        "FREQ=MONTHLY;BYMONTHDAY=-32",
        "FREQ=WEEKLY;BYDAY=9MO",
        "FREQ=YEARLY;INTERVAL=0",
        "FREQ=DAILY;COUNT=0",
        "FREQ=YEARLY;UNTIL=00010101",
        "FREQ=YEARLY;BYSETPOS=400",
        "20250101/P1D",
    )
)


@MANY
@given(
    ANY,
    st.lists(
        st.tuples(
            st.sampled_from(("DTSTART", "DTEND", "SUMMARY", "RRULE", "RDATE", "EXDATE", "DURATION", "RECURRENCE-ID")),
            ANY | VALUES,
        ),
        max_size=6,
    ),
)
@example("", [("DTSTART;VALUE=DATE", "00010101"), ("DTEND;VALUE=DATE", "99991231")])
def test_a_holiday_feed_is_read_or_refused(text: str, lines: list[tuple[str, str]]) -> None:
    event = "".join(f"{name}:{value}\r\n" for name, value in lines)
    feed = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{event}END:VEVENT\r\nEND:VCALENDAR\r\n"
    for one in (text, feed):
        with contextlib.suppress(DomainError):
            draft = read_feed(one.encode("utf-8", "replace"), here=zone("Europe/Berlin"), today=date(2025, 1, 1))
            assert all(date.fromisoformat(row["date"]) for row in draft.exceptions)


DAYS = st.sampled_from(("mon", "tue", "sun", "day"))
HOURS = st.lists(
    st.lists(st.sampled_from(("09:00", "24:00", "00:00", "9:00", "25:00", "", "٠٩:٠٠")), max_size=3), max_size=4
)


@MANY
@given(st.dictionaries(DAYS, HOURS, max_size=4), ANY, HOURS)
def test_hours_and_exceptions_are_taken_or_refused(week: dict[str, Any], day: str, hours: list[Any]) -> None:
    with contextlib.suppress(DomainError):
        read_weekly_hours(week)
    for kind in ("closed", "replace", "add", "subtract"):
        with contextlib.suppress(DomainError):
            read_exceptions([{"date": day if kind == "closed" else "2025-01-31", "kind": kind, "hours": hours}])


NAMES = (
    "kind",
    "customer_id",
    "import_id",
    "credits",
    "granted_at",
    "expires_at",
    "levels",
    "actions",
    "cost_amount",
    "cost_currency",
    "starts_at",
    "ends_at",
    "sku",
    "placed_at",
)
ROWS = st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8), max_size=4)


@MANY
@given(ANY, ROWS, st.none() | st.sampled_from(("customer", "license", "lot", "cover")))
@example('a,b\r\n"', [], None)
@example("a\x00b\r\n", [], "lot")
def test_every_line_of_an_import_is_a_row_or_bad(text: str, rows: list[Any], kind: str | None) -> None:
    lines = "\n".join(json.dumps(one) for one in rows)
    table = ",".join(NAMES) + "\n" + "\n".join(",".join(str(one.get(name, "")) for name in NAMES) for one in rows)
    with tempfile.TemporaryDirectory() as folder:
        for name, given in (("a.csv", text), ("b.csv", table), ("c.jsonl", text), ("d.jsonl", lines)):
            file = Path(folder) / name
            file.write_bytes(given.encode("utf-8", "surrogatepass"))
            with Staged() as staged:
                try:
                    staged.read(str(file), kind)
                except CommandError as error:
                    refused = str(error)
                else:
                    refused = ""
                assert refused == "" or refused.startswith(str(file))
                assert all(message for _, message in staged.bad.first)
                assert all(row.customer_id for rows in staged.by_customer() for row in rows)
