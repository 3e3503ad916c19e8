"""Signatures: verified against the public libraries, on the raw bytes, with two secrets, within the tolerance."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe as stripe_library
from standardwebhooks import Webhook

from app.connectors.inbound import ADAPTERS
from app.db.secrets import Cipher, SealBroken
from tests.support import shops
from tests.support.chance import altered

BODY = b'{"id": 1, "name": "\xc3\xa4"}'
SIGNERS = {
    "woocommerce": (shops.sign_woo, shops.SECRET),
    "shopify": (shops.sign_shopify, shops.SECRET),
    "stripe": (shops.sign_stripe, shops.SECRET),
    "paddle": (shops.sign_paddle, shops.SECRET),
    "zammad": (shops.sign_zammad, shops.SECRET),
    "zendesk": (shops.sign_zendesk, shops.SECRET),
    "freescout": (shops.sign_freescout, shops.SECRET),
    "chatwoot": (shops.sign_chatwoot, shops.SECRET),
    "freshdesk": (shops.sign_freshdesk, shops.SECRET),
    "purchase": (shops.sign_standard, shops.STANDARD_SECRET),
    "helpdesk": (shops.sign_standard, shops.STANDARD_SECRET),
}
TIMED = ("stripe", "paddle", "purchase", "zendesk", "chatwoot", "helpdesk")
UNSIGNED = ("freshdesk",)
"""Kinds whose senders sign nothing: the secret itself comes in a header."""


def _now() -> datetime:
    """Now, and not when the module was read: a long run would leave the tolerance."""
    return datetime.now(UTC)


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_every_kind_has_a_signer() -> None:
    assert set(SIGNERS) == set(ADAPTERS)


@pytest.mark.parametrize("kind", SIGNERS)
def test_a_signature_holds_for_its_bytes_its_secret_and_the_next_secret_alone(kind: str) -> None:
    sign, secret = SIGNERS[kind]
    other = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=" if secret.startswith("whsec_") else "another secret"
    verify = ADAPTERS[kind].verify
    headers = lower(sign(BODY, secret))
    assert verify(headers, BODY, [secret], _now())
    assert verify(headers, BODY, [other, secret], _now())
    assert not verify(headers, BODY, [other], _now())
    assert verify(headers, BODY + b" ", [secret], _now()) is (kind in UNSIGNED)
    assert verify(headers, BODY[:-1], [secret], _now()) is (kind in UNSIGNED)
    assert not verify({}, BODY, [secret], _now())
    assert not verify(headers, BODY, [], _now())
    for name, value in headers.items():
        if "sign" in name or "hmac" in name or "secret" in name:
            for bad in ("", "x", "=", "v1,", altered(value), "t=,v1=", "ts=1;h1=zz", "\u00e4"):
                assert not verify({**headers, name: bad}, BODY, [secret], _now()), (name, bad)


@pytest.mark.parametrize("kind", TIMED)
def test_a_signature_holds_for_300_seconds(kind: str) -> None:
    sign, secret = SIGNERS[kind]
    at = int(_now().timestamp())
    headers = lower(sign(BODY, secret, at=at))
    moment = datetime.fromtimestamp(at, UTC)
    for seconds, holds in ((-301, False), (-300, True), (0, True), (300, True), (301, False)):
        assert ADAPTERS[kind].verify(headers, BODY, [secret], moment + timedelta(seconds=seconds)) is holds, seconds


def test_the_public_library_signs_what_we_accept() -> None:
    stamp = datetime.now(UTC)
    signed = Webhook(shops.STANDARD_SECRET).sign("msg_x", stamp, BODY.decode())
    headers = {"webhook-id": "msg_x", "webhook-timestamp": str(int(stamp.timestamp())), "webhook-signature": signed}
    Webhook(shops.STANDARD_SECRET).verify(BODY, headers)
    assert ADAPTERS["purchase"].verify(headers, BODY, [shops.STANDARD_SECRET], stamp)
    both = {**headers, "webhook-signature": f"v1a,xx v1,AAAA {signed}"}
    assert ADAPTERS["purchase"].verify(both, BODY, [shops.STANDARD_SECRET], stamp)


def test_the_vendors_library_agrees_about_its_signatures() -> None:
    headers = shops.sign_stripe(BODY, "whsec_test")
    assert stripe_library.WebhookSignature.verify_header(BODY.decode(), headers["Stripe-Signature"], "whsec_test", 300)
    assert ADAPTERS["stripe"].verify(lower(headers), BODY, ["whsec_test"], datetime.now(UTC))
    old = shops.sign_stripe(BODY, "whsec_test", at=int(time.time()) - 400)
    with pytest.raises(stripe_library.SignatureVerificationError):
        stripe_library.WebhookSignature.verify_header(BODY.decode(), old["Stripe-Signature"], "whsec_test", 300)
    assert not ADAPTERS["stripe"].verify(lower(old), BODY, ["whsec_test"], datetime.now(UTC))


def test_woocommerce_unescapes_its_secret_before_it_signs() -> None:
    headers = lower(shops.sign_woo(BODY, "a & b"))
    assert ADAPTERS["woocommerce"].verify(headers, BODY, ["a &amp; b"], _now())


def test_a_sealed_secret_opens_only_where_it_was_sealed() -> None:
    cipher = Cipher("k" * 40)
    sealed = cipher.seal("s3cret", tenant_id="t", subject="source/a")
    assert b"s3cret" not in sealed
    assert cipher.open(sealed, tenant_id="t", subject="source/a") == "s3cret"
    for other, tenant, subject in (
        (Cipher("j" * 40), "t", "source/a"),
        (cipher, "u", "source/a"),
        (cipher, "t", "source/b"),
    ):
        with pytest.raises(SealBroken):
            other.open(sealed, tenant_id=tenant, subject=subject)
    with pytest.raises(SealBroken):
        cipher.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), tenant_id="t", subject="source/a")


@pytest.mark.parametrize("words", ["any:whsec", "whsec:X"])
def test_freshdesk_by_basic_authentication(words: str) -> None:
    verify, now = ADAPTERS["freshdesk"].verify, _now()
    basic = {"authorization": "Basic " + base64.b64encode(words.encode()).decode()}
    assert verify(basic, BODY, ["whsec"], now)
    assert not verify(basic, BODY, ["other"], now)
    assert not verify({"authorization": "Basic " + words}, BODY, ["whsec"], now)
