"""Bind a write to its rehearsal: what was shown, to whom, for which arguments, and for how long.

The rehearsal hands out a value that only this service can make. It is good for the same key, tool and arguments for
ten minutes. The write is done only while it would come to what was shown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.api.auth import Principal
from app.api.problems import Problem

MINUTES: Final = 10
_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A rehearsal: ``nonce`` names it, and ``digest`` says what it came to."""

    nonce: str
    digest: str

    @property
    def key(self) -> str:
        """Return the Idempotency-Key of the write, so that a confirmation acts once."""
        return f"agent-{self.nonce}"

    @classmethod
    def fresh(cls) -> Rehearsal:
        """Return one that has come to nothing yet."""
        return cls(secrets.token_hex(12), "")


def consequences(view: Mapping[str, Any]) -> str:
    """Return a digest of what a write comes to: the ticket's state, price and reasons, and no instants or ids."""
    qualification = view.get("qualification") or {}
    claims = {
        "state": view.get("state"),
        "category": view.get("category"),
        "charge": view.get("charge"),
        "assessments": [
            [quote["number"], quote["credits"], quote["status"], quote.get("clause")]
            for quote in view.get("assessments") or ()
        ],
        "decision": qualification.get("decision"),
        "reasons": [reason["code"] for reason in qualification.get("reasons") or ()],
        "pays": view.get("pay_with"),
    }
    return hashlib.sha256(json.dumps(claims, sort_keys=True, default=str).encode()).hexdigest()[:24]


def seal(
    secret: bytes, caller: Principal, tool: str, arguments: Mapping[str, Any], shown: Rehearsal, now: datetime
) -> str:
    """Return the confirmation of a rehearsal."""
    ends = int((now + timedelta(minutes=MINUTES)).timestamp())
    claims = f"{ends}.{shown.nonce}.{shown.digest}"
    return f"{claims}.{_mac(secret, caller, tool, arguments, claims)}"


def unseal(
    keys: Sequence[bytes], caller: Principal, tool: str, arguments: Mapping[str, Any], confirmation: str, now: datetime
) -> Rehearsal:
    """Return the rehearsal of a confirmation. 422 ``confirmation_invalid``, 409 ``rehearsal_expired``."""
    claims, _, mac = confirmation.rpartition(".")
    parts = claims.split(".")
    if len(confirmation) > _LENGTH_MAX or not confirmation.isascii() or len(parts) != 3:
        raise Problem("confirmation_invalid")
    if not any(hmac.compare_digest(mac, _mac(key, caller, tool, arguments, claims)) for key in keys):
        raise Problem("confirmation_invalid")
    if int(parts[0]) < now.timestamp():
        raise Problem("rehearsal_expired")
    return Rehearsal(parts[1], parts[2])


def _mac(secret: bytes, caller: Principal, tool: str, arguments: Mapping[str, Any], claims: str) -> str:
    bound = json.dumps(["agents", caller.tenant_id, caller.actor, tool, arguments, claims], sort_keys=True)
    mac = hmac.new(secret, bound.encode(), hashlib.sha256).digest()[:18]
    return base64.urlsafe_b64encode(mac).decode()
