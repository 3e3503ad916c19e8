"""Sources: the shops and helpdesks a tenant listens to, with their secrets sealed."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from app.db.engine import Tx
from app.db.inbound import inbox, sources
from app.db.inbound.sources import SourceRow, opened
from app.db.secrets import Cipher
from app.db.tenants import audit_trail
from app.domain.events.webhook_address import TargetRefused, check_api
from app.domain.values.errors import DomainError
from app.domain.values.paging import Page, PageRequest
from app.domain.values.wire import iso, iso_or_none
from app.views.source import Source, SourceKind, SourceOptions, counts_view

STANDARD: Final = ("purchase", "helpdesk")
"""Kinds signed by Standard Webhooks: their secrets are base64, and one is made where none is given."""


async def put(
    tx: Tx,
    cipher: Cipher,
    name: str,
    *,
    kind: str,
    signing_secrets: Sequence[str] | None,
    products: Mapping[str, Any],
    options: Mapping[str, Any],
    api: Mapping[str, Any] | None,
    new_token: bool = False,
    allow_private: bool = False,
) -> tuple[int, Source]:
    """Makes a source: (201, view with the address, once), or changes it: (200, view).

    ``signing_secrets``: one secret, or two while one replaces the other; None keeps those there are. ``products``: the
    shop's product id, variation id, price id or sku -> ``{"sku", "attributes"}``, or None for what is not
    ours. Changed mappings count from now on and for what is replayed. Refused: ``source_conflict`` (another
    kind), ``secret_missing``, ``secret_malformed``, ``source_address_refused``.
    """
    _check_api(api, allow_private=allow_private)
    before = await sources.find(tx, name, lock=True, deleted=True)
    live = before is not None and before.deleted_at is None
    if before is not None and before.kind != kind:
        raise DomainError("source_conflict", source=name, kind=before.kind)
    held = opened(cipher, tx.tenant_id, before) if before is not None and live else None
    chosen = tuple(signing_secrets) if signing_secrets else (held.secrets if held else ())
    if not chosen:
        if kind not in STANDARD:
            raise DomainError("secret_missing", source=name, field="secret")
        chosen = ("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),)
    if kind in STANDARD:
        for name_ in chosen:
            check_secret(name_)
    sealed = json.dumps({"secrets": list(chosen), "api": dict(api if api is not None else held.api if held else {})})
    fresh = not live or new_token
    token = "rtn_in_" + secrets.token_urlsafe(32) if fresh else None
    digest = sources.token_digest(token) if token is not None else before.token_hash  # type: ignore[union-attr]
    row = SourceRow(
        name=name,
        kind=kind,
        token_hash=digest,
        products=dict(products),
        options=dict(options),
        sealed=cipher.seal(sealed, tenant_id=tx.tenant_id, subject=f"source/{name}"),
        progress={} if before is None else dict(before.progress),
        version=1 if before is None else before.version + 1,
        created_at=tx.at if before is None else before.created_at,
        updated_at=tx.at,
    )
    await sources.put(tx, row, former=None if before is None else before.token_hash)
    await audit_trail.note(
        tx,
        "source.changed" if live else "source.created",
        name,
        {"kind": kind, "new_token": token is not None, "products": len(products)},
    )
    shown = view(row, secrets_stored=len(chosen), has_api=bool(json.loads(sealed)["api"]))
    if not signing_secrets and held is None:
        shown["secret"] = chosen[0]
    if token is not None:
        shown["token"] = token
        shown["path"] = f"/in/{token}"
    return (200 if live else 201), shown


def _check_api(api: Mapping[str, Any] | None, *, allow_private: bool) -> None:
    base = (api or {}).get("base_url")
    if base is None:
        return
    try:
        check_api(base, allow_private=allow_private)
    except TargetRefused as refused:
        raise DomainError("source_address_refused", field="api/base_url", message=str(refused)) from None


def check_secret(secret: str) -> None:
    """Refuses what is no Standard Webhooks secret: ``whsec_`` and base64 of 16 to 128 bytes."""
    text = secret.removeprefix("whsec_")
    try:
        size = len(base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), validate=True))
    except ValueError:
        size = 0
    if not 16 <= size <= 128:
        raise DomainError(
            "secret_malformed",
            field="secret",
            message="A Standard Webhooks secret is whsec_ and base64 of 16 to 128 bytes.",
        )


async def listed(tx: Tx, cipher: Cipher, part: PageRequest) -> Page[Source]:
    """A part of the sources, by name, with how many deliveries are in which state."""
    rows, more = await sources.page(tx, part)
    counts = await inbox.counts(tx)
    found = []
    for row in rows:
        source = opened(cipher, tx.tenant_id, row)
        row_ = counts.get(row.name, {"states": {}, "latest": None})
        shown = view(row, secrets_stored=len(source.secrets), has_api=bool(source.api))
        shown["deliveries"] = counts_view(row_["states"])
        shown["last_delivery_at"] = iso_or_none(row_["latest"])
        found.append(shown)
    return part.page_of(rows, more, found, lambda row: [row.name])


async def remove(tx: Tx, name: str) -> Source:
    """Stops listening; the address opens nothing any more. Deliveries stay. 404 ``source_not_found``."""
    row = await sources.require(tx, name, lock=True)
    await sources.remove(tx, row)
    await audit_trail.note(tx, "source.deleted", name)
    return {**view(replace(row, deleted_at=tx.at), secrets_stored=0, has_api=False), "deleted_at": iso(tx.at)}


def view(row: SourceRow, *, secrets_stored: int, has_api: bool) -> Source:
    """Return a source as published: never a secret, the token only when it is made."""
    return {
        "name": row.name,
        "kind": cast(SourceKind, row.kind),
        "products": dict(row.products),
        "options": cast(SourceOptions, dict(row.options)),
        "secrets": secrets_stored,
        "api": has_api,
        "version": row.version,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }
